package files

import (
	"strings"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/scenario/strace"
)

// event is the end of a call that may do something to descriptors.
type event struct {
	t     *Tracker
	m     *member
	table *Table
	c     *strace.Call
	at    strace.Pos
}

func (e *event) arg(i int) *strace.Value {
	if i < len(e.c.Args) {
		return &e.c.Args[i]
	}
	return &strace.Value{}
}

func (e *event) number(i int) (int64, bool) { return e.arg(i).Number() }

// says reports whether an argument has a flag.
func (e *event) says(i int, flag string) bool {
	return e.arg(i).Has(flag)
}

// closeOnExec reports whether an argument asks for that, under any of its names.
func (e *event) closeOnExec(i int) bool { return i >= 0 && e.arg(i).CloseOnExec() }

// row is what a system call that has succeeded does to descriptors.
type row func(e *event)

// makes is for the calls that return a descriptor; flags is the argument that may ask for close-on-exec, -1: none; -2: it always is.
func makes(kind Kind, flags int) row {
	return func(e *event) {
		e.made(int(e.c.Result.Ret), e.c.Result.Fd, kind, flags == -2 || e.closeOnExec(flags))
	}
}

// made puts a descriptor that is the lowest one free.
func (e *event) made(fd int, decoration string, kind Kind, cloexec bool) {
	if fd < 0 {
		return
	}
	e.taken(0, fd)
	if k := kindOf(decoration); k != Unknown && k != Other && kind == Unknown {
		kind = k
	}
	e.table.put(fd, &File{Kind: kind, Name: decoration, Opened: e.at}, cloexec)
}

// taken notes that fd was the lowest number free from low on.
func (e *event) taken(low, fd int) {
	if e.table.making == 0 { // else another call may have been given the ones below, and tell so later
		e.table.fill(low, fd, e.at)
	}
	if n := e.table.lowest(low); n != fd && e.t.overlaps == 0 {
		if e.t.Surprises++; e.t.Surprises == 1 {
			e.t.Surprise = e.at
		}
	}
}

// pair puts the two descriptors that an argument has.
func pair(arg, flags int, kind Kind) row {
	return func(e *event) {
		v := e.arg(arg)
		if len(v.List) != 2 {
			return
		}
		for i := range v.List {
			if fd, ok := v.List[i].Number(); ok {
				e.made(int(fd), v.List[i].Fd, kind, e.closeOnExec(flags))
			}
		}
	}
}

// duplicate puts another number of a file.
func (e *event) duplicate(from, to int, cloexec bool) {
	if f := e.table.Get(from, e.at); f != nil && to >= 0 {
		e.table.put(to, f, cloexec)
	}
}

var rows = map[string]row{}

func init() {
	for name, r := range map[string]row{
		"open": makes(Unknown, 1), "openat": makes(Unknown, 2), "openat2": makes(Unknown, 2), "creat": makes(Regular, -1),
		"memfd_create": makes(Memfd, 1), "memfd_secret": makes(Memfd, 0), "eventfd": makes(Eventfd, -1), "eventfd2": makes(Eventfd, 1),
		"epoll_create": makes(Epoll, -1), "epoll_create1": makes(Epoll, 0), "timerfd_create": makes(Timerfd, 1),
		"inotify_init": makes(Inotify, -1), "inotify_init1": makes(Inotify, 0), "fanotify_init": makes(Other, 0),
		"pidfd_open": makes(Pidfd, -2), "pidfd_getfd": makes(Unknown, -2), "socket": makes(Socket, 1),
		"accept": makes(Socket, -1), "accept4": makes(Socket, 3), "io_uring_setup": makes(IoUring, -2),
		"perf_event_open": makes(Other, 4), "userfaultfd": makes(Other, 0), "mq_open": makes(Other, -2),
		"fsopen": makes(Other, 1), "fsmount": makes(Other, 1), "open_tree": makes(Other, 2), "landlock_create_ruleset": makes(Other, -2),
		"signalfd": signalfd, "signalfd4": signalfd, "bpf": bpf,
		"pipe": pair(0, -1, Pipe), "pipe2": pair(0, 1, Pipe), "socketpair": pair(3, 1, Socket),
		"dup": func(e *event) {
			fd, _ := e.number(0)
			e.taken(0, int(e.c.Result.Ret))
			e.duplicate(int(fd), int(e.c.Result.Ret), false)
		},
		"dup2": func(e *event) {
			if from, _ := e.number(0); from != e.c.Result.Ret {
				e.duplicate(int(from), int(e.c.Result.Ret), false)
			}
		},
		"dup3": func(e *event) {
			from, _ := e.number(0)
			e.duplicate(int(from), int(e.c.Result.Ret), e.closeOnExec(2))
		},
		"fcntl": fcntl, "fcntl64": fcntl, "ioctl": ioctl, "recvmsg": received, "recvmmsg": received,
		"close": func(e *event) {
			if fd, ok := e.number(0); ok {
				e.table.close(int(fd))
			}
		},
		"close_range": closeRange,
		"unshare": func(e *event) {
			if e.says(0, "CLONE_FILES") {
				e.unshare()
			}
		},
		"execve": exec, "execveat": exec,
		"clone": pidfd, "clone3": pidfd,
	} {
		rows[name] = r
	}
}

