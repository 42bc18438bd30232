package replay

import (
	"path"
	"strings"

	"github.com/epollsim/epollsim/abi"
)

// doings is what is known of files that the log has opened, created and renamed.
type doings struct {
	notifiers []*notifier
	regular   map[string]bool // names of files that are no directories
	renames   map[string]int  // how often a name has become another file's
	moves     int             // of what may be a directory
	cwds      map[int]string  // by process: where it has gone to, "" if nobody knows; the others are where they began
	cookie    int
}

func newDoings() doings {
	return doings{regular: map[string]bool{}, renames: map[string]int{}, cwds: map[int]string{}}
}

// meant is the file that a description is of, by its name when it was opened.
type meant struct {
	name           string // "": not certain
	kind           uint32 // IN_ISDIR of a directory
	writes         bool
	renames, moves int
}

// opens takes in an open that worked.
func (x *exec) opens(o *op, e *external) {
	flags := int(o.a[0])
	name := x.named(o, int(o.a[1]), o.text)
	if name == "" || flags&abi.O_PATH != 0 {
		return
	}
	m := meant{name: name, writes: flags&abi.O_ACCMODE != abi.O_RDONLY}
	switch {
	case flags&abi.O_DIRECTORY != 0:
		m.kind = abi.IN_ISDIR
	case m.writes || flags&abi.O_CREAT != 0:
		existed := x.regular[name]
		x.regular[name] = true
		if flags&abi.O_CREAT != 0 && flags&abi.O_EXCL != 0 {
			x.happened(name, abi.IN_CREATE, 0)
		} else if flags&abi.O_TRUNC != 0 && existed {
			x.happened(name, abi.IN_MODIFY, 0)
		}
	case !x.regular[name]:
		e.meant.name = name // what it is is not known, only below which name
		return
	}
	m.renames, m.moves = x.renames[name], x.moves
	e.meant = m
	x.does(e, abi.IN_OPEN)
	e.closed = func() {
		if m.writes {
			x.does(e, abi.IN_CLOSE_WRITE)
		} else {
			x.does(e, abi.IN_CLOSE_NOWRITE)
		}
	}
}

// does tells of what was done with a file that is open, if its name is still its own.
func (x *exec) does(e *external, mask uint32) {
	if m := &e.meant; e.closed != nil || mask == abi.IN_OPEN {
		if m.renames == x.renames[m.name] && m.moves == x.moves {
			x.happened(m.name, mask|m.kind, 0)
		}
	}
}

// named gives the one name of a file for all that mean it, "" where that is not certain.
func (x *exec) named(o *op, dir int, name string) string {
	switch {
	case name == "":
		return ""
	case path.IsAbs(name):
		return path.Clean(name)
	case dir != abi.AT_FDCWD:
		e := externalOf(x.file(o, dir))
		if e == nil || e.meant.name == "" {
			return ""
		}
		return path.Join(e.meant.name, name)
	}
	base, moved := x.cwds[x.thread(o).k.Process().Pid()]
	if moved && base == "" {
		return ""
	}
	return path.Join(base, name)
}

// goesTo takes in a chdir; without a name nobody knows where to.
func (x *exec) goesTo(o *op, name string) {
	if !o.want.failed() {
		x.cwds[x.thread(o).k.Process().Pid()] = x.named(o, abi.AT_FDCWD, name)
	}
}

// takesDir gives a child the directory of its parent.
func (x *exec) takesDir(parent, child int) {
	if child == parent {
		return
	}
	delete(x.cwds, child) // of another process that had the number
	if base, moved := x.cwds[parent]; moved {
		x.cwds[child] = base
	}
}

// forgetName ends what is expected of watches of a file whose name is another's from now on, and of all below it.
func (x *exec) forgetName(name string) {
	delete(x.regular, name)
	x.renames[name]++
	for _, n := range x.notifiers {
		for _, w := range n.watches {
			if name == "" || w.name == name || strings.HasPrefix(w.name, name+"/") {
				w.name = ""
			}
		}
	}
}
