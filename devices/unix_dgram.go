package devices

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/waitqueue"
)

// sendSeqpacket sends a record, which needs a connection. No SIGPIPE. Models unix_seqpacket_sendmsg.
func (u *Unix) sendSeqpacket(msg *Msg) (int, abi.Errno) {
	if errno := u.takeErr(); errno != 0 {
		return 0, errno
	}
	if u.readState() != unixEstablished {
		return 0, abi.ENOTCONN
	}
	msg.Name = nil
	return u.sendDgram(msg)
}

// sendDgram sends a message to an address, or to the peer. The message is made before anything is known of whom it goes
// to; when it is freed again, u is told that it may write. Models unix_dgram_sendmsg.
func (u *Unix) sendDgram(msg *Msg) (int, abi.Errno) {
	if errno := msg.takeRights(); errno != 0 {
		return 0, errno
	}
	n, errno := u.sendDatagram(msg)
	msg.putRights()
	return n, errno
}

func (u *Unix) sendDatagram(msg *Msg) (int, abi.Errno) {
	n := len(msg.Data)
	if msg.Flags&abi.MSG_OOB != 0 {
		return 0, abi.EOPNOTSUPP
	}
	if msg.Name != nil {
		if errno := validUnixAddr(*msg.Name); errno != 0 {
			return 0, errno
		}
	}
	u.m.Read(u.id, fieldSndbuf)
	if n > int(u.sndbuf)-32 {
		return 0, abi.EMSGSIZE
	}
	deadline := socketDeadline(u.m, msg.Flags, u.sndtimeo())
	s, errno := u.alloc(n, dgramPages(n), deadline)
	if errno != 0 {
		return 0, errno
	}
	u.net.attach(s, msg)
	copy(s.data, msg.Data)
	if errno := u.deliver(s, msg.Name, deadline); errno != 0 {
		u.net.release(s)
		return 0, errno
	}
	return n, 0
}

// deliver puts s into the queue of to, or of the peer if that is nil, and sleeps while it is full – unless the receiver is
// connected to u, or is u itself.
func (u *Unix) deliver(s *unixMessage, to *abi.Sockaddr, deadline int64) abi.Errno {
	for {
		var other *Unix
		if to == nil {
			if other = u.peerGet(); other == nil {
				return abi.ENOTCONN
			}
		} else {
			var errno abi.Errno
			if other, errno = u.net.find(*to, u.kind); errno != 0 {
				return errno
			}
		}
		errno, again := u.deliverTo(other, s, to != nil, deadline)
		other.put()
		if !again {
			return errno
		}
	}
}

// deliverTo is deliver for one receiver; again: it has died, and its name may belong to another by now.
func (u *Unix) deliverTo(other *Unix, s *unixMessage, named bool, deadline int64) (errno abi.Errno, again bool) {
	both := false // u is locked too
	other.lock.Lock()
	for {
		if p := other.peer; p != nil && p != u {
			errno = abi.EPERM
			break
		}
		if other.dead {
			other.lock.Unlock()
			return u.peerDied(other, named, both)
		}
		if other.shutdown&rcvShutdown != 0 {
			errno = abi.EPIPE
			break
		}
		if other == u || other.peer == u || !other.full() {
			if both {
				u.lock.Unlock()
			}
			other.pushLocking(s)
			other.lock.Unlock()
			other.dataReady()
			return 0, false
		}
		if mayWait(u.m, deadline) {
			u.waitForPeer(other, deadline)
			if u.m.Current().SignalPending() {
				return interruptedWait(deadline), false
			}
			other.lock.Lock()
			continue
		}
		if !both {
			other.lock.Unlock()
			lockBoth(u, other)
			both = true
		}
		if u.peer != other || u.peerWakeMe(other) {
			errno = abi.EAGAIN
			break
		}
	}
	if both {
		u.lock.Unlock()
	}
	other.lock.Unlock()
	return errno, false
}

// peerDied ends a send to a socket that is closed already. It was the peer: the first send tells, and disconnects.
func (u *Unix) peerDied(other *Unix, named, locked bool) (errno abi.Errno, again bool) {
	if u.kind == abi.SOCK_SEQPACKET {
		if locked {
			u.lock.Unlock()
		}
		return abi.EPIPE, false
	}
	if !locked {
		u.lock.Lock()
	}
	if u.peer == other {
		u.setPeer(nil)
		u.peerWakeDisconnectWakeup(other)
		u.setState(unixClose)
		u.lock.Unlock()
		u.disconnected(other)
		other.put()
		return abi.ECONNREFUSED, false
	}
	u.lock.Unlock()
	if !named {
		return abi.ECONNRESET, false
	}
	return 0, true
}

