package fuzz

import (
	"fmt"
	"net/netip"
	"strconv"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
)

// Rows of UDP sockets. Ports are those that a bind has asked for: those that a kernel chooses it chooses at random.

// udpAddrs are the addresses that programs use; the last one is none.
var udpAddrs = func() (all []abi.Sockaddr) {
	for _, text := range []string{
		"127.0.0.1:1001", "127.0.0.1:1002", "127.0.0.1:1003", "0.0.0.0:1001", "[::1]:1001", "[::1]:1002", "[::]:1001", "[::ffff:127.0.0.1]:1001",
		"127.0.0.2:1001", "127.0.0.1:0", "[::]:0", "[::ffff:127.0.0.1]:1002", "[::ffff:0.0.0.0]:1002", "0.0.0.0:0", "127.0.0.3:1003",
	} {
		all = append(all, abi.InetAddr(netip.MustParseAddrPort(text)))
	}
	return append(all, abi.Sockaddr{})
}()

// anyPort makes one of all ports that a kernel has chosen.
const anyPort = `def any_port(addr):
    return (addr[0], 32768) if type(addr) == "tuple" and addr[1] >= 32768 else addr
def any_sender(got):
    return got if type(got) != "tuple" else (got[0], any_port(got[1]))
`

// noAddr is AF_UNSPEC in the list.
var noAddr = int64(len(udpAddrs) - 1)

var (
	udpSizes     = []int64{1, 0, 100, 1000, 1, 197, 198, 184, 185, 645, 646, 4000, 16004, 16005, 60000, 65507, 65508, 15991, 15992, 1670}
	udpReads     = []int64{100, 1, 0, 70000, 100, 1000}
	udpBuffers   = []int64{1, 2000, 5000, 10000, 100000, 0}
	udpFlags     = []int64{0, 0, 0, abi.MSG_DONTWAIT, abi.MSG_NOSIGNAL, abi.MSG_OOB, abi.MSG_CONFIRM, abi.MSG_EOR}
	udpRecvFlags = []int64{0, 0, 0, abi.MSG_PEEK, abi.MSG_TRUNC, abi.MSG_PEEK | abi.MSG_TRUNC, abi.MSG_DONTWAIT, abi.MSG_WAITALL, abi.MSG_OOB}
	udpOptNames  = []int64{abi.SO_ERROR, abi.SO_RCVBUF, abi.SO_SNDBUF, abi.SO_TYPE, abi.SO_REUSEADDR, abi.SO_REUSEPORT, abi.SO_RCVLOWAT, abi.SO_PROTOCOL, abi.SO_DOMAIN}
)

