package kernel_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/sim"
)

// notes collects what handlers saw.
type notes struct{ text []string }

func (n *notes) handler(sig abi.Signal) {
	n.text = append(n.text, strings.TrimPrefix(sig.String(), "SIG"))
}
func (n *notes) take() string {
	s := strings.Join(n.text, " ")
	n.text = nil
	return s
}

func set(sigs ...abi.Signal) abi.SigSet {
	var s abi.SigSet
	for _, sig := range sigs {
		s.Add(sig)
	}
	return s
}

func block(c kernel.Calls, sigs ...abi.Signal) { must(c.Sigprocmask(abi.SIG_BLOCK, set(sigs...))) }

func TestKillArguments(t *testing.T) {
	checked(t, func(th *kernel.Thread) {
		pid, tid := th.Getpid(), th.Gettid()
		require.Equal(t, abi.ESRCH, th.Kill(999, 0))
		require.Equal(t, abi.ESRCH, th.Kill(999, 65), "before EINVAL")
		require.Equal(t, abi.EINVAL, th.Kill(pid, 65))
		require.Equal(t, abi.EINVAL, th.Kill(pid, -1))
		require.NoError(t, th.Kill(pid, 0))
		require.Equal(t, abi.EINVAL, th.Tgkill(0, tid, 65))
		require.Equal(t, abi.EINVAL, th.Tgkill(pid, -1, 0))
		require.Equal(t, abi.ESRCH, th.Tgkill(pid, 999, 65))
		require.Equal(t, abi.EINVAL, th.Tgkill(pid, tid, 65))
		require.NoError(t, th.Tgkill(pid, tid, 0))
		for _, sig := range []abi.Signal{0, -1, abi.SIGKILL, abi.SIGSTOP, abi.SIGRTMAX + 1} {
			require.Equal(t, abi.EINVAL, th.Sigaction(sig, kernel.SigAction{Handler: kernel.HandlerIgnore}))
		}
		_, err := th.Sigprocmask(7, 0)
		require.Equal(t, abi.EINVAL, err)
	})
}

// Measured on 6.18: frames are laid on top of each other, so that of two signals that come together the
// handler of the higher number runs first; unless the first one's mask keeps it back.
func TestOrderOfHandlers(t *testing.T) {
	checked(t, func(th *kernel.Thread) {
		var n notes
		handle(th, abi.SIGUSR1, 0, n.handler)
		handle(th, abi.SIGUSR2, 0, n.handler)
		both := func() {
			block(th, abi.SIGUSR1, abi.SIGUSR2)
			must(0, th.Kill(th.Getpid(), abi.SIGUSR2))
			must(0, th.Kill(th.Getpid(), abi.SIGUSR1))
			must(0, th.Kill(th.Getpid(), abi.SIGUSR1))
			require.Empty(t, n.text)
			old := must(th.Sigprocmask(abi.SIG_UNBLOCK, set(abi.SIGUSR1, abi.SIGUSR2)))
			require.Equal(t, set(abi.SIGUSR1, abi.SIGUSR2), old)
		}
		both()
		require.Equal(t, "USR2 USR1", n.take(), "before the call returns, each once")
		must(0, th.Sigaction(abi.SIGUSR1, kernel.SigAction{Handler: kernel.HandlerFunc, Func: n.handler, Mask: set(abi.SIGUSR2)}))
		both()
		require.Equal(t, "USR1 USR2", n.take())
	})
}

// Measured on 6.18: those for the thread first; among each the faults first, then by number.
func TestOrderOfSignals(t *testing.T) {
	checked(t, func(th *kernel.Thread) {
		var n notes
		sigs := []abi.Signal{abi.SIGHUP, abi.SIGINT, abi.SIGSEGV, abi.SIGRTMIN + 2}
		for _, sig := range sigs {
			must(0, th.Sigaction(sig, kernel.SigAction{Handler: kernel.HandlerFunc, Func: n.handler, Mask: ^abi.SigSet(0)}))
		}
		block(th, sigs...)
		for _, sig := range []abi.Signal{sigs[3], sigs[1], sigs[0], sigs[2]} {
			must(0, th.Kill(th.Getpid(), sig))
		}
		must(0, th.Tgkill(th.Getpid(), th.Gettid(), sigs[3]))
		must(0, th.Tgkill(th.Getpid(), th.Gettid(), sigs[1]))
		must(th.Sigprocmask(abi.SIG_SETMASK, 0))
		rt := strings.TrimPrefix(sigs[3].String(), "SIG")
		require.Equal(t, "INT "+rt+" SEGV HUP INT "+rt, n.take())
	})
}

