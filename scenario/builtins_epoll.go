package scenario

import (
	"math"

	"go.starlark.net/starlark"

	"github.com/epollsim/epollsim/abi"
)

var epollRows = []row{
	{sig: "epoll_create(size)", result: "fd", help: "open an epoll instance; size must be positive", fn: epollCreate},
	{sig: "epoll_create1(flags=0)", result: "fd", help: "open an epoll instance; flags: EPOLL_CLOEXEC", fn: epollCreate1},
	{sig: "epoll_ctl(epfd, op, fd, events=0, data=None)", result: "0",
		help: "add, change or remove a watch (EPOLL_CTL_ADD, _MOD, _DEL); data is any int of 64 bits, fd if not given", fn: epollCtl},
	{sig: "epoll_wait(epfd, maxevents=64, timeout=-1)", result: "list of (events, data)",
		help: "wait up to timeout ms for events, for ever if negative; in the order delivered", fn: epollWait, lists: true},
	{sig: "epoll_pwait(epfd, maxevents=64, timeout=-1, sigmask=None)", result: "list of (events, data)",
		help: "epoll_wait with the signals of the list sigmask blocked meanwhile, and only those", fn: epollPwait, lists: true},
	{sig: "epoll_pwait2(epfd, maxevents=64, timeout_ns=None, sigmask=None)", result: "list of (events, data)",
		help: "epoll_pwait with the timeout in ns, None: for ever", fn: epollPwait2, lists: true},
}

func epollCreate(c *call) (starlark.Value, error) {
	size := c.cint()
	if c.err != nil {
		return nil, c.err
	}
	return c.int(c.calls.EpollCreate(size))
}

func epollCreate1(c *call) (starlark.Value, error) {
	flags := c.flags()
	if c.err != nil {
		return nil, c.err
	}
	return c.int(c.calls.EpollCreate1(flags))
}

func epollCtl(c *call) (starlark.Value, error) {
	epfd, op, fd, events := c.cint(), c.cint(), c.cint(), c.mask()
	data := uint64(uint32(fd))
	given := c.values[c.at] != starlark.None
	if given {
		data = c.unsigned()
	}
	if c.err != nil {
		return nil, c.err
	}
	event := &c.event
	*event = abi.EpollEvent{Events: abi.Events(events), Data: data}
	if op == abi.EPOLL_CTL_DEL && events == 0 && !given {
		event = nil // as programs do
	}
	return c.zero(c.calls.EpollCtl(epfd, op, fd, event))
}

// mostEvents bounds the buffer for events: more than a process can have watches.
const mostEvents = 1 << 20

// eventBuffer returns the buffer of a call that asks for maxevents events; putEvents gives it back.
func (c *call) eventBuffer(maxevents int) []abi.EpollEvent {
	return c.takeEvents(min(max(maxevents, 0), mostEvents))
}

// delivered is the list of the first n events in buf, or the errno.
func (c *call) delivered(buf []abi.EpollEvent, n int, err error) (starlark.Value, error) {
	var list []starlark.Value
	if err == nil && n > 0 {
		list = make([]starlark.Value, n)
		pairs := make([]starlark.Value, 2*n)
		for i, event := range buf[:n] {
			pair := pairs[2*i : 2*i+2 : 2*i+2]
			pair[0], pair[1] = starlark.MakeUint64(uint64(event.Events)), starlark.MakeUint64(event.Data)
			list[i] = starlark.Tuple(pair)
		}
	}
	c.putEvents(buf)
	return c.result(starlark.NewList(list), err)
}

func epollWait(c *call) (starlark.Value, error) {
	epfd, maxevents, timeout := c.cint(), c.cint(), c.cint()
	if c.err != nil {
		return nil, c.err
	}
	buf := c.eventBuffer(maxevents)
	n, err := c.calls.EpollWait(epfd, buf, maxevents, timeout)
	return c.delivered(buf, n, err)
}

func epollPwait(c *call) (starlark.Value, error) {
	epfd, maxevents, timeout, sigmask := c.cint(), c.cint(), c.cint(), c.signals()
	if c.err != nil {
		return nil, c.err
	}
	buf := c.eventBuffer(maxevents)
	n, err := c.calls.EpollPwait(epfd, buf, maxevents, timeout, sigmask)
	return c.delivered(buf, n, err)
}

func epollPwait2(c *call) (starlark.Value, error) {
	epfd, maxevents, timeout := c.cint(), c.cint(), c.timespec()
	sigmask := c.signals()
	if c.err != nil {
		return nil, c.err
	}
	buf := c.eventBuffer(maxevents)
	n, err := c.calls.EpollPwait2(epfd, buf, maxevents, timeout, sigmask)
	return c.delivered(buf, n, err)
}

// timespec takes a number of nanoseconds; nil if None was given. A negative one stays negative, for the kernel
// to refuse.
func (c *call) timespec() *abi.Timespec {
	v := c.next()
	if v == starlark.None {
		return nil
	}
	ns := int64(c.number(v, math.MinInt64, math.MaxInt64, "an int of 64 bits, or None"))
	return &abi.Timespec{Sec: ns / 1e9, Nsec: ns % 1e9}
}
