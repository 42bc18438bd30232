package kernel

import (
	"strings"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/vfs"
)

// namespace is the private directory of a run: names and what they stand for. It is never iterated.
type namespace map[string]*devices.Regular

// Open is open(2) in the private directory of the run, "." itself, and of /dev/null, /dev/zero, /dev/full.
// O_CREAT makes a regular file. The number is
// taken first: EMFILE creates nothing.
func (t *Thread) Open(name string, flags int) (int, error) {
	t.begin("openat", abi.AT_FDCWD, name, flags)
	if name == "" {
		return t.result(-1, abi.ENOENT)
	}
	fd, errno := t.files.Reserve(0, flags&abi.O_CLOEXEC != 0)
	if errno != 0 {
		return t.result(-1, errno)
	}
	f, errno := t.k.open(name, flags)
	if errno != 0 {
		t.files.Unreserve(fd)
		return t.result(-1, errno)
	}
	t.files.Install(fd, f)
	return t.result(fd, 0)
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
		if k.files == nil {
			k.files = namespace{}
		}
		inode = devices.NewRegular(k.sys, name)
		k.files[name] = inode
	}
	return inode.Open(flags), 0
}

// exists reports whether there is something of this name.
func (k *Kernel) exists(name string) bool {
	switch name {
	case "/dev/null", "/dev/zero", "/dev/full", ".":
		return true
	}
	return k.files[name] != nil
}
