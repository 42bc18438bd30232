package devices

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/vfs"
)

// spliceRead puts what there is into p; without O_NONBLOCK it waits for the first byte. SPLICE_F_NONBLOCK is not for it.
// Models tcp_splice_read.
func (t *Tcp) spliceRead(f *vfs.File, p *Pipe, _ *int64, n, _ int) (done int, errno abi.Errno) {
	enter(t.m, "tcp_splice_read")
	defer leave(t.m, "tcp_splice_read")
	flags := 0
	if f.NonBlocking() {
		flags = abi.MSG_DONTWAIT
	}
	t.lockSock()
	defer t.releaseSock()
	deadline := socketDeadline(t.m, flags, t.options().rcvtimeo)
	for n > 0 {
		var c int
		if c, errno = t.spliceSome(p, n); errno != 0 {
			break
		}
		if c == 0 {
			if done > 0 {
				break
			}
			var stop bool
			if stop, errno = t.endOfSplice(deadline); stop {
				break
			}
			continue
		}
		n -= c
		done += c
		if n == 0 || !mayWait(t.m, deadline) {
			break
		}
		t.releaseSock()
		t.lockSock()
		if t.err != 0 || t.state == inetClose || t.shutdown&rcvShutdown != 0 || t.m.Current().SignalPending() {
			break
		}
	}
	return done, unlessMoved(done, errno)
}

// endOfSplice decides what to do when nothing is there: to stop, or to wait and look again.
func (t *Tcp) endOfSplice(deadline int64) (stop bool, errno abi.Errno) {
	stop, errno = t.over()
	switch {
	case stop:
		return true, errno
	case !mayWait(t.m, deadline):
		return true, abi.EAGAIN
	case t.receiveQueue.first != nil: // the urgent byte is next
		return true, 0
	}
	t.waitData(deadline)
	if t.m.Current().SignalPending() {
		return true, interruptedWait(deadline)
	}
	return false, 0
}

// nowhere is no place of a byte.
const nowhere = -1

// spliceSome puts up to n bytes of the receive queue into p, up to the urgent byte. Models tcp_read_sock with
// tcp_splice_data_recv.
func (t *Tcp) spliceSome(p *Pipe, n int) (copied int, errno abi.Errno) {
	if t.state == inetListen {
		return 0, abi.ENOTCONN
	}
	end := int64(nowhere) // of the last slot, as long as what follows is of the same segment on Linux
	for s := t.receiveQueue.first; s != nil; s = t.receiveQueue.first {
		if !s.merged {
			end = nowhere
		}
		if offset := int(t.copiedSeq - s.seq); offset < s.len() {
			used := t.spliceSkb(p, s, offset, n-copied, &end)
			if used == 0 && copied == 0 && n > 0 && p.isFull() {
				errno = abi.EAGAIN
			}
			copied += used
			if used == 0 {
				break
			}
			if offset+used < s.len() {
				continue
			}
		}
		if s.fin {
			t.setCopied(t.copiedSeq + 1)
			t.eat()
			break
		}
		t.eat()
		if copied == n {
			break
		}
	}
	t.adjustSpace()
	if copied > 0 {
		t.cleanupRbuf(copied)
	}
	return copied, errno
}

// spliceSkb puts up to n bytes of s, from offset on, into p: each stretch of memory is a slot. end is the place behind the
// last slot; what lies there goes into it. Models skb_splice_bits.
func (t *Tcp) spliceSkb(p *Pipe, s *tcpSkb, offset, n int, end *int64) (used int) {
	n = min(n, s.len()-offset)
	if t.urgData != 0 {
		if at := int(t.urgSeq - t.copiedSeq); at >= 0 {
			n = min(n, at)
		}
	}
	full := false
	s.data.eachPart(s.from+offset, s.from+offset+n, func(from, to int, place int64) {
		b := s.data.b[from:to]
		switch {
		case full: // what goes on behind the last slot is not next
			return
		case place == *end:
			last := p.slot(p.head - 1)
			last.page = append(last.page, b...)
		case p.isFull():
			full = true
			return
		default:
			p.addSlot(spliced(b, int(place%pageSize), 0))
		}
		*end = place + int64(len(b))
		used += len(b)
	})
	t.setCopied(t.copiedSeq + int64(used))
	return used
}

// spliceEOF sends what was held back for more to come: tcp_splice_eof.
func (t *Tcp) spliceEOF() {
	t.m.Read(t.id, fieldSndNxt)
	if t.writeQueue.last == nil {
		return
	}
	t.lockSock()
	t.push(0, t.nagle)
	t.releaseSock()
}
