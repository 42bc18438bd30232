package devices

import (
	"net/netip"
	"time"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/internal/list"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
	"github.com/epollsim/epollsim/waitqueue"
)

// Shutdown shuts one direction or both. Everybody is woken each time, though nothing may have changed, and without a
// connection too. A listener shut for reading is none any more. Models inet_shutdown.
func (t *Tcp) Shutdown(_ *vfs.File, how int) (errno abi.Errno) {
	if how < abi.SHUT_RD || how > abi.SHUT_RDWR {
		return abi.EINVAL
	}
	enter(t.m, "inet_shutdown")
	mode := uint8(how + 1)
	t.lockSock()
	if t.conn == ssConnecting {
		t.conn = ssConnected
		if t.state.in(inetSynSent, inetSynRecv, inetClose) {
			t.conn = ssDisconnecting
		}
	}
	switch {
	case t.state == inetListen && mode&rcvShutdown == 0:
	case t.state == inetListen, t.state == inetSynSent:
		t.disconnect()
		t.conn = ssUnconnected
	default:
		if t.state == inetClose {
			errno = abi.ENOTCONN
		}
		t.setShutdown(t.shutdown | mode)
		if mode&sendShutdown != 0 && t.state.in(inetEstablished, inetCloseWait) && t.closeState() {
			t.sendFin()
		}
	}
	t.stateChange()
	t.releaseSock()
	leave(t.m, "inet_shutdown")
	return errno
}

// closeState moves to the state of who will send no more; true: that is to be told. Models tcp_close_state.
func (t *Tcp) closeState() bool {
	switch t.state {
	case inetEstablished, inetSynRecv:
		t.setState(inetFinWait1)
		return true
	case inetCloseWait:
		t.setState(inetLastAck)
		return true
	case inetSynSent:
		t.setState(inetClose)
	}
	return false
}

// disconnect ends a connection, an attempt, or listening, and makes t a fresh socket, with an error pending if there was a
// connection. Models tcp_disconnect.
func (t *Tcp) disconnect() {
	old := t.state
	if old == inetListen {
		t.setState(inetClose)
		t.stopListening()
	} else if old.in(inetEstablished, inetCloseWait, inetFinWait1, inetFinWait2, inetSynRecv) ||
		old.in(inetClosing, inetLastAck) && t.sndNxt != t.writeSeq {
		t.sendActiveReset()
		t.setErr(abi.ECONNRESET)
	} else if old == inetSynSent {
		t.setErr(abi.ECONNRESET)
	}
	if old != inetClose {
		t.setState(inetClose)
	}
	t.stopTimers()
	t.purgeReceiveQueue()
	t.m.Write(t.id, fieldCopied)
	t.copiedSeq = t.rcvNxt
	t.setUrg(0)
	t.purgeWriteQueue()
	t.m.Write(t.id, fieldDaddr)
	t.remote = noAddrPort
	t.resetUnasked()
	t.setShutdown(0)
	t.done = false
	t.ackPending, t.quick, t.pingpong, t.ato, t.deferred = 0, 0, 0, 0, 0
	t.windowClamp, t.lastSegSize = 0, 0
	t.peer = nil
	t.m.Write(t.id, fieldSndNxt)
	t.writeSeq += t.maxWindow + 2 // SIOCOUTQ tells
	t.mss, t.cwnd, t.delivered = tcpMssDefault, tcpInitCwnd, 0
	t.reportErr()
}

// Release closes the socket: with SO_LINGER it may wait for what was sent to be acknowledged.
func (t *Tcp) Release(*vfs.File) {
	enter(t.m, "tcp_close")
	timeout := int64(0)
	o := t.options()
	if o.linger[0] != 0 {
		timeout = int64(o.linger[1]) * int64(time.Second)
	}
	t.lockSock()
	t.close(o.linger[0] != 0, timeout)
	t.releaseSock()
	leave(t.m, "tcp_close")
}

// close ends what the program has of t. What was not read makes it a reset; else a FIN goes out, and t goes on without a
// description until it is acknowledged. Models __tcp_close.
func (t *Tcp) close(linger bool, timeout int64) {
	t.setShutdown(shutdownMask)
	unread := false
	switch {
	case t.state == inetListen:
		t.setState(inetClose)
		t.stopListening()
	default:
		for t.receiveQueue.first != nil {
			s := t.receiveQueue.pop()
			end := s.end
			if s.fin {
				end--
			}
			unread = unread || end > t.copiedSeq
			t.net.freeSkb(s)
		}
		t.rmem = 0
		switch {
		case t.state == inetClose:
		case unread:
			t.sendActiveReset()
			t.setState(inetClose)
		case linger && timeout == 0:
			t.disconnect()
		case t.closeState():
			t.sendFin()
		}
		t.waitClose(timeout)
	}
	t.orphan()
}

// waitClose waits until the FIN is acknowledged: sk_stream_wait_close.
func (t *Tcp) waitClose(timeout int64) {
	if timeout == 0 || !t.state.in(inetFinWait1, inetClosing, inetLastAck) {
		return
	}
	task := t.m.Current()
	if task == nil {
		return
	}
	deadline := t.m.Now() + timeout
	e := t.net.sleepers.get(task, 0)
	for t.state.in(inetFinWait1, inetClosing, inetLastAck) && mayWait(t.m, deadline) && !task.SignalPending() {
		t.sleep(e, deadline, "linger")
	}
	t.net.endSleep(&t.wq, e)
}