func signalfd(e *event) {
	if fd, ok := e.number(0); ok && fd >= 0 {
		return // it changes one that is there
	}
	makes(Signalfd, 3)(e)
}

// bpf gives a descriptor for some of what it does.
func bpf(e *event) {
	for _, what := range []string{"CREATE", "LOAD", "GET_FD", "OBJ_GET"} {
		if e.c.Result.Ret > 0 && strings.Contains(e.arg(0).Text, what) {
			makes(Other, -2)(e)
			return
		}
	}
}

func fcntl(e *event) {
	fd, _ := e.number(0)
	switch cmd := e.arg(1); {
	case cmd.Is("F_DUPFD"), cmd.Is("F_DUPFD_CLOEXEC"):
		low, _ := e.number(2)
		e.taken(int(max(0, low)), int(e.c.Result.Ret))
		e.duplicate(int(fd), int(e.c.Result.Ret), cmd.Is("F_DUPFD_CLOEXEC"))
	case cmd.Is("F_SETFD"):
		e.cloexec(int(fd), e.closeOnExec(2) || e.says(2, "FD_CLOEXEC"))
	}
}

func (e *event) cloexec(fd int, on bool) {
	if f := e.table.Get(fd, e.at); f != nil {
		e.table.put(fd, f, on)
	}
}

func ioctl(e *event) {
	fd, _ := e.number(0)
	switch request := e.arg(1); {
	case request.Is("FIOCLEX"):
		e.cloexec(int(fd), true)
	case request.Is("FIONCLEX"):
		e.cloexec(int(fd), false)
	case request.Is("TIOCGPTPEER"):
		e.made(int(e.c.Result.Ret), e.c.Result.Fd, Tty, e.closeOnExec(2))
	case request.Is("TCGETS"), strings.HasPrefix(request.Text, "TIOC"), strings.HasSuffix(request.Text, "TCGETS"):
		e.table.Get(int(fd), e.at).learnTty()
	}
}

func (f *File) learnTty() {
	if f != nil {
		f.learn(Tty, "")
	}
}

// received puts the descriptors that came as SCM_RIGHTS.
func received(e *event) {
	var walk func(v *strace.Value)
	walk = func(v *strace.Value) {
		if kind := v.Field("cmsg_type"); kind != nil && kind.Is("SCM_RIGHTS") {
			if data := v.Field("cmsg_data"); data != nil {
				for i := range data.List {
					if fd, ok := data.List[i].Number(); ok {
						e.made(int(fd), data.List[i].Fd, Unknown, e.closeOnExec(2))
					}
				}
			}
			return
		}
		for i := range v.List {
			walk(&v.List[i])
		}
	}
	walk(e.arg(1))
}

func closeRange(e *event) {
	first, _ := e.number(0)
	last, _ := e.number(1)
	if last < 0 || last > lastFd || strings.HasPrefix(e.arg(1).Text, "~") {
		last = lastFd
	}
	if e.says(2, "CLOSE_RANGE_UNSHARE") {
		e.unshare()
	}
	e.table.closeRange(first, last, e.says(2, "CLOSE_RANGE_CLOEXEC"))
}

// unshare gives a task a table of its own.
func (e *event) unshare() {
	if e.table.users > 1 {
		e.table.users--
		e.m.table = e.table.copy()
		e.table = e.m.table
	}
}

// exec closes what is to be closed; the other threads are gone, and nobody shares the table.
func exec(e *event) {
	e.unshare()
	e.table.exec()
}

// pidfd puts the descriptor that clone gives with CLONE_PIDFD: clone3 stores it through pidfd, clone in place of the parent's tid.
func pidfd(e *event) {
	if e.c.CloneFlags()&abi.CLONE_PIDFD == 0 {
		return
	}
	for i := range e.c.Args {
		v := &e.c.Args[i]
		if v.Kind == strace.ValueChange {
			v = &v.List[1]
		}
		f := v.Field("pidfd")
		if f == nil && (v.Name == "pidfd" || v.Name == "parent_tid") {
			f = v
		}
		if f == nil || len(f.List) != 1 {
			continue
		}
		if fd, ok := f.List[0].Number(); ok {
			e.made(int(fd), f.List[0].Fd, Pidfd, true)
		}
	}
}
