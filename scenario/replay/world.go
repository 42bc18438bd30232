package replay

import (
	"encoding/binary"
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

// What a single call needs from outside of the log, and time that passed.

// world is what is known of those that the log does not have: the pilot plays them.
type world struct {
	peers     map[sim.ID]peerEnd   // files whose other end is the pilot's
	queued    map[sim.ID][]int     // connections of the pilot's that wait in a listener
	listeners []int                // of the pilot's
	unmet     []int                // its ends of connections to them
	orphans   []int                // peers of files that the log has closed
	names     map[string]bool      // that unix sockets of the log are bound to
	udp       map[abi.Sockaddr]int // sockets of the pilot
	ports     map[uint16]uint16    // of UDP: those of the log in the model
	making    *op                  // that a connect of the log is making
	arrivals  map[sim.ID]*vfs.File // files that something outside made ready, until a wait tells of it
	filled    map[sim.ID]*vfs.File // sockets of TCP that had no room for a write, until one succeeds
	blank     *vfs.File            // stands for files that the model has not, in a splice; nil until there is one
	aim       *vfs.File            // the listener that the world connects to, the socket it sends to
	accepting map[int]bool         // accepts and receives of the log whose socket was chosen for a client
}

func newWorld() world {
	return world{
		peers: map[sim.ID]peerEnd{}, queued: map[sim.ID][]int{}, names: map[string]bool{}, udp: map[abi.Sockaddr]int{},
		ports: map[uint16]uint16{}, arrivals: map[sim.ID]*vfs.File{}, filled: map[sim.ID]*vfs.File{}, accepting: map[int]bool{},
	}
}

// helpRead lets the world send what is read.
func helpRead(x *exec, o *op) bool {
	f := x.file(o, o.fd)
	if f == nil || o.want.failed() {
		return f != nil && o.want.errno == abi.EAGAIN && x.crowd(f, abi.EPOLLIN)
	}
	if tf := devices.TimerfdOf(f); tf != nil {
		return x.expire(tf.Timer())
	}
	if sf := devices.SignalfdOf(f); sf != nil {
		return x.sendsSignal(o, f, sf)
	}
	return x.worldSends(o, f)
}

// ticks lets the clock go on until the read of a timer gives the number of the log.
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

// helpWrite lets the peer make room, or go.
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
		if n, _ := x.nextRead(o, f); n > 0 {
			x.sendTo(o, f, fd, n)
		}
		x.worldTakes(o, f)
		return x.closeOf(o, f, fd)
	}
	if o.want.errno == abi.EPIPE { // a reset that comes behind the end of the stream
		x.endOf(o, f, fd, false)
	}
	return x.endOf(o, f, fd, true)
}

// helpClose is for one that lingers: the peer reads, and what it has got is acknowledged in time.
func helpClose(x *exec, o *op) bool {
	th := x.thread(o)
	return th.begun && th.closes != nil && (x.worldTakes(o, th.closes) || x.later())
}

// helpAccept lets the world connect.
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
	// The child is not in the log, or its last line comes later, or never: it has ended by now.
	for _, th := range x.byTid {
		if th.k != t || !th.claimed {
			continue
		}
		if e := x.log.following(x.at, th.task); e != nil && e.kind != eventEnd {
			return false
		}
	}
	t.SignalProcess(abi.SIGKILL, x.pilot.Getpid())
	x.grant(t.Task())
	return true
}

// hasChild reports whether pid is a child of o's process in the model.
func (x *exec) hasChild(o *op, pid int) bool {
	t := x.k.Thread(pid)
	return t != nil && t.Process().Parent() == x.thread(o).k.Process()
}
