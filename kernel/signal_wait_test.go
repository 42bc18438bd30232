package kernel_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/sim"
)

// later runs fn in another process after n milliseconds.
func later(c kernel.Calls, n int64, fn func(c kernel.Calls, parent int)) int {
	parent := c.Getpid()
	return must(c.Fork("later", func(c kernel.Calls) {
		must(0, c.Nanosleep(ms(n)))
		fn(c, parent)
	}))
}

func sends(sigs ...abi.Signal) func(kernel.Calls, int) {
	return func(c kernel.Calls, pid int) {
		for _, sig := range sigs {
			_ = c.Kill(pid, sig) // it may have ended
			must(0, c.Nanosleep(ms(10)))
		}
	}
}

func TestSignalsAndWaits(t *testing.T) {
	waits := map[string]func(c kernel.Calls) error{
		"epoll_wait": func(c kernel.Calls) error {
			ep := must(c.EpollCreate1(0))
			n, err := c.EpollWait(ep, make([]abi.EpollEvent, 1), 1, 100)
			require.Equal(t, err != nil, n == -1)
			return err
		},
		"epoll_pwait": func(c kernel.Calls) error {
			_, err := c.EpollPwait(must(c.EpollCreate1(0)), make([]abi.EpollEvent, 1), 1, 100, new(abi.SigSet))
			return err
		},
		"poll": func(c kernel.Calls) error {
			_, err := c.Poll(nil, 100)
			return err
		},
		"select": func(c kernel.Calls) error {
			_, err := c.Select(0, nil, nil, nil, 100)
			return err
		},
		"nanosleep": func(c kernel.Calls) error { return c.Nanosleep(ms(100)) },
	}
	type outcome struct {
		err error
		ms  int64
	}
	for _, c := range []struct {
		name  string
		flags uint32
		sigs  []abi.Signal
		want  map[string]outcome // "": all others
	}{
		{"a handler interrupts", 0, []abi.Signal{abi.SIGUSR1}, map[string]outcome{"": {abi.EINTR, 20}}},
		{"SA_RESTART changes nothing", abi.SA_RESTART, []abi.Signal{abi.SIGUSR1}, map[string]outcome{"": {abi.EINTR, 20}}},
		{"ignored signals do not disturb", 0, []abi.Signal{abi.SIGCHLD, abi.SIGCONT, abi.SIGURG}, map[string]outcome{"": {nil, 100}}},
		{"stopped and continued", 0, []abi.Signal{abi.SIGSTOP, abi.SIGCONT}, map[string]outcome{
			"": {nil, 100}, "epoll_wait": {abi.EINTR, 30}, "epoll_pwait": {abi.EINTR, 30}, "select": {nil, 110},
		}},
		{"stopped beyond the deadline", 0, []abi.Signal{abi.SIGSTOP, 0, 0, 0, 0, 0, 0, 0, 0, 0, abi.SIGCONT}, map[string]outcome{
			"": {nil, 120}, "epoll_wait": {abi.EINTR, 120}, "epoll_pwait": {abi.EINTR, 120}, "select": {nil, 200},
		}},
		{"continued, then a handler", 0, []abi.Signal{abi.SIGSTOP, abi.SIGCONT, abi.SIGUSR1}, map[string]outcome{
			"": {abi.EINTR, 40}, "epoll_wait": {abi.EINTR, 30}, "epoll_pwait": {abi.EINTR, 30},
		}},
	} {
		for name, wait := range waits {
			t.Run(c.name+"/"+name, func(t *testing.T) {
				checked(t, func(th *kernel.Thread) {
					handle(th, abi.SIGUSR1, c.flags, nil)
					later(th, 20, sends(c.sigs...))
					start := must(th.ClockGettime(abi.CLOCK_MONOTONIC))
					err := wait(th)
					want, ok := c.want[name]
					if !ok {
						want = c.want[""]
					}
					require.Equal(t, want, outcome{err, (must(th.ClockGettime(abi.CLOCK_MONOTONIC)) - start) / 1e6})
				})
			})
		}
	}
}

// Events beat signals, and with timeout 0 nobody asks for signals.
func TestEventsBeatSignals(t *testing.T) {
	checked(t, func(th *kernel.Thread) {
		var n notes
		handle(th, abi.SIGUSR1, 0, n.handler)
		ep, fd := must(th.EpollCreate1(0)), must(th.Eventfd2(1, 0))
		buf := make([]abi.EpollEvent, 1)
		block(th, abi.SIGUSR1)
		must(0, th.Kill(th.Getpid(), abi.SIGUSR1))
		none := new(abi.SigSet)
		require.Equal(t, 0, must(th.EpollPwait(ep, buf, 1, 0, none)), "timeout 0 is never interrupted")
		require.Empty(t, n.take(), "and the signal stays pending: the mask is back before anything is delivered")
		must(0, add(th, ep, fd, abi.EPOLLIN))
		require.Equal(t, 1, must(th.EpollPwait(ep, buf, 1, -1, none)))
		require.Empty(t, n.take())
		must(0, th.EpollCtl(ep, abi.EPOLL_CTL_DEL, fd, nil))
		_, err := th.EpollPwait2(ep, buf, 1, nil, none)
		require.Equal(t, abi.EINTR, err)
		require.Equal(t, "USR1", n.take())
		require.Equal(t, set(abi.SIGUSR1), must(th.Sigprocmask(abi.SIG_BLOCK, 0)))
	})
}

