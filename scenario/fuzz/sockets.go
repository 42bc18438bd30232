package fuzz

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
)

// Rows of unix sockets. Left out is what does not depend on the program alone: the process at the other end, names that
// the kernel chooses, sockets that travel through themselves, which Linux collects when it likes.

var (
	socketTypes = []int64{
		abi.SOCK_STREAM | abi.SOCK_NONBLOCK, abi.SOCK_DGRAM | abi.SOCK_NONBLOCK, abi.SOCK_SEQPACKET | abi.SOCK_NONBLOCK, abi.SOCK_STREAM | abi.SOCK_NONBLOCK,
		abi.SOCK_STREAM, abi.SOCK_DGRAM, abi.SOCK_DGRAM | abi.SOCK_NONBLOCK | abi.SOCK_CLOEXEC, abi.SOCK_SEQPACKET, abi.SOCK_RAW | abi.SOCK_NONBLOCK,
		abi.SOCK_RDM, 0, 11, abi.SOCK_STREAM | 1<<8,
	}
	socketNames   = []string{"@a", "s", "@b", "t", "@a", "s", "f", "p", "nothing", "."}
	backlogs      = []int64{0, 1, 2, 128, -1}
	sendSizes     = []int64{1, 100, 1, 4096, 0, 1000, 2, 192, 193, 705, 1729, 3777, 5000, 20000, 65536, 36545, 106433, 16065, 200000, 212960, 212961}
	recvSizes     = []int64{100, 1, 4096, 65536, 2, 0, 300000, 1000}
	sendFlags     = []int64{0, 0, abi.MSG_DONTWAIT, abi.MSG_OOB, abi.MSG_NOSIGNAL, 0, abi.MSG_OOB, abi.MSG_EOR | abi.MSG_MORE}
	recvFlags     = []int64{0, 0, abi.MSG_PEEK, abi.MSG_DONTWAIT, abi.MSG_OOB, 0, abi.MSG_TRUNC, abi.MSG_PEEK | abi.MSG_OOB, abi.MSG_PEEK | abi.MSG_TRUNC}
	socketOptions = []int64{
		abi.SO_ERROR, abi.SO_SNDBUF, abi.SO_RCVBUF, abi.SO_TYPE, abi.SO_ACCEPTCONN, abi.SO_DOMAIN, abi.SO_PROTOCOL, abi.SO_RCVLOWAT, abi.SO_OOBINLINE, abi.SO_LINGER,
		abi.SO_REUSEADDR, abi.SO_SNDLOWAT, abi.SO_KEEPALIVE,
	}
	changedOptions = []int64{
		abi.SO_SNDBUF, abi.SO_SNDBUF, abi.SO_OOBINLINE, abi.SO_RCVBUF, abi.SO_SNDBUF, abi.SO_REUSEADDR, abi.SO_RCVLOWAT, abi.SO_TYPE, abi.SO_ERROR, abi.SO_REUSEPORT, abi.SO_LINGER,
	}
	optionValues = []int64{0, 5000, 1, 2304, 30000, 1000000, -1, 3330}
)

// socketKind is what a socket of a type is.
func socketKind(typ int64) kind {
	switch typ & 0xf {
	case abi.SOCK_STREAM:
		return stream
	case abi.SOCK_SEQPACKET:
		return seqpacket
	}
	return dgram
}

// dontWait reports whether argument n has MSG_DONTWAIT.
func dontWait(n int) func(a []int64) bool {
	return func(a []int64) bool { return a[n]&abi.MSG_DONTWAIT != 0 }
}

