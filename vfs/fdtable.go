package vfs

import (
	"errors"
	"fmt"
	"math/bits"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
)

var (
	classFiles     = sim.NewClass("files")
	classFilesLock = sim.NewClass("files.file_lock")
	fieldFd        = sim.NewField("fd")
	fieldUsers     = sim.NewField("users")
)

// FdTable maps numbers to descriptions, models struct files_struct. Threads share one; fork copies it.
type FdTable struct {
	Limit int // soft RLIMIT_NOFILE: only numbers below it are given out
	Users int // tasks that share the table
	// Shared says that several tasks share the table, or did: calls take references on what they look up.
	Shared bool

	sys   *System
	id    sim.ID
	lock  sim.Spinlock
	slots []slot
	used  []uint64 // bit fd: the number is taken, though maybe not installed yet
	next  int      // no free number below
	open  int      // slots with a file, counted for Check
}

type slot struct {
	file    *File
	cloexec bool
}

// DefaultLimit is the soft RLIMIT_NOFILE of a new system.
const DefaultLimit = 1024

var tables = sim.NewCache(func(t *FdTable) { *t = FdTable{slots: t.slots[:0], used: t.used[:0]} })

// NewFdTable returns an empty table with one user.
func (s *System) NewFdTable() *FdTable {
	t := tables.New(s.M)
	t.sys, t.Limit, t.Users = s, DefaultLimit, 1
	t.id = s.M.NewID(classFiles)
	t.lock.Init(s.M, classFilesLock)
	t.grow(63)
	return t
}

// grow makes room for number fd: 64 numbers at first, then the next power of two (64, 128, 256 … as measured
// on 6.18). It never shrinks. Models expand_fdtable.
func (t *FdTable) grow(fd int) {
	n := max(len(t.slots), 64)
	for n <= fd {
		n *= 2
	}
	if n > len(t.slots) {
		t.slots = append(t.slots, make([]slot, n-len(t.slots))...)
		t.used = append(t.used, make([]uint64, n/64-len(t.used))...)
	}
}

// Capacity is how many numbers the table has room for; select(2) looks no further.
func (t *FdTable) Capacity() int { return len(t.slots) }

// Lookup returns the description of fd, nil if it is not open, or open with O_PATH. It takes no reference and no lock, as
// fdget does for an unshared table. A point.
func (t *FdTable) Lookup(fd int) *File {
	t.sys.M.ReadAt(t.id, fieldFd, fd)
	if uint(fd) >= uint(len(t.slots)) {
		return nil
	}
	f := t.slots[fd].file
	if f == nil || f.path {
		return nil
	}
	if f.late != nil {
		f.Ready()
	}
	return f
}

// LookupRaw is Lookup that finds those open with O_PATH too: fdget_raw.
func (t *FdTable) LookupRaw(fd int) *File {
	t.sys.M.ReadAt(t.id, fieldFd, fd)
	if uint(fd) >= uint(len(t.slots)) {
		return nil
	}
	f := t.slots[fd].file
	if f != nil && f.late != nil {
		f.Ready()
	}
	return f
}

// Get is Lookup with a reference, which Return gives back: fget. If the description dies meanwhile, the number refers to nothing or
// to another one by now, and is looked up again: dup2 never makes it look closed.
func (t *FdTable) Get(fd int) *File {
	for {
		f := t.Lookup(fd)
		if f == nil || f.getLooked() {
			return f
		}
	}
}

// GetRaw is Get that finds those open with O_PATH too: fget_raw.
func (t *FdTable) GetRaw(fd int) *File {
	for {
		f := t.LookupRaw(fd)
		if f == nil || f.getLooked() {
			return f
		}
	}
}

// Reserve takes the lowest free number from start on: alloc_fd. EMFILE if none is below the limit.
func (t *FdTable) Reserve(start int, cloexec bool) (int, abi.Errno) {
	t.lock.Lock()
	defer t.lock.Unlock()
	t.sys.M.Guarded(&t.lock, t.id, fieldFd)
	fd := t.lowestFree(max(start, t.next))
	if fd >= t.Limit {
		return -1, abi.EMFILE
	}
	t.grow(fd)
	t.take(fd)
	if start <= t.next {
		t.next = fd + 1
	}
	t.slots[fd].cloexec = cloexec
	return fd, 0
}

