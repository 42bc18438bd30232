package kernel

import (
	"errors"
	"fmt"
	"strings"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/eventpoll"
	"github.com/epollsim/epollsim/vfs"
)

// Snapshot is the whole state of a kernel as plain data.
type Snapshot struct {
	Time      int64 // ns
	Step      uint64
	Processes []ProcessState
	Epolls    []*eventpoll.State
}

// ProcessState is a process as plain data.
type ProcessState struct {
	Pid     int
	Zombie  bool
	Fds     []FdState
	Threads []ThreadState
}

// FdState is an open number.
type FdState struct {
	Fd      int
	File    string // its description's identity
	Name    string
	Cloexec bool
	Watched bool
}

// ThreadState is a thread.
type ThreadState struct {
	Tid     int
	Name    string
	State   string
	Waits   string // what it sleeps for, or ""
	Call    string // the system call under way, when traced
	Blocked abi.SigSet
	Pending abi.SigSet
}

// Snapshot returns the state between two steps, and after the run what was left.
func (k *Kernel) Snapshot() *Snapshot {
	s := &Snapshot{Time: k.m.Now(), Step: k.m.Steps}
	for p := range k.procs.All() {
		ps := ProcessState{Pid: p.pid, Zombie: p.zombie}
		for _, fd := range p.files.Open() {
			f := p.files.At(fd)
			ps.Fds = append(ps.Fds, FdState{
				Fd: fd, File: f.ID().String(), Name: f.Name, Cloexec: p.files.Cloexec(fd), Watched: f.WatchersNow() != nil,
			})
		}
		for _, t := range p.threads {
			ps.Threads = append(ps.Threads, t.state())
		}
		s.Processes = append(s.Processes, ps)
	}
	k.epoll.Each(func(ep *eventpoll.Eventpoll) { s.Epolls = append(s.Epolls, ep.State()) })
	return s
}

func (t *Thread) state() ThreadState {
	ts := ThreadState{
		Tid: t.tid, Name: t.name, State: t.task.State().String(), Blocked: t.blocked, Pending: t.pending.set | t.proc.pending.set,
	}
	if w, sleeping := t.task.Sleeping(); sleeping {
		ts.State = "sleeping"
		ts.Waits = w.What
		if w.ID != 0 {
			ts.Waits += " of " + w.ID.String()
		}
	}
	if t.call != nil {
		ts.Call = t.call.Name
	}
	return ts
}

// String shows the state as text: the epolls, then who runs and who waits.
func (s *Snapshot) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "state after step %d, at %d.%09d s\n", s.Step, s.Time/1e9, s.Time%1e9)
	for _, ep := range s.Epolls {
		b.WriteString(ep.String())
	}
	for _, p := range s.Processes {
		for _, t := range p.Threads {
			fmt.Fprintf(&b, "process %d thread %d (%s): %s", p.Pid, t.Tid, t.Name, t.State)
			if t.Waits != "" {
				fmt.Fprintf(&b, ", waits for %s", t.Waits)
			}
			if t.Call != "" {
				fmt.Fprintf(&b, ", in %s", t.Call)
			}
			b.WriteByte('\n')
		}
		if p.Zombie {
			fmt.Fprintf(&b, "process %d: zombie\n", p.Pid)
		}
	}
	return b.String()
}

// Inspect returns the state of the epoll that is open as epfd in the calling thread: EBADF, EINVAL.
func (k *Kernel) Inspect(c Calls, epfd int) (*eventpoll.State, error) {
	f := c.(*Thread).files.At(epfd)
	if f == nil {
		return nil, abi.EBADF
	}
	ep := eventpoll.Of(f)
	if ep == nil {
		return nil, abi.EINVAL
	}
	return ep.State(), nil
}

// Fdinfo returns /proc/PID/fdinfo/FD of the calling process.
func (t *Thread) Fdinfo(fd int) (string, error) {
	t.enter()
	f, counted := t.fdget(fd)
	if f == nil {
		return "", t.done(abi.EBADF)
	}
	flags := f.Flags()
	if t.files.Cloexec(fd) {
		flags |= abi.O_CLOEXEC
	}
	text := fmt.Sprintf("pos:\t%d\nflags:\t0%o\nmnt_id:\t%d\nino:\t%d\n", f.Pos, flags, anonMount, f.Ino)
	if i, ok := f.Ops.(vfs.Fdinfoer); ok {
		text += i.Fdinfo(f)
	}
	fdput(f, counted)
	return text, t.done(0)
}

// anonMount is the mount id of anonymous inodes.
const anonMount = 15

// Check verifies every structure of the kernel and reports all that is wrong. It may run between any two
// steps.
func (k *Kernel) Check() error {
	var all []error
	watches := 0
	k.epoll.Each(func(ep *eventpoll.Eventpoll) {
		all = append(all, ep.Check())
		watches += ep.Items()
	})
	for p := range k.procs.All() {
		all = append(all, p.files.Check())
	}
	if w := k.user.Watches(); w < watches {
		all = append(all, fmt.Errorf("user is charged for %d watches, epolls hold %d", w, watches))
	}
	return errors.Join(all...)
}

func (k *Kernel) afterStep() {
	if err := k.Check(); err != nil {
		k.m.Violation("%v", err)
	}
}
