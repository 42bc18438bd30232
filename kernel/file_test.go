package kernel_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
)

func TestDup(t *testing.T) {
	type result struct {
		n   int
		err error
	}
	of := func(n int, err error) result { return result{n, err} }
	failed := func(e abi.Errno) result { return result{-1, e} }
	checked(t, func(th *kernel.Thread) {
		fd := must(th.Eventfd2(0, abi.EFD_CLOEXEC)) // 3
		must(0, th.Setrlimit(abi.RLIMIT_NOFILE, 64))
		cloexec := func(fd int) int { return must(th.Fcntl(fd, abi.F_GETFD, 0)) }
		for _, c := range []struct {
			name      string
			got, want result
		}{
			{"dup", of(th.Dup(fd)), result{4, nil}},
			{"dup of a closed one", of(th.Dup(9)), failed(abi.EBADF)},
			{"dup2", of(th.Dup2(fd, 7)), result{7, nil}},
			{"dup2 onto itself", of(th.Dup2(fd, fd)), result{3, nil}},
			{"dup2 of a closed one onto itself", of(th.Dup2(9, 9)), failed(abi.EBADF)},
			{"dup2 of a closed one", of(th.Dup2(9, 7)), failed(abi.EBADF)},
			{"dup2 below 0", of(th.Dup2(fd, -1)), failed(abi.EBADF)},
			{"dup2 at the limit", of(th.Dup2(fd, 64)), failed(abi.EBADF)},
			{"dup2 below the limit", of(th.Dup2(fd, 63)), result{63, nil}},
			{"dup3", of(th.Dup3(fd, 8, abi.O_CLOEXEC)), result{8, nil}},
			{"dup3 onto itself", of(th.Dup3(fd, fd, 0)), failed(abi.EINVAL)},
			{"dup3 of a closed one onto itself", of(th.Dup3(9, 9, 0)), failed(abi.EINVAL)},
			{"dup3 with other flags", of(th.Dup3(9, 99, abi.O_NONBLOCK)), failed(abi.EINVAL)},
			{"dup3 beyond", of(th.Dup3(fd, 64, 0)), failed(abi.EBADF)},
			{"F_DUPFD", of(th.Fcntl(fd, abi.F_DUPFD, 7)), result{9, nil}},
			{"F_DUPFD_CLOEXEC", of(th.Fcntl(fd, abi.F_DUPFD_CLOEXEC, 0)), result{5, nil}},
			{"F_DUPFD below 0", of(th.Fcntl(fd, abi.F_DUPFD, -1)), failed(abi.EINVAL)},
			{"F_DUPFD at the limit", of(th.Fcntl(fd, abi.F_DUPFD, 64)), failed(abi.EINVAL)},
			{"F_DUPFD, none left", of(th.Fcntl(fd, abi.F_DUPFD, 63)), failed(abi.EMFILE)},
			{"F_DUPFD of a closed one", of(th.Fcntl(10, abi.F_DUPFD, -1)), failed(abi.EBADF)},
			{"unknown", of(th.Fcntl(fd, 1234, 0)), failed(abi.EINVAL)},
			{"F_SETPIPE_SZ of no pipe", of(th.Fcntl(fd, abi.F_SETPIPE_SZ, 4096)), failed(abi.EBADF)},
		} {
			require.Equal(t, c.want, c.got, c.name)
		}
		require.Equal(t, []int{1, 0, 0, 0, 1, 0, 1}, []int{cloexec(3), cloexec(4), cloexec(7), cloexec(63), cloexec(8), cloexec(9), cloexec(5)})
		must(th.Fcntl(4, abi.F_SETFD, 0xff))
		require.Equal(t, abi.FD_CLOEXEC, cloexec(4), "bit 0 alone")

		must(th.Fcntl(fd, abi.F_SETFL, abi.O_NONBLOCK|abi.O_WRONLY|abi.O_CREAT))
		require.Equal(t, abi.O_RDWR|abi.O_NONBLOCK, must(th.Fcntl(7, abi.F_GETFL, 0)), "of the description, shared by its dups")
		_, err := th.Fcntl(fd, abi.F_SETFL, abi.O_DIRECT)
		require.Equal(t, abi.EINVAL, err)
	})
}

func TestLimitOfNumbers(t *testing.T) {
	checked(t, func(th *kernel.Thread) {
		must(0, th.Setrlimit(abi.RLIMIT_NOFILE, 4))
		_, err := th.Pipe2(0)
		require.Equal(t, abi.EMFILE, err)
		require.Equal(t, 3, must(th.Eventfd2(0, 0)), "the pipe consumed nothing")
		_, err = th.Open("new", abi.O_CREAT|abi.O_RDWR)
		require.Equal(t, abi.EMFILE, err)
		_, err = th.Open("missing", 0)
		require.Equal(t, abi.EMFILE, err, "before ENOENT")
		_, err = th.Open("", 0)
		require.Equal(t, abi.ENOENT, err, "the name comes first")
		_, err = th.Eventfd2(0, 0x123)
		require.Equal(t, abi.EINVAL, err)
		must(0, th.Close(3))
		_, err = th.Open("new", 0)
		require.Equal(t, abi.ENOENT, err, "EMFILE has created nothing")
		require.Equal(t, 3, must(th.Open("new", abi.O_CREAT|abi.O_RDWR)))
		require.Equal(t, abi.EPERM, th.Setrlimit(abi.RLIMIT_NOFILE, 1<<20+1))
		require.Equal(t, abi.EINVAL, th.Setrlimit(99, 1))
		_, err = th.Poll(make([]abi.PollFd, 5), 0)
		require.Equal(t, abi.EINVAL, err)
	})
}

