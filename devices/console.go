package devices

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
	"github.com/epollsim/epollsim/waitqueue"
)

// console is the terminal behind 0, 1 and 2 as long as nobody types: it takes what is written, and reads
// wait for ever. The line discipline is left out.
type console struct{ wait waitqueue.Head }

// NewConsole returns the terminal a program is started on.
func NewConsole(s *vfs.System) *vfs.File {
	c := &console{}
	c.wait.Init(s.M)
	return s.NewFile(c, abi.O_RDWR|abi.O_LARGEFILE, "/dev/pts/0", s.NextIno())
}

// Poll registers on both queues of a tty, which are one here, and reports room to write.
func (c *console) Poll(f *vfs.File, pt *vfs.PollTable) abi.Events {
	pt.Wait(f, &c.wait)
	pt.Wait(f, &c.wait)
	return abi.EPOLLOUT | abi.EPOLLWRNORM
}

// Read waits for a line that nobody types.
func (c *console) Read(f *vfs.File, _ []byte) (int, abi.Errno) {
	if f.NonBlocking() {
		return 0, abi.EAGAIN
	}
	t := f.Sys.M.Current()
	e := waitqueue.Entry{Func: waitqueue.DefaultWake, Private: t}
	c.wait.Add(&e)
	defer c.wait.Remove(&e)
	for {
		t.SetState(sim.Interruptible)
		t.Schedule("a line from the terminal", c.wait.ID())
		if t.SignalPending() {
			return 0, abi.ERESTARTSYS
		}
	}
}

// Write takes everything. Every write to a tty is an OUT edge for who watches it.
func (c *console) Write(_ *vfs.File, p []byte) (int, abi.Errno) {
	c.wait.WakeUp(sim.Interruptible, 1, false, abi.EPOLLOUT)
	return len(p), 0
}

// Release has nothing to do.
func (c *console) Release(*vfs.File) {}
