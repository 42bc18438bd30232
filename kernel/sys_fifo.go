package kernel

import (
	"strings"

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
	switch {
	case name == "":
		return t.done(abi.ENOENT)
	case t.k.exists(name):
		return t.done(abi.EEXIST)
	case strings.Contains(name, "/"):
		return t.done(abi.ENOENT)
	}
	t.k.add(name, devices.NewFifo(t.k.sys, name, t.k.version.pipeRules()))
	return t.done(0)
}
