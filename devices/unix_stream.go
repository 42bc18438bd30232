package devices

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/waitqueue"
)

// sendStream cuts what is to be sent into messages and queues them at the peer, each with a wake-up of its own; it sleeps
// while the send buffer is full. Descriptors go with the first. Models unix_stream_sendmsg.
func (u *Unix) sendStream(msg *Msg) (int, abi.Errno) {
	if errno := msg.takeRights(); errno != 0 {
		return 0, errno
	}
	sent, errno := u.sendPieces(msg)
	msg.putRights()
	return sent, unlessMoved(sent, errno)
}

// unlessMoved is errno, or none if something was moved.
func unlessMoved(n int, errno abi.Errno) abi.Errno {
	if n > 0 {
		return 0
	}
	return errno
}

func (u *Unix) sendPieces(msg *Msg) (sent int, errno abi.Errno) {
	n := len(msg.Data)
	if msg.Flags&abi.MSG_OOB != 0 {
		if n == 0 {
			return 0, abi.EOPNOTSUPP
		}
		n--
	}
	if msg.Name != nil {
		if u.readState() == unixEstablished {
			return 0, abi.EISCONN
		}
		return 0, abi.EOPNOTSUPP
	}
	other := u.readPeer()
	if other == nil {
		return 0, abi.ENOTCONN
	}
	if u.readShutdown()&sendShutdown != 0 {
		return 0, u.brokenPipe(msg, 0)
	}
	deadline := socketDeadline(u.m, msg.Flags, u.sndtimeo())
	for sent < n {
		s, errno := u.streamMessage(msg, n-sent, deadline)
		if errno != 0 {
			return sent, errno // EPIPE too, without a signal: shut while it slept
		}
		size := len(s.data)
		u.net.attach(s, msg)
		copy(s.data, msg.Data[sent:])
		other.lock.Lock()
		if other.dead || other.shutdown&rcvShutdown != 0 {
			other.lock.Unlock()
			errno := u.brokenPipe(msg, sent)
			u.net.release(s)
			return sent, errno
		}
		other.queue.lock.Lock()
		other.addInq(size)
		other.push(s)
		other.queue.lock.Unlock()
		other.lock.Unlock()
		other.dataReady()
		sent += size
	}
	if msg.Flags&abi.MSG_OOB != 0 {
		if errno := u.sendOob(msg, other, deadline); errno != 0 {
			return sent, errno
		}
		sent++
	}
	return sent, 0
}

// streamMessage returns the next message of a stream of which n bytes are left to send.
func (u *Unix) streamMessage(msg *Msg, n int, deadline int64) (*unixMessage, abi.Errno) {
	if msg.Pages != nil {
		return u.allocSpliced(msg, n, deadline)
	}
	size, pages := u.streamPiece(n)
	return u.alloc(size, pages, deadline)
}

// brokenPipe is what a send finds that nobody will read.
func (u *Unix) brokenPipe(msg *Msg, sent int) abi.Errno {
	if sent == 0 && msg.Flags&abi.MSG_NOSIGNAL == 0 {
		raiseSigpipe(u.m)
	}
	return abi.EPIPE
}

