package replay

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/eventpoll"
	"github.com/epollsim/epollsim/vfs"
)

// Whether a call would come to what the log says now: what can be seen from outside, without making it.

// otherFile reports whether the number of o stands for nothing, or for something at last, where the log shows that it did not: another
// call opens or closes it.
func (x *exec) otherFile(o *op) bool {
	f := x.file(o, o.fd)
	if f == nil {
		return o.want.errno != abi.EBADF
	}
	return o.want.errno == abi.EBADF && f.Readable() && f.Writable()
}

// readyCtl needs the epoll, the file and the item that the log shows, or shows missing.
func readyCtl(x *exec, o *op) bool {
	if x.unknownItem(o) {
		return false
	}
	ep, f := x.epoll(o), x.file(o, o.fd2)
	here := x.file(o, o.fd) != nil && f != nil
	switch errno := o.want.errno; {
	case errno == abi.EBADF || !here:
		return errno == abi.EBADF && !here
	case ep == nil || errno == abi.EINVAL:
		return errno == abi.EINVAL && (ep == nil || x.file(o, o.fd) == f || eventpoll.Of(f) != nil || oddCtl(o, ep, f))
	case errno == abi.EEXIST || errno == 0 && o.a[0] != abi.EPOLL_CTL_ADD:
		return watches(ep, f, o.fd2)
	case errno == abi.ENOENT || errno == 0:
		return !watches(ep, f, o.fd2)
	}
	return true
}

// oddCtl reports whether an epoll_ctl is refused for what it asks: EPOLLEXCLUSIVE, or something that does not exist.
func oddCtl(o *op, ep *eventpoll.Eventpoll, f *vfs.File) bool {
	item, _, _ := ep.Item(f, o.fd2)
	return o.a[0] < abi.EPOLL_CTL_ADD || o.a[0] > abi.EPOLL_CTL_MOD || o.event != nil && (o.event.Events|item.Events)&abi.EPOLLEXCLUSIVE != 0
}

// readyRead is for all that take data.
func readyRead(x *exec, o *op) bool {
	f := x.file(o, o.fd)
	switch {
	case f == nil:
		return o.want.errno == abi.EBADF
	case o.urgent() && devices.TcpOf(f) != nil:
		return x.peek(f)&abi.EPOLLPRI != 0 == (o.want.ret > 0)
	case o.want.errno == abi.EAGAIN:
		return x.peek(f)&(abi.EPOLLIN|abi.EPOLLHUP) == 0
	case o.want.failed() || o.a[0] == 0:
		return true
	}
	bits := x.peek(f)
	if o.want.ret == 0 {
		n, ok := x.available(f)
		// The end, or a datagram with nothing in it.
		return bits&(abi.EPOLLHUP|abi.EPOLLRDHUP|abi.EPOLLIN) != 0 && (!ok || n == 0)
	}
	if bits&abi.EPOLLIN == 0 {
		return false
	}
	n, ok := x.available(f)
	if !ok {
		return true
	}
	if n < o.want.ret {
		return false
	}
	return n == o.want.ret || o.want.ret >= o.a[0] || !exactReads(f)
}

// available is how many bytes can be read, if the file says so.
func (x *exec) available(f *vfs.File) (int64, bool) {
	x.mute++
	defer func() { x.mute-- }()
	switch f.Ops.(type) {
	case *devices.Timerfd, *devices.Signalfd:
		return 0, false
	}
	if p := devices.PipeOf(f); p != nil { // a splice may hold its lock for long
		return int64(p.UnreadBytes()), true
	}
	i, ok := f.Ops.(vfs.Ioctler)
	if !ok {
		return 0, false
	}
	n, errno := i.Ioctl(f, abi.FIONREAD, 0)
	if t := devices.TcpOf(f); t != nil && errno == 0 {
		n = t.Ahead()
	}
	return n, errno == 0
}

// readyWrite is for all that give data.
func readyWrite(x *exec, o *op) bool {
	f := x.file(o, o.fd)
	if f == nil {
		return o.want.errno == abi.EBADF
	}
	bits := x.peek(f)
	switch o.want.errno {
	case abi.EPIPE, abi.ECONNRESET:
		return bits&(abi.EPOLLERR|abi.EPOLLHUP) != 0
	case abi.EAGAIN:
		return !exactReads(f) || bits&abi.EPOLLOUT == 0
	case 0:
		return !exactReads(f) || bits&abi.EPOLLERR == 0
	}
	return true
}

// exactReads reports whether f is a pipe, which gives all it has and takes all it can.
func exactReads(f *vfs.File) bool { return devices.PipeOf(f) != nil }

// readyAccept needs a connection, and the number.
func readyAccept(x *exec, o *op) bool {
	f := x.file(o, o.fd)
	switch {
	case f == nil:
		return o.want.errno == abi.EBADF
	case o.want.errno == abi.EAGAIN:
		return x.peek(f)&abi.EPOLLIN == 0
	case o.want.errno == abi.EMFILE:
		return readyAlloc(x, o)
	case o.want.failed():
		return true
	}
	return x.peek(f)&abi.EPOLLIN != 0 && readyAlloc(x, o) && x.rightPeer(o, f)
}

// readyAlloc needs the number of the log to be the next free one. An accept that sleeps has taken its own.
func readyAlloc(x *exec, o *op) bool {
	th := x.thread(o)
	if th.begun && th.cur == o && o.row.waits {
		return true
	}
	files := th.k.Files()
	free := files.NextFree(o.lowest())
	switch {
	case o.want.errno == abi.EMFILE:
		return free >= files.Limit
	case o.want.failed():
		return true
	}
	return int64(free) == o.want.ret && free < files.Limit
}

// lowest is from where on a number is looked for.
func (o *op) lowest() int {
	if o.row.name == "fcntl" {
		return int(o.a[1])
	}
	return 0
}

// readyNumbers is readyAlloc for two.
func readyNumbers(x *exec, o *op) bool {
	if o.want.failed() || o.want.fds == nil {
		return true
	}
	return len(o.want.fds) == 2 && x.nextNumbers(o, o.want.fds) < 0
}

// nextNumbers gives the index of the first of several new numbers that would be another one now, -1 for none.
func (x *exec) nextNumbers(o *op, fds []int) int {
	files := x.thread(o).k.Files()
	start := 0
	for i, fd := range fds {
		free := files.NextFree(start)
		if fd >= 0 && free != fd { // the log may not show the last ones of many
			return i
		}
		start = free + 1
	}
	return -1
}

func (x *exec) selectHits(o *op) bool {
	for i, s := range o.sets {
		for _, fd := range s.Fds() {
			if x.peek(x.file(o, fd))&selectBits[i] != 0 {
				return true
			}
		}
	}
	return false
}
