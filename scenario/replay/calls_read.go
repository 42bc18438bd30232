package replay

import (
	"encoding/binary"

	"github.com/epollsim/epollsim/abi"
)

// readRows are read, write, and their kin with several buffers or a place in the file.
func readRows() []row {
	return []row{
		row{
			name: "read", waits: true, looks: true,
			parse: parseWith(func(o *op, a *args) {
				o.fd, o.a[0] = a.int32(0), a.num(2)
				o.want.value, _ = a.at(1).([]byte)
				if a.null(1) {
					o.a[2] = 1
				}
			}),
			run: runRead, ready: readyRead, help: helpRead,
		},
		row{
			name: "write", waits: true,
			parse: parseWith(func(o *op, a *args) {
				o.fd, o.a[0] = a.int32(0), a.num(2)
				if a.null(1) {
					o.a[2] = 1
					return
				}
				o.data, o.whole = a.data(1, o.a[0])
			}),
			run: runWrite, ready: readyWrite, help: helpWrite,
		},
		row{
			name: "readv", waits: true, looks: true,
			parse: parseWith(func(o *op, a *args) {
				o.fd = a.int32(0)
				var got payload
				got, o.iov = gathered(a, 1)
				o.want.value = got.first(o.want.ret)
				if o.a[0] = int64(got.size); o.iov == nil { // some of its buffers may not be there
					o.a[0] = max(o.a[0], o.want.ret)
				}
				o.oddVector(a)
			}),
			run: runReadv, ready: readyRead, help: helpRead,
		},
		row{
			name: "writev", waits: true,
			parse: parseWith(func(o *op, a *args) {
				o.fd = a.int32(0)
				o.data, o.iov = gathered(a, 1)
				o.whole = a.Shown(1)
				if o.iov == nil {
					o.data = o.data.grown(o.want.ret)
				}
				o.a[0] = int64(o.data.size)
				o.oddVector(a)
			}),
			run: runWritev, ready: readyWrite, help: helpWrite,
		},
		positioned("pread64", true), positioned("pwrite64", false),
		row{name: "lseek",
			parse: parseWith(func(o *op, a *args) { o.fd, o.a[0], o.a[1] = a.int32(0), a.num(1), a.num(2) }),
			run: func(x *exec, o *op) outcome {
				n, err := x.calls(o).Lseek(o.fd, o.a[0], int(o.a[1]))
				return outcomeOf(int(n), err)
			},
		},
	}
}

// positioned is the row of a call with an offset. Of those with several buffers the model's files know that they have no places.
func positioned(name string, looks bool) row {
	return row{
		name: name, looks: looks,
		parse: parseWith(func(o *op, a *args) {
			o.fd, o.a[1] = a.int32(0), -1
			if o.name == name {
				o.a[0], o.a[1] = a.num(2), a.num(3)
			}
		}),
		run: func(x *exec, o *op) outcome {
			switch {
			case o.name != name:
				return outcome{ret: -1, errno: abi.ESPIPE}
			case o.a[0] < 0:
				return outcome{ret: -1, errno: abi.EINVAL}
			case looks:
				return outcomeOf(x.calls(o).Pread64(o.fd, x.buffer(o, int(min(o.a[0], maxBuffer))), o.a[1]))
			}
			return outcomeOf(x.calls(o).Pwrite64(o.fd, x.buffer(o, int(min(o.a[0], maxBuffer))), o.a[1]))
		},
	}
}

// gathered joins the buffers of a call with several. sizes is nil if the log does not have them.
func gathered(a *args, i int) (data payload, sizes []int) {
	iov, ok := a.at(i).([][]byte)
	if !ok {
		return payload{}, nil
	}
	sizes = make([]int, len(iov))
	for j, p := range iov {
		sizes[j] = len(p)
	}
	if len(iov) > 0 && iov[len(iov)-1] == nil || a.num(i+1) != int64(len(iov)) {
		sizes = nil
	}
	return joined(iov), sizes
}

// oddVector notes that there are no buffers, or more than may be.
func (o *op) oddVector(a *args) {
	switch n := a.num(2); {
	case n < 0 || n > 1024: // UIO_MAXIOV
		o.iov, o.a[0] = nil, -1
	case a.null(1) && n > 0:
		o.iov, o.a[2] = nil, 1
	}
}

// buffers have the sizes of o's, which take up data.
func (o *op) buffers(data []byte) [][]byte {
	iov := make([][]byte, len(o.iov))
	for i, n := range o.iov {
		iov[i], data = data[:n:n], data[n:]
	}
	return iov
}

// runReadv is a read of all buffers where the network says how much comes, or the log does not tell of them.
func runReadv(x *exec, o *op) outcome {
	if o.iov == nil || x.stream(o, o.fd) {
		return runRead(x, o)
	}
	buf := x.buffer(o, int(o.a[0]))
	n, err := x.calls(o).Readv(o.fd, o.buffers(buf))
	out := outcomeOf(n, err)
	if n > 0 && x.counts(o, o.fd) {
		out.value = buf[:n]
	}
	return out
}

func runWritev(x *exec, o *op) outcome {
	if o.iov == nil || x.stream(o, o.fd) || !o.whole && x.counts(o, o.fd) {
		return runWrite(x, o)
	}
	return outcomeOf(x.calls(o).Writev(o.fd, o.buffers(x.bytes(o, o.data.size))))
}

// runRead reads. What a TCP socket delivers at once is not the model's to say: it is asked for as much as came.
func runRead(x *exec, o *op) outcome {
	if o.a[0] < 0 { // rw_verify_area
		return outcome{ret: -1, errno: abi.EINVAL}
	}
	if o.a[2] != 0 {
		return outcomeOf(x.calls(o).Read(o.fd, nil))
	}
	size := min(o.a[0], maxBuffer)
	if x.stream(o, o.fd) && o.want.ret > 0 {
		size = min(size, o.want.ret)
	}
	buf := x.buffer(o, int(size))
	n, err := x.calls(o).Read(o.fd, buf)
	out := outcomeOf(n, err)
	if n > 0 && x.counts(o, o.fd) {
		out.value = buf[:n]
		if x.timerfd(o) != nil && n == 8 && len(o.want.value) == 8 {
			// How much time has passed is the log's to say; the model's clock may be ahead of it, but by no less than one tick.
			if want := binary.LittleEndian.Uint64(o.want.value); want > 0 && want < binary.LittleEndian.Uint64(buf) {
				out.value = o.want.value
			}
		}
	}
	return out
}

func runWrite(x *exec, o *op) outcome {
	if o.want.errno == abi.EFAULT { // the model has all memory
		return o.want
	}
	if o.a[0] < 0 {
		return outcome{ret: -1, errno: abi.EINVAL}
	}
	if x.full(o) {
		return o.want
	}
	size := o.data.size
	switch {
	case o.a[2] != 0:
		return outcomeOf(x.calls(o).Write(o.fd, nil))
	case !o.whole && size == 8 && x.counts(o, o.fd): // the log does not tell: most write this
		return outcomeOf(x.calls(o).Write(o.fd, []byte{1, 0, 0, 0, 0, 0, 0, 0}))
	case o.want.ret > 0 && x.stream(o, o.fd):
		size = min(size, int(o.want.ret))
	}
	return outcomeOf(x.calls(o).Write(o.fd, x.bytes(o, size)))
}
