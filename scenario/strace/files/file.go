package files

import (
	"strings"

	"github.com/epollsim/epollsim/scenario/strace"
)

// Kind is what a file is, in the words of strace -y where it has some.
type Kind string

// The kinds.
const (
	Unknown   Kind = ""
	Regular   Kind = "regular file"
	Directory Kind = "directory"
	Device    Kind = "device"
	Tty       Kind = "terminal"
	Pipe      Kind = "pipe"
	Socket    Kind = "socket"
	Listener  Kind = "listening socket"
	Epoll     Kind = "epoll"
	Eventfd   Kind = "eventfd"
	Timerfd   Kind = "timerfd"
	Signalfd  Kind = "signalfd"
	Inotify   Kind = "inotify"
	Pidfd     Kind = "pidfd"
	Memfd     Kind = "memfd"
	IoUring   Kind = "io_uring"
	Other     Kind = "other"
)

// File is an open file.
type File struct {
	Kind   Kind
	Name   string     // of a decoration, or the path that was opened; or ""
	Opened strace.Pos // where; Line 0: before the log begins
}

// Inherited reports whether f was open before the log begins.
func (f *File) Inherited() bool { return f.Opened.Line == 0 }

// learn takes over what a call shows of f. What is known already stays, but a socket may turn out to listen.
func (f *File) learn(kind Kind, name string) {
	if f.Kind == Unknown || f.Kind == Other || f.Kind == Socket && kind == Listener || f.Kind == Device && kind == Tty {
		f.Kind = kind
	}
	if f.Name == "" {
		f.Name = name
	}
}

// kindOf gives the kind that a decoration tells.
func kindOf(decoration string) Kind {
	switch {
	case decoration == "":
		return Unknown
	case strings.HasPrefix(decoration, "anon_inode:"):
		return anonymous[strings.Trim(decoration[len("anon_inode:"):], "[]")]
	case strings.HasPrefix(decoration, "pipe:"):
		return Pipe
	case strings.HasPrefix(decoration, "/dev/pts/"), strings.HasPrefix(decoration, "/dev/tty"), decoration == "/dev/ptmx":
		return Tty
	case strings.HasPrefix(decoration, "/dev/"):
		return Device
	case strings.HasPrefix(decoration, "/memfd:"):
		return Memfd
	case decoration[0] == '/':
		return Regular
	}
	name, _, ok := strings.Cut(decoration, ":[")
	if ok && (name == "socket" || strings.HasPrefix(name, "TCP") || strings.HasPrefix(name, "UDP") || strings.HasPrefix(name, "UNIX") ||
		name == "NETLINK") {
		return Socket
	}
	return Other
}

var anonymous = map[string]Kind{
	"eventpoll": Epoll, "eventfd": Eventfd, "timerfd": Timerfd, "signalfd": Signalfd, "inotify": Inotify, "pidfd": Pidfd,
	"io_uring": IoUring,
}

// modeKinds are the kinds that st_mode of stat tells.
var modeKinds = map[string]Kind{
	"S_IFIFO": Pipe, "S_IFSOCK": Socket, "S_IFCHR": Device, "S_IFBLK": Device, "S_IFREG": Regular, "S_IFDIR": Directory,
}
