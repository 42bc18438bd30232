package fuzz

import (
	"net/netip"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
)

// Rows of TCP sockets. Ports are chosen by the kernel, which Linux does at random: no result tells one, and who connects
// takes the address from a listener. Sockets do not block: what a blocking read of several bytes waits for is not easy to
// see beforehand. Left out is what depends on time or on the size of buffers that grow.

// tcpAddrs are the addresses to bind to; nobody listens at the last one.
var tcpAddrs = func() (all []abi.Sockaddr) {
	for _, text := range []string{"127.0.0.1:0", "0.0.0.0:0", "[::1]:0", "[::]:0", "[::ffff:127.0.0.1]:0", "127.0.0.2:0", "192.0.2.1:0", "127.0.0.1:1", "[::1]:1"} {
		all = append(all, abi.InetAddr(netip.MustParseAddrPort(text)))
	}
	return all
}()

// Of tcpAddrs.
const (
	bindable = 7
	refusing = 7 // and from there on
)

var (
	tcpFamilies  = []int64{abi.AF_INET, abi.AF_INET, abi.AF_INET, abi.AF_INET6}
	tcpTypes     = []int64{abi.SOCK_STREAM | abi.SOCK_NONBLOCK, abi.SOCK_STREAM | abi.SOCK_NONBLOCK, abi.SOCK_STREAM | abi.SOCK_NONBLOCK | abi.SOCK_CLOEXEC}
	tcpBacklogs  = []int64{5, 0, 1, 128, 2}
	tcpSendSizes = []int64{1, 100, 1, 2, 1000, 0, 3, 536, 4096, 10, 20000}
	tcpRecvSizes = []int64{100, 1, 65536, 2, 4096, 0, 10}
	tcpSendFlags = []int64{0, 0, 0, abi.MSG_OOB, abi.MSG_DONTWAIT, abi.MSG_MORE, abi.MSG_NOSIGNAL, abi.MSG_EOR}
	tcpRecvFlags = []int64{0, 0, abi.MSG_PEEK, abi.MSG_OOB, abi.MSG_DONTWAIT, abi.MSG_WAITALL, abi.MSG_OOB | abi.MSG_PEEK}
	tcpShutdowns = []int64{abi.SHUT_WR, abi.SHUT_RD, abi.SHUT_RDWR, abi.SHUT_WR, 3}
	tcpOptions   = []int64{abi.SO_ERROR, abi.SO_ERROR, abi.SO_TYPE, abi.SO_ACCEPTCONN, abi.SO_DOMAIN, abi.SO_PROTOCOL, abi.SO_RCVLOWAT, abi.SO_OOBINLINE, abi.SO_REUSEADDR, abi.SO_LINGER, abi.SO_KEEPALIVE}
)

// tcpChange is an option to set and a value.
type tcpChange struct{ level, name, value int64 }

var tcpChanges = []tcpChange{
	{abi.SOL_TCP, abi.TCP_NODELAY, 1}, {abi.SOL_SOCKET, abi.SO_RCVLOWAT, 2}, {abi.SOL_SOCKET, abi.SO_RCVLOWAT, 100}, {abi.SOL_TCP, abi.TCP_NODELAY, 0},
	{abi.SOL_SOCKET, abi.SO_RCVLOWAT, 1}, {abi.SOL_SOCKET, abi.SO_OOBINLINE, 1}, {abi.SOL_TCP, abi.TCP_CORK, 1}, {abi.SOL_TCP, abi.TCP_CORK, 0},
	{abi.SOL_SOCKET, abi.SO_SNDBUF, 50000}, {abi.SOL_SOCKET, abi.SO_OOBINLINE, 0}, {abi.SOL_SOCKET, abi.SO_REUSEADDR, 1}, {abi.SOL_SOCKET, abi.SO_REUSEPORT, 1},
	{abi.SOL_TCP, abi.TCP_QUICKACK, 1}, {abi.SOL_TCP, abi.TCP_NOTSENT_LOWAT, 10}, {abi.SOL_SOCKET, abi.SO_KEEPALIVE, 1}, {abi.SOL_SOCKET, abi.SO_RCVBUF, 50000},
	{abi.SOL_TCP, abi.TCP_NOTSENT_LOWAT, -1}, {abi.SOL_TCP, abi.TCP_QUICKACK, 0}, {abi.SOL_SOCKET, abi.SO_RCVLOWAT, 0}, {abi.SOL_SOCKET, abi.SO_RCVLOWAT, -1},
	{abi.SOL_SOCKET, abi.SO_TYPE, 1}, {abi.SOL_SOCKET, abi.SO_ERROR, 1}, {99, 1, 1},
}

