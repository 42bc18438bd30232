package devices

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/vfs"
)

// drainedFrom is from how many bytes on the master behind the console is read. Each of its reads is one more OUT edge, and
// on a host one that comes some time later: little output has only those of its own writes.
const drainedFrom = 2048

// Console is the terminal a program is started on: the slave of a pty whose master nobody types on. What is written to it
// is read in large pieces and thrown away. It is made when it is needed: most programs never do.
type Console struct {
	devpts *Devpts
	file   *vfs.File
}

// Init makes c the first pty of s.
func (c *Console) Init(s *vfs.System, d *Devpts) {
	c.devpts = d
	c.file = s.NewLateFile(c, abi.O_RDWR|abi.O_LARGEFILE, "/dev/pts/0", s.NextIno())
}

// File returns the description that a program is started with, nil before Init.
func (c *Console) File() *vfs.File { return c.file }

// Make is for vfs.Late.
func (c *Console) Make(f *vfs.File) vfs.Operations {
	p := newPty(f.Sys, c.devpts)
	p.master.count, p.slave.count = 1, 1 // somebody has the master open
	p.master.drained = true
	return p.slave.open()
}