func TestRealTimeSignalsQueue(t *testing.T) {
	checked(t, func(th *kernel.Thread) {
		count := map[abi.Signal]int{}
		for _, sig := range []abi.Signal{abi.SIGUSR1, abi.SIGRTMIN, abi.SIGRTMAX} {
			handle(th, sig, 0, func(s abi.Signal) { count[s]++ })
			block(th, sig)
			for range 3 {
				must(0, th.Kill(th.Getpid(), sig))
			}
		}
		must(th.Sigprocmask(abi.SIG_SETMASK, 0))
		require.Equal(t, map[abi.Signal]int{abi.SIGUSR1: 1, abi.SIGRTMIN: 3, abi.SIGRTMAX: 3}, count)
	})
}

func TestHandlerFlags(t *testing.T) {
	checked(t, func(th *kernel.Thread) {
		var n notes
		depth, deepest := 0, 0
		nest := func(sig abi.Signal) {
			n.handler(sig)
			depth++
			deepest = max(deepest, depth)
			if len(n.text) < 3 {
				must(0, th.Kill(th.Getpid(), sig))
			}
			depth--
		}
		handle(th, abi.SIGUSR1, 0, nest)
		must(0, th.Kill(th.Getpid(), abi.SIGUSR1))
		require.Equal(t, "USR1 USR1 USR1", n.take())
		require.Equal(t, 1, deepest, "the signal is blocked while its handler runs")
		handle(th, abi.SIGUSR1, abi.SA_NODEFER, nest)
		must(0, th.Kill(th.Getpid(), abi.SIGUSR1))
		require.Equal(t, 3, deepest)
		n.take()
		handle(th, abi.SIGURG, abi.SA_RESETHAND, n.handler)
		must(0, th.Kill(th.Getpid(), abi.SIGURG))
		must(0, th.Kill(th.Getpid(), abi.SIGURG))
		require.Equal(t, "URG", n.take(), "the second finds the default: ignored")

		must(0, th.Sigaction(abi.SIGUSR2, kernel.SigAction{Handler: kernel.HandlerFunc, Mask: ^abi.SigSet(0), Func: func(abi.Signal) {
			old := must(th.Sigprocmask(abi.SIG_BLOCK, ^abi.SigSet(0)))
			require.False(t, old.Has(abi.SIGKILL) || old.Has(abi.SIGSTOP), "these two are never blocked")
		}}))
		must(0, th.Kill(th.Getpid(), abi.SIGUSR2))
		require.Zero(t, must(th.Sigprocmask(abi.SIG_BLOCK, 0)), "the mask is back")
	})
}

func TestIgnoringDropsWhatIsPending(t *testing.T) {
	checked(t, func(th *kernel.Thread) {
		var n notes
		handle(th, abi.SIGUSR1, 0, n.handler)
		block(th, abi.SIGUSR1)
		must(0, th.Kill(th.Getpid(), abi.SIGUSR1))
		must(0, th.Tgkill(th.Getpid(), th.Gettid(), abi.SIGUSR1))
		must(0, th.Sigaction(abi.SIGUSR1, kernel.SigAction{Handler: kernel.HandlerIgnore}))
		handle(th, abi.SIGUSR1, 0, n.handler)
		must(th.Sigprocmask(abi.SIG_SETMASK, 0))
		require.Empty(t, n.take())
		// A blocked signal is kept even if it would be ignored.
		must(0, th.Sigaction(abi.SIGUSR1, kernel.SigAction{Handler: kernel.HandlerIgnore}))
		block(th, abi.SIGUSR1)
		must(0, th.Kill(th.Getpid(), abi.SIGUSR1))
		handle(th, abi.SIGUSR1, 0, n.handler)
		must(th.Sigprocmask(abi.SIG_SETMASK, 0))
		require.Equal(t, "USR1", n.take())
	})
}

