package kernel

import (
	"strings"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/vfs"
)

// directory is a directory of the run: names and what they stand for. Its root is the private directory where programs
// begin. A change of names is one step, which no lock of a directory divides.
type directory struct {
	k       *Kernel
	dentry  *vfs.Dentry
	up      *directory        // of the root itself: nil
	entries map[string]*entry // never iterated
}

// entry is a name in a directory.
type entry struct {
	dentry *vfs.Dentry
	file   inode
}

// inode is what a name stands for. Open may wait. A description that comes with an errno is one that was open for a
// moment.
type inode interface {
	Open(flags int) (*vfs.File, abi.Errno)
}

// regular is an inode whose open never fails.
type regular struct{ *devices.Regular }

func (r regular) Open(flags int) (*vfs.File, abi.Errno) {
	return r.Regular.Open(flags &^ abi.O_TRUNC), 0
}

// Open opens a directory, for reading.
func (d *directory) Open(flags int) (*vfs.File, abi.Errno) {
	return devices.NewDirectory(d.k.sys, ".", flags)
}

// root returns the private directory of the run.
func (k *Kernel) root() *directory {
	if k.files == nil {
		k.files = &directory{k: k, dentry: vfs.NewDentry(k.sys.NewInode(vfs.DirInode), nil, ".")}
	}
	return k.files
}

// add makes a name in d and tells who watches d: vfs_create, vfs_mknod, vfs_mkdir.
func (d *directory) add(name string, file inode) *entry {
	if d.entries == nil {
		d.entries = map[string]*entry{}
	}
	kind, mask := vfs.SpecialInode, uint32(abi.IN_CREATE)
	sub, isDir := file.(*directory)
	if isDir {
		kind, mask = vfs.DirInode, abi.IN_CREATE|abi.IN_ISDIR
	} else if _, ok := file.(regular); ok {
		kind = vfs.RegularInode
	}
	e := &entry{vfs.NewDentry(d.k.sys.NewInode(kind), d.dentry, name), file}
	d.entries[name] = e
	if isDir {
		sub.dentry = e.dentry
	}
	d.dentry.Inode.Notify(vfs.FileEvent{Mask: mask, Name: name})
	return e
}

// maxName is NAME_MAX, maxPath is PATH_MAX.
const (
	maxName = 255
	maxPath = 4096
)

// place is where a path leads: a directory, a name in it, and what that stands for.
type place struct {
	dir   *directory
	name  string // ".": dir itself
	entry *entry // nil: nothing has this name
}

// isDir reports whether p is a directory.
func (p place) isDir() bool {
	if p.name == "." {
		return true
	}
	if p.entry == nil {
		return false
	}
	_, ok := p.entry.file.(*directory)
	return ok
}

// dentry is that of what the path stands for.
func (p place) dentry() *vfs.Dentry {
	if p.name == "." {
		return p.dir.dentry
	}
	return p.entry.dentry
}

// walk follows a path from the private directory; there is nothing outside of it. Models path_parentat and lookup_one.
func (k *Kernel) walk(path string) (place, abi.Errno) {
	switch {
	case path == "":
		return place{}, abi.ENOENT
	case len(path) >= maxPath:
		return place{}, abi.ENAMETOOLONG
	case path[0] == '/':
		return place{}, abi.ENOENT
	}
	p := place{dir: k.root(), name: "."}
	for name := range strings.SplitSeq(strings.TrimRight(path, "/"), "/") {
		if name == "" {
			continue
		}
		switch {
		case p.entry != nil:
			sub, ok := p.entry.file.(*directory)
			if !ok {
				return place{}, abi.ENOTDIR
			}
			p = place{dir: sub, name: "."}
		case p.name != ".":
			return place{}, abi.ENOENT
		}
		switch {
		case name == ".":
		case name == "..":
			if p.dir = p.dir.up; p.dir == nil {
				return place{}, abi.ENOENT
			}
		case len(name) > maxName:
			return place{}, abi.ENAMETOOLONG
		default:
			p.name, p.entry = name, p.dir.entries[name]
		}
	}
	if strings.HasSuffix(path, "/") && p.entry != nil && !p.isDir() {
		return place{}, abi.ENOTDIR
	}
	return p, 0
}

// lookup is walk to what is there: kern_path.
func (k *Kernel) lookup(path string) (*vfs.Dentry, abi.Errno) {
	p, errno := k.walk(path)
	if errno != 0 {
		return nil, errno
	}
	if p.name != "." && p.entry == nil {
		return nil, abi.ENOENT
	}
	return p.dentry(), 0
}

// vacant is walk to a name that nothing has; of a directory it may end in a slash. Models filename_create.
func (k *Kernel) vacant(path string, dir bool) (place, abi.Errno) {
	bare := strings.TrimRight(path, "/")
	if bare == "" {
		return place{}, abi.ENOENT
	}
	p, errno := k.walk(bare)
	switch {
	case errno != 0:
		return p, errno
	case p.name == "." || p.entry != nil:
		return p, abi.EEXIST
	case len(bare) < len(path) && !dir:
		return p, abi.ENOENT
	}
	return p, 0
}

