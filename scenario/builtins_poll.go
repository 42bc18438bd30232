package scenario

import (
	"math"

	"go.starlark.net/starlark"

	"github.com/epollsim/epollsim/abi"
)

var pollRows = []row{
	{sig: "poll(fds, timeout=-1)", result: "list of (fd, revents)",
		help: "wait up to timeout ms for one of the (fd, events) in fds; those with revents 0 are left out", fn: poll, lists: true},
	{sig: "select(r, w, x, timeout=-1)", result: "(list, list, list)",
		help: "wait up to timeout ms, or (seconds, microseconds), for one of three lists of fds, each may be None; what is ready of each", fn: selectFds, lists: true},
}

const wantPollFds = "a list of (fd, events)"

func poll(c *call) (starlark.Value, error) {
	fds := c.pollFds()
	timeout := c.cint()
	if c.err != nil {
		return nil, c.err
	}
	_, err := c.calls.Poll(fds, timeout)
	return c.polled(fds, err)
}

// polled is the list of those of fds that are ready, or the errno.
func (c *call) polled(fds []abi.PollFd, err error) (starlark.Value, error) {
	var list []starlark.Value
	for _, p := range fds {
		if err == nil && p.Revents != 0 {
			list = append(list, starlark.Tuple{starlark.MakeInt(int(p.Fd)), starlark.MakeInt(int(uint16(p.Revents)))})
		}
	}
	c.pollfds = fds
	return c.result(starlark.NewList(list), err)
}

// pollFds takes a list of pairs into the thread's buffer.
func (c *call) pollFds() []abi.PollFd {
	items, none := c.list(wantPollFds)
	if none {
		c.wrong("got None, want %s", wantPollFds)
	}
	fds := c.pollfds[:0]
	c.pollfds = nil
	for _, item := range items {
		pair, ok := item.(starlark.Sequence)
		if !ok || pair.Len() != 2 {
			c.wrong("got %s in the list, want %s", given(item), wantPollFds)
			break
		}
		values := c.sequence(pair, wantPollFds)
		fd := c.number(values[0], math.MinInt32, math.MaxInt32, "an fd of 32 bits in every pair")
		events := c.number(values[1], math.MinInt16, math.MaxUint16, "events of 16 bits in every pair")
		fds = append(fds, abi.PollFd{Fd: int32(fd), Events: int16(events)})
	}
	return fds
}

func selectFds(c *call) (starlark.Value, error) {
	in, n := c.fdSet()
	out, m := c.fdSet()
	ex, k := c.fdSet()
	timeout, tv := c.selectTime()
	if c.err != nil {
		return nil, c.err
	}
	nfds := max(n, m, k)
	var err error
	if tv != nil {
		_, err = c.calls.SelectTimeval(nfds, in, out, ex, tv)
	} else {
		_, err = c.calls.Select(nfds, in, out, ex, timeout)
	}
	return c.selected(nfds, err, in, out, ex)
}

// selectTime takes milliseconds, or what a struct timeval holds.
func (c *call) selectTime() (ms int, tv *abi.Timeval) {
	v := c.next()
	pair, ok := v.(starlark.Tuple)
	if !ok {
		return int(int64(c.number(v, math.MinInt32, math.MaxInt32, "an int of 32 bits, or a pair"))), nil
	}
	if len(pair) != 2 {
		c.wrong("got %s, want (seconds, microseconds)", given(v))
		return 0, nil
	}
	part := func(v starlark.Value) int64 {
		return int64(c.number(v, math.MinInt64, math.MaxInt64, "ints of 64 bits in the pair"))
	}
	return 0, &abi.Timeval{Sec: part(pair[0]), Usec: part(pair[1])}
}

// selected are the lists of the sets below nfds, or the errno.
func (c *call) selected(nfds int, err error, sets ...*abi.FdSet) (starlark.Value, error) {
	var lists starlark.Tuple
	for _, set := range sets {
		if err == nil {
			lists = append(lists, members(set, nfds))
		}
	}
	return c.result(lists, err)
}

// fdSet takes a list of fds, nil if None was given. nfds is the highest plus one.
func (c *call) fdSet() (set *abi.FdSet, nfds int) {
	items, none := c.list("a list of fds, or None")
	if none {
		return nil, 0
	}
	set = new(abi.FdSet)
	for _, item := range items {
		fd := int(c.number(item, 0, abi.FdSetSize-1, "fds from 0 to 1023"))
		set.Set(fd)
		nfds = max(nfds, fd+1)
	}
	return set, nfds
}

func members(set *abi.FdSet, nfds int) *starlark.List {
	var list []starlark.Value
	for fd := 0; set != nil && fd < nfds; fd++ {
		if set.Has(fd) {
			list = append(list, starlark.MakeInt(fd))
		}
	}
	return starlark.NewList(list)
}
