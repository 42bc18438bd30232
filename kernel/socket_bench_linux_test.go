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

func hostTcpEcho(b *testing.B, size int) {
	l := must(syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0))
	defer syscall.Close(l)
	must(0, syscall.Bind(l, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	must(0, syscall.Listen(l, 5))
	addr := must(syscall.Getsockname(l))
	c := must(syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0))
	defer syscall.Close(c)
	must(0, syscall.Connect(c, addr))
	s, _, err := syscall.Accept(l)
	must(0, err)
	defer syscall.Close(s)
	ep := must(syscall.EpollCreate1(0))
	defer syscall.Close(ep)
	for _, fd := range []int{c, s} {
		must(0, syscall.EpollCtl(ep, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)}))
	}
	data, events := make([]byte, size), make([]syscall.EpollEvent, 8)
	for b.Loop() {
		for _, way := range [2][2]int{{c, s}, {s, c}} {
			must(syscall.Write(way[0], data))
			if must(syscall.EpollWait(ep, events, 0)) != 1 || must(syscall.Read(way[1], data)) != size {
				b.Fatal("lost")
			}
		}
	}
}
