package vfs_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

const all = abi.EPOLLIN | abi.EPOLLPRI | abi.EPOLLOUT | abi.EPOLLERR | abi.EPOLLHUP | abi.EPOLLNVAL | abi.EPOLLRDNORM |
	abi.EPOLLRDBAND | abi.EPOLLWRNORM | abi.EPOLLWRBAND | abi.EPOLLRDHUP

func TestPollMasks(t *testing.T) {
	for _, c := range []struct {
		name                string
		events, mask, wants abi.Events
	}{
		{"asked and there", abi.EPOLLIN, abi.EPOLLIN | abi.EPOLLOUT, abi.EPOLLIN},
		{"asked and not there", abi.EPOLLIN, abi.EPOLLOUT, 0},
		{"ERR and HUP unasked", 0, abi.EPOLLERR | abi.EPOLLHUP | abi.EPOLLIN, abi.EPOLLERR | abi.EPOLLHUP},
		{"RDHUP only asked", abi.EPOLLIN, abi.EPOLLRDHUP, 0},
		{"RDHUP asked", abi.EPOLLRDHUP, abi.EPOLLRDHUP | abi.EPOLLIN, abi.EPOLLRDHUP},
		{"16 bits", all, abi.EPOLLIN | abi.EPOLLURINGWAKE, abi.EPOLLIN},
	} {
		t.Run(c.name, func(t *testing.T) {
			one(t, func(w *world, th *thread) {
				d := w.thing(1)
				d.mask = c.mask
				fds := []abi.PollFd{{Fd: int32(w.open(d)), Events: int16(c.events), Revents: -1}}
				n, errno := w.poll(th, fds, 0)
				require.Zero(t, errno)
				require.Equal(t, int16(c.wants), fds[0].Revents)
				require.Equal(t, c.wants != 0, n == 1)
				require.Equal(t, c.events&0xffff|abi.EPOLLERR|abi.EPOLLHUP, d.key)
			})
		})
	}
}

func TestPollEntries(t *testing.T) {
	one(t, func(w *world, th *thread) {
		d := w.thing(1)
		d.mask = abi.EPOLLIN
		fd, always := int32(w.open(d)), int32(w.open(plain{}))
		fds := []abi.PollFd{
			{Fd: -1, Events: abi.POLLIN, Revents: 7},
			{Fd: 99, Events: 0, Revents: 7},
			{Fd: fd, Events: abi.POLLIN},
			{Fd: fd, Events: abi.POLLOUT, Revents: 7},
			{Fd: always, Events: int16(all)},
			{Fd: always, Events: abi.POLLPRI},
		}
		n, errno := w.poll(th, fds, -1)
		require.Zero(t, errno)
		require.Equal(t, 3, n, "entries with revents, not bits")
		var got []int16
		for _, f := range fds {
			got = append(got, f.Revents)
		}
		require.Equal(t, []int16{0, abi.POLLNVAL, abi.POLLIN, 0, 0x145, 0}, got)
	})
}

func TestPollLimit(t *testing.T) {
	one(t, func(w *world, th *thread) {
		w.table.Limit = 2
		fds := []abi.PollFd{{Fd: -1}, {Fd: -1}, {Fd: -1}}
		_, errno := w.poll(th, fds, 0)
		require.Equal(t, abi.EINVAL, errno)
		n, errno := w.poll(th, fds[:2], 0)
		require.Zero(t, errno)
		require.Zero(t, n)
	})
}

func TestPollTimesOut(t *testing.T) {
	one(t, func(w *world, th *thread) {
		d := w.thing(1)
		fds := []abi.PollFd{{Fd: int32(w.open(d)), Events: abi.POLLIN}}
		n, errno := w.poll(th, fds, 5e6)
		require.Zero(t, n)
		require.Zero(t, errno)
		require.EqualValues(t, 5e6, w.m.Now())
		require.Equal(t, 2, d.polls, "it looks again when the time is over")
		require.Empty(t, d.heads[0].Entries())
		n, _ = w.poll(th, nil, 1e6)
		require.Zero(t, n)
		require.EqualValues(t, 6e6, w.m.Now(), "without fds it is a sleep")
	})
}

// A wake-up whose key nobody asked for has no effect; one without a key always has.
func TestPollKeys(t *testing.T) {
	w := newWorld(t, sim.Options{})
	d := w.thing(1)
	fds := []abi.PollFd{{Fd: int32(w.open(d)), Events: abi.POLLIN}}
	w.spawn("poller", func(th *thread) {
		n, _ := w.poll(th, fds, -1)
		require.Equal(t, 1, n)
		require.Equal(t, int16(abi.POLLIN|abi.POLLERR), fds[0].Revents)
	})
	w.spawn("waker", func(th *thread) {
		d.becomes(abi.EPOLLIN, abi.EPOLLOUT)
		th.task.Yield()
		require.Equal(t, 1, d.polls, "filtered: not even looked at")
		d.becomes(0, 0)
		th.task.Yield()
		require.Equal(t, 2, d.polls)
		d.becomes(abi.EPOLLIN|abi.EPOLLERR, abi.EPOLLERR)
	})
	require.NoError(t, w.run())
	require.Equal(t, 3, d.polls)
}

