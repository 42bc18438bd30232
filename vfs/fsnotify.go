package vfs

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
)

var (
	classInode  = sim.NewClass("inode.watched")
	fieldMarks  = sim.NewField("i_fsnotify_marks")
	fieldDentry = sim.NewField("d_name")
)

// Inode is a file or directory as far as its watchers can tell, models what fsnotify knows of struct inode.
type Inode struct {
	sys   *System
	id    sim.ID
	kind  InodeKind
	links int    // names in directories: i_nlink
	marks []Mark // replaced as a whole, so that who walks it sees what it was
}

// InodeKind is what an inode is, as far as its watchers are told different things.
type InodeKind uint8

// The kinds of inodes.
const (
	RegularInode InodeKind = iota
	DirInode
	SpecialInode // a FIFO, a socket
)

// FileEvent is something that happened to an inode.
type FileEvent struct {
	Mask     uint32 // IN_*
	Name     string // in the watched directory; "": it happened to the watched inode itself
	Cookie   uint32 // joins the two halves of a rename
	Unlinked bool   // by a description whose name is gone
}

// Mark is somebody's interest in an inode, models struct fsnotify_mark.
type Mark interface {
	// HandleEvent is told of every event; what does not interest is up to it: ->handle_inode_event.
	HandleEvent(e FileEvent)
	// FreeingMark is told that the inode is gone, and the mark off it: ->freeing_mark.
	FreeingMark()
}

// NewInode returns an inode that nobody watches.
func (s *System) NewInode(kind InodeKind) *Inode {
	return &Inode{sys: s, id: s.M.NewID(classInode), kind: kind}
}

// IsDir reports whether i is a directory.
func (i *Inode) IsDir() bool { return i.kind == DirInode }

// Marks returns who watches i. A point.
func (i *Inode) Marks() []Mark {
	i.sys.M.Read(i.id, fieldMarks)
	return i.marks
}

// AddMark lets m watch i: fsnotify_add_inode_mark.
func (i *Inode) AddMark(m Mark) {
	i.sys.M.Write(i.id, fieldMarks)
	i.marks = append(i.marks[:len(i.marks):len(i.marks)], m)
}

// RemoveMark ends that: fsnotify_detach_mark. It reports whether m was there.
func (i *Inode) RemoveMark(m Mark) bool {
	i.sys.M.Write(i.id, fieldMarks)
	for n, other := range i.marks {
		if other == m {
			i.marks = append(append([]Mark(nil), i.marks[:n]...), i.marks[n+1:]...)
			return true
		}
	}
	return false
}

// Notify tells the watchers of i itself: fsnotify_inode, and for what happened to a name in it fsnotify_name.
func (i *Inode) Notify(e FileEvent) {
	for _, m := range i.Marks() {
		m.HandleEvent(e)
	}
}

// evict is what happens when a name ends that nobody has open any more, and the inode has no other name: its watchers are
// told, and watch no more, even if somebody has it open under another name that is gone. Models fsnotify_inoderemove.
func (i *Inode) evict() {
	i.Notify(FileEvent{Mask: abi.IN_DELETE_SELF})
	for _, m := range i.Marks() {
		if i.RemoveMark(m) {
			m.FreeingMark()
		}
	}
}

// Dentry is a name in a directory, or what is left of it while somebody has the file open. Models struct dentry. An inode
// has several if it was linked.
type Dentry struct {
	Inode  *Inode
	parent *Dentry // nil: of the root
	name   string
	count  int  // open descriptions, opens under way, and what is below it
	gone   bool // unhashed
}

// NewDentry gives an inode a name in parent; nil for the root.
func NewDentry(inode *Inode, parent *Dentry, name string) *Dentry {
	inode.links++
	if parent != nil {
		parent.Get()
	}
	return &Dentry{Inode: inode, parent: parent, name: name}
}

// Name is the name in the directory, "." of the root.
func (d *Dentry) Name() string { return d.name }

// Get takes a reference: dget.
func (d *Dentry) Get() {
	d.Inode.sys.M.Write(d.Inode.id, fieldDentry)
	d.count++
}

// Put gives it back. The last one of a name that is gone ends the inode, unless that has another, and then lets go of the
// directory: one that was removed lives on while a file that was in it is open. Models dput and dentry_unlink_inode.
func (d *Dentry) Put() {
	d.Inode.sys.M.Write(d.Inode.id, fieldDentry)
	if d.count--; d.count > 0 || !d.gone {
		return
	}
	if d.Inode.links == 0 {
		d.Inode.evict()
	}
	if d.parent != nil {
		d.parent.Put()
	}
}

// Delete says that the name is gone; the inode goes with it, or with the last description. Models d_delete.
func (d *Dentry) Delete() {
	d.Get()
	d.gone = true
	d.Inode.links--
	d.Put()
}

// Move says that the name is another now: d_move.
func (d *Dentry) Move(parent *Dentry, name string) {
	d.Inode.sys.M.Write(d.Inode.id, fieldDentry)
	parent.Get()
	d.parent.Put()
	d.parent, d.name = parent, name
}

// Notify tells who watches the directory, by name, and then who watches the inode. That a special file was read or written
// is not told by name: since 6.9 (230d97d39e71). Models fsnotify_parent.
func (d *Dentry) Notify(mask uint32) {
	if d.Inode.kind == DirInode {
		mask |= abi.IN_ISDIR
	}
	nameless := d.Inode.kind == SpecialInode && mask&(abi.IN_ACCESS|abi.IN_MODIFY) != 0
	d.Inode.sys.M.Read(d.Inode.id, fieldDentry)
	e := FileEvent{Mask: mask, Unlinked: d.gone}
	if d.parent != nil && !nameless {
		named := e
		named.Name = d.name
		d.parent.Inode.Notify(named)
	}
	d.Inode.Notify(e)
}

// SetDentry says under which name f was opened. It takes over a reference of the caller's.
func (f *File) SetDentry(d *Dentry) { f.dentry = d }

// NotifyAccess and NotifyModify tell the watchers of f's name that bytes were read or written: fsnotify_access,
// fsnotify_modify.
func (f *File) NotifyAccess() {
	if f.dentry != nil {
		f.dentry.Notify(abi.IN_ACCESS)
	}
}

// NotifyModify is for what was written.
func (f *File) NotifyModify() {
	if f.dentry != nil {
		f.dentry.Notify(abi.IN_MODIFY)
	}
}

// notifyClose models fsnotify_close.
func (f *File) notifyClose() {
	if f.path {
		return
	}
	mask := uint32(abi.IN_CLOSE_NOWRITE)
	if f.Writable() {
		mask = abi.IN_CLOSE_WRITE
	}
	f.dentry.Notify(mask)
}
