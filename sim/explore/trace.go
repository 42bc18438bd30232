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
	last // an addition that is behind all others: no race
	free // a write that releases a lock

	modes = free << 1

	takes    = write // of a lock
	releases = write | free
)

func modeOf(a *sim.Access) mode {
	switch {
	case !a.Write:
		return read
	case a.Role == sim.Last:
		return add | last
	case a.Role == sim.Releases:
		return releases
	case a.Add:
		return add
	}
	return write
}

// location is one field of one object.
type location struct {
	key   key
	obj   int32
	last  int32 // touch of it in the current run, or -1
	noted int32 // touch of it in the event that ends, if it is one
	kind  sim.Kind
	whole bool
}

// touch is that an event touched a location. Those of the current run stand one behind the other, each event's together; what
// it touched more than once is one.
type touch struct {
	ref
	event int32
	task  int32
	prev  int32 // touch of the location, or -1
	other int32 // … before it, by another task
	mixed int32 // … before it, that did something else
	alone bool  // nobody else has touched the location so far
}

// foot is what e touched.
func (s *search) foot(e *event) []touch { return s.touchs[e.lo:e.hi] }

// of reports whether nobody but task has touched loc.
func (s *search) of(loc *location, task int32) bool {
	return loc.last < 0 || s.touchs[loc.last].alone && s.touchs[loc.last].task == task
}

// link puts t behind the touch last of its location, if that is not -1, and notes which of those before are worth a look where
// that is not.
func (t *touch) link(touchs []touch, last int32) {
	t.prev, t.other, t.mixed, t.alone = last, -1, last, true
	if last < 0 {
		return
	}
	p := &touchs[last]
	if t.other, t.alone = p.other, p.alone; p.task != t.task {
		t.other, t.alone = last, false
	}
	if p.mode == t.mode {
		t.mixed = p.mixed
	}
}

// touch makes what e touched known to those behind it.
func (s *search) touch(e *event) {
	for i := e.lo; i < e.hi; i++ {
		t := &s.touchs[i]
		s.all[t.loc].last = i
		if t.whole {
			s.wholes++
		}
	}
}

// forget takes back what e, the last event, touched.
func (s *search) forget(e *event) {
	for i := e.hi - 1; i >= e.lo; i-- {
		t := &s.touchs[i]
		s.all[t.loc].last = t.prev
		if t.whole {
			s.wholes--
		}
	}
	if n := len(s.alls); n > 0 && s.alls[n-1] == int32(s.n) {
		s.alls = s.alls[:n-1]
	}
}

type key struct {
	id    sim.ID
	sub   int32
	field sim.Field
}

func (k key) compare(with key) int {
	return cmp.Or(cmp.Compare(k.id, with.id), cmp.Compare(k.field, with.field), cmp.Compare(k.sub, with.sub))
}

// hash spreads the keys of a few hundred locations, whose objects have small numbers.
func hash(id sim.ID, sub int32, field sim.Field) uint32 {
	h := uint64(id)*0x9e3779b97f4a7c15 ^ (uint64(uint32(sub))<<8|uint64(field))*0xbf58476d1ce4e5b9
	return uint32(h >> 32)
}

// locations are all that was ever touched.
type locations struct {
	slots   []int32 // by hash, the location and 1; at most half of them are taken, the length is a power of two
	all     []location
	index   map[sim.ID]int32 // of objects
	objects []object
}

// object is what accesses name.
type object struct {
	locations []int32 // in an order that does not depend on the runs before
	whole     []int32 // those that stand for all of it
}

func newLocations() locations { return locations{slots: make([]int32, 256), index: map[sim.ID]int32{}} }

// locate returns the number of what a touches.
func (l *locations) locate(a *sim.Access) int32 {
	h := hash(a.ID, a.Sub, a.Field)
	for {
		i := l.slots[h&uint32(len(l.slots)-1)] - 1
		if i < 0 {
			return l.add(key{a.ID, a.Sub, a.Field}, a.Kind())
		}
		if k := &l.all[i].key; k.id == a.ID && k.sub == a.Sub && k.field == a.Field {
			return i
		}
		h++
	}
}

func (l *locations) ref(a *sim.Access) ref {
	i := l.locate(a)
	loc := &l.all[i]
	return ref{loc: i, obj: loc.obj, mode: modeOf(a), whole: loc.whole, kind: loc.kind}
}

func (l *locations) add(k key, kind sim.Kind) int32 {
	n, ok := l.index[k.id]
	if !ok {
		n = int32(len(l.objects))
		l.index[k.id] = n
		l.objects = grow(l.objects)
		obj := &l.objects[n]
		*obj = object{obj.locations[:0], obj.whole[:0]}
	}
	i, obj := int32(len(l.all)), &l.objects[n]
	l.all = grow(l.all)
	loc := &l.all[i]
	*loc = location{key: k, obj: n, last: -1, kind: kind, whole: kind == sim.KindObject}
	at, _ := slices.BinarySearchFunc(obj.locations, k, func(other int32, k key) int { return l.all[other].key.compare(k) })
	obj.locations = slices.Insert(obj.locations, at, i)
	if kind == sim.KindObject {
		obj.whole = append(obj.whole, i)
	}
	if 2*len(l.all) > len(l.slots) {
		l.slots = make([]int32, 2*len(l.slots))
		for i := range l.all {
			l.take(int32(i))
		}
	} else {
		l.take(i)
	}
	return i
}

// take gives location i a slot.
func (l *locations) take(i int32) {
	k := &l.all[i].key
	h := hash(k.id, k.sub, k.field)
	for l.slots[h&uint32(len(l.slots)-1)] != 0 {
		h++
	}
	l.slots[h&uint32(len(l.slots)-1)] = i + 1
}

// event is one step of the current run, and the choice that led to it.
type event struct {
	task    int32
	current int32 // task that ran before if it could go on, else -1
	used    int32 // preemptions before it
	floor   int32 // events before are ordered before it, because time has passed since
	prev    int32 // event of the same task before it, or -1
	lo, hi  int32 // what it touched: touchs[lo:hi]
	forced  bool  // nobody else could run
	all     bool  // it ended the run for everybody
	frees   bool  // it released a lock

	clock []int32 // by task: its last event that is ordered before this one; events count from 1
	must  []int32 // under a bound: … in every run, whatever is tried

	enabled []int32   // who could run, in the order of the run queue; empty if forced
	sleep   []sleeper // who need not run from here: covered elsewhere
	todo    []int32   // who must
	done    []sleeper // who has
	given   []*branch // the first of todo, that others have taken on
	wants   []wish    // of a branch, for an event that is not its own
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
	a := sim.Access{ID: k.id, Sub: k.sub, Field: k.field, Write: r.mode != read, Add: r.mode&^last == add}
	switch {
	case r.mode == add|last:
		a.Role = sim.Last
	case r.mode == releases:
		a.Role = sim.Releases
	}
	return a
}
