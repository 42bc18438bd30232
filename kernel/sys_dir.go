package kernel

import (
	"strings"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/vfs"
)

// DirCalls are the system calls that change names in the private directory of the run. Paths are relative to it. There are
// no symbolic links, and nobody is refused for lack of permission.
type DirCalls interface {
	// Mkdir makes a directory in the private directory of the run: mkdir(2).
	Mkdir(path string) error
	// Rmdir removes an empty directory: rmdir(2).
	Rmdir(path string) error
	// Link gives a file another name: link(2).
	Link(oldpath, newpath string) error
	// Unlink removes a name; the file stays as long as it is open or has another: unlink(2).
	Unlink(path string) error
	// Rename gives a file or directory another name, removing what had that: rename(2).
	Rename(oldpath, newpath string) error
	// MemfdCreate opens a regular file without a name: memfd_create(2). flags: MFD_CLOEXEC, MFD_ALLOW_SEALING,
	// MFD_NOEXEC_SEAL, MFD_EXEC.
	MemfdCreate(name string, flags uint32) (fd int, err error)
}

// Mkdir is mkdir(2).
func (t *Thread) Mkdir(path string) error {
	t.begin("mkdir", path, 0o777)
	p, errno := t.k.vacant(path, true)
	if errno == 0 {
		p.dir.add(p.name, &directory{k: t.k, up: p.dir})
	}
	return t.done(errno)
}

// Rmdir is rmdir(2).
func (t *Thread) Rmdir(path string) error {
	t.begin("rmdir", path)
	return t.done(t.k.rmdir(path))
}

func (k *Kernel) rmdir(path string) abi.Errno {
	p, errno := k.walk(path)
	switch last := lastName(path); {
	case errno != 0:
		return errno
	case last == ".":
		return abi.EINVAL
	case last == "..":
		return abi.ENOTEMPTY
	case p.entry == nil:
		return abi.ENOENT
	case !p.isDir():
		return abi.ENOTDIR
	case len(p.entry.file.(*directory).entries) > 0:
		return abi.ENOTEMPTY
	}
	p.remove(abi.IN_DELETE | abi.IN_ISDIR)
	return 0
}

// lastName is the last part of a path.
func lastName(path string) string {
	path = strings.TrimRight(path, "/")
	return path[strings.LastIndexByte(path, '/')+1:]
}

// Link is link(2).
func (t *Thread) Link(oldpath, newpath string) error {
	t.begin("link", oldpath, newpath)
	return t.done(t.k.link(oldpath, newpath))
}

// link gives a file another name: who watches it is told first, then who watches the directory. Models do_linkat and
// fsnotify_link.
func (k *Kernel) link(oldpath, newpath string) abi.Errno {
	from, errno := k.walk(oldpath)
	if errno != 0 {
		return errno
	}
	if from.name != "." && from.entry == nil {
		return abi.ENOENT
	}
	to, errno := k.vacant(newpath, false)
	switch {
	case errno != 0:
		return errno
	case from.isDir():
		return abi.EPERM
	}
	inode := from.entry.dentry.Inode
	if to.dir.entries == nil {
		to.dir.entries = map[string]*entry{}
	}
	to.dir.entries[to.name] = &entry{vfs.NewDentry(inode, to.dir.dentry, to.name), from.entry.file}
	inode.Notify(vfs.FileEvent{Mask: abi.IN_ATTRIB})
	to.dir.dentry.Inode.Notify(vfs.FileEvent{Mask: abi.IN_CREATE, Name: to.name})
	return 0
}

// Unlink is unlink(2).
func (t *Thread) Unlink(path string) error {
	t.begin("unlink", path)
	return t.done(t.k.unlink(path))
}

func (k *Kernel) unlink(path string) abi.Errno {
	p, errno := k.walk(path)
	switch {
	case errno != 0:
		return errno
	case isDots(path):
		return abi.EISDIR
	case p.entry == nil:
		return abi.ENOENT
	case p.isDir():
		return abi.EISDIR
	}
	p.unlink()
	return 0
}

// unlink takes the name of a file away: vfs_unlink.
func (p place) unlink() {
	p.entry.dentry.Inode.Notify(vfs.FileEvent{Mask: abi.IN_ATTRIB})
	p.remove(abi.IN_DELETE)
}

// remove takes a name away: d_delete_notify. What nobody has open is gone before the directory's watchers are told.
func (p place) remove(mask uint32) {
	delete(p.dir.entries, p.name)
	p.entry.dentry.Delete()
	p.dir.dentry.Inode.Notify(vfs.FileEvent{Mask: mask, Name: p.name})
}

