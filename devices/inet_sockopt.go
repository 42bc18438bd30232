package devices

import (
	"math"

	"github.com/epollsim/epollsim/abi"
)

// Options of IPv4 and IPv6. What packets carry along, how far they may go and where, shows nowhere on the loopback.

const (
	loopbackMtu = 65536
	ipMaxMtu    = 65535
)

// ipTable are the options of SOL_IP that all sockets have.
var ipTable = tables(
	flags(abi.IP_RECVOPTS, abi.IP_RETOPTS, abi.IP_PKTINFO, abi.IP_RECVTTL, abi.IP_RECVTOS, abi.IP_PASSSEC, abi.IP_ORIGDSTADDR, abi.IP_CHECKSUM),
	flags(abi.IP_FREEBIND, abi.IP_TRANSPARENT, abi.IP_BIND_ADDRESS_NO_PORT).but(),
	row(optionRow{kind: flag, def: 1}, abi.IP_MULTICAST_LOOP),
	row(optionRow{def: 64, min: 1, max: 255, unset: true}, abi.IP_TTL),
	row(optionRow{max: 255}, abi.IP_MINTTL).but(),
	between(abi.IP_MTU_DISCOVER, 1, 0, 5),
	between(abi.IP_RECVERR_RFC4884, 0, 0, 1),
	between(abi.IP_MULTICAST_ALL, 1, 0, 1),
	numbers(abi.IP_LOCAL_PORT_RANGE).but(),
	numbers(abi.IP_OPTIONS).but(),
	row(optionRow{set: abi.EADDRNOTAVAIL}, abi.IP_UNICAST_IF),
	asked(0, abi.IP_HDRINCL, abi.IP_NODEFRAG, abi.IP_PROTOCOL),
	refused(abi.ENOPROTOOPT, 0, abi.IP_MTU),
	refused(abi.EINVAL, 0, abi.IP_ROUTER_ALERT),
	refused(abi.EOPNOTSUPP, abi.ENOPROTOOPT, abi.IP_IPSEC_POLICY),
	refused(abi.EINVAL, abi.ENOPROTOOPT, abi.IP_XFRM_POLICY, abi.IP_UNBLOCK_SOURCE, abi.IP_BLOCK_SOURCE,
		abi.IP_ADD_SOURCE_MEMBERSHIP, abi.IP_DROP_SOURCE_MEMBERSHIP, 42, 43, 44, 45, 46, 47),
	refused(abi.EINVAL, abi.EINVAL, abi.IP_MSFILTER, 48),
)

var tcpIpTable = tables(ipTable,
	row(optionRow{min: math.MinInt32, max: math.MaxInt32, mask: 0xfc}, abi.IP_TOS),
	flags(abi.IP_RECVERR), // no packet of a connection is refused
	asked(0, abi.IP_PKTOPTIONS),
	asked(1, abi.IP_MULTICAST_TTL),
	refused(abi.EINVAL, 0, abi.IP_RECVFRAGSIZE, abi.IP_MULTICAST_IF, abi.IP_MULTICAST_TTL),
	row(optionRow{def: 1, set: abi.EINVAL}, abi.IP_MULTICAST_TTL),
	refused(abi.EPROTO, abi.ENOPROTOOPT, abi.IP_ADD_MEMBERSHIP, abi.IP_DROP_MEMBERSHIP),
)

var udpIpTable = tables(ipTable,
	row(optionRow{min: math.MinInt32, max: math.MaxInt32, mask: 0xff}, abi.IP_TOS),
	flags(abi.IP_RECVERR).but(),
	flags(abi.IP_RECVFRAGSIZE),
	row(optionRow{set: abi.EADDRNOTAVAIL}, abi.IP_MULTICAST_IF),
	row(optionRow{def: 1, max: 255, unset: true}, abi.IP_MULTICAST_TTL),
	refused(abi.EINVAL, abi.ENOPROTOOPT, abi.IP_ADD_MEMBERSHIP, abi.IP_DROP_MEMBERSHIP),
)

