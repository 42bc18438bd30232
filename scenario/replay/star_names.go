package replay

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

// names are the variables of a scenario. A number that was given out is one, for as long as it means that file.
type names struct {
	vars   []*variable
	tables map[*vfs.FdTable]map[int]slot
	kinds  map[sim.ID]string // of files that the scenario has
	data   map[itemData]*variable
	taken  map[string]int // how many variables wanted this name
	live   int            // numbers that are open, of all tables
	most   int
}

// variable is a number of the scenario's. Which name it gets is known at the end.
type variable struct {
	index   int
	kind    string
	fd      int
	file    sim.ID
	owner   *part
	scene   int // at which it was made
	users   map[*part]bool
	name    string
	handing handing
}

// slot is what a number of a table is: processes share variables, not what they do with them.
type slot struct {
	v    *variable
	file *vfs.File
}

// handing is how a variable comes to those who use it.
type handing uint8

const (
	local  handing = iota // nobody else does
	passed                // those who start a thread give it to that
	shared                // it stands where everybody finds it
)

func newNames() names {
	return names{tables: map[*vfs.FdTable]map[int]slot{}, kinds: map[sim.ID]string{}, data: map[itemData]*variable{}, taken: map[string]int{}}
}

func (n *names) table(files *vfs.FdTable) map[int]slot {
	t := n.tables[files]
	if t == nil {
		t = map[int]slot{}
		n.tables[files] = t
	}
	return t
}

// copyNames gives a table that is a copy its numbers.
func (n *names) copyNames(from, to *vfs.FdTable) {
	t := n.table(to)
	for fd, at := range n.table(from) {
		if to.At(fd) == at.file {
			t[fd] = at
			n.live++
		}
	}
	n.most = max(n.most, n.live)
}

// has reports whether the scenario has a file.
func (n *names) has(f *vfs.File) bool { return f != nil && n.kinds[f.ID()] != "" }

// numbers are those that are variables.
func (l *line) numbers() []int { return slices.Sorted(maps.Keys(l.names)) }

// define makes fd, which is f, a variable, and gives its place in the text.
func (l *line) define(kind string, fd int, f *vfs.File) string {
	s := l.s
	v := &variable{index: len(s.vars), kind: kind, fd: fd, owner: l.scene.part, scene: len(s.scenes), users: map[*part]bool{l.scene.part: true}}
	s.vars = append(s.vars, v)
	if _, had := l.names[fd]; !had {
		s.live++
		s.most = max(s.most, s.live)
	}
	l.names[fd] = slot{v, f}
	if f != nil {
		v.file = f.ID()
		s.kinds[f.ID()] = kind
	}
	return placeOf(v)
}

func placeOf(v *variable) string { return fmt.Sprintf("\x00%d\x00", v.index) }

func (l *line) use(v *variable) string {
	v.users[l.scene.part] = true
	return placeOf(v)
}

func (l *line) forget(fd int) {
	if _, had := l.names[fd]; had {
		delete(l.names, fd)
		l.s.live--
	}
}

// is makes what is known of a file its name: a socket that listens is a listener.
func (l *line) is(fd int, kind string) {
	if v := l.names[fd].v; v != nil && v.kind == "sock" {
		v.kind = kind
		l.s.kinds[v.file] = kind
	}
}

// fd is a number of the call. One of a file that the scenario has not makes the call foreign to it.
func (l *line) fd(n int) string {
	f := l.files.At(n)
	switch at := l.names[n]; {
	case at.v != nil && at.file == f:
		return l.use(at.v)
	case f != nil:
		l.foreign = true
	}
	return notOpen
}

// notOpen is a number that nothing has in a scenario.
const notOpen = "1000"

// christen gives the variables their names, and says how they come to their users.
func (s *star) christen() {
	clear(s.taken)
	for _, v := range s.vars {
		name := v.kind
		if v.owner != s.world() {
			name += fmt.Sprint(v.fd)
		}
		s.taken[name]++
		switch n := s.taken[name]; {
		case v.owner == s.world():
			name += fmt.Sprint(n)
		case n > 1:
			name += fmt.Sprintf("_%d", n)
		}
		v.name = name
		for p := range v.users {
			if p != v.owner && v.handing != shared {
				v.handing = s.reaches(v, p)
			}
		}
	}
}

// reaches tells how v comes to p: from its owner through those who start one another, if it was there before.
func (s *star) reaches(v *variable, p *part) handing {
	for ; p != v.owner; p = p.from {
		if p.from == nil || p == s.world() || p.since < v.scene {
			return shared
		}
	}
	return passed
}

// params are what a part is given when it is started.
func (s *star) params(p *part) []*variable {
	var list []*variable
	for _, v := range s.vars {
		if v.handing == passed && v.owner != p && s.needs(v, p) {
			list = append(list, v)
		}
	}
	return list
}

// needs reports whether p, or one that it starts, uses v.
func (s *star) needs(v *variable, p *part) bool {
	for user := range v.users {
		for q := user; q != nil && q != v.owner; q = q.from {
			if q == p {
				return true
			}
		}
	}
	return false
}

// programName is a file name as the beginning of the name of a function.
func programName(file string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, path.Base(file))
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		name = "task_" + name
	}
	return name
}
