package replay

import (
	"slices"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/eventpoll"
	"github.com/epollsim/epollsim/vfs"
)

// Readiness that the log reports and only the world can have brought about.

// helpWait makes the files of expected events ready as the log has it, those of which the world decides.
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
	return o.want.cut && (x.helpUnseen(o, ep) || x.addUnseen(o, ep)) || x.calm(ep, o) || x.crowdUnseen(o, ep) || x.arrange(o, ep)
}

// addUnseen adds an item, ready, to an epoll from before the log: there must have been one, and the log left out which.
func (x *exec) addUnseen(o *op, ep *eventpoll.Eventpoll) bool {
	if !x.foreignFiles[x.file(o, o.fd)] || len(x.foresee(ep, int(o.a[0]))) >= int(o.want.ret) {
		return false
	}
	fd := x.spareFd(o)
	return fd >= 0 && x.addItem(o, ep, fd, abi.EpollEvent{Events: abi.EPOLLIN, Data: uint64(fd)}) &&
		x.makeReady(o, x.file(o, fd), abi.EPOLLIN, abi.EPOLLIN)
}

// helpItem lets the item that e is of become ready.
func (x *exec) helpItem(o *op, ep *eventpoll.Eventpoll, e abi.EpollEvent) (found, changed bool) {
	file, mask, listed, found := x.only(ep, e.Data)
	if !found {
		file, mask, listed, found = x.lastItem(ep, e)
	}
	if !found {
		return false, false
	}
	if x.peek(file)&mask == e.Events && listed {
		return true, false
	}
	return true, x.makeReady(o, file, e.Events, mask)
}

// lastItem gives an item with the data of e that is not ready as e tells, or the last one.
func (x *exec) lastItem(ep *eventpoll.Eventpoll, e abi.EpollEvent) (file *vfs.File, mask abi.Events, listed, found bool) {
	ep.EachItem(func(f *vfs.File, fd int, item abi.EpollEvent) bool {
		if item.Data != e.Data {
			return true
		}
		file, mask, found = f, item.Events, true
		_, listed, _ = ep.Item(f, fd)
		return x.peek(f)&item.Events == e.Events
	})
	return file, mask, listed, found
}

// helpUnseen is for events that the log left out: they are of what its thread works on until it waits again, or takes off the set, or
// else of what another thread reads first.
func (x *exec) helpUnseen(o *op, ep *eventpoll.Eventpoll) bool {
	if len(x.foresee(ep, int(o.a[0]))) >= int(o.want.ret) {
		return false
	}
	own := x.log.next(x.at, func(other *op) lookahead {
		switch {
		case other == o || other.task != o.task:
			return lookOn
		case other.row.isEpollWait():
			return lookNo
		case other.row.name == "epoll_ctl" && other.a[0] != abi.EPOLL_CTL_ADD && x.epoll(other) == ep:
			return x.becomes(o, ep, x.file(other, other.fd2), abi.EPOLLIN)
		case other.row.waits && (other.row.looks || other.draws()):
			return x.becomes(o, ep, x.file(other, other.fd), abi.EPOLLIN)
		case other.row.waits:
			return x.becomes(o, ep, x.file(other, other.fd), abi.EPOLLOUT)
		}
		return lookOn
	})
	if own {
		return true
	}
	moments := 0
	return x.log.next(x.at, func(other *op) lookahead {
		switch moments++; {
		case moments > closeBy:
			return lookNo
		case other == o || !other.row.waits || !other.row.looks || other.row.parseIsWait() || other.want.failed():
			return lookOn
		case x.known(other) != nil && !x.sharesFiles(o, other):
			return lookOn
		}
		return x.becomes(o, ep, x.file(o, other.fd), abi.EPOLLIN)
	})
}

