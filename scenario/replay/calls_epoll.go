package replay

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/eventpoll"
	"github.com/epollsim/epollsim/vfs"
)

func epollRows() []row {
	return []row{
		row{
			name: "epoll_create", allocates: true,
			parse: parseWith(func(o *op, a *args) { o.a[0] = int64(a.int32(0)) }),
			run:   func(x *exec, o *op) outcome { return outcomeOf(x.calls(o).EpollCreate(int(o.a[0]))) },
		},
		row{
			name: "epoll_create1", allocates: true,
			parse: parseWith(func(o *op, a *args) { o.a[0] = int64(a.int32(0)) }),
			run:   func(x *exec, o *op) outcome { return outcomeOf(x.calls(o).EpollCreate1(int(o.a[0]))) },
		},
		row{
			name: "epoll_ctl",
			parse: parseWith(func(o *op, a *args) {
				o.fd, o.a[0], o.fd2 = a.int32(0), int64(a.int32(1)), a.int32(2)
				o.event, _ = a.at(3).(*abi.EpollEvent)
				if o.event == nil && !a.null(3) && o.want.errno != abi.EFAULT {
					o.event = &abi.EpollEvent{} // a pointer: DEL does not look at it
				}
			}),
			run: func(x *exec, o *op) outcome {
				out := errOutcome(x.calls(o).EpollCtl(o.fd, int(o.a[0]), o.fd2, o.event))
				if !out.failed() && o.a[0] != abi.EPOLL_CTL_DEL {
					x.added(x.epoll(o), x.file(o, o.fd2), o.fd2, o.event.Data)
				}
				return out
			},
			ready: readyCtl,
			help:  helpCtl,
		},
		epollWait("epoll_wait", func(x *exec, o *op, buf []abi.EpollEvent) (int, error) {
			return x.calls(o).EpollWait(o.fd, buf, int(o.a[0]), int(o.a[1]))
		}),
		epollWait("epoll_pwait", func(x *exec, o *op, buf []abi.EpollEvent) (int, error) {
			return x.calls(o).EpollPwait(o.fd, buf, int(o.a[0]), int(o.a[1]), x.sigmask(o))
		}),
		epollWait("epoll_pwait2", func(x *exec, o *op, buf []abi.EpollEvent) (int, error) {
			return x.calls(o).EpollPwait2(o.fd, buf, int(o.a[0]), x.timespec(o), x.sigmask(o))
		}),
	}
}

// epollWait is the row of one of the three: epfd, events, maxevents, timeout, and the mask of two of them.
func epollWait(name string, call func(*exec, *op, []abi.EpollEvent) (int, error)) row {
	return row{
		name: name, waits: true, looks: true,
		parse: parseWith(func(o *op, a *args) {
			o.fd, o.a[0] = a.int32(0), int64(a.int32(2))
			if a.null(1) {
				o.a[2] = 1 // no memory for events
			}
			if name != "epoll_pwait2" {
				o.a[1] = int64(a.int32(3))
			} else if o.a[1] = a.millis(3); o.a[1] >= 0 {
				o.spec.Value = *a.at(3).(*abi.Timespec)
			} else if !a.null(3) && o.want.errno == abi.EINVAL { // strace shows no timeout of a call that fails: it is looked at first
				o.a[1], o.spec.Value.Nsec = 0, -1
			} else if !a.null(3) && o.want.errno == abi.EFAULT {
				o.a[2] = 2 // no memory with a timeout
			}
			a.masked(o, 4)
			o.want.events, _ = a.at(1).([]abi.EpollEvent)
			o.want.cut = !a.Shown(1)
		}),
		run: func(x *exec, o *op) outcome {
			if o.a[2] == 2 {
				return o.want
			}
			var buf []abi.EpollEvent
			if o.a[2] == 0 && o.a[0] > 0 {
				buf = x.eventBuffer(o, int(min(o.a[0], 1<<16)))
			}
			n, err := call(x, o, buf)
			out := outcomeOf(n, err)
			if n > 0 {
				out.events = buf[:n]
				x.delivered(x.epoll(o), out.events)
			}
			return out
		},
		ready: readyWait,
		help:  helpWait,
	}
}

// readyWait tells whether the wait would bring exactly the events of the log.
func readyWait(x *exec, o *op) bool {
	ep := x.epoll(o)
	switch {
	case o.want.errno == abi.EINVAL:
		return ep == nil || o.a[0] <= 0
	case o.want.failed():
		return o.want.errno != abi.EINTR
	case ep == nil:
		return false
	}
	got := x.foresee(ep, int(o.a[0]))
	return sameEvents(got, &o.want)
}

func sameEvents(got []abi.EpollEvent, want *outcome) bool {
	if len(got) != int(want.ret) || want.ret < 0 {
		return false
	}
	for i, e := range want.events {
		if i >= len(got) || got[i] != e {
			return false
		}
	}
	return want.cut || len(want.events) == len(got)
}

// epoll gives the instance that o waits at, nil if its fd is none.
func (x *exec) epoll(o *op) *eventpoll.Eventpoll {
	f := x.file(o, o.fd)
	if f == nil {
		return nil
	}
	return eventpoll.Of(f)
}

// foresee gives the events that a wait would deliver now, without touching anything. Models what ep_send_events does.
func (x *exec) foresee(ep *eventpoll.Eventpoll, maxevents int) []abi.EpollEvent {
	list := x.events[:0]
	ep.EachReady(func(f *vfs.File, _ int, e abi.EpollEvent) bool {
		if len(list) >= maxevents {
			return false
		}
		if bits := x.peek(f) & e.Events; bits != 0 {
			list = append(list, abi.EpollEvent{Events: bits, Data: e.Data})
		}
		return true
	})
	x.events = list
	return list
}

// peek asks a file for its state without being seen.
func (x *exec) peek(f *vfs.File) abi.Events {
	if f == nil || f.Count() == 0 {
		return 0
	}
	if ep := eventpoll.Of(f); ep != nil {
		var bits abi.Events
		ep.EachReady(func(f *vfs.File, _ int, e abi.EpollEvent) bool {
			if x.peek(f)&e.Events != 0 {
				bits = abi.EPOLLIN | abi.EPOLLRDNORM
			}
			return bits == 0
		})
		return bits
	}
	if sf := devices.SignalfdOf(f); sf != nil {
		return x.peekSignals(f, sf)
	}
	x.mute++
	bits := f.Poll(nil)
	x.mute--
	return bits
}

// unknownItem reports whether the log shows that an epoll from before it has an item of which nothing is known.
func (x *exec) unknownItem(o *op) bool {
	ep, f := x.epoll(o), x.file(o, o.fd2)
	if ep == nil || f == nil || !x.inherited(x.file(o, o.fd)) || watches(ep, f, o.fd2) {
		return false
	}
	if o.a[0] == abi.EPOLL_CTL_ADD {
		return o.want.errno == abi.EEXIST
	}
	return !o.want.failed()
}

// helpCtl puts it there.
func helpCtl(x *exec, o *op) bool {
	return x.unknownItem(o) && x.addItem(o, x.epoll(o), o.fd2, abi.EpollEvent{Data: uint64(o.fd2)})
}

// watches reports whether ep has an item of f and fd.
func watches(ep *eventpoll.Eventpoll, f *vfs.File, fd int) bool {
	_, _, ok := ep.Item(f, fd)
	return ok
}
