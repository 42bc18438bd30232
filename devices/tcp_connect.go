package devices

import (
	"net/netip"
	"time"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/vfs"
)

// Connect begins a connection, and waits for it unless the description does not block; a second call asks how it went. An
// address of AF_UNSPEC ends one. Models inet_stream_connect.
func (t *Tcp) Connect(f *vfs.File, addr abi.Sockaddr) abi.Errno {
	enter(t.m, "inet_stream_connect")
	t.lockSock()
	errno := t.streamConnect(addr, socketDeadline(t.m, waitFlags(f), t.options().sndtimeo))
	t.releaseSock()
	leave(t.m, "inet_stream_connect")
	return errno
}

// streamConnect models __inet_stream_connect.
func (t *Tcp) streamConnect(addr abi.Sockaddr, deadline int64) abi.Errno {
	if addr.Family == abi.AF_UNSPEC {
		t.disconnect()
		t.conn = ssUnconnected
		return 0
	}
	errno := abi.EALREADY
	switch t.conn {
	case ssConnected:
		return abi.EISCONN
	case ssDisconnecting:
		return abi.EINVAL
	case ssUnconnected:
		if t.state != inetClose {
			return abi.EISCONN
		}
		if errno := t.tcpConnect(addr); errno != 0 {
			return errno
		}
		t.conn = ssConnecting
		errno = abi.EINPROGRESS
	}
	if t.state.in(inetSynSent, inetSynRecv) {
		if deadline == noWait || !t.waitForConnect(deadline) {
			return errno
		}
		if t.m.Current().SignalPending() {
			return interruptedWait(deadline)
		}
	}
	if t.state == inetClose {
		if errno = t.takeErr(); errno == 0 {
			errno = abi.ECONNABORTED
		}
		t.conn = ssUnconnected
		t.disconnect()
		return errno
	}
	t.conn = ssConnected
	return 0
}

// fastOpen connects before something is sent. The SYN carries no data: nobody here gives out the cookie that it would take, as
// no server does that net.ipv4.tcp_fastopen does not allow to. Models tcp_sendmsg_fastopen.
func (t *Tcp) fastOpen(msg *Msg, deadline int64) abi.Errno {
	switch {
	case msg.Name == nil && t.conn == ssUnconnected && t.state == inetClose:
		return abi.EINVAL
	case msg.Name == nil:
		return t.streamConnect(abi.Sockaddr{Family: abi.AF_INET}, deadline)
	case msg.Name.Family == abi.AF_UNSPEC:
		return abi.EOPNOTSUPP
	}
	return t.streamConnect(*msg.Name, deadline)
}

// waitForConnect sleeps until the connection is there, or will not be; false: the time is over. Models
// inet_wait_for_connect.
func (t *Tcp) waitForConnect(deadline int64) bool {
	task := t.m.Current()
	e := t.net.sleepers.get(task, 0)
	defer t.net.endSleep(&t.wq, e)
	for t.state.in(inetSynSent, inetSynRecv) {
		t.sleep(e, deadline, "connect")
		if task.SignalPending() {
			return true
		}
		if !mayWait(t.m, deadline) {
			return false
		}
	}
	return true
}

// tcpConnect chooses a route and a port, and sends a SYN. Models tcp_v4_connect, tcp_v6_connect and tcp_connect.
func (t *Tcp) tcpConnect(addr abi.Sockaddr) abi.Errno {
	to, errno := t.given(addr)
	if errno != 0 {
		return errno
	}
	dst, src, errno := t.routed(to)
	if errno != 0 {
		return errno
	}
	t.m.Write(t.id, fieldSaddr)
	t.source = src
	if t.local.Addr().IsUnspecified() {
		t.local = netip.AddrPortFrom(src, t.local.Port())
	}
	t.m.Write(t.id, fieldDaddr)
	t.remote = dst
	t.setState(inetSynSent)
	if !t.hashConnect() {
		t.setState(inetClose)
		t.resetUnasked()
		t.remote = netip.AddrPort{}
		return abi.EADDRNOTAVAIL
	}
	t.setErr(0)
	t.done = false
	t.startSequence()
	t.initialWindow(t.advMss() + timestamps)
	s := t.net.newSkb(0, 0)
	s.syn, s.end = true, 1
	t.addWmem(s.cost)
	t.rtxQueue.push(s)
	s.packets = 1
	t.packets++
	t.sndNxt, t.writeSeq, t.pushedSeq, t.sndUp = 1, 1, 1, 1
	t.transmit(s)
	t.startWriteTimer(synTimeout)
	return 0
}

