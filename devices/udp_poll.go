package devices

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

// What a UDP socket shows, and what its queue is woken with.
const (
	udpIn      = abi.EPOLLIN | abi.EPOLLRDNORM
	udpOut     = abi.EPOLLOUT | abi.EPOLLWRNORM | abi.EPOLLWRBAND
	udpReadKey = abi.EPOLLIN | abi.EPOLLPRI | abi.EPOLLRDNORM | abi.EPOLLRDBAND
)

// Poll shows the state. On a description that may block it moves datagrams to the queue of the readers, in search of one
// with a right checksum. Models udp_poll and datagram_poll.
func (u *Udp) Poll(f *vfs.File, pt *vfs.PollTable) abi.Events {
	pt.Wait(f, &u.wq)
	var mask abi.Events
	u.m.Read(u.id, fieldErr)
	if u.err != 0 {
		mask |= abi.EPOLLERR
	}
	shutdown := u.readShutdown()
	if shutdown&rcvShutdown != 0 {
		mask |= abi.EPOLLRDHUP | udpIn
	}
	if shutdown == shutdownMask {
		mask |= abi.EPOLLHUP
	}
	u.m.Read(u.id, fieldQueue)
	if u.receive.first != nil {
		mask |= udpIn
	}
	if u.writable() {
		mask |= udpOut
	}
	u.m.Read(u.id, fieldReader)
	if u.reader.first != nil {
		mask |= udpIn
	}
	if mask&abi.EPOLLRDNORM != 0 && !f.NonBlocking() && u.readShutdown()&rcvShutdown == 0 && u.firstLength() < 0 {
		mask &^= udpIn
	}
	return mask
}

// writable reports whether datagrams on their way take less than half of the send buffer: sock_writeable. The socket
// itself counts as one byte.
func (u *Udp) writable() bool {
	u.m.Read(u.id, fieldWmem)
	wmem := u.wmem
	u.m.Read(u.id, fieldSndbuf)
	return wmem+1 < u.sndbuf/2
}

// dataReady says that a datagram has come: sock_def_readable.
func (u *Udp) dataReady() {
	if u.awake() {
		u.wq.WakeUp(sim.Interruptible, 1, true, udpReadKey)
	}
}

// writeSpace says that u may write, if that is so: sock_def_write_space.
func (u *Udp) writeSpace() {
	if u.writable() && u.awake() {
		u.wq.WakeUp(sim.Interruptible, 1, true, udpOut)
	}
}

// reportErr says that err is set: sock_def_error_report.
func (u *Udp) reportErr() {
	if u.awake() {
		u.wq.WakeUp(sim.Interruptible, 1, false, abi.EPOLLERR)
	}
}

// awake reports whether somebody waits for u: skwq_has_sleeper.
func (u *Udp) awake() bool {
	u.m.Read(u.id, fieldWq)
	return !u.dead && u.wq.Active()
}

// WakesIfActive is vfs.WakesIfActive.
func (u *Udp) WakesIfActive() {}
