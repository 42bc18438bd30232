package kernel_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/sim/explore"
)

// waiters is n threads in epoll_wait on one eventfd, which main writes once.
func waiters(n int, events abi.Events) explore.Program {
	return func(opts sim.Options) explore.Result {
		k := kernel.Boot(kernel.Options{Machine: opts, UserMemory: kernel.NoUserMemory})
		got := make([]int, n)
		err := k.RunThread(func(th *kernel.Thread) {
			ep, fd := must(th.EpollCreate1(0)), must(th.Eventfd2(0, abi.EFD_NONBLOCK))
			must(0, add(th, ep, fd, events))
			for i := range n {
				must(th.Clone(fmt.Sprint("w", i), func(c kernel.Calls) {
					got[i], _ = c.EpollWait(ep, make([]abi.EpollEvent, 1), 1, 5)
				}))
			}
			must(th.Write(fd, one))
		})
		return explore.Result{Err: err, State: fmt.Sprint(got)}
	}
}

// Two waiters and a writer are a few hundred interleavings; three are 134,898, which takes ten seconds and is no test: see the table of
// kerneltest.
func TestInterleavingsOfWaiters(t *testing.T) {
	if testing.Short() {
		t.Skip("many runs of one goroutine at a time")
	}
	count := func(n int, events abi.Events) (uint64, []string) {
		r := explore.Explore(waiters(n, events), explore.Options{Direct: true, MaxSchedules: 2_000_000})
		require.NoError(t, r.Err)
		require.True(t, r.Exhaustive)
		require.Zero(t, r.Failed)
		return r.Interleavings(), statesOf(r)
	}
	n, states := count(1, abi.EPOLLIN)
	require.EqualValues(t, 6, n)
	require.Equal(t, []string{"[1]"}, states)
	n, states = count(2, abi.EPOLLIN|abi.EPOLLET)
	require.EqualValues(t, 386, n)
	require.Equal(t, []string{"[0 1]", "[1 0]"}, states)
	n, states = count(2, abi.EPOLLIN)
	require.EqualValues(t, 422, n)
	require.Equal(t, []string{"[1 1]"}, states)
}

// Plain enumeration with a bound takes more than ten times the schedules.
func TestReductionSavesTenfold(t *testing.T) {
	if testing.Short() {
		t.Skip("many runs of one goroutine at a time")
	}
	for name, p := range map[string]explore.Program{"ping": ping, "one waiter": waiters(1, abi.EPOLLIN), "two waiters": waiters(2, abi.EPOLLIN|abi.EPOLLET)} {
		plain := 0
		e := &sim.Enumeration{Bound: 2}
		pool := &sim.Pool{}
		for more := true; more && plain < 20_000; more = e.Advance() {
			e.Begin()
			p(sim.Options{Strategy: e, Pool: pool})
			plain++
		}
		pool.Close()
		r := explore.Explore(p, explore.Options{Direct: true, Bound: explore.UpTo(2)})
		t.Logf("%s: %d schedules, %d explored", name, plain, r.Total)
		require.Greater(t, plain, 10*int(r.Total), name)
	}
}

// What an exploration keeps does not grow with the schedules that it has run.
func TestMemoryIsFlat(t *testing.T) {
	if testing.Short() {
		t.Skip("many runs of one goroutine at a time")
	}
	var objects []uint64
	opts := explore.Options{Direct: true, MaxSchedules: 9_000}
	opts.Progress = func(p explore.Progress) {
		if p.Runs < uint64(3_000*(len(objects)+1)) {
			return
		}
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		objects = append(objects, m.HeapObjects)
	}
	r := explore.Explore(waiters(3, abi.EPOLLIN), opts)
	require.NoError(t, r.Err)
	require.Len(t, objects, 2)
	require.LessOrEqual(t, objects[1], objects[0]+100, "6,000 more schedules")
}

// Since 5.5 a scan hides the events that come meanwhile, up to 5.6 without waking anybody: a sleeper is left behind.
func TestLostWakeUpIsNamed(t *testing.T) {
	if testing.Short() {
		t.Skip("many runs of one goroutine at a time")
	}
	program := func(version string) explore.Program {
		v := must(kernel.ParseVersion(version))
		return func(opts sim.Options) explore.Result {
			k := kernel.Boot(kernel.Options{Version: v, Machine: opts, Check: true, UserMemory: kernel.NoUserMemory})
			err := k.RunThread(func(th *kernel.Thread) {
				ep := must(th.EpollCreate1(0))
				a, b := must(th.Eventfd2(0, 0)), must(th.Eventfd2(0, 0))
				must(0, add(th, ep, a, abi.EPOLLIN|abi.EPOLLET))
				must(0, add(th, ep, b, abi.EPOLLIN|abi.EPOLLET))
				for i := range 2 {
					must(th.Clone(fmt.Sprint("w", i), func(c kernel.Calls) { must(c.EpollWait(ep, make([]abi.EpollEvent, 1), 1, -1)) }))
				}
				must(th.Write(a, one))
				must(th.Write(b, one))
			})
			return explore.Result{Err: err}
		}
	}
	r := explore.Explore(program("5.6"), explore.Options{Bound: explore.UpTo(2), StopAtFailure: true})
	require.NotEmpty(t, r.Failures)
	require.True(t, strings.HasPrefix(r.Failures[0].Text, "lost wake-up: "), r.Failures[0].Text)
	var lost *kernel.LostWakeUpError
	require.True(t, errors.As(r.Failures[0].Witness.Err, &lost))
	require.True(t, kernel.Deadlocked(lost))
	r = explore.Explore(program("6.18"), explore.Options{Bound: explore.UpTo(1)})
	require.Zero(t, r.Failed)
}
