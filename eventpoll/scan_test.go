package eventpoll

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
)

const (
	lt = abi.EPOLLIN
	et = abi.EPOLLIN | abi.EPOLLET
)

// The worked examples of a scan during which sources fire: 0(LT) 1(ET) 2(LT) [5(ET)] are listed, and while
// event 2 is delivered 4, 3, 1, 0, 2 [and 5] fire.
func TestOrderAfterAScan(t *testing.T) {
	for _, with5 := range []bool{true, false} {
		one(t, func(w *world) {
			ep, src := w.epoll(), w.sources(6, 0)
			for fd, mask := range []abi.Events{lt, et, lt, et, et, et} {
				w.add(ep, src[fd].File, fd, mask)
			}
			listed, fire, maxevents, want := []int{0, 1, 2}, []int{4, 3, 1, 0, 2}, 8, []int{4, 3, 1, 0, 2}
			if with5 {
				listed, fire, maxevents, want = append(listed, 5), append(fire, 5), 3, append([]int{5}, want...)
			}
			for _, fd := range listed {
				src[fd].fire(abi.EPOLLIN)
			}
			src[2].onPoll = func() {
				src[2].onPoll = nil
				for _, fd := range fire {
					src[fd].fire(abi.EPOLLIN)
				}
			}
			require.Equal(t, []int{0, 1, 2}, w.wait(ep, maxevents, 0))
			require.Equal(t, want, w.wait(ep, 8, 0))
		})
	}
}

func TestItemThatFiresDuringItsOwnDelivery(t *testing.T) {
	one(t, func(w *world) {
		ep, e, o := w.epoll(), w.source(0), w.source(0)
		w.add(ep, e.File, 1, et)
		w.add(ep, o.File, 2, abi.EPOLLIN|abi.EPOLLONESHOT)
		again := func(s *source) func() {
			return func() {
				s.onPoll = nil
				s.fire(abi.EPOLLIN)
			}
		}
		e.fire(abi.EPOLLIN)
		o.fire(abi.EPOLLIN)
		e.onPoll, o.onPoll = again(e), again(o)
		require.Equal(t, []int{1, 2}, w.wait(ep, 8, 0))
		require.Equal(t, []int{1, 2}, ep.State().Rdllist)
		require.Equal(t, []int{1}, w.wait(ep, 8, 0), "ET again; a disarmed ONESHOT is dropped")
		require.Zero(t, w.ctl(ep, abi.EPOLL_CTL_MOD, o.File, 2, abi.EPOLLIN|abi.EPOLLONESHOT))
		require.Equal(t, []int{2}, w.wait(ep, 8, 0))
	})
}

func TestRoundRobin(t *testing.T) {
	one(t, func(w *world) {
		ep, src := w.epoll(), w.sources(6, 0)
		for fd := range src {
			w.add(ep, src[fd].File, fd, lt)
		}
		for _, fd := range []int{5, 3, 1, 4, 0} {
			src[fd].fire(abi.EPOLLIN)
		}
		src[5].mask = 0 // stale, does not count
		for _, want := range [][]int{{3, 1}, {4, 0}, {3, 1}} {
			require.Equal(t, want, w.wait(ep, 2, 0))
		}
		require.Equal(t, []int{4, 0, 3}, w.wait(ep, 3, 0))
		require.Equal(t, []int{1, 4, 0, 3}, w.wait(ep, 8, 0))
	})
}

// A buffer that ends early is EFAULT for the first event only; the item stays first in line.
func TestFault(t *testing.T) {
	one(t, func(w *world) {
		ep, src := w.epoll(), w.sources(3, abi.EPOLLIN)
		for fd := range src {
			w.add(ep, src[fd].File, fd, et)
		}
		var waiter Waiter
		waiter.Init(w.s, w.sys.M.Current())
		_, errno := ep.Wait(&waiter, nil, 3, 0, true)
		require.Equal(t, abi.EFAULT, errno)
		n, errno := ep.Wait(&waiter, make([]abi.EpollEvent, 2), 3, 0, true)
		require.Zero(t, errno)
		require.Equal(t, 2, n)
		require.Equal(t, []int{2}, w.wait(ep, 3, 0))
	})
}

