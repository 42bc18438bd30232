package devices

import (
	"math"
	"slices"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/vfs"
)

// Watch is the interest of an instance in one inode, models struct inotify_inode_mark.
type Watch struct {
	group *Inotify
	inode *vfs.Inode
	wd    int32
	mask  uint32 // IN_ALL_EVENTS of it, and IN_EXCL_UNLINK, IN_ONESHOT
}

const (
	watchFlags = abi.IN_EXCL_UNLINK | abi.IN_ONESHOT
	watchBits  = abi.IN_ALL_EVENTS | abi.IN_UNMOUNT | abi.IN_Q_OVERFLOW | abi.IN_IGNORED | abi.IN_ONLYDIR | abi.IN_DONT_FOLLOW |
		abi.IN_EXCL_UNLINK | abi.IN_MASK_CREATE | abi.IN_MASK_ADD | abi.IN_ISDIR | abi.IN_ONESHOT
)

// CheckWatchMask is what inotify_add_watch asks of its mask before it looks at the descriptor.
func CheckWatchMask(mask uint32) abi.Errno {
	if mask&^uint32(watchBits) != 0 || mask&watchBits == 0 {
		return abi.EINVAL
	}
	return 0
}

// CheckWatchFlags is what it asks then.
func CheckWatchFlags(mask uint32) abi.Errno {
	if mask&abi.IN_MASK_ADD != 0 && mask&abi.IN_MASK_CREATE != 0 {
		return abi.EINVAL
	}
	return 0
}

// AddWatch watches an inode, or changes what a watch that there is already looks for, and returns its number. ENOSPC if the
// user may have no more; a number is gone even so. Models inotify_update_watch.
func (n *Inotify) AddWatch(inode *vfs.Inode, mask uint32) (int, abi.Errno) {
	n.marks.Lock()
	defer n.marks.Unlock()
	for _, w := range n.watches {
		if w.inode == inode {
			return w.update(mask)
		}
	}
	wd := n.nextWd()
	if !n.user.mayWatch() {
		return 0, abi.ENOSPC
	}
	w := &Watch{group: n, inode: inode, wd: wd, mask: mask & (abi.IN_ALL_EVENTS | watchFlags)}
	at, _ := n.find(wd)
	n.watches = slices.Insert(n.watches, at, w)
	inode.AddMark(w)
	return int(wd), 0
}

// update models inotify_update_existing_watch.
func (w *Watch) update(mask uint32) (int, abi.Errno) {
	if mask&abi.IN_MASK_CREATE != 0 {
		return 0, abi.EEXIST
	}
	w.group.m.Write(w.group.id, fieldWatchMask)
	next := mask & (abi.IN_ALL_EVENTS | watchFlags)
	if mask&abi.IN_MASK_ADD != 0 {
		next |= w.mask
	}
	w.mask = next
	return int(w.wd), 0
}

// nextWd is the number behind the one given out last that is free: idr_alloc_cyclic.
func (n *Inotify) nextWd() int32 {
	for {
		if n.lastWd == math.MaxInt32 {
			n.lastWd = 0
		}
		n.lastWd++
		if _, taken := n.find(n.lastWd); !taken {
			return n.lastWd
		}
	}
}

func (n *Inotify) find(wd int32) (int, bool) {
	return slices.BinarySearchFunc(n.watches, wd, func(w *Watch, wd int32) int { return int(w.wd) - int(wd) })
}

// RemoveWatch ends a watch: inotify_rm_watch(2).
func (n *Inotify) RemoveWatch(wd int32) abi.Errno {
	n.marks.Lock()
	at, ok := n.find(wd)
	if !ok {
		n.marks.Unlock()
		return abi.EINVAL
	}
	w := n.watches[at]
	n.marks.Unlock()
	w.destroy()
	return 0
}

// destroy ends a watch, unless somebody else has: fsnotify_destroy_mark.
func (w *Watch) destroy() {
	if w.inode.RemoveMark(w) {
		w.FreeingMark()
	}
}

// FreeingMark tells the reader that the watch is gone, and gives its number back. Models
// inotify_ignored_and_remove_idr.
func (w *Watch) FreeingMark() {
	n := w.group
	n.add(inotifyEvent{wd: w.wd, mask: abi.IN_IGNORED})
	n.marks.Lock()
	if at, ok := n.find(w.wd); ok && n.watches[at] == w {
		n.watches = slices.Delete(n.watches, at, at+1)
		n.user.endWatches(1)
	}
	n.marks.Unlock()
}

// HandleEvent queues what the watch is there for. Models fsnotify_handle_inode_event and inotify_handle_inode_event.
func (w *Watch) HandleEvent(e vfs.FileEvent) {
	w.group.m.Read(w.group.id, fieldWatchMask)
	if e.Unlinked && w.mask&abi.IN_EXCL_UNLINK != 0 || e.Mask&w.mask&abi.IN_ALL_EVENTS == 0 || w.group.closed {
		return
	}
	w.group.add(inotifyEvent{wd: w.wd, mask: e.Mask, cookie: e.Cookie, name: e.Name})
	if w.mask&abi.IN_ONESHOT != 0 {
		w.destroy()
	}
}
