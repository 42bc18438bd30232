package replay

import (
	"encoding/binary"
	"strings"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/scenario/strace"
)

func fileRows() []row {
	return []row{
		row{
			name: "eventfd2", allocates: true,
			parse: parseWith(func(o *op, a *args) { o.a[0], o.a[1] = a.num(0), a.numOr(1, 0) }),
			run: func(x *exec, o *op) outcome {
				return outcomeOf(x.calls(o).Eventfd2(uint32(o.a[0]), int(o.a[1])))
			},
		},
		row{
			name: "pipe2",
			parse: parseWith(func(o *op, a *args) {
				o.a[0] = a.numOr(1, 0)
				a.pair(o, 0)
			}),
			run: func(x *exec, o *op) outcome {
				fds, err := x.calls(o).Pipe2(int(o.a[0]))
				return pairOutcome(fds, err)
			},
			ready: readyNumbers, help: helpNumbers,
		},
		row{
			name: "socketpair",
			parse: parseWith(func(o *op, a *args) {
				o.a = [3]int64{a.num(0), a.num(1), a.numOr(2, 0)}
				a.pair(o, 3)
			}),
			run: func(x *exec, o *op) outcome {
				if !modelled(o.a) && !o.want.failed() {
					return x.externalPair(o)
				}
				fds, err := x.calls(o).Socketpair(int(o.a[0]), int(o.a[1]), int(o.a[2]))
				if err != nil && !o.want.failed() && missing(errnoOf(err)) {
					return x.externalPair(o)
				}
				return pairOutcome(fds, err)
			},
			ready: readyNumbers, help: helpNumbers,
		},
		row{name: "read", waits: true, looks: true, parse: parseRead(2), run: runRead, ready: readyRead, help: helpRead},
		row{name: "readv", waits: true, looks: true, parse: parseRead(-1), run: runRead, ready: readyRead, help: helpRead},
		row{name: "write", waits: true, parse: parseWrite, run: runWrite, ready: readyWrite, help: helpWrite},
		row{name: "writev", waits: true, parse: parseWritev, run: runWrite, ready: readyWrite, help: helpWrite},
		row{name: "lseek",
			parse: parseWith(func(o *op, a *args) { o.fd, o.a[0], o.a[1] = a.int32(0), a.num(1), a.num(2) }),
			run: func(x *exec, o *op) outcome {
				n, err := x.calls(o).Lseek(o.fd, o.a[0], int(o.a[1]))
				return outcomeOf(int(n), err)
			},
		},
		row{
			name:  "close",
			parse: parseWith(func(o *op, a *args) { o.fd = a.int32(0) }),
			run:   func(x *exec, o *op) outcome { return errOutcome(x.calls(o).Close(o.fd)) },
			ready: func(x *exec, o *op) bool {
				return (x.file(o, o.fd) == nil) == (o.want.errno == abi.EBADF)
			},
		},
		row{
			name:  "close_range",
			parse: parseWith(func(o *op, a *args) { o.a = [3]int64{a.num(0), a.num(1), a.numOr(2, 0)} }),
			run:   runCloseRange,
		},
		row{
			name: "dup", allocates: true,
			parse: parseWith(func(o *op, a *args) { o.fd = a.int32(0) }),
			run:   func(x *exec, o *op) outcome { return outcomeOf(x.calls(o).Dup(o.fd)) },
		},
		row{
			name:  "dup2",
			parse: parseWith(func(o *op, a *args) { o.fd, o.fd2 = a.int32(0), a.int32(1) }),
			run:   func(x *exec, o *op) outcome { return outcomeOf(x.calls(o).Dup2(o.fd, o.fd2)) },
		},
		row{
			name:  "dup3",
			parse: parseWith(func(o *op, a *args) { o.fd, o.fd2, o.a[0] = a.int32(0), a.int32(1), a.num(2) }),
			run:   func(x *exec, o *op) outcome { return outcomeOf(x.calls(o).Dup3(o.fd, o.fd2, int(o.a[0]))) },
		},
		row{
			name: "fcntl",
			parse: parseWith(func(o *op, a *args) {
				o.fd, o.a[0], o.a[1] = a.int32(0), a.num(1), a.numOr(2, 0)
				switch o.a[0] {
				case abi.F_DUPFD, abi.F_DUPFD_CLOEXEC, abi.F_GETFD, abi.F_SETFD, abi.F_GETFL, abi.F_SETFL, abi.F_SETPIPE_SZ, abi.F_GETPIPE_SZ:
				default:
					a.ok = false
				}
			}),
			run:   runFcntl,
			ready: func(x *exec, o *op) bool { return !duplicates(o) || readyAlloc(x, o) },
			help:  func(x *exec, o *op) bool { return duplicates(o) && helpAlloc(x, o) },
		},
		row{
			name: "ioctl",
			parse: parseWith(func(o *op, a *args) {
				o.fd, o.a[0] = a.int32(0), a.num(1)
				o.a[1] = a.numOr(2, 0)
				if list := ints(a.at(2)); len(list) == 1 {
					o.a[1] = int64(list[0])
				}
				switch uint(o.a[0]) {
				case abi.FIONBIO, abi.FIONREAD, abi.FIOCLEX, abi.FIONCLEX:
				default:
					a.ok = false
				}
			}),
			run: func(x *exec, o *op) outcome {
				n, err := x.calls(o).Ioctl(o.fd, uint(o.a[0]), o.a[1])
				out := errOutcome(err)
				if err == nil && uint(o.a[0]) == abi.FIONREAD && n != o.a[1] && !x.mayDiffer(o, o.fd) {
					out.ret = -1000 - n // what it told is not what the log has
				}
				return out
			},
		},
		row{
			name: "splice", waits: true,
			parse: parseWith(func(o *op, a *args) {
				o.fd, o.fd2, o.a[0] = a.int32(0), a.int32(2), a.num(4)
				o.a[1] = a.numOr(5, 0)
			}),
			run: runSplice, ready: readyRead, help: helpRead,
		},
		row{
			name: "sendfile", waits: true,
			parse: parseWith(func(o *op, a *args) { o.fd2, o.fd, o.a[0] = a.int32(0), a.int32(1), a.num(3) }),
			run:   runSplice,
		},
		row{name: "open", allocates: true, parse: parseOpen(0), run: runOpen},
		row{name: "openat", allocates: true, parse: parseOpen(1), run: runOpen},
		row{name: "creat", allocates: true, parse: parseWith(func(o *op, a *args) { o.text = a.at(0).Text }), run: runOpen},
		row{
			name: "memfd_create", allocates: true,
			parse: parseWith(func(o *op, a *args) {
				o.text = a.at(0).Text
				if a.numOr(1, 0)&1 != 0 {
					o.a[0] = abi.O_CLOEXEC
				}
			}),
			run: runOpen,
		},
		row{name: "inotify_init1", allocates: true, parse: parseKind("inotify", 0), run: runOpen},
		row{name: "fanotify_init", allocates: true, parse: parseKind("fanotify", -1), run: runOpen},
		row{name: "io_uring_setup", allocates: true, parse: parseKind("io_uring", -1), run: runOpen},
		row{name: "perf_event_open", allocates: true, parse: parseKind("perf_event", -1), run: runOpen},
		row{name: "userfaultfd", allocates: true, parse: parseKind("userfaultfd", 0), run: runOpen},
		row{name: "pidfd_getfd", allocates: true, parse: parseKind("pidfd_getfd", -1), run: runOpen},
	}
}

