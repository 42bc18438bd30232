package kernel_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/sim/explore"
)

// That the entry of a call is no point where user code shares nothing hides no place where a signal can come: before what a
// thread does between two calls, behind it, and in the call.
func TestPrivateUserCodeHidesNoSignal(t *testing.T) {
	program := func(ops []string, signals int, memory kernel.UserMemory) explore.Program {
		return func(opts sim.Options) explore.Result {
			opts.MaxSteps = 3000
			k := kernel.Boot(kernel.Options{Machine: opts, UserMemory: memory})
			var log strings.Builder
			err := k.RunThread(func(th *kernel.Thread) {
				fd := must(th.Eventfd2(1, abi.EFD_NONBLOCK))
				ep := must(th.EpollCreate1(0))
				must(0, add(th, ep, fd, abi.EPOLLIN))
				pid, set := th.Getpid(), abi.SigSet(1<<(abi.SIGUSR1-1))
				must(th.Clone("signals", func(c kernel.Calls) {
					for range signals {
						must(0, c.Kill(pid, abi.SIGUSR1))
					}
				}))
				interrupted := false
				handle(th, abi.SIGUSR1, 0, func(abi.Signal) {
					interrupted = true
					log.WriteString("! ")
				})
				_, err := th.Sigprocmask(abi.SIG_UNBLOCK, set)
				must(0, err)
				for _, op := range ops {
					fmt.Fprint(&log, op, interrupted, " ")
					interrupted = false
					switch op {
					case "wait":
						n, err := th.EpollWait(ep, make([]abi.EpollEvent, 1), 1, 1)
						fmt.Fprint(&log, n, err, " ")
					case "read":
						_, err := th.Read(fd, make([]byte, 8))
						fmt.Fprint(&log, err, " ")
					case "getpid":
						th.Getpid()
					}
				}
			})
			return explore.Result{State: fmt.Sprint(log.String(), err)}
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		ops := rapid.SliceOfN(rapid.SampledFrom([]string{"wait", "read", "getpid"}), 1, 3).Draw(rt, "ops")
		signals := 1 + rapid.IntRange(0, 3).Draw(rt, "signals")/3
		want := explore.Explore(program(ops, signals, kernel.UserMemoryOf(func(*kernel.Thread) {})), explore.Options{Direct: true})
		got := explore.Explore(program(ops, signals, kernel.NoUserMemory), explore.Options{Direct: true})
		require.True(rt, want.Exhaustive && got.Exhaustive, "%s %s", want.Verdict(), got.Verdict())
		require.Equal(rt, statesOf(want), statesOf(got))
	})
}
