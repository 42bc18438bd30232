package replay

import (
	"encoding/binary"
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/vfs"
)

// What a single call needs from outside of the log, and time that passed.

func helpRead(x *exec, o *op) bool {
	f := x.file(o, o.fd)
	if f == nil || o.want.failed() {
		return false
	}
	if tf := devices.TimerfdOf(f); tf != nil {
		return x.expire(tf.Timer())
	}
	return x.worldSends(o, f)
}

func (x *exec) ticks(tf *devices.Timerfd, o *op) {
	if len(o.want.value) != 8 {
		return
	}
	if n := int64(binary.LittleEndian.Uint64(o.want.value)); n > 1 && tf.Interval() > 0 && n < 1<<32 {
		if due := tf.Timer().Expiry() + (n-1)*tf.Interval(); due > x.m.Now() {
			x.m.AdvanceTo(due)
		}
	}
}

func helpWrite(x *exec, o *op) bool {
	f := x.file(o, o.fd)
	if f == nil {
		return false
	}
	if fd := x.peer(f); fd >= 0 && (o.want.errno == abi.EPIPE || o.want.errno == abi.ECONNRESET) {
		return x.goes(o, f, fd)
	}
	return x.worldTakes(o, f)
}

// goes lets the peer of f, which has fd, close it, so that a write finds nobody.
func (x *exec) goes(o *op, f *vfs.File, fd int) bool {
	if devices.TcpOf(f) == nil {
		x.worldTakes(o, f)
		return x.closeOf(o, f, fd)
	}
	if o.want.errno == abi.EPIPE { // a reset that comes behind the end of the stream
		x.endOf(o, f, fd, false)
	}
	return x.endOf(o, f, fd, true)
}

func helpAccept(x *exec, o *op) bool {
	f := x.file(o, o.fd)
	if f == nil || o.want.failed() && o.want.errno != abi.EMFILE {
		return false
	}
	if o.want.errno == abi.EMFILE || externalOf(f) != nil || x.peek(f)&abi.EPOLLIN != 0 {
		return helpAlloc(x, o)
	}
	return x.worldConnects(o, f)
}

func helpWait4(x *exec, o *op) bool {
	t := x.k.Thread(o.child())
	if t == nil || t.Process().Zombie() {
		return false
	}
	// The child is not in the log, or its last lines come later: it has ended by now.
	for _, th := range x.byTid {
		if th.k == t && th.claimed {
			return false
		}
	}
	t.SignalProcess(abi.SIGKILL, x.pilot.Getpid())
	x.grant(t.Task())
	return true
}

func (x *exec) hasChild(o *op, pid int) bool {
	t := x.k.Thread(pid)
	return t != nil && t.Process().Parent() == x.thread(o).k.Process()
}