var udpRows = []*op{
	{
		name: "udp socket", weight: 5, form: "socket({0:AF}, {1:SOCK})",
		choose: func(g *generator) bool {
			return g.args([]int64{abi.AF_INET, abi.AF_INET, abi.AF_INET6}[g.pick(3)], abi.SOCK_DGRAM|[]int64{abi.SOCK_NONBLOCK, abi.SOCK_NONBLOCK, abi.SOCK_NONBLOCK | abi.SOCK_CLOEXEC, 0}[g.pick(4)])
		},
		run:    func(r *runner, a []int64) { r.int(r.Socket(int(a[0]), int(a[1]), 0)) },
		effect: opens(udp),
	},
	{
		name: "udp bind", weight: 6, form: "bind({0:fd}, {1:addr})",
		choose: func(g *generator) bool { return g.onUdp(g.addr(len(udpAddrs) - 1)) },
		run:    func(r *runner, a []int64) { r.zero(r.Bind(int(a[0]), udpAddrs[a[1]])) },
	},
	{
		name: "udp connect", weight: 7, form: "connect({0:fd}, {1:addr})",
		choose: func(g *generator) bool { return g.onUdp(g.addr(len(udpAddrs))) && g.oneFamily(g.argv[0], g.argv[1]) },
		run:    func(r *runner, a []int64) { r.zero(r.Connect(int(a[0]), udpAddrs[a[1]])) },
	},
	{
		name: "udp sendto", weight: 9, form: "sendto({0:fd}, {1:bytes} * {2}, {3:addr}, {4:MSG})",
		choose: func(g *generator) bool {
			return g.onUdp('A'+int64(len(g.calls)%26), udpSizes[g.pick(len(udpSizes))], g.addr(len(udpAddrs)-1), udpFlags[g.pick(len(udpFlags))]) &&
				g.oneFamily(g.argv[0], g.argv[3])
		},
		run: func(r *runner, a []int64) {
			r.int(r.Sendto(int(a[0]), r.fill(byte(a[1]), int(a[2])), int(a[4]), &udpAddrs[a[3]]))
		},
	},
	{
		name: "udp send", weight: 9, act: 4, form: "send({0:fd}, {1:bytes} * {2}, {3:MSG})",
		choose: func(g *generator) bool {
			return g.onUdp('A'+int64(len(g.calls)%26), udpSizes[g.pick(len(udpSizes))], udpFlags[g.pick(len(udpFlags))])
		},
		run: func(r *runner, a []int64) {
			r.int(r.Sendto(int(a[0]), r.fill(byte(a[1]), int(a[2])), int(a[3]), nil))
		},
	},
	{
		name: "udp recvfrom", weight: 6, act: 2, blocks: true, form: "any_sender(recvfrom({0:fd}, {1}, {2:MSG}))", prelude: anyPort,
		choose: func(g *generator) bool {
			return g.onUdp(udpReads[g.pick(len(udpReads))], udpRecvFlags[g.pick(len(udpRecvFlags))])
		},
		run: func(r *runner, a []int64) {
			var from abi.Sockaddr
			p := r.buffer(int(a[1]))
			n, err := r.Recvfrom(int(a[0]), p, int(a[2]), &from)
			r.datagram(p, n, from, err)
		},
	},
	{
		name: "udp shutdown", weight: 2, form: "shutdown({0:fd}, {1:SHUT})",
		choose: func(g *generator) bool {
			return g.onUdp([]int64{abi.SHUT_RD, abi.SHUT_WR, abi.SHUT_RDWR, 3}[g.pick(4)])
		},
		run: func(r *runner, a []int64) { r.zero(r.Shutdown(int(a[0]), int(a[1]))) },
	},
	{
		name: "udp listen", weight: 1, form: "listen({0:fd})",
		choose: func(g *generator) bool { return g.onUdp() },
		run:    func(r *runner, a []int64) { r.zero(r.Listen(int(a[0]), 128)) },
	},
	{
		name: "udp accept", weight: 1, form: "accept({0:fd})",
		choose: func(g *generator) bool { return g.onUdp() },
		run:    func(r *runner, a []int64) { r.int(r.Accept(int(a[0]))) },
	},
	{
		name: "udp getsockopt", weight: 4, form: "getsockopt({0:fd}, SOL_SOCKET, {1:SO})",
		choose: func(g *generator) bool { return g.onUdp(udpOptNames[g.pick(len(udpOptNames))]) },
		run:    func(r *runner, a []int64) { r.int(r.Getsockopt(int(a[0]), abi.SOL_SOCKET, int(a[1]))) },
	},
	{
		name: "udp setsockopt", weight: 5, form: "setsockopt({0:fd}, SOL_SOCKET, {1:SO}, {2})",
		choose: func(g *generator) bool {
			name := []int64{abi.SO_RCVBUF, abi.SO_SNDBUF, abi.SO_REUSEADDR, abi.SO_RCVLOWAT, abi.SO_REUSEADDR, abi.SO_BROADCAST}[g.pick(6)]
			if name == abi.SO_REUSEADDR || name == abi.SO_BROADCAST {
				return g.onUdp(name, int64(g.pick(2)))
			}
			return g.onUdp(name, udpBuffers[g.pick(len(udpBuffers))])
		},
		run: func(r *runner, a []int64) {
			r.zero(r.Setsockopt(int(a[0]), abi.SOL_SOCKET, int(a[1]), kernel.SockOpt{A: int(a[2])}))
		},
	},
	{
		name: "udp IPV6_V6ONLY", weight: 1, form: "setsockopt({0:fd}, IPPROTO_IPV6, IPV6_V6ONLY, {1})",
		choose: func(g *generator) bool {
			fd := g.fd(isUdp)
			if g.kindOf(fd) != udp {
				return false
			}
			domain, err := g.runner.Getsockopt(int(fd), abi.SOL_SOCKET, abi.SO_DOMAIN)
			return err == nil && domain == abi.AF_INET6 && g.args(fd, int64(g.pick(2)))
		},
		run: func(r *runner, a []int64) {
			r.zero(r.Setsockopt(int(a[0]), abi.IPPROTO_IPV6, abi.IPV6_V6ONLY, kernel.SockOpt{A: int(a[1])}))
		},
	},
	{
		name: "udp getsockname", weight: 3, form: "any_port(getsockname({0:fd}))", prelude: anyPort,
		choose: func(g *generator) bool { return g.onUdp() },
		run: func(r *runner, a []int64) {
			name, err := r.Getsockname(int(a[0]))
			r.inetAddress(name, err)
		},
	},
	{
		name: "udp getpeername", weight: 2, form: "any_port(getpeername({0:fd}))", prelude: anyPort,
		choose: func(g *generator) bool { return g.onUdp() },
		run: func(r *runner, a []int64) {
			name, err := r.Getpeername(int(a[0]))
			r.inetAddress(name, err)
		},
	},
	{
		name: "udp ioctl", weight: 3, form: "ioctl({0:fd}, {1:IOCTL})",
		choose: func(g *generator) bool { return g.onUdp([]int64{abi.FIONREAD, abi.TIOCOUTQ}[g.pick(2)]) },
		run:    func(r *runner, a []int64) { r.long(r.Ioctl(int(a[0]), uint(a[1]), 0)) },
	},
	{name: "watched udp", weight: 8, setup: 4, expand: watchedUdp},
	{name: "full udp", weight: 2, expand: fullUdp},
}