var tcpRows = []*op{
	{name: "tcp pair", weight: 5, setup: 8, expand: unlessTty(tcpPair)},
	{
		name: "tcp send", weight: 13, act: 6, second: 3, form: "send({0:fd}, {1:bytes} * {2}, {3:MSG})",
		choose: func(g *generator) bool {
			return g.onTcp(isTcp, 'a'+int64(len(g.calls)%26), tcpSendSizes[g.pick(len(tcpSendSizes))], tcpSendFlags[g.pick(len(tcpSendFlags))])
		},
		run: func(r *runner, a []int64) {
			r.int(r.Sendto(int(a[0]), r.fill(byte(a[1]), int(a[2])), int(a[3]), nil))
		},
	},
	{
		name: "tcp recv", weight: 12, act: 6, second: 3, form: "recv({0:fd}, {1}, {2:MSG})",
		choose: func(g *generator) bool {
			return g.onTcp(isTcp, tcpRecvSizes[g.pick(len(tcpRecvSizes))], tcpRecvFlags[g.pick(len(tcpRecvFlags))])
		},
		run: func(r *runner, a []int64) {
			p := r.buffer(int(a[1]))
			n, err := r.Recvfrom(int(a[0]), p, int(a[2]), nil)
			r.data(p, n, err)
		},
	},
	{
		name: "tcp shutdown", weight: 3, act: 2, form: "shutdown({0:fd}, {1:SHUT})",
		choose: func(g *generator) bool { return g.onTcp(isTcp, tcpShutdowns[g.pick(len(tcpShutdowns))]) },
		run:    func(r *runner, a []int64) { r.zero(r.Shutdown(int(a[0]), int(a[1]))) },
	},
	{
		name: "tcp socket", weight: 2, form: "socket({0:AF}, {1:SOCK})",
		choose: func(g *generator) bool {
			return !g.tty() && g.args(tcpFamilies[g.pick(len(tcpFamilies))], tcpTypes[g.pick(len(tcpTypes))])
		},
		run: func(r *runner, a []int64) { r.int(r.Socket(int(a[0]), int(a[1]), 0)) },
		effect: func(g *generator, _ []int64, r *runner) {
			g.opened(r.ret, tcp)
			g.prog.timed = true
		},
	},
	{
		name: "tcp bind", weight: 1, form: "bind({0:fd}, {1:tcpaddr})",
		choose: func(g *generator) bool { return g.onTcp(isTcp, int64(g.pick(bindable))) },
		run:    func(r *runner, a []int64) { r.zero(r.Bind(int(a[0]), tcpAddrs[a[1]])) },
	},
	{
		name: "tcp bind to the same", weight: 1, form: "bind({0:fd}, getsockname({1:fd}))",
		choose: func(g *generator) bool {
			of := g.named()
			return of >= 0 && g.onTcp(isTcp, of) && g.sameFamily(g.argv[0], of)
		},
		run: func(r *runner, a []int64) { r.zero(r.atName("bind", int(a[0]), int(a[1]))) },
	},
	{
		name: "tcp listen", weight: 2, form: "listen({0:fd}, {1})",
		choose: func(g *generator) bool { return g.onTcp(isTcp, tcpBacklogs[g.pick(len(tcpBacklogs))]) },
		run:    func(r *runner, a []int64) { r.zero(r.Listen(int(a[0]), int(a[1]))) },
	},
	{
		name: "tcp connect", weight: 3, act: 2, form: "connect({0:fd}, getsockname({1:fd}))",
		choose: func(g *generator) bool {
			of := g.named()
			return of >= 0 && g.onTcp(isTcp, of) && g.argv[0] != of && g.nonBlocking(g.argv[0]) && g.sameFamily(g.argv[0], of) && !g.shared(of)
		},
		run: func(r *runner, a []int64) { r.zero(r.atName("connect", int(a[0]), int(a[1]))) },
	},
	{
		name: "tcp connect to nobody", weight: 2, form: "connect({0:fd}, {1:tcpaddr})",
		choose: func(g *generator) bool {
			return g.onTcp(isTcp, int64(refusing+g.pick(len(tcpAddrs)-refusing)))
		},
		run: func(r *runner, a []int64) { r.zero(r.Connect(int(a[0]), tcpAddrs[a[1]])) },
	},
	{
		name: "tcp disconnect", weight: 1, form: "connect({0:fd}, None)",
		choose: func(g *generator) bool { return g.onTcp(isTcp) },
		run:    func(r *runner, a []int64) { r.zero(r.Connect(int(a[0]), abi.Sockaddr{Family: abi.AF_UNSPEC})) },
	},
	{
		name: "tcp accept4", weight: 3, act: 2, form: "accept4({0:fd}, {1:ACCEPT4})",
		choose: func(g *generator) bool {
			return g.onTcp(isTcp, abi.SOCK_NONBLOCK|int64(g.pick(2))*abi.SOCK_CLOEXEC) && g.nonBlocking(g.argv[0])
		},
		run:    func(r *runner, a []int64) { r.int(r.Accept4(int(a[0]), int(a[1]))) },
		effect: opens(tcp),
	},
	{
		name: "tcp setsockopt", weight: 4, act: 2, form: "setsockopt({0:fd}, {1:SOL}, {2:SO}, {3})",
		choose: func(g *generator) bool {
			c := tcpChanges[g.pick(len(tcpChanges))]
			return g.onTcp(isTcp, c.level, c.name, c.value)
		},
		run: func(r *runner, a []int64) {
			r.zero(r.Setsockopt(int(a[0]), int(a[1]), int(a[2]), kernel.SockOpt{A: int(a[3])}))
		},
	},
	{
		name: "tcp linger", weight: 1, form: "setsockopt({0:fd}, SOL_SOCKET, SO_LINGER, ({1}, 0))",
		choose: func(g *generator) bool { return g.onTcp(isTcp, 1-int64(g.pick(3)/2)) },
		run: func(r *runner, a []int64) {
			r.zero(r.Setsockopt(int(a[0]), abi.SOL_SOCKET, abi.SO_LINGER, kernel.SockOpt{A: int(a[1]), Pair: true}))
		},
	},
	{
		name: "tcp getsockopt", weight: 3, form: "getsockopt({0:fd}, SOL_SOCKET, {1:SO})",
		choose: func(g *generator) bool { return g.onTcp(isTcp, tcpOptions[g.pick(len(tcpOptions))]) },
		run:    func(r *runner, a []int64) { r.int(r.Getsockopt(int(a[0]), abi.SOL_SOCKET, int(a[1]))) },
	},
	{
		name: "tcp state", weight: 3, form: "getsockopt({0:fd}, SOL_TCP, TCP_INFO) & 255",
		choose: func(g *generator) bool { return g.onTcp(isTcp) },
		run: func(r *runner, a []int64) {
			v, err := r.Getsockopt(int(a[0]), abi.SOL_TCP, abi.TCP_INFO)
			r.int(v&0xff, err)
		},
	},
	{
		name: "tcp getpeername", weight: 1, form: "getpeername({0:fd})[0]",
		choose: func(g *generator) bool {
			fd := g.fd(isTcp)
			_, err := g.runner.Getpeername(int(fd))
			return g.kindOf(fd) == tcp && err == nil && g.args(fd)
		},
		run: func(r *runner, a []int64) { r.host(r.Getpeername(int(a[0]))) },
	},
	{
		name: "tcp getsockname", weight: 1, form: "getsockname({0:fd})[0]",
		choose: func(g *generator) bool { return g.onTcp(isTcp) },
		run:    func(r *runner, a []int64) { r.host(r.Getsockname(int(a[0]))) },
	},
	{
		name: "tcp ioctl", weight: 3, act: 1, form: "ioctl({0:fd}, {1:IOCTL})",
		choose: func(g *generator) bool {
			return g.onTcp(isTcp, []int64{abi.FIONREAD, abi.TIOCOUTQ, abi.SIOCATMARK, abi.SIOCOUTQNSD}[g.pick(4)])
		},
		run: func(r *runner, a []int64) { r.long(r.Ioctl(int(a[0]), uint(a[1]), 0)) },
	},
	{name: "tcp crowded listener", weight: 2, expand: unlessTty(tcpCrowd)},
	{name: "tcp ping-pong", weight: 2, expand: unlessTty(tcpPingPong)},
	{name: "tcp shared port", weight: 1, expand: unlessTty(tcpSharedPort)},
}

