package replay

import (
	"net/netip"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/scenario/strace"
)

func socketRows() []row {
	return []row{
		row{
			name: "socket", allocates: true,
			parse: parseWith(func(o *op, a *args) { o.a = [3]int64{a.num(0), a.num(1), a.numOr(2, 0)} }),
			run: func(x *exec, o *op) outcome {
				if !modelled(o.a) && !o.want.failed() {
					return x.installExternal(o, "socket:", socketFlags(int(o.a[1])), true)
				}
				if !modelled(o.a) {
					return o.want
				}
				protocol := int(o.a[2])
				if protocol == abi.IPPROTO_MPTCP { // with a peer of plain TCP it is one
					protocol = 0
				}
				n, err := x.calls(o).Socket(int(o.a[0]), int(o.a[1]), protocol)
				if err != nil && !o.want.failed() && missing(errnoOf(err)) {
					return x.installExternal(o, "socket:", socketFlags(int(o.a[1])), true)
				}
				return outcomeOf(n, err)
			},
		},
		row{
			name:  "bind",
			parse: parseAddr,
			run: func(x *exec, o *op) outcome {
				if o.addr == nil {
					return o.want
				}
				return x.bind(o)
			},
		},
		row{
			name:  "listen",
			parse: parseWith(func(o *op, a *args) { o.fd, o.a[0] = a.int32(0), a.num(1) }),
			run:   func(x *exec, o *op) outcome { return errOutcome(x.calls(o).Listen(o.fd, int(int32(o.a[0])))) },
		},
		row{
			name: "accept4", waits: true, looks: true, allocates: true,
			parse: parseWith(func(o *op, a *args) {
				o.fd, o.a[0] = a.int32(0), a.numOr(3, 0)
				o.addr = sockaddr(a.at(1))
			}),
			run:   runAccept,
			ready: readyAccept, help: helpAccept,
		},
		row{
			name: "connect", waits: true, parse: parseAddr,
			run: func(x *exec, o *op) outcome {
				if o.addr == nil {
					return o.want
				}
				x.making = o
				err := x.calls(o).Connect(o.fd, x.connectAddr(*o.addr))
				x.making = nil
				return errOutcome(err)
			},
			ready: readyConnect, help: helpConnect,
		},
		row{
			name:  "shutdown",
			parse: parseWith(func(o *op, a *args) { o.fd, o.a[0] = a.int32(0), a.num(1) }),
			run:   func(x *exec, o *op) outcome { return errOutcome(x.calls(o).Shutdown(o.fd, int(o.a[0]))) },
		},
		row{
			name:  "getsockname",
			parse: parseAddr,
			run: func(x *exec, o *op) outcome {
				_, err := x.calls(o).Getsockname(o.fd)
				return errOutcome(err)
			},
		},
		row{
			name:  "getpeername",
			parse: parseAddr,
			run: func(x *exec, o *op) outcome {
				_, err := x.calls(o).Getpeername(o.fd)
				return errOutcome(err)
			},
		},
		row{name: "setsockopt", parse: parseSockopt, run: runSetsockopt},
		row{name: "getsockopt", parse: parseSockopt, run: runGetsockopt},
		row{name: "recvfrom", waits: true, looks: true, parse: parseRecv, run: runRecv, ready: readyRead, help: helpRead},
		row{name: "sendto", waits: true, parse: parseSend, run: runSend, ready: readyWrite, help: helpWrite},
		row{name: "recvmsg", waits: true, looks: true, parse: parseRecvmsg, run: runRecvmsg, ready: readyRecvmsg, help: helpRecvmsg},
		row{name: "sendmsg", waits: true, parse: parseSendmsg, run: runSendmsg, ready: readyWrite, help: helpWrite},
	}
}

// runAccept accepts, and looks who it was.
func runAccept(x *exec, o *op) outcome {
	n, err := x.calls(o).Accept4(o.fd, int(o.a[0]))
	out := outcomeOf(n, err)
	if f := x.file(o, n); err == nil && anyInet(o.addr) && devices.TcpOf(f) != nil {
		peer, errno := devices.SocketOf(f).Peername(f)
		port := peer.Inet.Port()
		if errno == 0 && port != o.addr.Inet.Port() && (x.log.clients[port] || x.log.clients[o.addr.Inet.Port()]) {
			out.ret = -1000 - int64(port) // another connection than that of the log
		}
	}
	return out
}

