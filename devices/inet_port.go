package devices

import (
	"net/netip"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
)

// inetPorts are the ports that sockets of a protocol have. Models struct inet_hashinfo (bhash) and struct udp_table.
type inetPorts struct {
	net      *InetNet
	protocol int
	lock     sim.Spinlock
	id       sim.ID
	byPort   map[uint16]*inetPort
	next     [2]uint16 // where the search for a port begins, even and odd
}

// inetPort is a port that at least one socket has, models struct inet_bind_bucket.
type inetPort struct {
	number      uint16
	byConnect   bool      // only connects have chosen it: bind and they share it no further
	first, last *inetSock // owners, in order
	listeners   []*Tcp    // of them, in order of listen
}

// The ports that the kernel gives, net.ipv4.ip_local_port_range. A connect is given an even one, a bind an odd one, as
// long as there are any; Linux begins at random, the model at the beginning.
const (
	firstPort = 32768
	lastPort  = 60999
)

// Listening reports whether a TCP socket listens for connects to addr. It is no step.
func (n *InetNet) Listening(addr netip.AddrPort) bool {
	return n.tcp.owners(addr.Port(), func(s *inetSock) bool { return s.state == inetListen && s.receives(addr.Addr()) })
}

// Receiving reports whether a UDP socket gets what is sent to addr. It is no step.
func (n *InetNet) Receiving(addr netip.AddrPort) bool {
	return n.udp.owners(addr.Port(), func(s *inetSock) bool { return s.receives(addr.Addr()) })
}

func (p *inetPorts) init(n *InetNet, protocol int) {
	p.net, p.protocol = n, protocol
	p.lock.Init(n.sys.M, classInetPorts)
	p.id = p.lock.ID()
	p.next = [2]uint16{firstPort, firstPort + 1}
}

// lookup is a point: who delivers a packet reads the chain of a port without a lock.
func (p *inetPorts) lookup(number uint16) { p.net.sys.M.ReadAt(p.id, fieldHash, int(number)) }

// changes is the point before the chain of a port is another one.
func (p *inetPorts) changes(number uint16) { p.net.sys.M.WriteAt(p.id, fieldHash, int(number)) }

// owners calls fn for the owners of a port until one returns true.
func (p *inetPorts) owners(number uint16, fn func(*inetSock) bool) bool {
	if port := p.byPort[number]; port != nil {
		for s := port.first; s != nil; s = s.portNext {
			if fn(s) {
				return true
			}
		}
	}
	return false
}

// take gives s a port. The caller holds p.lock.
func (p *inetPorts) take(s *inetSock, number uint16) {
	port := p.byPort[number]
	if port == nil {
		port = &inetPort{number: number}
		if p.byPort == nil {
			p.byPort = map[uint16]*inetPort{}
		}
		p.byPort[number] = port
	}
	p.net.sys.M.Write(s.id, fieldInetNum)
	p.changes(number)
	s.port, s.portPrev, s.portNext = port, port.last, nil
	if port.last != nil {
		port.last.portNext = s
	} else {
		port.first = s
	}
	port.last = s
}

// release takes the port from s, if it has one: inet_put_port, udp_lib_unhash.
func (p *inetPorts) release(s *inetSock) {
	p.lock.Lock()
	p.releaseLocked(s)
	p.lock.Unlock()
}

func (p *inetPorts) releaseLocked(s *inetSock) {
	port := s.port
	if port == nil {
		return
	}
	p.changes(port.number)
	p.net.sys.M.Write(s.id, fieldInetNum)
	if s.portPrev != nil {
		s.portPrev.portNext = s.portNext
	} else {
		port.first = s.portNext
	}
	if s.portNext != nil {
		s.portNext.portPrev = s.portPrev
	} else {
		port.last = s.portPrev
	}
	s.port, s.portPrev, s.portNext = nil, nil, nil
	if port.first == nil {
		delete(p.byPort, port.number)
	}
}

// choose finds a port that suits, of the parity that is asked for first (0 for connect, 1 for bind), 0 if there is none.
// The caller holds p.lock.
func (p *inetPorts) choose(parity int, suits func(number uint16) bool) uint16 {
	for _, parity := range [...]int{parity, 1 - parity} {
		const count = (lastPort - firstPort + 1) / 2
		number := p.next[parity]
		for range count {
			if suits(number) {
				p.next[parity] = nextPort(number)
				return p.given(number)
			}
			number = nextPort(number)
		}
	}
	return 0
}