// startSequence begins both streams anew.
func (t *Tcp) startSequence() {
	t.sndUna, t.sndNxt, t.writeSeq, t.sndUp, t.sndSml, t.pushedSeq = 0, 0, 0, 0, 0, 0
	t.sndWl1 = 0
	t.sndWnd, t.maxWindow, t.cwnd, t.mss = 0, 0, tcpInitCwnd, int32(t.fullMss())
	t.rcvNxt, t.rcvWup, t.copiedSeq, t.urgSeq, t.rcvq = 0, 0, 0, 0, nil
	t.initRcvMss()
}

// initRcvMss models tcp_initialize_rcv_mss.
func (t *Tcp) initRcvMss() {
	hint := min(int64(t.mss), tcpMssDefault)
	if t.rcvWnd > 0 {
		hint = min(hint, t.rcvWnd/2)
	}
	t.rcvMss = int32(max(hint, tcpMssMin))
}

// hashConnect gives t a port, if it has none, that makes the connection the only one of its addresses. Models
// inet_hash_connect.
func (t *Tcp) hashConnect() bool {
	if t.port != nil {
		return t.hash()
	}
	p := t.ports
	p.lock.Lock()
	defer p.lock.Unlock()
	number := p.choose(0, func(number uint16) bool {
		port := p.byPort[number]
		if port != nil && !port.byConnect {
			return false
		}
		t.local = netip.AddrPortFrom(t.local.Addr(), number)
		return port == nil || t.net.established[t.tuple()] == nil
	})
	if number == 0 {
		t.local = netip.AddrPortFrom(t.local.Addr(), 0)
		return false
	}
	t.local = netip.AddrPortFrom(t.local.Addr(), number)
	fresh := p.byPort[number] == nil
	p.take(&t.inetSock, number)
	if fresh {
		t.port.byConnect = true
	}
	return t.hash()
}

// rcvSynSent handles the answer to a SYN. Models tcp_rcv_synsent_state_process.
func (t *Tcp) rcvSynSent(p *tcpPacket) {
	switch {
	case p.flags&flagAck != 0 && (p.ack <= t.sndUna || p.ack > t.sndNxt):
		t.net.sendReset(p)
	case p.flags&flagRst != 0 && p.flags&flagAck != 0:
		t.reset()
	case p.flags&(flagSyn|flagRst) != flagSyn:
	case p.flags&flagAck == 0:
		t.simultaneousOpen(p)
	default:
		t.peer = p.from
		t.rcvNxt = p.seq + 1
		t.rcvWup, t.copiedSeq, t.tsRecent = t.rcvNxt, t.rcvNxt, p.stamp
		t.ack(p)
		t.finishConnect()
		t.unforeseen = true
		if !t.dead {
			t.stateChange()
		}
		if t.pingpong == 0 && t.kept(abi.TCP_DEFER_ACCEPT) == 0 {
			t.sendAck()
			return
		}
		t.ackPending |= ackSched | ackTimer // it may ride on data
		t.incrQuickack()
		t.pingpong, t.ato = 0, atoMin
		t.timersOf().delack.Start(t.m.Now() + delackMax)
	}
}

// finishConnect: the connection is there. Models tcp_finish_connect.
func (t *Tcp) finishConnect() {
	t.stopWriteTimer()
	t.timers = nil // most connections need none for long
	t.setState(inetEstablished)
	t.lrcvtime = t.m.Now()
	t.cwnd, t.delivered = tcpInitCwnd, 1
	t.syncMss()
	t.initRcvMss()
	t.initWindowClamp()
	t.expandSndbuf()
}

// expandSndbuf makes the send buffer large enough for a few full segments, unless its size was asked for. Models
// tcp_sndbuf_expand.
func (t *Tcp) expandSndbuf() {
	if t.options().bufLock&sndbufLock != 0 {
		return
	}
	size := int64(tcpSndbufFactor) * int64(max(t.cwnd, tcpInitCwnd)) * tcpFullSkbCost
	if size = min(size, tcpWmemMax); size > int64(t.sndbuf) {
		t.m.Write(t.id, fieldSndbuf)
		t.sndbuf = int32(size)
	}
}

// tcpSndbufFactor is how much of the congestion window the send buffer holds: BBR's; that of others is 2.
const tcpSndbufFactor = 3

// simultaneousOpen: the other side connects too, or the socket to itself.
func (t *Tcp) simultaneousOpen(p *tcpPacket) {
	t.peer = p.from
	t.setState(inetSynRecv)
	t.rcvNxt = p.seq + 1
	t.rcvWup, t.copiedSeq, t.tsRecent = t.rcvNxt, t.rcvNxt, p.stamp
	t.sndWnd, t.maxWindow = p.window, p.window
	t.sendSynAck()
}

// sendSynAck answers a SYN.
func (t *Tcp) sendSynAck() {
	r := t.packet(flagSyn | flagAck)
	r.seq, r.end = 0, 1
	t.net.send(r)
}

const synTimeout = int64(time.Second) // TCP_TIMEOUT_INIT