// ip6Table are the options of SOL_IPV6 that all sockets of AF_INET6 have.
var ip6Table = tables(
	flags(abi.IPV6_2292PKTINFO, abi.IPV6_2292HOPOPTS, abi.IPV6_2292DSTOPTS, abi.IPV6_2292RTHDR, abi.IPV6_2292HOPLIMIT, abi.IPV6_FLOWINFO,
		abi.IPV6_ROUTER_ALERT_ISOLATE, abi.IPV6_FLOWINFO_SEND, abi.IPV6_RECVPKTINFO, abi.IPV6_RECVHOPLIMIT, abi.IPV6_RECVHOPOPTS,
		abi.IPV6_RECVRTHDR, abi.IPV6_RECVDSTOPTS, abi.IPV6_RECVPATHMTU, abi.IPV6_DONTFRAG, abi.IPV6_RECVTCLASS, abi.IPV6_ORIGDSTADDR,
		abi.IPV6_RECVFRAGSIZE),
	flags(abi.IPV6_TRANSPARENT, abi.IPV6_FREEBIND).but(),
	row(optionRow{kind: flag, def: 1}, abi.IPV6_MULTICAST_ALL, abi.IPV6_AUTOFLOWLABEL),
	row(optionRow{def: 64, max: 255, unset: true}, abi.IPV6_UNICAST_HOPS),
	row(optionRow{max: 255}, abi.IPV6_MINHOPCOUNT).but(),
	between(abi.IPV6_MULTICAST_LOOP, 1, 0, 1),
	between(abi.IPV6_MTU_DISCOVER, 1, 0, 5),
	between(abi.IPV6_RECVERR_RFC4884, 0, 0, 1),
	row(optionRow{set: abi.EADDRNOTAVAIL}, abi.IPV6_UNICAST_IF),
	row(optionRow{set: abi.EINVAL}, abi.IPV6_MTU),
	asked(0, abi.IPV6_ROUTER_ALERT),
	refused(abi.EINVAL, 0, abi.IPV6_HOPOPTS, abi.IPV6_RTHDRDSTOPTS, abi.IPV6_RTHDR, abi.IPV6_DSTOPTS),
	refused(abi.EINVAL, abi.ENOPROTOOPT, abi.IPV6_ADD_MEMBERSHIP, abi.IPV6_DROP_MEMBERSHIP, abi.IPV6_JOIN_ANYCAST, abi.IPV6_LEAVE_ANYCAST,
		abi.IPV6_XFRM_POLICY, abi.IPV6_PKTINFO, 42, 43, 44, 45, 46, 47),
	refused(abi.EINVAL, abi.EINVAL, abi.IPV6_FLOWLABEL_MGR, 48),
	refused(abi.EOPNOTSUPP, abi.ENOPROTOOPT, abi.IPV6_IPSEC_POLICY),
	refused(abi.ENOPROTOOPT, abi.EINVAL, abi.IPV6_PATHMTU),
	refused(abi.EINVAL, abi.ENOTCONN, abi.IPV6_ADDRFORM),
)

var tcpIp6Table = tables(ip6Table,
	flags(abi.IPV6_RECVERR),
	row(optionRow{max: 255, min: math.MinInt32, mask: 0xfc, unset: true}, abi.IPV6_TCLASS),
	row(optionRow{kind: forgotten, min: math.MinInt32, max: math.MaxInt32}, abi.IPV6_2292PKTOPTIONS),
	asked(0, abi.IPV6_MULTICAST_IF),
	asked(1, abi.IPV6_MULTICAST_HOPS),
)

var udpIp6Table = tables(ip6Table,
	flags(abi.IPV6_RECVERR, abi.IPV6_DONTFRAG).but(),
	row(optionRow{max: 255, unset: true}, abi.IPV6_TCLASS),
	row(optionRow{get: abi.ENOPROTOOPT, min: math.MinInt32, max: math.MaxInt32}, abi.IPV6_2292PKTOPTIONS),
	between(abi.IPV6_MULTICAST_IF, 0, 0, math.MaxInt32).but(),
	row(optionRow{def: 1, max: 255, unset: true}, abi.IPV6_MULTICAST_HOPS),
)

// noMulticast: sockets of AF_INET6 get none over IPv4 unless they ask.
var noMulticast = between(abi.IP_MULTICAST_ALL, 0, 0, 1)

// inetLevels are the tables of a protocol, and its own level.
type inetLevels struct {
	level         int
	own, ip4, ip6 optionTable
}

