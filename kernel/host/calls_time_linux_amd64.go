package host

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/epollsim/epollsim/abi"
)

// TimerfdCreate is timerfd_create(2).
func (t *Thread) TimerfdCreate(clock, flags int) (int, error) {
	return result(t.sys("timerfd_create", unix.SYS_TIMERFD_CREATE, arg(clock), arg(flags)))
}

const sizeofItimerspec = 32

func packItimerspec(it abi.Itimerspec) []byte {
	var b []byte
	for _, n := range [...]int64{it.Interval.Sec, it.Interval.Nsec, it.Value.Sec, it.Value.Nsec} {
		b = binary.LittleEndian.AppendUint64(b, uint64(n))
	}
	return b
}

func unpackItimerspec(b []byte) abi.Itimerspec {
	n := func(i int) int64 { return int64(binary.LittleEndian.Uint64(b[8*i:])) }
	return abi.Itimerspec{Interval: abi.Timespec{Sec: n(0), Nsec: n(1)}, Value: abi.Timespec{Sec: n(2), Nsec: n(3)}}
}

// TimerfdSettime is timerfd_settime(2).
func (t *Thread) TimerfdSettime(fd, flags int, new, old *abi.Itimerspec) error {
	t.task.reset()
	var newAddr, oldAddr uintptr
	var buf []byte
	if new != nil {
		newAddr = t.task.bytes(packItimerspec(*new))
	}
	if old != nil {
		buf, oldAddr = t.task.alloc(sizeofItimerspec)
	}
	_, errno := t.sys("timerfd_settime", unix.SYS_TIMERFD_SETTIME, arg(fd), arg(flags), newAddr, oldAddr)
	if errno == 0 && old != nil {
		*old = unpackItimerspec(buf)
	}
	return done(0, errno)
}

// TimerfdGettime is timerfd_gettime(2).
func (t *Thread) TimerfdGettime(fd int, now *abi.Itimerspec) error {
	t.task.reset()
	var addr uintptr
	var buf []byte
	if now != nil {
		buf, addr = t.task.alloc(sizeofItimerspec)
	}
	_, errno := t.sys("timerfd_gettime", unix.SYS_TIMERFD_GETTIME, arg(fd), addr)
	if errno == 0 && now != nil {
		*now = unpackItimerspec(buf)
	}
	return done(0, errno)
}

// Nanosleep is clock_nanosleep(2) of CLOCK_MONOTONIC.
func (t *Thread) Nanosleep(ns int64) error {
	t.task.reset()
	ts := t.timespec(abi.Timespec{Sec: ns / 1e9, Nsec: ns % 1e9})
	return done(t.sys("clock_nanosleep", unix.SYS_CLOCK_NANOSLEEP, unix.CLOCK_MONOTONIC, 0, ts, 0))
}

// ClockGettime is clock_gettime(2); no task is needed for it.
func (t *Thread) ClockGettime(clock int) (int64, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(clock), &ts); err != nil {
		return 0, abi.EINVAL
	}
	return ts.Nano(), nil
}

func (t *Thread) timespec(ts abi.Timespec) uintptr {
	b := binary.LittleEndian.AppendUint64(nil, uint64(ts.Sec))
	return t.task.bytes(binary.LittleEndian.AppendUint64(b, uint64(ts.Nsec)))
}

// timeoutArg passes a timeout that the kernel changes; the second result takes the change over.
func (t *Thread) timeoutArg(timeout *abi.Timespec) (addr uintptr, back func()) {
	if timeout == nil {
		return 0, func() {}
	}
	buf, addr := t.task.alloc(16)
	binary.LittleEndian.PutUint64(buf, uint64(timeout.Sec))
	binary.LittleEndian.PutUint64(buf[8:], uint64(timeout.Nsec))
	return addr, func() {
		timeout.Sec = int64(binary.LittleEndian.Uint64(buf))
		timeout.Nsec = int64(binary.LittleEndian.Uint64(buf[8:]))
	}
}
