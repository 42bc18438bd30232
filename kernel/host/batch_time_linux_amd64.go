package host

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/epollsim/epollsim/abi"
)

// TimerfdCreate is timerfd_create(2).
func (b *Batch) TimerfdCreate(clock, flags int) (int, error) {
	return result(b.sys(unix.SYS_TIMERFD_CREATE, arg(clock), arg(flags)))
}

// TimerfdSettime is timerfd_settime(2).
func (b *Batch) TimerfdSettime(fd, flags int, new, old *abi.Itimerspec) error {
	var p []byte
	if new != nil {
		p = packItimerspec(*new)
	}
	newAddr := b.in(p)
	buf, oldAddr := b.out(sizeofItimerspec, old != nil)
	_, errno := b.sys(unix.SYS_TIMERFD_SETTIME, arg(fd), arg(flags), newAddr, oldAddr)
	if errno == 0 && buf != nil {
		*old = unpackItimerspec(buf)
	}
	return done(0, errno)
}

// TimerfdGettime is timerfd_gettime(2).
func (b *Batch) TimerfdGettime(fd int, now *abi.Itimerspec) error {
	buf, addr := b.out(sizeofItimerspec, now != nil)
	_, errno := b.sys(unix.SYS_TIMERFD_GETTIME, arg(fd), addr)
	if errno == 0 && buf != nil {
		*now = unpackItimerspec(buf)
	}
	return done(0, errno)
}

// Nanosleep is clock_nanosleep(2) of CLOCK_MONOTONIC.
func (b *Batch) Nanosleep(ns int64) error {
	ts := b.timespec(&abi.Timespec{Sec: ns / 1e9, Nsec: ns % 1e9})
	return done(b.sys(unix.SYS_CLOCK_NANOSLEEP, unix.CLOCK_MONOTONIC, 0, ts, 0))
}

// SchedYield is sched_yield(2).
func (b *Batch) SchedYield() error { return done(b.sys(unix.SYS_SCHED_YIELD)) }

func (b *Batch) timespec(ts *abi.Timespec) uintptr {
	if ts == nil {
		return 0
	}
	p := binary.LittleEndian.AppendUint64(nil, uint64(ts.Sec))
	return b.in(binary.LittleEndian.AppendUint64(p, uint64(ts.Nsec)))
}

// timeoutArg passes a timeout that the kernel changes.
func (b *Batch) timeoutArg(timeout *abi.Timespec) (addr uintptr, back func()) {
	if timeout == nil {
		return 0, func() {}
	}
	p := binary.LittleEndian.AppendUint64(nil, uint64(timeout.Sec))
	buf, addr := b.inOut(binary.LittleEndian.AppendUint64(p, uint64(timeout.Nsec)))
	return addr, func() {
		if buf != nil && !b.recording {
			timeout.Sec = int64(binary.LittleEndian.Uint64(buf))
			timeout.Nsec = int64(binary.LittleEndian.Uint64(buf[8:]))
		}
	}
}
