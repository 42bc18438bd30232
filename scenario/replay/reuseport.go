package replay

import (
	"net/netip"
	"slices"

	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/vfs"
)

// Which of several listeners with SO_REUSEPORT a connection comes to is the log's to say: the one that accepts it there.

// listenerFor chooses for a connection from client: what the world connects to, or who accepts it in the log.
func (x *exec) listenerFor(client netip.AddrPort, group []*devices.Tcp) *devices.Tcp {
	if t := inGroup(x.aim, group); t != nil {
		return t
	}
	chosen := group[int(client.Port()>>1)%len(group)]
	known := x.log.clients[client.Port()]
	x.log.next(x.at-1, func(o *op) lookahead {
		if !o.row.isAccept() || o.want.failed() || !anyInet(o.addr) || x.accepting[o.index] {
			return lookOn
		}
		t := inGroup(x.fileAhead(o), group)
		if t == nil || known != x.log.clients[o.addr.Inet.Port()] || known && client.Port() != o.addr.Inet.Port() {
			return lookOn
		}
		x.accepting[o.index] = true
		chosen = t
		return lookYes
	})
	return chosen
}

// receiverFor chooses for a datagram from client: the socket that the world sends to, or that receives it in the log.
func (x *exec) receiverFor(client netip.AddrPort, group []*devices.Udp) *devices.Udp {
	in := func(f *vfs.File) *devices.Udp {
		if f != nil {
			if u := devices.UdpOf(f); slices.Contains(group, u) {
				return u
			}
		}
		return nil
	}
	if u := in(x.aim); u != nil {
		return u
	}
	chosen := group[int(client.Port())%len(group)]
	x.log.next(x.at-1, func(o *op) lookahead {
		if !o.row.looks || !o.row.isSocketCall() || o.want.failed() || x.accepting[o.index] {
			return lookOn
		}
		u, from := in(x.fileAhead(o)), o.first().addr
		if u == nil || anyInet(from) && x.log.clients[client.Port()] && from.Inet.Port() != client.Port() {
			return lookOn
		}
		x.accepting[o.index] = true
		chosen = u
		return lookYes
	})
	return chosen
}

// has reports whether a call that comes later is on f, also one of a thread that is not there yet.
func (x *exec) has(o *op, f *vfs.File) bool {
	if x.threads[o.task] != nil {
		return x.file(o, o.fd) == f
	}
	return slices.ContainsFunc(x.alive, func(th *thread) bool { return !x.lost(th) && th.k.Files().At(o.fd) == f })
}

// fileAhead is file for a call that comes later, also one of a thread that is not there yet: of such a one it is what a process with
// a socket at that number has.
func (x *exec) fileAhead(o *op) *vfs.File {
	if x.threads[o.task] != nil {
		return x.file(o, o.fd)
	}
	for _, th := range x.alive {
		if f := th.k.Files().At(o.fd); !x.lost(th) && f != nil && devices.SocketOf(f) != nil {
			return f
		}
	}
	return nil
}

// inGroup gives the socket of f if it is one of group, or nil.
func inGroup(f *vfs.File, group []*devices.Tcp) *devices.Tcp {
	if f == nil {
		return nil
	}
	t := devices.TcpOf(f)
	for _, other := range group {
		if t == other {
			return t
		}
	}
	return nil
}