// setInetOption sets an option of a level other than SOL_SOCKET. Models do_ip_setsockopt, do_ipv6_setsockopt, and the choice
// between them. A socket of AF_INET6 that is of AF_INET's level too may have no policy.
func (s *inetSock) setInetOption(o optioned, l *inetLevels, level, name, v int) abi.Errno {
	switch {
	case level == l.level:
		return setTabled(o, l.own, level, name, v)
	case level == abi.SOL_IP && name == abi.IP_XFRM_POLICY && s.family == abi.AF_INET6:
		return abi.EOPNOTSUPP
	case level == abi.SOL_IP && name == abi.IP_UNICAST_IF && v == 0, level == abi.SOL_IP && name == abi.IP_MULTICAST_IF && l.level == abi.SOL_UDP && v == 0:
		return 0
	case level == abi.SOL_IP && name == abi.IP_LOCAL_PORT_RANGE && v&0xffff > int(uint32(v)>>16) && v&0xffff != 0 && uint32(v)>>16 != 0:
		return abi.EINVAL
	case level == abi.SOL_IP && name == abi.IP_MULTICAST_ALL && s.family == abi.AF_INET6:
		return setTabled(o, noMulticast, level, name, v)
	case level == abi.SOL_IP:
		return setTabled(o, l.ip4, level, name, v)
	case level != abi.SOL_IPV6 || s.family != abi.AF_INET6:
		return abi.ENOPROTOOPT
	}
	switch name {
	case abi.IPV6_V6ONLY:
		if s.port != nil {
			return abi.EINVAL
		}
		s.v6only = v != 0
		return 0
	case abi.IPV6_UNICAST_IF:
		if v == 0 {
			return 0
		}
	case abi.IPV6_MTU:
		if v == 0 {
			return 0
		}
		if v >= 1280 && v <= loopbackMtu {
			return notModelled(s.m, "setsockopt IPV6_MTU of a %s socket", o.proto())
		}
	case abi.IPV6_ADDRFORM:
		if v == abi.AF_INET {
			if s.state == inetEstablished {
				return notModelled(s.m, "setsockopt IPV6_ADDRFORM of a %s socket", o.proto())
			}
			return abi.ENOTCONN
		}
	case ip6AddrPreferences:
		if v != 0 {
			return notModelled(s.m, "setsockopt IPV6_ADDR_PREFERENCES of a %s socket", o.proto())
		}
		return 0
	}
	return setTabled(o, l.ip6, level, name, v)
}

const ip6AddrPreferences = 72

// inetOption returns an option of a level other than SOL_SOCKET.
func (s *inetSock) inetOption(o optioned, l *inetLevels, level, name int) (int, abi.Errno) {
	connected := s.remote.Port() != 0 && s.state != inetClose && s.state != inetSynSent
	switch {
	case level == l.level:
		return tabled(o, l.own, level, name)
	case level == abi.SOL_IP && name == abi.IP_MTU:
		return s.mtu(connected)
	case level == abi.SOL_IP && name == abi.IP_MULTICAST_ALL && s.family == abi.AF_INET6:
		return tabled(o, noMulticast, level, name)
	case level == abi.SOL_IP && name == abi.IP_PROTOCOL && s.port != nil:
		return int(s.port.number), 0 // inet_num, which raw sockets have their protocol in
	case level == abi.SOL_IP && name == abi.IP_UNICAST_IF, level == abi.SOL_IP && name == abi.IP_MULTICAST_IF:
		return 0, 0
	case level == abi.SOL_IP:
		return tabled(o, l.ip4, level, name)
	case s.family != abi.AF_INET6:
		return 0, abi.EOPNOTSUPP
	case level != abi.SOL_IPV6:
		return 0, abi.ENOPROTOOPT
	}
	switch name {
	case abi.IPV6_V6ONLY:
		return truth(s.v6only), 0
	case abi.IPV6_MTU:
		return s.mtu(connected)
	case abi.IPV6_ADDRFORM:
		if s.state == inetEstablished {
			return int(s.family), 0
		}
	case ip6AddrPreferences:
		return 0x500, 0
	}
	return tabled(o, l.ip6, level, name)
}

// mtu is how long a packet to the peer may be.
func (s *inetSock) mtu(connected bool) (int, abi.Errno) {
	switch {
	case !connected:
		return 0, abi.ENOTCONN
	case s.remote.Addr().Is4():
		return ipMaxMtu, 0
	}
	return loopbackMtu, 0
}

// Options of all sockets of the two families that are not in sockOptions.

func (s *inetSock) setReuse(name, v int) bool {
	switch name {
	case abi.SO_REUSEADDR:
		s.reuse = v != 0
	case abi.SO_REUSEPORT:
		s.reuseport = v != 0
	default:
		return false
	}
	return true
}

func (s *inetSock) ownOption(name int) (v int, ok bool) {
	switch name {
	case abi.SO_DOMAIN:
		return int(s.family), true
	case abi.SO_PROTOCOL:
		return s.ports.protocol, true
	case abi.SO_REUSEADDR:
		return truth(s.reuse), true
	case abi.SO_REUSEPORT:
		return truth(s.reuseport), true
	case abi.SO_PEERCRED:
		return 0, true
	}
	return 0, false
}
