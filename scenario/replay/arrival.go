package replay

import (
	"slices"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/eventpoll"
	"github.com/epollsim/epollsim/vfs"
)

// What comes from outside of the log comes at the last moment, yet the log may show it in front of what happened inside: then
// it came earlier.

// arrive notes that something outside made f ready.
func (x *exec) arrive(f *vfs.File) { x.arrivals[f.ID()] = f }

// delivered forgets the arrivals that a wait has told of.
func (x *exec) delivered(ep *eventpoll.Eventpoll, events []abi.EpollEvent) {
	if len(x.arrivals) == 0 || ep == nil {
		return
	}
	for _, e := range events {
		if f, _ := x.itemOf(ep, e.Data); f != nil {
			delete(x.arrivals, f.ID())
		}
	}
}

// arrange puts items that are ready in the order of the log, if that is only a matter of when something outside happened.
func (x *exec) arrange(o *op, ep *eventpoll.Eventpoll) bool {
	got := slices.Clone(x.foresee(ep, int(o.a[0])))
	if len(got) != len(o.want.events) || slices.Equal(got, o.want.events) {
		return false
	}
	type place struct {
		f    *vfs.File
		fd   int
		free bool
		at   int
	}
	var ready []place
	ep.EachReady(func(f *vfs.File, fd int, item abi.EpollEvent) bool {
		bits := x.peek(f) & item.Events
		if bits == 0 {
			return true
		}
		at := slices.Index(o.want.events, abi.EpollEvent{Events: bits, Data: item.Data})
		if at < 0 {
			at = len(o.want.events)
		}
		ready = append(ready, place{f, fd, externalOf(f) != nil || x.arrivals[f.ID()] != nil, at})
		return true
	})
	last := -1
	for _, p := range ready {
		if !p.free && p.at < last {
			return false // not the world's to decide
		}
		if !p.free {
			last = p.at
		}
	}
	slices.SortStableFunc(ready, func(a, b place) int { return a.at - b.at })
	for _, p := range ready {
		ep.Requeue(p.f, p.fd)
	}
	return true
}