// nextPort is the next one of the same parity.
func nextPort(number uint16) uint16 {
	if number += 2; number > lastPort {
		return firstPort + number&1
	}
	return number
}

// given is the port that the program is given: the model's choice, unless a log says otherwise.
func (p *inetPorts) given(number uint16) uint16 {
	if fn := p.net.PortFor; fn != nil {
		return fn(p.protocol, number)
	}
	return number
}

// overlaps reports whether a packet could be for both sockets: their addresses are the same, or one is a wildcard that
// holds the other. Models inet_rcv_saddr_equal with match_wildcard.
func (s *inetSock) overlaps(t *inetSock) bool {
	return s.covers(t) || t.covers(s)
}

// covers reports whether s receives what is for the address of t.
func (s *inetSock) covers(t *inetSock) bool {
	a, b := s.local.Addr(), t.local.Addr()
	switch {
	case a == b:
		return true
	case !a.IsUnspecified():
		return false
	case a.Is4():
		return b.Is4() || !t.v6only // one that connect has given an address of IPv6 counts, too
	}
	return b.Is6() || !s.v6only // the wildcard of IPv6 holds IPv4 too
}

// receives reports whether a packet for an address is one for s.
func (s *inetSock) receives(to netip.Addr) bool {
	a := s.local.Addr()
	switch {
	case a == to:
		return true
	case !a.IsUnspecified():
		return false
	case a.Is4():
		return to.Is4()
	}
	return to.Is6() || !s.v6only
}

// setLocal gives s an address, and with it what is not received any more: who is bound to an address of IPv6 gets no
// IPv4.
func (s *inetSock) setLocal(a netip.AddrPort) {
	s.m.Write(s.id, fieldSaddr)
	s.local, s.source = a, a.Addr()
	if a.Addr().Is6() && !a.Addr().IsUnspecified() {
		s.v6only = true
	}
}

// resetLocal takes an address away that nobody asked for: inet_reset_saddr.
func (s *inetSock) resetLocal() {
	s.m.Write(s.id, fieldSaddr)
	s.local, s.source = netip.AddrPortFrom(s.any(), s.local.Port()), s.any()
}

// bind gives s an address and a port, 0: any that is free. conflicts says whether an owner of a port keeps s from having
// it; chosen: the kernel looks for one. It ends what bindable began. Models __inet_bind with get_port.
func (s *inetSock) bind(a netip.AddrPort, conflicts func(owner *inetSock, chosen bool) bool) abi.Errno {
	if s.state != inetClose || s.port != nil {
		return abi.EINVAL
	}
	number, v6only := s.local.Port(), s.v6only
	s.setLocal(a)
	if errno := s.getPort(a.Port(), conflicts); errno != 0 {
		s.v6only = v6only
		s.local = netip.AddrPortFrom(s.any(), number)
		s.resetLocal()
		return errno
	}
	s.addrLock = !a.Addr().IsUnspecified() || s.boundToIPv4()
	s.byBind = a.Port() != 0
	s.m.Write(s.id, fieldDaddr)
	s.remote = netip.AddrPort{}
	return 0
}

// getPort gives s the port it wants, 0: any. A socket that has it already keeps it. Models inet_csk_get_port and
// udp_lib_get_port.
func (s *inetSock) getPort(number uint16, conflicts func(owner *inetSock, chosen bool) bool) abi.Errno {
	p := s.ports
	p.lock.Lock()
	defer p.lock.Unlock()
	chosen := number == 0
	free := func(number uint16) bool {
		return !p.owners(number, func(t *inetSock) bool { return t != s && conflicts(t, chosen) })
	}
	switch {
	case chosen:
		number = p.choose(1, free)
		if number == 0 {
			return abi.EADDRINUSE
		}
	case !free(number):
		return abi.EADDRINUSE
	}
	if s.port == nil {
		p.take(s, number)
	}
	s.port.byConnect = false
	s.m.Write(s.id, fieldSaddr)
	s.local = netip.AddrPortFrom(s.local.Addr(), number)
	return 0
}
