package devices

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/vfs"
)

// write puts b into the ring: what exceeds whole pages into the last slot if it fits there, the rest into slots of its
// own. Up to PIPE_BUF bytes go in at once or not at all. With the ring full it sleeps; when it returns, and was woken, it
// wakes the next writer if there is room left. Readers are woken after the mutex is released: by every write to a pipe
// that has ever been polled, one that fails with EAGAIN too. Models anon_pipe_write.
func (p *Pipe) write(f *vfs.File, b []byte) (n int, errno abi.Errno) {
	if len(b) == 0 {
		return 0, 0
	}
	p.mutex.Lock()
	if p.readers == 0 {
		p.sigpipe()
		p.mutex.Unlock()
		return 0, abi.EPIPE
	}
	before := p.bytesTraced()
	wasEmpty, slept := p.isEmpty(), false
	told := 0 // bytes that readers know of
	n = p.merge(b)
	for n < len(b) {
		if p.readers == 0 {
			p.sigpipe()
			errno = abi.EPIPE
			break
		}
		if !p.isFull() {
			n += p.fill(f, b[n:])
			continue
		}
		if f.NonBlocking() {
			errno = abi.EAGAIN
			break
		}
		if p.m.Current().SignalPending() {
			errno = abi.ERESTARTSYS
			break
		}
		p.noteTraced(before)
		p.mutex.Unlock()
		if p.rules.WakeReaders.before(wasEmpty, n > told) {
			p.wakeReaders()
		}
		told = n
		p.wait(&p.wrWait, "wr_wait", writable) // interrupted or not, look again
		p.mutex.Lock()
		before = p.bytesTraced()
		wasEmpty, slept = p.isEmpty(), true
	}
	wakeNext := slept && !p.isFull()
	p.noteTraced(before)
	p.mutex.Unlock()

	if p.wakesReaders(wasEmpty, n > told) {
		p.wakeReaders()
	}
	if wakeNext {
		p.wakeWriters()
	}
	if n > 0 {
		errno = 0
	}
	return n, errno
}

// wakesReaders is whether a write that returns wakes readers.
func (p *Pipe) wakesReaders(wasEmpty, written bool) bool {
	switch p.rules.WakeReaders {
	case WakeReadersAlways:
		return true
	case WakeReadersIfEmpty:
		return wasEmpty
	case WakeReadersIfWritten:
		return written
	}
	if wasEmpty {
		return true
	}
	p.m.Read(p.id, fieldPollUsage)
	return p.pollUsage
}
