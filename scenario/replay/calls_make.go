package replay

import (
	"strconv"
	"strings"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/scenario/strace"
)

// makeRows are the calls that make files, but for sockets.
func makeRows() []row {
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
		row{
			name: "openat", allocates: true,
			parse: parseWith(func(o *op, a *args) { o.text, o.a[0], o.a[1] = a.text(1), a.openFlags(2), a.numOr(0, abi.AT_FDCWD) }),
			run:   runOpen,
		},
		row{
			name: "memfd_create", allocates: true,
			parse: parseWith(func(o *op, a *args) {
				o.text = a.text(0)
				if a.numOr(1, 0)&abi.MFD_CLOEXEC != 0 {
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

func pairOutcome(fds [2]int, err error) outcome {
	out := errOutcome(err)
	if err == nil {
		out.fds = fds[:]
	}
	return out
}

// openFlags are the flags of an open, of openat2 those in its struct open_how. Those that nobody knows are left out.
func (a *args) openFlags(i int) int64 {
	if n, ok := a.Number(i); ok {
		return n
	}
	flags := a.tree(i)
	if how := flags.Field("flags"); how != nil {
		flags = how
	}
	n, _ := flags.Number()
	return n
}

// parseKind is for calls that make a file the model does not have.
func parseKind(kind string, flags int) func(*op, *strace.Typed) bool {
	return parseWith(func(o *op, a *args) {
		o.text = kind + ":"
		if flags >= 0 && (a.numOr(flags, 0)&abi.O_CLOEXEC != 0 || a.tree(flags).CloseOnExec()) || kind == "perf_event" || kind == "io_uring" {
			o.a[0] = abi.O_CLOEXEC
		}
	})
}

// runOpen opens something that is outside of the model.
func runOpen(x *exec, o *op) outcome {
	if o.want.failed() && o.want.errno != abi.EMFILE {
		return o.want
	}
	x.load(o)
	if fd := ownNumber(o.text); x.file(o, fd) != nil && devices.PipeOf(x.file(o, fd)) != nil {
		if o.a[0]&abi.O_CLOEXEC != 0 {
			return outcomeOf(x.calls(o).Fcntl(fd, abi.F_DUPFD_CLOEXEC, 0))
		}
		return outcomeOf(x.calls(o).Dup(fd))
	}
	out := x.installExternal(o, o.text, int(o.a[0]), pollablePath(o.text))
	if e := externalOf(x.file(o, int(out.ret))); e != nil && o.row.opens() && x.log.seen["inotify_add_watch"] {
		x.running = o
		x.opens(o, e)
	}
	return out
}

// ownNumber gives the descriptor of the caller's that a path means, -1 for others. Opening that of a pipe gives the same end
// of it, with flags of its own, which are not modelled.
func ownNumber(path string) int {
	for _, dir := range [...]string{"/dev/fd/", "/proc/self/fd/"} {
		if n, ok := strings.CutPrefix(path, dir); ok {
			if fd, err := strconv.Atoi(n); err == nil {
				return fd
			}
		}
	}
	return -1
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
