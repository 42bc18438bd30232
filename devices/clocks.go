package devices

import (
	"math"
	"slices"
	"time"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
)

// Clocks are the clocks of one kernel. All of them run with the machine's and are ahead of it: those that count from the
// boot by a constant, the wall clock by an offset that can be set.
//
// Leaves out suspend, so that CLOCK_BOOTTIME is CLOCK_MONOTONIC, leap seconds, and NTP.
type Clocks struct {
	m    *sim.Machine
	id   sim.ID
	wall int64 // what CLOCK_REALTIME is ahead of the machine's time

	timers []*Timerfd // armed for a time of the wall clock, in order of their arming
}

var (
	classClocks = sim.NewClass("clocks")
	fieldWall   = sim.NewField("wall_to_monotonic")
)

// bootTime is the wall clock's time when a machine starts: 2001-09-09 01:46:40 UTC.
const bootTime = 1_000_000_000 * int64(1e9)

// upTime is how long a machine is up when its first program starts: a time of CLOCK_MONOTONIC that is little more than 0 is
// over on every machine.
const upTime = 100 * int64(time.Second)

var clocks = sim.NewCache[Clocks](nil)

// NewClocks returns the clocks of m.
func NewClocks(m *sim.Machine) *Clocks {
	c := clocks.New(m)
	c.m, c.id, c.wall = m, m.NewID(classClocks), bootTime
	return c
}

// isWall reports whether a clock is that on the wall.
func isWall(clock int) bool {
	switch clock {
	case abi.CLOCK_REALTIME, abi.CLOCK_REALTIME_COARSE, abi.CLOCK_REALTIME_ALARM, abi.CLOCK_TAI:
		return true
	}
	return false
}

// isAlarm reports whether a clock is one whose timers wake the machine.
func isAlarm(clock int) bool {
	return clock == abi.CLOCK_REALTIME_ALARM || clock == abi.CLOCK_BOOTTIME_ALARM
}

// Now returns the time of a clock, in ns.
func (c *Clocks) Now(clock int) int64 {
	if !isWall(clock) {
		return c.m.Now() + upTime
	}
	c.m.Read(c.id, fieldWall)
	return c.m.Now() + c.wall
}

// SetWall sets the wall clock to now ns. Timers for a time of that clock come sooner or later than they would have, and
// those with TFD_TIMER_CANCEL_ON_SET are cancelled. Models clock_was_set.
func (c *Clocks) SetWall(now int64) {
	c.m.Write(c.id, fieldWall)
	c.wall = now - c.m.Now()
	for _, tf := range slices.Clone(c.timers) {
		tf.clockWasSet()
	}
}

// add and remove keep the timers that have to know when the wall clock is set.
func (c *Clocks) add(tf *Timerfd) {
	if !slices.Contains(c.timers, tf) {
		c.timers = append(c.timers, tf)
	}
}

func (c *Clocks) remove(tf *Timerfd) {
	if i := slices.Index(c.timers, tf); i >= 0 {
		c.timers = slices.Delete(c.timers, i, i+1)
	}
}

// nanoseconds turns a valid timespec into a number, saturating: timespec64_to_ktime.
func nanoseconds(ts abi.Timespec) int64 {
	if ts.Sec >= math.MaxInt64/int64(1e9) {
		return math.MaxInt64
	}
	return ts.Sec*1e9 + ts.Nsec
}

// later adds to a time, saturating: ktime_add_safe.
func later(t, ns int64) int64 {
	if t > 0 && ns > math.MaxInt64-t {
		return math.MaxInt64
	}
	return t + ns
}

func timespec(ns int64) abi.Timespec { return abi.Timespec{Sec: ns / 1e9, Nsec: ns % 1e9} }
