package replay

import (
	"slices"

	"github.com/epollsim/epollsim/abi"
)

// What is watched, and the numbers that watches were made of.

// The numbers of two processes are not the same: a number stands here with its table, as far as the log shows who shares one.
type itemKey struct {
	epfd int
	data uint64
}

// watch is what was asked for.
type watch struct {
	itemKey
	fd     int
	events abi.Events
	task   int  // that asked: without clones in the log, a close by another one may be of another table
	closed int  // line of the close of the number it was added as
	full   int  // line of the last read that took all it asked for
	listed bool // in doctor.full
	shadow bool // one like it was closed before it, and may be there still
	told   int  // line of an event that nobody has answered yet
	since  int  // how many waits had run out then
}

// watch notes that a number is watched.
func (d *doctor) watch(w *watch) {
	if old := d.watched[w.itemKey]; old != nil {
		w.shadow = old.fd == w.fd && (old.shadow || old.closed != 0)
		d.drop(old)
	}
	d.watched[w.itemKey] = w
	d.byFd[w.fd] = append(d.byFd[w.fd], w)
}

func (d *doctor) drop(w *watch) {
	if d.watched[w.itemKey] == w {
		delete(d.watched, w.itemKey)
	}
	list := slices.DeleteFunc(d.byFd[w.fd], func(other *watch) bool { return other == w })
	if d.byFd[w.fd] = list; len(list) == 0 {
		delete(d.byFd, w.fd)
	}
	w.full = 0
}

// forget is for an item that is taken out, or asked for anew.
func (d *doctor) forget(epfd, fd int) {
	for _, w := range slices.Clone(d.byFd[fd]) {
		if w.epfd == epfd && w.closed == 0 {
			d.drop(w)
		}
	}
}

// closed notes which watches have lost their number.
func (d *doctor) closed(o *op) {
	lost, fd := 0, d.number(o, o.fd)
	for _, w := range slices.Backward(slices.Clone(d.byFd[fd])) {
		if w.closed == 0 && w.epfd != fd && w.task == o.task {
			w.closed = o.end.Line
		}
		if w.closed != 0 {
			if lost++; lost > ghosts {
				d.drop(w)
			}
		}
	}
}

func (d *doctor) ctl(o *op) {
	if o.want.failed() {
		d.refused(o)
		return
	}
	if o.a[0] == abi.EPOLL_CTL_MOD {
		d.modified(o)
	}
	switch o.a[0] {
	case abi.EPOLL_CTL_ADD, abi.EPOLL_CTL_MOD:
		if o.event != nil {
			epfd, fd := d.set(o), d.number(o, o.fd2)
			d.forget(epfd, fd)
			if d.was[fd] == nil {
				d.was[fd] = map[int]bool{}
			}
			d.was[fd][epfd] = true
			d.watch(&watch{itemKey: itemKey{epfd, o.event.Data}, fd: fd, events: o.event.Events, task: o.task})
		}
	case abi.EPOLL_CTL_DEL:
		d.forget(d.set(o), d.number(o, o.fd2))
	}
}

// touch notes that a program did something with a number.
func (d *doctor) touch(o *op) {
	for _, w := range d.byFd[d.number(o, o.fd)] {
		w.answered()
		for _, s := range d.waits[w.epfd] {
			if _, ok := s.idle[w.data]; ok && !o.foundNothing() {
				s.idle[w.data] = 0
			}
		}
		if !o.row.looks || !o.row.waits || w.closed != 0 {
			continue
		}
		took := o.want.ret > 0 && o.want.ret == o.a[0] || o.row.isAccept() && !o.want.failed() // there may be more
		if w.full = 0; took && w.events&abi.EPOLLET != 0 {
			w.full = o.end.Line
			if !w.listed {
				w.listed, d.full[w.epfd] = true, append(d.full[w.epfd], w)
			}
		}
	}
}

// foundNothing reports whether o is a read that has come to the end of a file, or to nothing: who gets no further than that will be told again.
func (o *op) foundNothing() bool {
	if !o.row.looks || !o.row.waits || o.row.parseIsWait() || o.row.isAccept() {
		return false
	}
	end := o.want.ret == 0 && !o.want.failed() && o.a[0] > 0 && !anyInet(o.addr) // not an empty datagram
	return end || o.want.errno == abi.EAGAIN
}
