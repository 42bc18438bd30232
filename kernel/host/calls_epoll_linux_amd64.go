package host

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/epollsim/epollsim/abi"
)

// arg passes a C int: its 32 bits.
func arg(n int) uintptr { return uintptr(uint32(int32(n))) }

// EpollCreate is epoll_create(2).
func (t *Thread) EpollCreate(size int) (int, error) {
	return result(t.sys("epoll_create", unix.SYS_EPOLL_CREATE, arg(size)))
}

// EpollCreate1 is epoll_create1(2).
func (t *Thread) EpollCreate1(flags int) (int, error) {
	return result(t.sys("epoll_create1", unix.SYS_EPOLL_CREATE1, arg(flags)))
}

// EpollCtl is epoll_ctl(2).
func (t *Thread) EpollCtl(epfd, op, fd int, event *abi.EpollEvent) error {
	t.task.reset()
	var addr uintptr
	if event != nil {
		addr = t.task.bytes(packEvent(nil, *event))
	}
	return done(t.sys("epoll_ctl", unix.SYS_EPOLL_CTL, arg(epfd), arg(op), arg(fd), addr))
}

// packEvent appends an event in the packed form of x86-64.
func packEvent(b []byte, e abi.EpollEvent) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(e.Events))
	return binary.LittleEndian.AppendUint64(b, e.Data)
}

// eventBuffer makes room for as many events as the caller has.
func (t *Thread) eventBuffer(events []abi.EpollEvent) ([]byte, uintptr) {
	if events == nil {
		return nil, 0
	}
	return t.task.alloc(len(events) * abi.SizeofEpollEvent)
}

func unpackEvents(events []abi.EpollEvent, buf []byte, n int) {
	for i := range min(n, len(events)) {
		b := buf[i*abi.SizeofEpollEvent:]
		events[i] = abi.EpollEvent{Events: abi.Events(binary.LittleEndian.Uint32(b)), Data: binary.LittleEndian.Uint64(b[4:])}
	}
}

// EpollWait is epoll_wait(2).
func (t *Thread) EpollWait(epfd int, events []abi.EpollEvent, maxevents, timeout int) (int, error) {
	t.task.reset()
	buf, addr := t.eventBuffer(events)
	n, errno := t.sys("epoll_wait", unix.SYS_EPOLL_WAIT, arg(epfd), addr, arg(maxevents), arg(timeout))
	unpackEvents(events, buf, n)
	return result(n, errno)
}

// EpollPwait is epoll_pwait(2).
func (t *Thread) EpollPwait(epfd int, events []abi.EpollEvent, maxevents, timeout int, sigmask *abi.SigSet) (int, error) {
	t.task.reset()
	buf, addr := t.eventBuffer(events)
	n, errno := t.sys("epoll_pwait", unix.SYS_EPOLL_PWAIT, arg(epfd), addr, arg(maxevents), arg(timeout), t.sigmask(sigmask), sigsetSize)
	unpackEvents(events, buf, n)
	return result(n, errno)
}

// EpollPwait2 is epoll_pwait2(2).
func (t *Thread) EpollPwait2(epfd int, events []abi.EpollEvent, maxevents int, timeout *abi.Timespec, sigmask *abi.SigSet) (int, error) {
	t.task.reset()
	buf, addr := t.eventBuffer(events)
	var ts uintptr
	if timeout != nil {
		ts = t.timespec(*timeout)
	}
	n, errno := t.sys("epoll_pwait2", sysEpollPwait2, arg(epfd), addr, arg(maxevents), ts, t.sigmask(sigmask), sigsetSize)
	unpackEvents(events, buf, n)
	return result(n, errno)
}

const sysEpollPwait2 = 441

// Eventfd2 is eventfd2(2).
func (t *Thread) Eventfd2(initval uint32, flags int) (int, error) {
	return result(t.sys("eventfd2", unix.SYS_EVENTFD2, uintptr(initval), arg(flags)))
}
