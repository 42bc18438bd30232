package devices

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/vfs"
)

// read takes what is there, up to len(b) bytes or one packet. It sleeps only while there is nothing, and then passes the
// turn to the next reader if it left something. Writers are woken after the mutex is released. O_NONBLOCK counts at the
// moment of going to sleep. Models anon_pipe_read.
func (p *Pipe) read(f *vfs.File, b []byte) (int, abi.Errno) {
	if len(b) == 0 {
		return 0, 0
	}
	p.mutex.Lock()
	wasFull, slept := p.isFull(), false
	for p.isEmpty() && p.writers > 0 {
		if f.NonBlocking() {
			p.mutex.Unlock()
			return 0, abi.EAGAIN
		}
		p.mutex.Unlock()
		if errno := p.wait(&p.rdWait, "rd_wait", readable); errno != 0 {
			return 0, errno
		}
		p.mutex.Lock()
		wasFull, slept = p.isFull(), true
	}
	before := p.bytesTraced()
	n, freed, freedWhileFull := p.drain(b)
	p.noteTraced(before)
	wakeNext := slept && !p.isEmpty()
	p.mutex.Unlock()

	if p.rules.WakeWriters.after(wasFull, freed, freedWhileFull) {
		p.wakeWriters()
	}
	if wakeNext {
		p.wakeReaders()
	}
	return n, 0
}
