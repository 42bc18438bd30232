package kernel_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/sim"
)

func TestExitStatus(t *testing.T) {
	for _, c := range []struct {
		name   string
		do     func(c kernel.Calls)
		status int
	}{
		{"falls off", func(kernel.Calls) {}, 0},
		{"exit", func(c kernel.Calls) { c.Exit(5) }, 5 << 8},
		{"exit_group", func(c kernel.Calls) { c.ExitGroup(0x1ff) }, 0xff << 8},
		{"the last thread decides", func(c kernel.Calls) {
			must(c.Clone("last", func(c kernel.Calls) {
				must(0, c.Nanosleep(1))
				c.Exit(7)
			}))
			c.Exit(5)
		}, 7 << 8},
		{"also if it is the main one", func(c kernel.Calls) {
			must(c.Clone("first", func(c kernel.Calls) { c.Exit(7) }))
			must(0, c.Nanosleep(1))
			c.Exit(5)
		}, 5 << 8},
		{"exit_group of a thread ends those that are blocked", func(c kernel.Calls) {
			must(c.Clone("ends", func(c kernel.Calls) { c.ExitGroup(9) }))
			must(c.EpollWait(must(c.EpollCreate1(0)), nil, 1, -1))
		}, 9 << 8},
		{"… and those that have not begun", func(c kernel.Calls) {
			must(c.Clone("never", func(kernel.Calls) { panic("runs in a process that has ended") }))
			c.ExitGroup(1)
		}, 1 << 8},
	} {
		t.Run(c.name, func(t *testing.T) {
			checked(t, func(th *kernel.Thread) {
				child := must(th.Fork("child", func(cc kernel.Calls) { c.do(cc) }))
				pid, status, err := th.Wait4(child, 0)
				require.NoError(t, err)
				require.Equal(t, child, pid)
				require.Equal(t, c.status, status)
				_, _, err = th.Wait4(child, 0)
				require.Equal(t, abi.ECHILD, err, "reaped")
				require.Equal(t, abi.ESRCH, th.Kill(child, 0))
			})
		})
	}
}

func TestWait4(t *testing.T) {
	checked(t, func(th *kernel.Thread) {
		_, _, err := th.Wait4(-1, 0)
		require.Equal(t, abi.ECHILD, err)
		_, _, err = th.Wait4(th.Getpid(), 0)
		require.Equal(t, abi.ECHILD, err)
		_, _, err = th.Wait4(-1, 12345678)
		require.Equal(t, abi.EINVAL, err)
		a := must(th.Fork("a", func(c kernel.Calls) {
			must(0, c.Nanosleep(ms(20)))
			c.ExitGroup(1)
		}))
		b := must(th.Fork("b", func(c kernel.Calls) {
			must(0, c.Nanosleep(ms(10)))
			c.ExitGroup(2)
		}))
		n, _, err := th.Wait4(a, abi.WNOHANG)
		require.NoError(t, err)
		require.Zero(t, n)
		n, status, _ := th.Wait4(-1, 0)
		require.Equal(t, [2]int{b, 2 << 8}, [2]int{n, status})
		must(0, th.Nanosleep(ms(50)))
		require.NoError(t, th.Kill(a, abi.SIGTERM), "a zombie takes signals and does nothing with them")
		require.NoError(t, th.Tgkill(a, a, abi.SIGTERM))
		n, status, _ = th.Wait4(-1, abi.WNOHANG)
		require.Equal(t, [2]int{a, 1 << 8}, [2]int{n, status})
		handle(th, abi.SIGUSR1, 0, nil)
		later(th, 10, sends(abi.SIGUSR1))
		_, _, err = th.Wait4(-1, 0)
		require.Equal(t, abi.EINTR, err)
	})
}

