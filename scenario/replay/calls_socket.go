package replay

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
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
			parse: parseWith(parseAddr),
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
				o.addr = a.addr(1)
			}),
			run:   runAccept,
			ready: readyAccept, help: helpAccept,
		},
		row{
			name: "connect", waits: true, parse: parseWith(parseAddr),
			run: func(x *exec, o *op) outcome {
				if o.addr == nil {
					return o.want
				}
				x.making = o
				err := x.calls(o).Connect(o.fd, x.remoteAddr(o))
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
			parse: parseWith(parseAddr),
			run: func(x *exec, o *op) outcome {
				_, err := x.calls(o).Getsockname(o.fd)
				return errOutcome(err)
			},
		},
		row{
			name:  "getpeername",
			parse: parseWith(parseAddr),
			run: func(x *exec, o *op) outcome {
				_, err := x.calls(o).Getpeername(o.fd)
				return errOutcome(err)
			},
		},
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

func parseAddr(o *op, a *args) { o.fd, o.addr = a.int32(0), a.addr(1) }
