package scenario

import (
	"math"

	"go.starlark.net/starlark"

	"github.com/epollsim/epollsim/abi"
)

var timerfdRows = []row{
	{sig: "timerfd_create(clock=CLOCK_MONOTONIC, flags=0)", result: "fd",
		help: "open a timer; clock: CLOCK_REALTIME, CLOCK_BOOTTIME, …_ALARM; flags: TFD_NONBLOCK, TFD_CLOEXEC", fn: timerfdCreate},
	{sig: "timerfd_settime(fd, flags=0, value_ns=0, interval_ns=0)", result: "0",
		help: "start a timer that expires in value_ns (with TFD_TIMER_ABSTIME: at) and then every interval_ns; 0: stop it", fn: timerfdSettime},
	{sig: "timerfd_gettime(fd)", result: "(value_ns, interval_ns)",
		help: "when a timer expires next, 0: never; restarts one that has an interval and has expired", fn: timerfdGettime},
	{sig: "clock_settime(clock, ns)", result: "0", help: "set CLOCK_REALTIME", fn: clockSettime, where: inModel},
	{sig: "timerfd_read(fd)", result: "int", help: "read 8 bytes as a number, from whatever fd is", fn: eventfdRead},
}

func timerfdCreate(c *call) (starlark.Value, error) {
	clock, flags := c.cint(), c.flags()
	if c.err != nil {
		return nil, c.err
	}
	return c.int(c.calls.TimerfdCreate(clock, flags))
}

func timerfdSettime(c *call) (starlark.Value, error) {
	fd, flags, value, interval := c.cint(), c.flags(), c.nanoseconds(), c.nanoseconds()
	if c.err != nil {
		return nil, c.err
	}
	return c.zero(c.calls.TimerfdSettime(fd, flags, &abi.Itimerspec{Interval: interval, Value: value}, nil))
}

// nanoseconds takes a number of nanoseconds. A negative one stays negative, for the kernel to refuse.
func (c *call) nanoseconds() abi.Timespec {
	ns := int64(c.integer(math.MinInt64, math.MaxInt64, "an int of 64 bits"))
	return abi.Timespec{Sec: ns / 1e9, Nsec: ns % 1e9}
}

func clockSettime(c *call) (starlark.Value, error) {
	clock, ns := c.cint(), int64(c.integer(math.MinInt64, math.MaxInt64, "an int of 64 bits"))
	if c.err != nil {
		return nil, c.err
	}
	model, ok := c.calls.(interface {
		ClockSettime(clock int, ns int64) error
	})
	if !ok {
		return nil, errNoModel(c)
	}
	return c.zero(model.ClockSettime(clock, ns))
}

func timerfdGettime(c *call) (starlark.Value, error) {
	fd := c.cint()
	if c.err != nil {
		return nil, c.err
	}
	var now abi.Itimerspec
	err := c.calls.TimerfdGettime(fd, &now)
	ns := func(ts abi.Timespec) starlark.Value { return starlark.MakeInt64(ts.Sec*1e9 + ts.Nsec) }
	return c.result(starlark.Tuple{ns(now.Value), ns(now.Interval)}, err)
}
