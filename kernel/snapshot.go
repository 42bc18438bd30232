package kernel

import (
	"errors"
	"fmt"
	"slices"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/eventpoll"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
	"github.com/epollsim/epollsim/waitqueue"
)

// Snapshot is the whole state of a kernel as plain data. Its text is in snapshot_text.go; as JSON each struct
// has the names of its tags.
type Snapshot struct {
	Step      uint64             `json:"step"` // that was under way or has just ended
	Time      int64              `json:"time"` // ns
	Epolls    []*eventpoll.State `json:"epolls"`
	Files     []vfs.FileState    `json:"files"` // open ones that show what they keep
	Processes []ProcessState     `json:"processes"`
	Locks     []LockState        `json:"locks"` // that are held or wanted
}

// ProcessState is a process as plain data.
type ProcessState struct {
	Pid     int           `json:"pid"`
	Zombie  bool          `json:"zombie"`
	Fds     []FdState     `json:"fds"`
	Threads []ThreadState `json:"threads"`

	SignalfdWqh waitqueue.State `json:"signalfd_wqh"` // who waits for signals of the process
}

// FdState is an open number.
type FdState struct {
	Fd      int    `json:"fd"`
	File    string `json:"file"` // its description's identity
	Name    string `json:"name"`
	Cloexec bool   `json:"cloexec"`
	Watched bool   `json:"watched"` // by an epoll
}

// ThreadState is a thread.
type ThreadState struct {
	Tid     int        `json:"tid"`
	Name    string     `json:"name"`
	State   string     `json:"state"`
	Call    string     `json:"call"`  // the system call under way, when traced
	Waits   string     `json:"waits"` // what it sleeps for, or ""
	Holds   []string   `json:"holds"` // locks
	Blocked abi.SigSet `json:"blocked"`
	Pending abi.SigSet `json:"pending"`
}

// LockState is a lock that somebody holds or waits for.
type LockState struct {
	ID      string   `json:"id"`
	Owner   string   `json:"owner"` // "": it is free again, and who waits competes for it
	Waiters []string `json:"waiters"`
}

// Snapshot returns the state between two steps, and after the run what was left.
func (k *Kernel) Snapshot() *Snapshot {
	s := &Snapshot{
		Time: k.m.Now(), Step: k.m.Steps,
		Epolls: []*eventpoll.State{}, Files: []vfs.FileState{}, Processes: []ProcessState{}, Locks: k.locks(),
	}
	for p := range k.procs.All() {
		s.Processes = append(s.Processes, p.state())
		for _, fd := range p.files.Open() {
			s.addFile(p.files.At(fd))
		}
	}
	k.epoll.Each(func(ep *eventpoll.Eventpoll) { s.Epolls = append(s.Epolls, ep.State()) })
	return s
}

// addFile adds what f shows, once for all descriptions that share it.
func (s *Snapshot) addFile(f *vfs.File) {
	shown, ok := f.Ops.(vfs.Stater)
	if !ok {
		return
	}
	state := shown.FileState()
	if !slices.ContainsFunc(s.Files, func(other vfs.FileState) bool { return other.ID == state.ID }) {
		s.Files = append(s.Files, state)
	}
}

func (p *Process) state() ProcessState {
	ps := ProcessState{Pid: p.pid, Zombie: p.zombie, Fds: []FdState{}, Threads: []ThreadState{}, SignalfdWqh: p.signalfdWqh.State("signalfd_wqh")}
	for _, fd := range p.files.Open() {
		f := p.files.At(fd)
		ps.Fds = append(ps.Fds, FdState{
			Fd: fd, File: f.ID().String(), Name: f.Name, Cloexec: p.files.Cloexec(fd), Watched: f.WatchersNow() != nil,
		})
	}
	for _, t := range p.threads {
		ps.Threads = append(ps.Threads, t.state())
	}
	return ps
}

func (t *Thread) state() ThreadState {
	ts := ThreadState{
		Tid: t.tid, Name: t.name, State: t.task.State().String(), Holds: []string{},
		Blocked: t.blocked, Pending: t.pending.set | t.proc.pending.set,
	}
	if t.task.State() == sim.Running && t.task != t.k.m.Current() {
		ts.State = "runnable"
	}
	for _, id := range t.task.Holds() {
		ts.Holds = append(ts.Holds, id.String())
	}
	if w, sleeping := t.task.Sleeping(); sleeping {
		ts.State = "sleeping"
		ts.Waits = w.What
		if w.ID != 0 {
			ts.Waits += " of " + w.ID.String()
		}
	}
	if id, owner, ok := t.task.Wants(); ok && owner != nil {
		ts.State, ts.Waits = "sleeping", fmt.Sprintf("%s, held by %s", id, owner)
	}
	if t.call != nil {
		ts.Call = t.call.Name
	}
	return ts
}

// locks returns the locks that tasks hold, then those that are wanted and free, in the order of the tasks.
func (k *Kernel) locks() []LockState {
	all := []LockState{}
	at := func(id string) *LockState {
		i := slices.IndexFunc(all, func(l LockState) bool { return l.ID == id })
		if i < 0 {
			i = len(all)
			all = append(all, LockState{ID: id, Waiters: []string{}})
		}
		return &all[i]
	}
	tasks := k.m.Tasks()
	for _, t := range tasks {
		for _, id := range t.Holds() {
			at(id.String()).Owner = t.String()
		}
	}
	for _, t := range tasks {
		if id, _, ok := t.Wants(); ok {
			l := at(id.String())
			l.Waiters = append(l.Waiters, t.String())
		}
	}
	return all
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
	var all []error // none, mostly: this runs after every step
	found := func(err error) {
		if err != nil {
			all = append(all, err)
		}
	}
	watches := 0
	k.epoll.Each(func(ep *eventpoll.Eventpoll) {
		found(ep.Check())
		watches += ep.Items()
	})
	for p := range k.procs.All() {
		found(p.files.Check())
	}
	found(k.unix.Check())
	found(k.inet.Check())
	if w := k.user.Watches(); w < watches {
		all = append(all, fmt.Errorf("user is charged for %d watches, epolls hold %d", w, watches))
	}
	return errors.Join(all...)
}

// checkStep is an end of a step that checks everything.
func (k *Kernel) checkStep() {
	if err := k.Check(); err != nil {
		k.m.Violation("%v", err)
	}
	if k.afterCheck != nil {
		k.afterCheck()
	}
}