// unlessTty expands to nothing in a program with terminals: see aPty.
func unlessTty(expand func(*generator)) func(*generator) {
	return func(g *generator) {
		if !g.tty() {
			expand(g)
		}
	}
}

// onTcp gives a call on a socket its arguments.
func (g *generator) onTcp(of set, args ...int64) bool {
	fd := g.fd(of)
	if g.kindOf(fd) != tcp {
		return false
	}
	return g.args(append(append(g.take(), fd), args...)...)
}

// nonBlocking reports whether a call on fd does not sleep.
func (g *generator) nonBlocking(fd int64) bool {
	flags, err := g.runner.Fcntl(int(fd), abi.F_GETFL, 0)
	return err == nil && flags&abi.O_NONBLOCK != 0
}

// sameFamily reports whether two sockets are of one family.
func (g *generator) sameFamily(fd, of int64) bool {
	a, _ := g.runner.Getsockopt(int(fd), abi.SOL_SOCKET, abi.SO_DOMAIN)
	b, _ := g.runner.Getsockopt(int(of), abi.SOL_SOCKET, abi.SO_DOMAIN)
	return a == b
}

// shared reports whether several listeners have the port of fd: which of them gets a connection is Linux's secret.
func (g *generator) shared(fd int64) bool {
	name, _ := g.runner.Getsockname(int(fd))
	listeners := 0
	for _, other := range g.open {
		if g.kinds[other] != tcp {
			continue
		}
		listening, _ := g.runner.Getsockopt(int(other), abi.SOL_SOCKET, abi.SO_ACCEPTCONN)
		if theirs, err := g.runner.Getsockname(int(other)); err == nil && listening == 1 && theirs.Inet.Port() == name.Inet.Port() {
			listeners++
		}
	}
	return listeners > 1
}

