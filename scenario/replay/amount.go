package replay

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/eventpoll"
	"github.com/epollsim/epollsim/vfs"
)

// How much TCP takes and delivers at once is the log's to say, also between two ends that the log has: it depends on how
// large the kernel has made their buffers, and on when it acknowledged what. From there follows when there is room to write.

// target is what o writes to, nil if it does not write.
func (x *exec) target(o *op) *vfs.File {
	switch o.row.name {
	case "splice", "tee", "sendfile":
		return x.file(o, o.fd2)
	case "write", "writev", "sendto", "sendmsg":
		return x.file(o, o.fd)
	}
	return nil
}

// takes is the socket of TCP that o writes to, nil if that is something else.
func (x *exec) takes(o *op) *devices.Tcp {
	if f := x.target(o); f != nil {
		return devices.TcpOf(f)
	}
	return nil
}

// roomy makes a call; one that writes to TCP without waiting finds room for what the log says.
func (x *exec) roomy(o *op) (out outcome) {
	t := x.takes(o)
	if t == nil || o.want.ret <= 0 || !x.hurries(o) {
		return o.row.run(x, o)
	}
	t.Overfill(func() { out = o.row.run(x, o) })
	f := x.target(o)
	if delete(x.filled, f.ID()); o.want.ret < o.a[0] {
		x.filled[f.ID()] = f
		t.Fill()
	}
	return out
}

// hurries reports whether a write does not wait for room.
func (x *exec) hurries(o *op) bool {
	return x.target(o).NonBlocking() || o.row.isSocketCall() && o.a[1]&abi.MSG_DONTWAIT != 0
}

// relieve makes room to write to f that the log shows and the model does not have.
func (x *exec) relieve(f *vfs.File) bool {
	t := devices.TcpOf(f)
	return t != nil && t.Relieve()
}

// crowd takes away what the log does not report of f yet, of bits: room to write if something did not fit before, and what
// came from another end in the log, if that is a lot.
func (x *exec) crowd(f *vfs.File, bits abi.Events) bool {
	t := devices.TcpOf(f)
	if t == nil {
		return false
	}
	changed := bits&abi.EPOLLOUT != 0 && x.filled[f.ID()] != nil && t.Fill()
	return bits&abi.EPOLLIN != 0 && t.Peer() != nil && x.peer(f) < 0 && t.Conceal() || changed
}

// drawn lets as much come to f as o reads, if it was written.
func (x *exec) drawn(o *op, f *vfs.File) bool {
	t := devices.TcpOf(f)
	switch {
	case t == nil || o.want.ret <= 0:
		return false
	case t.Hidden():
		return t.Reveal()
	case !t.Draw(o.want.ret):
		return false
	}
	x.inferred("fd %d had got %d bytes", x.number(o, f), o.want.ret)
	return true
}

// within makes f, whose other end is in the log, ready for bits: what was written there comes, or there is room here.
func (x *exec) within(o *op, f *vfs.File, bits abi.Events) bool {
	have := x.peek(f)
	if t := devices.TcpOf(f); t != nil && t.Hidden() && bits&^have&abi.EPOLLIN != 0 {
		return t.Reveal()
	}
	if bits&^have&abi.EPOLLOUT != 0 && x.tcpFilled(f) {
		return x.relieve(f)
	}
	if x.acknowledged(f) {
		return true
	}
	if bits&^have&abi.EPOLLOUT != 0 {
		return x.relieve(f)
	}
	t := devices.TcpOf(f)
	if t == nil || bits&abi.EPOLLIN == 0 {
		return false
	}
	if have&abi.EPOLLIN != 0 {
		return t.Reveal()
	}
	n, _ := x.nextRead(o, f)
	return t.Draw(max(n, 1)) || t.Draw(1)
}

// tcpFilled reports whether f is a socket of TCP that the log has said is full.
func (x *exec) tcpFilled(f *vfs.File) bool {
	t := devices.TcpOf(f)
	return t != nil && t.Crowded()
}

// crowdUnseen does that with sockets of which a wait reports something else, or nothing.
func (x *exec) crowdUnseen(o *op, ep *eventpoll.Eventpoll) bool {
	if o.want.cut || o.want.ret >= o.a[0] {
		return false
	}
	changed := false
	ep.EachReady(func(f *vfs.File, _ int, item abi.EpollEvent) bool {
		bits := x.peek(f) & item.Events
		for _, want := range o.want.events {
			if want.Data == item.Data {
				bits &^= want.Events
			}
		}
		changed = bits != 0 && x.crowd(f, bits) || changed
		return true
	})
	return changed
}