func (t *FdTable) take(fd int) { t.used[fd/64] |= 1 << (fd % 64) }

// lowestFree returns the first free number ≥ start, which may be beyond the table.
func (t *FdTable) lowestFree(start int) int {
	for w := start / 64; w < len(t.used); w++ {
		free := ^t.used[w]
		if w == start/64 {
			free &= ^uint64(0) << (start % 64)
		}
		if free != 0 {
			return w*64 + bits.TrailingZeros64(free)
		}
	}
	return max(start, len(t.slots))
}

// Unreserve gives a reserved number back: put_unused_fd.
func (t *FdTable) Unreserve(fd int) {
	t.lock.Lock()
	t.release(fd)
	t.lock.Unlock()
}

func (t *FdTable) release(fd int) {
	t.used[fd/64] &^= 1 << (fd % 64)
	t.slots[fd].cloexec = false
	t.next = min(t.next, fd)
}

// Install makes a reserved number refer to f, whose reference the table takes over: fd_install. A point.
func (t *FdTable) Install(fd int, f *File) {
	t.sys.M.WriteAt(t.id, fieldFd, fd)
	t.put(fd, f)
}

// put makes the slot of fd refer to f; nil: to nothing.
func (t *FdTable) put(fd int, f *File) {
	if t.slots[fd].file != nil {
		t.open--
	}
	if f != nil {
		t.open++
	}
	t.slots[fd].file = f
}

// Close removes fd and returns the reference it held: the first half of close(2). EBADF if it is not open.
func (t *FdTable) Close(fd int) (*File, abi.Errno) {
	t.lock.Lock()
	defer t.lock.Unlock()
	if uint(fd) >= uint(len(t.slots)) {
		return nil, abi.EBADF
	}
	t.sys.M.WriteAt(t.id, fieldFd, fd)
	f := t.slots[fd].file
	if f == nil {
		return nil, abi.EBADF
	}
	t.put(fd, nil)
	t.release(fd)
	return f, 0
}

// CloseRange removes the open numbers from first to last, in ascending order, and gives their references back:
// __range_close. Between two of them others may use the table.
func (t *FdTable) CloseRange(first, last int64) {
	t.lock.Lock()
	t.sys.M.Guarded(&t.lock, t.id, fieldFd)
	for fd := first; fd <= min(last, int64(len(t.slots))-1); fd++ {
		f := t.slots[fd].file
		if f == nil {
			continue
		}
		t.put(int(fd), nil)
		t.release(int(fd))
		t.lock.Unlock()
		f.Put()
		t.lock.Lock()
		t.sys.M.Guarded(&t.lock, t.id, fieldFd)
	}
	t.lock.Unlock()
}

// SetCloexecRange sets FD_CLOEXEC of the open numbers from first to last: __range_cloexec.
func (t *FdTable) SetCloexecRange(first, last int64) {
	t.lock.Lock()
	for fd := first; fd <= min(last, int64(len(t.slots))-1); fd++ {
		t.slots[fd].cloexec = t.slots[fd].file != nil
	}
	t.lock.Unlock()
}

// Replace makes newfd refer to what oldfd does, and returns the reference that newfd held before, or nil:
// dup2(2). EBADF if oldfd is not open – the table has made room for newfd even so – or newfd is not
// allowed. A number that is reserved and not installed yet is EBUSY.
func (t *FdTable) Replace(oldfd, newfd int, cloexec bool) (*File, abi.Errno) {
	if newfd < 0 || newfd >= t.Limit {
		return nil, abi.EBADF
	}
	t.lock.Lock()
	defer t.lock.Unlock()
	t.grow(newfd)
	f := t.LookupRaw(oldfd)
	if f == nil {
		return nil, abi.EBADF
	}
	t.sys.M.WriteAt(t.id, fieldFd, newfd)
	old := t.slots[newfd].file
	if old == nil && t.used[newfd/64]&(1<<(newfd%64)) != 0 {
		return nil, abi.EBUSY
	}
	t.put(newfd, f)
	t.slots[newfd].cloexec = cloexec
	t.take(newfd)
	f.Get()
	return old, 0
}

