package kernel_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/sim"
)

func TestTimerfdArguments(t *testing.T) {
	type args struct {
		fd, flags int
		new, old  *abi.Itimerspec
	}
	checked(t, func(th *kernel.Thread) {
		fd := must(th.TimerfdCreate(abi.CLOCK_MONOTONIC, abi.TFD_CLOEXEC|abi.TFD_NONBLOCK))
		require.Equal(t, abi.FD_CLOEXEC, must(th.Fcntl(fd, abi.F_GETFD, 0)))
		other := must(th.Eventfd2(0, 0))
		var old abi.Itimerspec
		settime := func(a args) error { return th.TimerfdSettime(a.fd, a.flags, a.new, a.old) }
		precedence(t, args{fd, 0, &abi.Itimerspec{}, &old}, settime, []mistake[args]{
			{"new NULL", func(a *args) { a.new = nil }, abi.EFAULT},
			{"flags", func(a *args) { a.flags = 4 }, abi.EINVAL},
			{"closed", func(a *args) { a.fd = 99 }, abi.EBADF},
			{"no timer", func(a *args) { a.fd = other }, abi.EINVAL},
		})
		require.Equal(t, abi.EBADF, th.TimerfdGettime(99, nil))
		require.Equal(t, abi.EINVAL, th.TimerfdGettime(other, nil))
		require.Equal(t, abi.EFAULT, th.TimerfdGettime(fd, nil))
		must(0, th.Setrlimit(abi.RLIMIT_NOFILE, 5))
		_, err := th.TimerfdCreate(3, 0)
		require.Equal(t, abi.EINVAL, err, "before EMFILE")
		_, err = th.TimerfdCreate(1, 0)
		require.Equal(t, abi.EMFILE, err)
		_, err = th.Signalfd4(-1, new(abi.SigSet), 0)
		require.Equal(t, abi.EMFILE, err)
		_, err = th.PidfdOpen(th.Getpid(), 0)
		require.Equal(t, abi.EMFILE, err)
	})
}

func TestSignalfdArguments(t *testing.T) {
	type args struct {
		fd    int
		mask  *abi.SigSet
		flags int
	}
	checked(t, func(th *kernel.Thread) {
		set := ^abi.SigSet(0)
		fd := must(th.Signalfd4(-1, &set, abi.SFD_NONBLOCK|abi.SFD_CLOEXEC))
		other := must(th.Eventfd2(0, 0))
		call := func(a args) error {
			_, err := th.Signalfd4(a.fd, a.mask, a.flags)
			return err
		}
		precedence(t, args{fd, &set, 0}, call, []mistake[args]{
			{"mask NULL", func(a *args) { a.mask = nil }, abi.EFAULT},
			{"flags", func(a *args) { a.flags = 1 }, abi.EINVAL},
			{"closed", func(a *args) { a.fd = 99 }, abi.EBADF},
			{"no signalfd", func(a *args) { a.fd = other }, abi.EINVAL},
		})
		require.Contains(t, must(th.Fdinfo(fd)), "sigmask:\tfffffffffffbfeff\n", "without KILL and STOP")
	})
}

func TestPidfdArguments(t *testing.T) {
	type args struct{ pid, flags int }
	checked(t, func(th *kernel.Thread) {
		release := must(th.Eventfd2(0, 0))
		tid := must(th.Clone("thread", func(c kernel.Calls) { must(c.Read(release, make([]byte, 8))) }))
		call := func(a args) error {
			_, err := th.PidfdOpen(a.pid, a.flags)
			return err
		}
		precedence(t, args{th.Getpid(), 0}, call, []mistake[args]{
			{"flags", func(a *args) { a.flags = 1 }, abi.EINVAL},
			{"pid 0", func(a *args) { a.pid = 0 }, abi.EINVAL},
			{"nobody", func(a *args) { a.pid = 999 }, abi.ESRCH},
			{"a thread", func(a *args) { a.pid = tid }, abi.ENOENT},
		})
		fd := must(th.PidfdOpen(tid, abi.PIDFD_THREAD|abi.PIDFD_NONBLOCK))
		require.Equal(t, abi.O_RDWR|abi.O_NONBLOCK|abi.O_EXCL, must(th.Fcntl(fd, abi.F_GETFL, 0)))
		must(th.Write(release, one))
		must(0, th.Join(tid))
		for must(th.Poll([]abi.PollFd{{Fd: int32(fd), Events: abi.POLLIN}}, 1)) == 0 {
		}
		_, err := th.PidfdOpen(tid, abi.PIDFD_THREAD)
		require.Equal(t, abi.ESRCH, err)
		_, err = th.Lseek(fd, 0, 0)
		require.Equal(t, abi.ESPIPE, err)
	})
}

