package devices

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/vfs"
)

// drainedFrom is from how many bytes on the master behind the console is read. Each of its reads is one more OUT edge, and
// on a host one that comes some time later: little output has only those of its own writes.
const drainedFrom = 2048

// NewConsole returns the terminal a program is started on: the slave of a pty whose master nobody types on. What is
// written to it is read in large pieces and thrown away.
func NewConsole(s *vfs.System, d *Devpts) *vfs.File {
	p := newPty(s, d)
	p.master.count, p.slave.count = 1, 1 // somebody has the master open
	p.master.drained = true
	return s.NewFile(p.slave.open(), abi.O_RDWR|abi.O_LARGEFILE, p.slave.name(), s.NextIno())
}