// Cloexec returns FD_CLOEXEC of an open fd.
func (t *FdTable) Cloexec(fd int) bool { return t.slots[fd].cloexec }

// SetCloexec sets FD_CLOEXEC of an open fd.
func (t *FdTable) SetCloexec(fd int, on bool) {
	t.lock.Lock()
	t.slots[fd].cloexec = on
	t.lock.Unlock()
}

// Copy returns a table with the same numbers on the same descriptions: dup_fd, for fork. It has room for the
// highest open number, which may be less than t has.
func (t *FdTable) Copy() *FdTable {
	c := t.sys.NewFdTable()
	t.lock.Lock()
	defer t.lock.Unlock()
	c.Limit = t.Limit
	for fd := range t.slots {
		if f := t.slots[fd].file; f != nil {
			f.Get()
			c.grow(fd)
			c.put(fd, f)
			c.slots[fd].cloexec = t.slots[fd].cloexec
			c.take(fd)
		}
	}
	c.next = c.lowestFree(0)
	return c
}

// Leave takes one user away; the last one drops every number. seen says that it matters which of them that is. Models
// put_files_struct.
func (t *FdTable) Leave(seen bool) {
	t.Users--
	if seen {
		t.sys.M.Touch(sim.Access{ID: t.id, Field: fieldUsers, Write: true})
	}
	if t.sys.M.CountDown(t.id, fieldUsers, t.Users); t.Users == 0 {
		t.CloseAll()
	}
}

// CloseAll drops every number, in ascending order: close_files.
func (t *FdTable) CloseAll() {
	for fd := 0; t.open > 0; fd++ {
		if t.slots[fd].file == nil {
			continue
		}
		t.sys.M.WriteAt(t.id, fieldFd, fd)
		f := t.slots[fd].file
		t.put(fd, nil)
		t.release(fd)
		f.Put()
	}
}

// Put makes fd, of which the table may know nothing, refer to f, and takes over the reference. It is no step: for who
// prepares a table.
func (t *FdTable) Put(fd int, f *File) {
	t.grow(fd)
	t.put(fd, f)
	t.slots[fd].cloexec = false
	t.take(fd)
	t.next = t.lowestFree(0)
}

// NextFree returns the lowest number that is free, from start on, without being a point.
func (t *FdTable) NextFree(start int) int { return t.lowestFree(max(start, 0)) }

// At returns the description of fd without being a point, for snapshots; nil if fd is not open.
func (t *FdTable) At(fd int) *File {
	if uint(fd) >= uint(len(t.slots)) {
		return nil
	}
	return t.slots[fd].file
}

// Check verifies that the open numbers are marked used, that no free number lies below next, and that no
// slot refers to a description without references. It looks at the numbers in use: a file in the slot of another shows in
// how many there are.
func (t *FdTable) Check() error {
	var all []error
	open := 0
	for w, used := range t.used {
		for ; used != 0; used &= used - 1 {
			fd := w*64 + bits.TrailingZeros64(used)
			f := t.slots[fd].file
			if f == nil {
				continue
			}
			if open++; f.count <= 0 {
				all = append(all, fmt.Errorf("%s: fd %d refers to %s, which has no references", t.id, fd, f.id))
			}
		}
	}
	if open != t.open {
		all = append(all, t.unmarked())
	}
	if fd := t.lowestFree(0); fd < t.next {
		all = append(all, fmt.Errorf("%s: fd %d is free below next %d", t.id, fd, t.next))
	}
	if all == nil {
		return nil
	}
	return errors.Join(all...)
}

// unmarked says which numbers are open and not in use.
func (t *FdTable) unmarked() error {
	var all []error
	for _, fd := range t.Open() {
		if t.used[fd/64]&(1<<(fd%64)) == 0 {
			all = append(all, fmt.Errorf("%s: fd %d is open and marked free", t.id, fd))
		}
	}
	if all == nil {
		return fmt.Errorf("%s: %d numbers are open, %d are counted", t.id, len(t.Open()), t.open)
	}
	return errors.Join(all...)
}

// Open returns the open numbers in ascending order, for snapshots.
func (t *FdTable) Open() []int {
	var fds []int
	for fd := range t.slots {
		if t.slots[fd].file != nil {
			fds = append(fds, fd)
		}
	}
	return fds
}
