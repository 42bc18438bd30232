package files

import (
	"maps"
	"slices"

	"github.com/epollsim/epollsim/scenario/strace"
)

// Table is the descriptors of the tasks that share it.
type Table struct {
	fds    map[int]entry
	family *family
	users  int
	making int // calls under way that may make a descriptor
	// cleared is where close_range has closed all from: of the numbers from there on, those in fds alone are open. -1: nowhere.
	cleared int
}

// entry is a number of which something is known.
type entry struct {
	file    *File // nil: it is free
	cloexec bool
}

// family is what the tasks forked from one have in common.
type family struct {
	first     *strace.Task
	inherited map[int]*inheritance
}

type inheritance struct {
	file *File
	seen strace.Pos // where it is used first
}

func newFamily(first *strace.Task) *Table {
	f := &family{first: first, inherited: map[int]*inheritance{}}
	return &Table{fds: map[int]entry{}, family: f, users: 1, cleared: -1}
}

// copy is what fork gives to the child.
func (t *Table) copy() *Table {
	return &Table{fds: maps.Clone(t.fds), family: t.family, users: 1, cleared: t.cleared}
}

// Get gives the file of a number, nil if it is free. A number of which nothing is known is taken for one that was inherited; at
// is where that shows.
func (t *Table) Get(fd int, at strace.Pos) *File {
	if fd < 0 {
		return nil
	}
	if e, ok := t.fds[fd]; ok || t.cleared >= 0 && fd >= t.cleared {
		return e.file
	}
	in := t.family.inherited[fd]
	if in == nil {
		in = &inheritance{file: &File{}, seen: at}
		t.family.inherited[fd] = in
	}
	t.fds[fd] = entry{file: in.file}
	return in.file
}

// put opens a number. All below it that nothing is known of must have been open: the lowest free one is taken.
func (t *Table) put(fd int, f *File, cloexec bool) {
	t.fds[fd] = entry{f, cloexec}
}

// fill takes the numbers from low below fd for open: a call has been given fd as the lowest free one.
func (t *Table) fill(low, fd int, at strace.Pos) {
	for n := low; n < fd && n < low+maxFill; n++ {
		t.Get(n, at)
	}
}

// maxFill bounds the descriptors that one call shows to be inherited.
const maxFill = 1 << 12

// lowest gives the lowest number from low on that is known to be free, or of which nothing is known.
func (t *Table) lowest(low int) int {
	for {
		if e, ok := t.fds[low]; !ok || e.file == nil {
			return low
		}
		low++
	}
}

func (t *Table) close(fd int) {
	if fd >= 0 {
		t.fds[fd] = entry{}
	}
}

// lastFd is what close_range is given for all numbers up to the end.
const lastFd = 1<<31 - 1

// closeRange closes all numbers of a range, or marks them to be closed.
func (t *Table) closeRange(first, last int64, cloexec bool) {
	for fd, e := range t.fds {
		if int64(fd) < first || int64(fd) > last || e.file == nil {
			continue
		}
		if e.cloexec = true; !cloexec {
			e = entry{}
		}
		t.fds[fd] = e
	}
	if !cloexec && last == lastFd && (t.cleared < 0 || first < int64(t.cleared)) {
		t.cleared = int(first)
	}
}

// exec closes what is to be closed. Of inherited numbers that is not known.
func (t *Table) exec() {
	for fd, e := range t.fds {
		if e.cloexec {
			t.fds[fd] = entry{}
		}
	}
}

// Open gives the open numbers that are known, in order.
func (t *Table) Open() []int {
	var list []int
	for fd, e := range t.fds {
		if e.file != nil {
			list = append(list, fd)
		}
	}
	slices.Sort(list)
	return list
}
