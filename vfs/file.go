package vfs

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
)

var (
	classFile  = sim.NewClass("file")
	classFLock = sim.NewClass("file.f_lock")
	fieldCount = sim.NewField("f_count")
	fieldFlags = sim.NewField("f_flags")
	fieldEp    = sim.NewField("f_ep")
)

// Operations is what every file can be asked, models struct file_operations. Read and Write may sleep; the
// caller is System.M.Current(). More is discovered: Poller, Ioctler, Seeker, Fcntler, FlagChecker, Asyncer, Fdinfoer.
type Operations interface {
	Read(f *File, p []byte) (int, abi.Errno)
	Write(f *File, p []byte) (int, abi.Errno)
	// Release is called once, when the last reference is gone.
	Release(f *File)
}

// Poller is a file that can be waited for. Poll must register with the table first and read its state
// second, or an event between the two is lost.
type Poller interface {
	Poll(f *File, pt *PollTable) abi.Events
}

// Ioctler is a file that has ioctls of its own.
type Ioctler interface {
	Ioctl(f *File, request uint, arg int64) (int64, abi.Errno)
}

// Seeker is a file whose lseek is not ESPIPE.
type Seeker interface {
	Seek(f *File, offset int64, whence int) (int64, abi.Errno)
}

// Fcntler is a file that has fcntl commands of its own.
type Fcntler interface {
	Fcntl(f *File, cmd, arg int) (int, abi.Errno)
}

// FlagChecker is a file that refuses status flags, or has to know of them.
type FlagChecker interface {
	CheckFlags(f *File, flags int) abi.Errno
}

// Asyncer is a file that could signal an owner, so it keeps O_ASYNC. No file of the model has an owner, and none sends the
// signal. SetAsync is ->fasync: the flag is about to change.
type Asyncer interface {
	SetAsync(f *File, on bool) abi.Errno
}

// Fdinfoer is a file that adds lines to /proc/PID/fdinfo/FD.
type Fdinfoer interface {
	Fdinfo(f *File) string
}

// WatchList is what f_ep points to: the epoll items that watch a file. The floor above owns it.
type WatchList interface {
	// ReleaseFile removes the items of a file whose last reference is gone: eventpoll_release_file.
	ReleaseFile(f *File)
}

// DelayedFput is met by the owner of a task that has a return to user mode, where the kernel runs the
// final part of a close: task_work.
type DelayedFput interface {
	DelayFput(f *File)
}

// File is an open file description, models struct file.
type File struct {
	Sys  *System
	Ops  Operations
	Name string // as /proc/PID/fd shows it: "pipe:[7]"
	Ino  uint64

	id      sim.ID
	late    Late // makes Ops when somebody looks f up; nil: they are there
	poller  Poller
	dentry  *Dentry // nil: it has no name
	count   int
	lent    int // of those, that are given back before the call of who took them ends
	lookers int // who has found it in a table and has no reference yet
	gone    bool
	path    bool // opened with O_PATH: only a number that stands for a name
	flags   int
	Pos     int64

	Lock sim.Spinlock // f_lock; guards Ep and what it points to
	ep   WatchList
}

var files = sim.NewCache[File](nil)

// NewFile returns a description with one reference. flags are O_* with the access mode.
func (s *System) NewFile(ops Operations, flags int, name string, ino uint64) *File {
	f := files.New(s.M)
	f.Sys, f.Ops, f.flags, f.Name, f.Ino, f.count = s, ops, flags&^abi.O_CLOEXEC, name, ino, 1
	f.id = s.M.NewID(classFile)
	f.poller, _ = ops.(Poller)
	f.Lock.Init(s.M, classFLock)
	s.Counters.Allocations++
	return f
}

// Late makes what a description is of when it is needed first.
type Late interface {
	// Make returns the operations of f, as if it had made them when f was made: what it does is no step of any task.
	Make(f *File) Operations
}

// NewLateFile is NewFile of what late makes as soon as somebody looks the description up. It can be polled.
func (s *System) NewLateFile(late Late, flags int, name string, ino uint64) *File {
	f := s.NewFile(nil, flags, name, ino)
	f.late = late
	return f
}