// Rename is rename(2).
func (t *Thread) Rename(oldpath, newpath string) error {
	t.begin("rename", oldpath, newpath)
	return t.done(t.k.rename(oldpath, newpath))
}

func (k *Kernel) rename(oldpath, newpath string) abi.Errno {
	from, errno := k.walkParent(oldpath)
	if errno != 0 {
		return errno
	}
	to, errno := k.walkParent(newpath)
	switch {
	case errno != 0:
		return errno
	case isDots(oldpath), isDots(newpath):
		return abi.EBUSY
	case from.entry == nil:
		return abi.ENOENT
	}
	moved, isDir := from.entry.file.(*directory)
	switch {
	case !isDir && (strings.HasSuffix(oldpath, "/") || strings.HasSuffix(newpath, "/")):
		return abi.ENOTDIR
	case isDir && to.dir.within(moved):
		return abi.EINVAL
	case to.entry != nil && to.isDir() && from.dir.within(to.entry.file.(*directory)):
		return abi.ENOTEMPTY
	case to.entry != nil && to.entry.dentry.Inode == from.entry.dentry.Inode:
		return 0
	case to.entry != nil && isDir && !to.isDir():
		return abi.ENOTDIR
	case to.entry != nil && !isDir && to.isDir():
		return abi.EISDIR
	case to.isDir() && len(to.entry.file.(*directory).entries) > 0:
		return abi.ENOTEMPTY
	}
	k.move(from, to, moved)
	return 0
}

// walkParent is walk, but a path that ends in a slash or does not exist is no mistake yet.
func (k *Kernel) walkParent(path string) (place, abi.Errno) {
	if path == "" {
		return place{}, abi.ENOENT
	}
	return k.walk(strings.TrimRight(path, "/"))
}

func isDots(path string) bool {
	last := lastName(path)
	return last == "." || last == ".."
}

// within reports whether d is other, or in it.
func (d *directory) within(other *directory) bool {
	for ; d != nil; d = d.up {
		if d == other {
			return true
		}
	}
	return false
}

// move gives from's file the name to; moved is the directory if it is one. A file that had the name loses it, and ends
// last. Models vfs_rename and fsnotify_move.
func (k *Kernel) move(from, to place, moved *directory) {
	e, target := from.entry, to.entry
	delete(from.dir.entries, from.name)
	if to.dir.entries == nil {
		to.dir.entries = map[string]*entry{}
	}
	to.dir.entries[to.name] = e
	e.dentry.Move(to.dir.dentry, to.name)
	mask := uint32(0)
	if moved != nil {
		moved.up, mask = to.dir, abi.IN_ISDIR
	}
	k.moves++
	cookie := k.moves
	from.dir.dentry.Inode.Notify(vfs.FileEvent{Mask: abi.IN_MOVED_FROM | mask, Name: from.name, Cookie: cookie})
	to.dir.dentry.Inode.Notify(vfs.FileEvent{Mask: abi.IN_MOVED_TO | mask, Name: to.name, Cookie: cookie})
	if target != nil {
		target.dentry.Inode.Notify(vfs.FileEvent{Mask: abi.IN_ATTRIB})
	}
	e.dentry.Inode.Notify(vfs.FileEvent{Mask: abi.IN_MOVE_SELF})
	if target != nil {
		target.dentry.Delete()
	}
}

// maxMemfdName is MFD_NAME_MAX_LEN.
const maxMemfdName = 249

// MemfdCreate is memfd_create(2) without huge pages.
func (t *Thread) MemfdCreate(name string, flags uint32) (int, error) {
	t.begin("memfd_create", name, flags)
	const known = abi.MFD_CLOEXEC | abi.MFD_ALLOW_SEALING | abi.MFD_NOEXEC_SEAL | abi.MFD_EXEC
	const both = abi.MFD_NOEXEC_SEAL | abi.MFD_EXEC
	switch {
	case flags&abi.MFD_HUGETLB != 0:
		t.k.Stop(&devices.NotModelledError{What: "memfd_create with MFD_HUGETLB"})
	case flags&^known != 0, flags&both == both, len(name) > maxMemfdName:
		return t.result(-1, abi.EINVAL)
	}
	f := devices.NewRegular(t.k.sys, "/memfd:"+name+" (deleted)").Open(abi.O_RDWR | abi.O_LARGEFILE)
	return t.result(t.install(f, 0, flags&abi.MFD_CLOEXEC != 0))
}
