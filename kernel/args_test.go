package kernel_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/eventpoll"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/sim"
)

// mistake makes one argument of a call wrong.
type mistake[T any] struct {
	name  string
	make  func(*T)
	errno abi.Errno
}

// precedence makes each mistake alone, and each pair: the one that stands first in the list decides.
func precedence[T any](t *testing.T, right T, call func(T) error, mistakes []mistake[T]) {
	for i, first := range mistakes {
		args := right
		first.make(&args)
		require.Equal(t, first.errno, call(args), first.name)
		for _, second := range mistakes[i+1:] {
			args := right
			second.make(&args)
			first.make(&args)
			require.Equal(t, first.errno, call(args), "%s and %s", first.name, second.name)
		}
	}
}

func TestEpollCreateArguments(t *testing.T) {
	checked(t, func(th *kernel.Thread) {
		for _, size := range []int{0, -1, math.MinInt32} {
			fd, err := th.EpollCreate(size)
			require.Equal(t, abi.EINVAL, err)
			require.Equal(t, -1, fd)
		}
		require.Equal(t, 3, must(th.EpollCreate(1)))
		require.Equal(t, 4, must(th.EpollCreate1(abi.EPOLL_CLOEXEC)))
		require.Equal(t, 0, must(th.Fcntl(3, abi.F_GETFD, 0)))
		require.Equal(t, abi.FD_CLOEXEC, must(th.Fcntl(4, abi.F_GETFD, 0)))
		require.Equal(t, abi.O_RDWR, must(th.Fcntl(4, abi.F_GETFL, 0)))
		for _, flags := range []int{1, abi.O_NONBLOCK, abi.EPOLL_CLOEXEC | 1, -1} {
			_, err := th.EpollCreate1(flags)
			require.Equal(t, abi.EINVAL, err)
		}
		must(0, th.Setrlimit(abi.RLIMIT_NOFILE, 5))
		_, err := th.EpollCreate1(1)
		require.Equal(t, abi.EINVAL, err, "before EMFILE")
		_, err = th.EpollCreate1(0)
		require.Equal(t, abi.EMFILE, err)
		require.Equal(t, []int{3, 4}, epollNumbers(th), "EMFILE leaves nothing behind")
	})
}

// epollNumbers are the open fds that are epolls.
func epollNumbers(th *kernel.Thread) []int {
	var fds []int
	for _, fd := range th.Kernel().Snapshot().Processes[0].Fds {
		if fd.Name == "anon_inode:[eventpoll]" {
			fds = append(fds, fd.Fd)
		}
	}
	return fds
}

func TestEpollCtlArguments(t *testing.T) {
	type args struct {
		epfd, op, fd int
		event        *abi.EpollEvent
	}
	checked(t, func(th *kernel.Thread) {
		ep, fd, other := must(th.EpollCreate1(0)), must(th.Eventfd2(0, 0)), must(th.Eventfd2(0, 0))
		file := must(th.Open("file", abi.O_RDWR|abi.O_CREAT))
		must(0, add(th, ep, other, abi.EPOLLIN))
		call := func(a args) error { return th.EpollCtl(a.epfd, a.op, a.fd, a.event) }
		right := args{ep, abi.EPOLL_CTL_ADD, fd, &abi.EpollEvent{Events: abi.EPOLLIN}}
		precedence(t, right, call, []mistake[args]{
			{"no event", func(a *args) { a.event = nil }, abi.EFAULT},
			{"epfd closed", func(a *args) { a.epfd = 99 }, abi.EBADF},
			{"epfd negative", func(a *args) { a.epfd = -1 }, abi.EBADF},
			{"fd closed", func(a *args) { a.fd = 98 }, abi.EBADF},
			{"fd cannot be polled", func(a *args) { a.fd = file }, abi.EPERM},
			{"epfd is no epoll", func(a *args) { a.epfd = other }, abi.EINVAL},
			{"fd is the epoll", func(a *args) { a.fd = ep }, abi.EINVAL},
			{"EXCLUSIVE and ONESHOT", func(a *args) { a.event = &abi.EpollEvent{Events: abi.EPOLLEXCLUSIVE | abi.EPOLLONESHOT} }, abi.EINVAL},
			{"unknown op", func(a *args) { a.op = 4 }, abi.EINVAL},
			{"there already", func(a *args) { a.fd = other }, abi.EEXIST},
		})
		for _, op := range []int{abi.EPOLL_CTL_MOD, abi.EPOLL_CTL_DEL} {
			right.op = op
			require.Equal(t, abi.ENOENT, call(right))
		}
		require.Equal(t, abi.EPERM, th.EpollCtl(ep, abi.EPOLL_CTL_DEL, file, nil), "DEL of a file too")
		require.Equal(t, abi.EPERM, th.EpollCtl(other, abi.EPOLL_CTL_ADD, file, &abi.EpollEvent{}), "before: no epoll")
		require.Equal(t, abi.EFAULT, th.EpollCtl(99, 77, 98, nil), "an unknown op reads its event")
		require.Equal(t, abi.EBADF, th.EpollCtl(99, abi.EPOLL_CTL_DEL, 98, nil), "DEL does not")
		dup := must(th.Dup(ep))
		require.Equal(t, abi.EINVAL, add(th, ep, dup, abi.EPOLLIN), "a dup is the same file")
		must(0, th.EpollCtl(ep, abi.EPOLL_CTL_DEL, other, nil))
		must(0, th.EpollCtl(ep, abi.EPOLL_CTL_ADD, fd, &abi.EpollEvent{Events: 0}))
	})
}

