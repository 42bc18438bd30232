package explore

import (
	"cmp"
	"slices"

	"github.com/epollsim/epollsim/sim"
)

// ref is an access with its location interned.
type ref struct {
	loc   int32 // index of the location
	obj   int32 // index of the object
	mode  mode
	whole bool // the whole object
	kind  sim.Kind
}

// mode is what accesses do to a location: bits, so that the accesses of a step add up. Reads commute, and so do
// additions.
type mode uint8

const (
	read mode = 1 << iota
	add
	write
)

func modeOf(a sim.Access) mode {
	switch {
	case !a.Write:
		return read
	case a.Add:
		return add
	}
	return write
}

func (m mode) conflicts(with mode) bool {
	both := m | with
	return both != read && both != add
}

// location is one field of one object, and the events of the current run that touched it, in order.
type location struct {
	key    key
	obj    int32
	kind   sim.Kind
	whole  bool
	touchs []touch
}

type touch struct {
	event int32
	mode  mode
	takes bool // a lock
}

// takes reports whether the next step that changes a lock takes it: taking and releasing alternate.
func (loc *location) takes() bool {
	for i := len(loc.touchs) - 1; i >= 0; i-- {
		if loc.touchs[i].mode == write {
			return !loc.touchs[i].takes
		}
	}
	return true
}

type key struct {
	id    sim.ID
	sub   int32
	field sim.Field
}

func (k key) compare(with key) int {
	return cmp.Or(cmp.Compare(k.id, with.id), cmp.Compare(k.field, with.field), cmp.Compare(k.sub, with.sub))
}

// locations are all that was ever touched.
type locations struct {
	index map[key]int32
	all   []location
	objs  map[sim.ID]int32
	of    [][]int32 // locations of each object, in an order that does not depend on the runs before
}

func (l *locations) ref(a sim.Access) ref {
	k := key{a.ID, a.Sub, a.Field}
	i, ok := l.index[k]
	if !ok {
		i = l.add(k, a.Kind())
	}
	loc := &l.all[i]
	return ref{loc: i, obj: loc.obj, mode: modeOf(a), whole: loc.whole, kind: loc.kind}
}

func (l *locations) add(k key, kind sim.Kind) int32 {
	obj, ok := l.objs[k.id]
	if !ok {
		obj = int32(len(l.of))
		l.objs[k.id] = obj
		l.of = append(l.of, nil)
	}
	i := int32(len(l.all))
	l.all = append(l.all, location{key: k, obj: obj, kind: kind, whole: kind == sim.KindObject})
	at, _ := slices.BinarySearchFunc(l.of[obj], k, func(other int32, k key) int { return l.all[other].key.compare(k) })
	l.of[obj] = slices.Insert(l.of[obj], at, i)
	l.index[k] = i
	return i
}

// event is one step of the current run, and the choice that led to it.
type event struct {
	task    int32
	current int32   // task that ran before if it could go on, else -1
	enabled []int32 // who could run, in the order of the run queue
	forced  bool    // nobody else could
	all     bool    // it ended the run for everybody
	frees   bool    // it released a lock
	used    int32   // preemptions before it
	floor   int32   // events before are ordered before it, because time has passed since
	prev    int32   // event of the same task before it, or -1

	foot  []ref
	past  []int32 // by task: its last event that is ordered before this one because of what the task did before
	clock []int32 // … or because of what this one touched; events count from 1

	sleep []sleeper // who need not run from here: covered elsewhere
	todo  []int32   // who must
	done  []sleeper // who has
	given []*branch // the first of todo, that others have taken on
	wants []wish    // of a branch, for an event that is not its own
}

// before reports whether event i of task t is ordered before what has clock c.
func before(c []int32, t, i int32) bool { return int(t) < len(c) && c[t] > i }

func join(to, from []int32) []int32 {
	for len(to) < len(from) {
		to = append(to, 0)
	}
	for i, v := range from {
		if v > to[i] {
			to[i] = v
		}
	}
	return to
}

func set(c []int32, t, v int32) []int32 {
	for len(c) <= int(t) {
		c = append(c, 0)
	}
	if c[t] < v {
		c[t] = v
	}
	return c
}

// access is what r was made of.
func (l *locations) access(r ref) sim.Access {
	k := l.all[r.loc].key
	return sim.Access{ID: k.id, Sub: k.sub, Field: k.field, Write: r.mode != read, Add: r.mode == add}
}
