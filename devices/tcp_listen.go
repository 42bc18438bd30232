package devices

import (
	"net/netip"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
	"github.com/epollsim/epollsim/waitqueue"
)

// tcpListen is what a listener has in addition: the queue of connections that wait to be accepted. Models struct
// request_sock_queue.
type tcpListen struct {
	lock        sim.Spinlock
	first, last *Tcp
	len         int32 // sk_ack_backlog
	backlog     int32 // sk_max_ack_backlog
}

// Listen makes t take connections. Models inet_listen.
func (t *Tcp) Listen(_ *vfs.File, backlog int) abi.Errno {
	if uint32(backlog) > somaxconn {
		backlog = somaxconn
	}
	t.lockSock()
	defer t.releaseSock()
	if t.conn != ssUnconnected || !t.state.in(inetClose, inetListen) {
		return abi.EINVAL
	}
	t.listen().backlog = int32(backlog)
	if t.state == inetListen {
		return 0
	}
	t.setState(inetListen)
	number := uint16(0)
	if t.port != nil {
		number = t.port.number
	}
	if errno := t.getPort(number, t.bindConflict); errno != 0 {
		t.m.Write(t.id, fieldSkState)
		t.state = inetClose // the port stays
		return abi.EADDRINUSE
	}
	t.ports.changes(t.port.number)
	t.port.listeners = append(t.port.listeners, t)
	return 0
}

func (t *Tcp) listen() *tcpListen {
	if t.listener == nil {
		t.listener = &tcpListen{}
		t.listener.lock.Init(t.m, classTcpAccept)
	}
	return t.listener
}

// acceptQueueFull: backlog+1 connections wait. Models sk_acceptq_is_full.
func (t *Tcp) acceptQueueFull() bool {
	t.m.Read(t.id, fieldAcceptQ)
	return t.listener.len > t.listener.backlog
}

// receiveSyn makes a child for a SYN and answers, unless too many wait already: then the client may try again. Another
// packet than a SYN is refused. Models tcp_conn_request with tcp_v4_syn_recv_sock; the child stands for the request too.
func (t *Tcp) receiveSyn(p *tcpPacket) {
	n := t.net
	defer n.freePacket(p)
	switch {
	case p.flags&flagRst != 0:
		return
	case p.flags&flagAck != 0:
		n.sendReset(p)
		return
	case p.flags&flagSyn == 0, p.flags&flagFin != 0, t.acceptQueueFull():
		return
	}
	c := n.newTcp(int(t.family))
	c.reuse, c.reuseport, c.v6only = t.reuse, t.reuseport, t.v6only
	c.byBind, c.addrLock = t.byBind, t.addrLock
	c.local, c.source, c.remote = p.dst, p.dst.Addr(), p.src
	c.sndbuf, c.rcvbuf, c.rcvlowat, c.nagle = t.sndbuf, t.rcvbuf, t.rcvlowat, t.nagle
	c.shutdown = t.shutdown
	c.opts, c.userMss = t.opts.inherited(), t.userMss
	c.conn, c.parent, c.peer = ssConnected, t, p.from
	c.state = inetSynRecv
	c.startSequence()
	c.rcvNxt, c.rcvWup, c.copiedSeq, c.tsRecent = 1, 1, 1, p.stamp
	c.sndNxt, c.writeSeq, c.pushedSeq, c.sndUp, c.sndSml = 1, 1, 1, 1, 1
	c.initialWindow(c.advMss())
	n.tcp.lock.Lock()
	n.tcp.take(&c.inetSock, p.dst.Port())
	n.tcp.lock.Unlock()
	if !c.hash() {
		c.dead = true
		c.destroy()
		return
	}
	c.sendSynAck()
}

// establishChild handles the ACK that completes a connection: the child waits to be accepted, and the listener is told. A
// listener that has closed meanwhile has taken the child with it. Models tcp_check_req and tcp_child_process.
func (t *Tcp) establishChild(p *tcpPacket) bool {
	parent := t.parent
	if parent != nil && parent.state != inetListen {
		t.forget()
		t.net.sendReset(p)
		return false
	}
	if parent != nil && p.end == p.seq && t.defers(parent) {
		return false
	}
	t.ack(p)
	t.finishConnect()
	if parent == nil { // of a simultaneous open
		if !t.dead {
			t.stateChange()
		}
		t.sendEarlyFin()
		return true
	}
	l := parent.listener
	l.lock.Lock()
	if l.last != nil {
		l.last.next = t
	} else {
		l.first = t
	}
	l.last = t
	parent.setAcceptLen(l.len + 1)
	l.lock.Unlock()
	t.sendEarlyFin() // the listener was shut before it listened
	if !parent.dead {
		parent.dataReadyAlways()
	}
	return true
}

