package files

import (
	"strings"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/scenario/strace"
)

// use is an argument that is a descriptor, and what it must be for the call to be good for it.
type use struct {
	arg  int
	kind Kind
}

// uses has the descriptors among the arguments of calls.
var uses = map[string][]use{
	"epoll_ctl": {{0, Epoll}, {2, Unknown}}, "epoll_wait": {{0, Epoll}}, "epoll_pwait": {{0, Epoll}}, "epoll_pwait2": {{0, Epoll}},
	"timerfd_settime": {{0, Timerfd}}, "timerfd_gettime": {{0, Timerfd}},
	"inotify_add_watch": {{0, Inotify}}, "inotify_rm_watch": {{0, Inotify}},
	"pidfd_send_signal": {{0, Pidfd}}, "pidfd_getfd": {{0, Pidfd}}, "io_uring_enter": {{0, IoUring}}, "io_uring_register": {{0, IoUring}},
	"accept": {{0, Listener}}, "accept4": {{0, Listener}}, "listen": {{0, Listener}},
	"bind": {{0, Socket}}, "connect": {{0, Socket}}, "getsockname": {{0, Socket}}, "getpeername": {{0, Socket}},
	"shutdown": {{0, Socket}}, "setsockopt": {{0, Socket}}, "getsockopt": {{0, Socket}},
	"sendto": {{0, Socket}}, "recvfrom": {{0, Socket}}, "sendmsg": {{0, Socket}}, "recvmsg": {{0, Socket}},
	"sendmmsg": {{0, Socket}}, "recvmmsg": {{0, Socket}},
	"getdents": {{0, Directory}}, "getdents64": {{0, Directory}}, "fchdir": {{0, Directory}},
	"read": {{0, Unknown}}, "write": {{0, Unknown}}, "readv": {{0, Unknown}}, "writev": {{0, Unknown}},
	"pread64": {{0, Regular}}, "pwrite64": {{0, Regular}}, "preadv": {{0, Regular}}, "pwritev": {{0, Regular}}, "lseek": {{0, Regular}},
	"ftruncate": {{0, Regular}}, "fallocate": {{0, Regular}}, "fsync": {{0, Unknown}}, "fdatasync": {{0, Unknown}},
	"flock": {{0, Unknown}}, "fchmod": {{0, Unknown}}, "fchown": {{0, Unknown}}, "fadvise64": {{0, Unknown}}, "fstatfs": {{0, Unknown}},
	"fstat": {{0, Unknown}}, "newfstatat": {{0, Unknown}}, "statx": {{0, Unknown}}, "close": {{0, Unknown}},
	"dup": {{0, Unknown}}, "dup2": {{0, Unknown}}, "dup3": {{0, Unknown}}, "fcntl": {{0, Unknown}}, "ioctl": {{0, Unknown}},
	"mmap": {{4, Unknown}}, "openat": {{0, Directory}}, "mkdirat": {{0, Directory}}, "unlinkat": {{0, Directory}},
	"sendfile": {{0, Unknown}, {1, Unknown}}, "splice": {{0, Unknown}, {2, Unknown}}, "tee": {{0, Pipe}, {1, Pipe}},
	"vmsplice": {{0, Pipe}}, "copy_file_range": {{0, Regular}, {2, Regular}}, "signalfd4": {{0, Signalfd}},
}

// elfMagic is how a program or library begins.
const elfMagic = "\x7fELF"

// uses learns from the descriptors that a call works on.
func (e *event) uses() {
	r := &e.c.Result
	for _, u := range uses[e.c.Name] {
		v := e.arg(u.arg)
		fd, ok := v.Number()
		if !ok || fd < 0 || fd > 1<<30 || v.Kind != strace.ValueInt {
			continue
		}
		if r.Failed && r.Err == abi.EBADF {
			if len(uses[e.c.Name]) == 1 {
				e.table.close(int(fd))
			}
			continue
		}
		f := e.table.Get(int(fd), e.at)
		if f == nil { // it must have been opened where the log does not show it
			e.t.Reopened++
			e.t.Unopened = e.t.Unopened || strings.HasPrefix(e.arg(1).Text, elfMagic)
			f = &File{Opened: e.at}
			e.table.put(int(fd), f, false)
		}
		kind := kindOf(v.Fd)
		if (kind == Unknown || kind == Other || kind == Socket) && u.kind != Unknown && (!r.Failed || u.kind == Epoll && r.Err != abi.EINVAL) {
			kind = u.kind
		}
		f.learn(kind, v.Fd)
		e.stat(f)
	}
	switch e.c.Name {
	case "poll", "ppoll":
		e.polled(e.arg(0))
	case "select", "pselect6":
		for i := 1; i <= 3; i++ {
			e.listed(e.arg(i))
		}
	}
}

// stat learns from what fstat says.
func (e *event) stat(f *File) {
	if !strings.Contains(e.c.Name, "stat") || e.c.Result.Failed {
		return
	}
	for i := range e.c.Args {
		mode := e.c.Args[i].Field("st_mode")
		if mode == nil {
			mode = e.c.Args[i].Field("stx_mode")
		}
		if mode == nil || strings.HasSuffix(e.c.Name, "at") && e.arg(1).Text != "" || e.c.Name == "statx" && e.arg(1).Text != "" {
			continue
		}
		name, _, _ := strings.Cut(mode.Text, "|")
		if kind := modeKinds[name]; kind != Unknown {
			f.learn(kind, "")
		}
	}
}

func (e *event) polled(v *strace.Value) {
	for i := range v.List {
		if fd := v.List[i].Field("fd"); fd != nil && fd.Int >= 0 && !e.invalid(fd.Int) {
			e.one(fd)
		}
	}
}

// invalid reports whether poll found out that a descriptor is not open.
func (e *event) invalid(fd int64) bool {
	for _, n := range e.c.Result.Notes {
		for i := range n.List {
			p := &n.List[i]
			if at, revents := p.Field("fd"), p.Field("revents"); at != nil && at.Int == fd && revents != nil {
				return strings.Contains(revents.Text, "POLLNVAL")
			}
		}
	}
	return false
}

func (e *event) listed(v *strace.Value) {
	if v.Kind != strace.ValueArray || e.c.Result.Failed {
		return
	}
	for i := range v.List {
		e.one(&v.List[i])
	}
}

func (e *event) one(v *strace.Value) {
	if fd, ok := v.Number(); ok && fd < 1<<30 {
		if f := e.table.Get(int(fd), e.at); f != nil {
			f.learn(kindOf(v.Fd), v.Fd)
		}
	}
}