// Measured on 6.18: with SIGCHLD ignored, or SA_NOCLDWAIT, children leave no zombie; ignored, it is not sent.
func TestChildrenNobodyWaitsFor(t *testing.T) {
	checked(t, func(th *kernel.Thread) {
		hits := 0
		exits := func(c kernel.Calls) { c.ExitGroup(3) }
		gone := func(child int) {
			_, _, err := th.Wait4(child, 0)
			require.Equal(t, abi.ECHILD, err, "it waits until the child has ended")
			require.Equal(t, abi.ESRCH, th.Kill(child, 0))
		}
		must(0, th.Sigaction(abi.SIGCHLD, kernel.SigAction{Handler: kernel.HandlerIgnore}))
		block(th, abi.SIGCHLD)
		gone(must(th.Fork("child", exits)))
		handle(th, abi.SIGCHLD, abi.SA_NOCLDWAIT|abi.SA_RESTART, func(abi.Signal) { hits++ })
		must(th.Sigprocmask(abi.SIG_SETMASK, 0))
		require.Zero(t, hits)
		gone(must(th.Fork("child", exits)))
		require.Equal(t, 1, hits)
	})
}

// Two threads wait for one child: one of them gets it.
func TestOneReaper(t *testing.T) {
	every(t, 100, func(th *kernel.Thread) {
		got := 0
		child := must(th.Fork("child", func(c kernel.Calls) { c.ExitGroup(0) }))
		wait := func(c kernel.Calls) {
			n, _, err := c.Wait4(child, 0)
			if err == nil && n == child {
				got++
			} else {
				require.Equal(t, abi.ECHILD, err)
			}
		}
		other := must(th.Clone("other", wait))
		wait(th)
		must(0, th.Join(other))
		require.Equal(t, 1, got)
	})
}

func TestOrphans(t *testing.T) {
	k := kernel.Boot(kernel.Options{Check: true})
	require.NoError(t, k.RunThread(func(th *kernel.Thread) {
		fd := must(th.Eventfd2(0, 0))
		child := must(th.Fork("child", func(c kernel.Calls) {
			must(c.Fork("zombie", func(kernel.Calls) {}))
			must(c.Fork("orphan", func(c kernel.Calls) {
				must(0, c.Nanosleep(ms(20)))
				must(c.Write(fd, one))
			}))
			must(0, c.Nanosleep(ms(10)))
		}))
		_, _, err := th.Wait4(child, 0)
		require.NoError(t, err)
		must(th.Read(fd, make([]byte, 8)))
		must(0, th.Nanosleep(1))
		require.Len(t, k.Snapshot().Processes, 1, "nobody is left, not even a zombie")
	}))
}

func TestJoin(t *testing.T) {
	checked(t, func(th *kernel.Thread) {
		must(0, th.Join(999))
		handle(th, abi.SIGUSR1, 0, nil)
		done := false
		tid := must(th.Clone("t", func(c kernel.Calls) {
			must(0, c.Kill(c.Getpid(), abi.SIGUSR1))
			must(0, c.Nanosleep(ms(10)))
			done = true
		}))
		require.NoError(t, th.Join(tid), "signals do not end it")
		require.True(t, done)
		must(0, th.Join(tid))
	})
}