// orphan: t has no description any more. What is left of it ends by itself. Models the end of __tcp_close.
func (t *Tcp) orphan() {
	state := t.state
	t.m.Write(t.id, fieldWq)
	t.dead = true
	t.net.bhDisable()
	t.flushBacklog()
	switch {
	case state != inetClose && t.state == inetClose: // ended by what was in the backlog
	case t.state == inetFinWait2 && t.finTime() < 0:
		t.sendActiveReset()
		t.setState(inetClose)
		t.destroy()
	case t.state == inetFinWait2:
		t.timeWaitFor(inetFinWait2)
	case t.state == inetClose:
		t.destroy()
	}
	t.net.bhEnable()
}

// tcpTimeWait stands for a connection whose socket is gone: for a minute its addresses are not given to another. Models
// struct inet_timewait_sock.
type tcpTimeWait struct {
	inetSock
	substate       inetState // inetFinWait2: the FIN of the peer has not come
	rcvNxt, sndNxt int64
	timer          sim.Timer
	link           list.Node[tcpTimeWait] // among net.timeWaits
}

const timeWaitLen = int64(60 * time.Second) // TCP_TIMEWAIT_LEN, net.ipv4.tcp_fin_timeout

// timeWaitFor ends the socket t; a tcpTimeWait takes its place, complete before a packet can find it. Models tcp_time_wait.
func (t *Tcp) timeWaitFor(substate inetState) {
	w := &tcpTimeWait{inetSock: t.inetSock, substate: substate, rcvNxt: t.rcvNxt, sndNxt: t.sndNxt}
	w.tcp, w.timeWait = nil, w
	w.port, w.portPrev, w.portNext = nil, nil, nil
	w.state = inetTimeWait
	w.timer.Init(t.m, timeWaitExpired)
	w.timer.Owner = w
	n := t.net
	n.bound(w)
	if t.port != nil {
		n.tcp.lock.Lock()
		n.tcp.take(&w.inetSock, t.port.number)
		n.tcp.lock.Unlock()
	}
	length := timeWaitLen
	if substate == inetFinWait2 {
		length = t.finTime()
	}
	n.ehash.Lock()
	w.timer.Start(t.m.Now() + length)
	if t.hashed {
		t.m.Write(t.id, fieldHash)
		n.established[t.tuple()] = &w.inetSock
		t.hashed = false
	}
	n.ehash.Unlock()
	t.doneSock()
}

// bound lets the oldest TIME_WAIT make room for w.
func (n *InetNet) bound(w *tcpTimeWait) {
	if n.MaxTimeWait == 0 {
		return
	}
	n.timeWaits.PushBack(&w.link, w)
	if n.timeWaiting++; n.timeWaiting > n.MaxTimeWait {
		n.timeWaits.Front().end()
	}
}

func timeWaitExpired(tm *sim.Timer) { tm.Owner.(*tcpTimeWait).end() }

// end frees the addresses: inet_twsk_kill.
func (w *tcpTimeWait) end() {
	n := w.net
	w.timer.TryCancel()
	if w.link.Linked() {
		w.link.Unlink()
		n.timeWaiting--
	}
	n.ehash.Lock()
	if key := w.tuple(); n.established[key] == &w.inetSock {
		delete(n.established, key)
	}
	n.ehash.Unlock()
	n.tcp.release(&w.inetSock)
}

// receive handles a packet for a connection that is over. Models tcp_timewait_state_process.
func (w *tcpTimeWait) receive(p *tcpPacket) {
	n := w.net
	defer n.freePacket(p)
	switch {
	case p.flags&flagRst != 0:
		w.end()
	case p.flags&flagSyn != 0 && p.flags&flagAck == 0:
		if l := n.findListener(p); l != nil {
			w.end()
			syn := *p
			syn.skb, syn.next = nil, nil
			l.receiveSyn(n.newPacket(&syn))
			return
		}
		n.sendReset(p)
	case w.substate == inetFinWait2:
		if p.end == p.seq || p.end <= w.rcvNxt {
			return
		}
		if p.flags&flagFin == 0 || p.end != w.rcvNxt+1 {
			n.sendReset(p)
			w.end()
			return
		}
		w.substate, w.rcvNxt = inetTimeWait, p.end
		w.timer.Start(w.m.Now() + timeWaitLen)
		w.sendAck()
	case p.end > p.seq:
		w.sendAck()
	}
}

func (w *tcpTimeWait) sendAck() {
	w.net.send(w.net.newPacket(&tcpPacket{
		src: netip.AddrPortFrom(w.source, w.local.Port()), dst: w.remote, flags: flagAck, seq: w.sndNxt, end: w.sndNxt, ack: w.rcvNxt,
	}))
}

// endSleep takes the entry off h and back: finish_wait.
func (n *InetNet) endSleep(h *waitqueue.Head, e *waitqueue.Entry) {
	h.FinishWait(e)
	n.sleepers.put(e)
}
