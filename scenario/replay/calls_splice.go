package replay

import (
	"strings"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/vfs"
)

// spliceRows are the calls that move bytes from one file to another, or from memory into a pipe, without reading them. Files that
// the model has not are read and written, and so are the pages of vmsplice: how those lie in the slots of a pipe is not looked at.
func spliceRows() []row {
	return []row{
		row{
			name: "splice", waits: true,
			parse: parseWith(func(o *op, a *args) {
				o.fd, o.fd2, o.a[0] = a.int32(0), a.int32(2), a.num(4)
				o.a[1] = spliceFlags(a, 5)
				o.a[2] = max(offsetOf(a, 1), offsetOf(a, 3))
			}),
			run: runSplice, ready: readyRead, help: helpRead,
		},
		row{
			name: "sendfile", waits: true,
			parse: parseWith(func(o *op, a *args) { o.fd2, o.fd, o.a[0], o.a[2] = a.int32(0), a.int32(1), a.num(3), offsetOf(a, 2) }),
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

// offsetOf is an offset as the call was given it, 0 for none.
func offsetOf(a *args, i int) int64 {
	if at, ok := a.at(i).(*kernel.Offset); ok && at != nil {
		return max(at.Before, 0)
	}
	return 0
}

// spliceNonBlock says that the call does not wait, though its files may.
const spliceNonBlock = abi.SPLICE_F_NONBLOCK

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

// runSplice makes the call where the model has both files. From and to others goes what the log says.
func runSplice(x *exec, o *op) outcome {
	from, to := x.file(o, o.fd), x.file(o, o.fd2)
	switch {
	case x.knows(o, from) && x.knows(o, to) && o.row.name == "splice":
		return x.spliced(o, from, to)
	case x.unknown(from) && x.isPipe(to) || x.isPipe(from) && x.unknown(to):
		return x.splicedOutside(o, from, to)
	case externalOf(from) != nil && x.knows(o, to) && o.row.name == "sendfile":
		return x.sentFile(o, to)
	case externalOf(from) != nil && (externalOf(to) != nil || o.want.failed()) || o.want.failed() && o.want.errno != abi.EAGAIN:
		return o.want
	}
	n := o.want.ret
	if o.want.failed() {
		if o.hastens() && (x.peek(from)&abi.EPOLLIN == 0 || x.peek(to)&abi.EPOLLOUT == 0) {
			return o.want
		}
		n = min(o.a[0], 4096)
	}
	return x.copied(o, from, to, n)
}

// copied moves n bytes by a read and a write.
func (x *exec) copied(o *op, from, to *vfs.File, n int64) outcome {
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

// knows reports whether the model has what f is, with all that is in it. Of TCP the log says how much it takes and delivers,
// which is something.
func (x *exec) knows(o *op, f *vfs.File) bool {
	if f == nil || externalOf(f) != nil {
		return false
	}
	if devices.TcpOf(f) != nil {
		return o.want.ret > 0
	}
	return devices.PipeOf(f) != nil || devices.SocketOf(f) != nil
}

// spliced makes a splice. Which slots what has come over TCP takes depends on how it came: where the model has no more free ones,
// the rest is copied.
func (x *exec) spliced(o *op, from, to *vfs.File) outcome {
	size := o.a[0]
	if devices.TcpOf(from) != nil || devices.TcpOf(to) != nil {
		size = min(size, o.want.ret)
	}
	n, err := x.calls(o).Splice(o.fd, nil, o.fd2, nil, int(size), int(o.a[1]&spliceNonBlock))
	missing := o.want.ret - int64(n)
	if err != nil || missing <= 0 || devices.TcpOf(from) == nil || x.peek(from)&abi.EPOLLIN == 0 || x.peek(to)&abi.EPOLLOUT == 0 {
		return outcomeOf(n, err)
	}
	rest := x.copied(o, from, to, missing)
	if rest.failed() {
		return outcomeOf(n, nil)
	}
	return outcomeOf(n+int(rest.ret), nil)
}

// sentFile sends as much of a file as the log says, which has the bytes; or tries to, where that finds no room.
func (x *exec) sentFile(o *op, to *vfs.File) outcome {
	n := o.want.ret
	switch {
	case n == 0, o.want.failed() && o.want.errno != abi.EAGAIN:
		return o.want
	case o.want.failed():
		n = min(o.a[0], 4096)
	}
	at := o.a[2]
	return outcomeOf(x.thread(o).k.SendfileFrom(o.fd2, x.blankFor(to), &at, int(n)))
}

// splicedOutside makes a splice between a pipe and a file that the model has not: as much as the log says. When that file had
// nothing, or no room, is the log's to say.
func (x *exec) splicedOutside(o *op, from, to *vfs.File) outcome {
	if o.want.ret <= 0 {
		return o.want
	}
	k, at := x.thread(o).k, o.a[2]
	if x.isPipe(from) {
		return outcomeOf(k.SpliceFiles(from, nil, x.blankFor(from), &at, int(o.want.ret), int(o.a[1]&spliceNonBlock)))
	}
	return outcomeOf(k.SpliceFiles(x.blankFor(to), &at, to, nil, int(o.want.ret), int(o.a[1]&spliceNonBlock)))
}

// blankFor is a file that stands for those that the model has not.
func (x *exec) blankFor(other *vfs.File) *vfs.File {
	if x.blank == nil {
		x.blank = devices.NewBlank(other.Sys)
	}
	return x.blank
}

func (x *exec) isPipe(f *vfs.File) bool { return f != nil && devices.PipeOf(f) != nil }

// unknown reports whether f is a file that the model has not.
func (x *exec) unknown(f *vfs.File) bool { return externalOf(f) != nil }

// runTee makes the call where the model has both pipes.
func runTee(x *exec, o *op) outcome {
	if from, to := x.file(o, o.fd), x.file(o, o.fd2); !x.knows(o, from) || !x.knows(o, to) {
		return o.want
	}
	return outcomeOf(x.calls(o).Tee(o.fd, o.fd2, int(o.a[0]), int(o.a[1]&spliceNonBlock)))
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