// named picks a socket that has a port, -1 if there is none.
func (g *generator) named() int64 {
	fd := g.fd(isTcp)
	if g.kindOf(fd) != tcp {
		return -1
	}
	if name, err := g.runner.Getsockname(int(fd)); err != nil || name.Inet.Port() == 0 {
		return -1
	}
	return fd
}

// host writes the address of a socket without its port.
func (r *runner) host(a abi.Sockaddr, err error) {
	if !r.failed(err) {
		r.text = append(r.text, '"')
		r.text = append(r.text, a.Inet.Addr().String()...)
		r.text = append(r.text, '"')
	}
}

// namer is a kernel that can use the name of a socket before it is known.
type namer interface {
	AtName(call string, fd, of int) error
}

// atName binds or connects fd to the name of another socket.
func (r *runner) atName(call string, fd, of int) error {
	if n, ok := r.Calls.(namer); ok {
		return n.AtName(call, fd, of)
	}
	name, err := r.Getsockname(of)
	switch {
	case err != nil:
		return err
	case call == "bind":
		return r.Bind(fd, name)
	}
	return r.Connect(fd, name)
}

// atName makes a call with the name of another socket, if that is one.
func (g *generator) atName(call string, fd, of int64) {
	if of >= 0 && !g.concurrent {
		g.call(call, fd, of)
	}
}

