package devices

import "github.com/epollsim/epollsim/abi"

// tcpRead is one read of a stream under way.
type tcpRead struct {
	msg      *Msg
	seq      int64 // of the next byte to copy
	copied   int
	target   int // what it waits for
	deadline int64
	peek     bool
}

func (r *tcpRead) left() int { return len(r.msg.Data) - r.copied }

// recvmsg takes what there is, up to the urgent mark or the end of the stream; it sleeps only for the first byte, or for
// SO_RCVLOWAT, or with MSG_WAITALL for all. Models tcp_recvmsg.
func (t *Tcp) recvmsg(msg *Msg) (n int, errno abi.Errno) {
	if msg.Flags&abi.MSG_ERRQUEUE != 0 {
		return 0, abi.EAGAIN
	}
	t.lockSock()
	switch {
	case t.state == inetListen:
		errno = abi.ENOTCONN
	case msg.Flags&abi.MSG_OOB != 0:
		n, errno = t.recvUrg(msg)
	default:
		n, errno = t.recvStream(msg)
	}
	t.releaseSock()
	return n, errno
}

// recvStream models tcp_recvmsg_locked.
func (t *Tcp) recvStream(msg *Msg) (n int, errno abi.Errno) {
	r := tcpRead{msg: msg, seq: t.copiedSeq, target: len(msg.Data), peek: msg.Flags&abi.MSG_PEEK != 0}
	if msg.Flags&abi.MSG_WAITALL == 0 {
		r.target = min(int(t.rcvlowat), r.target)
	}
	r.target = max(r.target, 1)
	r.deadline = socketDeadline(t.m, msg.Flags, t.options().rcvtimeo)
	if errno := t.readLoop(&r); errno != 0 {
		return 0, errno
	}
	t.cleanupRbuf(r.copied)
	return r.copied, 0
}

// readLoop models the loop of tcp_recvmsg_locked.
func (t *Tcp) readLoop(r *tcpRead) abi.Errno {
	for {
		if t.urgData != 0 && t.urgSeq == r.seq && r.copied > 0 {
			return 0
		}
		if s := t.segmentAt(r.seq); s != nil && !t.hidden {
			if t.readSegment(r, s) || r.left() == 0 {
				return 0
			}
			continue
		}
		if t.readFin(r) {
			return 0
		}
		if stop, errno := t.endOfRead(r); stop {
			return errno
		}
		if r.copied >= r.target {
			t.flushBacklog()
		} else {
			t.cleanupRbuf(r.copied)
			t.waitData(r.deadline)
		}
		if r.left() == 0 {
			return 0
		}
	}
}

// segmentAt returns the segment of the receive queue that has the byte seq, nil if that has not come.
func (t *Tcp) segmentAt(seq int64) *tcpSkb {
	for s := t.receiveQueue.first; s != nil; s = s.next {
		if seq < s.seq+int64(s.len()) {
			return s
		}
	}
	return nil
}

// readFin takes a FIN that came by itself, if it is next.
func (t *Tcp) readFin(r *tcpRead) bool {
	s := t.receiveQueue.last
	if s == nil || !s.fin || r.seq != s.end-1 {
		return false
	}
	t.advance(r, 1)
	if !r.peek {
		t.eat()
	}
	return true
}

// readSegment copies from s, up to the urgent byte, which is skipped unless it is inline; true: the read ends here.
func (t *Tcp) readSegment(r *tcpRead, s *tcpSkb) (end bool) {
	offset := int(r.seq - s.seq)
	used := min(s.len()-offset, r.left())
	if t.urgData != 0 {
		if at := int(t.urgSeq - r.seq); at >= 0 && at < used {
			switch {
			case at > 0:
				used = at
			case !t.options().oobInline:
				t.advance(r, 1)
				offset++
				used--
			}
		}
	}
	last := s.next == nil || !s.next.merged // of those that are one on Linux
	if used > 0 {
		if r.msg.Flags&abi.MSG_TRUNC == 0 {
			copy(r.msg.Data[r.copied:], s.bytes()[offset:offset+used])
		}
		t.advance(r, used)
		r.copied += used
		if last || r.left() == 0 {
			t.adjustSpace()
		}
	}
	if t.urgData != 0 && t.copiedSeq > t.urgSeq {
		t.setUrg(0)
	}
	if offset+used < s.len() {
		return false
	}
	if s.fin {
		t.advance(r, 1)
	}
	if fin := s.fin; !r.peek {
		t.eat()
		return fin
	}
	return s.fin
}

// eat takes the first segment, which was read, off the receive queue. What it cost is paid until the last of those that went
// into it was read. Models tcp_eat_recv_skb.
func (t *Tcp) eat() {
	s := t.receiveQueue.pop()
	if next := t.receiveQueue.first; next != nil && next.merged {
		next.cost += s.cost
	} else {
		t.rmem -= s.cost
	}
	t.net.freeSkb(s)
}

// advance moves the read on, and with it, unless it is a peek, the stream.
func (t *Tcp) advance(r *tcpRead, n int) {
	r.seq += int64(n)
	if !r.peek {
		t.setCopied(r.seq)
	}
}

func (t *Tcp) setCopied(seq int64) {
	t.m.Write(t.id, fieldCopied)
	changed(t.m, t.id, "unread", uint64(t.rcvNxt-t.copiedSeq), uint64(t.rcvNxt-seq))
	t.copiedSeq = seq
}

// endOfRead decides what to do when nothing is there: to stop, with an error or what there is, or to go on.
func (t *Tcp) endOfRead(r *tcpRead) (stop bool, errno abi.Errno) {
	if r.copied >= r.target && t.backlog.first == nil {
		return true, 0
	}
	wait := mayWait(t.m, r.deadline)
	signal := wait && t.m.Current().SignalPending()
	if r.copied > 0 {
		return !wait || t.err != 0 || t.state == inetClose || t.shutdown&rcvShutdown != 0 || signal, 0
	}
	stop, errno = t.over()
	switch {
	case stop:
		return true, errno
	case !wait:
		return true, abi.EAGAIN
	case signal:
		return true, interruptedWait(r.deadline)
	}
	return false, 0
}

// over reports whether nothing more will come, and how who has read nothing is told.
func (t *Tcp) over() (bool, abi.Errno) {
	switch {
	case t.done:
		return true, 0
	case t.err != 0:
		return true, t.takeErr()
	case t.shutdown&rcvShutdown != 0:
		return true, 0
	case t.state == inetClose:
		return true, abi.ENOTCONN
	}
	return false, 0
}

// waitData sleeps until the last segment is another. Readers are not exclusive: all wake. Models sk_wait_data.
func (t *Tcp) waitData(deadline int64) {
	e := t.net.sleepers.get(t.m.Current(), 0)
	last := t.receiveQueue.last
	prepareToWait(&t.wq, e)
	t.releaseSock()
	if t.receiveQueue.last == last {
		t.m.Current().ScheduleTimeout(deadline, "data", t.id)
	}
	t.lockSock()
	t.net.endSleep(&t.wq, e)
}