func TestExclusiveArguments(t *testing.T) {
	checked(t, func(th *kernel.Thread) {
		ep, inner, fd := must(th.EpollCreate1(0)), must(th.EpollCreate1(0)), must(th.Eventfd2(0, 0))
		mod := func(e abi.Events) error {
			return th.EpollCtl(ep, abi.EPOLL_CTL_MOD, fd, &abi.EpollEvent{Events: e})
		}
		for _, e := range []abi.Events{abi.EPOLLONESHOT, abi.EPOLLRDHUP, abi.EPOLLPRI, abi.EPOLLRDNORM, 1 << 20} {
			require.Equal(t, abi.EINVAL, add(th, ep, fd, abi.EPOLLEXCLUSIVE|abi.EPOLLIN|e), "%s", e)
		}
		require.Equal(t, abi.EINVAL, add(th, ep, inner, abi.EPOLLEXCLUSIVE|abi.EPOLLIN))
		require.Equal(t, abi.EINVAL, mod(abi.EPOLLEXCLUSIVE|abi.EPOLLIN), "before ENOENT")
		ok := abi.EPOLLIN | abi.EPOLLOUT | abi.EPOLLERR | abi.EPOLLHUP | abi.EPOLLWAKEUP | abi.EPOLLET | abi.EPOLLEXCLUSIVE
		must(0, add(th, ep, fd, ok))
		require.Equal(t, abi.EINVAL, mod(abi.EPOLLIN), "what was added with EXCLUSIVE stays so")
		must(0, th.EpollCtl(ep, abi.EPOLL_CTL_DEL, fd, nil))
	})
}

func TestEpollWaitArguments(t *testing.T) {
	type args struct {
		epfd, maxevents int
		timeout         abi.Timespec
	}
	checked(t, func(th *kernel.Thread) {
		ep, fd := must(th.EpollCreate1(0)), must(th.Eventfd2(0, 0))
		events := make([]abi.EpollEvent, 4)
		wrong := []mistake[args]{
			{"closed", func(a *args) { a.epfd = 99 }, abi.EBADF},
			{"negative", func(a *args) { a.epfd = -1 }, abi.EBADF},
			{"maxevents 0", func(a *args) { a.maxevents = 0 }, abi.EINVAL},
			{"maxevents below 0", func(a *args) { a.maxevents = -1 }, abi.EINVAL},
			{"maxevents too large", func(a *args) { a.maxevents = eventpoll.MaxEvents + 1 }, abi.EINVAL},
			{"no epoll", func(a *args) { a.epfd = fd }, abi.EINVAL},
		}
		right := args{ep, 4, abi.Timespec{}}
		precedence(t, right, func(a args) error {
			n, err := th.EpollWait(a.epfd, events, a.maxevents, 0)
			require.Equal(t, -1, n)
			return err
		}, wrong)
		precedence(t, right, func(a args) error {
			_, err := th.EpollPwait(a.epfd, events, a.maxevents, 0, new(abi.SigSet))
			return err
		}, wrong)
		precedence(t, right, func(a args) error {
			_, err := th.EpollPwait2(a.epfd, events, a.maxevents, &a.timeout, new(abi.SigSet))
			return err
		}, append([]mistake[args]{
			{"seconds below 0", func(a *args) { a.timeout.Sec = -1 }, abi.EINVAL},
			{"ns below 0", func(a *args) { a.timeout.Nsec = -1 }, abi.EINVAL},
			{"ns too large", func(a *args) { a.timeout.Nsec = 1e9 }, abi.EINVAL},
		}, wrong...))
		require.Equal(t, 178956970, eventpoll.MaxEvents)
		require.Equal(t, 0, must(th.EpollWait(ep, nil, eventpoll.MaxEvents, 0)), "a bad buffer matters to events only")
		start := must(th.ClockGettime(abi.CLOCK_MONOTONIC))
		require.Equal(t, 0, must(th.EpollPwait2(ep, events, 4, &abi.Timespec{Sec: 1, Nsec: 5}, nil)))
		require.EqualValues(t, 1e9+5, must(th.ClockGettime(abi.CLOCK_MONOTONIC))-start)
	})
}

