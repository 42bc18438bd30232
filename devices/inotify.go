package devices

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
	"github.com/epollsim/epollsim/waitqueue"
)

var (
	classInotify      = sim.NewClass("inotify")
	classInotifyLock  = sim.NewClass("inotify.notification_lock")
	classInotifyQueue = sim.NewClass("inotify.notification_waitq")
	classInotifyMarks = sim.NewClass("inotify.mark_mutex")
	fieldNotification = sim.NewField("notification_list")
	fieldWatchMask    = sim.NewField("mark.mask")
)

const (
	inotifyHeader   = 16 // struct inotify_event without the name
	inotifyOverflow = -1 // the wd of the event that tells of lost ones
)

// Inotify is a queue of what happened to the inodes it watches, models struct fsnotify_group with its inotify_data. See
// inotify(7).
//
// Leaves out IN_UNMOUNT, INOTIFY_IOC_SETNEXTWD, SIGIO.
//
//	Inotify ── watches ──> Watch (wd, mask) ──> vfs.Inode ── marks ──> Watch
//	   │ queue: wd, mask, cookie, name
//	   └ waitq: blocked readers and pollers, nobody exclusive
type Inotify struct {
	m  *sim.Machine
	id sim.ID

	lock     sim.Spinlock // guards the queue
	queue    []inotifyEvent
	overflow bool // the event of an overflow is in it
	waitq    waitqueue.Head

	marks   sim.Mutex // guards watches
	watches []*Watch  // by wd
	lastWd  int32
	closed  bool

	user      *InotifyUser
	maxEvents int

	sleepers sleepers
}

// inotifyEvent is one event of the queue: struct inotify_event_info.
type inotifyEvent struct {
	wd     int32
	mask   uint32
	cookie uint32
	name   string
}

// size is how many bytes a reader gets: the name is padded, with one NUL at least.
func (e *inotifyEvent) size() int {
	if e.name == "" {
		return inotifyHeader
	}
	return inotifyHeader + (len(e.name)+1+inotifyHeader-1)/inotifyHeader*inotifyHeader
}

// NewInotify returns an instance of u that watches nothing: inotify_init1(2) up to the descriptor. EMFILE if u may have no
// more.
func NewInotify(s *vfs.System, u *InotifyUser, flags int) (*vfs.File, abi.Errno) {
	if flags&^(abi.IN_CLOEXEC|abi.IN_NONBLOCK) != 0 {
		return nil, abi.EINVAL
	}
	if !u.mayCreate() {
		return nil, abi.EMFILE
	}
	n := &Inotify{m: s.M, id: s.M.NewID(classInotify), user: u, maxEvents: u.MaxQueuedEvents}
	n.lock.Init(s.M, classInotifyLock)
	n.marks.Init(s.M, classInotifyMarks)
	n.waitq.InitClass(s.M, classInotifyQueue)
	s.Counters.Allocations++
	return s.NewFile(n, abi.O_RDONLY|flags&abi.IN_NONBLOCK, "anon_inode:inotify", anonIno), 0
}

// InotifyOf returns the instance that f is a description of, or nil.
func InotifyOf(f *vfs.File) *Inotify {
	n, _ := f.Ops.(*Inotify)
	return n
}

// add queues an event and wakes everybody, unless it is the same as the last one that nobody has read, or the queue is
// full. Models fsnotify_insert_event.
func (n *Inotify) add(e inotifyEvent) {
	enter(n.m, "fsnotify_insert_event")
	n.lock.Lock()
	n.m.Guarded(&n.lock, n.lock.ID(), fieldNotification)
	queued := false
	switch {
	case len(n.queue) >= n.maxEvents:
		if queued = !n.overflow; queued {
			n.overflow = true
			n.queue = append(n.queue, inotifyEvent{wd: inotifyOverflow, mask: abi.IN_Q_OVERFLOW})
		}
	case !n.merges(&e):
		queued = true
		n.queue = append(n.queue, e)
	}
	if queued {
		n.note(len(n.queue)-1, len(n.queue))
	}
	n.lock.Unlock()
	if queued {
		n.waitq.WakeUp(sim.Normal, 1, false, 0)
	}
	leave(n.m, "fsnotify_insert_event")
}

// merges reports whether e says what the last event does: inotify_merge. The cookie does not count.
func (n *Inotify) merges(e *inotifyEvent) bool {
	if len(n.queue) == 0 {
		return false
	}
	last := &n.queue[len(n.queue)-1]
	return last.mask&abi.IN_IGNORED == 0 && last.mask == e.mask && last.wd == e.wd && last.name == e.name
}

func (n *Inotify) note(before, after int) {
	if n.m.Tracing() {
		n.m.Note(n.id, fmt.Sprintf("events %d → %d", before, after))
	}
}

// OneByOne says that inotify has no ->read_iter.
func (n *Inotify) OneByOne() (read, write bool) { return true, false }

// Read takes as many events as there are and fit, and sleeps only for the first. One that does not fit is EINVAL. Models
// inotify_read.
func (n *Inotify) Read(f *vfs.File, p []byte) (int, abi.Errno) {
	enter(n.m, "inotify_read")
	defer leave(n.m, "inotify_read")
	t := n.m.Current()
	w := n.sleepers.get(t, 0)
	w.Func = waitqueue.DefaultWake
	n.waitq.Add(w)
	done := 0
	var errno abi.Errno
	for {
		t.SetState(sim.Interruptible)
		size, got := 0, false
		if size, got, errno = n.take(p[done:]); errno != 0 {
			break
		}
		if done += size; got {
			continue
		}
		if errno = n.mayWait(t, f); errno != 0 || done > 0 {
			break
		}
		t.Schedule("notification_waitq", n.id)
	}
	t.SetState(sim.Running)
	n.waitq.Remove(w)
	n.sleepers.put(w)
	if done > 0 {
		return done, 0
	}
	return 0, errno
}

