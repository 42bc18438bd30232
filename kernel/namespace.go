package kernel

import (
	"strings"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/vfs"
)

// namespace is the private directory of a run: names and what they stand for. It is never iterated.
type namespace map[string]inode

// inode is what a name stands for. Open may wait.
type inode interface {
	Open(flags int) (*vfs.File, abi.Errno)
}

// regular is an inode whose open never fails.
type regular struct{ *devices.Regular }

func (r regular) Open(flags int) (*vfs.File, abi.Errno) { return r.Regular.Open(flags), 0 }

// add gives i a name.
func (k *Kernel) add(name string, i inode) {
	if k.files == nil {
		k.files = namespace{}
	}
	k.files[name] = i
}

// Open is open(2) in the private directory of the run, "." itself, and of /dev/null, /dev/zero, /dev/full.
// O_CREAT makes a regular file. The number is taken first: EMFILE creates nothing. The open of a FIFO may wait,
// and is made again after a signal as read(2) is.
func (t *Thread) Open(name string, flags int) (int, error) {
	t.begin("openat", abi.AT_FDCWD, name, flags)
	if name == "" {
		return t.result(-1, abi.ENOENT)
	}
	return t.restartable(func() (int, abi.Errno) {
		fd, errno := t.files.Reserve(0, flags&abi.O_CLOEXEC != 0)
		if errno != 0 {
			return -1, errno
		}
		f, errno := t.k.open(name, flags)
		if errno != 0 {
			t.files.Unreserve(fd)
			return -1, errno
		}
		t.files.Install(fd, f)
		return fd, 0
	})
}

func (k *Kernel) open(name string, flags int) (*vfs.File, abi.Errno) {
	if flags&(abi.O_CREAT|abi.O_EXCL) == abi.O_CREAT|abi.O_EXCL && k.exists(name) {
		return nil, abi.EEXIST
	}
	flags |= abi.O_LARGEFILE // what a 64-bit kernel adds to every open
	switch name {
	case "/dev/null":
		return devices.NewNull(k.sys, flags), 0
	case "/dev/zero":
		return devices.NewZero(k.sys, flags), 0
	case "/dev/full":
		return devices.NewFull(k.sys, flags), 0
	case "/dev/ptmx":
		return devices.NewPtmx(k.sys, &k.devpts, flags), 0
	case ".":
		return devices.NewDirectory(k.sys, name, flags)
	}
	if strings.Contains(name, "/") {
		return nil, abi.ENOENT
	}
	inode, ok := k.files[name]
	if !ok {
		if flags&abi.O_CREAT == 0 {
			return nil, abi.ENOENT
		}
		inode = regular{devices.NewRegular(k.sys, name)}
		k.add(name, inode)
	}
	return inode.Open(flags)
}

// exists reports whether there is something of this name.
func (k *Kernel) exists(name string) bool {
	switch name {
	case "/dev/null", "/dev/zero", "/dev/full", "/dev/ptmx", ".":
		return true
	}
	return k.files[name] != nil
}