func TestPselectArguments(t *testing.T) {
	type args struct {
		n    int
		in   *abi.FdSet
		ts   *abi.Timespec
		mask *abi.SigSet
	}
	var open, closed abi.FdSet
	open.Set(3)
	closed.Set(50)
	checked(t, func(th *kernel.Thread) {
		must(th.Eventfd2(1, 0))
		call := func(a args) error {
			in, ts := *a.in, *a.ts
			_, err := th.Pselect6(a.n, &in, nil, nil, &ts, a.mask)
			if err != nil {
				require.Equal(t, *a.in, in, "sets are as before")
			}
			return err
		}
		precedence(t, args{64, &open, &abi.Timespec{}, nil}, call, []mistake[args]{
			{"time", func(a *args) { a.ts = &abi.Timespec{Nsec: 1e9} }, abi.EINVAL},
			{"n", func(a *args) { a.n = -1 }, abi.EINVAL},
			{"closed fd", func(a *args) { a.in = &closed }, abi.EBADF},
		})
		fds := []abi.PollFd{{Fd: 3, Events: abi.POLLIN}}
		for _, ts := range []abi.Timespec{{Sec: -1}, {Nsec: -1}, {Nsec: 1e9}} {
			_, err := th.Ppoll(fds, &ts, nil)
			require.Equal(t, abi.EINVAL, err)
		}
		must(0, th.Setrlimit(abi.RLIMIT_NOFILE, 1))
		require.Equal(t, 1, must(th.Ppoll(fds, nil, nil)), "as many as the limit")
		_, err := th.Ppoll(append(fds, fds...), nil, nil)
		require.Equal(t, abi.EINVAL, err)
	})
}

// What is left of the time is stored on success, on a timeout and on EINTR, but not of no time at all.
func TestRemainingTime(t *testing.T) {
	checked(t, func(th *kernel.Thread) {
		e := must(th.Eventfd2(0, 0))
		fds := []abi.PollFd{{Fd: int32(e), Events: abi.POLLIN}}
		set := func() *abi.FdSet {
			var s abi.FdSet
			s.Set(e)
			return &s
		}
		waits := map[string]func(ts *abi.Timespec) (int, error){
			"ppoll":    func(ts *abi.Timespec) (int, error) { return th.Ppoll(fds, ts, nil) },
			"pselect6": func(ts *abi.Timespec) (int, error) { return th.Pselect6(64, set(), nil, nil, ts, nil) },
		}
		handle(th, abi.SIGUSR1, abi.SA_RESTART, nil)
		after := func(fn func(c kernel.Calls)) {
			must(th.Clone("later", func(c kernel.Calls) {
				must(c.Sigprocmask(abi.SIG_BLOCK, ^abi.SigSet(0)))
				c.Nanosleep(ms(30))
				fn(c)
			}))
		}
		for name, wait := range waits {
			ts := abi.Timespec{Sec: 0, Nsec: ms(50)}
			require.Equal(t, 0, must(wait(&ts)), name)
			require.Zero(t, ts, name)

			ts = abi.Timespec{Sec: 1}
			after(func(c kernel.Calls) { must(c.Write(e, one)) })
			require.Equal(t, 1, must(wait(&ts)), name)
			require.Equal(t, abi.Timespec{Nsec: ms(970)}, ts, name)
			must(th.Read(e, make([]byte, 8)))

			ts = abi.Timespec{Sec: 1}
			after(func(c kernel.Calls) { must(0, c.Kill(c.Getpid(), abi.SIGUSR1)) })
			_, err := wait(&ts)
			require.Equal(t, abi.EINTR, err, name)
			require.Equal(t, abi.Timespec{Nsec: ms(970)}, ts, name)

			ts = abi.Timespec{}
			require.Equal(t, 0, must(wait(&ts)), name)
			ts = abi.Timespec{Sec: math.MaxInt64, Nsec: 5}
			after(func(c kernel.Calls) { must(c.Write(e, one)) })
			require.Equal(t, 1, must(wait(&ts)), "for ever, nearly")
			must(th.Read(e, make([]byte, 8)))
		}
	})
}

