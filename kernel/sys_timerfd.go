package kernel

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
)

// TimerCalls are the system calls of timerfds. See timerfd_create(2).
type TimerCalls interface {
	// TimerfdCreate opens a timer that is not armed: timerfd_create(2). flags: TFD_NONBLOCK, TFD_CLOEXEC.
	TimerfdCreate(clock, flags int) (fd int, err error)
	// TimerfdSettime arms the timer with new and stores in old, if that is not nil, what it was.
	TimerfdSettime(fd, flags int, new, old *abi.Itimerspec) error
	// TimerfdGettime stores when the timer expires next, from now, and its interval: timerfd_gettime(2).
	TimerfdGettime(fd int, now *abi.Itimerspec) error
}

// TimerfdCreate is timerfd_create(2). The model's user may have alarms.
func (t *Thread) TimerfdCreate(clock, flags int) (int, error) {
	t.begin("timerfd_create", clock, flags)
	f, errno := devices.NewTimerfd(t.k.sys, t.k.clocks, clock, flags)
	if errno != 0 {
		return t.result(-1, errno)
	}
	return t.result(t.install(f, 0, flags&abi.TFD_CLOEXEC != 0))
}

// TimerfdSettime is timerfd_settime(2).
func (t *Thread) TimerfdSettime(fd, flags int, new, old *abi.Itimerspec) error {
	t.begin("timerfd_settime", fd, flags, new, old)
	return t.done(t.timerfdSettime(fd, flags, new, old))
}

func (t *Thread) timerfdSettime(fd, flags int, new, old *abi.Itimerspec) abi.Errno {
	if new == nil {
		return abi.EFAULT
	}
	if errno := devices.CheckItimerspec(flags, *new); errno != 0 {
		return errno
	}
	tf, put, errno := t.timerfd(fd)
	if errno != 0 {
		return errno
	}
	was, errno := tf.Settime(flags, *new)
	put()
	if errno == 0 && old != nil {
		*old = was
	}
	return errno
}

// TimerfdGettime is timerfd_gettime(2).
func (t *Thread) TimerfdGettime(fd int, now *abi.Itimerspec) error {
	t.begin("timerfd_gettime", fd, now)
	tf, put, errno := t.timerfd(fd)
	if errno != 0 {
		return t.done(errno)
	}
	spec := tf.Gettime()
	put()
	if now == nil {
		return t.done(abi.EFAULT)
	}
	*now = spec
	return t.done(0)
}

// ClockSettime sets CLOCK_REALTIME to ns: clock_settime(2). Other clocks are EINVAL. It is no part of Calls, for a
// scenario has no business to set the clock of a host.
func (t *Thread) ClockSettime(clock int, ns int64) error {
	t.begin("clock_settime", clock, &abi.Timespec{Sec: ns / 1e9, Nsec: ns % 1e9})
	if clock != abi.CLOCK_REALTIME || ns < 0 {
		return t.done(abi.EINVAL)
	}
	t.k.clocks.SetWall(ns)
	return t.done(0)
}

// timerfd returns the timer that fd refers to, and what gives it back: EBADF, EINVAL.
func (t *Thread) timerfd(fd int) (tf *devices.Timerfd, put func(), errno abi.Errno) {
	f, counted := t.fdget(fd)
	if f == nil {
		return nil, nil, abi.EBADF
	}
	put = func() { fdput(f, counted) }
	if tf = devices.TimerfdOf(f); tf == nil {
		put()
		return nil, nil, abi.EINVAL
	}
	return tf, put, 0
}
