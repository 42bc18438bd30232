package devices

import "github.com/epollsim/epollsim/abi"

// Splice moves up to n bytes from p to to, two pipes: whole slots go over as they are, of the last one a part. It waits
// for the first byte and for the first free slot. Flags: SPLICE_F_NONBLOCK for both. Models splice_pipe_to_pipe.
func (p *Pipe) Splice(to *Pipe, n, flags int) (moved int, errno abi.Errno) {
	enter(p.m, "splice_pipe_to_pipe")
	defer leave(p.m, "splice_pipe_to_pipe")
	for {
		if errno := p.prepareSplice(to, flags); errno != 0 {
			return 0, errno
		}
		lockPipes(p, to)
		freed, again := false, false
		moved, freed, errno, again = p.moveSlots(to, n, flags)
		p.mutex.Unlock()
		to.mutex.Unlock()
		if again {
			continue
		}
		if moved > 0 {
			to.spliceWake(&to.rdWait)
		}
		if freed {
			p.spliceWake(&p.wrWait)
		}
		return moved, errno
	}
}

// moveSlots is the part with both pipes locked; again: somebody else was faster, and nothing is there any more.
func (p *Pipe) moveSlots(to *Pipe, n, flags int) (moved int, freed bool, errno abi.Errno, again bool) {
	before, toBefore := p.bytesTraced(), to.bytesTraced()
	for n > 0 {
		if to.readers == 0 {
			to.sigpipe()
			return moved, freed, unlessMoved(moved, abi.EPIPE), false
		}
		if p.isEmpty() && p.writers == 0 {
			break
		}
		if p.isEmpty() || to.isFull() {
			switch {
			case moved > 0:
			case flags&abi.SPLICE_F_NONBLOCK != 0:
				errno = abi.EAGAIN
			default:
				again = true
			}
			break
		}
		buf := p.slot(p.tail)
		size := min(n, buf.len())
		if size == buf.len() {
			to.addSlot(*buf)
			*buf = pipeBuffer{}
			p.setTail(p.tail + 1)
			freed = true
		} else {
			to.addSlot(buf.part(size))
			buf.offset += size
		}
		moved += size
		n -= size
	}
	p.noteTraced(before)
	to.noteTraced(toBefore)
	return moved, freed, errno, again
}

// Tee puts up to n bytes of p into to as well, and leaves them in p. It waits as Splice does. Models do_tee and link_pipe.
func (p *Pipe) Tee(to *Pipe, n, flags int) (copied int, errno abi.Errno) {
	enter(p.m, "link_pipe")
	defer leave(p.m, "link_pipe")
	if errno := p.prepareSplice(to, flags); errno != 0 {
		return 0, errno
	}
	lockPipes(p, to)
	before := to.bytesTraced()
	for i := p.tail; n > 0; i++ {
		if to.readers == 0 {
			to.sigpipe()
			errno = unlessMoved(copied, abi.EPIPE)
			break
		}
		if i == p.head || to.isFull() {
			break
		}
		buf := p.slot(i)
		size := min(n, buf.len())
		to.addSlot(buf.part(size))
		copied += size
		n -= size
	}
	to.noteTraced(before)
	p.mutex.Unlock()
	to.mutex.Unlock()
	if copied > 0 {
		to.spliceWake(&to.rdWait)
	}
	return copied, errno
}

// prepareSplice waits until p has something, or no writer, and then until to has a free slot: ipipe_prep and opipe_prep. Both
// look without the mutex first.
func (p *Pipe) prepareSplice(to *Pipe, flags int) (errno abi.Errno) {
	if head, tail := p.index(); head == tail {
		p.mutex.Lock()
		errno = p.waitForInput(flags)
		p.mutex.Unlock()
	}
	if errno != 0 {
		return errno
	}
	head, tail := to.index()
	to.m.Read(to.id, fieldMaxUsage)
	if head-tail >= to.maxUsage {
		to.mutex.Lock()
		errno = to.waitForOutput(flags)
		to.mutex.Unlock()
	}
	return errno
}

func (p *Pipe) waitForInput(flags int) abi.Errno {
	for p.isEmpty() {
		switch {
		case p.m.Current().SignalPending():
			return abi.ERESTARTSYS
		case p.writers == 0:
			return 0
		case flags&abi.SPLICE_F_NONBLOCK != 0:
			return abi.EAGAIN
		}
		p.waitUnlocked(&p.rdWait, "rd_wait", readable)
	}
	return 0
}

func (p *Pipe) waitForOutput(flags int) abi.Errno {
	for p.isFull() {
		switch {
		case p.readers == 0:
			p.sigpipe()
			return abi.EPIPE
		case flags&abi.SPLICE_F_NONBLOCK != 0:
			return abi.EAGAIN
		case p.m.Current().SignalPending():
			return abi.ERESTARTSYS
		}
		p.waitUnlocked(&p.wrWait, "wr_wait", writable)
	}
	return 0
}

// lockPipes locks two pipes, the older one first: pipe_double_lock, which goes by address.
func lockPipes(a, b *Pipe) {
	if a.id.Number() > b.id.Number() {
		a, b = b, a
	}
	a.mutex.Lock()
	b.mutex.Lock()
}