func TestHugeTimeouts(t *testing.T) {
	k := kernel.Boot(kernel.Options{})
	err := k.RunThread(func(th *kernel.Thread) {
		ep := must(th.EpollCreate1(0))
		must(0, th.Nanosleep(5))
		_, _ = th.EpollPwait2(ep, make([]abi.EpollEvent, 1), 1, &abi.Timespec{Sec: math.MaxInt64, Nsec: 999999999}, nil)
	})
	require.True(t, kernel.Deadlocked(err), "it saturates, and no timer is for ever: %v", err)
}

func TestPwait2OfOldKernels(t *testing.T) {
	k := kernel.Boot(kernel.Options{Version: kernel.Version{Major: 5, Minor: 10}})
	require.NoError(t, k.RunThread(func(th *kernel.Thread) {
		_, err := th.EpollPwait2(99, nil, 0, &abi.Timespec{Sec: -1}, nil)
		require.Equal(t, abi.ENOSYS, err)
	}))
}

// A buffer that cannot be written: what does not fit stays listed, and comes first the next time.
func TestEpollWaitFaults(t *testing.T) {
	checked(t, func(th *kernel.Thread) {
		ep := must(th.EpollCreate1(0))
		var fds []int
		for range 3 {
			fd := must(th.Eventfd2(1, 0))
			must(0, add(th, ep, fd, abi.EPOLLIN|abi.EPOLLET))
			fds = append(fds, fd)
		}
		_, err := th.EpollWait(ep, nil, 3, 0)
		require.Equal(t, abi.EFAULT, err)
		_, err = th.EpollWait(ep, nil, 3, -1)
		require.Equal(t, abi.EFAULT, err)
		buf := make([]abi.EpollEvent, 1)
		require.Equal(t, 1, must(th.EpollWait(ep, buf, 3, 0)), "the count of what was delivered before")
		require.EqualValues(t, fds[0], buf[0].Data)
		require.Equal(t, fds[1:], harvest(th, ep, 3))
	})
}

// The EFAULT of one waiter passes the event on to the next.
func TestFaultWakesTheNext(t *testing.T) {
	every(t, 60, func(th *kernel.Thread) {
		ep, fd := must(th.EpollCreate1(0)), must(th.Eventfd2(0, 0))
		must(0, add(th, ep, fd, abi.EPOLLIN|abi.EPOLLET))
		good := must(th.Clone("good", func(c kernel.Calls) {
			require.Equal(t, 1, must(c.EpollWait(ep, make([]abi.EpollEvent, 1), 1, -1)))
		}))
		must(th.Clone("bad", func(c kernel.Calls) {
			if _, err := c.EpollWait(ep, nil, 1, 100); err != nil {
				require.Equal(t, abi.EFAULT, err)
			}
		}))
		must(th.Write(fd, one))
		must(0, th.Join(good))
	})
}

func TestMaxUserWatches(t *testing.T) {
	k := kernel.Boot(kernel.Options{Check: true, MaxUserWatches: 2})
	require.NoError(t, k.RunThread(func(th *kernel.Thread) {
		a, b := must(th.EpollCreate1(0)), must(th.EpollCreate1(0))
		x, y := must(th.Eventfd2(0, 0)), must(th.Eventfd2(0, 0))
		must(0, add(th, a, x, abi.EPOLLIN))
		must(0, add(th, b, x, abi.EPOLLIN))
		require.Equal(t, abi.ENOSPC, add(th, a, y, abi.EPOLLIN), "counted for the user, over all epolls")
		require.Equal(t, abi.EEXIST, add(th, a, x, abi.EPOLLIN), "before ENOSPC")
		must(0, th.EpollCtl(a, abi.EPOLL_CTL_MOD, x, &abi.EpollEvent{}))
		must(0, th.Close(b))
		must(0, add(th, a, y, abi.EPOLLIN))
		must(0, th.Close(x))
		must(0, add(th, a, must(th.Eventfd2(0, 0)), abi.EPOLLIN))
		require.Equal(t, abi.ENOSPC, add(th, a, must(th.Eventfd2(0, 0)), abi.EPOLLIN))
	}))
}

// The counting is not exact: two ADDs at once may both find room for one.
func TestMaxUserWatchesOvershoots(t *testing.T) {
	outcomes := map[int]bool{}
	e := &sim.Enumeration{Bound: 1}
	for more := true; more; more = e.Advance() {
		e.Begin()
		k := kernel.Boot(kernel.Options{MaxUserWatches: 1, Machine: sim.Options{Strategy: e}})
		added := 0
		require.NoError(t, k.RunThread(func(th *kernel.Thread) {
			a, b, fd := must(th.EpollCreate1(0)), must(th.EpollCreate1(0)), must(th.Eventfd2(0, 0))
			try := func(c kernel.Calls, ep int) {
				if add(c, ep, fd, abi.EPOLLIN) == nil {
					added++
				}
			}
			other := must(th.Clone("other", func(c kernel.Calls) { try(c, a) }))
			try(th, b)
			must(0, th.Join(other))
		}))
		outcomes[added] = true
	}
	require.Equal(t, map[int]bool{1: true, 2: true}, outcomes)
}
