package host

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
)

// The calls on sockets of a batch.

func (b *Batch) socketCall(_ string, nr uintptr, args ...uintptr) (int, abi.Errno) {
	return b.sys(nr, args...)
}

func (b *Batch) unixPrefix() string { return b.prefix }

// refuseSocket panics: what a random program calls is its generator's business.
func (b *Batch) refuseSocket(call, format string, args ...any) {
	panic(&RefusedError{call, fmt.Sprintf(format, args...)})
}

// Socket is socket(2).
func (b *Batch) Socket(domain, typ, protocol int) (int, error) {
	return socketOf(b, domain, typ, protocol)
}

// Socketpair is socketpair(2).
func (b *Batch) Socketpair(domain, typ, protocol int) ([2]int, error) {
	return socketpairOf(b, domain, typ, protocol)
}

// Bind is bind(2).
func (b *Batch) Bind(fd int, addr abi.Sockaddr) error {
	return withAddr(b, "bind", unix.SYS_BIND, fd, addr)
}

// Listen is listen(2).
func (b *Batch) Listen(fd, backlog int) error {
	return done(b.sys(unix.SYS_LISTEN, arg(fd), arg(backlog)))
}

// Accept is accept(2).
func (b *Batch) Accept(fd int) (int, error) { return result(b.sys(unix.SYS_ACCEPT, arg(fd), 0, 0)) }

// Accept4 is accept4(2).
func (b *Batch) Accept4(fd, flags int) (int, error) {
	return result(b.sys(unix.SYS_ACCEPT4, arg(fd), 0, 0, arg(flags)))
}

// Connect is connect(2).
func (b *Batch) Connect(fd int, addr abi.Sockaddr) error {
	return withAddr(b, "connect", unix.SYS_CONNECT, fd, addr)
}

// Shutdown is shutdown(2).
func (b *Batch) Shutdown(fd, how int) error {
	return done(b.sys(unix.SYS_SHUTDOWN, arg(fd), arg(how)))
}

// Getsockname is getsockname(2).
func (b *Batch) Getsockname(fd int) (abi.Sockaddr, error) {
	return nameOf(b, "getsockname", unix.SYS_GETSOCKNAME, fd)
}

// Getpeername is getpeername(2).
func (b *Batch) Getpeername(fd int) (abi.Sockaddr, error) {
	return nameOf(b, "getpeername", unix.SYS_GETPEERNAME, fd)
}

// Setsockopt is setsockopt(2).
func (b *Batch) Setsockopt(fd, level, name int, value kernel.SockOpt) error {
	return setsockoptOf(b, fd, level, name, value)
}

// Getsockopt is getsockopt(2).
func (b *Batch) Getsockopt(fd, level, name int) (int, error) {
	return getsockoptOf(b, fd, level, name)
}

// Sendto is sendto(2).
func (b *Batch) Sendto(fd int, p []byte, flags int, addr *abi.Sockaddr) (int, error) {
	return sendtoOf(b, fd, p, flags, addr)
}

// Recvfrom is recvfrom(2).
func (b *Batch) Recvfrom(fd int, p []byte, flags int, addr *abi.Sockaddr) (int, error) {
	return recvfromOf(b, fd, p, flags, addr)
}

// SendFds is sendmsg(2).
func (b *Batch) SendFds(fd int, p []byte, fds []int, flags int) (int, error) {
	return sendFdsOf(b, fd, p, fds, flags)
}

// RecvFds is recvmsg(2).
func (b *Batch) RecvFds(fd int, p []byte, flags int) (int, []int, int, error) {
	return recvFdsOf(b, fd, p, flags)
}