// modelled reports whether the model has sockets of this domain, type and protocol.
func modelled(a [3]int64) bool {
	const typeMask = 0xf
	switch a[0] {
	case abi.AF_UNIX:
		return true
	case abi.AF_INET, abi.AF_INET6:
		switch a[1] & typeMask {
		case abi.SOCK_STREAM:
			return a[2] == 0 || a[2] == abi.IPPROTO_TCP || a[2] == abi.IPPROTO_MPTCP
		case abi.SOCK_DGRAM:
			return a[2] == 0 || a[2] == abi.IPPROTO_UDP
		}
	}
	return false
}

// missing reports whether an error of the model says that it does not have what was asked for.
func missing(errno abi.Errno) bool {
	switch errno {
	case abi.EAFNOSUPPORT, abi.EPROTONOSUPPORT, abi.ESOCKTNOSUPPORT, abi.EOPNOTSUPP:
		return true
	}
	return false
}

func socketFlags(typ int) int { return abi.O_RDWR | typ&(abi.SOCK_CLOEXEC|abi.SOCK_NONBLOCK) }

func parseAddr(o *op, c *strace.Call) bool {
	return parseWith(func(o *op, a *args) {
		o.fd = a.int32(0)
		o.addr = sockaddr(a.at(1))
	})(o, c)
}

// sockaddr reads an address of a family that the model may know, nil for others.
func sockaddr(v *strace.Value) *abi.Sockaddr {
	addr, ok := v.Sockaddr()
	if !ok {
		return nil
	}
	if anyInet(&addr) {
		addr = inetAddr(addr.Inet)
	}
	return &addr
}

func parseSockopt(o *op, c *strace.Call) bool {
	return parseWith(func(o *op, a *args) {
		o.fd, o.a[0], o.a[1] = a.int32(0), a.num(1), a.num(2)
		list := ints(a.at(3))
		if v := a.at(3); o.a[1] == abi.SO_ERROR && len(v.List) == 1 {
			if errno, ok := abi.ErrnoByName(v.List[0].Text); ok {
				list = []int{int(errno)}
			}
		}
		if len(list) == 0 {
			if n, ok := a.at(3).Number(); ok {
				list = []int{int(n)}
			}
		}
		if on, l := a.at(3).Field("l_onoff"), a.at(3).Field("l_linger"); on != nil && l != nil {
			n, _ := on.Number()
			m, _ := l.Number()
			list = []int{int(n), int(m)}
		}
		a.ok = a.ok && (len(list) == 1 || len(list) == 2 || o.want.failed())
		o.fds = list
	})(o, c)
}

// runSetsockopt sets what the model knows; options it does not know are taken to work as logged.
func runSetsockopt(x *exec, o *op) outcome {
	var v kernel.SockOpt
	if len(o.fds) > 0 {
		v.A = o.fds[0]
	}
	if len(o.fds) == 2 {
		v.B, v.Pair = o.fds[1], true
	}
	out := errOutcome(x.calls(o).Setsockopt(o.fd, int(o.a[0]), int(o.a[1]), v))
	if unknownOption(out.errno) {
		return o.want
	}
	return out
}

func unknownOption(errno abi.Errno) bool {
	return errno == abi.ENOPROTOOPT || errno == abi.EOPNOTSUPP || errno == abi.EINVAL || errno == abi.EPERM
}

func runGetsockopt(x *exec, o *op) outcome {
	n, err := x.calls(o).Getsockopt(o.fd, int(o.a[0]), int(o.a[1]))
	out := errOutcome(err)
	if unknownOption(out.errno) {
		return o.want
	}
	if err == nil && o.a[0] == abi.SOL_SOCKET && o.a[1] == abi.SO_ERROR && len(o.fds) == 1 && n != o.fds[0] {
		out.ret = -1000 - int64(n) // what it told is not what the log has
	}
	return out
}

func parseRecv(o *op, c *strace.Call) bool {
	return parseWith(func(o *op, a *args) {
		o.fd, o.a[0], o.a[1] = a.int32(0), a.num(2), a.numOr(3, 0)
		o.addr = sockaddr(a.at(4))
	})(o, c)
}

// recvSize is how much is asked for: of a stream that the network cuts, as much as came.
func (x *exec) recvSize(o *op) int {
	size := min(o.a[0], maxBuffer)
	if o.want.ret > 0 && x.stream(o, o.fd) {
		size = min(size, o.want.ret)
	}
	return int(size)
}