func TestWhichThreadTakesIt(t *testing.T) {
	checked(t, func(th *kernel.Thread) {
		var who []int
		handle(th, abi.SIGUSR1, 0, nil)
		pid := th.Getpid()
		unblocked := func(c kernel.Calls) {
			for {
				must(c.Sigprocmask(abi.SIG_UNBLOCK, set(abi.SIGUSR1)))
				if c.Nanosleep(ms(1000)) == abi.EINTR {
					who = append(who, c.Gettid())
				}
			}
		}
		must(0, th.Kill(pid, abi.SIGUSR1)) // nobody else: main
		block(th, abi.SIGUSR1)
		var first int
		t1 := must(th.Clone("1", func(c kernel.Calls) {
			must(0, c.Nanosleep(ms(100)))
			unblocked(c)
		}))
		t2 := must(th.Clone("2", func(c kernel.Calls) { unblocked(c) }))
		must(0, th.Nanosleep(ms(10)))
		must(0, th.Kill(pid, abi.SIGUSR1))
		must(0, th.Nanosleep(ms(200)))
		must(0, th.Kill(pid, abi.SIGUSR1))
		must(0, th.Nanosleep(ms(10)))
		require.Equal(t, []int{t2, t2}, who, "who took the last one is asked first")
		must(0, th.Kill(t1, abi.SIGUSR1))
		must(0, th.Nanosleep(ms(10)))
		require.Equal(t, []int{t2, t2, t1}, who, "kill of a thread's id asks that thread")
		must(0, th.Tgkill(pid, t1, abi.SIGUSR1))
		must(0, th.Nanosleep(ms(10)))
		require.Equal(t, []int{t2, t2, t1, t1}, who)
		first = len(who)
		must(0, th.Tgkill(pid, th.Gettid(), abi.SIGUSR1))
		must(0, th.Nanosleep(ms(10)))
		require.Len(t, who, first, "one for a thread waits for it")
		th.ExitGroup(0)
	})
}

// A thread that was to take a signal and blocks it after all hands it on: no schedule loses it.
func TestRetarget(t *testing.T) {
	every(t, 300, func(th *kernel.Thread) {
		taken := 0
		handle(th, abi.SIGUSR1, 0, func(abi.Signal) { taken++ })
		ep, fd := must(th.EpollCreate1(0)), must(th.Eventfd2(0, 0))
		must(0, add(th, ep, fd, abi.EPOLLIN))
		pid := th.Getpid()
		other := must(th.Clone("other", func(c kernel.Calls) {
			for taken == 0 {
				_ = c.Nanosleep(ms(1))
			}
		}))
		must(th.Clone("writer", func(c kernel.Calls) { must(c.Write(fd, one)) }))
		must(th.Clone("killer", func(c kernel.Calls) {
			block(c, abi.SIGUSR1)
			must(0, c.Kill(pid, abi.SIGUSR1))
		}))
		block(th, abi.SIGUSR1)
		_, _ = th.EpollPwait(ep, make([]abi.EpollEvent, 1), 1, -1, new(abi.SigSet))
		if taken > 0 {
			th.ExitGroup(0)
		}
		must(0, th.Join(other))
		require.Equal(t, 1, taken)
	})
}

func TestDefaultActions(t *testing.T) {
	for _, c := range []struct {
		name   string
		do     func(c kernel.Calls)
		status int
	}{
		{"kill", func(c kernel.Calls) { must(0, c.Kill(c.Getpid(), abi.SIGTERM)) }, int(abi.SIGTERM)},
		{"SIGKILL cannot be blocked", func(c kernel.Calls) {
			block(c, abi.SIGKILL)
			must(0, c.Kill(c.Getpid(), abi.SIGKILL))
		}, int(abi.SIGKILL)},
		{"of one thread kills all", func(c kernel.Calls) {
			must(c.Clone("other", func(c kernel.Calls) { must(0, c.Tgkill(c.Getpid(), c.Gettid(), abi.SIGUSR1)) }))
			must(c.EpollWait(must(c.EpollCreate1(0)), nil, 1, -1))
		}, int(abi.SIGUSR1)},
		{"SIGPIPE", func(c kernel.Calls) {
			p := must(c.Pipe2(0))
			must(0, c.Close(p[0]))
			must(c.Write(p[1], one))
		}, int(abi.SIGPIPE)},
		{"a stopped process hears SIGTERM when it goes on", func(c kernel.Calls) {
			pid := c.Getpid()
			must(c.Fork("parent", func(c kernel.Calls) {
				sends(abi.SIGSTOP, abi.SIGTERM)(c, pid)
				must(0, c.Kill(pid, 0))
				must(0, c.Nanosleep(ms(50)))
				must(0, c.Kill(pid, abi.SIGCONT))
			}))
			must(0, c.Nanosleep(ms(1000)))
		}, int(abi.SIGTERM)},
		{"SIGKILL ends a stop", func(c kernel.Calls) {
			pid := c.Getpid()
			must(c.Fork("killer", func(c kernel.Calls) { sends(abi.SIGSTOP, abi.SIGKILL)(c, pid) }))
			must(0, c.Nanosleep(ms(1000)))
		}, int(abi.SIGKILL)},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := kernel.Boot(kernel.Options{Check: true})
			_ = k.RunThread(func(th *kernel.Thread) {
				child := must(th.Fork("child", func(c2 kernel.Calls) {
					c.do(c2)
					c2.ExitGroup(77)
				}))
				pid, status, err := th.Wait4(child, 0)
				require.NoError(t, err)
				require.Equal(t, child, pid)
				require.Equal(t, c.status, status)
			})
		})
	}
}

