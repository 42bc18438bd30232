package replay

import "github.com/epollsim/epollsim/abi"

// fdRows are the calls on descriptors, whatever they refer to.
func fdRows() []row {
	return []row{
		row{
			name:  "close",
			parse: parseWith(func(o *op, a *args) { o.fd = a.int32(0) }),
			run: func(x *exec, o *op) outcome {
				x.thread(o).closes = x.file(o, o.fd)
				return errOutcome(x.calls(o).Close(o.fd))
			},
			ready: func(x *exec, o *op) bool {
				return (x.file(o, o.fd) == nil) == (o.want.errno == abi.EBADF)
			},
			help: helpClose,
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
				switch uint(o.a[0]) {
				case abi.FIONBIO, abi.FIONREAD, abi.FIOCLEX, abi.FIONCLEX:
				case abi.TIOCGPTPEER:
					o.row, o.text, o.a[0] = &openPeer, "/dev/pts/", o.a[1]
				default:
					a.ok = false
				}
			}),
			run: func(x *exec, o *op) outcome {
				n, err := x.calls(o).Ioctl(o.fd, uint(o.a[0]), o.a[1])
				out := errOutcome(err)
				if err == nil && uint(o.a[0]) == abi.FIONREAD && n != o.a[1] && !x.mayDiffer(o, o.fd) && !x.stream(o, o.fd) {
					out.ret = -1000 - n // what it told is not what the log has
				}
				return out
			},
		},
	}
}

// openPeer is the ioctl that gives out a number: of the other end of a terminal.
var openPeer = row{name: "ioctl(TIOCGPTPEER)", allocates: true, run: runOpen}

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
	if f := x.file(o, o.fd); o.a[0] == abi.F_GETFD && externalOf(f) != nil && f.Name == "inherited" && o.want.ret >= 0 { // only the log knows
		_, _ = x.calls(o).Fcntl(o.fd, abi.F_SETFD, int(o.want.ret))
	}
	arg := o.a[1]
	if o.a[0] == abi.F_SETFL && x.mayDiffer(o, o.fd) && !o.want.failed() {
		arg &^= abi.O_DIRECT // whether a file can do that, only the log knows
	}
	n, err := x.calls(o).Fcntl(o.fd, int(o.a[0]), int(arg))
	out := outcomeOf(n, err)
	if o.a[0] == abi.F_GETFL && err == nil && !o.want.failed() {
		// O_LARGEFILE is the library's, and of files that were open before only the log knows the flags.
		const alike = 0x8000 | abi.O_DIRECT
		if !opened(x.file(o, o.fd)) || out.ret|alike == o.want.ret|alike {
			out.ret = o.want.ret
		}
	}
	return out
}
