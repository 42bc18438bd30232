package replay

import (
	"slices"

	"github.com/epollsim/epollsim/abi"
)

// Patterns in what is refused, and in what is asked for.

// refused looks at an epoll_ctl that has failed.
func (d *doctor) refused(o *op) {
	add := o.a[0] == abi.EPOLL_CTL_ADD
	exclusive := o.event != nil && o.event.Events&abi.EPOLLEXCLUSIVE != 0 || d.exclusive(o)
	switch errno := o.want.errno; {
	case errno == abi.EPERM && add:
		d.found("no poll", "files on disk, directories and /dev/null cannot be watched: they are always ready, so read and write them without",
			o.end.Line)
	case errno == abi.EEXIST || errno == abi.ENOENT && !(o.a[0] == abi.EPOLL_CTL_DEL && !d.was[d.number(o, o.fd2)][d.set(o)]):
		d.astray = append(d.astray, o) // it may know what to do
	case errno == abi.EBADF:
		d.outOfStep(o.end.Line)
	case errno == abi.EINVAL && exclusive:
		d.found("EPOLLEXCLUSIVE refused", "it cannot be modified, nor be combined with EPOLLONESHOT and EPOLLRDHUP, nor be used for an epoll: take the "+
			"item out and add it anew", o.end.Line)
	case errno == abi.ELOOP && add:
		d.found("epolls too deep", "epolls that watch each other in a circle, or more than four levels deep, are refused", o.end.Line)
	}
}

func (d *doctor) outOfStep(line int) {
	d.found("set out of step", "the program's idea of the epoll set is not the kernel's: a close took the item out, somebody else changed "+
		"it, or the number is another file's by now", line)
}

// steps looks at what a task does behind an epoll_ctl that was refused: EEXIST and a modification, ENOENT and an addition, or a number that is taken
// out before it is closed, whether it is in or not, are what event loops do on purpose.
func (d *doctor) steps(o *op) {
	for i, r := range d.astray {
		if r.task != o.task {
			continue
		}
		mends := o.row.name == "epoll_ctl" && !o.want.failed() && o.fd == r.fd && o.fd2 == r.fd2 && r.a[0] != abi.EPOLL_CTL_DEL && o.a[0] != abi.EPOLL_CTL_DEL
		if closes := o.row.name == "close" && o.fd == r.fd2; !mends && !closes {
			d.outOfStep(r.end.Line)
		}
		d.astray = slices.Delete(d.astray, i, i+1)
		return
	}
}

// exclusive reports whether what o is about was added with EPOLLEXCLUSIVE.
func (d *doctor) exclusive(o *op) bool {
	w := d.watchOf(o)
	return w != nil && w.events&abi.EPOLLEXCLUSIVE != 0
}

// watchOf gives what an epoll_ctl changes, nil if it is not known.
func (d *doctor) watchOf(o *op) *watch {
	epfd := d.set(o)
	for _, w := range d.byFd[d.number(o, o.fd2)] {
		if w.epfd == epfd && w.closed == 0 {
			return w
		}
	}
	return nil
}

// modified looks at an EPOLL_CTL_MOD that worked.
func (d *doctor) modified(o *op) {
	w := d.watchOf(o)
	if w != nil && o.event != nil && w.events&abi.EPOLLET != 0 && o.event.Events&abi.EPOLLET == 0 && o.event.Events&abi.EPOLLONESHOT == 0 {
		d.found("EPOLLET lost", "EPOLL_CTL_MOD replaces all that was asked for: without EPOLLET the item is level-triggered from now on", o.end.Line)
	}
}

// unconnected looks for sockets that were added before they were connected.
func (d *doctor) unconnected(o *op, e abi.EpollEvent) {
	w := d.watched[itemKey{d.set(o), e.Data}]
	if e.Events == abi.EPOLLOUT|abi.EPOLLHUP && (w == nil || !d.tried[w.fd]) {
		d.found("socket not connected", "EPOLLOUT with EPOLLHUP alone is what a socket reports that was never connected: it does not say that a connect "+
			"has worked", o.end.Line)
	}
}

// under notes who waits at which epoll, and looks for those that are closed meanwhile: that wakes nobody.
func (d *doctor) under(e *logEvent) {
	o := e.op
	switch {
	case o.row.isEpollWait() && e.kind == eventEnter:
		epfd := d.set(o)
		if d.inside[epfd] == nil {
			d.inside[epfd] = map[int]bool{}
		}
		d.inside[epfd][o.task] = true
	case o.row.isEpollWait():
		delete(d.inside[d.set(o)], o.task)
	case o.row.name == "close" && e.kind != eventEnter && !o.want.failed() && len(d.inside[d.set(o)]) > 0:
		d.found("epoll closed under a waiter", "close of an epoll does not end the epoll_wait of another thread: it goes on with what it watches until an "+
			"event comes", o.end.Line)
	}
}