// fillIn is for events that the log left out, before the wait is made: of what it would report, that has arrived which its thread
// reads until it waits again. Else it would come later, and be told once more.
func (x *exec) fillIn(o *op) {
	ep := x.epoll(o)
	if !o.row.isEpollWait() || !o.want.cut || ep == nil {
		return
	}
	for _, e := range slices.Clone(x.foresee(ep, int(o.a[0]))) {
		f, _ := x.itemOf(ep, e.Data)
		if f == nil || e.Events&abi.EPOLLIN != 0 || x.maskOf(ep, f)&abi.EPOLLIN == 0 {
			continue
		}
		x.log.next(x.at, func(other *op) lookahead {
			switch {
			case other == o || other.task != o.task:
				return lookOn
			case other.row.isEpollWait(), other.row.name == "close" && x.file(o, other.fd) == f:
				return lookNo
			case other.row.looks && x.file(o, other.fd) == f && !other.want.failed():
				x.makeReady(o, f, abi.EPOLLIN, x.maskOf(ep, f))
				return lookYes
			}
			return lookOn
		})
	}
}

// becomes makes f, if ep watches it and reports nothing of it, ready for bits.
func (x *exec) becomes(o *op, ep *eventpoll.Eventpoll, f *vfs.File, bits abi.Events) lookahead {
	if f == nil {
		return lookOn
	}
	if mask := x.maskOf(ep, f); mask&bits != 0 && x.peek(f)&mask&bits == 0 && x.makeReady(o, f, bits, mask) {
		return lookYes
	}
	return lookOn
}

// maskOf is what ep watches f for.
func (x *exec) maskOf(ep *eventpoll.Eventpoll, f *vfs.File) (mask abi.Events) {
	ep.EachItem(func(g *vfs.File, _ int, item abi.EpollEvent) bool {
		if g == f {
			mask |= item.Events
		}
		return true
	})
	return mask
}

// makeReady lets the world make a file ready for bits, of those in mask.
func (x *exec) makeReady(o *op, f *vfs.File, bits, mask abi.Events) bool {
	changed := x.changeReady(o, f, bits, mask)
	if changed {
		x.arrive(f)
	}
	return changed
}

func (x *exec) changeReady(o *op, f *vfs.File, bits, mask abi.Events) bool {
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
	if sf := devices.SignalfdOf(f); sf != nil && bits&abi.EPOLLIN != 0 && x.peek(f)&abi.EPOLLIN == 0 {
		return x.sendsSignal(o, f, sf)
	}
	if tf := devices.TimerfdOf(f); tf != nil && bits&abi.EPOLLIN != 0 && x.peek(f)&abi.EPOLLIN == 0 {
		return x.expire(tf.Timer())
	}
	return x.worldReady(o, f, bits)
}

// makeNested lets something that an inner epoll watches become ready.
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

// calm takes readiness away from external files of which the log does not report it.
func (x *exec) calm(ep *eventpoll.Eventpoll, o *op) bool {
	changed := false
	ep.EachReady(func(f *vfs.File, _ int, item abi.EpollEvent) bool {
		e := externalOf(f)
		bits := x.peek(f) & item.Events
		if e == nil || bits == 0 || x.owes(e) {
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

// calmPolled takes readiness away from external files that an interrupted poll or select asks for.
func (x *exec) calmPolled(o *op) {
	for _, p := range o.polls {
		if e := externalOf(x.file(o, int(p.Fd))); e != nil && !x.owes(e) {
			e.bits &^= abi.Events(uint16(p.Events))
		}
	}
	for i, s := range o.sets {
		for _, fd := range s.Fds() {
			if e := externalOf(x.file(o, fd)); e != nil && !x.owes(e) {
				e.bits &^= selectBits[i]
			}
		}
	}
}

// helpPoll is helpWait for poll.
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
			if e := externalOf(f); e != nil && x.owes(e) {
				continue
			} else if e != nil {
				changed = x.setExternal(f, e, want, mask) || changed
			} else if x.crowd(f, bits&^want) {
				changed = true
			} else if want != 0 {
				changed = x.makeReady(o, f, want, mask) || changed
			}
		}
	}
	return changed
}

// helpSelect is helpWait for select.
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
			if e := externalOf(f); e != nil && hit && x.owes(e) {
				continue
			} else if e != nil && hit {
				e.bits &^= selectBits[i]
				changed = true
			} else if hit {
				changed = x.crowd(f, give[i]) || changed
			} else {
				changed = x.makeReady(o, f, give[i], selectBits[i]) || changed
			}
		}
	}
	return changed
}
