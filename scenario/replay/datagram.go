package replay

import (
	"net/netip"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/vfs"
)

// Datagrams of those that are not in the log.

// receiver gives a socket of the pilot that has an address of UDP, -1 if that cannot be.
func (x *exec) receiver(addr abi.Sockaddr) int {
	if fd, ok := x.udp[addr]; ok {
		return fd
	}
	fd, err := x.pilot.Socket(addr.Family, abi.SOCK_DGRAM|abi.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1
	}
	if x.pilot.Bind(fd, addr) != nil {
		_ = x.pilot.Close(fd)
		return -1
	}
	x.udp[addr] = fd
	return fd
}

// datagramTo sees to it that somebody is there to get what o sends, unless the log tells that nobody was.
func (x *exec) datagramTo(o *op) {
	if o.row.looks || !o.row.waits || o.fd < 0 || o.want.failed() {
		return
	}
	for _, p := range o.parts {
		x.datagramTo(p)
	}
	f := x.file(o, o.fd)
	if f != nil && unixDatagrams(f) {
		x.unixReceiver(o, f)
	}
	if f == nil || devices.UdpOf(f) == nil || x.refusedSoon(o) {
		return
	}
	to, ok := abi.Sockaddr{}, false
	if anyInet(o.addr) {
		to, ok = x.connectAddr(*o.addr), true
		if port, known := x.ports[to.Inet.Port()]; known {
			to = abi.InetAddr(netip.AddrPortFrom(to.Inet.Addr(), port))
		}
	} else if peer, errno := devices.SocketOf(f).Peername(f); errno == 0 && anyInet(&peer) {
		to, ok = peer, true
	}
	if !ok || to.Inet.Port() == 0 || x.k.Receiving(target(to)) {
		return
	}
	if x.receiver(abi.InetAddr(target(to))) >= 0 {
		x.inferred("somebody had a socket at %s", to.Inet)
	}
}

// refusedSoon reports whether the log tells that nobody got what o sends: by ECONNREFUSED of the next calls on the number.
func (x *exec) refusedSoon(o *op) bool {
	return x.log.next(x.at, func(other *op) lookahead {
		switch {
		case other == o || other.fd != o.fd || !x.sharesFiles(o, other):
			return lookOn
		case other.want.errno == abi.ECONNREFUSED:
			return lookYes
		case other.row.name == "close", other.row.looks && !other.want.failed():
			return lookNo
		}
		return lookOn
	})
}

// datagramFrom sends to f what the log reads from it.
func (x *exec) datagramFrom(o *op, f *vfs.File) bool {
	s := devices.SocketOf(f)
	local, errno := s.Sockname(f)
	if errno != 0 || local.Inet.Port() == 0 {
		return false
	}
	if x.peek(f)&abi.EPOLLIN != 0 {
		return false // another one comes behind what is there
	}
	size := x.datagramSize(o, f)
	from := o.addr
	if o.row.parseIsWait() {
		from = nil
	}
	if size < 0 {
		return false
	}
	if peer, errno := s.Peername(f); errno == 0 && anyInet(&peer) && peer.Inet.Port() != 0 {
		from = &peer
	}
	source := abi.InetAddr(netip.AddrPortFrom(target(local).Addr(), 0))
	if anyInet(from) {
		source = abi.InetAddr(target(x.connectAddr(*from)))
	}
	fd := x.receiver(source)
	if fd < 0 {
		return false
	}
	to := abi.InetAddr(target(local))
	x.aim = f
	defer func() { x.aim = nil }()
	if _, err := x.pilot.Sendto(fd, make([]byte, min(size, 65000)), abi.MSG_DONTWAIT, &to); err != nil {
		return false
	}
	x.inferred("somebody sent a datagram of %d bytes to port %d", size, local.Inet.Port())
	return true
}

// datagramSize is how much o reads from f at once, or who reads first behind a wait; negative if nobody has.
func (x *exec) datagramSize(o *op, f *vfs.File) int64 {
	if !o.row.parseIsWait() {
		return o.want.ret
	}
	if n, errno := x.firstRead(o, f); errno == 0 {
		return n
	}
	return 1
}

// unixDatagrams reports whether f is a unix socket that gets datagrams.
func unixDatagrams(f *vfs.File) bool {
	if devices.UnixOf(f) == nil {
		return false
	}
	kind, errno := devices.SocketOf(f).Getsockopt(f, abi.SOL_SOCKET, abi.SO_TYPE)
	return errno == 0 && kind == abi.SOCK_DGRAM
}

// unixReceiver makes the socket that o sends to from f by a name which nothing in the log has.
func (x *exec) unixReceiver(o *op, f *vfs.File) {
	if o.addr == nil || o.addr.Family != abi.AF_UNIX || o.want.failed() {
		return
	}
	to := x.remoteAddr(o)
	if to.Path == "" || x.names[to.Path] {
		return
	}
	fd, err := x.pilot.Socket(abi.AF_UNIX, abi.SOCK_DGRAM|abi.SOCK_NONBLOCK, 0)
	if err != nil {
		return
	}
	if x.pilot.Bind(fd, to) != nil {
		_ = x.pilot.Close(fd)
		return
	}
	x.names[to.Path] = true
	x.inferred("somebody had a socket at %s", addrText(*o.addr))
}

// unixDatagram sends to a unix socket with a name what the log reads from it: from one that has none.
func (x *exec) unixDatagram(o *op, f *vfs.File) bool {
	local, errno := devices.SocketOf(f).Sockname(f)
	size := x.datagramSize(o, f)
	if errno != 0 || local.Path == "" || size < 0 {
		return false
	}
	fd, err := x.pilot.Socket(abi.AF_UNIX, abi.SOCK_DGRAM|abi.SOCK_NONBLOCK, 0)
	if err != nil {
		return false
	}
	_, err = x.pilot.Sendto(fd, make([]byte, min(size, maxBuffer)), abi.MSG_NOSIGNAL|abi.MSG_DONTWAIT, &local)
	_ = x.pilot.Close(fd)
	if err != nil {
		return false
	}
	x.arrive(f)
	x.inferred("somebody sent a datagram of %d bytes to fd %d", size, x.number(o, f))
	return true
}
