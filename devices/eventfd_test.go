package devices_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
	"github.com/epollsim/epollsim/waitqueue"
)

const (
	top    = math.MaxUint64 - 1 // the largest count that a write reaches
	einval = -int(abi.EINVAL)
)

func newEventfd(t testing.TB, s *vfs.System, initval uint32, flags int) *vfs.File {
	f, errno := devices.NewEventfd(s, initval, flags)
	require.Zero(t, errno)
	return f
}

// with returns an eventfd that does not wait, at a count.
func with(t testing.TB, v uint64, flags int) (*vfs.File, *devices.Eventfd) {
	f := newEventfd(t, newSystem(t, sim.Options{}), 0, flags|abi.EFD_NONBLOCK)
	e := f.Ops.(*devices.Eventfd)
	if v > 0 {
		require.Equal(t, 8, put(f, v))
	}
	return f, e
}

func TestEventfdCreate(t *testing.T) {
	s := newSystem(t, sim.Options{})
	for _, flags := range []int{0x2, 0x4, abi.O_APPEND, abi.O_DIRECT, 1 << 30} {
		_, errno := devices.NewEventfd(s, 0, flags)
		require.Equal(t, abi.EINVAL, errno, "%#o", flags)
	}
	f := newEventfd(t, s, math.MaxUint32, abi.EFD_CLOEXEC|abi.EFD_NONBLOCK)
	require.Equal(t, 0o4002, f.Flags())
	require.Equal(t, uint64(math.MaxUint32), f.Ops.(*devices.Eventfd).State().Count)
	require.Equal(t, abi.EINVAL, f.SetFlags(abi.O_DIRECT))
	require.Zero(t, f.SetFlags(abi.O_APPEND))
	require.Equal(t, 0o2002, f.Flags())
	require.Equal(t, 2, newEventfd(t, s, 0, 0).Flags())
}

func TestEventfdPollMask(t *testing.T) {
	for count, want := range map[uint64]abi.Events{
		0: out, 1: in | out, 77: in | out, top - 1: in | out, top: in, math.MaxUint64: in | er,
	} {
		f, e := with(t, 0, 0)
		e.SetCountRaw(count)
		require.Equal(t, want, mask(f), "count %d", count)
	}
}

func TestEventfdWakeUps(t *testing.T) {
	const (
		in  = "q IN state 0x3 one"
		out = "q OUT state 0x3 one"
	)
	for _, c := range []struct {
		action string
		count  uint64
		do     func(f *vfs.File)
		want   string
	}{
		{"write", 0, func(f *vfs.File) { put(f, 1) }, in},
		{"write to readable", 5, func(f *vfs.File) { put(f, 1) }, in},
		{"write of 0", 0, func(f *vfs.File) { put(f, 0) }, in},
		{"write, EAGAIN", top, func(f *vfs.File) { put(f, 1) }, ""},
		{"write, EINVAL", 0, func(f *vfs.File) { put(f, math.MaxUint64); write(f, make([]byte, 16)) }, ""},
		{"read", 5, func(f *vfs.File) { take(f) }, out},
		{"read, EAGAIN", 0, func(f *vfs.File) { take(f) }, ""},
		{"close of a dup", 0, func(f *vfs.File) { f.Get(); f.Put() }, ""},
		{"last close", 0, func(f *vfs.File) { f.Put() }, "q HUP state 0x3 one"},
	} {
		f, e := with(t, c.count, 0)
		log := record(map[string]*waitqueue.Head{"q": e.Wqh()})
		c.do(f)
		require.Equal(t, c.want, strings.Join(*log, ", "), c.action)
	}
}

// TestEventfdReadWrite is the table "read / write".
func TestEventfdReadWrite(t *testing.T) {
	f, e := with(t, 0, 0)
	for _, n := range []int{0, 1, 7} {
		require.Equal(t, einval, read(f, make([]byte, n)))
	}
	for _, n := range []int{0, 7, 9, 16} {
		require.Equal(t, einval, write(f, make([]byte, n)))
	}
	n, _ := take(f)
	require.Equal(t, again, n)
	require.Equal(t, einval, put(f, math.MaxUint64))
	require.Equal(t, 8, put(f, 0))
	n, _ = take(f)
	require.Equal(t, again, n)
	require.Equal(t, 8, put(f, top))
	require.Equal(t, again, put(f, 1))
	require.Equal(t, einval, put(f, math.MaxUint64), "the value is checked before the space")
	require.Equal(t, 8, put(f, 0))
	b := make([]byte, 16)
	require.Equal(t, 8, read(f, b))
	require.Equal(t, number(top), b[:8])
	require.Equal(t, make([]byte, 8), b[8:])
	require.Zero(t, e.State().Count)

	f, e = with(t, 3, abi.EFD_SEMAPHORE)
	for left := range 3 {
		n, v := take(f)
		require.Equal(t, []any{8, uint64(1)}, []any{n, v})
		require.Equal(t, uint64(2-left), e.State().Count)
	}
	n, _ = take(f)
	require.Equal(t, again, n)
}

