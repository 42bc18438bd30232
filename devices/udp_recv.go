package devices

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/vfs"
	"github.com/epollsim/epollsim/waitqueue"
)

// Read receives without flags: sock_read_iter. For no bytes the socket is not even asked.
func (u *Udp) Read(f *vfs.File, p []byte) (int, abi.Errno) {
	if len(p) == 0 {
		return 0, 0
	}
	msg := Msg{Data: p}
	return u.Recv(f, &msg)
}

// Recv takes one datagram, what does not fit is lost: recvmsg(2). Models udp_recvmsg.
func (u *Udp) Recv(f *vfs.File, msg *Msg) (int, abi.Errno) {
	enter(u.m, "udp_recvmsg")
	defer leave(u.m, "udp_recvmsg")
	if f.NonBlocking() {
		msg.Flags |= abi.MSG_DONTWAIT
	}
	if msg.Flags&abi.MSG_ERRQUEUE != 0 {
		return 0, abi.EAGAIN // nothing is ever put there
	}
	d, errno := u.take(msg.Flags)
	if d == nil {
		if errno == 0 {
			msg.Unnamed = true
		}
		return 0, errno
	}
	n := copy(msg.Data, d.data)
	if n < len(d.data) {
		msg.OutFlags |= abi.MSG_TRUNC
		if msg.Flags&abi.MSG_TRUNC != 0 {
			n = len(d.data)
		}
	}
	if msg.Name != nil {
		*msg.Name = u.shown(d.from)
	}
	if msg.Flags&abi.MSG_PEEK != 0 {
		d.peeks--
	} else {
		u.net.putDatagram(d)
	}
	return n, 0
}

// take takes the first datagram, or looks at it; it sleeps while there is none. A pending error comes first. No datagram
// and no errno: nothing more is to be received. Models __skb_recv_udp.
func (u *Udp) take(flags int) (*datagram, abi.Errno) {
	deadline := socketDeadline(u.m, flags, u.opts.rcvtimeo)
	for {
		if errno := u.takeErr(); errno != 0 {
			return nil, errno
		}
		for {
			if d := u.tryTake(flags); d != nil {
				return d, 0
			}
			u.m.Read(u.id, fieldQueue)
			if u.receive.first == nil {
				break
			}
		}
		if !mayWait(u.m, deadline) {
			return nil, abi.EAGAIN
		}
		if again, errno := u.waitForMore(deadline); !again {
			return nil, errno
		}
	}
}

// tryTake looks into the queue of the readers, which it fills up from that of the senders when it is empty.
func (u *Udp) tryTake(flags int) *datagram {
	u.reader.lock.Lock()
	defer u.reader.lock.Unlock()
	if u.reader.first == nil {
		u.m.Read(u.id, fieldQueue)
		if u.receive.first == nil {
			return nil
		}
		u.splice()
	}
	if flags&abi.MSG_PEEK != 0 {
		d := u.reader.first
		d.peeks++
		return d
	}
	d := u.reader.pop(u)
	if d != nil {
		u.giveBack(d.cost)
	}
	return d
}

// waitForMore sleeps until a datagram comes, first come, first served. again: look again, also if the time is over.
// Models __skb_wait_for_more_packets.
func (u *Udp) waitForMore(deadline int64) (again bool, errno abi.Errno) {
	t := u.m.Current()
	e := u.sleepers.get(t, waitqueue.Exclusive)
	e.Func = wakeReceiver
	defer func() {
		u.wq.FinishWait(e)
		u.sleepers.put(e)
	}()
	prepareToWait(&u.wq, e)
	if errno := u.takeErr(); errno != 0 {
		return false, errno
	}
	u.m.Read(u.id, fieldQueue)
	if u.receive.first != nil {
		return true, 0
	}
	if u.readShutdown()&rcvShutdown != 0 {
		return false, 0
	}
	if t.SignalPending() {
		return false, interruptedWait(deadline)
	}
	t.ScheduleTimeout(deadline, "datagram", u.id)
	return true, 0
}