// Open is open(2) in the private directory of the run, of directories too, and of the device nodes and pseudo files that
// there are. O_CREAT makes a regular file. The number is taken first: EMFILE creates nothing. The open of a FIFO may wait,
// and is made again after a signal as read(2) is.
func (t *Thread) Open(name string, flags int) (int, error) {
	t.begin("openat", abi.AT_FDCWD, name, flags)
	if flags &= validOpenFlags; flags&abi.O_SYNC&^abi.O_DSYNC != 0 {
		flags |= abi.O_DSYNC
	}
	if errno := t.k.checkOpenFlags(flags); errno != 0 {
		return t.result(-1, errno)
	}
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

// validOpenFlags are the flags that open knows; it passes over others.
const validOpenFlags = abi.O_ACCMODE | abi.O_CREAT | abi.O_EXCL | abi.O_NOCTTY | abi.O_TRUNC | abi.O_APPEND | abi.O_NONBLOCK | abi.O_SYNC |
	abi.O_ASYNC | abi.O_DIRECT | abi.O_LARGEFILE | abi.O_DIRECTORY | abi.O_NOFOLLOW | abi.O_NOATIME | abi.O_CLOEXEC | abi.O_PATH | abi.O_TMPFILE

// checkOpenFlags is what open asks of its flags before all: build_open_flags.
func (k *Kernel) checkOpenFlags(flags int) abi.Errno {
	const tmpfile = abi.O_TMPFILE &^ abi.O_DIRECTORY
	switch {
	case flags&abi.O_PATH != 0:
		return 0
	case flags&tmpfile != 0 && (flags&(abi.O_TMPFILE|abi.O_CREAT) != abi.O_TMPFILE || flags&abi.O_ACCMODE == abi.O_RDONLY):
		return abi.EINVAL
	case flags&tmpfile != 0:
		k.Stop(&devices.NotModelledError{What: "open with O_TMPFILE"})
	case flags&abi.O_DIRECTORY != 0 && flags&abi.O_CREAT != 0:
		return abi.EINVAL
	}
	return 0
}

func (k *Kernel) open(path string, flags int) (*vfs.File, abi.Errno) {
	const fresh = abi.O_CREAT | abi.O_EXCL
	flags |= abi.O_LARGEFILE // what a 64-bit kernel adds to every open
	if flags&abi.O_PATH != 0 {
		flags &= abi.O_PATH | abi.O_DIRECTORY | abi.O_NOFOLLOW | abi.O_CLOEXEC
	}
	if open := nodes[path]; open != nil {
		if flags&fresh == fresh {
			return nil, abi.EEXIST
		}
		if flags&abi.O_DIRECTORY != 0 {
			return nil, abi.ENOTDIR
		}
		if flags&abi.O_PATH != 0 {
			return k.sys.NewPathFile(flags, path, 0), 0
		}
		return open(k, flags), 0
	}
	bare := path
	if flags&abi.O_CREAT != 0 {
		bare = strings.TrimRight(path, "/") // which cannot be a file's name, whatever is there
	}
	p, errno := k.walk(bare)
	switch {
	case errno != 0:
		return nil, errno
	case p.name != "." && bare != path:
		return nil, abi.EISDIR
	case p.name == ".":
		if flags&fresh == fresh {
			return nil, abi.EEXIST
		}
		return k.openInode(p.dir.dentry, p.dir, flags)
	case p.entry == nil && flags&abi.O_CREAT == 0:
		return nil, abi.ENOENT
	case p.entry == nil:
		p.entry = p.dir.add(p.name, regular{devices.NewRegular(k.sys, p.name)})
		flags &^= abi.O_TRUNC
	case flags&fresh == fresh:
		return nil, abi.EEXIST
	case flags&abi.O_DIRECTORY != 0 && !p.isDir():
		return nil, abi.ENOTDIR
	}
	return k.openInode(p.entry.dentry, p.entry.file, flags)
}

// openInode opens what was found and tells who watches it; then a regular file is truncated, which is told too. Models
// vfs_open and handle_truncate.
func (k *Kernel) openInode(d *vfs.Dentry, file inode, flags int) (*vfs.File, abi.Errno) {
	d.Get()
	if flags&abi.O_PATH != 0 {
		f := k.sys.NewPathFile(flags, d.Name(), 0)
		f.SetDentry(d)
		return f, 0
	}
	f, errno := file.Open(flags)
	if f == nil {
		d.Put()
		return nil, errno
	}
	f.SetDentry(d)
	if errno != 0 {
		f.Put()
		return nil, errno
	}
	d.Notify(abi.IN_OPEN)
	if r, ok := file.(regular); ok && flags&abi.O_TRUNC != 0 {
		r.Truncate()
		f.NotifyModify()
	}
	return f, 0
}

// nodes are the files outside of the private directory. Nobody can watch them with an inotify.
var nodes = map[string]func(k *Kernel, flags int) *vfs.File{
	"/dev/null":         func(k *Kernel, flags int) *vfs.File { return devices.NewNull(k.sys, flags) },
	"/dev/zero":         func(k *Kernel, flags int) *vfs.File { return devices.NewZero(k.sys, flags) },
	"/dev/full":         func(k *Kernel, flags int) *vfs.File { return devices.NewFull(k.sys, flags) },
	"/proc/mounts":      (*Kernel).openMounts,
	"/proc/self/mounts": (*Kernel).openMounts,
	"/dev/ptmx":         (*Kernel).openPtmx,
}

func (k *Kernel) openPtmx(flags int) *vfs.File {
	k.console.File().Ready() // the first pty
	return devices.NewPtmx(k.sys, &k.devpts, flags)
}

func (k *Kernel) openMounts(flags int) *vfs.File { return k.mountNs().NewMountsFile(flags) }

// mountNs is what is mounted.
func (k *Kernel) mountNs() *devices.Mounts {
	if k.mounts == nil {
		k.mounts = devices.NewMounts(k.sys)
	}
	return k.mounts
}
