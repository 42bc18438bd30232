package fuzz

import (
	"math"

	"github.com/epollsim/epollsim/abi"
)

// What arguments are chosen from. The first value is the plainest; those that are often wanted stand twice.

var ctlOps = []int64{
	abi.EPOLL_CTL_ADD, abi.EPOLL_CTL_ADD, abi.EPOLL_CTL_MOD, abi.EPOLL_CTL_ADD, abi.EPOLL_CTL_MOD, abi.EPOLL_CTL_DEL,
	abi.EPOLL_CTL_ADD, 0, abi.EPOLL_CTL_ADD, abi.EPOLL_CTL_MOD, abi.EPOLL_CTL_DEL, 4,
}

const (
	in, out       = abi.EPOLLIN, abi.EPOLLOUT
	et, oneshot   = abi.EPOLLET, abi.EPOLLONESHOT
	exclusive     = abi.EPOLLEXCLUSIVE
	rdnorm        = abi.EPOLLRDNORM
	wrnorm        = abi.EPOLLWRNORM
	unknownEvents = abi.Events(1<<15 | 1<<20)
)

var epollMasks = []abi.Events{
	in, in | et, in | out, out, in | out | et, out | et, in | oneshot, in | exclusive,
	in | et | oneshot, in | out | oneshot, in | out | exclusive, in | et | exclusive, rdnorm, wrnorm | et, 0, et,
	oneshot, in | abi.EPOLLRDHUP, abi.EPOLLPRI, abi.EPOLLHUP, abi.EPOLLERR | et, exclusive, in | exclusive | oneshot, rdnorm | exclusive,
	in | abi.EPOLLWAKEUP, in | unknownEvents, out | exclusive | et, rdnorm | et | oneshot, out | oneshot, math.MaxUint32 &^ exclusive, abi.EPOLLMSG | in, abi.EPOLLRDBAND,
	in | out | rdnorm | wrnorm | abi.EPOLLRDHUP | abi.EPOLLPRI | et, math.MaxUint32,
}

var maxEvents = []int64{64, 1, 2, 64, 3, 1, 10, 2, 0, -1, 4, 100000, math.MaxInt32}

var (
	writeSizes = []int64{1, 4096, 2, 100, 4095, 5000, 65536, 8, 4097, 0, 2049, 20000, 3, 8192, 100000, 4000}
	readSizes  = []int64{100, 1, 4096, 8, 65536, 2, 5000, 4095, 0, 16, 100000, 7}
	offsets    = []int64{0, 1, 100, 4096, -1, 5000, 65535, math.MaxInt64}
	pipeFlags  = []int64{
		abi.O_NONBLOCK, abi.O_NONBLOCK, 0, abi.O_NONBLOCK | abi.O_DIRECT, abi.O_NONBLOCK | abi.O_CLOEXEC, abi.O_NONBLOCK, abi.O_DIRECT, abi.O_APPEND,
	}
	pipeSizes = []int64{4096, 8192, 0, 16384, 65536, 131072, 5000, 1 << 20, -1, math.MaxInt32, 1<<31 + 1}

	initvals     = []int64{0, 0, 1, 3, 0, math.MaxUint32}
	eventfdFlags = []int64{
		abi.EFD_NONBLOCK, abi.EFD_NONBLOCK, abi.EFD_NONBLOCK | abi.EFD_SEMAPHORE, 0, abi.EFD_NONBLOCK | abi.EFD_CLOEXEC, abi.EFD_SEMAPHORE, 2,
	}
	counts = []int64{1, 1, 2, 0, -2, 3, -3, 1 << 40, -1} // as unsigned numbers: -2 is all there is room for

	pollMasks = []int64{
		abi.POLLIN, abi.POLLIN | abi.POLLOUT, abi.POLLOUT, abi.POLLRDNORM, abi.POLLWRNORM, 0, abi.POLLPRI, 0xffff, abi.POLLRDHUP | abi.POLLHUP,
	}
	statusFlags = []int64{abi.O_NONBLOCK, 0, abi.O_NONBLOCK, abi.O_NONBLOCK | abi.O_DIRECT, abi.O_DIRECT, abi.O_APPEND | abi.O_NONBLOCK, abi.O_RDWR, abi.O_ASYNC}

	fileNames = []string{"f", ".", "/dev/null", "f", "g", "/dev/zero", "/dev/full", "nothing", ""}
	fileKinds = []kind{regular, directory, device, regular, regular, device, device, regular, regular}
	openFlags = []int64{
		abi.O_RDWR | abi.O_CREAT, abi.O_RDONLY, abi.O_WRONLY, abi.O_RDWR, abi.O_RDWR | abi.O_CREAT | abi.O_APPEND,
		abi.O_RDONLY | abi.O_CLOEXEC, abi.O_RDWR | abi.O_CREAT | abi.O_EXCL, abi.O_WRONLY | abi.O_TRUNC, abi.O_RDONLY | abi.O_NONBLOCK,
		abi.O_RDWR | abi.O_PATH, abi.O_RDWR | abi.O_CREAT | abi.O_DIRECTORY, abi.O_RDONLY | abi.O_TRUNC,
	}
)
