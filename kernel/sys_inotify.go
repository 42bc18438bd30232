package kernel

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
)

// InotifyCalls are the system calls of inotify(7).
type InotifyCalls interface {
	// InotifyInit1 opens an inotify: inotify_init1(2). flags: IN_NONBLOCK, IN_CLOEXEC.
	InotifyInit1(flags int) (fd int, err error)
	// InotifyAddWatch watches a file or directory of the private directory of the run, or "." itself.
	InotifyAddWatch(fd int, path string, mask uint32) (wd int, err error)
	// InotifyRmWatch ends a watch: inotify_rm_watch(2).
	InotifyRmWatch(fd, wd int) error
}

// InotifyInit1 is inotify_init1(2).
func (t *Thread) InotifyInit1(flags int) (int, error) {
	t.begin("inotify_init1", flags)
	f, errno := devices.NewInotify(t.k.sys, t.k.inotifyUser(), flags)
	if errno != 0 {
		return t.result(-1, errno)
	}
	return t.result(t.install(f, 0, flags&abi.IN_CLOEXEC != 0))
}

// inotifyUser is who all inotifies are charged to.
func (k *Kernel) inotifyUser() *devices.InotifyUser {
	if k.inotify == nil {
		k.inotify = devices.NewInotifyUser(k.sys)
	}
	return k.inotify
}

// InotifyAddWatch is inotify_add_watch(2).
func (t *Thread) InotifyAddWatch(fd int, path string, mask uint32) (int, error) {
	t.begin("inotify_add_watch", fd, path, mask)
	if errno := devices.CheckWatchMask(mask); errno != 0 {
		return t.result(-1, errno)
	}
	f, counted := t.fdget(fd)
	if f == nil {
		return t.result(-1, abi.EBADF)
	}
	wd, errno := -1, devices.CheckWatchFlags(mask)
	if n := devices.InotifyOf(f); errno == 0 && n == nil {
		errno = abi.EINVAL
	} else if errno == 0 {
		wd, errno = t.k.addWatch(n, path, mask)
	}
	fdput(f, counted)
	return t.result(wd, errno)
}

func (k *Kernel) addWatch(n *devices.Inotify, path string, mask uint32) (int, abi.Errno) {
	if nodes[path] != nil {
		k.Stop(&devices.NotModelledError{What: "inotify_add_watch of " + path})
	}
	d, errno := k.lookup(path)
	if errno == 0 && mask&abi.IN_ONLYDIR != 0 && !d.Inode.IsDir() {
		errno = abi.ENOTDIR
	}
	if errno != 0 {
		return -1, errno
	}
	return n.AddWatch(d.Inode, mask)
}

// InotifyRmWatch is inotify_rm_watch(2).
func (t *Thread) InotifyRmWatch(fd, wd int) error {
	t.begin("inotify_rm_watch", fd, wd)
	f, counted := t.fdget(fd)
	if f == nil {
		return t.done(abi.EBADF)
	}
	errno := abi.EINVAL
	if n := devices.InotifyOf(f); n != nil {
		errno = n.RemoveWatch(int32(wd))
	}
	fdput(f, counted)
	return t.done(errno)
}
