package devices

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
	"github.com/epollsim/epollsim/waitqueue"
)

// What sendfile, splice and tee share: a pipe is filled from any file, and emptied into any file, with its mutex held. A
// file that fills a pipe is a spliceReader, one that a pipe is emptied into a spliceWriter; all others are EINVAL.
//
// Who waits in a splice stands on the queues of the pipe in front and not exclusively, and whoever has spliced wakes with
// no key, if anybody is queued at all – unlike readers and writers.
//
// Left out: that pages are shared and not copied, so that what is later written to a file shows in the pipe or the socket
// it was spliced to; vmsplice; corking of datagrams.

// spliceReader is a file that can fill a pipe, models ->splice_read. The pipe is locked and has room; pos moves.
type spliceReader interface {
	spliceRead(f *vfs.File, p *Pipe, pos *int64, n, flags int) (int, abi.Errno)
}

// spliceWriter is a file that a pipe can be emptied into, models ->splice_write. The pipe is not locked; pos moves.
type spliceWriter interface {
	spliceWrite(f *vfs.File, p *Pipe, pos *int64, n, flags int) (int, abi.Errno)
}

// splicesMost is MAX_RW_COUNT.
const splicesMost = 0x7ffff000

// SpliceToPipe fills p from in with up to n bytes at *pos, which it moves. It waits for a free slot, and then, with the
// pipe locked, for what in waits for. Flags: SPLICE_F_NONBLOCK for the first. Models splice_file_to_pipe.
func SpliceToPipe(in *vfs.File, p *Pipe, pos *int64, n, flags int) (int, abi.Errno) {
	enter(p.m, "splice_file_to_pipe")
	defer leave(p.m, "splice_file_to_pipe")
	p.mutex.Lock()
	got, errno := 0, p.waitForSpace(flags)
	if errno == 0 {
		before := p.bytesTraced()
		got, errno = p.spliceFrom(in, pos, n, flags)
		p.noteTraced(before)
	}
	p.mutex.Unlock()
	if got > 0 {
		p.spliceWake(&p.rdWait)
	}
	return got, errno
}

// spliceFrom fills p, which is locked, up to its free slots: do_splice_read.
func (p *Pipe) spliceFrom(in *vfs.File, pos *int64, n, flags int) (int, abi.Errno) {
	if n == 0 {
		return 0, 0
	}
	n = min(n, p.freeSlots()*pageSize, splicesMost)
	r, ok := in.Ops.(spliceReader)
	if !ok {
		return 0, abi.EINVAL
	}
	return r.spliceRead(in, p, pos, n, flags)
}

// SpliceFromPipe empties p into out with up to n bytes at *pos, which it moves. Flags: SPLICE_F_NONBLOCK if p is empty,
// SPLICE_F_MORE if more will come. Models do_splice_from.
func SpliceFromPipe(p *Pipe, out *vfs.File, pos *int64, n, flags int) (int, abi.Errno) {
	if s := SocketOf(out); s != nil {
		return p.spliceToSocket(s, out, n, flags)
	}
	w, ok := out.Ops.(spliceWriter)
	if !ok {
		return 0, abi.EINVAL
	}
	return w.spliceWrite(out, p, pos, n, flags)
}

// SpliceDirect moves up to n bytes from in to out by way of a pipe that nobody else sees. in has a position, *pos, which
// moves as far as out has taken what was read. Without an error it ends where in does. Models do_splice_direct; the kernel
// keeps the pipe for the next call of the task.
func SpliceDirect(in *vfs.File, pos *int64, out *vfs.File, outPos *int64, n int) (done int, errno abi.Errno) {
	if _, ok := in.Ops.(vfs.Seeker); !ok || out.Flags()&abi.O_APPEND != 0 {
		return 0, abi.EINVAL
	}
	p := newPipe(in.Sys, PipeRules{})
	p.readers = 1
	defer p.end()
	for more := abi.SPLICE_F_MORE; done < n; {
		before := *pos
		p.mutex.Lock()
		got, errno := p.spliceFrom(in, pos, n-done, 0)
		p.mutex.Unlock()
		if got <= 0 {
			if done > 0 && errno == 0 {
				spliceEOF(out)
			}
			return done, unlessMoved(done, errno)
		}
		if got >= n-done {
			more = 0
		}
		sent, errno := SpliceFromPipe(p, out, outPos, got, more)
		if sent <= 0 {
			*pos = before
			return done, unlessMoved(done, errno)
		}
		if done += sent; sent < got {
			*pos = before + int64(sent)
			break
		}
	}
	return done, 0
}

// spliceEOF tells out that less has come than was announced: do_splice_eof.
func spliceEOF(out *vfs.File) {
	if t := TcpOf(out); t != nil {
		t.spliceEOF()
	}
}

// waitForSpace waits until a slot of p, which is locked, is free: wait_for_space.
func (p *Pipe) waitForSpace(flags int) abi.Errno {
	for {
		if p.readers == 0 {
			p.sigpipe()
			return abi.EPIPE
		}
		if !p.isFull() {
			return 0
		}
		if flags&abi.SPLICE_F_NONBLOCK != 0 {
			return abi.EAGAIN
		}
		if p.m.Current().SignalPending() {
			return abi.ERESTARTSYS
		}
		p.waitUnlocked(&p.wrWait, "wr_wait", writable)
	}
}

// waitForBytes waits until there is something in p, which is locked. It ends without anything and without an error where
// no writer is left, or where some bytes were spliced. tell: the writers are to know of room before it sleeps.
func (p *Pipe) waitForBytes(flags, spliced int, tell *bool) abi.Errno {
	for p.isEmpty() {
		if p.writers == 0 || spliced > 0 {
			return 0
		}
		if flags&abi.SPLICE_F_NONBLOCK != 0 {
			return abi.EAGAIN
		}
		if p.m.Current().SignalPending() {
			return abi.ERESTARTSYS
		}
		if *tell {
			p.spliceWake(&p.wrWait)
			*tell = false
		}
		p.waitUnlocked(&p.rdWait, "rd_wait", readable)
	}
	return 0
}

// waitUnlocked sleeps without the mutex until ready, or a signal is pending: pipe_wait_readable, pipe_wait_writable.
func (p *Pipe) waitUnlocked(h *waitqueue.Head, what string, ready func(*Pipe) bool) {
	p.mutex.Unlock()
	p.waitOn(h, what, ready, 0)
	p.mutex.Lock()
}

// spliceWake wakes with no key, if anybody is queued: wakeup_pipe_readers, wakeup_pipe_writers.
func (p *Pipe) spliceWake(h *waitqueue.Head) {
	if h.Active() {
		h.WakeUp(sim.Interruptible, 1, false, 0)
	}
}
