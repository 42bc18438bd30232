package devices

import (
	"net/netip"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/vfs"
)

// Write sends to the peer, no bytes too: sock_write_iter.
func (u *Udp) Write(f *vfs.File, p []byte) (int, abi.Errno) {
	msg := Msg{Data: p}
	return u.Send(f, &msg)
}

// Send sends one datagram: sendmsg(2). Who has no port is given one before anything is looked at. Descriptors are not for
// these sockets, and ignored.
func (u *Udp) Send(_ *vfs.File, msg *Msg) (int, abi.Errno) {
	enter(u.m, "udp_sendmsg")
	defer leave(u.m, "udp_sendmsg")
	if errno := u.autobind(); errno != 0 {
		return 0, errno
	}
	if u.family == abi.AF_INET6 {
		return u.send6(msg)
	}
	return u.send4(msg, msg.Name)
}

// send6 models udpv6_sendmsg: what is for an address of IPv4 goes the way of that.
func (u *Udp) send6(msg *Msg) (int, abi.Errno) {
	to := u.remote
	if name := msg.Name; name != nil {
		switch name.Family {
		case abi.AF_INET:
			return u.mapped(msg, msg.Name)
		case abi.AF_INET6:
			a, errno := u.given(*name)
			if errno != 0 {
				return 0, errno
			}
			if a.Addr() == netip.IPv6Unspecified() && u.source.Is4() {
				a = netip.AddrPortFrom(loopback(netip.IPv4Unspecified()), a.Port())
			}
			if a.Addr().Is4() {
				v4 := abi.InetAddr(a)
				return u.mapped(msg, &v4)
			}
			if a.Port() == 0 {
				return 0, abi.EINVAL
			}
			to = a
		case abi.AF_UNSPEC:
			msg.Name = nil
			return u.send6(msg)
		default:
			return 0, abi.EINVAL
		}
	} else {
		u.m.Read(u.id, fieldSkState)
		if u.state != inetEstablished {
			return 0, abi.EDESTADDRREQ
		}
		if to.Addr().Is4() {
			v4 := abi.InetAddr(to)
			return u.mapped(msg, &v4)
		}
	}
	if errno := checkUdpFlags(u, msg.Flags&^abi.MSG_OOB); errno != 0 {
		return 0, errno
	}
	return u.transmit(msg, to, maxUdp)
}

// mapped sends by IPv4 from a socket of IPv6.
func (u *Udp) mapped(msg *Msg, to *abi.Sockaddr) (int, abi.Errno) {
	if u.v6only {
		return 0, abi.ENETUNREACH
	}
	return u.send4(msg, to)
}

// send4 models udp_sendmsg.
func (u *Udp) send4(msg *Msg, name *abi.Sockaddr) (int, abi.Errno) {
	if len(msg.Data) > 0xffff {
		return 0, abi.EMSGSIZE
	}
	if errno := checkUdpFlags(u, msg.Flags); errno != 0 {
		return 0, errno
	}
	if name == nil {
		u.m.Read(u.id, fieldSkState)
		if u.state != inetEstablished {
			return 0, abi.EDESTADDRREQ
		}
		return u.transmit(msg, u.remote, maxUdp4)
	}
	switch {
	case name.Len() < abi.SizeofSockaddrIn:
		return 0, abi.EINVAL
	case name.Family != abi.AF_INET:
		return 0, abi.EAFNOSUPPORT
	case name.Inet.Port() == 0:
		return 0, abi.EINVAL
	}
	return u.transmit(msg, name.Inet, maxUdp4)
}

// checkUdpFlags refuses what is not for datagrams, and by name what is not modelled.
func checkUdpFlags(u *Udp, flags int) abi.Errno {
	if flags&abi.MSG_OOB != 0 {
		return abi.EOPNOTSUPP
	}
	if flags&(abi.MSG_MORE|abi.MSG_PROBE) != 0 {
		return notModelled(u.m, "a datagram with %s", abi.Flags("MSG", int64(flags)))
	}
	return 0
}

