package devices

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
	"github.com/epollsim/epollsim/waitqueue"
)

var (
	classPid       = sim.NewClass("pid")
	classWaitPidfd = sim.NewClass("pid.wait_pidfd")
	fieldExit      = sim.NewField("exit_state")
)

// Pid is what pidfds refer to: a process, or a thread that does not lead one. Models struct pid, and of the task what a
// pidfd asks. The floor above tells it of the end.
type Pid struct {
	m   *sim.Machine
	id  sim.ID
	nr  int
	ino uint64

	wait  waitqueue.Head
	state PidState // read without a lock by ->poll
}

// PidState is how far a process or thread has come.
type PidState uint8

// The states. A process whose first thread alone has ended is alive.
const (
	PidAlive PidState = iota
	PidZombie
	PidReaped
)

// String is the state in a word.
func (s PidState) String() string { return [...]string{"alive", "zombie", "reaped"}[s] }

// NewPid returns the pid of a task that has the number nr and is in a state.
func NewPid(s *vfs.System, nr int, state PidState) *Pid {
	p := &Pid{m: s.M, id: s.M.NewID(classPid), nr: nr, ino: s.NextIno(), state: state}
	p.wait.InitClass(s.M, classWaitPidfd)
	return p
}

// Exit wakes everybody: the last thread of the process has ended. Models do_notify_pidfd.
func (p *Pid) Exit() { p.change(PidZombie, readKey) }

// Reap wakes everybody with no key: nobody can wait for the process any more. Models the end of detach_pid.
func (p *Pid) Reap() { p.change(PidReaped, 0) }

// Nr is the number of the process or thread.
func (p *Pid) Nr() int { return p.nr }

func (p *Pid) change(s PidState, key abi.Events) {
	p.m.Write(p.id, fieldExit)
	if p.m.Tracing() {
		p.m.Move(p.id, 0, "pid "+strconv.Itoa(p.nr), p.state.String(), s.String(), "")
	}
	p.state = s
	p.wait.WakeUp(sim.Normal, waitqueue.All, false, key)
}

// pidfd is one description.
type pidfd struct{ *Pid }

// NewPidfd returns a description of p: pidfd_open(2) behind its checks.
func NewPidfd(s *vfs.System, p *Pid, flags int) *vfs.File {
	s.Counters.Allocations++
	return s.NewFile(pidfd{p}, abi.O_RDWR|flags&(abi.PIDFD_NONBLOCK|abi.PIDFD_THREAD), "anon_inode:[pidfd]", p.ino)
}

// PidOf returns what f, a pidfd, refers to, or nil.
func PidOf(f *vfs.File) *Pid {
	if d, ok := f.Ops.(pidfd); ok {
		return d.Pid
	}
	return nil
}

// Poll shows IN|RDNORM of a process that has ended, and HUP too of one that was reaped. It takes no lock. Models
// pidfd_poll.
func (p pidfd) Poll(f *vfs.File, pt *vfs.PollTable) abi.Events {
	pt.Wait(f, &p.wait)
	p.m.Read(p.id, fieldExit)
	switch p.state {
	case PidZombie:
		return readKey
	case PidReaped:
		return readKey | abi.EPOLLHUP
	}
	return 0
}

// Read is EINVAL: a pidfd has none.
func (pidfd) Read(*vfs.File, []byte) (int, abi.Errno) { return 0, abi.EINVAL }

// Write is EINVAL.
func (pidfd) Write(*vfs.File, []byte) (int, abi.Errno) { return 0, abi.EINVAL }

// ReadAt is never asked: a file of pidfs has places, and nothing in them.
func (pidfd) ReadAt(*vfs.File, []byte, int64) (int, abi.Errno) { return 0, abi.EINVAL }

// WriteAt is never asked.
func (pidfd) WriteAt(*vfs.File, []byte, int64) (int, abi.Errno) { return 0, abi.EINVAL }

// WritesAt is true.
func (pidfd) WritesAt() bool { return true }

// Mute is of both.
func (pidfd) Mute() (read, write bool) { return true, true }

// Traced is vfs.Traced.
func (p pidfd) Traced() (string, sim.ID) { return "pidfd", p.id }

// Release does nothing: the pid lives on.
func (pidfd) Release(*vfs.File) {}

// Fdinfo returns the lines of /proc/PID/fdinfo/FD. Models pidfd_show_fdinfo.
func (p pidfd) Fdinfo(*vfs.File) string {
	nr := p.nr
	if p.state == PidReaped {
		nr = -1
	}
	return fmt.Sprintf("Pid:\t%d\nNSpid:\t%d\n", nr, nr)
}

// PidfdState is what pidfds refer to, as plain data.
type PidfdState struct {
	ID   string
	Nr   int
	Now  PidState
	Wait []string // who waits, in wake-up order
}

// State returns what p looks like now.
func (p *Pid) State() *PidfdState {
	return &PidfdState{ID: p.id.String(), Nr: p.nr, Now: p.state, Wait: waiters(&p.wait)}
}

// FileState is what a snapshot shows of p.
func (p pidfd) FileState() vfs.FileState {
	return vfs.FileState{Struct: "pid", ID: p.id.String(), Fields: []vfs.FieldState{
		{Name: "nr", Value: strconv.Itoa(p.nr)},
		{Name: "exit_state", Value: p.state.String()},
	}, Queues: []waitqueue.State{p.wait.State("wait_pidfd")}}
}

// Check reports every broken invariant of p.
func (p *Pid) Check() error {
	if !p.wait.Check() {
		return errors.New(p.id.String() + ": wait_pidfd has a broken link")
	}
	return nil
}