// disconnected throws away what came from a peer that is none any more, and tells it if it still is connected to u.
// Models unix_dgram_disconnected.
func (u *Unix) disconnected(other *Unix) {
	u.m.Read(u.id, fieldQueue)
	if u.queue.len == 0 {
		return
	}
	for s := u.takeAll(); s != nil; {
		next := s.next
		s.next, s.prev = nil, nil
		u.net.release(s)
		s = next
	}
	u.peers.wait.WakeUpInterruptibleAll()
	if !other.readDead() && other.readPeer() == u {
		other.setErr(abi.ECONNRESET)
		other.reportErr()
	}
}

// takeAll empties the queue and returns what was in it, linked by next: skb_queue_splice_init.
func (u *Unix) takeAll() *unixMessage {
	u.queue.lock.Lock()
	u.m.Write(u.id, fieldQueue)
	q := &u.queue
	first := q.first
	for s := first; s != nil; s = s.next {
		s.queued = false
	}
	u.noteQueue(q.len, 0)
	u.net.transit += q.len
	q.first, q.last, q.len = nil, nil, 0
	u.queue.lock.Unlock()
	return first
}

// recvSeqpacket models unix_seqpacket_recvmsg.
func (u *Unix) recvSeqpacket(msg *Msg) (int, abi.Errno) {
	if u.readState() != unixEstablished {
		return 0, abi.ENOTCONN
	}
	return u.recvDgram(msg)
}

// recvDgram takes one message, what does not fit is lost. Those who found the queue full are told before the sender is.
// Models __unix_dgram_recvmsg.
func (u *Unix) recvDgram(msg *Msg) (int, abi.Errno) {
	if msg.Flags&abi.MSG_OOB != 0 {
		return 0, abi.EOPNOTSUPP
	}
	deadline := socketDeadline(u.m, msg.Flags, u.rcvtimeo())
	u.iolock.Lock()
	s, errno := u.tryRecv(msg.Flags)
	for s == nil {
		last := u.queue.last
		u.iolock.Unlock()
		again := errno == abi.EAGAIN && mayWait(u.m, deadline)
		if again {
			again, errno = u.waitForMore(last, deadline)
		}
		if !again {
			u.lock.Lock()
			if u.kind == abi.SOCK_SEQPACKET && errno == abi.EAGAIN && u.shutdown&rcvShutdown != 0 {
				errno = 0
			}
			u.lock.Unlock()
			return 0, errno
		}
		u.iolock.Lock()
		s, errno = u.tryRecv(msg.Flags)
	}
	if u.peers.wait.Active() {
		u.peers.wait.WakeUp(sim.Interruptible, 1, true, unixOut)
	}
	n := u.takeDatagram(s, msg)
	u.iolock.Unlock()
	return n, 0
}

// takeDatagram copies s to msg and ends it, unless this is a peek.
func (u *Unix) takeDatagram(s *unixMessage, msg *Msg) int {
	msg.nameOnce(s.from)
	n := copy(msg.Data, s.data)
	if n < len(s.data) {
		msg.OutFlags |= abi.MSG_TRUNC
		if msg.Flags&abi.MSG_TRUNC != 0 {
			n = len(s.data)
		}
	}
	peek := msg.Flags&abi.MSG_PEEK != 0
	if peek {
		msg.peekRights(s)
	} else {
		msg.files = append(msg.files[:0], u.net.detach(s)...)
	}
	msg.deliverRights()
	if !peek {
		u.net.release(s)
	}
	return n
}

// tryRecv takes the first message, or looks at it. A pending error comes first. Models __skb_try_recv_datagram.
func (u *Unix) tryRecv(flags int) (*unixMessage, abi.Errno) {
	if errno := u.takeErr(); errno != 0 {
		return nil, errno
	}
	u.queue.lock.Lock()
	s := u.queue.first
	if s != nil && flags&abi.MSG_PEEK == 0 {
		u.unlink(s)
	}
	u.queue.lock.Unlock()
	if s == nil {
		return nil, abi.EAGAIN
	}
	return s, 0
}

// waitForMore sleeps until the last message is another than last, first come, first served. again: look again, also if
// the time is over. Models __skb_wait_for_more_packets.
func (u *Unix) waitForMore(last *unixMessage, deadline int64) (again bool, errno abi.Errno) {
	t := u.m.Current()
	e := u.net.sleeper(waitqueue.Exclusive, wakeReceiver)
	defer u.net.endSleep(&u.wq, e)
	prepareToWait(&u.wq, e)
	if errno := u.takeErr(); errno != 0 {
		return false, errno
	}
	u.m.Read(u.id, fieldQueue)
	if u.queue.last != last {
		return true, abi.EAGAIN
	}
	if u.readShutdown()&rcvShutdown != 0 {
		return false, 0
	}
	if u.kind != abi.SOCK_DGRAM && u.readState() == unixClose {
		return false, abi.ENOTCONN
	}
	if t.SignalPending() {
		return false, interruptedWait(deadline)
	}
	t.ScheduleTimeout(deadline, "message", u.id)
	return true, abi.EAGAIN
}