var socketRows = []*op{
	{
		name: "socketpair", weight: 8, setup: 6, form: "socketpair(AF_UNIX, {0:SOCK}, {1})",
		choose: func(g *generator) bool {
			return g.args(socketTypes[g.pick(len(socketTypes))], []int64{0, 0, 0, 1, 2}[g.pick(5)])
		},
		run: func(r *runner, a []int64) {
			fds, err := r.Socketpair(abi.AF_UNIX, int(a[0]), int(a[1]))
			r.pair(fds, err)
		},
		effect: func(g *generator, a []int64, r *runner) {
			g.opened(r.ret, socketKind(a[0]))
			g.opened(r.ret2, socketKind(a[0]))
		},
	},
	{
		name: "send", weight: 20, act: 6, second: 3, blocks: true, count: 2, waitless: dontWait(3), form: "send({0:fd}, {1:bytes} * {2}, {3:MSG})",
		choose: func(g *generator) bool {
			fd, flags := g.unixSocket(), sendFlags[g.pick(len(sendFlags))]
			return g.args(fd, g.letter(), sendSizes[g.pick(len(sendSizes))], flags)
		},
		run: func(r *runner, a []int64) {
			r.int(r.Sendto(int(a[0]), r.fill(byte(a[1]), int(a[2])), int(a[3]), nil))
		},
	},
	{
		name: "recv", weight: 18, act: 4, second: 6, blocks: true, waitless: dontWait(2), form: "recv({0:fd}, {1}, {2:MSG})",
		choose: func(g *generator) bool {
			fd, flags := g.unixSocket(), recvFlags[g.pick(len(recvFlags))]
			return g.args(fd, recvSizes[g.pick(len(recvSizes))], flags)
		},
		run: func(r *runner, a []int64) {
			p := r.buffer(int(a[1]))
			n, err := r.Recvfrom(int(a[0]), p, int(a[2]), nil)
			r.data(p, min(n, len(p)), err)
		},
	},
	{
		name: "socket", weight: 4, form: "socket(AF_UNIX, {0:SOCK}, {1})",
		choose: func(g *generator) bool {
			return g.args(socketTypes[g.pick(len(socketTypes))], []int64{0, 0, 0, 1, 2}[g.pick(5)])
		},
		run:    func(r *runner, a []int64) { r.int(r.Socket(abi.AF_UNIX, int(a[0]), int(a[1]))) },
		effect: func(g *generator, a []int64, r *runner) { g.opened(r.ret, socketKind(a[0])) },
	},
	{
		name: "bind", weight: 4, form: "bind({0:fd}, {1:address})",
		choose: func(g *generator) bool { return g.args(g.unixSocket(), g.address()) },
		run:    func(r *runner, a []int64) { r.zero(r.Bind(int(a[0]), *r.address(a[1]))) },
		effect: func(g *generator, _ []int64, _ *runner) { g.prog.files = true },
	},
	{
		name: "listen", weight: 3, form: "listen({0:fd}, {1})",
		choose: func(g *generator) bool { return g.args(g.unixSocket(), backlogs[g.pick(len(backlogs))]) },
		run:    func(r *runner, a []int64) { r.zero(r.Listen(int(a[0]), int(a[1]))) },
		effect: func(g *generator, a []int64, _ *runner) { g.kinds[a[0]] = listener },
	},
	{
		name: "connect", weight: 6, act: 2, second: 2, blocks: true, form: "connect({0:fd}, {1:address})",
		choose: func(g *generator) bool { return g.args(g.unixSocket(), g.address()) },
		run:    func(r *runner, a []int64) { r.zero(r.Connect(int(a[0]), *r.address(a[1]))) },
	},
	{
		name: "disconnect", weight: 2, form: "connect({0:fd}, None)",
		choose: func(g *generator) bool { return g.args(g.unixSocket()) },
		run:    func(r *runner, a []int64) { r.zero(r.Connect(int(a[0]), abi.Sockaddr{Family: abi.AF_UNSPEC})) },
	},
	{
		name: "accept4", weight: 5, act: 2, second: 3, blocks: true, form: "accept4({0:fd}, {1:ACCEPT4})",
		choose: func(g *generator) bool {
			fd := g.fd(kinds(listener))
			return g.kindOf(fd) != tcp && g.args(fd, []int64{abi.SOCK_NONBLOCK, abi.SOCK_NONBLOCK, 0, abi.SOCK_NONBLOCK | abi.SOCK_CLOEXEC, 1}[g.pick(5)])
		},
		run:    func(r *runner, a []int64) { r.int(r.Accept4(int(a[0]), int(a[1]))) },
		effect: opens(stream),
	},
	{
		name: "sendto", weight: 4, act: 1, second: 1, blocks: true, count: 2, waitless: dontWait(4), form: "sendto({0:fd}, {1:bytes} * {2}, {3:address}, {4:MSG})",
		choose: func(g *generator) bool {
			fd, flags := g.unixSocket(), sendFlags[g.pick(len(sendFlags))]
			return g.args(fd, g.letter(), sendSizes[g.pick(len(sendSizes))], g.address(), flags)
		},
		run: func(r *runner, a []int64) {
			r.int(r.Sendto(int(a[0]), r.fill(byte(a[1]), int(a[2])), int(a[4]), r.address(a[3])))
		},
	},
	{
		name: "recvfrom", weight: 3, blocks: true, waitless: dontWait(2), form: "recvfrom({0:fd}, {1}, {2:MSG})",
		choose: func(g *generator) bool {
			fd, flags := g.unixSocket(), recvFlags[g.pick(len(recvFlags))]
			return g.args(fd, recvSizes[g.pick(len(recvSizes))], flags)
		},
		run: func(r *runner, a []int64) {
			p := r.buffer(int(a[1]))
			var from abi.Sockaddr
			n, err := r.Recvfrom(int(a[0]), p, int(a[2]), &from)
			r.received(p, n, err, func() { r.quote(from.Path) })
		},
	},
	{
		name: "shutdown", weight: 5, act: 2, form: "shutdown({0:fd}, {1:SHUT})",
		choose: func(g *generator) bool {
			return g.args(g.unixSocket(), []int64{abi.SHUT_WR, abi.SHUT_RD, abi.SHUT_RDWR, abi.SHUT_WR, 3, -1}[g.pick(6)])
		},
		run: func(r *runner, a []int64) { r.zero(r.Shutdown(int(a[0]), int(a[1]))) },
	},
	{
		name: "setsockopt", weight: 4, act: 1, form: "setsockopt({0:fd}, {1:SOL}, {2:SO}, {3})",
		choose: func(g *generator) bool {
			level := []int64{abi.SOL_SOCKET, abi.SOL_SOCKET, abi.SOL_SOCKET, abi.SOL_TCP}[g.pick(4)]
			return g.args(g.unixSocket(), level, changedOptions[g.pick(len(changedOptions))], optionValues[g.pick(len(optionValues))])
		},
		run: func(r *runner, a []int64) {
			r.zero(r.Setsockopt(int(a[0]), int(a[1]), int(a[2]), kernel.SockOpt{A: int(a[3])}))
		},
	},
	{
		name: "getsockopt", weight: 4, act: 1, form: "getsockopt({0:fd}, {1:SOL}, {2:SO})",
		choose: func(g *generator) bool {
			level := []int64{abi.SOL_SOCKET, abi.SOL_SOCKET, abi.SOL_SOCKET, abi.SOL_TCP}[g.pick(4)]
			return g.args(g.unixSocket(), level, socketOptions[g.pick(len(socketOptions))])
		},
		run: func(r *runner, a []int64) { r.int(r.Getsockopt(int(a[0]), int(a[1]), int(a[2]))) },
	},
	{
		name: "getsockname", weight: 1, form: "getsockname({0:fd})",
		choose: func(g *generator) bool { return g.args(g.unixSocket()) },
		run:    func(r *runner, a []int64) { r.name(r.Getsockname(int(a[0]))) },
	},
	{
		name: "getpeername", weight: 1, form: "getpeername({0:fd})",
		choose: func(g *generator) bool { return g.args(g.unixSocket()) },
		run:    func(r *runner, a []int64) { r.name(r.Getpeername(int(a[0]))) },
	},
	{
		name: "ioctl of a socket", weight: 3, act: 1, form: "ioctl({0:fd}, {1:IOCTL})",
		choose: func(g *generator) bool {
			return g.args(g.unixSocket(), []int64{abi.FIONREAD, abi.TIOCOUTQ, abi.SIOCATMARK}[g.pick(3)])
		},
		run: func(r *runner, a []int64) { r.long(r.Ioctl(int(a[0]), uint(a[1]), 0)) },
	},
	{
		name: "send_fds", weight: 5, act: 1, blocks: true, count: 2, waitless: dontWait(3), form: "send_fds({0:fd}, {1:bytes} * {2}, [{*4:fds}], {3:MSG})",
		choose: func(g *generator) bool {
			args := append(g.take(), g.unixSocket(), g.letter(), []int64{1, 1, 2, 0, 5000, 40000}[g.pick(6)], sendFlags[g.pick(len(sendFlags))])
			for range 1 + g.pick(2) {
				fd := g.fd(isCargo)
				if kinds(g.kindOf(fd))&isCargo == 0 {
					fd = -1
				}
				args = append(args, fd)
			}
			return g.args(args...)
		},
		run: func(r *runner, a []int64) {
			fds := make([]int, 0, 2)
			for _, fd := range a[4:] {
				fds = append(fds, int(fd))
			}
			r.int(r.SendFds(int(a[0]), r.fill(byte(a[1]), int(a[2])), fds, int(a[3])))
		},
	},
	{
		name: "recv_fds", weight: 4, blocks: true, waitless: dontWait(2), form: "recv_fds({0:fd}, {1}, {2:MSG})",
		choose: func(g *generator) bool {
			fd, flags := g.unixSocket(), []int64{0, 0, abi.MSG_PEEK, abi.MSG_CMSG_CLOEXEC, abi.MSG_OOB, abi.MSG_TRUNC}[g.pick(6)]
			return g.args(fd, []int64{1, 100, 0, 5000}[g.pick(4)], flags)
		},
		run: func(r *runner, a []int64) {
			p := r.buffer(int(a[1]))
			n, fds, _, err := r.RecvFds(int(a[0]), p, int(a[2]))
			r.received(p, n, err, func() { r.numbers(fds) })
		},
		effect: func(g *generator, _ []int64, r *runner) {
			g.opened(r.ret, passed)
			g.opened(r.ret2, passed)
		},
	},
	{name: "watched sockets", weight: 8, setup: 8, expand: watchedSockets},
	{name: "full socket", weight: 4, expand: fullSocket},
	{name: "crowded listener", weight: 4, setup: 2, expand: crowdedListener},
	{name: "full dgram queue", weight: 4, expand: fullDgramQueue},
	{name: "fds in flight", weight: 4, expand: fdsInFlight},
}