// mayWait is what keeps a reader of an empty queue from sleeping.
func (n *Inotify) mayWait(t *sim.Task, f *vfs.File) abi.Errno {
	switch {
	case f.NonBlocking():
		return abi.EAGAIN
	case t.SignalPending():
		return abi.ERESTARTSYS
	}
	return 0
}

// take moves the first event to p. Models get_one_event and copy_event_to_user.
func (n *Inotify) take(p []byte) (size int, got bool, errno abi.Errno) {
	n.lock.Lock()
	defer n.lock.Unlock()
	n.m.Guarded(&n.lock, n.lock.ID(), fieldNotification)
	if len(n.queue) == 0 {
		return 0, false, 0
	}
	e := n.queue[0]
	size = e.size()
	if size > len(p) {
		return 0, false, abi.EINVAL
	}
	if e.mask&abi.IN_Q_OVERFLOW != 0 {
		n.overflow = false
	}
	n.note(len(n.queue), len(n.queue)-1)
	if n.queue = n.queue[1:]; len(n.queue) == 0 {
		n.queue = nil
	}
	clear(p[:size])
	binary.LittleEndian.PutUint32(p, uint32(e.wd))
	binary.LittleEndian.PutUint32(p[4:], e.mask)
	binary.LittleEndian.PutUint32(p[8:], e.cookie)
	binary.LittleEndian.PutUint32(p[12:], uint32(size-inotifyHeader))
	copy(p[inotifyHeader:], e.name)
	return size, true, 0
}

// Write is never asked: the description is read-only.
func (n *Inotify) Write(*vfs.File, []byte) (int, abi.Errno) { return 0, abi.EBADF }

// Poll shows IN|RDNORM while there are events. Models inotify_poll.
func (n *Inotify) Poll(f *vfs.File, pt *vfs.PollTable) abi.Events {
	pt.Wait(f, &n.waitq)
	n.lock.Lock()
	defer n.lock.Unlock()
	n.m.Guarded(&n.lock, n.lock.ID(), fieldNotification)
	if len(n.queue) > 0 {
		return abi.EPOLLIN | abi.EPOLLRDNORM
	}
	return 0
}

// Ioctl knows FIONREAD: the bytes of all events. Models inotify_ioctl.
func (n *Inotify) Ioctl(_ *vfs.File, request uint, _ int64) (int64, abi.Errno) {
	if request != abi.FIONREAD {
		return 0, abi.ENOTTY
	}
	n.lock.Lock()
	defer n.lock.Unlock()
	n.m.Guarded(&n.lock, n.lock.ID(), fieldNotification)
	size := 0
	for i := range n.queue {
		size += n.queue[i].size()
	}
	return int64(size), 0
}

// Seek returns the position, which stays 0: noop_llseek.
func (n *Inotify) Seek(f *vfs.File, _ int64, _ int) (int64, abi.Errno) { return f.Pos, 0 }

// SetAsync lets an inotify keep O_ASYNC: fsnotify_fasync. Nobody is sent SIGIO.
func (n *Inotify) SetAsync(*vfs.File, bool) abi.Errno { return 0 }

// Release ends all watches; nobody is told. Models inotify_release.
func (n *Inotify) Release(*vfs.File) {
	n.marks.Lock()
	n.closed = true
	for _, w := range n.watches {
		w.inode.RemoveMark(w)
	}
	n.user.endWatches(len(n.watches))
	n.watches = nil
	n.marks.Unlock()
	n.user.endInstance()
}

// Traced is vfs.Traced.
func (n *Inotify) Traced() (string, sim.ID) { return "inotify", n.id }

// InotifyState is an inotify as plain data.
type InotifyState struct {
	ID      string
	Events  []string
	Watches []string
	Waitq   []string // who waits, in wake-up order
}

// State returns what n looks like now. It takes no lock: the machine stands still.
func (n *Inotify) State() *InotifyState {
	s := &InotifyState{ID: n.id.String(), Waitq: waiters(&n.waitq)}
	for _, e := range n.queue {
		s.Events = append(s.Events, fmt.Sprintf("%d %s %d %q", e.wd, abi.Flags("IN", int64(e.mask)), e.cookie, e.name))
	}
	for _, w := range n.watches {
		s.Watches = append(s.Watches, fmt.Sprintf("%d %s", w.wd, abi.Flags("IN", int64(w.mask))))
	}
	return s
}

// FileState is what a snapshot shows of n.
func (n *Inotify) FileState() vfs.FileState {
	return vfs.FileState{Struct: "fsnotify_group", ID: n.id.String(), Fields: []vfs.FieldState{
		{Name: "q_len", Value: fmt.Sprint(len(n.queue))},
		{Name: "watches", Value: fmt.Sprint(len(n.watches))},
	}, Queues: []waitqueue.State{n.waitq.State("notification_waitq")}}
}

// Check reports every broken invariant of n. It may run between any two steps.
func (n *Inotify) Check() error {
	var all []error
	if !n.waitq.Check() {
		all = append(all, fmt.Errorf("%s: notification_waitq has a broken link", n.id))
	}
	if len(n.queue) > n.maxEvents+1 {
		all = append(all, fmt.Errorf("%s: %d events", n.id, len(n.queue)))
	}
	for i, w := range n.watches {
		if i > 0 && n.watches[i-1].wd >= w.wd {
			all = append(all, fmt.Errorf("%s: watch %d stands behind %d", n.id, w.wd, n.watches[i-1].wd))
		}
	}
	return errors.Join(all...)
}
