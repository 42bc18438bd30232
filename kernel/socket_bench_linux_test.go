package kernel_test

import (
	"syscall"
	"testing"
)

func hostPingPong(b *testing.B, kind, size int) {
	ep := must(syscall.EpollCreate1(0))
	defer syscall.Close(ep)
	fds := must(syscall.Socketpair(syscall.AF_UNIX, kind|syscall.SOCK_NONBLOCK, 0))
	for _, fd := range fds {
		defer syscall.Close(fd)
		ev := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)}
		must(0, syscall.EpollCtl(ep, syscall.EPOLL_CTL_ADD, fd, &ev))
	}
	data, events := make([]byte, size), make([]syscall.EpollEvent, 8)
	for b.Loop() {
		for i, fd := range fds {
			must(syscall.Write(fd, data))
			if must(syscall.EpollWait(ep, events, 0)) != 1 || must(syscall.Read(fds[1-i], data)) != size {
				b.Fatal("lost")
			}
		}
	}
}
