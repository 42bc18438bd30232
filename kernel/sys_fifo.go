package kernel

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
)

// FifoCalls is the system call that makes FIFOs; open(2) opens them. See fifo(7).
type FifoCalls interface {
	// Mkfifo makes a FIFO in the private directory of the run: mkfifo(3).
	Mkfifo(name string) error
}

// fifoMode is S_IFIFO, the type of a FIFO in a mode.
const fifoMode = 0o010000

// Mkfifo is mkfifo(3), which is mknodat(2).
func (t *Thread) Mkfifo(name string) error {
	t.begin("mknodat", abi.AT_FDCWD, name, fifoMode|0o666)
	if nodes[name] != nil {
		return t.done(abi.EEXIST)
	}
	p, errno := t.k.vacant(name, false)
	if errno == 0 {
		p.dir.add(p.name, devices.NewFifo(t.k.sys, p.name, t.k.rules.Pipe))
	}
	return t.done(errno)
}
