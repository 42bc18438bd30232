package vfs_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
	"github.com/epollsim/epollsim/waitqueue"
)

// thing is a file whose state is a mask that tests set; it has as many queues as heads.
type thing struct {
	m        *sim.Machine
	id       sim.ID
	heads    []*waitqueue.Head
	mask     abi.Events
	key      abi.Events // of the last ->poll
	polls    int
	released func()
}

var (
	classThing = sim.NewClass("thing")
	fieldMask  = sim.NewField("mask")
)

func (d *thing) Read(*vfs.File, []byte) (int, abi.Errno)  { return 0, 0 }
func (d *thing) Write(*vfs.File, []byte) (int, abi.Errno) { return 0, 0 }

func (d *thing) Release(*vfs.File) {
	if d.released != nil {
		d.released()
	}
}

func (d *thing) Poll(f *vfs.File, pt *vfs.PollTable) abi.Events {
	for _, h := range d.heads {
		pt.Wait(f, h)
	}
	d.polls++
	d.key = pt.Key
	d.m.Read(d.id, fieldMask)
	return d.mask
}

// becomes changes the state and tells it.
func (d *thing) becomes(mask, key abi.Events) {
	d.m.Write(d.id, fieldMask)
	d.mask = mask
	for _, h := range d.heads {
		h.WakeUpPoll(key)
	}
}

// plain has no ->poll.
type plain struct{}

func (plain) Read(*vfs.File, []byte) (int, abi.Errno)  { return 0, 0 }
func (plain) Write(*vfs.File, []byte) (int, abi.Errno) { return 0, 0 }
func (plain) Release(*vfs.File)                        {}

// thread owns a task: it has a return to user mode.
type thread struct {
	task   *sim.Task
	poller vfs.PollWqueues
	fputs  []*vfs.File
}

func (t *thread) DelayFput(f *vfs.File) { t.fputs = append(t.fputs, f) }

// leave is the return to user mode.
func (t *thread) leave() {
	for len(t.fputs) > 0 {
		f := t.fputs[len(t.fputs)-1]
		t.fputs = t.fputs[:len(t.fputs)-1]
		f.Fput()
	}
}

// world is a machine with one fd table and threads on it.
type world struct {
	t     testing.TB
	m     *sim.Machine
	sys   *vfs.System
	table *vfs.FdTable
}

func newWorld(t testing.TB, opts sim.Options) *world {
	opts.Check = true
	w := &world{t: t, m: sim.New(opts)}
	w.sys = &vfs.System{M: w.m}
	w.table = w.sys.NewFdTable()
	return w
}

func (w *world) thing(queues int) *thing {
	d := &thing{m: w.m, id: w.m.NewID(classThing)}
	for range queues {
		h := &waitqueue.Head{}
		h.Init(w.m)
		d.heads = append(d.heads, h)
	}
	return d
}

// open gives ops the lowest free number.
func (w *world) open(ops vfs.Operations) int {
	fd, errno := w.table.Reserve(0, false)
	require.Zero(w.t, errno)
	w.table.Install(fd, w.sys.NewFile(ops, abi.O_RDWR, "thing", w.sys.NextIno()))
	return fd
}

func (w *world) close(fd int) {
	f, errno := w.table.Close(fd)
	require.Zero(w.t, errno)
	f.Put()
}

// spawn starts a thread that runs fn.
func (w *world) spawn(name string, fn func(t *thread)) *thread {
	t := &thread{}
	t.task = w.m.Go(name, t, func(*sim.Task) {
		fn(t)
		t.leave()
	})
	w.table.Users++
	return t
}

// run runs until all threads have ended.
func (w *world) run() error {
	defer w.m.Close()
	return w.m.Run()
}

// one runs fn as the only thread.
func one(t *testing.T, fn func(w *world, t *thread)) {
	w := newWorld(t, sim.Options{})
	w.spawn("main", func(t *thread) { fn(w, t) })
	require.NoError(t, w.run())
}

func (w *world) poll(t *thread, fds []abi.PollFd, timeout int64) (int, abi.Errno) {
	return w.table.Poll(&t.poller, t.task, fds, w.deadline(timeout), timeout == 0)
}

func (w *world) selects(t *thread, n int, sets vfs.Sets, timeout int64) (int, abi.Errno) {
	return w.table.Select(&t.poller, t.task, n, sets, w.deadline(timeout), timeout == 0)
}

func (w *world) deadline(timeout int64) int64 {
	if timeout < 0 {
		return sim.Forever
	}
	return w.m.Now() + timeout
}

func fdSet(fds ...int) *abi.FdSet {
	var s abi.FdSet
	for _, fd := range fds {
		s.Set(fd)
	}
	return &s
}