// fork copies the numbers; descriptions, and so epolls, are shared.
func TestForkSharesEpolls(t *testing.T) {
	checked(t, func(th *kernel.Thread) {
		ep, fd := must(th.EpollCreate1(0)), must(th.Eventfd2(0, 0))
		must(0, add(th, ep, fd, abi.EPOLLIN|abi.EPOLLET))
		child := func(fn func(c kernel.Calls)) {
			pid := must(th.Fork("child", func(c kernel.Calls) { fn(c) }))
			_, status, _ := th.Wait4(pid, 0)
			require.Zero(t, status)
		}
		must(th.Write(fd, one))
		child(func(c kernel.Calls) { require.Equal(t, []int{fd}, harvest(c, ep, 4)) })
		require.Empty(t, harvest(th, ep, 4), "an edge goes to whoever comes first")

		child(func(c kernel.Calls) {
			must(0, c.Close(fd)) // only its own number
			own := must(c.Eventfd2(1, 0))
			require.Equal(t, fd, own)
			must(0, c.EpollCtl(ep, abi.EPOLL_CTL_ADD, own, &abi.EpollEvent{Events: abi.EPOLLIN, Data: 77}))
			require.Equal(t, []int{77}, harvest(c, ep, 4))
		})
		require.Empty(t, harvest(th, ep, 4), "what the child added went with it")
		require.Len(t, must(th.Kernel().Inspect(th, ep)).Rbr, 1)

		child(func(c kernel.Calls) { must(0, c.EpollCtl(ep, abi.EPOLL_CTL_DEL, fd, nil)) })
		require.Equal(t, abi.ENOENT, th.EpollCtl(ep, abi.EPOLL_CTL_DEL, fd, nil))
		child(func(c kernel.Calls) { must(0, add(c, ep, fd, abi.EPOLLIN)) })
		require.Equal(t, []int{fd}, harvest(th, ep, 4))
		child(func(c kernel.Calls) {
			must(0, c.Setrlimit(abi.RLIMIT_NOFILE, 3))
			_, err := c.Dup(0)
			require.Equal(t, abi.EMFILE, err)
		})
		must(th.Dup(0))
	})
}

// The release of what an exit closes runs in descending order, which two watched pipes tell.
func TestExitReleasesDescending(t *testing.T) {
	checked(t, func(th *kernel.Thread) {
		ep := must(th.EpollCreate1(0))
		a, b := must(th.Pipe2(0)), must(th.Pipe2(0))
		must(0, add(th, ep, a[0], abi.EPOLLIN))
		must(0, add(th, ep, b[0], abi.EPOLLIN))
		child := must(th.Fork("child", func(c kernel.Calls) { must(0, c.Nanosleep(1)) }))
		must(0, th.Close(a[1]))
		must(0, th.Close(b[1]))
		require.Empty(t, harvest(th, ep, 4))
		_, _, _ = th.Wait4(child, 0)
		require.Equal(t, []int{b[0], a[0]}, harvest(th, ep, 4))
	})
}

// With Options.PMSleep an EPOLLWAKEUP item keeps the system awake as long as it is listed, and its epoll
// during the harvest; without, the flag is dropped.
func TestWakeupSources(t *testing.T) {
	k := kernel.Boot(kernel.Options{Check: true, PMSleep: true})
	require.NoError(t, k.RunThread(func(th *kernel.Thread) {
		ep, fd, plain := must(th.EpollCreate1(0)), must(th.Eventfd2(0, 0)), must(th.Eventfd2(0, 0))
		must(0, add(th, ep, fd, abi.EPOLLIN|abi.EPOLLWAKEUP))
		must(0, add(th, ep, plain, abi.EPOLLIN))
		awake := func() (all []int) {
			for _, item := range must(k.Inspect(th, ep)).Rbr {
				if item.Wakeup {
					all = append(all, item.Fd)
				}
			}
			return all
		}
		require.Empty(t, awake())
		must(th.Write(fd, one))
		must(th.Write(plain, one))
		require.Equal(t, []int{fd}, awake())
		require.Len(t, harvest(th, ep, 4), 2)
		require.Equal(t, []int{fd}, awake(), "LT: listed again")
		must(th.Read(fd, make([]byte, 8)))
		require.Equal(t, []int{fd}, awake(), "until a harvest finds it empty")
		require.Len(t, harvest(th, ep, 4), 1)
		require.Empty(t, awake())
		mod := func(e abi.Events) {
			must(0, th.EpollCtl(ep, abi.EPOLL_CTL_MOD, fd, &abi.EpollEvent{Events: e}))
		}
		must(th.Write(fd, one))
		mod(abi.EPOLLIN)
		require.Empty(t, awake())
		mod(abi.EPOLLIN | abi.EPOLLET | abi.EPOLLWAKEUP)
		require.Len(t, harvest(th, ep, 4), 2)
		require.Empty(t, awake(), "ET: idle")
	}))
	checked(t, func(th *kernel.Thread) {
		ep, fd := must(th.EpollCreate1(0)), must(th.Eventfd2(1, 0))
		must(0, add(th, ep, fd, abi.EPOLLIN|abi.EPOLLWAKEUP))
		state := must(th.Kernel().Inspect(th, ep))
		require.False(t, state.Rbr[0].Wakeup)
		require.Equal(t, abi.EPOLLIN|abi.EPOLLERR|abi.EPOLLHUP, state.Rbr[0].Events)
	})
}

