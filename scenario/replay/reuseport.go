package replay

import (
	"net/netip"

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
		t := inGroup(x.file(o, o.fd), group)
		if t == nil || known != x.log.clients[o.addr.Inet.Port()] || known && client.Port() != o.addr.Inet.Port() {
			return lookOn
		}
		x.accepting[o.index] = true
		chosen = t
		return lookYes
	})
	return chosen
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