// recvStream takes what there is, across messages, up to the end of one with descriptors; it sleeps only for the first
// byte, or for SO_RCVLOWAT, or with MSG_WAITALL for all. A message ends, and its sender gets the room back, when its last
// byte is taken. Models unix_stream_read_generic.
func (u *Unix) recvStream(msg *Msg) (int, abi.Errno) {
	if u.readState() != unixEstablished {
		return 0, abi.EINVAL
	}
	if msg.Flags&abi.MSG_OOB != 0 {
		return u.recvOob(msg)
	}
	target := u.rcvlowat(msg)
	deadline := socketDeadline(u.m, msg.Flags, u.rcvtimeo())
	copied, errno := 0, abi.Errno(0)
	u.iolock.Lock()
	for {
		u.lock.Lock()
		s := u.queue.first
		last := s
	again: // with lock held; a peek goes on with the next message
		if s != nil {
			if s = u.manageOob(s, msg.Flags, copied); s == nil && copied > 0 {
				u.lock.Unlock()
				break
			}
		}
		for s != nil && s.left() == 0 { // an out-of-band byte that was taken
			last, s = s, s.next
		}
		if s == nil {
			stop, e := u.endOfStream(copied >= target)
			u.lock.Unlock()
			if !stop && !mayWait(u.m, deadline) {
				stop, e = true, abi.EAGAIN
			}
			if stop {
				errno = e
				break
			}
			u.iolock.Unlock()
			u.waitForData(last, deadline)
			if u.m.Current().SignalPending() {
				msg.putRights()
				return copied, unlessMoved(copied, interruptedWait(deadline))
			}
			u.iolock.Lock()
			continue
		}
		u.lock.Unlock()
		msg.nameOnce(s.from)
		chunk := u.receive(s, msg, copied)
		if chunk == 0 && msg.Pipe != nil { // it is full
			break
		}
		copied += chunk
		if msg.Flags&abi.MSG_PEEK == 0 {
			if u.consume(s, chunk, msg) || copied == msg.size() {
				break
			}
			continue
		}
		if len(s.fds) > 0 {
			msg.peekRights(s)
			break
		}
		u.lock.Lock()
		if last, s = s, s.next; s != nil {
			goto again
		}
		u.lock.Unlock()
		break
	}
	u.iolock.Unlock()
	msg.deliverRights()
	return copied, unlessMoved(copied, errno)
}

// receive takes what there is of s to where msg wants it, behind what was copied.
func (u *Unix) receive(s *unixMessage, msg *Msg, copied int) int {
	if msg.Pipe != nil {
		return u.spliceMessage(s, msg.Pipe, msg.Splice-copied)
	}
	return copy(msg.Data[copied:], s.data[s.consumed:])
}

// endOfStream is what to do with nothing to read: stop with an error or the end of the file, or go on and sleep.
func (u *Unix) endOfStream(enough bool) (stop bool, errno abi.Errno) {
	if enough {
		return true, 0
	}
	if errno := u.takeErr(); errno != 0 {
		return true, errno
	}
	return u.shutdown&rcvShutdown != 0, 0
}

// consume takes n bytes of s, and s itself if nothing is left of it; true if the read ends here.
func (u *Unix) consume(s *unixMessage, n int, msg *Msg) (end bool) {
	s.consumed += n
	u.addInq(-n)
	if len(s.fds) > 0 {
		msg.files = append(msg.files[:0], u.net.detach(s)...)
		end = true
	}
	if s.left() > 0 {
		return true
	}
	u.queue.lock.Lock()
	u.unlink(s)
	u.queue.lock.Unlock()
	u.net.release(s)
	return end
}

// addInq counts bytes that came, or were read. An out-of-band byte that a read skips is not taken off again.
func (u *Unix) addInq(n int) {
	u.m.Write(u.id, fieldInq)
	u.inq += int32(n)
}

// waitForData sleeps until the last message is another than last, or something else is to be told. Readers of a stream
// are not exclusive: all wake. Models unix_stream_data_wait.
func (u *Unix) waitForData(last *unixMessage, deadline int64) {
	t := u.m.Current()
	e := u.net.sleeper(0, waitqueue.AutoremoveWake)
	u.lock.Lock()
	for {
		prepareToWait(&u.wq, e)
		if u.queue.last != last || u.err != 0 || u.shutdown&rcvShutdown != 0 || t.SignalPending() || !mayWait(u.m, deadline) {
			break
		}
		u.lock.Unlock()
		t.ScheduleTimeout(deadline, "data", u.id)
		u.lock.Lock()
		if u.dead {
			break
		}
	}
	u.net.endSleep(&u.wq, e)
	u.lock.Unlock()
}

// rcvlowat is how many bytes a read of a stream waits for: sock_rcvlowat.
func (u *Unix) rcvlowat(msg *Msg) int {
	n := msg.size()
	if msg.Flags&abi.MSG_WAITALL == 0 {
		n = min(int(u.options().rcvlowat), n)
	}
	return max(n, 1)
}
