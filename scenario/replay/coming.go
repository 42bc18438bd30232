package replay

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/vfs"
)

// What the log reads of a file, and asks of it, from now on.

// incoming is how much o's file gets at once: what the log reads until it waits again, or finds nothing more.
func (x *exec) incoming(o *op, n int64) int64 {
	f := x.file(o, o.fd)
	var in inflow
	if in.add(o, n); short(f, o) {
		return in.most
	}
	x.log.next(x.at, func(other *op) lookahead {
		switch {
		case other == o:
			return lookOn
		case (other.row.parseIsWait() || x.lets(other, f)) && x.sharesFiles(o, other):
			return lookNo
		case other.fd != o.fd || !x.worksOn(other, f, o) || !other.draws():
			return lookOn
		case other.want.failed() || other.want.ret <= 0 || len(other.want.fds) > 0:
			return lookNo
		}
		if in.add(other, other.want.ret); short(f, other) {
			return lookNo
		}
		return lookOn
	})
	return in.most
}

// short reports whether a read shows that no more was there: a unix stream gives all it has, a socket of packets one of them.
func short(f *vfs.File, o *op) bool {
	return devices.UnixOf(f) != nil && o.row.looks && !o.row.parseIsWait() && o.want.ret > 0 && (o.want.ret < o.a[0] || socketType(f) == abi.SOCK_SEQPACKET)
}

// draws reports whether o takes bytes of the stream from its file.
func (o *op) draws() bool {
	return o.row.name == "splice" || o.row.looks && !o.row.parseIsWait() && !o.urgent()
}

// urgent reports whether o takes the urgent byte of TCP, which no other read does.
func (o *op) urgent() bool {
	return o.row.isSocketCall() && o.row.looks && !o.row.parseIsWait() && !o.row.isAccept() && o.a[1]&abi.MSG_OOB != 0
}

// inflow is how much reads take together. One that peeks takes nothing.
type inflow struct{ taken, most int64 }

func (in *inflow) add(o *op, n int64) {
	in.most = max(in.most, in.taken+n)
	if !o.row.isSocketCall() || o.a[1]&abi.MSG_PEEK == 0 {
		in.taken += n
	}
}

// nextRead tells what the log reads from f next, all at once; -1 and EAGAIN if nothing.
func (x *exec) nextRead(o *op, f *vfs.File) (n int64, errno abi.Errno) {
	n, errno = -1, abi.EAGAIN
	x.log.next(x.at, func(other *op) lookahead {
		if other == o || !x.worksOn(other, f, o) {
			return lookOn
		}
		switch {
		case x.lets(other, f):
			return lookNo
		case !other.draws():
			return lookOn
		case other.want.failed():
			errno = other.want.errno
			return lookNo
		}
		n, errno = other.want.ret, 0
		return lookYes
	})
	if n > 0 {
		var in inflow
		seen := false
		x.log.next(x.at, func(other *op) lookahead {
			switch {
			case other == o:
				return lookOn
			case seen && other.row.parseIsWait() && x.sharesFiles(o, other), x.lets(other, f) && x.sharesFiles(o, other):
				return lookNo
			case !x.worksOn(other, f, o) || !other.draws():
				return lookOn
			case other.want.failed() || other.want.ret <= 0 || seen && len(other.want.fds) > 0:
				return lookNo
			}
			seen = true
			if in.add(other, other.want.ret); short(f, other) {
				return lookNo
			}
			return lookOn
		})
		n = max(n, in.most)
	}
	return n, errno
}

// untilEnd is how much the log reads from f from now on, however often it waits between: of a stream whose end has been told, that is all
// there. It reports whether a read finds the end behind them.
func (x *exec) untilEnd(o *op, f *vfs.File) (n int64, end bool) {
	var in inflow
	x.log.next(x.at, func(other *op) lookahead {
		switch {
		case other == o:
			return lookOn
		case x.lets(other, f) && x.sharesFiles(o, other):
			return lookNo
		case x.worksOn(other, f, o) && other.want.errno == abi.ECONNRESET:
			return lookNo
		case !x.worksOn(other, f, o) || !other.draws() || other.want.errno == abi.EAGAIN:
			return lookOn
		case other.want.failed() || other.want.ret <= 0 || in.most > 0 && len(other.want.fds) > 0:
			end = other.want.ret == 0
			return lookNo
		}
		if in.add(other, other.want.ret); short(f, other) {
			return lookNo
		}
		return lookOn
	})
	if there, ok := x.available(f); ok {
		return in.most - there, end
	}
	return in.most, end
}

// lets reports whether o takes f from its number: what comes later under that is of another file.
func (x *exec) lets(o *op, f *vfs.File) bool {
	switch o.row.name {
	case "close":
		return x.file(o, o.fd) == f
	case "dup2", "dup3":
		return x.file(o, o.fd2) == f
	}
	return false
}

// sharesFiles reports whether two calls work on the same table.
func (x *exec) sharesFiles(a, b *op) bool {
	ta, tb := x.known(a), x.known(b)
	return ta != nil && tb != nil && ta.k != nil && tb.k != nil && ta.k.Files() == tb.k.Files()
}

// known gives the thread that makes o, also one that has made nothing yet.
func (x *exec) known(o *op) *thread {
	if th := x.threads[o.task]; th != nil {
		return th
	}
	if th := x.byTid[o.tid]; th != nil && !th.claimed {
		return th
	}
	return nil
}

// worksOn reports whether other, which comes later, is about f, with a number of the table of o. Of a task that is not known yet it is
// supposed to be a thread of that process, if the log does not show where tasks come from.
func (x *exec) worksOn(other *op, f *vfs.File, o *op) bool {
	th := x.known(other)
	if th == nil && x.log.attached && !x.log.clones() {
		th = x.known(o)
	}
	return other.fd >= 0 && th != nil && th.k != nil && th.k.Files() == x.thread(o).k.Files() && th.k.Files().At(other.fd) == f
}

// firstRead tells what the log reads from f next.
func (x *exec) firstRead(o *op, f *vfs.File) (n int64, errno abi.Errno) {
	errno = abi.EAGAIN
	x.log.next(x.at, func(other *op) lookahead {
		if other == o || other.fd < 0 || !other.row.looks || !x.has(other, f) {
			return lookOn
		}
		n, errno = other.first().want.ret, other.want.errno
		if errno == abi.EAGAIN && f.Count() > 1 && devices.UdpOf(f) != nil {
			return lookOn // somebody else was faster
		}
		return lookYes
	})
	return n, errno
}
