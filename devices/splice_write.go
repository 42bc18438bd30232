package devices

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/vfs"
)

// sendSlots is how many slots go into one message to a socket.
const sendSlots = 16

// spliceToSocket sends up to n bytes of p, with p locked for as long as that takes. It waits for the first byte only.
// MSG_MORE goes with what does not end the call. Writers are told of free slots at the end. Models splice_to_socket.
func (p *Pipe) spliceToSocket(s Socket, out *vfs.File, n, flags int) (sent int, errno abi.Errno) {
	enter(p.m, "splice_to_socket")
	defer leave(p.m, "splice_to_socket")
	p.mutex.Lock()
	before := p.bytesTraced()
	sent, tell, errno := p.giveOut(n, flags, sendSlots, true, func(data []byte, pages []stretch, more bool) (int, abi.Errno) {
		msg := Msg{Data: data, Pages: pages}
		if flags&abi.SPLICE_F_MORE != 0 || more {
			msg.Flags |= abi.MSG_MORE
		}
		return s.Send(out, &msg)
	})
	p.noteTraced(before)
	p.mutex.Unlock()
	if tell {
		p.spliceWake(&p.wrWait)
	}
	return sent, unlessMoved(sent, errno)
}

// spliceInto gives up to n bytes of p to take, all slots that there are at a time, with p locked. It waits for the first
// byte only. Writers are told of free slots before it unlocks. Models iter_file_splice_write and __splice_from_pipe.
func (p *Pipe) spliceInto(n, flags int, take func(b []byte) (int, abi.Errno)) (done int, errno abi.Errno) {
	enter(p.m, "iter_file_splice_write")
	defer leave(p.m, "iter_file_splice_write")
	p.mutex.Lock()
	before := p.bytesTraced()
	done, tell, errno := p.giveOut(n, flags, int(p.maxUsage), false, func(b []byte, _ []stretch, _ bool) (int, abi.Errno) { return take(b) })
	if tell {
		p.spliceWake(&p.wrWait)
	}
	p.noteTraced(before)
	p.mutex.Unlock()
	return done, unlessMoved(done, errno)
}

// giveOut gives up to n bytes of p, which is locked, to take, of so many slots at a time, with the stretches that they lie in,
// and whether more of the n are there already. It waits for the first byte only. tell: slots are free, and no writer knows. once: the
// tail moves once for each take, not slot by slot.
func (p *Pipe) giveOut(n, flags, slots int, once bool, take func(data []byte, pages []stretch, more bool) (int, abi.Errno)) (done int, tell bool, errno abi.Errno) {
	for n > 0 {
		if p.m.Current().SignalPending() {
			return done, tell, abi.ERESTARTSYS
		}
		if errno = p.waitForBytes(flags, done, &tell); errno != 0 || p.isEmpty() {
			break
		}
		data, pages, used := p.gather(n, slots)
		c, e := take(data, pages, len(data) < n && (used == slots || uint32(used) < p.head-p.tail))
		if errno = e; c <= 0 {
			break
		}
		done += c
		n -= c
		if p.eat(c, once) && p.files > 0 {
			tell = true
		}
	}
	return done, tell, errno
}

// spliceWrite writes at *pos.
func (r *Regular) spliceWrite(f *vfs.File, p *Pipe, pos *int64, n, flags int) (int, abi.Errno) {
	return p.spliceInto(n, flags, func(b []byte) (int, abi.Errno) {
		c, errno := r.WriteAt(f, b, *pos)
		*pos += int64(c)
		return c, errno
	})
}

// spliceWrite writes what a terminal takes.
func (t *ttyFile) spliceWrite(f *vfs.File, p *Pipe, _ *int64, n, flags int) (int, abi.Errno) {
	return p.spliceInto(n, flags, func(b []byte) (int, abi.Errno) { return t.Write(f, b) })
}

// spliceWrite takes everything: splice_write_null.
func (null) spliceWrite(_ *vfs.File, p *Pipe, _ *int64, n, flags int) (int, abi.Errno) {
	return p.spliceInto(n, flags, func(b []byte) (int, abi.Errno) { return len(b), 0 })
}

// spliceWrite takes everything: splice_write_zero.
func (zero) spliceWrite(f *vfs.File, p *Pipe, pos *int64, n, flags int) (int, abi.Errno) {
	return null{}.spliceWrite(f, p, pos, n, flags)
}