// Ready makes what was left for later.
func (f *File) Ready() {
	if f.late == nil {
		return
	}
	f.Sys.M.Aside(func() { f.Ops = f.late.Make(f) })
	f.late = nil
	f.poller, _ = f.Ops.(Poller)
}

// ID is the identity of the description. Its number orders epoll items as the address does in the kernel.
func (f *File) ID() sim.ID { return f.id }

// CanPoll reports whether the file has a ->poll: file_can_poll.
func (f *File) CanPoll() bool { return f.poller != nil }

// Poll asks the file for its state, hooking pt's poller to its queues. Models vfs_poll.
func (f *File) Poll(pt *PollTable) abi.Events {
	if f.poller == nil {
		return abi.EPOLLIN | abi.EPOLLOUT | abi.EPOLLRDNORM | abi.EPOLLWRNORM
	}
	f.Sys.Counters.PollCalls++
	if f.Sys.M.Tracing() {
		return f.tracedPoll(pt)
	}
	return f.poller.Poll(f, pt)
}

// WakesIfActive is a file that wakes nobody if nobody is queued, which it looks for without the queue's lock.
type WakesIfActive interface{ WakesIfActive() }

// PollHooking is Poll for a table that hooks, unless it has done so before.
func (f *File) PollHooking(pt *PollTable) abi.Events {
	if !f.Sys.Rules.HooksLate || pt.Queue == nil {
		return f.Poll(pt)
	}
	if _, ok := f.Ops.(WakesIfActive); !ok {
		return f.Poll(pt)
	}
	// The hooks are visible to those who look without a lock only when the file has been asked.
	mask := f.Poll(&PollTable{Key: pt.Key})
	f.Poll(pt)
	return mask
}

// Readable and Writable tell the access mode: bit by bit one less than FMODE_READ and FMODE_WRITE, so that O_ACCMODE
// itself is neither.
func (f *File) Readable() bool { return (f.flags+1)&1 != 0 }

// Writable reports whether the description was opened for writing.
func (f *File) Writable() bool { return (f.flags+1)&2 != 0 }

// Flags returns the status flags and the access mode: F_GETFL. A point.
func (f *File) Flags() int {
	f.Sys.M.Read(f.id, fieldFlags)
	return f.flags
}

// NonBlocking reports whether O_NONBLOCK is set at this moment. A point.
func (f *File) NonBlocking() bool { return f.Flags()&abi.O_NONBLOCK != 0 }

// settable are the flags that F_SETFL stores.
const settable = abi.O_APPEND | abi.O_NONBLOCK | abi.O_DIRECT

// SetFlags stores the status flags that F_SETFL may change and ignores the others, O_ASYNC too unless the
// file is an Asyncer. Models setfl.
func (f *File) SetFlags(flags int) abi.Errno {
	if flags&abi.O_DIRECT != 0 {
		c, ok := f.Ops.(FlagChecker)
		if !ok {
			return abi.EINVAL
		}
		if errno := c.CheckFlags(f, flags); errno != 0 {
			return errno
		}
	}
	if _, ok := f.Ops.(Asyncer); ok {
		if errno := f.SetAsync(flags&abi.O_ASYNC != 0); errno != 0 {
			return errno
		}
	}
	f.Sys.M.Write(f.id, fieldFlags)
	f.flags = f.flags&^settable | flags&settable
	return 0
}

// SetAsync sets or clears O_ASYNC: FIOASYNC. ENOTTY if it would change and the file is no Asyncer.
func (f *File) SetAsync(on bool) abi.Errno {
	if f.Flags()&abi.O_ASYNC != 0 == on {
		return 0
	}
	a, ok := f.Ops.(Asyncer)
	if !ok {
		return abi.ENOTTY
	}
	if errno := a.SetAsync(f, on); errno != 0 {
		return errno
	}
	f.Sys.M.Write(f.id, fieldFlags)
	f.flags ^= abi.O_ASYNC
	return 0
}

// ShowCloexec makes F_GETFL show O_CLOEXEC, which an open hides but for that of a terminal by its master.
func (f *File) ShowCloexec() { f.flags |= abi.O_CLOEXEC }

