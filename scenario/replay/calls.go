package replay

import "github.com/epollsim/epollsim/scenario/strace"

// rows are the system calls that are replayed, by name. Every other call is passed over and counted.
var rows = map[string]*row{}

func init() {
	for _, list := range [][]row{epollRows(), fileRows(), socketRows(), pollRows(), timerRows(), processRows()} {
		for i := range list {
			rows[list[i].name] = &list[i]
		}
	}
	for name, others := range otherNames {
		for _, other := range others {
			r := *rows[name]
			r.name = other
			rows[other] = &r
		}
	}
}

// otherNames are calls that are replayed as another one.
var otherNames = map[string][]string{
	"eventfd2":      {"eventfd"},
	"pipe2":         {"pipe"},
	"inotify_init1": {"inotify_init"},
	"read":          {"pread64", "preadv", "preadv2"},
	"write":         {"pwrite64", "pwritev", "pwritev2"},
	"openat":        {"openat2"},
	"accept4":       {"accept"},
	"clone":         {"clone3", "fork", "vfork"},
	"execve":        {"execveat"},
	"signalfd4":     {"signalfd"},
}

// parseWith wraps what reads arguments by position.
func parseWith(read func(o *op, a *args)) func(*op, *strace.Call) bool {
	return func(o *op, c *strace.Call) bool {
		a := &args{c: c, ok: true}
		read(o, a)
		return a.ok
	}
}

// outcomeOf makes an outcome of what a method of kernel.Calls returns.
func outcomeOf(ret int, err error) outcome {
	o := outcome{ret: int64(ret)}
	if err != nil {
		o.ret, o.errno = -1, errnoOf(err)
	}
	return o
}

func errOutcome(err error) outcome { return outcomeOf(0, err) }