// pair reads two new numbers. Where the log was told to show no elements of arrays, they are the model's to say.
func (a *args) pair(o *op, i int) {
	if v := a.at(i); !v.Cut {
		o.want.fds = ints(v)
		a.ok = a.ok && (len(o.want.fds) == 2 || o.want.failed())
	}
}

func pairOutcome(fds [2]int, err error) outcome {
	out := errOutcome(err)
	if err == nil {
		out.fds = fds[:]
	}
	return out
}

// parseRead reads fd, a buffer, and its size; of readv the sizes of the vectors.
func parseRead(size int) func(*op, *strace.Call) bool {
	return parseWith(func(o *op, a *args) {
		o.fd = a.int32(0)
		if size >= 0 && a.at(1).Kind != strace.ValueArray {
			o.a[0] = a.num(size)
		} else {
			for i := range a.at(1).List {
				if l := a.at(1).List[i].Field("iov_len"); l != nil {
					n, _ := l.Number()
					o.a[0] += n
				}
			}
			o.a[0] = max(o.a[0], o.want.ret)
		}
		if a.at(1).IsNull() {
			o.a[2] = 1
		}
		if v := a.at(1); v.Kind == strace.ValueString {
			o.want.value = []byte(v.Text)
		}
	})
}

func parseWrite(o *op, c *strace.Call) bool {
	return parseWith(func(o *op, a *args) {
		o.fd = a.int32(0)
		size := a.num(2)
		o.a[0] = size
		if a.at(1).IsNull() {
			o.a[2] = 1
			return
		}
		o.data, o.whole = a.data(1, size)
	})(o, c)
}

func parseWritev(o *op, c *strace.Call) bool {
	return parseWith(func(o *op, a *args) {
		o.fd = a.int32(0)
		o.data, o.whole = vectors(a.at(1))
		if a.at(1).Cut && int64(len(o.data)) < o.want.ret {
			o.data = append(o.data, make([]byte, o.want.ret-int64(len(o.data)))...)
		}
		o.a[0] = int64(len(o.data))
	})(o, c)
}

// vectors joins the buffers of a struct iovec array.
func vectors(v *strace.Value) (data []byte, whole bool) {
	whole = !v.Cut
	for i := range v.List {
		base, size := v.List[i].Field("iov_base"), v.List[i].Field("iov_len")
		if base == nil || size == nil {
			continue
		}
		n, _ := size.Number()
		n = min(max(n, 0), maxBuffer-int64(len(data)))
		part := make([]byte, n)
		if copy(part, base.Text) < len(part) {
			whole = false
		}
		data = append(data, part...)
	}
	return data, whole
}

