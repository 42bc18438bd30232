package kernel_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/sim"
)

// during is a strategy that runs the thread main until at says so, then the thread writer to its end.
type during struct {
	at      func() bool
	tripped bool
}

func (*during) Preemptive() bool { return true }

func (d *during) Next(_ *sim.Machine, runnable []*sim.Task, current int) int {
	if !d.tripped && !d.at() {
		for i, t := range runnable {
			if t.Name == "main" {
				return i
			}
		}
	}
	d.tripped = true
	for i, t := range runnable {
		if t.Name == "writer" {
			return i
		}
	}
	return max(current, 0)
}

// scanned runs a harvest of maxevents over eventfds with the given masks, of which ready ones are ready, and
// lets others be written while event stop is being delivered. It returns what this harvest and the next
// deliver, by index.
func scanned(t *testing.T, masks []abi.Events, ready []int, maxevents, stop int, fire []int) (now, next []int) {
	var th0 *kernel.Thread
	var fds []int
	ep := 0
	begun := false
	var k *kernel.Kernel
	d := &during{at: func() bool {
		if !begun {
			return false
		}
		state, err := k.Inspect(th0, ep)
		if err != nil || !state.Scanning {
			return false
		}
		// stop-1 events are delivered and the next item is off the list: it is being asked.
		return len(state.Txlist) == len(ready)-stop
	}}
	k = kernel.Boot(kernel.Options{Check: true, Machine: sim.Options{Strategy: d}})
	index := func(got []int) (all []int) {
		for _, fd := range got {
			all = append(all, fd-fds[0])
		}
		return all
	}
	require.NoError(t, k.RunThread(func(th *kernel.Thread) {
		th0, ep = th, must(th.EpollCreate1(0))
		for range masks {
			fds = append(fds, must(th.Eventfd2(0, 0)))
		}
		for i, m := range masks {
			must(0, add(th, ep, fds[i], m))
		}
		for _, i := range ready {
			must(th.Write(fds[i], one))
		}
		must(th.Clone("writer", func(c kernel.Calls) {
			for _, i := range fire {
				must(c.Write(fds[i], one))
			}
		}))
		begun = true
		now = index(harvest(th, ep, maxevents))
		next = index(harvest(th, ep, 64))
	}))
	require.True(t, d.tripped)
	return now, next
}

// The worked examples of section 10 of the facts, verified on 6.18 by suspending the copy of the third event.
func TestOrderAfterOverflow(t *testing.T) {
	const lt, et = abi.EPOLLIN, abi.EPOLLIN | abi.EPOLLET
	masks := []abi.Events{lt, et, lt, lt, lt, et}
	fire := []int{4, 3, 1, 0, 2, 5}

	now, next := scanned(t, masks, []int{0, 1, 2, 5}, 3, 3, fire)
	require.Equal(t, []int{0, 1, 2}, now)
	// 5 is the rest of txlist; 4, 3, 1 fired in this order; 0 and 2 are listed again by LT.
	require.Equal(t, []int{5, 4, 3, 1, 0, 2}, next)

	now, next = scanned(t, masks, []int{0, 1, 2}, 8, 3, []int{4, 3, 1, 0, 2})
	require.Equal(t, []int{0, 1, 2}, now)
	require.Equal(t, []int{4, 3, 1, 0, 2}, next)
}

// An ET item that fires again while it is being delivered is delivered again by the next call; a ONESHOT one is
// dropped silently.
func TestInFlight(t *testing.T) {
	now, next := scanned(t, []abi.Events{abi.EPOLLIN | abi.EPOLLET}, []int{0}, 1, 1, []int{0})
	require.Equal(t, []int{0}, now)
	require.Equal(t, []int{0}, next)
	now, next = scanned(t, []abi.Events{abi.EPOLLIN | abi.EPOLLONESHOT}, []int{0}, 1, 1, []int{0})
	require.Equal(t, []int{0}, now)
	require.Empty(t, next)
}

// maxevents smaller than the list: the rest stays in front, what was delivered goes to the end.
func TestFairness(t *testing.T) {
	checked(t, func(th *kernel.Thread) {
		ep := must(th.EpollCreate1(0))
		var fds []int
		for range 5 {
			fd := must(th.Eventfd2(0, 0))
			fds = append(fds, fd)
			must(0, add(th, ep, fd, abi.EPOLLIN))
		}
		for _, i := range []int{3, 1, 4, 0} {
			must(th.Write(fds[i], one))
		}
		get := func(n int) (all []int) {
			for _, fd := range harvest(th, ep, n) {
				all = append(all, fd-fds[0])
			}
			return all
		}
		require.Equal(t, []int{3, 1}, get(2))
		require.Equal(t, []int{4, 0}, get(2))
		require.Equal(t, []int{3, 1}, get(2))
		require.Equal(t, []int{4, 0, 3}, get(3))
		require.Equal(t, []int{1, 4, 0, 3}, get(8))
		must(th.Read(fds[1], make([]byte, 8)))
		require.Equal(t, []int{4, 0}, get(2), "a stale one does not count")
	})
}

// Blocked callers: newest first; an LT event goes through all of them, an ET event wakes one.
func TestSleepers(t *testing.T) {
	for _, c := range []struct {
		events abi.Events
		want   []string
	}{{abi.EPOLLIN, []string{"4", "3", "2", "1"}}, {abi.EPOLLIN | abi.EPOLLET, []string{"4"}}} {
		checked(t, func(th *kernel.Thread) {
			ep, fd := must(th.EpollCreate1(0)), must(th.Eventfd2(0, 0))
			must(0, add(th, ep, fd, c.events))
			var woken []string
			for _, name := range []string{"1", "2", "3", "4"} {
				must(th.Clone(name, func(c kernel.Calls) {
					if must(c.EpollWait(ep, make([]abi.EpollEvent, 1), 1, 100)) == 1 {
						woken = append(woken, name)
					}
				}))
			}
			must(0, th.Nanosleep(1))
			must(th.Write(fd, one))
			must(0, th.Nanosleep(ms(200)))
			require.Equal(t, c.want, woken)
		})
	}
}
