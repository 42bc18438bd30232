package devices

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/vfs"
)

// maxRights is SCM_MAX_FD: descriptors in one message.
const maxRights = 253

// takeRights looks up the descriptors to send; from here on each description has one reference more, which is given back
// by putRights or goes with a message. Models scm_send and scm_fp_copy.
func (msg *Msg) takeRights() abi.Errno {
	if len(msg.Rights) > maxRights {
		return abi.EINVAL
	}
	msg.files = msg.files[:0]
	for _, fd := range msg.Rights {
		f := msg.Table.GetRaw(fd)
		if f == nil {
			msg.putRights()
			return abi.EBADF
		}
		msg.files = append(msg.files, f)
	}
	return 0
}

// putRights drops the references that msg still has: scm_destroy.
func (msg *Msg) putRights() {
	putFds(msg.files)
	msg.files = msg.files[:0]
}

// putFds drops references, the last one first: __scm_destroy.
func putFds(fds []*vfs.File) {
	for i := len(fds) - 1; i >= 0; i-- {
		fds[i].Put()
	}
}

// peekRights takes a copy of the descriptors of a message that stays: unix_peek_fds.
func (msg *Msg) peekRights(s *unixMessage) {
	msg.files = append(msg.files[:0], s.fds...)
	for _, f := range msg.files {
		f.Get()
	}
}

// deliverRights gives received descriptors the lowest free numbers, as many as there is room and numbers for. The rest is
// dropped: MSG_CTRUNC. Models scm_detach_fds.
func (msg *Msg) deliverRights() {
	if len(msg.files) == 0 {
		return
	}
	n := 0
	for _, f := range msg.files[:min(len(msg.files), msg.Room)] {
		fd, errno := msg.Table.Reserve(0, msg.Flags&abi.MSG_CMSG_CLOEXEC != 0)
		if errno != 0 {
			break
		}
		f.Get()
		msg.Table.Install(fd, f)
		msg.Rights = append(msg.Rights, fd)
		n++
	}
	if n < len(msg.files) {
		msg.OutFlags |= abi.MSG_CTRUNC
	}
	msg.putRights()
}

// attach moves the descriptors of msg into s: only the first message of a send gets any. Models unix_attach_fds.
func (n *UnixNet) attach(s *unixMessage, msg *Msg) {
	if len(msg.files) == 0 {
		return
	}
	s.fds = append(s.fds[:0], msg.files...)
	msg.files = msg.files[:0]
	n.countInflight(s.fds, 1)
}

// detach takes the descriptors out of s; their references are the caller's. Models unix_detach_fds.
func (n *UnixNet) detach(s *unixMessage) []*vfs.File {
	fds := s.fds
	s.fds = s.fds[:0]
	n.countInflight(fds, -1)
	return fds
}

// countInflight counts references of messages to unix sockets: unix_inflight, unix_notinflight.
func (n *UnixNet) countInflight(fds []*vfs.File, by int) {
	for _, f := range fds {
		if u := UnixOf(f); u != nil {
			u.inflight += int32(by)
			n.inflights += by
		}
	}
}

// collect throws away the descriptors in the queues of sockets that nobody can reach any more: each of their references
// is in a message, and that message lies in the queue of such a socket again. It runs when a unix socket is closed while
// others are in flight. Models unix_gc, which runs in a task of its own soon after.
func (n *UnixNet) collect() {
	if n.inflights == 0 {
		return
	}
	files := map[*Unix]*vfs.File{} // those in flight
	queues := map[*Unix][]*Unix{}  // of a socket: its own, and those of connections that it has not accepted
	for u := range n.socks.All() {
		queues[u.owner()] = append(queues[u.owner()], u)
		u.eachInflight(func(f *vfs.File, to *Unix) { files[to] = f })
	}
	reached := map[*Unix]bool{}
	var reach func(u *Unix)
	reach = func(u *Unix) {
		if reached[u] {
			return
		}
		reached[u] = true
		for _, q := range queues[u] {
			q.eachInflight(func(_ *vfs.File, to *Unix) { reach(to) })
		}
	}
	for u := range n.socks.All() {
		if f := files[u]; u.owner() == u && (f == nil || f.Count() > int(u.inflight)) {
			reach(u)
		}
	}
	var garbage []*unixMessage
	for u := range n.socks.All() {
		if !reached[u.owner()] {
			garbage = append(garbage, u.takeCarriers()...)
		}
	}
	for _, s := range garbage {
		n.release(s)
	}
}

// owner is the socket whose description keeps u: the listener for one that is not accepted yet.
func (u *Unix) owner() *Unix {
	if u.listener != nil {
		return u.listener
	}
	return u
}

// eachInflight calls fn for each description of a unix socket in the queue of u.
func (u *Unix) eachInflight(fn func(f *vfs.File, to *Unix)) {
	for s := u.queue.first; s != nil; s = s.next {
		for _, f := range s.fds {
			if to := UnixOf(f); to != nil {
				fn(f, to)
			}
		}
	}
}

// takeCarriers takes the messages with descriptors out of the queue of u.
func (u *Unix) takeCarriers() []*unixMessage {
	var taken []*unixMessage
	u.queue.lock.Lock()
	for s := u.queue.first; s != nil; {
		next := s.next
		if len(s.fds) > 0 {
			if s == u.oob {
				u.setOob(nil)
			}
			u.unlink(s)
			taken = append(taken, s)
		}
		s = next
	}
	u.queue.lock.Unlock()
	return taken
}