// The mask of the wait is in force until its signals are handled: all of them are.
func TestPwaitHandlesAllThatItsMaskAllows(t *testing.T) {
	checked(t, func(th *kernel.Thread) {
		var n notes
		var during abi.SigSet
		handle(th, abi.SIGUSR1, 0, func(s abi.Signal) {
			n.handler(s)
			during = must(th.Sigprocmask(abi.SIG_BLOCK, 0))
		})
		handle(th, abi.SIGUSR2, 0, n.handler)
		block(th, abi.SIGUSR1, abi.SIGUSR2, abi.SIGHUP)
		must(0, th.Kill(th.Getpid(), abi.SIGUSR2))
		must(0, th.Kill(th.Getpid(), abi.SIGUSR1))
		mask := set(abi.SIGALRM)
		_, err := th.EpollPwait(must(th.EpollCreate1(0)), make([]abi.EpollEvent, 1), 1, -1, &mask)
		require.Equal(t, abi.EINTR, err)
		require.Equal(t, "USR2 USR1", n.take())
		require.Equal(t, set(abi.SIGALRM, abi.SIGUSR1), during, "the handler runs with the mask of the wait")
		require.Equal(t, set(abi.SIGUSR1, abi.SIGUSR2, abi.SIGHUP), must(th.Sigprocmask(abi.SIG_BLOCK, 0)))
	})
}

// Of several handlers the first one's SA_RESTART decides about the interrupted read.
func TestRestartOfReads(t *testing.T) {
	for v := range 4 {
		t.Run(fmt.Sprint(v), func(t *testing.T) {
			checked(t, func(th *kernel.Thread) {
				var n notes
				p := must(th.Pipe2(0))
				flags := func(on bool) uint32 {
					if on {
						return abi.SA_RESTART
					}
					return 0
				}
				for i, sig := range []abi.Signal{abi.SIGUSR1, abi.SIGUSR2} {
					must(0, th.Sigaction(sig, kernel.SigAction{
						Handler: kernel.HandlerFunc, Func: n.handler, Flags: flags(v>>i&1 == 1), Mask: set(abi.SIGUSR1, abi.SIGUSR2),
					}))
				}
				later(th, 10, func(c kernel.Calls, pid int) {
					sends(abi.SIGSTOP, abi.SIGUSR2, abi.SIGUSR1, abi.SIGCONT)(c, pid)
					must(c.Write(p[1], []byte("x")))
				})
				got, err := th.Read(p[0], make([]byte, 1))
				require.Equal(t, "USR1 USR2", n.take())
				if v&1 == 1 {
					require.NoError(t, err)
					require.Equal(t, 1, got)
				} else {
					require.Equal(t, abi.EINTR, err)
					require.Equal(t, -1, got)
				}
			})
		})
	}
}

func TestRestartWithoutHandler(t *testing.T) {
	checked(t, func(th *kernel.Thread) {
		p := must(th.Pipe2(0))
		later(th, 10, func(c kernel.Calls, pid int) {
			sends(abi.SIGSTOP, abi.SIGCONT)(c, pid)
			must(c.Write(p[1], []byte("x")))
		})
		require.Equal(t, 1, must(th.Read(p[0], make([]byte, 1))))
	})
}

// Calls that go on after a stop are shown as what they are.
func TestRestartSyscallIsTraced(t *testing.T) {
	var calls []string
	k := kernel.Boot(kernel.Options{Machine: sim.Options{Trace: func(e sim.Event) {
		if c, ok := e.Arg.(*kernel.Call); ok && e.What == kernel.TraceExit && c.Tid == 1 && c.Name != "clone" {
			calls = append(calls, fmt.Sprintf("%s %d %s", c.Name, c.Ret, c.Err.Name()))
		}
	}}})
	require.NoError(t, k.RunThread(func(th *kernel.Thread) {
		later(th, 10, sends(abi.SIGSTOP, abi.SIGCONT, abi.SIGSTOP, abi.SIGCONT))
		calls = nil
		_, _ = th.Poll(nil, 100)
	}))
	require.Equal(t, []string{"poll -1 ERESTART_RESTARTBLOCK", "restart_syscall -1 ERESTART_RESTARTBLOCK", "restart_syscall 0 errno 0"}, calls)
}
