package kernel

import (
	"math"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
)

// deadline turns a timeout counted in units of unit ns into an absolute time, saturating; negative means
// never.
func (t *Thread) deadline(timeout, unit int64) int64 {
	if timeout < 0 {
		return sim.Forever
	}
	now := t.k.m.Now()
	if timeout > (math.MaxInt64-now)/unit {
		return sim.Forever
	}
	return now + timeout*unit
}

func (t *Thread) timespecDeadline(ts abi.Timespec) int64 {
	d := t.deadline(ts.Sec, 1e9)
	if d > sim.Forever-ts.Nsec {
		return sim.Forever
	}
	return d + ts.Nsec
}

// Nanosleep is clock_nanosleep(2) of CLOCK_MONOTONIC for ns nanoseconds; EINTR if a handler ran.
func (t *Thread) Nanosleep(ns int64) error {
	t.begin("clock_nanosleep", abi.CLOCK_MONOTONIC, 0, &abi.Timespec{Sec: ns / 1e9, Nsec: ns % 1e9}, nil)
	if ns < 0 {
		return t.done(abi.EINVAL)
	}
	deadline := t.deadline(ns, 1)
	_, err := t.restartable(func() (int, abi.Errno) {
		if !t.task.SleepUntil(deadline, "clock_nanosleep") {
			return 0, abi.ERESTART_RESTARTBLOCK
		}
		return 0, 0
	})
	return err
}

// ClockGettime is clock_gettime(2): every clock reads the virtual time, in ns, and those of the wall are ahead of it.
// It needs no entry into the kernel and is not traced.
func (t *Thread) ClockGettime(clock int) (int64, error) {
	if clock < abi.CLOCK_REALTIME || clock > abi.CLOCK_TAI || clock == 10 {
		return 0, abi.EINVAL
	}
	return t.k.clocks.Now(clock), nil
}

// SchedYield is sched_yield(2).
func (t *Thread) SchedYield() error {
	t.begin("sched_yield")
	t.task.Yield()
	return t.done(0)
}