// There is no moment in a harvest in which nothing keeps the system awake, as long as the item is ready.
func TestWakeupIsHandedOver(t *testing.T) {
	var k *kernel.Kernel
	var th0 *kernel.Thread
	ep, held, seen := 0, false, map[string]bool{}
	k = kernel.Boot(kernel.Options{PMSleep: true, Machine: sim.Options{Trace: func(sim.Event) {
		if !held {
			return
		}
		state, err := k.Inspect(th0, ep)
		if err != nil {
			return
		}
		item := state.Rbr[0].Wakeup
		seen["item"] = seen["item"] || item
		seen["gap"] = seen["gap"] || !item && !state.Scanning
	}}})
	require.NoError(t, k.RunThread(func(th *kernel.Thread) {
		th0, ep = th, must(th.EpollCreate1(0))
		must(0, add(th, ep, must(th.Eventfd2(1, 0)), abi.EPOLLIN|abi.EPOLLWAKEUP))
		held = true
		require.Len(t, harvest(th, ep, 4), 1)
		held = false
	}))
	require.Equal(t, map[string]bool{"item": true, "gap": false}, seen)
}

// A thread in epoll_wait keeps its epoll: closing the number neither ends nor wakes it.
func TestCloseOfEpollDuringWait(t *testing.T) {
	every(t, 100, func(th *kernel.Thread) {
		ep, fd := must(th.EpollCreate1(0)), must(th.Eventfd2(0, 0))
		must(0, add(th, ep, fd, abi.EPOLLIN))
		waiter := must(th.Clone("waiter", func(c kernel.Calls) {
			n, err := c.EpollWait(ep, make([]abi.EpollEvent, 1), 1, -1)
			if err != nil {
				require.Equal(t, abi.EBADF, err, "closed before the call began")
			} else {
				require.Equal(t, 1, n)
			}
		}))
		must(0, th.Close(ep))
		must(th.Write(fd, one))
		must(0, th.Join(waiter))
		must(0, th.Close(fd))
		must(0, th.Nanosleep(1))
		require.Empty(t, th.Kernel().Snapshot().Epolls, "freed with the last reference")
	})
}

// The end of a watched file waits for the scan that may look at it, and takes its item along silently.
func TestCloseOfFileDuringScan(t *testing.T) {
	every(t, 200, func(th *kernel.Thread) {
		ep, fd, stays := must(th.EpollCreate1(0)), must(th.Eventfd2(1, 0)), must(th.Eventfd2(1, 0))
		must(0, add(th, ep, fd, abi.EPOLLIN))
		must(0, add(th, ep, stays, abi.EPOLLIN))
		scanner := must(th.Clone("scanner", func(c kernel.Calls) {
			got := harvest(c, ep, 2)
			require.Contains(t, got, stays)
		}))
		closer := must(th.Clone("closer", func(c kernel.Calls) { must(0, c.Close(fd)) }))
		must(0, th.Join(scanner))
		must(0, th.Join(closer))
		state := must(th.Kernel().Inspect(th, ep))
		require.Len(t, state.Rbr, 1)
		require.Equal(t, []int{stays}, harvest(th, ep, 4))
		require.Equal(t, 2, state.Refcount)
	})
}
