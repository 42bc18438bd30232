package replay

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/eventpoll"
	"github.com/epollsim/epollsim/vfs"
	"slices"
)

// Readiness that the log reports and only the world can have brought about.

func helpWait(x *exec, o *op) bool {
	ep := x.epoll(o)
	if ep == nil || o.want.failed() {
		return false
	}
	for _, e := range o.want.events {
		found, changed := x.helpItem(o, ep, e)
		if changed {
			return true
		}
		if !found && x.foreignFiles[x.file(o, o.fd)] && x.addUnknown(o, ep, e) {
			return true
		}
	}
	return x.calm(ep, o) || x.arrange(o, ep)
}

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
		ready = append(ready, place{f, fd, externalOf(f) != nil, at})
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

func (x *exec) helpItem(o *op, ep *eventpoll.Eventpoll, e abi.EpollEvent) (found, changed bool) {
	var file *vfs.File
	var mask abi.Events
	listed := false
	ep.EachItem(func(f *vfs.File, _ int, item abi.EpollEvent) bool {
		if item.Data != e.Data {
			return true
		}
		found = true
		if x.peek(f)&item.Events != e.Events {
			file, mask = f, item.Events
			return false
		}
		file, mask = f, item.Events
		return true
	})
	if !found {
		return false, false
	}
	ep.EachReady(func(f *vfs.File, _ int, item abi.EpollEvent) bool {
		if f == file && item.Data == e.Data {
			listed = true
		}
		return !listed
	})
	bits := x.peek(file) & mask
	if bits == e.Events && listed {
		return true, false
	}
	return true, x.makeReady(o, file, e.Events, mask)
}

func (x *exec) makeReady(o *op, f *vfs.File, bits, mask abi.Events) bool {
	if e := externalOf(f); e != nil && f.CanPoll() {
		const known = abi.EPOLLIN | abi.EPOLLOUT | abi.EPOLLPRI | abi.EPOLLERR | abi.EPOLLHUP | abi.EPOLLRDHUP |
			abi.EPOLLRDNORM | abi.EPOLLWRNORM | abi.EPOLLRDBAND | abi.EPOLLWRBAND | abi.EPOLLMSG
		e.become(normal(bits&known), normal(mask&known))
		x.inferred("%s became ready for %s", f.Name, bits)
		return true
	}
	if ep := eventpoll.Of(f); ep != nil {
		return x.makeNested(o, ep)
	}
	if tf := devices.TimerfdOf(f); tf != nil && bits&abi.EPOLLIN != 0 && x.peek(f)&abi.EPOLLIN == 0 {
		return x.expire(tf.Timer())
	}
	return x.worldReady(o, f, bits)
}

func (x *exec) makeNested(o *op, ep *eventpoll.Eventpoll) bool {
	changed := false
	ep.EachItem(func(f *vfs.File, _ int, item abi.EpollEvent) bool {
		if x.peek(f)&item.Events == 0 && item.Events&abi.EPOLLIN != 0 {
			changed = x.makeReady(o, f, abi.EPOLLIN, item.Events)
		}
		return !changed
	})
	return changed
}

func (x *exec) calm(ep *eventpoll.Eventpoll, o *op) bool {
	changed := false
	ep.EachReady(func(f *vfs.File, _ int, item abi.EpollEvent) bool {
		e := externalOf(f)
		bits := x.peek(f) & item.Events
		if e == nil || bits == 0 {
			return true
		}
		for _, want := range o.want.events {
			if want.Data == item.Data {
				return true
			}
		}
		if int(o.want.ret) >= int(o.a[0]) {
			return true // there may have been no room for it
		}
		e.bits &^= bits
		changed = true
		return true
	})
	return changed
}

func helpPoll(x *exec, o *op) bool {
	if o.want.failed() {
		return false
	}
	changed := false
	for _, p := range o.polls {
		f := x.file(o, int(p.Fd))
		if f == nil {
			continue
		}
		mask := abi.Events(uint16(p.Events)) | abi.EPOLLERR | abi.EPOLLHUP
		var want abi.Events
		for _, w := range o.want.polls {
			if w.Fd == p.Fd {
				want = abi.Events(uint16(w.Revents))
			}
		}
		if bits := x.peek(f) & mask; bits != want {
			if e := externalOf(f); e != nil {
				changed = x.setExternal(f, e, want, mask) || changed
			} else if want != 0 {
				changed = x.makeReady(o, f, want, mask) || changed
			}
		}
	}
	return changed
}

func helpSelect(x *exec, o *op) bool {
	changed := false
	give := [3]abi.Events{abi.EPOLLIN, abi.EPOLLOUT, abi.EPOLLPRI}
	for i, s := range o.sets {
		for _, fd := range s.Fds() {
			f := x.file(o, fd)
			hit := x.peek(f)&selectBits[i] != 0
			if f == nil || hit == o.want.sets[i].Has(fd) {
				continue
			}
			if e := externalOf(f); e != nil && hit {
				e.bits &^= selectBits[i]
				changed = true
			} else if !hit {
				changed = x.makeReady(o, f, give[i], selectBits[i]) || changed
			}
		}
	}
	return changed
}
