package kernel_test

import (
	"fmt"
	"hash/fnv"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/internal/form"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/sim"
)

// op is one call of a small random program; numbers choose among what there is.
type op struct {
	Kind    string
	Ep, Fd  int
	Events  abi.Events
	Timeout int
}

const (
	progEpolls = 2
	progFiles  = 3
)

var ops = rapid.Custom(func(t *rapid.T) op {
	return op{
		Kind: rapid.SampledFrom([]string{
			"add", "mod", "del", "write", "write", "read", "wait", "wait", "poll", "close", "closeep", "nest", "dup",
		}).Draw(t, "kind"),
		Ep:      rapid.IntRange(0, progEpolls-1).Draw(t, "ep"),
		Fd:      rapid.IntRange(0, progFiles-1).Draw(t, "fd"),
		Events:  abi.EPOLLIN | rapid.SampledFrom([]abi.Events{0, abi.EPOLLET, abi.EPOLLONESHOT, abi.EPOLLOUT, abi.EPOLLEXCLUSIVE}).Draw(t, "events"),
		Timeout: rapid.SampledFrom([]int{0, 0, 1}).Draw(t, "timeout"),
	}
})

// little is a small random program: what is watched at the beginning, and what each thread does.
type little struct {
	Watch   []op
	Threads [][]op
}

var programs = rapid.Custom(func(t *rapid.T) little {
	return little{rapid.SliceOfN(ops, 2, 5).Draw(t, "watch"), rapid.SliceOfN(rapid.SliceOfN(ops, 1, 5), 2, 3).Draw(t, "threads")}
})

// do makes one call. What it returns is free, as numbers come and go.
func do(c kernel.Calls, o op, ep, fds []int) {
	ev := &abi.EpollEvent{Events: o.Events, Data: uint64(fds[o.Fd])}
	switch o.Kind {
	case "add":
		_ = c.EpollCtl(ep[o.Ep], abi.EPOLL_CTL_ADD, fds[o.Fd], ev)
	case "mod":
		_ = c.EpollCtl(ep[o.Ep], abi.EPOLL_CTL_MOD, fds[o.Fd], ev)
	case "del":
		_ = c.EpollCtl(ep[o.Ep], abi.EPOLL_CTL_DEL, fds[o.Fd], nil)
	case "write":
		_, _ = c.Write(fds[o.Fd], one)
	case "read":
		_, _ = c.Read(fds[o.Fd], make([]byte, 8))
	case "wait":
		_, _ = c.EpollWait(ep[o.Ep], make([]abi.EpollEvent, 2), 1+o.Fd%2, o.Timeout)
	case "poll":
		_, _ = c.Poll([]abi.PollFd{{Fd: int32(ep[o.Ep]), Events: abi.POLLIN}, {Fd: int32(fds[o.Fd]), Events: abi.POLLIN}}, o.Timeout)
	case "close":
		_ = c.Close(fds[o.Fd])
	case "closeep":
		_ = c.Close(ep[o.Ep])
	case "nest":
		_ = c.EpollCtl(ep[o.Ep], abi.EPOLL_CTL_ADD, ep[1-o.Ep], &abi.EpollEvent{Events: abi.EPOLLIN, Data: uint64(ep[1-o.Ep])})
	case "dup":
		_, _ = c.Dup2(fds[o.Fd], fds[(o.Fd+1)%progFiles])
	}
}

// runProgram runs a program to its end under a strategy. Then nobody sleeps any more, every invariant holds, and
// nothing was lost: each level-triggered item whose file is ready is delivered.
func runProgram(p little, s sim.Strategy) (token string, err error) {
	k := kernel.Boot(kernel.Options{Check: true, Machine: sim.Options{Strategy: s, MaxSteps: 1e6}})
	err = k.RunThread(func(th *kernel.Thread) {
		var ep, fds []int
		for range progEpolls {
			ep = append(ep, must(th.EpollCreate1(0)))
		}
		for range progFiles {
			fds = append(fds, must(th.Eventfd2(0, abi.EFD_NONBLOCK)))
		}
		for _, o := range p.Watch {
			o.Kind = "add"
			do(th, o, ep, fds)
			o.Kind = "write"
			do(th, o, ep, fds)
		}
		for i, ops := range p.Threads[1:] {
			must(th.Clone(fmt.Sprint("t", i+1), func(c kernel.Calls) {
				for _, o := range ops {
					do(c, o, ep, fds)
				}
			}))
		}
		for _, o := range p.Threads[0] {
			do(th, o, ep, fds)
		}
		for len(k.Snapshot().Processes[0].Threads) > 1 {
			must(0, th.Nanosleep(ms(10)))
		}
		for _, e := range ep {
			if lost := lostEvents(th, e); len(lost) > 0 {
				panic(fmt.Sprintf("epoll %d: not delivered though ready: fds %v\n%s", e, lost, k.Snapshot()))
			}
		}
	})
	if err == nil {
		if left := k.Snapshot(); len(left.Epolls) > 0 {
			err = fmt.Errorf("epolls left after the end:\n%s", left)
		}
	}
	return k.Machine().Token(), err
}