func TestLseek(t *testing.T) {
	checked(t, func(th *kernel.Thread) {
		p := must(th.Pipe2(0))
		for _, c := range []struct {
			fd, whence int
			want       error
		}{
			{99, 0, abi.EBADF}, {99, 5, abi.EBADF}, {p[0], 0, abi.ESPIPE}, {p[0], 5, abi.EINVAL}, {p[0], -1, abi.EINVAL},
			{must(th.EpollCreate1(0)), 3, nil}, {must(th.EpollCreate1(0)), 5, abi.EINVAL}, {must(th.Eventfd2(0, 0)), 2, nil},
		} {
			pos, err := th.Lseek(c.fd, 5, c.whence)
			require.Equal(t, c.want, err)
			if err == nil {
				require.Zero(t, pos)
			}
		}
	})
}

// Measured on 6.18: an epoll answers what it does not know with EINVAL, an eventfd with ENOTTY.
func TestIoctl(t *testing.T) {
	checked(t, func(th *kernel.Thread) {
		ep, fd := must(th.EpollCreate1(0)), must(th.Eventfd2(0, 0))
		p := must(th.Pipe2(0))
		for _, c := range []struct {
			name          string
			fd            int
			request       uint
			arg           int64
			want          error
			flags, fdFlag int
		}{
			{"closed", 99, abi.FIONBIO, 1, abi.EBADF, 0, 0},
			{"FIONBIO", ep, abi.FIONBIO, 1, nil, abi.O_RDWR | abi.O_NONBLOCK, 0},
			{"FIOCLEX", ep, abi.FIOCLEX, 0, nil, abi.O_RDWR | abi.O_NONBLOCK, 1},
			{"FIONBIO off", ep, abi.FIONBIO, 0, nil, abi.O_RDWR, 1},
			{"FIONCLEX", ep, abi.FIONCLEX, 1, nil, abi.O_RDWR, 0},
			{"FIOASYNC", ep, abi.FIOASYNC, 1, abi.ENOTTY, abi.O_RDWR, 0},
			{"FIOASYNC off", ep, abi.FIOASYNC, 0, nil, abi.O_RDWR, 0},
			{"FIONREAD of an epoll", ep, abi.FIONREAD, 0, abi.EINVAL, abi.O_RDWR, 0},
			{"unknown of an epoll", ep, 0x1234, 0, abi.EINVAL, abi.O_RDWR, 0},
			{"FIONREAD of an eventfd", fd, abi.FIONREAD, 0, abi.ENOTTY, abi.O_RDWR, 0},
			{"EPIOCGPARAMS of an eventfd", fd, abi.EPIOCGPARAMS, 0, abi.ENOTTY, abi.O_RDWR, 0},
			{"FIONREAD of a pipe", p[0], abi.FIONREAD, 0, nil, abi.O_RDONLY, 0},
		} {
			_, err := th.Ioctl(c.fd, c.request, c.arg)
			require.Equal(t, c.want, err, c.name)
			if c.fd != 99 {
				require.Equal(t, c.flags, must(th.Fcntl(c.fd, abi.F_GETFL, 0)), c.name)
				require.Equal(t, c.fdFlag, must(th.Fcntl(c.fd, abi.F_GETFD, 0)), c.name)
			}
		}
	})
}

func TestBusyPollParameters(t *testing.T) {
	params := func(usecs uint32, budget uint16, prefer, pad uint8) int64 {
		return int64(usecs) | int64(budget)<<32 | int64(prefer)<<48 | int64(pad)<<56
	}
	checked(t, func(th *kernel.Thread) {
		ep := must(th.EpollCreate1(0))
		get := func() int64 { return must(th.Ioctl(ep, abi.EPIOCGPARAMS, 0)) }
		require.Zero(t, get())
		for _, bad := range []int64{params(0, 0, 0, 1), params(1<<31, 0, 0, 0), params(0, 0, 2, 0)} {
			_, err := th.Ioctl(ep, abi.EPIOCSPARAMS, bad)
			require.Equal(t, abi.EINVAL, err)
			require.Zero(t, get())
		}
		all := params(1<<31-1, 64, 1, 0)
		must(th.Ioctl(ep, abi.EPIOCSPARAMS, all))
		require.Equal(t, all, get())
		require.Equal(t, all, must(th.Ioctl(must(th.Dup(ep)), abi.EPIOCGPARAMS, 0)))
	})
	old := kernel.Boot(kernel.Options{Version: kernel.Version{Major: 6, Minor: 8}})
	require.NoError(t, old.RunThread(func(th *kernel.Thread) {
		_, err := th.Ioctl(must(th.EpollCreate1(0)), abi.EPIOCGPARAMS, 0)
		require.Equal(t, abi.ENOTTY, err)
	}))
}

