package replay

import (
	"net/netip"
	"slices"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/vfs"
)

// Connections between the log and those that are not in it, from either side.

// worldConnects connects to a listener.
func (x *exec) worldConnects(o *op, f *vfs.File) bool {
	s := devices.SocketOf(f)
	if s == nil {
		return false
	}
	addr, errno := s.Sockname(f)
	if errno != 0 {
		return false
	}
	if anyInet(&addr) {
		addr = abi.InetAddr(target(addr))
	}
	fd, ok := x.quietly(func() (int, error) { return x.dial(o, f, addr) })
	if !ok {
		return false
	}
	if defers(f) {
		x.speaksFirst(f, fd)
	}
	x.queued[f.ID()] = append(x.queued[f.ID()], fd)
	x.arrive(f)
	x.inferred("a peer connected to fd %d", x.number(o, f))
	return true
}

// dial connects the pilot to the listener f; the connection that o accepts has the port that the log has.
func (x *exec) dial(o *op, f *vfs.File, addr abi.Sockaddr) (int, error) {
	fd, err := x.pilot.Socket(addr.Family, socketType(f)|abi.SOCK_NONBLOCK, 0)
	if err != nil {
		return fd, err
	}
	if anyInet(o.addr) {
		x.making = &op{port: o.addr.Inet.Port()}
		defer func() { x.making = nil }()
	}
	x.prompt(fd)
	x.aim = f
	defer func() { x.aim = nil }()
	return fd, x.pilot.Connect(fd, addr)
}

// socketType is that of a socket with connections, SOCK_STREAM for anything else.
func socketType(f *vfs.File) int {
	if s := devices.SocketOf(f); s != nil {
		if n, errno := s.Getsockopt(f, abi.SOL_SOCKET, abi.SO_TYPE); errno == 0 && n == abi.SOCK_SEQPACKET {
			return n
		}
	}
	return abi.SOCK_STREAM
}

// accepted finds the peer of a connection that was just accepted.
func (x *exec) accepted(o *op, fd int) {
	listener, f := x.file(o, o.fd), x.file(o, fd)
	if listener == nil || f == nil {
		return
	}
	waiting := x.queued[listener.ID()]
	for i, peer := range waiting {
		if x.connected(x.pilot.Files().At(peer), f) {
			x.peers[f.ID()] = peerEnd{peer, f}
			x.queued[listener.ID()] = append(waiting[:i:i], waiting[i+1:]...)
			return
		}
	}
}

// connected reports whether two sockets are the ends of one connection that a has made: of TCP, the port of a tells.
func (x *exec) connected(a, b *vfs.File) bool {
	if a == nil || b == nil {
		return false
	}
	sa, sb := devices.SocketOf(a), devices.SocketOf(b)
	if sa == nil || sb == nil {
		return false
	}
	if devices.TcpOf(a) == nil {
		return devices.UnixPeers(a, b)
	}
	local, errno := sa.Sockname(a)
	remote, errno2 := sb.Peername(b)
	return errno == 0 && errno2 == 0 && anyInet(&local) && anyInet(&remote) &&
		local.Inet.Port() == remote.Inet.Port() && local.Inet.Addr().Unmap() == remote.Inet.Addr().Unmap()
}

// readyConnect needs somebody who listens, if the log has it that somebody does.
func readyConnect(x *exec, o *op) bool {
	if o.addr != nil && o.want.errno == abi.ENOENT {
		return !x.names[x.remoteAddr(o).Path]
	}
	if o.addr == nil || o.want.failed() && o.want.errno != abi.EINPROGRESS && o.want.errno != abi.ECONNREFUSED {
		return true
	}
	f := x.file(o, o.fd)
	addr := x.remoteAddr(o)
	switch {
	case f == nil:
		return true
	case x.refusedLater(o):
		return x.listener(addr) < 0 && (addr.Family != abi.AF_UNIX || addr.Path == "" || addr.Abstract() || x.names[addr.Path])
	case devices.TcpOf(f) != nil && anyInet(&addr):
		return x.k.Listening(target(addr))
	case addr.Family == abi.AF_UNIX && addr.Path != "":
		return x.names[addr.Path]
	}
	return true
}

// target is where a connect to a wildcard leads.
func target(addr abi.Sockaddr) netip.AddrPort {
	ip := addr.Inet.Addr()
	switch {
	case ip.IsUnspecified() && ip.Is4():
		ip = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	case ip.IsUnspecified():
		ip = netip.IPv6Loopback()
	}
	return netip.AddrPortFrom(ip, addr.Inet.Port())
}