// transmit makes a datagram and takes it to its receiver. A pending error is told before anything is sent. Models
// ip_make_skb, sock_alloc_send_pskb and udp_send_skb.
func (u *Udp) transmit(msg *Msg, to netip.AddrPort, most int) (int, abi.Errno) {
	dst, src, errno := u.routed(to)
	n := len(msg.Data)
	switch {
	case errno != 0:
		return 0, errno
	case n > most:
		return 0, abi.EMSGSIZE
	}
	if errno := u.takeErr(); errno != 0 {
		return 0, errno
	}
	if u.readShutdown()&sendShutdown != 0 {
		return 0, abi.EPIPE
	}
	fragments := 1
	if dst.Addr().Is6() && n > maxUnfragmented {
		fragments = 2
		u.m.Read(u.id, fieldSndbuf)
		if fragmentCost+1 > 2*u.sndbuf {
			u.leave(fragmentCost) // the first one was there
			return 0, abi.ENOBUFS
		}
	}
	d := u.net.getDatagram(n)
	copy(d.data, msg.Data)
	d.cost = udpCost(n, dst.Addr().Is6())
	d.from, d.to = netip.AddrPortFrom(src, u.local.Port()), dst
	u.net.sys.Counters.Allocations++
	for range fragments {
		u.leave(d.cost / int32(fragments))
	}
	u.net.deliver(d)
	return n, 0
}

// leave takes what is sent out of the sender's memory: on the loopback that is at once, and the sender is told each time
// that it may write. Models loopback_xmit and sock_wfree.
func (u *Udp) leave(cost int32) {
	enter(u.m, "loopback_xmit")
	u.m.Write(u.id, fieldWmem)
	u.wmem += cost
	u.m.Write(u.id, fieldWmem)
	u.wmem -= cost
	u.writeSpace()
	leave(u.m, "loopback_xmit")
}

// deliver gives d to the socket it is for. If there is none, the sender's is told, if it is connected: an ICMP message
// says so. Models __udp4_lib_rcv, icmp_send and __udp4_lib_err.
func (n *InetNet) deliver(d *datagram) {
	enter(n.sys.M, "udp_rcv")
	defer leave(n.sys.M, "udp_rcv")
	if u := n.lookupUdp(d.to, d.from); u != nil {
		if !u.enqueue(d) {
			n.putDatagram(d)
		}
		return
	}
	if u := n.lookupUdp(d.from, d.to); u != nil {
		u.m.Read(u.id, fieldSkState)
		if u.state == inetEstablished {
			u.m.Write(u.id, fieldErr)
			u.err = abi.ECONNREFUSED
			u.reportErr()
		}
	}
	n.putDatagram(d)
}

// lookupUdp finds the socket that a datagram is for: with this very address rather than a wildcard, connected to the
// sender rather than not, of equals the one that was hashed last. Models __udp4_lib_lookup and __udp6_lib_lookup.
func (n *InetNet) lookupUdp(to, from netip.AddrPort) *Udp {
	n.udp.lookup(to.Port())
	for _, wildcard := range [...]bool{false, true} {
		var best *Udp
		most := -1
		n.udp.owners(to.Port(), func(s *inetSock) bool {
			if score := s.udpScore(to.Addr(), from, wildcard); score > most || score == most && best != nil && s.udp.hashed > best.hashed {
				best, most = s.udp, score
			}
			return false
		})
		if best != nil {
			return best.oneOfGroup(from)
		}
	}
	return nil
}

// oneOfGroup chooses among the sockets that share the address of u by SO_REUSEPORT and are not connected: by the sender's
// port, where Linux has a hash with a secret. Models reuseport_select_sock.
func (u *Udp) oneOfGroup(from netip.AddrPort) *Udp {
	if !u.reuseport || u.state == inetEstablished {
		return u
	}
	var group []*Udp
	u.ports.owners(u.local.Port(), func(s *inetSock) bool {
		if s.reuseport && s.state != inetEstablished && s.family == u.family && s.local == u.local {
			group = append(group, s.udp)
		}
		return false
	})
	if choose := u.net.ReceiverFor; choose != nil && len(group) > 1 {
		return choose(from, group)
	}
	return group[int(from.Port())%len(group)]
}

// udpScore is how well a socket suits a datagram, -1: not at all. Models compute_score.
func (s *inetSock) udpScore(to netip.Addr, from netip.AddrPort, wildcard bool) int {
	s.m.Read(s.id, fieldSaddr)
	local := s.local.Addr()
	if wildcard != local.IsUnspecified() || !s.receives(to) {
		return -1
	}
	s.m.Read(s.id, fieldDaddr)
	score := 0
	if s.family == abi.AF_INET && to.Is4() {
		score = 1
	}
	if peer := s.remote.Addr(); peer.IsValid() && !peer.IsUnspecified() {
		if peer != from.Addr() {
			return -1
		}
		score += 4
	}
	if port := s.remote.Port(); port != 0 {
		if port != from.Port() {
			return -1
		}
		score += 4
	}
	return score
}