func TestPollIsInterrupted(t *testing.T) {
	one(t, func(w *world, th *thread) {
		d := w.thing(1)
		fd := w.open(d)
		fds := []abi.PollFd{{Fd: int32(fd), Events: abi.POLLIN, Revents: 7}}
		th.task.SetSignal(true, false)
		for _, timeout := range []int64{0, 1e6, -1} {
			fds[0].Revents = 7
			_, errno := w.poll(th, fds, timeout)
			require.Equal(t, abi.ERESTARTNOHAND, errno, "with timeout 0 too")
			require.Zero(t, fds[0].Revents, "revents are written")
			set := fdSet(fd)
			_, errno = w.selects(th, 64, vfs.Sets{In: set}, timeout)
			require.Equal(t, abi.ERESTARTNOHAND, errno)
			require.True(t, set.Has(fd), "sets are not")
		}
		d.mask = abi.EPOLLIN
		n, errno := w.poll(th, fds, 0)
		require.Equal(t, 1, n, "events win")
		require.Zero(t, errno)
		n, errno = w.selects(th, 64, vfs.Sets{In: fdSet(fd)}, -1)
		require.Equal(t, 1, n)
		require.Zero(t, errno)
	})
}

// Closing the fd neither wakes the poller nor ends the description; the next wake-up shows it.
func TestCloseDuringWait(t *testing.T) {
	t.Run("poll", func(t *testing.T) {
		closeDuring(t, func(w *world, th *thread, fd int) {
			fds := []abi.PollFd{{Fd: int32(fd), Events: abi.POLLIN}}
			n, _ := w.poll(th, fds, -1)
			require.Equal(t, 1, n)
			require.Equal(t, int16(abi.POLLNVAL), fds[0].Revents)
		})
	})
	t.Run("select", func(t *testing.T) {
		closeDuring(t, func(w *world, th *thread, fd int) {
			in, out, ex := fdSet(fd), fdSet(), fdSet(fd)
			n, errno := w.selects(th, fd+1, vfs.Sets{In: in, Out: out, Ex: ex}, -1)
			require.Zero(t, errno)
			require.Equal(t, 2, n, "a member of each set it was in")
			require.Equal(t, [3][]int{{fd}, nil, {fd}}, [3][]int{in.Fds(), out.Fds(), ex.Fds()})
		})
	})
}

func closeDuring(t *testing.T, wait func(*world, *thread, int)) {
	w := newWorld(t, sim.Options{})
	d := w.thing(1)
	released := false
	d.released = func() { released = true }
	fd := w.open(d)
	poller := w.spawn("poller", func(th *thread) {
		wait(w, th, fd)
		require.False(t, released)
		th.leave()
		require.True(t, released)
	})
	w.spawn("closer", func(th *thread) {
		w.close(fd)
		th.leave()
		th.task.SleepUntil(1e6, "pause")
		_, asleep := poller.task.Sleeping()
		require.True(t, asleep)
		require.False(t, released)
		d.becomes(abi.EPOLLIN, abi.EPOLLIN)
	})
	require.NoError(t, w.run())
}

// A number that is used again during the wait: the new file is asked, though only the old one wakes.
func TestReuseDuringPoll(t *testing.T) {
	w := newWorld(t, sim.Options{})
	d, other := w.thing(1), w.thing(1)
	other.mask = abi.EPOLLIN | abi.EPOLLPRI
	fd := w.open(d)
	w.spawn("poller", func(th *thread) {
		fds := []abi.PollFd{{Fd: int32(fd), Events: abi.POLLPRI | abi.POLLIN}}
		n, _ := w.poll(th, fds, -1)
		require.Equal(t, 1, n)
		require.Equal(t, int16(abi.POLLPRI|abi.POLLIN), fds[0].Revents)
		require.Empty(t, other.heads[0].Entries())
	})
	w.spawn("closer", func(th *thread) {
		w.close(fd)
		require.Equal(t, fd, w.open(other))
		d.becomes(0, abi.EPOLLIN)
	})
	require.NoError(t, w.run())
}

