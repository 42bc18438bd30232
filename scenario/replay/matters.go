package replay

import (
	"slices"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

// Whether another order could help. Most results do not depend on what other threads do, and for those that do, only calls
// on the same things count.

// matters reports whether the log's result of the failed call could come in another order.
func (x *exec) matters(o *op) bool {
	w := &o.want
	switch {
	case x.replaced(o):
		return true
	case w.failed():
		return dependent(w.errno)
	case o.row.isEpollWait():
		return x.possibleEvents(o)
	case o.row.parseIsWait():
		return w.ret >= 0
	case numbers(o) && x.ownNumbers(o):
		return false
	case o.row.allocates, o.row.name == "fcntl" && duplicates(o), len(w.fds) > 0:
		return true
	case o.row.looks || o.row.waits:
		return w.ret <= max(o.a[0], 0) || o.row.name == "wait4" || o.row.name == "waitid"
	}
	return w.ret == 0
}

// replaced reports whether a call that was under way at the same time took the number of o, or let it go: then it may have stood for
// another file.
func (x *exec) replaced(o *op) bool {
	for i := x.at; i >= max(x.log.first, o.moment-closeBy); i-- {
		if e := x.log.at(i); e.kind != eventExit && e.op != nil && e.op.row != nil && o.begin.Seq < e.op.end.Seq && x.renumbers(e.op, o) {
			return true
		}
	}
	return false
}

// renumbers reports whether d gives out or takes back a number that o works on.
func (x *exec) renumbers(d, o *op) bool {
	if d.task == o.task || !numbers(d) || o.fd < 0 {
		return false
	}
	is := func(fd int) bool {
		return fd == d.fd || fd == d.fd2 || int64(fd) == d.want.ret || slices.Contains(d.want.fds, fd)
	}
	return (is(o.fd) || o.fd2 >= 0 && is(o.fd2)) && x.sharesFiles(d, o)
}

// ownNumbers reports whether the model gave o a number too, and of a table that nobody else takes any of.
func (x *exec) ownNumbers(o *op) bool {
	th := x.thread(o)
	return th != nil && th.k != nil && th.finished && !th.got.failed() && len(x.newcomers) == 0 && !x.table(th.k.Files()).shared
}

// dependent reports whether an error tells of a state that other threads change.
func dependent(errno abi.Errno) bool {
	switch errno {
	case abi.EAGAIN, abi.EPIPE, abi.ECONNRESET, abi.ECONNREFUSED, abi.ECONNABORTED, abi.ENOTCONN, abi.EISCONN, abi.EINPROGRESS,
		abi.EALREADY, abi.ENOENT, abi.EEXIST, abi.EBADF, abi.ECHILD, abi.ESRCH, abi.EADDRINUSE, abi.EMFILE, abi.ELOOP, abi.EINTR,
		abi.ENOSPC, abi.EBUSY:
		return true
	}
	return errno >= abi.ERESTARTSYS
}

// possibleEvents reports whether the events could come at all: as many as the result says, of things that were asked for.
func (x *exec) possibleEvents(o *op) bool {
	w := &o.want
	if !w.cut && int64(len(w.events)) != w.ret || w.ret > o.a[0] {
		return false
	}
	asked := x.asked(o)
	for _, e := range w.events {
		bits, ok := asked[e.Data]
		if ok && e.Events&^(bits|abi.EPOLLERR|abi.EPOLLHUP) != 0 && !x.inherited(x.file(o, o.fd)) {
			return false
		}
	}
	return true
}

// asked gives what was ever registered with an epoll: as far as that is in the window or lives on.
func (x *exec) asked(o *op) map[uint64]abi.Events {
	asked := map[uint64]abi.Events{}
	for i := range x.log.list {
		if o := x.log.list[i].op; o != nil && o.row != nil && o.row.name == "epoll_ctl" && o.event != nil {
			asked[o.event.Data] |= o.event.Events
		}
	}
	if ep := x.epoll(o); ep != nil {
		ep.EachItem(func(_ *vfs.File, _ int, item abi.EpollEvent) bool {
			asked[item.Data] |= item.Events
			return true
		})
	}
	return asked
}

// related reports whether d can have to do with the result of the failed call: they share a file, an end of one, an epoll
// set, or the table whose numbers they take.
func (x *exec) related(d, failed *op) bool {
	switch {
	case d == failed || d.row.ends || d.row.clones() || x.renumbers(d, failed):
		return true
	case d.row.name == "rt_sigprocmask" || d.row.name == "rt_sigaction":
		return false
	case numbers(failed) || failed.want.errno == abi.EBADF || numbers(d) && failed.fd < 0:
		return numbers(d) && x.sharesFiles(d, failed) || x.sameThings(d, failed)
	}
	return x.sameThings(d, failed)
}

// numbers reports whether o gives out or takes back numbers.
func numbers(o *op) bool {
	return o.row.allocates || len(o.want.fds) > 0 || o.row.name == "close" || o.row.name == "fcntl" && duplicates(o) ||
		o.row.name == "dup2" || o.row.name == "dup3" || o.row.name == "signalfd4"
}

// sameThings reports whether two calls touched the same things. A wait touches all that it could report.
func (x *exec) sameThings(a, b *op) bool {
	for _, o := range [2]*op{a, b} {
		if o.row.parseIsWait() || o.row.name == "connect" || o.row.isAccept() {
			return true
		}
	}
	if share(x.touched(a), x.touched(b)) {
		return true
	}
	return len(x.touched(a)) == 0 || len(x.touched(b)) == 0
}

// nearestFirst puts calls in order, of which the last one is the first: those on what the failed one was to report; then, by turns, the
// last ones and those that are closest to it by what they are about.
func (x *exec) nearestFirst(calls []*op) []*op {
	distance := x.distances(calls)
	last, about := slices.Clone(calls), calls
	slices.SortStableFunc(last, func(a, b *op) int { return min(distance[a], 1) - min(distance[b], 1) })
	slices.SortStableFunc(about, func(a, b *op) int { return distance[a] - distance[b] })
	list, seen := make([]*op, 0, len(calls)), map[*op]bool{}
	for i := range about {
		for _, o := range [2]*op{last[i], about[i]} {
			if !seen[o] {
				seen[o] = true
				list = append(list, o)
			}
		}
	}
	return list
}

// distances tell how far calls are from the failed one: 0 for those on what it was to report, 1 for those on what it was about,
// 2 for those on what these were about besides, 3 for others. One that never came back may have been made.
func (x *exec) distances(calls []*op) map[*op]int {
	far := make(map[*op]int, len(calls))
	about, beside := x.touched(x.failed), []sim.ID{}
	for _, o := range calls {
		switch {
		case x.concerns(o, x.mismatch):
			far[o] = 0
		case o.never, x.concerns(o, about), x.renumbers(o, x.failed), numbers(x.failed) && numbers(o) && x.failed.begin.Seq < o.end.Seq:
			far[o] = 1
		default:
			far[o] = 3
			continue
		}
		beside = append(beside, x.touched(o)...)
	}
	for _, o := range calls {
		if far[o] == 3 && x.concerns(o, beside) {
			far[o] = 2
		}
	}
	return far
}