func TestEventfdOther(t *testing.T) {
	f, _ := with(t, 5, abi.EFD_SEMAPHORE)
	pos, errno := f.Ops.(vfs.Seeker).Seek(f, 7, 0)
	require.Equal(t, []any{int64(0), abi.Errno(0)}, []any{pos, errno})
	_, ioctls := f.Ops.(vfs.Ioctler)
	require.False(t, ioctls, "ENOTTY")
	require.Equal(t, "eventfd-count:                5\neventfd-id: 0\neventfd-semaphore: 1\n", f.Ops.(vfs.Fdinfoer).Fdinfo(f))
}

// TestEventfdEdges is the ET edge table.
func TestEventfdEdges(t *testing.T) {
	for _, c := range []struct {
		action string
		count  uint64
		flags  int
		do     func(f *vfs.File)
		want   string
	}{
		{"ADD at 0", 0, 0, nil, "OUT / - / OUT"},
		{"ADD at 3", 3, 0, nil, "IN|OUT / IN / OUT"},
		{"write 1 at 0", 0, 0, func(f *vfs.File) { put(f, 1) }, "IN|OUT / IN / -"},
		{"write 1 again", 1, 0, func(f *vfs.File) { put(f, 1) }, "IN|OUT / IN / -"},
		{"write 0 while readable", 1, 0, func(f *vfs.File) { put(f, 0) }, "IN|OUT / IN / -"},
		{"write 0 at 0", 0, 0, func(f *vfs.File) { put(f, 0) }, "OUT / - / -"},
		{"read to 0", 3, 0, func(f *vfs.File) { take(f) }, "OUT / - / OUT"},
		{"read EAGAIN", 0, 0, func(f *vfs.File) { take(f) }, "- / - / -"},
		{"write 2⁶⁴-2", 0, 0, func(f *vfs.File) { put(f, top) }, "IN / IN / -"},
		{"write 0 at 2⁶⁴-2", top, 0, func(f *vfs.File) { put(f, 0) }, "IN / IN / -"},
		{"write 1 at 2⁶⁴-2", top, 0, func(f *vfs.File) { put(f, 1) }, "- / - / -"},
		{"read from 2⁶⁴-2", top, 0, func(f *vfs.File) { take(f) }, "OUT / - / OUT"},
		{"semaphore, 3 to 2", 3, abi.EFD_SEMAPHORE, func(f *vfs.File) { take(f) }, "IN|OUT / - / OUT"},
		{"semaphore, last", 1, abi.EFD_SEMAPHORE, func(f *vfs.File) { take(f) }, "OUT / - / OUT"},
		{"rejected", 0, 0, func(f *vfs.File) { write(f, make([]byte, 16)); put(f, math.MaxUint64) }, "- / - / -"},
	} {
		f, _ := with(t, c.count, c.flags)
		ws := watchAll(f)
		if c.do != nil {
			ws.harvest()
			c.do(f)
		}
		require.Equal(t, c.want, ws.harvest(), c.action)
	}
}

// onEventfd runs main on a fresh eventfd that waits.
func onEventfd(t *testing.T, flags int, main func(t *sim.Task, f *vfs.File, e *devices.Eventfd)) {
	t.Helper()
	var e *devices.Eventfd
	s := newSystem(t, sim.Options{Check: true, AfterStep: func() {
		if err := e.Check(); err != nil {
			e.Violate(err)
		}
	}})
	f := newEventfd(t, s, 0, flags)
	e = f.Ops.(*devices.Eventfd)
	spawn(s, "main", func(task *sim.Task) { main(task, f, e) })
	require.NoError(t, s.M.Run())
}

func TestEventfdBlockedReaders(t *testing.T) {
	onEventfd(t, 0, func(task *sim.Task, f *vfs.File, e *devices.Eventfd) {
		var log []string
		for i := range 3 {
			spawn(f.Sys, "reader", func(*sim.Task) {
				_, v := take(f)
				log = append(log, fmt.Sprint(i, " ", v))
			})
		}
		settle(task)
		ws := watchAll(f)
		ws.harvest()
		require.Equal(t, []string{"poller", "poller", "poller", "task 2 (reader)", "task 3 (reader)", "task 4 (reader)"}, e.State().Wqh)
		put(f, 7)
		require.Len(t, e.State().Wqh, 3, "all are woken")
		settle(task)
		require.Equal(t, []string{"0 7"}, log, "the first takes it, the others sleep again")
		require.Equal(t, "OUT / - / OUT", ws.harvest(), "the reader's own wake-up")
		for range 2 {
			put(f, 1)
			settle(task)
		}
		require.Equal(t, []string{"0 7", "1 1", "2 1"}, log)
	})
}