// Only the first pass hooks, and only the files before the first hit; several pollers are all woken, newest
// first.
func TestHooks(t *testing.T) {
	one(t, func(w *world, th *thread) {
		a, b, c := w.thing(1), w.thing(2), w.thing(1)
		var fds []abi.PollFd
		for _, d := range []*thing{a, b, c} {
			fds = append(fds, abi.PollFd{Fd: int32(w.open(d)), Events: abi.POLLIN})
		}
		b.mask = abi.EPOLLIN
		before := w.sys.Counters.QueueInsertions
		_, _ = w.poll(th, fds, -1)
		require.EqualValues(t, 3, w.sys.Counters.QueueInsertions-before, "a's queue and both of b: b is hooked before it is known to be a hit")
		before = w.sys.Counters.QueueInsertions
		_, _ = w.poll(th, fds, 0)
		require.Equal(t, before, w.sys.Counters.QueueInsertions, "timeout 0 hooks nothing")
		b.mask = 0
		polls := c.polls
		_, _ = w.poll(th, fds, 1e6)
		require.EqualValues(t, 4, w.sys.Counters.QueueInsertions-before)
		require.Equal(t, 2, c.polls-polls)
	})
}

func TestPollersAreWokenNewestFirst(t *testing.T) {
	w := newWorld(t, sim.Options{})
	d := w.thing(1)
	fd := int32(w.open(d))
	var order []string
	for _, name := range []string{"1", "2", "3"} {
		w.spawn(name, func(th *thread) {
			n, _ := w.poll(th, []abi.PollFd{{Fd: fd, Events: abi.POLLIN}}, -1)
			require.Equal(t, 1, n)
			order = append(order, name)
		})
	}
	w.spawn("waker", func(*thread) { d.becomes(abi.EPOLLIN, abi.EPOLLIN) })
	require.NoError(t, w.run())
	require.Equal(t, []string{"3", "2", "1"}, order)
}

// Section 4 of the facts: what a call costs as a function of n.
func TestCosts(t *testing.T) {
	for _, c := range []struct{ n, queues, allocations int }{
		{1, 1, 0}, {9, 1, 0}, {10, 1, 1}, {30, 1, 1}, {31, 1, 2}, {72, 1, 2}, {73, 1, 3}, {36, 2, 2}, {540, 1, 10}, {541, 1, 11},
	} {
		one(t, func(w *world, th *thread) {
			w.table.Limit = 2000
			var fds []abi.PollFd
			for range c.n {
				fds = append(fds, abi.PollFd{Fd: int32(w.open(w.thing(c.queues))), Events: abi.POLLIN})
			}
			before := w.sys.Counters
			_, _ = w.poll(th, fds, 1e6)
			now := w.sys.Counters
			hooks := c.n * c.queues
			require.EqualValues(t, hooks, now.QueueInsertions-before.QueueInsertions)
			require.EqualValues(t, 2*c.n, now.PollCalls-before.PollCalls)
			require.EqualValues(t, 8*c.n, now.BytesIn-before.BytesIn)
			require.EqualValues(t, 2*c.n, now.BytesOut-before.BytesOut)
			require.EqualValues(t, c.allocations, now.Allocations-before.Allocations, "n %d", c.n)
		})
	}
}

// No event is lost between the look and the sleep, whatever the schedule: the latch.
func TestLatch(t *testing.T) {
	for seed := range uint64(400) {
		var s sim.Strategy = sim.NewRandom(seed)
		if seed%2 == 1 {
			s = sim.NewPCT(3, 60, seed)
		}
		w := newWorld(t, sim.Options{Strategy: s})
		a, b := w.thing(1), w.thing(2)
		fa, fb := w.open(a), w.open(b)
		w.spawn("poll", func(th *thread) {
			fds := []abi.PollFd{{Fd: int32(fa), Events: abi.POLLIN}, {Fd: int32(fb), Events: abi.POLLIN}}
			for seen := 0; seen != 3; {
				n, errno := w.poll(th, fds, -1)
				require.Zero(t, errno)
				require.NotZero(t, n)
				for i := range fds {
					if fds[i].Revents != 0 {
						seen |= 1 << i
						fds[i].Fd = -1
					}
				}
			}
		})
		w.spawn("select", func(th *thread) {
			want := []int{fa, fb}
			for len(want) > 0 {
				set := fdSet(want...)
				n, errno := w.selects(th, 64, vfs.Sets{In: set}, -1)
				require.Zero(t, errno)
				require.Equal(t, n, len(set.Fds()))
				want = slices.DeleteFunc(want, set.Has)
			}
		})
		w.spawn("wake", func(*thread) {
			a.becomes(abi.EPOLLIN, abi.EPOLLIN)
			b.becomes(abi.EPOLLIN, abi.EPOLLIN)
		})
		require.NoError(t, w.run(), "seed %d", seed)
		require.Empty(t, a.heads[0].Entries())
		require.Empty(t, b.heads[1].Entries())
	}
}