func TestOtherOperationsOfAnEpoll(t *testing.T) {
	checked(t, func(th *kernel.Thread) {
		ep := must(th.EpollCreate1(0))
		_, err := th.Read(ep, make([]byte, 8))
		require.Equal(t, abi.EINVAL, err)
		_, err = th.Write(ep, one)
		require.Equal(t, abi.EINVAL, err)
	})
}

func TestCountersThroughTheTable(t *testing.T) {
	counters := func(th *kernel.Thread) map[string]uint64 {
		m := map[string]uint64{}
		for _, c := range th.Kernel().Counters() {
			m[c.Name] = c.Value
		}
		return m
	}
	checked(t, func(th *kernel.Thread) {
		ep, fd := must(th.EpollCreate1(0)), must(th.Eventfd2(0, 0))
		must(0, add(th, ep, fd, abi.EPOLLIN))
		before := counters(th)
		must(th.Write(fd, one))
		require.Len(t, harvest(th, ep, 1), 1)
		after := counters(th)
		for name, want := range map[string]uint64{
			"syscalls": 2, "poll_calls": 1, "queue_insertions": 0, "callbacks": 1, "bytes_in": 8, "bytes_out": 12, "allocations": 0,
		} {
			require.Equal(t, want, after[name]-before[name], name)
		}
	})
}

// Nobody counts references twice: a thread in a call that outlives the other thread of its process gives
// back what it took while the table was shared.
func TestReferenceOutlivesSharing(t *testing.T) {
	every(t, 100, func(th *kernel.Thread) {
		p := must(th.Pipe2(0))
		must(th.Clone("writer", func(c kernel.Calls) { must(c.Write(p[1], []byte("x"))) }))
		must(th.Read(p[0], make([]byte, 1)))
		must(0, th.Nanosleep(ms(1))) // the writer has ended
		handle(th, abi.SIGPIPE, 0, nil)
		must(0, th.Close(p[0]))
		_, err := th.Write(p[1], []byte("x"))
		require.Equal(t, abi.EPIPE, err, "the read end is gone")
	})
}

// A blocked read keeps its description: the close of the number neither ends nor interrupts it.
func TestCloseDuringRead(t *testing.T) {
	checked(t, func(th *kernel.Thread) {
		p := must(th.Pipe2(0))
		handle(th, abi.SIGPIPE, 0, nil)
		reader := must(th.Clone("reader", func(c kernel.Calls) {
			require.Equal(t, 1, must(c.Read(p[0], make([]byte, 1))))
		}))
		must(0, th.Nanosleep(1))
		must(0, th.Close(p[0]))
		must(th.Write(p[1], []byte("x")))
		must(0, th.Join(reader))
		must(0, th.Nanosleep(1))
		_, err := th.Write(p[1], []byte("x"))
		require.Equal(t, abi.EPIPE, err)
	})
}

func TestFdinfo(t *testing.T) {
	checked(t, func(th *kernel.Thread) {
		ep := must(th.EpollCreate1(abi.EPOLL_CLOEXEC))
		fd := must(th.Eventfd2(0, 0))
		p := must(th.Pipe2(0))
		must(0, th.EpollCtl(ep, abi.EPOLL_CTL_ADD, p[1], &abi.EpollEvent{Events: abi.EPOLLOUT, Data: ^uint64(0)}))
		must(0, th.EpollCtl(ep, abi.EPOLL_CTL_ADD, fd, &abi.EpollEvent{Events: abi.EPOLLIN | abi.EPOLLET | abi.EPOLLONESHOT | 1<<20, Data: 0xabcdef}))
		text := must(th.Fdinfo(ep))
		require.Regexp(t, `^pos:\t0\nflags:\t02000002\nmnt_id:\t\d+\nino:\t\d+\n`+
			`tfd:        4 events: c0100019 data:           abcdef  pos:0 ino:[0-9a-f]+ sdev:[0-9a-f]+\n`+
			`tfd:        6 events:       1c data: ffffffffffffffff  pos:0 ino:[0-9a-f]+ sdev:[0-9a-f]+\n$`, text)
		must(th.Write(fd, one))
		require.Len(t, harvest(th, ep, 8), 2)
		require.Contains(t, must(th.Fdinfo(ep)), "tfd:        4 events: c0000000 data:", "a fired ONESHOT")
		_, err := th.Fdinfo(99)
		require.Equal(t, abi.EBADF, err)
	})
}