// unixSocket picks a socket, or rarely anything else but one of the Internet: those have rows of their own.
func (g *generator) unixSocket() int64 {
	fd := g.fd(isSocket)
	if kinds(g.kindOf(fd))&isTcp != 0 {
		return -1
	}
	return fd
}

// letter is what the next write consists of.
func (g *generator) letter() int64 { return 'a' + int64(len(g.calls)%26) }

func (g *generator) address() int64 { return int64(g.pick(len(socketNames))) }

func (r *runner) address(i int64) *abi.Sockaddr {
	a := abi.UnixAddr(socketNames[i])
	return &a
}

// name writes the address of a socket.
func (r *runner) name(a abi.Sockaddr, err error) {
	if !r.failed(err) {
		r.quote(a.Path)
	}
}

// received writes a pair of what was received and something else. The numbers that it opened are r's results.
func (r *runner) received(p []byte, n int, err error, other func()) {
	if r.failed(err) {
		return
	}
	r.text = append(r.text, '(')
	r.data(p, min(n, len(p)), nil)
	r.ret = -1
	r.text = append(r.text, ", "...)
	other()
	r.text = append(r.text, ')')
}

// numbers writes a list of fds that were opened, two at most.
func (r *runner) numbers(fds []int) {
	r.text = append(r.text, '[')
	for i, fd := range fds {
		if i > 0 {
			r.text = append(r.text, ", "...)
			r.ret2 = fd
		} else {
			r.ret = fd
		}
		r.number(int64(fd))
	}
	r.text = append(r.text, ']')
}
