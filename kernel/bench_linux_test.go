package kernel_test

import (
	"encoding/binary"
	"syscall"
	"testing"

	"github.com/epollsim/epollsim/abi"
)

// The same work on the host's kernel, to be compared in the same run.

func BenchmarkHostCycle(b *testing.B) {
	ep := must(syscall.EpollCreate1(0))
	defer syscall.Close(ep)
	e := hostEventfd(b, abi.EFD_NONBLOCK)
	ev := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(e)}
	must(0, syscall.EpollCtl(ep, syscall.EPOLL_CTL_ADD, e, &ev))
	one := binary.LittleEndian.AppendUint64(nil, 1)
	buf := make([]byte, 8)
	events := make([]syscall.EpollEvent, 8)
	for b.Loop() {
		must(syscall.Write(e, one))
		must(syscall.EpollWait(ep, events, 0))
		must(syscall.Read(e, buf))
	}
}

func BenchmarkHostAddDel(b *testing.B) {
	ep := must(syscall.EpollCreate1(0))
	defer syscall.Close(ep)
	e := hostEventfd(b, abi.EFD_NONBLOCK)
	ev := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(e)}
	for b.Loop() {
		must(0, syscall.EpollCtl(ep, syscall.EPOLL_CTL_ADD, e, &ev))
		must(0, syscall.EpollCtl(ep, syscall.EPOLL_CTL_DEL, e, nil))
	}
}

func hostEventfd(b testing.TB, flags uintptr) int {
	fd, _, errno := syscall.RawSyscall(syscall.SYS_EVENTFD2, 0, flags, 0)
	if errno != 0 {
		b.Fatal(errno)
	}
	b.Cleanup(func() { syscall.Close(int(fd)) })
	return int(fd)
}
