package devices

import (
	"net/netip"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/vfs"
)

// Connect says where u sends to and from whom it receives; AF_UNSPEC takes that back. Who has no port is given one before
// the address is looked at. Models inet_dgram_connect.
func (u *Udp) Connect(_ *vfs.File, a abi.Sockaddr) abi.Errno {
	enter(u.m, "inet_dgram_connect")
	defer leave(u.m, "inet_dgram_connect")
	if a.Family == abi.AF_UNSPEC {
		u.lock.Lock()
		u.disconnect()
		u.lock.Unlock()
		return 0
	}
	if errno := u.autobind(); errno != 0 {
		return errno
	}
	u.lock.Lock()
	defer u.lock.Unlock()
	to, errno := u.target(a)
	if errno != 0 {
		return errno
	}
	if u.family == abi.AF_INET6 && !u.source.IsUnspecified() && u.source.Is4() != to.Addr().Is4() {
		return notModelled(u.m, "a socket of IPv6 that turns from %s to %s", u.source, to.Addr())
	}
	dst, src, errno := u.routed(to)
	if errno != 0 {
		return errno
	}
	u.m.Write(u.id, fieldDaddr)
	u.remote = dst
	u.m.Write(u.id, fieldSaddr)
	if u.source.IsUnspecified() {
		u.source = src
	}
	if u.local.Addr().IsUnspecified() {
		u.local = netip.AddrPortFrom(src, u.local.Port())
		u.rehash()
	}
	u.m.Write(u.id, fieldSkState)
	u.state = inetEstablished
	return 0
}

// target is the address of a connect. A socket of IPv6 takes one of AF_INET, too. Models the beginnings of
// __ip4_datagram_connect and __ip6_datagram_connect.
func (u *Udp) target(a abi.Sockaddr) (netip.AddrPort, abi.Errno) {
	if u.family == abi.AF_INET6 && a.Family == abi.AF_INET {
		if u.v6only {
			return netip.AddrPort{}, abi.EAFNOSUPPORT
		}
		return a.Inet, 0
	}
	return u.given(a)
}

// disconnect takes the peer away, and what was chosen for the sake of it: the address, and the port unless a bind asked
// for it. Models __udp_disconnect.
func (u *Udp) disconnect() {
	u.m.Write(u.id, fieldSkState)
	u.state = inetClose
	u.m.Write(u.id, fieldDaddr)
	u.remote = netip.AddrPort{}
	if !u.addrLock {
		u.resetLocal()
		if u.byBind {
			u.rehash()
		}
	}
	if !u.byBind {
		u.ports.release(&u.inetSock)
		u.m.Write(u.id, fieldSaddr)
		u.local = netip.AddrPortFrom(u.local.Addr(), 0)
	}
}