// onUdp chooses a UDP socket and these arguments.
func (g *generator) onUdp(args ...int64) bool {
	fd := g.fd(isUdp)
	return g.kindOf(fd) == udp && g.args(append([]int64{fd}, args...)...)
}

// oneFamily keeps sockets of IPv6 to the family they have begun with: what else they do is not modelled.
func (g *generator) oneFamily(fd, addr int64) bool {
	a, err := g.runner.Getsockname(int(fd))
	if addr == noAddr || err != nil || a.Family != abi.AF_INET6 {
		return true
	}
	to := udpAddrs[addr].Inet.Addr()
	if a.Inet.Addr().IsUnspecified() {
		return a.Inet.Port() == 0 || !to.Is4() && !to.Is4In6() // it could become one of IPv6 again
	}
	return (to.Is4() || to.Is4In6()) == a.Inet.Addr().Is4In6()
}

// addr picks one of the first n addresses, the plain ones more often.
func (g *generator) addr(n int) int64 {
	v := g.pick(24)
	switch {
	case v < n:
		return int64(v)
	case n == len(udpAddrs) && v%3 == 0:
		return noAddr
	}
	return int64(g.pick(4))
}

// watchedUdp is a receiver and a sender that is connected to it, both watched.
func watchedUdp(g *generator) {
	ep := g.anEpoll()
	v6 := int64(g.pick(2))
	to := []int64{0, 4}[v6]
	domain := []int64{abi.AF_INET, abi.AF_INET6}[v6]
	a := g.call("udp socket", domain, abi.SOCK_DGRAM|abi.SOCK_NONBLOCK)
	g.call("udp bind", a, to)
	g.call("epoll_ctl", ep, abi.EPOLL_CTL_ADD, a, g.mask(), a)
	b := g.call("udp socket", domain, abi.SOCK_DGRAM|abi.SOCK_NONBLOCK)
	g.call("udp connect", b, to)
	g.call("epoll_ctl", ep, abi.EPOLL_CTL_ADD, b, g.mask(), b)
	if g.pick(2) == 0 {
		g.call("udp send", b, 'u', udpSizes[g.pick(4)], 0)
	}
	if g.pick(2) == 0 {
		g.call("close", a)
	}
}

// fullUdp sends more than a receiver with a small buffer takes, and reads some.
func fullUdp(g *generator) {
	a := g.call("udp socket", abi.AF_INET, abi.SOCK_DGRAM|abi.SOCK_NONBLOCK)
	g.call("udp bind", a, 2)
	g.call("udp setsockopt", a, abi.SO_RCVBUF, udpBuffers[g.pick(4)])
	size := udpSizes[g.pick(len(udpSizes))]
	for range 4 + g.pick(12) {
		g.call("udp sendto", a, 'f', size, 2, 0)
		if g.pick(4) == 3 {
			g.call("udp recvfrom", a, 10, 0)
			size = udpSizes[g.pick(6)]
		}
	}
	for range 6 {
		g.call("udp recvfrom", a, 10, 0)
	}
}

// datagram writes what was received and from whom.
func (r *runner) datagram(p []byte, n int, from abi.Sockaddr, err error) {
	if r.failed(err) {
		return
	}
	r.text = append(r.text, '(')
	r.data(p, min(n, len(p)), nil)
	r.text = append(r.text, ", "...)
	r.text = append(r.text, addrText(from)...)
	r.text = append(r.text, ')')
}

func (r *runner) inetAddress(a abi.Sockaddr, err error) {
	if !r.failed(err) {
		r.text = append(r.text, addrText(a)...)
	}
}

// addrText is an address as a scenario gets it; ports that a kernel has chosen are all told as 32768.
func addrText(a abi.Sockaddr) string {
	if a.Family == abi.AF_UNSPEC {
		return `""`
	}
	port := a.Inet.Port()
	if port >= 32768 {
		port = 32768
	}
	return fmt.Sprintf("(%s, %d)", strconv.Quote(a.Inet.Addr().String()), port)
}

// spellAddr is an address as a scenario gives it.
func spellAddr(v int64) string {
	if v == noAddr {
		return "None"
	}
	a := udpAddrs[v].Inet
	return fmt.Sprintf("(%s, %d)", strconv.Quote(a.Addr().String()), a.Port())
}