func runRecv(x *exec, o *op) outcome {
	buf := x.buffer(o, x.recvSize(o))
	var from *abi.Sockaddr
	if anyInet(o.addr) && !x.stream(o, o.fd) {
		from = &abi.Sockaddr{}
	}
	n, err := x.calls(o).Recvfrom(o.fd, buf, int(o.a[1]), from)
	if err == nil && from != nil && anyInet(from) && from.Inet.Port() != o.addr.Inet.Port() {
		x.ports[o.addr.Inet.Port()] = from.Inet.Port() // the kernel chose it
	}
	return outcomeOf(n, err)
}

func parseSend(o *op, c *strace.Call) bool {
	return parseWith(func(o *op, a *args) {
		o.fd, o.a[0] = a.int32(0), a.num(2)
		o.data, o.whole = a.data(1, o.a[0])
		o.a[1] = a.numOr(3, 0)
		o.addr = sockaddr(a.at(4))
	})(o, c)
}

// sendData is what is sent: of a stream that takes a part, that part.
func (x *exec) sendData(o *op) []byte {
	if o.want.ret > 0 && o.want.ret < int64(len(o.data)) && x.stream(o, o.fd) {
		return o.data[:o.want.ret]
	}
	return o.data
}

func runSend(x *exec, o *op) outcome {
	addr := o.addr
	if addr != nil {
		to := x.connectAddr(*addr)
		if port, ok := x.ports[to.Inet.Port()]; ok && anyInet(&to) {
			to = inetAddr(netip.AddrPortFrom(to.Inet.Addr(), port))
		}
		addr = &to
	}
	if x.full(o) {
		return o.want
	}
	return outcomeOf(x.calls(o).Sendto(o.fd, x.sendData(o), int(o.a[1]), addr))
}

func parseRecvmsg(o *op, c *strace.Call) bool {
	return parseWith(func(o *op, a *args) {
		o.fd, o.a[1] = a.int32(0), a.numOr(2, 0)
		msg := a.at(1)
		if v := msg.Field("msg_iov"); v != nil {
			for i := range v.List {
				if l := v.List[i].Field("iov_len"); l != nil {
					n, _ := l.Number()
					o.a[0] += n
				}
			}
		}
		o.a[0] = max(o.a[0], o.want.ret)
		o.want.fds = rights(msg)
	})(o, c)
}

func parseSendmsg(o *op, c *strace.Call) bool {
	return parseWith(func(o *op, a *args) {
		o.fd, o.a[1] = a.int32(0), a.numOr(2, 0)
		msg := a.at(1)
		if v := msg.Field("msg_iov"); v != nil {
			o.data, o.whole = vectors(v)
			if missing := o.want.ret - int64(len(o.data)); v.Cut && missing > 0 && missing <= maxBuffer {
				o.data = append(o.data, make([]byte, missing)...)
			}
		}
		if name := msg.Field("msg_name"); name != nil {
			o.addr = sockaddr(name)
		}
		o.a[0] = int64(len(o.data))
		o.fds = rights(msg)
	})(o, c)
}

// rights are the descriptors of SCM_RIGHTS.
func rights(msg *strace.Value) []int {
	control := msg.Field("msg_control")
	if control == nil {
		return nil
	}
	var fds []int
	for i := range control.List {
		c := &control.List[i]
		if t := c.Field("cmsg_type"); t == nil || !t.Is("SCM_RIGHTS") {
			continue
		}
		if data := c.Field("cmsg_data"); data != nil {
			fds = append(fds, ints(data)...)
		}
	}
	return fds
}

func runRecvmsg(x *exec, o *op) outcome {
	buf := x.buffer(o, x.recvSize(o))
	n, fds, _, err := x.calls(o).RecvFds(o.fd, buf, int(o.a[1]))
	out := outcomeOf(n, err)
	out.fds = fds
	return out
}

// readyRecvmsg needs the numbers of the log to be the next free ones, if descriptors come.
func readyRecvmsg(x *exec, o *op) bool {
	return readyRead(x, o) && (len(o.want.fds) == 0 || x.nextNumbers(o, o.want.fds) < 0)
}

func helpRecvmsg(x *exec, o *op) bool {
	if i := x.nextNumbers(o, o.want.fds); i >= 0 && readyRead(x, o) {
		start := 0
		if i > 0 {
			start = o.want.fds[i-1] + 1
		}
		return x.fillBelow(o, x.thread(o).k.Files().NextFree(start), o.want.fds[i])
	}
	return helpRead(x, o)
}

func runSendmsg(x *exec, o *op) outcome {
	if len(o.fds) == 0 {
		return runSend(x, o)
	}
	return outcomeOf(x.calls(o).SendFds(o.fd, x.sendData(o), o.fds, int(o.a[1])))
}
