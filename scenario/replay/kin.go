package replay

import (
	"strings"

	"github.com/epollsim/epollsim/scenario/strace"
)

// What all of a log tells of its tasks where it has neither clone nor execve: who opens the C library has begun a
// program, and who maps a stack makes a thread.

// kin is what is known of a task.
type kin struct {
	process bool // it is no thread of another
	creator int  // Serial of the task that made room for a stack before it appeared, 0: nobody
}

// kinship is gathered by the survey.
type kinship struct {
	kin   map[int]kin  // by Serial
	loads map[int]bool // opens that are the first of a program, by index of the call
	cache map[int]int  // by Serial: the open of the loader's cache that no C library has followed yet
	stack int          // Serial of the task that has made room for a stack, for no task yet
}

func newKinship() kinship {
	return kinship{kin: map[int]kin{}, loads: map[int]bool{}, cache: map[int]int{}}
}

// Files that are opened when a program begins: the loader's cache by the loader, and by dlopen too, the size of a page by Go.
const (
	loaderCache = "/etc/ld.so.cache"
	goPageSize  = "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size"
)

// relate takes what a record tells.
func (k *kinship) relate(rec *strace.Record) {
	serial := rec.Task.Serial
	if _, met := k.kin[serial]; !met {
		k.kin[serial] = kin{creator: k.stack}
		k.stack = 0
	}
	if c := rec.Call; c != nil && c.Name == "mmap" && len(c.Args) > 3 && c.Args[3].Has("MAP_STACK") {
		k.stack = serial
	}
}

// opened notes an open that worked.
func (k *kinship) opened(o *op) {
	switch {
	case o.text == loaderCache:
		k.cache[o.task] = o.index
	case o.text == goPageSize:
		k.began(o.task, o.index)
	case strings.HasSuffix(o.text, "/libc.so.6") || strings.HasPrefix(o.text, "/lib/ld-musl-"):
		if first, ok := k.cache[o.task]; ok {
			delete(k.cache, o.task)
			k.began(o.task, first)
		}
	}
}

// began notes that a task has begun a program, to which the open with the index belongs.
func (k *kinship) began(task, index int) {
	k.loads[index] = true
	known := k.kin[task]
	known.process = true
	k.kin[task] = known
}
