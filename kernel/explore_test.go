package kernel_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/sim/explore"
)

// small programs on what explorers have most to do with. Every call tells what it returned.
type smallOp struct {
	Kind string
	Fd   int
	Arg  int
}

var smallOps = rapid.Custom(func(t *rapid.T) smallOp {
	return smallOp{
		Kind: rapid.SampledFrom([]string{
			"add", "mod", "del", "write", "write", "read", "wait", "wait", "poll", "close", "dup", "arm", "kill", "mask", "sleep",
			"pipe", "nest", "open",
		}).Draw(t, "kind"),
		Fd:  rapid.IntRange(0, 3).Draw(t, "fd"),
		Arg: rapid.IntRange(0, 2).Draw(t, "arg"),
	}
})

type smallProgram [][]smallOp

var smallPrograms = rapid.Custom(func(t *rapid.T) smallProgram {
	return rapid.SliceOfN(rapid.SliceOfN(smallOps, 1, 2), 2, 3).Draw(t, "threads")
})

// run runs p once and returns what every call of every thread returned.
func (p smallProgram) run(opts sim.Options) explore.Result {
	return p.runOn(func(m sim.Options) *kernel.Kernel {
		return kernel.Boot(kernel.Options{Machine: m, UserMemory: kernel.NoUserMemory})
	}, opts)
}

// runOn is run on a kernel that boot makes.
func (p smallProgram) runOn(boot func(sim.Options) *kernel.Kernel, opts sim.Options) explore.Result {
	opts.MaxSteps = 5000
	k := boot(opts)
	logs := make([]strings.Builder, len(p))
	err := k.RunThread(func(th *kernel.Thread) {
		ep := must(th.EpollCreate1(0))
		fds := []int{must(th.Eventfd2(0, abi.EFD_NONBLOCK)), 0, 0, must(th.TimerfdCreate(abi.CLOCK_MONOTONIC, abi.TFD_NONBLOCK))}
		pipe := must(th.Pipe2(abi.O_NONBLOCK))
		fds[1], fds[2] = pipe[0], pipe[1]
		must(0, add(th, ep, fds[0], abi.EPOLLIN))
		must(0, add(th, ep, fds[1], abi.EPOLLIN|abi.EPOLLET))
		handle(th, abi.SIGUSR1, 0, nil)
		pid := th.Getpid()
		for i, ops := range p[1:] {
			must(th.Clone(fmt.Sprint("t", i+1), func(c kernel.Calls) { small(c, ops, ep, fds, pid, &logs[i+1]) }))
		}
		small(th, p[0], ep, fds, pid, &logs[0])
	})
	var s strings.Builder
	for i := range logs {
		fmt.Fprintf(&s, "%d: %s; ", i, logs[i].String())
	}
	if err != nil {
		fmt.Fprint(&s, "ended by ", strings.SplitN(err.Error(), "\n", 2)[0])
	}
	return explore.Result{State: s.String()}
}

func small(c kernel.Calls, ops []smallOp, ep int, fds []int, pid int, log *strings.Builder) {
	for _, o := range ops {
		fd := fds[o.Fd]
		ev := &abi.EpollEvent{Events: abi.EPOLLIN | []abi.Events{0, abi.EPOLLET, abi.EPOLLONESHOT}[o.Arg], Data: uint64(fd)}
		n, err := 0, error(nil)
		switch o.Kind {
		case "add":
			err = c.EpollCtl(ep, abi.EPOLL_CTL_ADD, fd, ev)
		case "mod":
			err = c.EpollCtl(ep, abi.EPOLL_CTL_MOD, fd, ev)
		case "del":
			err = c.EpollCtl(ep, abi.EPOLL_CTL_DEL, fd, nil)
		case "write":
			n, err = c.Write(fd, one)
		case "read":
			n, err = c.Read(fd, make([]byte, 8))
		case "wait":
			events := make([]abi.EpollEvent, 2)
			if n, err = c.EpollWait(ep, events, 2, o.Arg-1); n > 0 {
				fmt.Fprint(log, events[:n])
			}
		case "poll":
			p := []abi.PollFd{{Fd: int32(fd), Events: abi.POLLIN}, {Fd: int32(ep), Events: abi.POLLIN}}
			n, err = c.Poll(p, o.Arg)
			fmt.Fprint(log, p)
		case "close":
			err = c.Close(fd)
		case "dup":
			n, err = c.Dup2(fd, fds[(o.Fd+1)%len(fds)])
		case "arm":
			err = c.TimerfdSettime(fds[3], 0, &abi.Itimerspec{Value: abi.Timespec{Nsec: int64(o.Arg) * 1e6}}, nil)
		case "kill":
			err = c.Kill(pid, abi.SIGUSR1)
		case "mask":
			set := abi.SigSet(1 << (abi.SIGUSR1 - 1))
			_, err = c.Sigprocmask([]int{abi.SIG_BLOCK, abi.SIG_UNBLOCK, abi.SIG_BLOCK}[o.Arg], set)
		case "sleep":
			err = c.Nanosleep(ms(int64(o.Arg)))
		case "pipe":
			n, err = c.Write(fds[2], one)
		case "nest":
			e, _ := c.EpollCreate1(0)
			n, err = e, c.EpollCtl(e, abi.EPOLL_CTL_ADD, ep, ev)
		case "open":
			n, err = c.Eventfd2(0, 0)
		}
		fmt.Fprint(log, o.Kind, " ", n, " ", err, " ")
	}
}