// SetNonBlocking sets or clears O_NONBLOCK: FIONBIO.
func (f *File) SetNonBlocking(on bool) {
	f.Sys.M.Write(f.id, fieldFlags)
	f.flags &^= abi.O_NONBLOCK
	if on {
		f.flags |= abi.O_NONBLOCK
	}
}

// Watchers returns what watches f, nil if nothing does; reading f_ep is a point.
func (f *File) Watchers() WatchList {
	f.Sys.M.Read(f.id, fieldEp)
	return f.ep
}

// WatchersNow is Watchers without being a point, for checks.
func (f *File) WatchersNow() WatchList { return f.ep }

// SetWatchers stores f_ep; the caller holds f.Lock.
func (f *File) SetWatchers(w WatchList) {
	f.Sys.M.Write(f.id, fieldEp)
	f.ep = w
}

// Get takes a reference: get_file.
func (f *File) Get() {
	f.Sys.M.Write(f.id, fieldCount)
	f.count++
}

// TryGet takes a reference unless the file is dying already: file_ref_get.
func (f *File) TryGet() bool {
	f.Sys.M.Write(f.id, fieldCount)
	if f.count == 0 {
		return false
	}
	f.count++
	return true
}

// Lend is TryGet for a reference that comes back with Return before the call ends. As long as somebody keeps one,
// lending and returning commute, which spares explorers most of their work.
func (f *File) Lend() bool {
	f.Sys.M.Add(f.id, fieldCount)
	return f.lend()
}

func (f *File) lend() bool {
	if f.count == 0 {
		return false
	}
	f.lent++
	f.count++
	f.notKept()
	return true
}

// Return is Put for what Lend gave.
func (f *File) Return() {
	f.Sys.M.Add(f.id, fieldCount)
	f.lent--
	f.drop()
	f.notKept()
}

// Keep makes a lent reference one that stays.
func (f *File) Keep() {
	f.Sys.M.Write(f.id, fieldCount)
	f.lent--
}

// notKept adds to the footprint that this was no mere counting up or down: lent references are all there are.
func (f *File) notKept() {
	if m := f.Sys.M; m.Observed() && f.count == f.lent {
		m.Touch(sim.Access{ID: f.id, Field: fieldCount, Write: true})
	}
}

// getLooked is Lend for who has just found f in a table. The object outlives those who look at it, which
// SLAB_TYPESAFE_BY_RCU is for.
func (f *File) getLooked() bool {
	f.lookers++
	f.Sys.M.AddJoined(f.id, fieldCount)
	alive := f.lend()
	f.lookers--
	f.free()
	return alive
}

// free frees the object once the description has ended and nobody looks at it.
func (f *File) free() {
	if f.gone && f.lookers == 0 {
		f.Sys.M.Free(f.id)
	}
}

// Dying reports whether the last reference is gone. A point.
func (f *File) Dying() bool {
	f.Sys.M.Read(f.id, fieldCount)
	return f.count == 0
}

// Count returns the number of references, for snapshots and checks.
func (f *File) Count() int { return f.count }

// Put gives a reference back. The last one releases the file when the caller returns to user mode, or at
// once where there is no user mode. Models fput.
func (f *File) Put() {
	f.Sys.M.Write(f.id, fieldCount)
	f.drop()
}

func (f *File) drop() {
	if f.count--; f.count > 0 {
		return
	}
	if f.count < 0 {
		f.Sys.M.Violation("f_count of %s below zero", f.id)
	}
	if t := f.Sys.M.Current(); t != nil {
		if d, ok := t.Owner.(DelayedFput); ok {
			d.DelayFput(f)
			return
		}
	}
	f.Fput()
}

// Fput is the end of a description: its items leave their epolls, then the device is released. Models
// __fput. The test of f_ep is lock-free, as in eventpoll_release.
func (f *File) Fput() {
	if f.Sys.M.Tracing() {
		f.tracedFput()
	} else {
		f.fput()
	}
}

func (f *File) fput() {
	if f.dentry != nil {
		f.notifyClose()
	}
	if w := f.Watchers(); w != nil {
		w.ReleaseFile(f)
	}
	f.Ops.Release(f)
	if f.dentry != nil {
		f.dentry.Put()
	}
	f.gone = true
	f.free()
}
