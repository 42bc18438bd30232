package scenario

import (
	"math"

	"go.starlark.net/starlark"

	"github.com/epollsim/epollsim/abi"
)

var clockRows = []row{
	{sig: "sleep(ms)", result: "0", help: "sleep for ms milliseconds, which may be a fraction", fn: sleep},
	{sig: "clock_gettime(clock)", result: "int", help: "the time of a clock such as CLOCK_REALTIME in ns", fn: clockGettime, own: true},
	{sig: "now()", result: "int", help: "the time of CLOCK_MONOTONIC in ns", fn: now, own: true},
}

func sleep(c *call) (starlark.Value, error) {
	ns := c.milliseconds()
	if c.err != nil {
		return nil, c.err
	}
	return c.zero(c.calls.Nanosleep(ns))
}

// milliseconds takes a number of milliseconds as nanoseconds.
func (c *call) milliseconds() int64 {
	const want = "a number of milliseconds"
	v := c.next()
	switch ms := v.(type) {
	case starlark.Int:
		return int64(c.number(ms, math.MinInt64/1_000_000, math.MaxInt64/1_000_000, want)) * 1e6
	case starlark.Float:
		if ns := math.Round(float64(ms) * 1e6); ns >= math.MinInt64 && ns < math.MaxInt64 {
			return int64(ns)
		}
		c.wrong("%s does not fit, want %s", ms, want)
	default:
		c.wrong("got %s, want %s", given(v), want)
	}
	return 0
}

func clockGettime(c *call) (starlark.Value, error) {
	clock := c.cint()
	if c.err != nil {
		return nil, c.err
	}
	ns, err := c.calls.ClockGettime(clock)
	return c.result(starlark.MakeInt64(ns), err)
}

func now(c *call) (starlark.Value, error) {
	ns, err := c.calls.ClockGettime(abi.CLOCK_MONOTONIC)
	return c.result(starlark.MakeInt64(ns), err)
}
