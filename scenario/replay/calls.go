package replay

import "github.com/epollsim/epollsim/scenario/strace"

// rows are the system calls that are replayed, by name. Every other call is passed over and counted.
var rows = map[string]*row{}

func init() {
	for _, list := range [][]row{epollRows(), makeRows(), fdRows(), readRows(), spliceRows(), socketRows(), sockoptRows(), messageRows(), mmsgRows(), pollRows(), timerRows(), pathRows(), processRows(), signalRows()} {
		for i := range list {
			rows[list[i].name] = &list[i]
		}
	}
	for name, others := range otherNames {
		for _, other := range others {
			rows[other] = rows[name]
		}
	}
}

// otherNames are calls that are replayed as another one, besides those that strace.Modern knows.
var otherNames = map[string][]string{
	"pipe2":    {"pipe"},
	"pread64":  {"preadv", "preadv2"},
	"pwrite64": {"pwritev", "pwritev2"},
	"openat":   {"openat2"},
	"accept4":  {"accept"},
	"clone":    {"clone3", "fork", "vfork"},
	"execve":   {"execveat"},
}

// rowOf gives the row of a system call, nil if it has none.
func rowOf(name string) *row {
	if r := rows[name]; r != nil {
		return r
	}
	return rows[strace.Modern(name)]
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
