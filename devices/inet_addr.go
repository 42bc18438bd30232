package devices

import (
	"net/netip"

	"github.com/epollsim/epollsim/abi"
)

// loopback is the address that a wildcard means to who connects or sends.
func loopback(wildcard netip.Addr) netip.Addr {
	if wildcard.Is4() {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return netip.IPv6Loopback()
}

// given takes an address from a program, for bind, or for connect and sending. EINVAL: it is too short to be one of the
// family; EAFNOSUPPORT: it is of another.
func (s *inetSock) given(a abi.Sockaddr) (netip.AddrPort, abi.Errno) {
	size := abi.SizeofSockaddrIn
	if s.family == abi.AF_INET6 {
		size = abi.SizeofSockaddrIn6 - 4 // SIN6_LEN_RFC2133: without sin6_scope_id
	}
	switch {
	case a.Len() < size:
		return netip.AddrPort{}, abi.EINVAL
	case a.Family != int(s.family):
		return netip.AddrPort{}, abi.EAFNOSUPPORT
	}
	return netip.AddrPortFrom(a.Inet.Addr().WithZone("").Unmap(), a.Inet.Port()), 0
}

// shown gives an address as the socket's family spells it.
func (s *inetSock) shown(a netip.AddrPort) abi.Sockaddr {
	addr := a.Addr()
	if s.family == abi.AF_INET6 && addr.Is4() {
		addr = netip.AddrFrom16(addr.As16())
	}
	return abi.InetAddr(netip.AddrPortFrom(addr, a.Port()))
}

// boundToIPv4 reports whether s is a socket of AF_INET6 with an address of IPv4: the wildcard ::ffff:0.0.0.0 is one, too.
func (s *inetSock) boundToIPv4() bool { return s.family == abi.AF_INET6 && s.local.Addr().Is4() }

// isLocal reports whether this machine has the address; inet_addr_type is RTN_LOCAL.
func isLocal(a netip.Addr) bool { return a.IsLoopback() }

// bindable checks the address of a bind and prepares the socket's flags for it: the beginning of __inet_bind and
// __inet6_bind. Root may have any port.
func (s *inetSock) bindable(a abi.Sockaddr) (netip.AddrPort, abi.Errno) {
	addr, errno := s.given(a)
	if errno != 0 {
		return addr, errno
	}
	ip := addr.Addr()
	switch {
	case ip.Is4() && s.family == abi.AF_INET6 && s.v6only:
		return addr, abi.EINVAL
	case ip.IsMulticast() && s.family == abi.AF_INET6 && s.ports.protocol == abi.IPPROTO_TCP:
		return addr, abi.EINVAL
	case ip.IsMulticast() || ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return addr, notModelled(s.m, "bind to the multicast or broadcast address %s", ip)
	case !ip.IsUnspecified() && !isLocal(ip):
		return addr, abi.EADDRNOTAVAIL
	}
	return addr, 0
}

// routed is where a packet for an address goes, and from where: for a wildcard the own address, or else the loopback; nowhere
// for what is not local. The source is that of the socket if it has one. Models ip_route_connect as far as there is one device.
func (s *inetSock) routed(to netip.AddrPort) (dst netip.AddrPort, src netip.Addr, errno abi.Errno) {
	ip := to.Addr()
	if src = s.source; ip.IsUnspecified() {
		switch {
		case ip.Is4() && src.Is4() && !src.IsUnspecified():
			ip = src // to itself: ip_route_output_key
		case s.local.Addr().Is4(): // bound to IPv4
			ip = loopback(netip.IPv4Unspecified())
		default:
			ip = loopback(ip)
		}
	}
	switch {
	case !isLocal(ip):
		return to, src, abi.ENETUNREACH
	case ip.Is4() && s.family == abi.AF_INET6 && s.v6only:
		return to, src, abi.ENETUNREACH
	case s.boundToIPv4() && !ip.Is4():
		return to, src, abi.EAFNOSUPPORT
	case src.IsUnspecified():
		src = ip
		if ip.Is4() {
			src = loopback(ip)
		}
	case src.Is4() != ip.Is4():
		return to, src, abi.EAFNOSUPPORT
	}
	return netip.AddrPortFrom(ip, to.Port()), src, 0
}

// sockname is the own address: the one it sends from where it receives at all. Models inet_getname.
func (s *inetSock) sockname() abi.Sockaddr {
	s.m.Read(s.id, fieldSaddr)
	a := s.local
	if a.Addr().IsUnspecified() {
		a = netip.AddrPortFrom(s.source, a.Port())
	}
	return s.shown(a)
}

// peername is the address of the peer: ENOTCONN without one, or before there is a connection. Models inet_getname.
func (s *inetSock) peername() (abi.Sockaddr, abi.Errno) {
	s.m.Read(s.id, fieldDaddr)
	if s.remote.Port() == 0 || s.state == inetClose || s.state == inetSynSent {
		return abi.Sockaddr{}, abi.ENOTCONN
	}
	return s.shown(s.remote), 0
}