// enumerated returns the states of every schedule with at most bound preemptions; nil if there are more than limit.
func enumerated(run explore.Program, bound, limit int) (states map[string]bool, runs int) {
	pool := &sim.Pool{}
	defer pool.Close()
	e := &sim.Enumeration{Bound: bound}
	states = map[string]bool{}
	for n := 1; n <= limit; n++ {
		e.Begin()
		states[run(sim.Options{Strategy: e, Pool: pool}).State] = true
		if !e.Advance() {
			return states, n
		}
	}
	return nil, limit
}

// What the explorer shows with a bound is what plain enumeration shows; without one, at least that.
func TestExplorationShowsWhatEnumerationDoes(t *testing.T) {
	plain, reduced := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		p := smallPrograms.Draw(rt, "program")
		bound := rapid.IntRange(0, 2).Draw(rt, "bound")
		want, n := enumerated(p.run, bound, 4000)
		if want == nil {
			return
		}
		r := explore.Explore(p.run, explore.Options{Bound: explore.UpTo(bound), Direct: true})
		require.NoError(rt, r.Err)
		plain += n
		reduced += int(r.Runs)
		require.Equal(rt, slices.Sorted(maps.Keys(want)), statesOf(r), "%d runs, %d", r.Runs, n)
		r = explore.Explore(p.run, explore.Options{Direct: true, MaxSchedules: 4000})
		require.NoError(rt, r.Err)
		if r.Exhaustive {
			got := statesOf(r)
			for s := range want {
				require.Contains(rt, got, s)
			}
		}
	})
	t.Logf("%d schedules, %d explored", plain, reduced)
}

func statesOf(r *explore.Report) (states []string) {
	for _, s := range r.States {
		states = append(states, s.Text)
	}
	slices.Sort(states)
	return states
}

// A witness shows its outcome in a run that nobody watches for races, after as many steps: what the explorer leaves out
// where no signals are sent counts as if it were there.
func TestWitnessesReplay(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := smallPrograms.Draw(rt, "program")
		r := explore.Explore(p.run, explore.Options{Direct: true, MaxSchedules: 200})
		require.NoError(rt, r.Err)
		for _, s := range r.States {
			replay, err := sim.NewReplay(s.Witness.Token)
			require.NoError(rt, err)
			var m *sim.Machine
			got := p.runOn(func(o sim.Options) *kernel.Kernel {
				k := kernel.Boot(kernel.Options{Machine: o, UserMemory: kernel.NoUserMemory})
				m = k.Machine()
				return k
			}, sim.Options{Strategy: replay})
			require.NoError(rt, replay.Err())
			require.Equal(rt, s.Text, got.State)
			require.Equal(rt, s.Witness.Steps, m.Steps)
		}
	})
}

// Who of the threads that end is last cannot be seen, unless it leaves an exit status, or somebody has a pidfd of it.
func TestTheLastThreadIsSeen(t *testing.T) {
	child := func(body func(kernel.Calls)) func(opts sim.Options) explore.Result {
		return func(opts sim.Options) explore.Result {
			k := kernel.Boot(kernel.Options{Machine: opts, UserMemory: kernel.NoUserMemory})
			state := ""
			err := k.RunThread(func(th *kernel.Thread) {
				pid := must(th.Fork("child", body))
				_, status, err := th.Wait4(pid, 0)
				state = fmt.Sprintf("%#x %v", status, err)
			})
			return explore.Result{Err: err, State: state}
		}
	}
	for _, c := range []struct {
		body func(kernel.Calls)
		want []string
	}{
		{func(c kernel.Calls) { must(c.Clone("other", func(kernel.Calls) {})) }, []string{"0x0 <nil>"}},
		{func(c kernel.Calls) { must(c.Clone("other", func(c kernel.Calls) { c.Exit(3) })) }, []string{"0x0 <nil>", "0x300 <nil>"}},
	} {
		r := explore.Explore(child(c.body), explore.Options{Direct: true})
		require.True(t, r.Exhaustive)
		require.Zero(t, r.Failed)
		require.Equal(t, c.want, statesOf(r))
	}
}
