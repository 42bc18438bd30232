package host

import (
	"golang.org/x/sys/unix"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
)

// The calls of a thread.

func (t *Thread) socketCall(name string, nr uintptr, args ...uintptr) (int, abi.Errno) {
	return t.sys(name, nr, args...)
}

func (t *Thread) in(p []byte) uintptr { return t.task.bytes(p) }

func (t *Thread) inOut(p []byte) ([]byte, uintptr) {
	if p == nil {
		return nil, 0
	}
	b, addr := t.task.alloc(len(p))
	copy(b, p)
	return b, addr
}

func (t *Thread) unixPrefix() string { return abstractPrefix(t.h.dir) }

func (t *Thread) refuseSocket(call, format string, args ...any) { t.refuse(call, format, args...) }

// Socket is socket(2).
func (t *Thread) Socket(domain, typ, protocol int) (int, error) {
	return socketOf(t, domain, typ, protocol)
}

// Socketpair is socketpair(2).
func (t *Thread) Socketpair(domain, typ, protocol int) ([2]int, error) {
	t.task.reset()
	return socketpairOf(t, domain, typ, protocol)
}

// Bind is bind(2).
func (t *Thread) Bind(fd int, addr abi.Sockaddr) error {
	t.task.reset()
	return withAddr(t, "bind", unix.SYS_BIND, fd, addr)
}

// Listen is listen(2).
func (t *Thread) Listen(fd, backlog int) error {
	return done(t.sys("listen", unix.SYS_LISTEN, arg(fd), arg(backlog)))
}

// Accept is accept(2).
func (t *Thread) Accept(fd int) (int, error) {
	return result(t.sys("accept", unix.SYS_ACCEPT, arg(fd), 0, 0))
}

// Accept4 is accept4(2).
func (t *Thread) Accept4(fd, flags int) (int, error) {
	return result(t.sys("accept4", unix.SYS_ACCEPT4, arg(fd), 0, 0, arg(flags)))
}

// Connect is connect(2).
func (t *Thread) Connect(fd int, addr abi.Sockaddr) error {
	t.task.reset()
	return withAddr(t, "connect", unix.SYS_CONNECT, fd, addr)
}

// Shutdown is shutdown(2).
func (t *Thread) Shutdown(fd, how int) error {
	return done(t.sys("shutdown", unix.SYS_SHUTDOWN, arg(fd), arg(how)))
}

// Getsockname is getsockname(2).
func (t *Thread) Getsockname(fd int) (abi.Sockaddr, error) {
	t.task.reset()
	return nameOf(t, "getsockname", unix.SYS_GETSOCKNAME, fd)
}

// Getpeername is getpeername(2).
func (t *Thread) Getpeername(fd int) (abi.Sockaddr, error) {
	t.task.reset()
	return nameOf(t, "getpeername", unix.SYS_GETPEERNAME, fd)
}

// Setsockopt is setsockopt(2).
func (t *Thread) Setsockopt(fd, level, name int, value kernel.SockOpt) error {
	t.task.reset()
	return setsockoptOf(t, fd, level, name, value)
}

// Getsockopt is getsockopt(2).
func (t *Thread) Getsockopt(fd, level, name int) (int, error) {
	t.task.reset()
	return getsockoptOf(t, fd, level, name)
}

// Sendto is sendto(2).
func (t *Thread) Sendto(fd int, p []byte, flags int, addr *abi.Sockaddr) (int, error) {
	t.task.reset()
	return sendtoOf(t, fd, p, flags, addr)
}

// Recvfrom is recvfrom(2).
func (t *Thread) Recvfrom(fd int, p []byte, flags int, addr *abi.Sockaddr) (int, error) {
	t.task.reset()
	return recvfromOf(t, fd, p, flags, addr)
}

// SendFds is sendmsg(2).
func (t *Thread) SendFds(fd int, p []byte, fds []int, flags int) (int, error) {
	t.task.reset()
	return sendFdsOf(t, fd, p, fds, flags)
}

// RecvFds is recvmsg(2).
func (t *Thread) RecvFds(fd int, p []byte, flags int) (int, []int, int, error) {
	t.task.reset()
	return recvFdsOf(t, fd, p, flags)
}
