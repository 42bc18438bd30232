package replay

import (
	"strings"

	"github.com/epollsim/epollsim/abi"
)

// spliceRows are the calls that move bytes from one file to another, or from memory into a pipe, without reading them. How the
// bytes lie in the slots of a pipe afterwards is not looked at: they are read and written.
func spliceRows() []row {
	return []row{
		row{
			name: "splice", waits: true,
			parse: parseWith(func(o *op, a *args) {
				o.fd, o.fd2, o.a[0] = a.int32(0), a.int32(2), a.num(4)
				o.a[1] = spliceFlags(a, 5)
			}),
			run: runSplice, ready: readyRead, help: helpRead,
		},
		row{
			name: "sendfile", waits: true,
			parse: parseWith(func(o *op, a *args) { o.fd2, o.fd, o.a[0] = a.int32(0), a.int32(1), a.num(3) }),
			run:   runSplice,
		},
		row{
			name: "tee", waits: true,
			parse: parseWith(func(o *op, a *args) {
				o.fd, o.fd2, o.a[0], o.a[1] = a.int32(0), a.int32(1), a.num(2), spliceFlags(a, 3)
			}),
			run: runTee, ready: readyRead, help: helpRead,
		},
		row{
			name: "vmsplice", waits: true,
			parse: parseWith(func(o *op, a *args) { o.fd, o.a[1] = a.int32(0), spliceFlags(a, 3) }),
			run:   runVmsplice,
		},
	}
}

// spliceNonBlock is SPLICE_F_NONBLOCK: the call does not wait, though its files may.
const spliceNonBlock = 2

// spliceFlags are the flags of a call, of which that one alone counts. They are numbers where strace was asked for those.
func spliceFlags(a *args, i int) int64 {
	if strings.Contains(a.tree(i).Text, "SPLICE_F_NONBLOCK") {
		return spliceNonBlock
	}
	return a.numOr(i, 0)
}

// hastens reports whether o is one of these and does not wait.
func (o *op) hastens() bool {
	switch o.row.name {
	case "splice", "tee", "vmsplice":
		return o.a[1]&spliceNonBlock != 0
	}
	return false
}

// runSplice moves what the log says from one file to another.
func runSplice(x *exec, o *op) outcome {
	from, to := x.file(o, o.fd), x.file(o, o.fd2)
	if externalOf(from) != nil && (externalOf(to) != nil || o.want.failed()) || o.want.failed() && o.want.errno != abi.EAGAIN {
		return o.want
	}
	n := o.want.ret
	if o.want.failed() {
		if o.hastens() && (x.peek(from)&abi.EPOLLIN == 0 || x.peek(to)&abi.EPOLLOUT == 0) {
			return o.want
		}
		n = min(o.a[0], 4096)
	}
	buf := x.buffer(o, int(min(n, maxBuffer)))
	if externalOf(from) == nil {
		got, err := x.calls(o).Read(o.fd, buf)
		if err != nil {
			return outcomeOf(got, err)
		}
		buf = buf[:got]
	}
	if externalOf(to) != nil {
		return outcomeOf(len(buf), nil)
	}
	return outcomeOf(x.calls(o).Write(o.fd2, buf))
}

// runTee writes what is in one pipe into another one, and leaves it there.
func runTee(x *exec, o *op) outcome {
	from, to := x.file(o, o.fd), x.file(o, o.fd2)
	if o.want.failed() || externalOf(from) != nil || externalOf(to) != nil || o.want.ret == 0 {
		return o.want
	}
	if x.peek(from)&abi.EPOLLIN == 0 {
		return outcome{ret: -1, errno: abi.EAGAIN}
	}
	return outcomeOf(x.calls(o).Write(o.fd2, x.buffer(o, int(min(o.want.ret, maxBuffer)))))
}

// runVmsplice writes into a pipe, or reads from it: the end tells.
func runVmsplice(x *exec, o *op) outcome {
	f := x.file(o, o.fd)
	if f == nil || externalOf(f) != nil || o.want.failed() {
		return o.want
	}
	buf := x.buffer(o, int(min(o.want.ret, maxBuffer)))
	if f.Writable() {
		return outcomeOf(x.calls(o).Write(o.fd, buf))
	}
	return outcomeOf(x.calls(o).Read(o.fd, buf))
}
