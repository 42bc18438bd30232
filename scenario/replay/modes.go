package replay

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
)

// Whether a file is in non-blocking mode, where the log leaves out the calls that set it.

// modes reports whether the log has the calls that set and clear O_NONBLOCK. One that lacks other calls may have one kind of them alone.
func (log *Log) modes() bool {
	fcntl, ioctl := log.seen["fcntl"], log.seen["ioctl"]
	return fcntl && ioctl || !log.blind && (fcntl || ioctl)
}

// unblock puts the file of o in the mode of which the result in the log tells.
func (x *exec) unblock(o *op) {
	if x.log.modes() || !o.row.waits && !o.row.looks && o.row.name != "connect" || o.row.parseIsWait() || o.hastens() || o.row.isSocketCall() && o.a[1]&abi.MSG_DONTWAIT != 0 {
		return
	}
	f := x.file(o, o.fd)
	if f == nil || externalOf(f) != nil {
		return
	}
	on := f.NonBlocking()
	switch {
	case o.want.errno == abi.EINPROGRESS, o.want.errno == abi.EAGAIN:
		on = true
	case o.row.name == "connect" && !o.want.failed() && devices.TcpOf(f) != nil, o.want.interrupted():
		on = false
	}
	if on != f.NonBlocking() {
		f.SetNonBlocking(on)
		x.inferred("fd %d was put in non-blocking mode or out of it", o.fd)
	}
}
