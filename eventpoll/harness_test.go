package eventpoll

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
	"github.com/epollsim/epollsim/waitqueue"
)

var (
	classSource = sim.NewClass("test source")
	classQueue  = sim.NewClass("test source.queue")
	fieldState  = sim.NewField("test state")
)

// source is a file with one queue whose state the test sets. onPoll runs inside ->poll, that is in the
// middle of a scan.
type source struct {
	*vfs.File
	m      *sim.Machine
	id     sim.ID
	queue  waitqueue.Head
	mask   abi.Events
	onPoll func()
}

func (s *source) Poll(f *vfs.File, pt *vfs.PollTable) abi.Events {
	pt.Wait(f, &s.queue)
	if s.onPoll != nil {
		s.onPoll()
	}
	s.m.Read(s.id, fieldState)
	return s.mask
}

func (s *source) Read(*vfs.File, []byte) (int, abi.Errno)  { return 0, abi.EINVAL }
func (s *source) Write(*vfs.File, []byte) (int, abi.Errno) { return 0, abi.EINVAL }
func (s *source) Release(*vfs.File)                        {}

// fire makes the source ready for key and wakes its queue; it returns how many exclusive hooks that used up.
func (s *source) fire(key abi.Events) int {
	s.m.Write(s.id, fieldState)
	s.mask |= key
	return s.queue.WakeUp(sim.Normal, 1, false, key)
}

// world is a machine with what epolls need and nothing else.
type world struct {
	t    require.TestingT
	sys  *vfs.System
	s    *Statics
	user *User
}

func newWorld(t require.TestingT, opts sim.Options, rules Rules) *world {
	w := &world{t: t}
	if opts.Check {
		opts.AfterStep = func() {
			if err := w.check(); err != nil {
				w.sys.M.Violation("%v", err)
			}
		}
	}
	w.sys = &vfs.System{M: sim.New(opts)}
	w.s = NewStatics(w.sys, rules)
	w.user = w.s.NewUser()
	return w
}

func (w *world) check() (err error) {
	w.s.Each(func(ep *Eventpoll) {
		if e := ep.Check(); e != nil {
			err = e
		}
	})
	return err
}

func (w *world) epoll() *Eventpoll { return Of(w.s.Create(w.user)) }

func (w *world) source(mask abi.Events) *source {
	s := &source{m: w.sys.M, id: w.sys.M.NewID(classSource), mask: mask}
	s.queue.InitClass(w.sys.M, classQueue)
	s.File = w.sys.NewFile(s, abi.O_RDWR, "source", 0)
	return s
}

func (w *world) sources(n int, mask abi.Events) []*source {
	all := make([]*source, n)
	for i := range all {
		all[i] = w.source(mask)
	}
	return all
}

// owner is what a task needs to end files where the kernel does: on return to user mode.
type owner struct{ fputs []*vfs.File }

func (o *owner) DelayFput(f *vfs.File) { o.fputs = append(o.fputs, f) }

func (w *world) userMode() {
	if t := w.sys.M.Current(); t != nil {
		for o := t.Owner.(*owner); len(o.fputs) > 0; {
			f := o.fputs[len(o.fputs)-1]
			o.fputs = o.fputs[:len(o.fputs)-1]
			f.Fput()
		}
	}
}

// spawn makes a task; what it leaves to be done on return to user mode is done at its end.
func (w *world) spawn(name string, fn func()) {
	w.sys.M.Go(name, &owner{}, func(*sim.Task) {
		fn()
		w.userMode()
	})
}

// close drops the test's reference.
func (w *world) close(f *vfs.File) {
	f.Put()
	w.userMode()
}

// ctl is epoll_ctl; fd is the user data too.
func (w *world) ctl(ep *Eventpoll, op int, f *vfs.File, fd int, events abi.Events) abi.Errno {
	ep.file.Get()
	f.Get()
	errno := w.s.Ctl(ep.file, f, op, fd, &abi.EpollEvent{Events: events, Data: uint64(fd)}, true)
	f.Put()
	w.close(ep.file)
	return errno
}

func (w *world) add(ep *Eventpoll, f *vfs.File, fd int, events abi.Events) {
	require.Zero(w.t, w.ctl(ep, abi.EPOLL_CTL_ADD, f, fd, events))
}

// item returns the item of ep that was added as fd.
func item(ep *Eventpoll, fd int) *epitem {
	for epi := range ep.rbr.All() {
		if epi.fd == fd {
			return epi
		}
	}
	return nil
}

// wait is epoll_wait for at most n events until deadline; 0: look once. It returns the data.
func (w *world) wait(ep *Eventpoll, n int, deadline int64) []int {
	var waiter Waiter
	waiter.Init(w.s, w.sys.M.Current())
	buf := make([]abi.EpollEvent, n)
	ep.file.Get()
	got, errno := ep.Wait(&waiter, buf, n, deadline, deadline == 0)
	w.close(ep.file)
	require.Zero(w.t, errno)
	fds := []int{}
	for _, e := range buf[:got] {
		fds = append(fds, int(e.Data))
	}
	return fds
}

// task runs fn as the only task.
func (w *world) task(fn func()) {
	w.spawn("main", fn)
	require.NoError(w.t, w.sys.M.Run())
	require.NoError(w.t, w.check())
}

// one runs fn in a watched machine, every invariant checked after every step.
func one(t *testing.T, fn func(w *world)) {
	t.Helper()
	w := newWorld(t, sim.Options{Check: true}, Baseline)
	defer w.sys.M.Close()
	w.task(func() { fn(w) })
}

// every runs the tasks that setup returns under every schedule of at most bound preemptions, all checks on,
// and calls after with how each run ended. It returns the number of runs.
func every(t *testing.T, bound int, rules Rules, setup func(w *world) []func(), after func(w *world, err error)) int {
	t.Helper()
	var pool sim.Pool
	defer pool.Close()
	e := &sim.Enumeration{Bound: bound}
	runs := 0
	for more := true; more; more = e.Advance() {
		e.Begin()
		w := newWorld(t, sim.Options{Strategy: e, Check: true, Pool: &pool}, rules)
		for i, fn := range setup(w) {
			w.spawn(string(rune('A'+i)), fn)
		}
		err := w.sys.M.Run()
		after(w, err)
		w.sys.M.Close()
		runs++
	}
	return runs
}

// fine is the usual after: no run fails.
func fine(t *testing.T) func(*world, error) {
	return func(_ *world, err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
}