// A process that ends takes its queue along whatever others do with the watch meanwhile.
func TestPollFreeUnderSchedules(t *testing.T) {
	every(t, 150, func(th *kernel.Thread) {
		set := ^abi.SigSet(0)
		must(th.Sigprocmask(abi.SIG_SETMASK, set))
		s, ep := must(th.Signalfd4(-1, &set, abi.SFD_NONBLOCK)), must(th.EpollCreate1(0))
		pid := must(th.Fork("child", func(c kernel.Calls) {
			must(0, add(c, ep, s, abi.EPOLLIN))
			must(0, c.Kill(c.Getpid(), abi.SIGUSR1))
		}))
		tid := must(th.Clone("other", func(c kernel.Calls) {
			buf := make([]abi.EpollEvent, 4)
			c.EpollWait(ep, buf, 4, 1)
			c.EpollCtl(ep, abi.EPOLL_CTL_DEL, s, nil)
			add(c, ep, s, abi.EPOLLIN|abi.EPOLLET)
			c.Close(s)
		}))
		_, _, err := th.Wait4(pid, 0)
		must(0, err)
		must(0, th.Kill(th.Getpid(), abi.SIGUSR2))
		must(0, th.Join(tid))
		must(0, th.Close(ep))
	})
}

// A signal reaches who waits in any way that asks for it, in all schedules.
func TestSignalfdWakesWhoWaits(t *testing.T) {
	every(t, 100, func(th *kernel.Thread) {
		set := abi.SigSet(1<<(abi.SIGUSR1-1) | 1<<39)
		must(th.Sigprocmask(abi.SIG_BLOCK, set))
		s, ep := must(th.Signalfd4(-1, &set, 0)), must(th.EpollCreate1(0))
		must(0, add(th, ep, s, abi.EPOLLIN|abi.EPOLLET))
		waits := []func(c kernel.Calls){
			func(c kernel.Calls) { must(c.Read(s, make([]byte, 128))) },
			func(c kernel.Calls) { must(c.Poll([]abi.PollFd{{Fd: int32(s), Events: abi.POLLIN}}, -1)) },
			func(c kernel.Calls) { must(c.EpollWait(ep, make([]abi.EpollEvent, 1), 1, -1)) },
		}
		for _, wait := range waits {
			tid := must(th.Clone("waiter", wait))
			must(0, th.Kill(th.Getpid(), 40))
			must(0, th.Join(tid))
		}
	})
}

// A pidfd tells of the end and of the reaping to who polls it, in all schedules.
func TestPidfdWakesWhoWaits(t *testing.T) {
	every(t, 100, func(th *kernel.Thread) {
		pid := must(th.Fork("child", func(c kernel.Calls) {}))
		fd := must(th.PidfdOpen(pid, 0))
		tid := must(th.Clone("waiter", func(c kernel.Calls) {
			fds := []abi.PollFd{{Fd: int32(fd), Events: abi.POLLIN}}
			must(c.Poll(fds, -1))
			fds[0].Events = 0
			must(c.Poll(fds, -1))
			if fds[0].Revents != abi.POLLHUP {
				panic("the second is HUP")
			}
		}))
		_, _, err := th.Wait4(pid, 0)
		must(0, err)
		must(0, th.Join(tid))
	})
}

// With an ignored SIGCHLD nobody reaps, and the end and the reaping come together.
func TestPidfdOfWhomNobodyReaps(t *testing.T) {
	checked(t, func(th *kernel.Thread) {
		must(0, th.Sigaction(abi.SIGCHLD, kernel.SigAction{Handler: kernel.HandlerIgnore}))
		pid := must(th.Fork("child", func(c kernel.Calls) { c.Nanosleep(ms(1)) }))
		fd, ep := must(th.PidfdOpen(pid, 0)), must(th.EpollCreate1(0))
		require.Contains(t, must(th.Fdinfo(fd)), "Pid:\t2\nNSpid:\t2\n")
		must(0, add(th, ep, fd, abi.EPOLLIN|abi.EPOLLET))
		buf := make([]abi.EpollEvent, 2)
		require.Equal(t, 1, must(th.EpollWait(ep, buf, 2, -1)))
		require.Equal(t, abi.EPOLLIN|abi.EPOLLHUP, buf[0].Events)
		require.Equal(t, 0, must(th.EpollWait(ep, buf, 2, 0)))
		require.Contains(t, must(th.Fdinfo(fd)), "Pid:\t-1\nNSpid:\t-1\n")
	})
}