// lostEvents returns the level-triggered items of an open epoll whose file is ready and that it does not deliver.
func lostEvents(th *kernel.Thread, ep int) []int {
	state, err := th.Kernel().Inspect(th, ep)
	if err != nil {
		return nil // closed
	}
	got := harvest(th, ep, 64)
	var lost []int
	for _, item := range state.Rbr {
		// After an exclusive wake-up others may rightly not know.
		if item.Events&(abi.EPOLLET|abi.EPOLLONESHOT|abi.EPOLLEXCLUSIVE) != 0 || slices.Contains(got, int(item.Data)) {
			continue
		}
		p := []abi.PollFd{{Fd: int32(item.Fd), Events: int16(item.Events)}}
		if must(th.Poll(p, 0)) == 0 || p[0].Revents == abi.POLLNVAL {
			continue
		}
		// MOD finds the item only if the number still leads to its file.
		if th.EpollCtl(ep, abi.EPOLL_CTL_MOD, item.Fd, &abi.EpollEvent{Events: item.Events, Data: item.Data}) == nil {
			lost = append(lost, item.Fd)
		}
	}
	return lost
}

func TestRandomPrograms(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := programs.Draw(rt, "program")
		n := uint64(form.Of(8, 100))
		base := rapid.Uint64Range(0, 1<<20).Draw(rt, "seed")
		for seed := base; seed < base+n; seed++ {
			if token, err := runProgram(p, strategy(seed)); err != nil {
				rt.Fatalf("%v\n  seed %d, token %s", err, seed, token)
			}
		}
	})
}

// A failed run is repeated by its token: same events, same end.
func TestDeterminism(t *testing.T) {
	hash := func(s sim.Strategy) (uint64, string) {
		h := fnv.New64a()
		k := kernel.Boot(kernel.Options{Check: true, Machine: sim.Options{Strategy: s, Trace: func(e sim.Event) {
			fmt.Fprintln(h, e.Kind, e.Step, e.Time, e.Task, e.Access, e.What, e.Other)
			if c, ok := e.Arg.(*kernel.Call); ok {
				fmt.Fprintln(h, c.Name, c.Ret, c.Err, c.Done)
			}
		}}})
		require.NoError(t, k.RunThread(func(th *kernel.Thread) {
			ep, fd := must(th.EpollCreate1(0)), must(th.Eventfd2(0, 0))
			must(0, add(th, ep, fd, abi.EPOLLIN|abi.EPOLLET))
			for i := range 3 {
				must(th.Clone(fmt.Sprint("w", i), func(c kernel.Calls) {
					_, _ = c.EpollWait(ep, make([]abi.EpollEvent, 1), 1, 5)
					_, _ = c.Poll([]abi.PollFd{{Fd: int32(ep), Events: abi.POLLIN}}, 3)
				}))
			}
			must(th.Fork("child", func(c kernel.Calls) { must(c.Write(fd, one)) }))
			must(th.Write(fd, one))
		}))
		return h.Sum64(), k.Machine().Token()
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for seed := range uint64(10) {
		runtime.GOMAXPROCS(1 + int(seed)%4)
		first, token := hash(strategy(seed))
		runtime.GOMAXPROCS(4 - int(seed)%4)
		second, again := hash(strategy(seed))
		require.Equal(t, first, second, "seed %d", seed)
		require.Equal(t, token, again)
		replay := must(sim.NewReplay(token))
		third, again := hash(replay)
		require.NoError(t, replay.Err())
		require.Equal(t, first, third, "seed %d, token %s", seed, token)
		require.Equal(t, token, again)
	}
}

func TestNoGoroutineIsLeft(t *testing.T) {
	before := runtime.NumGoroutine()
	for i := range 5 {
		_ = kernel.Boot(kernel.Options{Check: i%2 == 0}).RunThread(func(th *kernel.Thread) {
			ep := must(th.EpollCreate1(0))
			for range 10 {
				must(th.Clone("blocked", func(c kernel.Calls) { _, _ = c.EpollWait(ep, nil, 1, -1) }))
			}
			must(0, th.Nanosleep(1))
			switch i {
			case 0:
				th.ExitGroup(0)
			case 1:
				panic("in a thread")
			case 2:
				must(th.Fork("child", func(kernel.Calls) {}))
			}
		})
	}
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before && time.Now().Before(deadline); {
		runtime.Gosched() // goroutines that are ending
	}
	require.LessOrEqual(t, runtime.NumGoroutine(), before)
}
