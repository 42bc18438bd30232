package replay

import (
	"net/netip"
	"slices"

	"github.com/epollsim/epollsim/abi"
)

// ports makes the ports that the kernel chose known where the sockets are bound or connected: the log shows them later.
type ports struct {
	open     map[int]*op // binds to port 0, by fd
	unknown  []*op       // of them, those whose port is not known yet
	known    map[uint16]bool
	connects map[taskFd]*op // those whose port is not known yet
	accepts  map[taskFd]*op // those that did not ask who it was
}

type taskFd struct{ task, fd int }

// privileged is below which port the kernel gives out none by itself.
const privileged = 1024

// see takes the next call that is over.
func (p *ports) see(in *intake, o *op) {
	if o.row == nil || o.want.failed() && o.want.errno != abi.EINPROGRESS {
		return
	}
	if p.known == nil {
		p.open, p.known, p.connects, p.accepts = map[int]*op{}, map[uint16]bool{}, map[taskFd]*op{}, map[taskFd]*op{}
	}
	key := taskFd{o.task, o.fd}
	switch o.row.name {
	case "bind":
		switch {
		case !anyInet(o.addr):
		case o.addr.Inet.Port() != 0:
			p.known[o.addr.Inet.Port()] = true
		default:
			p.open[o.fd] = o
			p.unknown = append(p.unknown, o)
		}
	case "getsockname":
		if !anyInet(o.addr) || o.addr.Inet.Port() == 0 {
			return
		}
		if b := p.open[o.fd]; b != nil {
			p.bound(in, b, o.addr.Inet.Port())
		}
		if c := p.connects[key]; c != nil {
			c.port = o.addr.Inet.Port()
			in.log.clients[c.port] = true
			in.late(c)
			delete(p.connects, key)
		}
	case "accept4":
		if key.fd = int(o.want.ret); o.addr == nil && key.fd >= 0 {
			p.accepts[key] = o
		} else {
			delete(p.accepts, key)
		}
	case "getpeername":
		if a := p.accepts[key]; a != nil && anyInet(o.addr) {
			a.addr = o.addr
			in.late(a)
			delete(p.accepts, key)
		}
	case "close":
		delete(p.open, o.fd)
		delete(p.connects, key)
		delete(p.accepts, key)
	}
	if o.connects() {
		if !anyInet(o.addr) {
			return
		}
		if b := p.open[o.fd]; b != nil && b.task == o.task { // a client: nobody connects to it
			p.unknown = slices.DeleteFunc(p.unknown, func(u *op) bool { return u == b })
		}
		if first := p.connects[key]; first == nil || first.want.errno != abi.EINPROGRESS { // a second one asks how the first goes
			p.connects[key] = o
		}
		// Nobody asked for the port, but somebody knows it: it must be that of the last other one that is not known yet.
		if p.known[o.addr.Inet.Port()] || !o.addr.Inet.Addr().IsLoopback() || o.addr.Inet.Port() < privileged {
			return
		}
		for _, b := range slices.Backward(p.unknown) {
			if b.fd != o.fd || b.task != o.task {
				p.bound(in, b, o.addr.Inet.Port())
				return
			}
		}
	}
}

// bound gives a bind its port.
func (p *ports) bound(in *intake, b *op, port uint16) {
	if b.addr.Inet.Port() != 0 {
		return
	}
	p.unknown = slices.DeleteFunc(p.unknown, func(u *op) bool { return u == b })
	p.known[port] = true
	a := abi.InetAddr(netip.AddrPortFrom(b.addr.Inet.Addr(), port))
	b.addr = &a
	in.late(b)
}

// ended forgets what a task has left open.
func (p *ports) ended(task int) {
	for key := range p.connects {
		if key.task == task {
			delete(p.connects, key)
		}
	}
	for key := range p.accepts {
		if key.task == task {
			delete(p.accepts, key)
		}
	}
}