// refusedLater reports whether the log tells of a connect that nobody listened to: by an error on the same number before
// that is closed.
func (x *exec) refusedLater(o *op) bool {
	if o.want.errno != abi.EINPROGRESS {
		return o.want.errno == abi.ECONNREFUSED
	}
	return x.log.next(x.at, func(other *op) lookahead {
		switch {
		case other.task != o.task && !x.sharesFiles(o, other) || other.fd != o.fd && !other.mentions(o.fd):
			return lookOn
		case other.row.name == "getsockopt" && other.a[1] == abi.SO_ERROR:
			if len(other.fds) == 1 && other.fds[0] == int(abi.ECONNREFUSED) {
				return lookYes
			}
			return lookNo
		case other.want.errno == abi.ECONNREFUSED:
			return lookYes
		case other.row.name == "close", other.row.name == "connect" && !other.want.failed():
			return lookNo
		}
		for _, e := range other.want.polls {
			switch {
			case int(e.Fd) != o.fd:
			case e.Revents&(abi.POLLERR|abi.POLLHUP) != 0:
				return lookYes
			default: // it is connected: what comes later is not about that
				return lookNo
			}
		}
		if other.fd == o.fd && other.row.waits && !other.want.failed() && other.want.ret > 0 {
			return lookNo
		}
		return lookOn
	})
}

// mentions reports whether a poll asks for fd.
func (o *op) mentions(fd int) bool {
	for _, p := range o.polls {
		if int(p.Fd) == fd {
			return true
		}
	}
	return false
}

// pilotBacklog lets as many wait as connect.
const pilotBacklog = 4096

// helpConnect listens where the log connects to.
func helpConnect(x *exec, o *op) bool {
	if o.addr == nil || readyConnect(x, o) {
		return false
	}
	addr := x.remoteAddr(o)
	if o.want.errno == abi.ENOENT {
		return x.unlinked(addr)
	}
	if x.refusedLater(o) {
		return x.stopListening(addr) || x.leaveBehind(addr)
	}
	if anyInet(&addr) {
		addr = abi.InetAddr(target(addr))
	}
	fd, ok := x.quietly(func() (int, error) {
		fd, err := x.pilot.Socket(addr.Family, socketType(x.file(o, o.fd))|abi.SOCK_NONBLOCK, 0)
		if err == nil {
			err = x.pilot.Bind(fd, addr)
		}
		if err == nil {
			err = x.pilot.Listen(fd, pilotBacklog)
		}
		return fd, err
	})
	if !ok {
		return false
	}
	if addr.Family == abi.AF_UNIX {
		x.names[addr.Path] = true
	}
	x.listeners = append(x.listeners, fd)
	x.inferred("a server listened where fd %d connects to", o.fd)
	return true
}

// listener gives the pilot's listener at an address, -1 if it has none there.
func (x *exec) listener(addr abi.Sockaddr) int {
	if anyInet(&addr) {
		addr = abi.InetAddr(target(addr))
	}
	for _, fd := range x.listeners {
		if at, err := x.pilot.Getsockname(fd); err == nil && at == addr {
			return fd
		}
	}
	return -1
}

// stopListening closes the pilot's listener at an address: the log has it that a connect was refused there.
func (x *exec) stopListening(addr abi.Sockaddr) bool {
	fd := x.listener(addr)
	if fd < 0 {
		return false
	}
	x.answer(fd) // who waits there would be reset
	if x.pilot.Close(fd) != nil {
		return false
	}
	x.listeners = slices.DeleteFunc(x.listeners, func(l int) bool { return l == fd })
	x.inferred("the server at %s was gone", addrText(addr))
	return true
}

// unlinked takes away the path of a socket: the log leaves out who has done that.
func (x *exec) unlinked(addr abi.Sockaddr) bool {
	if x.pilot.Unlink(addr.Path) != nil {
		return false
	}
	delete(x.names, addr.Path)
	x.inferred("%s was removed", addr.Path)
	return true
}

// leaveBehind makes a path at which a socket was bound that is there no more.
func (x *exec) leaveBehind(addr abi.Sockaddr) bool {
	if addr.Family != abi.AF_UNIX || x.names[addr.Path] {
		return false
	}
	fd, err := x.pilot.Socket(abi.AF_UNIX, abi.SOCK_STREAM, 0)
	if err != nil || x.pilot.Bind(fd, addr) != nil || x.pilot.Close(fd) != nil {
		return false
	}
	x.names[addr.Path] = true
	x.inferred("a server had left its socket at %s", addr.Path)
	return true
}

// answer accepts what waits in the pilot's listener l.
func (x *exec) answer(l int) {
	for {
		fd, err := x.pilot.Accept4(l, abi.SOCK_NONBLOCK)
		if err != nil {
			return
		}
		x.prompt(fd)
		x.unmet = append(x.unmet, fd)
	}
}

// meet finds the pilot's end of a connection that the log's side has made.
func (x *exec) meet(f *vfs.File) {
	for _, l := range x.listeners {
		x.answer(l)
	}
	for i, fd := range x.unmet {
		if x.connected(f, x.pilot.Files().At(fd)) {
			x.peers[f.ID()] = peerEnd{fd, f}
			x.unmet = append(x.unmet[:i:i], x.unmet[i+1:]...)
			return
		}
	}
}

func (x *exec) isListener(f *vfs.File) bool {
	s := devices.SocketOf(f)
	n, errno := s.Getsockopt(f, abi.SOL_SOCKET, abi.SO_ACCEPTCONN)
	return errno == 0 && n == 1
}