// Timers, opens and settimes at the same moment, in all schedules: structures hold, and nobody is left asleep.
func TestTimerfdUnderSchedules(t *testing.T) {
	every(t, 150, func(th *kernel.Thread) {
		fd, ep := must(th.TimerfdCreate(abi.CLOCK_MONOTONIC, abi.TFD_NONBLOCK)), must(th.EpollCreate1(0))
		must(0, add(th, ep, fd, abi.EPOLLIN|abi.EPOLLET))
		spec := &abi.Itimerspec{Value: abi.Timespec{Nsec: ms(1)}, Interval: abi.Timespec{Nsec: ms(1)}}
		must(0, th.TimerfdSettime(fd, 0, spec, nil))
		total := uint64(0)
		var tids []int
		for range 2 {
			tids = append(tids, must(th.Clone("reader", func(c kernel.Calls) {
				buf := make([]byte, 8)
				for range 3 {
					c.EpollWait(ep, make([]abi.EpollEvent, 1), 1, 1)
					if n, _ := c.Read(fd, buf); n == 8 {
						total += uint64(buf[0])
					}
					c.TimerfdGettime(fd, new(abi.Itimerspec))
				}
			})))
		}
		for _, tid := range tids {
			must(0, th.Join(tid))
		}
		if now := uint64(th.Kernel().Machine().Now() / 1e6); total > now {
			panic("more expirations than there was time for")
		}
		must(0, th.Close(fd))
	})
}

// Whatever the schedule, opens of both sides find each other.
func TestFifoUnderSchedules(t *testing.T) {
	every(t, 150, func(th *kernel.Thread) {
		must(0, th.Mkfifo("f"))
		tid := must(th.Clone("writer", func(c kernel.Calls) {
			w := must(c.Open("f", abi.O_WRONLY))
			must(c.Write(w, []byte("x")))
			must(0, c.Close(w))
		}))
		r := must(th.Open("f", abi.O_RDONLY))
		require.Equal(t, 1, must(th.Read(r, make([]byte, 2))))
		require.Equal(t, 0, must(th.Read(r, make([]byte, 2))))
		must(0, th.Join(tid))
		must(0, th.Close(r))
		_, err := th.Open("f", abi.O_WRONLY|abi.O_NONBLOCK)
		require.Equal(t, abi.ENXIO, err)
	})
}

// Watching and reading a timer costs no allocation.
func TestEventsAllocate(t *testing.T) {
	k := kernel.Boot(kernel.Options{Machine: sim.Options{}})
	require.NoError(t, k.RunThread(func(th *kernel.Thread) {
		ep := must(th.EpollCreate1(0))
		tfd := must(th.TimerfdCreate(abi.CLOCK_MONOTONIC, abi.TFD_NONBLOCK))
		set := abi.SigSet(1 << (abi.SIGUSR1 - 1))
		must(th.Sigprocmask(abi.SIG_BLOCK, set))
		sfd := must(th.Signalfd4(-1, &set, abi.SFD_NONBLOCK))
		for _, fd := range []int{tfd, sfd} {
			must(0, add(th, ep, fd, abi.EPOLLIN|abi.EPOLLET))
		}
		buf, events := make([]byte, 128), make([]abi.EpollEvent, 4)
		loop := func() {
			th.Ioctl(tfd, abi.TFD_IOC_SET_TICKS, 1)
			th.Kill(th.Getpid(), abi.SIGUSR1)
			th.EpollWait(ep, events, 4, 0)
			th.Read(tfd, buf)
			th.Read(sfd, buf)
		}
		loop()
		t.Logf("%.0f allocations", testing.AllocsPerRun(100, loop))
	}))
}