func TestKilledErrorOfTheUnexpected(t *testing.T) {
	err := kernel.Boot(kernel.Options{}).RunThread(func(th *kernel.Thread) {
		p := must(th.Pipe2(0))
		must(0, th.Close(p[0]))
		must(th.Write(p[1], one))
	})
	require.Equal(t, &kernel.KilledError{Pid: 1, Signal: abi.SIGPIPE}, err)
	require.NoError(t, kernel.Boot(kernel.Options{}).RunThread(func(th *kernel.Thread) {
		child := must(th.Fork("child", func(c kernel.Calls) { must(0, c.Nanosleep(ms(1000))) }))
		must(0, th.Kill(child, abi.SIGTERM))
	}), "sent on purpose")
}

func TestStopSignalsAndContTakeEachOtherBack(t *testing.T) {
	checked(t, func(th *kernel.Thread) {
		var n notes
		handle(th, abi.SIGTSTP, 0, n.handler)
		handle(th, abi.SIGCONT, 0, n.handler)
		for _, c := range []struct {
			sigs []abi.Signal
			want string
		}{
			{[]abi.Signal{abi.SIGTSTP, abi.SIGCONT}, "CONT"},
			{[]abi.Signal{abi.SIGCONT, abi.SIGTSTP}, "TSTP"},
		} {
			block(th, abi.SIGTSTP, abi.SIGCONT)
			for _, sig := range c.sigs {
				must(0, th.Tgkill(th.Getpid(), th.Gettid(), sig))
			}
			must(th.Sigprocmask(abi.SIG_SETMASK, 0))
			require.Equal(t, c.want, n.take())
		}
	})
}

// The parent learns of a stop and its end, and tells what was sent by kill from what a child did.
func TestSigchld(t *testing.T) {
	var infos []string
	k := kernel.Boot(kernel.Options{Machine: sim.Options{Trace: func(e sim.Event) {
		if info, ok := e.Arg.(*kernel.SignalInfo); ok && info.Sig == abi.SIGCHLD {
			infos = append(infos, fmt.Sprintf("%s %#x", info.Code, info.Status))
		}
	}}})
	require.NoError(t, k.RunThread(func(th *kernel.Thread) {
		handle(th, abi.SIGCHLD, abi.SA_RESTART, nil)
		wait := func(n int64) {
			for end := must(th.ClockGettime(0)) + ms(n); must(th.ClockGettime(0)) < end; {
				_ = th.Nanosleep(end - must(th.ClockGettime(0)))
			}
		}
		child := must(th.Fork("child", func(c kernel.Calls) { must(0, c.Nanosleep(ms(10000))) }))
		must(0, th.Kill(th.Getpid(), abi.SIGCHLD))
		must(0, th.Tgkill(th.Getpid(), th.Gettid(), abi.SIGCHLD))
		must(0, th.Kill(child, abi.SIGSTOP))
		wait(10)
		must(0, th.Kill(child, abi.SIGCONT))
		wait(10)
		handle(th, abi.SIGCHLD, abi.SA_NOCLDSTOP, nil)
		must(0, th.Kill(child, abi.SIGSTOP))
		wait(10)
		must(0, th.Kill(child, abi.SIGKILL))
		wait(10)
		must(th.Fork("exits", func(c kernel.Calls) { c.ExitGroup(3) }))
		wait(10)
	}))
	require.Equal(t, []string{"SI_USER 0x0", "SI_TKILL 0x0", "CLD_STOPPED 0x137f", "CLD_CONTINUED 0xffff", "CLD_KILLED 0x9", "CLD_EXITED 0x300"}, infos)
}
