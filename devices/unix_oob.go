package devices

import "github.com/epollsim/epollsim/abi"

// An out-of-band byte is a message of one byte that oob points to. It stays where it is in the queue; once taken with
// MSG_OOB it stays as a message without unread bytes, a mark, until a read comes by.

// sendOob queues the last byte of msg as the out-of-band one; an earlier one that is unread becomes an ordinary byte.
// Models queue_oob.
func (u *Unix) sendOob(msg *Msg, other *Unix, deadline int64) abi.Errno {
	s, errno := u.alloc(1, 0, deadline)
	if errno != 0 {
		return errno
	}
	u.net.attach(s, msg)
	s.data[0] = msg.Data[len(msg.Data)-1]
	other.lock.Lock()
	if other.dead || other.shutdown&rcvShutdown != 0 {
		other.lock.Unlock()
		u.net.release(s)
		return abi.EPIPE
	}
	other.queue.lock.Lock()
	other.setOob(s)
	other.addInq(1)
	other.push(s)
	other.queue.lock.Unlock()
	other.lock.Unlock()
	other.dataReady()
	return 0
}

func (u *Unix) setOob(s *unixMessage) {
	u.m.Write(u.id, fieldOob)
	u.oob = s
}

// recvOob takes the out-of-band byte. Models unix_stream_recv_urg.
func (u *Unix) recvOob(msg *Msg) (int, abi.Errno) {
	peek := msg.Flags&abi.MSG_PEEK != 0
	u.iolock.Lock()
	u.lock.Lock()
	u.queue.lock.Lock()
	s := u.oob
	if s == nil || u.options().oobInline {
		u.queue.lock.Unlock()
		u.lock.Unlock()
		u.iolock.Unlock()
		return 0, abi.EINVAL
	}
	var mark *unixMessage
	if !peek {
		u.setOob(nil)
		u.addInq(-1)
		if s.prev != nil && s.prev.left() == 0 { // no two marks in a row
			mark = s.prev
			u.unlink(mark)
		}
	}
	u.queue.lock.Unlock()
	u.lock.Unlock()
	copy(msg.Data, s.data[s.consumed:])
	if !peek {
		s.consumed++
	}
	u.iolock.Unlock()
	if mark != nil {
		u.net.release(mark)
	}
	msg.OutFlags |= abi.MSG_OOB
	return 1, 0
}

// manageOob decides about the out-of-band byte when a read comes to message s: a read that has something ends before it,
// one that begins with it skips it, unless it is inline. It returns the message to read. The caller holds lock. Models
// manage_oob.
func (u *Unix) manageOob(s *unixMessage, flags, copied int) *unixMessage {
	u.m.Read(u.id, fieldOob)
	if s.left() > 0 && s != u.oob {
		return s
	}
	peek := flags&abi.MSG_PEEK != 0
	var mark, skipped *unixMessage
	u.queue.lock.Lock()
	if s.left() == 0 {
		switch {
		case copied > 0 && (u.oob == nil || s == u.oob):
			s = nil
		case peek:
			s = s.next
		default:
			mark, s = s, s.next
			u.unlink(mark)
		}
	}
	if s != nil && s == u.oob {
		inline := u.options().oobInline
		switch {
		case copied > 0:
			s = nil
		case peek && !inline:
			s = s.next
		case !peek:
			u.setOob(nil)
			if !inline {
				skipped = s
				u.unlink(s)
				s = u.queue.first
			}
		}
	}
	u.queue.lock.Unlock()
	for _, ended := range [...]*unixMessage{mark, skipped} {
		if ended != nil {
			u.net.release(ended)
		}
	}
	return s
}

// atMark reports whether the next byte to read is the out-of-band one, or was: SIOCATMARK.
func (u *Unix) atMark() bool {
	u.iolock.Lock()
	defer u.iolock.Unlock()
	s := u.queue.first
	if s == nil {
		return false
	}
	u.m.Read(u.id, fieldOob)
	return s == u.oob || s.left() == 0 && (u.oob == nil || s.next == u.oob)
}
