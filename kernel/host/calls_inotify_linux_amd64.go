package host

import (
	"strings"

	"golang.org/x/sys/unix"

	"github.com/epollsim/epollsim/abi"
)

// The calls on names and of inotify, of a thread and of a batch.

// inside refuses a path that leads out of the run's directory.
func inside(c caller, call, path string) {
	if strings.HasPrefix(path, "/") || strings.ContainsRune(path, 0) {
		c.refuseSocket(call, "%q is outside of the scenario's directory", path)
	}
	depth := 0
	for name := range strings.SplitSeq(path, "/") {
		switch name {
		case "", ".":
		case "..":
			depth--
		default:
			depth++
		}
		if depth < 0 {
			c.refuseSocket(call, "%q is outside of the scenario's directory", path)
		}
	}
}

// path passes a path that leads to something inside.
func pathArg(c caller, call, path string) uintptr {
	inside(c, call, path)
	return c.in(append([]byte(path), 0))
}

func mkdirOf(c caller, path string) error {
	return done(c.socketCall("mkdir", unix.SYS_MKDIR, pathArg(c, "mkdir", path), 0o777))
}

func rmdirOf(c caller, path string) error {
	return done(c.socketCall("rmdir", unix.SYS_RMDIR, pathArg(c, "rmdir", path)))
}

func linkOf(c caller, from, to string) error {
	return done(c.socketCall("link", unix.SYS_LINK, pathArg(c, "link", from), pathArg(c, "link", to)))
}

func unlinkOf(c caller, path string) error {
	return done(c.socketCall("unlink", unix.SYS_UNLINK, pathArg(c, "unlink", path)))
}

func renameOf(c caller, from, to string) error {
	return done(c.socketCall("rename", unix.SYS_RENAME, pathArg(c, "rename", from), pathArg(c, "rename", to)))
}

func memfdCreateOf(c caller, name string, flags uint32) (int, error) {
	if flags&abi.MFD_HUGETLB != 0 {
		c.refuseSocket("memfd_create", "MFD_HUGETLB is not part of the model")
	}
	return result(c.socketCall("memfd_create", unix.SYS_MEMFD_CREATE, c.in(append([]byte(name), 0)), uintptr(flags)))
}

func inotifyInit1Of(c caller, flags int) (int, error) {
	return result(c.socketCall("inotify_init1", unix.SYS_INOTIFY_INIT1, arg(flags)))
}

func inotifyAddWatchOf(c caller, fd int, path string, mask uint32) (int, error) {
	return result(c.socketCall("inotify_add_watch", unix.SYS_INOTIFY_ADD_WATCH, arg(fd), pathArg(c, "inotify_add_watch", path), uintptr(mask)))
}

func inotifyRmWatchOf(c caller, fd, wd int) error {
	return done(c.socketCall("inotify_rm_watch", unix.SYS_INOTIFY_RM_WATCH, arg(fd), arg(wd)))
}

// Mkdir is mkdir(2).
func (t *Thread) Mkdir(path string) error { t.task.reset(); return mkdirOf(t, path) }

// Rmdir is rmdir(2).
func (t *Thread) Rmdir(path string) error { t.task.reset(); return rmdirOf(t, path) }

// Link is link(2).
func (t *Thread) Link(from, to string) error { t.task.reset(); return linkOf(t, from, to) }

// Unlink is unlink(2).
func (t *Thread) Unlink(path string) error { t.task.reset(); return unlinkOf(t, path) }

// Rename is rename(2).
func (t *Thread) Rename(from, to string) error { t.task.reset(); return renameOf(t, from, to) }

// MemfdCreate is memfd_create(2).
func (t *Thread) MemfdCreate(name string, flags uint32) (int, error) {
	t.task.reset()
	return memfdCreateOf(t, name, flags)
}

// InotifyInit1 is inotify_init1(2).
func (t *Thread) InotifyInit1(flags int) (int, error) { return inotifyInit1Of(t, flags) }

// InotifyAddWatch is inotify_add_watch(2).
func (t *Thread) InotifyAddWatch(fd int, path string, mask uint32) (int, error) {
	t.task.reset()
	return inotifyAddWatchOf(t, fd, path, mask)
}

// InotifyRmWatch is inotify_rm_watch(2).
func (t *Thread) InotifyRmWatch(fd, wd int) error { return inotifyRmWatchOf(t, fd, wd) }

// Mkdir is mkdir(2).
func (b *Batch) Mkdir(path string) error { return mkdirOf(b, path) }

// Rmdir is rmdir(2).
func (b *Batch) Rmdir(path string) error { return rmdirOf(b, path) }

// Link is link(2).
func (b *Batch) Link(from, to string) error { return linkOf(b, from, to) }

// Unlink is unlink(2).
func (b *Batch) Unlink(path string) error { return unlinkOf(b, path) }

// Rename is rename(2).
func (b *Batch) Rename(from, to string) error { return renameOf(b, from, to) }

// MemfdCreate is memfd_create(2).
func (b *Batch) MemfdCreate(name string, flags uint32) (int, error) {
	return memfdCreateOf(b, name, flags)
}

// InotifyInit1 is inotify_init1(2).
func (b *Batch) InotifyInit1(flags int) (int, error) { return inotifyInit1Of(b, flags) }

// InotifyAddWatch is inotify_add_watch(2).
func (b *Batch) InotifyAddWatch(fd int, path string, mask uint32) (int, error) {
	return inotifyAddWatchOf(b, fd, path, mask)
}

// InotifyRmWatch is inotify_rm_watch(2).
func (b *Batch) InotifyRmWatch(fd, wd int) error { return inotifyRmWatchOf(b, fd, wd) }
