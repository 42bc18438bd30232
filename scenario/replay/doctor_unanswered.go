package replay

import (
	"cmp"
	"slices"

	"github.com/epollsim/epollsim/abi"
)

// Events that nobody answers. An item with EPOLLONESHOT is mute until EPOLL_CTL_MOD arms it again, one with EPOLLET until something
// new comes. An answer may take long, and another thread may give it: only the end of the log tells that none has come.

// silences is what there is to know of them.
type silences struct {
	keeps  map[int]bool // numbers of files that are silent until they are read: not those of an eventfd, which is often left unread on purpose
	tried  map[int]bool // numbers of sockets that were to be connected
	ranOut map[int]int  // by epoll: waits that ran out
}

// made notes what kind of file a number is.
func (d *doctor) made(o *op) {
	if o.connects() {
		d.tried[d.number(o, o.fd)] = true
	}
	if o.want.failed() {
		return
	}
	switch o.row.name {
	case "epoll_create", "epoll_create1":
		d.epolls++
		d.sets[d.number(o, int(o.want.ret))] = -d.epolls
	case "dup", "dup2", "dup3", "fcntl":
		d.doubled(o)
	case "pipe2", "socketpair":
		for _, fd := range o.want.fds {
			d.keeps[d.number(o, fd)] = true
		}
	case "socket", "accept4":
		d.keeps[d.number(o, int(o.want.ret))] = true
	case "timerfd_settime": // a periodic one ticks once more when it is read
		every := o.spec.Interval
		d.keeps[d.number(o, o.fd)] = every.Sec != 0 || every.Nsec != 0
	case "close":
		delete(d.keeps, d.number(o, o.fd))
		delete(d.tried, d.number(o, o.fd))
		delete(d.sets, d.number(o, o.fd))
		delete(d.was, d.number(o, o.fd))
	}
}

// doubled notes what another number of a file stands for.
func (d *doctor) doubled(o *op) {
	if o.row.name == "fcntl" && !duplicates(o) {
		return
	}
	to := d.number(o, int(o.want.ret))
	if id, known := d.sets[d.number(o, o.fd)]; known {
		d.sets[to] = id
	} else {
		delete(d.sets, to)
	}
}

// tells notes that a wait has brought an event of w that asks for an answer.
func (d *doctor) tells(w *watch, e abi.EpollEvent, line int) {
	const over = abi.EPOLLHUP | abi.EPOLLERR | abi.EPOLLRDHUP
	once := w.events&abi.EPOLLONESHOT != 0
	edge := w.events&abi.EPOLLET != 0 && e.Events&abi.EPOLLIN != 0 && e.Events&over == 0 && d.keeps[w.fd]
	if w.closed == 0 && (once || edge) {
		w.told, w.since = line, d.ranOut[w.epfd]
	}
}

// answered notes that something was done with the number of w. That does not arm it again.
func (w *watch) answered() {
	if w.events&abi.EPOLLONESHOT == 0 {
		w.told = 0
	}
}

// unanswered gives notes of those that are left at the end of the log, while waits went on and found nothing.
func (d *doctor) unanswered() {
	var list []*watch
	for _, w := range d.watched {
		if w.told != 0 && w.closed == 0 && d.ranOut[w.epfd]-w.since >= spins {
			list = append(list, w)
		}
	}
	slices.SortFunc(list, func(a, b *watch) int {
		return cmp.Or(a.told-b.told, a.epfd-b.epfd, cmp.Compare(a.data, b.data))
	})
	for _, w := range list {
		if w.events&abi.EPOLLONESHOT != 0 {
			d.found("EPOLLONESHOT not rearmed", "after its event the item is mute, to EPOLLHUP too, until EPOLL_CTL_MOD arms it again: nobody has", w.told)
			continue
		}
		d.found("EPOLLET unanswered", "the edge was reported, and nobody has done anything with the descriptor since: the next one comes with something new, "+
			"from a periodic timerfd never", w.told)
	}
}
