package replay

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/vfs"
)

// A listener with TCP_DEFER_ACCEPT tells nothing of a client that has not sent anything.

// defers reports whether f is such a listener.
func defers(f *vfs.File) bool {
	if devices.TcpOf(f) == nil {
		return false
	}
	n, errno := devices.SocketOf(f).Getsockopt(f, abi.IPPROTO_TCP, abi.TCP_DEFER_ACCEPT)
	return errno == 0 && n > 0
}

// speaksFirst lets a client of the pilot's that has just connected with fd to such a listener send what the log reads from it
// first, or end, if that is what the log finds.
func (x *exec) speaksFirst(listener *vfs.File, fd int) {
	n := x.readOfNext(listener, len(x.queued[listener.ID()]))
	if n == 0 {
		_ = x.pilot.Shutdown(fd, abi.SHUT_WR)
		return
	}
	_, _ = x.pilot.Sendto(fd, make([]byte, min(n, maxBuffer)), abi.MSG_NOSIGNAL|abi.MSG_DONTWAIT, nil)
}

// readOfNext is how much the log reads first of a connection that it accepts from a listener, of which skip wait already: 1 if it
// reads nothing of it. Who reads may be a task of which nothing is known yet.
func (x *exec) readOfNext(listener *vfs.File, skip int) int64 {
	var accept *op
	var in inflow
	seen := false
	x.log.next(x.at-1, func(o *op) lookahead {
		switch {
		case accept == nil:
			if o.row.isAccept() && !o.want.failed() && x.file(o, o.fd) == listener {
				if skip--; skip < 0 {
					accept = o
				}
			}
		case x.known(o) != nil && !x.sharesFiles(accept, o):
		case seen && o.row.parseIsWait(), numbers(o) && o.want.ret == accept.want.ret:
			return lookNo
		case o.fd == int(accept.want.ret) && o.row.looks && !o.row.parseIsWait():
			if o.want.failed() {
				return lookNo
			}
			seen = true
			if in.add(o, o.want.ret); o.want.ret == 0 {
				return lookNo
			}
		}
		return lookOn
	})
	if !seen {
		return 1
	}
	return in.most
}