func TestEventfdBlockedWriter(t *testing.T) {
	onEventfd(t, abi.EFD_SEMAPHORE, func(task *sim.Task, f *vfs.File, e *devices.Eventfd) {
		put(f, top)
		ws := watchAll(f)
		ws.harvest()
		done := false
		spawn(f.Sys, "writer", func(*sim.Task) { done = put(f, 2) == 8 })
		settle(task)
		take(f)
		settle(task)
		require.False(t, done, "there is room for 1")
		take(f)
		settle(task)
		require.True(t, done)
		require.Equal(t, uint64(top), e.State().Count)
	})
	onEventfd(t, 0, func(task *sim.Task, f *vfs.File, _ *devices.Eventfd) {
		put(f, top)
		ws := watchAll(f)
		ws.harvest()
		spawn(f.Sys, "writer", func(*sim.Task) { put(f, 1) })
		settle(task)
		take(f)
		settle(task)
		require.Equal(t, "IN|OUT / IN / OUT", ws.harvest(), "read that lets a blocked writer in")
	})
}

func TestEventfdSignals(t *testing.T) {
	onEventfd(t, 0, func(task *sim.Task, f *vfs.File, e *devices.Eventfd) {
		var results []int
		sleeper := func(call func() int) {
			var it *sim.Task
			spawn(f.Sys, "sleeper", func(t *sim.Task) { it = t; results = append(results, call()) })
			settle(task)
			signal(it)
			settle(task)
		}
		sleeper(func() int { n, _ := take(f); return n })
		put(f, top)
		sleeper(func() int { return put(f, 1) })
		require.Equal(t, []int{-int(abi.ERESTARTSYS), -int(abi.ERESTARTSYS)}, results)
		require.Empty(t, e.State().Wqh)
		require.Equal(t, uint64(top), e.State().Count)
	})
}

// TestEventfdExclusiveHookHidesSleepers: sleepers stand at the tail, so a hook with EPOLLEXCLUSIVE that was there before
// and finds somebody to wake is the only one that learns of a write (observed on 6.18).
func TestEventfdExclusiveHookHidesSleepers(t *testing.T) {
	onEventfd(t, 0, func(task *sim.Task, f *vfs.File, e *devices.Eventfd) {
		woke := 1
		hook := &waitqueue.Entry{Func: func(*waitqueue.Entry, sim.State, bool, abi.Events) int { return woke }}
		e.Wqh().AddExclusive(hook)
		done := false
		spawn(f.Sys, "reader", func(*sim.Task) { take(f); done = true })
		settle(task)
		put(f, 1)
		settle(task)
		require.False(t, done)
		woke = 0 // nobody sleeps in that epoll
		put(f, 1)
		settle(task)
		require.True(t, done)
		e.Wqh().Remove(hook)
	})
}

// TestEventfdSum: two readers take one by one what the writers add, on a semaphore that is empty or almost full, under
// random schedules. The sum is right and nobody is left asleep.
func TestEventfdSum(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := &vfs.System{M: sim.New(sim.Options{Check: true, Strategy: sim.NewRandom(rapid.Uint64().Draw(rt, "seed"))})}
		defer s.M.Close()
		f, _ := devices.NewEventfd(s, 0, abi.EFD_SEMAPHORE)
		e := f.Ops.(*devices.Eventfd)
		start := rapid.SampledFrom([]uint64{0, top - 2}).Draw(rt, "start")
		e.SetCountRaw(start)
		total := 0
		for _, v := range rapid.SliceOfN(rapid.IntRange(0, 5), 1, 6).Draw(rt, "writes") {
			total += v
			s.M.Go("writer", nil, func(*sim.Task) { put(f, uint64(v)) })
		}
		first := rapid.IntRange(0, total).Draw(rt, "first reader")
		for _, n := range []int{first, total - first} {
			s.M.Go("reader", nil, func(*sim.Task) {
				for range n {
					take(f)
				}
			})
		}
		if err := s.M.Run(); err != nil {
			rt.Fatalf("%v\nschedule %s", err, s.M.Token())
		}
		if got := e.State().Count; got != start {
			rt.Fatalf("count %d, want %d", got, start)
		}
	})
}

func TestEventfdCheckFindsWhatIsWrong(t *testing.T) {
	f, e := with(t, 0, 0)
	require.NoError(t, e.Check())
	e.SetCountRaw(math.MaxUint64)
	require.Error(t, e.Check())
	e.SetCountRaw(0)
	watch(f, in)
	f.Put()
	require.Error(t, e.Check(), "released with a hook on it")
}

func TestEventfdAllocatesNothing(t *testing.T) {
	f, _ := with(t, 0, 0)
	one, b := number(1), make([]byte, 8)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		write(f, one)
		read(f, b)
		mask(f)
	}))
}