// tcpListener opens a listener.
func tcpListener(g *generator, family, backlog int64) int64 {
	l := g.call("tcp socket", family, abi.SOCK_STREAM|abi.SOCK_NONBLOCK)
	if family == abi.AF_INET6 {
		g.call("tcp bind", l, 2+int64(g.pick(2)))
	} else {
		g.call("tcp bind", l, int64(g.pick(2)))
	}
	g.call("tcp listen", l, backlog)
	return l
}

// tcpPair makes a connection, and watches its ends or not.
func tcpPair(g *generator) {
	family := tcpFamilies[g.pick(len(tcpFamilies))]
	l := tcpListener(g, family, 5)
	ep := g.anEpoll()
	if g.pick(3) == 2 {
		g.call("epoll_ctl", ep, abi.EPOLL_CTL_ADD, l, g.mask(), l)
	}
	c := g.call("tcp socket", family, abi.SOCK_STREAM|abi.SOCK_NONBLOCK)
	early := g.pick(4) == 3
	if early {
		g.call("epoll_ctl", ep, abi.EPOLL_CTL_ADD, c, g.mask(), c)
	}
	g.atName("tcp connect", c, l)
	a := g.call("tcp accept4", l, abi.SOCK_NONBLOCK)
	if !early && g.pick(2) == 1 {
		g.call("epoll_ctl", ep, abi.EPOLL_CTL_ADD, c, g.mask(), c)
	}
	if g.pick(2) == 1 {
		g.call("epoll_ctl", ep, abi.EPOLL_CTL_ADD, a, g.mask(), a)
	}
	if g.pick(2) == 1 {
		g.call("close", l)
	}
}

// tcpCrowd connects more clients than a listener has room for.
func tcpCrowd(g *generator) {
	backlog := int64(g.pick(3))
	l := tcpListener(g, abi.AF_INET, backlog)
	ep := g.anEpoll()
	g.call("epoll_ctl", ep, abi.EPOLL_CTL_ADD, l, g.mask(), l)
	for range 1 + g.pick(4) {
		c := g.call("tcp socket", abi.AF_INET, abi.SOCK_STREAM|abi.SOCK_NONBLOCK)
		g.call("epoll_ctl", ep, abi.EPOLL_CTL_ADD, c, g.mask(), c)
		g.atName("tcp connect", c, l)
	}
	g.call("epoll_wait", ep, 64, 0)
}

// tcpPingPong lets both ends talk, so that acknowledgements wait for data to ride on.
func tcpPingPong(g *generator) {
	l := tcpListener(g, abi.AF_INET, 5)
	c := g.call("tcp socket", abi.AF_INET, abi.SOCK_STREAM|abi.SOCK_NONBLOCK)
	g.atName("tcp connect", c, l)
	a := g.call("tcp accept4", l, abi.SOCK_NONBLOCK)
	size := tcpSendSizes[g.pick(4)]
	for range 1 + g.pick(3) {
		g.call("tcp send", c, 'q', size, 0)
		g.call("tcp recv", a, 4096, 0)
		g.call("tcp send", a, 'r', size, 0)
		if g.pick(3) > 0 {
			g.call("tcp recv", c, 4096, 0)
		}
	}
}

// tcpSharedPort binds sockets to one port.
func tcpSharedPort(g *generator) {
	option := []int64{abi.SO_REUSEADDR, abi.SO_REUSEPORT}[g.pick(2)]
	family := tcpFamilies[g.pick(len(tcpFamilies))]
	var fds [3]int64
	for i := range fds {
		fds[i] = g.call("tcp socket", family, abi.SOCK_STREAM|abi.SOCK_NONBLOCK)
		if g.pick(4) > 0 {
			g.call("tcp setsockopt", fds[i], abi.SOL_SOCKET, option, 1)
		}
		if i == 0 {
			g.call("tcp bind", fds[i], int64(g.pick(5)))
		} else {
			g.atName("tcp bind to the same", fds[i], fds[0])
		}
		if g.pick(2) == 1 {
			g.call("tcp listen", fds[i], 5)
		}
	}
}