// sendEarlyFin: t was shut before there was a connection.
func (t *Tcp) sendEarlyFin() {
	if t.shutdown&sendShutdown != 0 && t.closeState() {
		t.sendFin()
	}
}

// forget ends a child that nobody knows of.
func (t *Tcp) forget() {
	t.dead, t.parent = true, nil
	t.setState(inetClose)
	t.destroy()
}

func (t *Tcp) setAcceptLen(n int32) {
	t.m.Write(t.id, fieldAcceptQ)
	changed(t.m, t.id, "connections", uint64(t.listener.len), uint64(n))
	t.listener.len = n
}

// NextChild returns the address of the peer whose connection a listener would give next; false if there is none. It is no
// step.
func (t *Tcp) NextChild() (netip.AddrPort, bool) {
	if t.listener == nil || t.listener.first == nil {
		return netip.AddrPort{}, false
	}
	return t.listener.first.remote, true
}

// takeChild takes the oldest connection, nil if there is none: reqsk_queue_remove.
func (t *Tcp) takeChild() *Tcp {
	l := t.listener
	l.lock.Lock()
	c := l.first
	if c != nil {
		if l.first = c.next; l.first == nil {
			l.last = nil
		}
		c.next = nil
		t.setAcceptLen(l.len - 1)
	}
	l.lock.Unlock()
	return c
}

// Accept takes the oldest connection, sleeping for one, first come, first served. Models inet_csk_accept.
func (t *Tcp) Accept(f *vfs.File, flags int) (*vfs.File, abi.Errno) {
	enter(t.m, "inet_csk_accept")
	t.lockSock()
	c, errno := t.accept(socketDeadline(t.m, waitFlags(f), t.options().rcvtimeo))
	t.releaseSock()
	leave(t.m, "inet_csk_accept")
	if errno != 0 {
		return nil, errno
	}
	c.lockSock()
	c.parent = nil
	c.dead = false
	c.releaseSock()
	return t.net.file(c, flags), 0
}

func (t *Tcp) accept(deadline int64) (*Tcp, abi.Errno) {
	if t.state != inetListen {
		return nil, abi.EINVAL
	}
	if t.listener.first == nil {
		if deadline == noWait {
			return nil, abi.EAGAIN
		}
		if errno := t.waitForChild(deadline); errno != 0 {
			return nil, errno
		}
	}
	return t.takeChild(), 0
}

// waitForChild models inet_csk_wait_for_connect.
func (t *Tcp) waitForChild(deadline int64) abi.Errno {
	task := t.m.Current()
	e := t.net.sleepers.get(task, waitqueue.Exclusive)
	defer t.net.endSleep(&t.wq, e)
	for {
		prepareToWait(&t.wq, e)
		t.releaseSock()
		t.m.Read(t.id, fieldAcceptQ)
		if t.listener.first == nil {
			task.ScheduleTimeout(deadline, "accept", t.id)
		}
		t.lockSock()
		switch {
		case t.listener.first != nil:
			return 0
		case t.state != inetListen:
			return abi.EINVAL
		case task.SignalPending():
			return interruptedWait(deadline)
		case !mayWait(t.m, deadline):
			return abi.EAGAIN
		}
	}
}

// stopListening ends the connections that nobody will accept. Models inet_csk_listen_stop.
func (t *Tcp) stopListening() {
	for c := t.takeChild(); c != nil; c = t.takeChild() {
		c.lockSock()
		c.dead, c.parent = true, nil
		c.disconnect()
		c.releaseSock()
		c.destroy()
	}
}

// resetUnasked takes an address away that bind did not give: inet_bhash2_reset_saddr.
func (t *Tcp) resetUnasked() {
	if !t.addrLock {
		t.resetLocal()
	}
}

var noAddrPort netip.AddrPort