// Polling an epoll prunes stale items, stops at the first ready one and keeps the order.
func TestPollKeepsReadyItems(t *testing.T) {
	one(t, func(w *world) {
		ep, src := w.epoll(), w.sources(3, abi.EPOLLIN)
		for fd := range src {
			w.add(ep, src[fd].File, fd, et)
		}
		src[0].mask = 0
		require.Equal(t, abi.EPOLLIN|abi.EPOLLRDNORM, ep.Poll(ep.file, nil))
		require.Equal(t, []int{1, 2}, ep.State().Rdllist)
		require.Equal(t, []int{1, 2}, w.wait(ep, 3, 0))
		require.Zero(t, ep.Poll(ep.file, nil))
	})
}

// EPOLLEXCLUSIVE: in order of ADD until one with a sleeper is found; all on the way get the item.
func TestExclusiveQuota(t *testing.T) {
	w := newWorld(t, sim.Options{Check: true}, Baseline)
	defer w.sys.M.Close()
	src := w.source(0)
	eps := []*Eventpoll{w.epoll(), w.epoll(), w.epoll(), w.epoll()}
	for i, ep := range eps[:3] {
		w.add(ep, src.File, i, abi.EPOLLIN|abi.EPOLLEXCLUSIVE)
	}
	w.add(eps[3], src.File, 3, abi.EPOLLIN) // not exclusive: in front of all
	for _, ep := range eps[1:3] {
		w.spawn("sleeper", func() { w.wait(ep, 1, sim.Forever) })
	}
	w.task(func() {
		w.sys.M.Current().Yield()
		require.Equal(t, 0, src.fire(abi.EPOLLPRI), "filtered by all")
		require.Equal(t, 1, src.fire(abi.EPOLLIN))
		var listed []int
		for i, ep := range eps {
			if !ep.rdllist.Empty() {
				listed = append(listed, i)
			}
		}
		require.Equal(t, []int{0, 1, 3}, listed)
		require.Equal(t, 1, src.fire(abi.EPOLLIN), "the first sleeper is awake, the second is reached")
		require.Equal(t, 0, src.fire(abi.EPOLLIN), "nobody sleeps")
	})
}

func TestWakeupSources(t *testing.T) {
	one(t, func(w *world) {
		w.s.PMSleep = true
		ep, src := w.epoll(), w.source(0)
		w.add(ep, src.File, 1, et|abi.EPOLLWAKEUP)
		epi := item(ep, 1)
		require.False(t, epi.ws.Active)
		src.fire(abi.EPOLLIN)
		require.True(t, epi.ws.Active)
		src.onPoll = func() { require.True(t, ep.ws.Active && !epi.ws.Active, "the epoll bridges the harvest") }
		require.Equal(t, []int{1}, w.wait(ep, 1, 0))
		require.False(t, epi.ws.Active || ep.ws.Active)
		src.onPoll = nil
		require.Zero(t, w.ctl(ep, abi.EPOLL_CTL_MOD, src.File, 1, et))
		require.Nil(t, epi.ws)
	})
}

// One callback and one scan, un-traced, allocate nothing.
func TestHotPathAllocatesNothing(t *testing.T) {
	w := newWorld(t, sim.Options{}, Baseline)
	defer w.sys.M.Close()
	ep, outer := w.epoll(), w.epoll()
	src := w.sources(3, 0)
	for fd, mask := range []abi.Events{lt, et, et | abi.EPOLLEXCLUSIVE} {
		w.add(ep, src[fd].File, fd, mask)
	}
	w.add(outer, ep.file, 9, et)
	w.task(func() {
		var waiter Waiter
		waiter.Init(w.s, w.sys.M.Current())
		buf := make([]abi.EpollEvent, 8)
		require.Zero(t, testing.AllocsPerRun(100, func() {
			for _, s := range src {
				s.fire(abi.EPOLLIN)
			}
			if n, _ := outer.Wait(&waiter, buf, 8, 0, true); n != 1 {
				t.Fatal("no event in the outer epoll")
			}
			if n, _ := ep.Wait(&waiter, buf, 8, 0, true); n != 3 {
				t.Fatal("no events")
			}
		}))
	})
}
