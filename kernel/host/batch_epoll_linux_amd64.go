package host

import (
	"golang.org/x/sys/unix"

	"github.com/epollsim/epollsim/abi"
)

// EpollCreate is epoll_create(2).
func (b *Batch) EpollCreate(size int) (int, error) {
	return result(b.sys(unix.SYS_EPOLL_CREATE, arg(size)))
}

// EpollCreate1 is epoll_create1(2).
func (b *Batch) EpollCreate1(flags int) (int, error) {
	return result(b.sys(unix.SYS_EPOLL_CREATE1, arg(flags)))
}

// EpollCtl is epoll_ctl(2).
func (b *Batch) EpollCtl(epfd, op, fd int, event *abi.EpollEvent) error {
	var p []byte
	if event != nil {
		p = packEvent(nil, *event)
	}
	return done(b.sys(unix.SYS_EPOLL_CTL, arg(epfd), arg(op), arg(fd), b.in(p)))
}

// EpollWait is epoll_wait(2).
func (b *Batch) EpollWait(epfd int, events []abi.EpollEvent, maxevents, timeout int) (int, error) {
	buf, addr := b.out(len(events)*abi.SizeofEpollEvent, events != nil)
	n, errno := b.sys(unix.SYS_EPOLL_WAIT, arg(epfd), addr, arg(maxevents), arg(timeout))
	unpackEvents(events, buf, n)
	return result(n, errno)
}

// EpollPwait is epoll_pwait(2).
func (b *Batch) EpollPwait(epfd int, events []abi.EpollEvent, maxevents, timeout int, sigmask *abi.SigSet) (int, error) {
	buf, addr := b.out(len(events)*abi.SizeofEpollEvent, events != nil)
	n, errno := b.sys(unix.SYS_EPOLL_PWAIT, arg(epfd), addr, arg(maxevents), arg(timeout), b.sigmask(sigmask), sigsetSize)
	unpackEvents(events, buf, n)
	return result(n, errno)
}

// EpollPwait2 is epoll_pwait2(2).
func (b *Batch) EpollPwait2(epfd int, events []abi.EpollEvent, maxevents int, timeout *abi.Timespec, sigmask *abi.SigSet) (int, error) {
	buf, addr := b.out(len(events)*abi.SizeofEpollEvent, events != nil)
	n, errno := b.sys(sysEpollPwait2, arg(epfd), addr, arg(maxevents), b.timespec(timeout), b.sigmask(sigmask), sigsetSize)
	unpackEvents(events, buf, n)
	return result(n, errno)
}

// Eventfd2 is eventfd2(2).
func (b *Batch) Eventfd2(initval uint32, flags int) (int, error) {
	return result(b.sys(unix.SYS_EVENTFD2, uintptr(initval), arg(flags)))
}
