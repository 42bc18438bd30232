package replay

import (
	"net/netip"
	"strings"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/vfs"
)

// Addresses. Ports that the kernel chose are those of the log; paths of sockets are names in the private directory of the
// run.

// bind gives a socket its address. What was at the path before the log began is taken away if the log has it that the bind
// worked.
func (x *exec) bind(o *op) outcome {
	addr := x.localAddr(o)
	if o.want.errno == abi.EADDRINUSE {
		x.occupied(o, addr)
	}
	out := errOutcome(x.calls(o).Bind(o.fd, addr))
	if out.errno == abi.EADDRINUSE && !o.want.failed() && addr.Family == abi.AF_UNIX && !addr.Abstract() {
		_ = x.calls(o).Unlink(addr.Path)
		x.inferred("somebody removed %s", o.addr.Path)
		out = errOutcome(x.calls(o).Bind(o.fd, addr))
	}
	if o.want.failed() && addr.Family == abi.AF_UNIX && !addr.Abstract() && pathErrno(o.want.errno) {
		return o.want
	}
	return out
}

// occupied takes the address that the log has it was not free, if the log gives the socket up then.
func (x *exec) occupied(o *op, addr abi.Sockaddr) {
	f := x.file(o, o.fd)
	s := devices.SocketOf(f)
	if s == nil || !anyInet(&addr) || !x.givenUp(o) {
		return
	}
	typ, errno := s.Getsockopt(f, abi.SOL_SOCKET, abi.SO_TYPE)
	if errno != 0 {
		return
	}
	fd, err := x.pilot.Socket(addr.Family, typ|abi.SOCK_NONBLOCK, 0)
	if err == nil {
		err = x.pilot.Bind(fd, addr)
	}
	if err == nil && typ == abi.SOCK_STREAM {
		err = x.pilot.Listen(fd, pilotBacklog)
		x.listeners = append(x.listeners, fd)
	}
	if err == nil {
		x.inferred("somebody else had %s", addr.Inet)
	}
}

// givenUp reports whether the log does nothing with the socket that needs its address.
func (x *exec) givenUp(o *op) bool {
	return !x.log.next(x.at, func(other *op) lookahead {
		switch {
		case other == o || other.fd != o.fd && other.fd2 != o.fd || !x.sharesFiles(o, other):
			return lookOn
		case other.row.name == "close", other.row.allocates && other.want.ret == int64(o.fd):
			return lookNo
		case other.row.name == "listen", other.row.isAccept(), other.row.name == "epoll_ctl", other.row.looks && other.row.waits:
			return map[bool]lookahead{true: lookOn, false: lookYes}[other.want.failed()]
		}
		return lookOn
	})
}

// pathErrno reports whether an error comes from the file system.
func pathErrno(errno abi.Errno) bool {
	switch errno {
	case abi.ENOENT, abi.EACCES, abi.ENOTDIR, abi.EROFS, abi.EPERM, abi.ELOOP, abi.ENAMETOOLONG:
		return true
	}
	return false
}

// localAddr is what o binds to. A port that the kernel chose is the one that the log shows later.
func (x *exec) localAddr(o *op) abi.Sockaddr { return x.connectAddr(*o.addr) }

// remoteAddr is whom o connects or sends to.
func (x *exec) remoteAddr(o *op) abi.Sockaddr {
	a := x.connectAddr(*o.addr)
	if a.Family == abi.AF_UNIX && a.Path != "" && !a.Abstract() && o.want.errno != abi.ENOENT {
		a.Path = x.knownAs(a.Path)
	}
	return a
}

// connectAddr is an address of the log in the model.
func (x *exec) connectAddr(a abi.Sockaddr) abi.Sockaddr {
	if a.Family == abi.AF_UNIX && a.Path != "" && !a.Abstract() {
		return abi.UnixAddr(socketName(a.Path))
	}
	if anyInet(&a) {
		return abi.InetAddr(netip.AddrPortFrom(loopback(a.Inet.Addr()), a.Inet.Port()))
	}
	return a
}

// knownAs gives the name under which a socket was bound whose path may have been given from another directory on: the end of
// one is the other.
func (x *exec) knownAs(name string) string {
	if x.names[name] {
		return name
	}
	found := ""
	for other, there := range x.names {
		short, long := name, other
		if len(short) > len(long) {
			short, long = long, short
		}
		if there && short[0] != '%' && long[0] == '%' && strings.HasSuffix(long, "%"+short) {
			if found != "" {
				return name // nobody knows which
			}
			found = other
		}
	}
	if found != "" {
		return found
	}
	return name
}

// loopback is where the model has an address: it has no other network.
func loopback(ip netip.Addr) netip.Addr {
	switch {
	case ip.IsLoopback() || ip.IsUnspecified() || ip.Unmap().IsLoopback() || ip.Unmap().IsUnspecified():
		return ip
	case ip.Is4():
		b := ip.As4()
		b[0] = 127
		return netip.AddrFrom4(b)
	}
	return netip.IPv6Loopback()
}

// maxSocketName leaves room in sun_path.
const maxSocketName = 100

// socketName is the name in the private directory for a path of the log.
func socketName(path string) string {
	name := strings.ReplaceAll(strings.TrimPrefix(path, "./"), "/", "%")
	if len(name) > maxSocketName {
		name = name[len(name)-maxSocketName:]
	}
	return name
}

// stream reports whether how much a call on fd moves is the network's to say.
func (x *exec) stream(o *op, fd int) bool {
	f := x.file(o, fd)
	return f != nil && devices.TcpOf(f) != nil
}

// full reports whether the log has it that TCP took nothing: when that is so depends on what Linux has measured.
func (x *exec) full(o *op) bool {
	if o.want.errno != abi.EAGAIN || !x.stream(o, o.fd) {
		return false
	}
	x.inferred("TCP took no more from fd %d", o.fd)
	f := x.file(o, o.fd)
	devices.TcpOf(f).Fill()
	x.filled[f.ID()] = f
	return true
}

func anyInet(a *abi.Sockaddr) bool {
	return a != nil && (a.Family == abi.AF_INET || a.Family == abi.AF_INET6)
}

// portFor is the port that the kernel chooses: the one of the log, if that has it.
func (x *exec) portFor(_ int, model uint16) uint16 {
	if o := x.making; o != nil && o.port != 0 {
		x.making = nil
		return o.port
	}
	return model
}

// rightPeer reports whether the connection that an accept would give is the one of the log, as far as that tells.
func (x *exec) rightPeer(o *op, f *vfs.File) bool {
	t := devices.TcpOf(f)
	if t == nil || !anyInet(o.addr) {
		return true
	}
	next, ok := t.NextChild()
	known := x.log.clients[o.addr.Inet.Port()] || x.log.clients[next.Port()]
	return !ok || !known || next.Port() == o.addr.Inet.Port()
}