// runRead reads. What a TCP socket delivers at once is not the model's to say: it is asked for as much as came.
func runRead(x *exec, o *op) outcome {
	if o.a[2] != 0 {
		return outcomeOf(x.calls(o).Read(o.fd, nil))
	}
	size := min(o.a[0], maxBuffer)
	if x.stream(o, o.fd) && o.want.ret > 0 {
		size = min(size, o.want.ret)
	}
	buf := x.buffer(o, int(size))
	if positioned(o.name) {
		return outcome{ret: -1, errno: abi.ESPIPE}
	}
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

func positioned(name string) bool { return strings.HasPrefix(name, "p") }

func runWrite(x *exec, o *op) outcome {
	if positioned(o.name) {
		return outcome{ret: -1, errno: abi.ESPIPE}
	}
	if x.full(o) {
		return o.want
	}
	data := o.data
	if o.a[2] != 0 {
		data = nil
	}
	if !o.whole && len(data) == 8 && x.counts(o, o.fd) {
		data = []byte{1, 0, 0, 0, 0, 0, 0, 0} // the log does not tell: most write this
	}
	if x.stream(o, o.fd) && o.want.ret > 0 && o.want.ret < int64(len(data)) {
		data = data[:o.want.ret]
	}
	return outcomeOf(x.calls(o).Write(o.fd, data))
}

func runCloseRange(x *exec, o *op) outcome {
	first, last := o.a[0], uint64(o.a[1])
	t := x.thread(o).k
	if o.want.failed() {
		return o.want
	}
	if o.a[2]&2 != 0 { // CLOSE_RANGE_UNSHARE
		x.unshare(t)
	}
	for _, fd := range t.Files().Open() {
		if int64(fd) < first || uint64(fd) > last {
			continue
		}
		if o.a[2]&4 != 0 { // CLOSE_RANGE_CLOEXEC
			t.Files().SetCloexec(fd, true)
		} else {
			_ = t.Close(fd)
		}
	}
	return outcome{}
}

func duplicates(o *op) bool { return o.a[0] == abi.F_DUPFD || o.a[0] == abi.F_DUPFD_CLOEXEC }

func runFcntl(x *exec, o *op) outcome {
	n, err := x.calls(o).Fcntl(o.fd, int(o.a[0]), int(o.a[1]))
	out := outcomeOf(n, err)
	if o.a[0] == abi.F_GETFL && err == nil && !o.want.failed() {
		// O_LARGEFILE is the library's, and of files that were open before only the log knows the flags.
		const largefile = 0x8000
		if x.mayDiffer(o, o.fd) || out.ret|largefile == o.want.ret|largefile {
			out.ret = o.want.ret
		}
	}
	return out
}

// runSplice moves what the log says from one file to another.
func runSplice(x *exec, o *op) outcome {
	from, to := x.file(o, o.fd), x.file(o, o.fd2)
	if externalOf(from) != nil && (externalOf(to) != nil || o.want.failed()) || o.want.failed() && o.want.errno != abi.EAGAIN {
		return o.want
	}
	n := o.want.ret
	if o.want.failed() {
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

func parseOpen(path int) func(*op, *strace.Call) bool {
	return parseWith(func(o *op, a *args) {
		o.text = a.at(path).Text
		flags := a.at(path + 1)
		if how := flags.Field("flags"); how != nil {
			flags = how
		}
		n, _ := flags.Number()
		if flags.CloseOnExec() {
			n |= abi.O_CLOEXEC
		}
		o.a[0] = n
	})
}

// parseKind is for calls that make a file the model does not have.
func parseKind(kind string, flags int) func(*op, *strace.Call) bool {
	return parseWith(func(o *op, a *args) {
		o.text = kind + ":"
		if flags >= 0 && (a.at(flags).CloseOnExec() || kind == "memfd" && a.at(flags).Has("MFD_CLOEXEC")) || kind == "perf_event" || kind == "io_uring" {
			o.a[0] = abi.O_CLOEXEC
		}
	})
}

// runOpen opens something that is outside of the model.
func runOpen(x *exec, o *op) outcome {
	if o.want.failed() && o.want.errno != abi.EMFILE {
		return o.want
	}
	return x.installExternal(o, o.text, int(o.a[0]), pollablePath(o.text))
}

// pollablePath tells whether a file of this name can be watched: those of /proc and most devices can, the rest cannot.
func pollablePath(path string) bool {
	if i := strings.LastIndexByte(path, ':'); i >= 0 && i == len(path)-1 {
		return true
	}
	switch path {
	case "/dev/null", "/dev/zero", "/dev/full":
		return false
	}
	return strings.HasPrefix(path, "/proc/") || strings.HasPrefix(path, "/dev/") || strings.HasPrefix(path, "/sys/")
}
