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

	modes = last << 1
)

func modeOf(a sim.Access) mode {
	switch {
	case !a.Write:
		return read
	case a.Last:
		return add | last
	case a.Add:
		return add
	}
	return write
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

// hash spreads the keys of a few hundred locations, whose objects have small numbers.
func (k key) hash() uint32 {
	h := uint64(k.id)*0x9e3779b97f4a7c15 ^ (uint64(uint32(k.sub))<<8|uint64(k.field))*0xbf58476d1ce4e5b9
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

func (l *locations) ref(a sim.Access) ref {
	i := l.find(key{a.ID, a.Sub, a.Field})
	if i < 0 {
		i = l.add(key{a.ID, a.Sub, a.Field}, a.Kind())
	}
	loc := &l.all[i]
	return ref{loc: i, obj: loc.obj, mode: modeOf(a), whole: loc.whole, kind: loc.kind}
}

// find returns the number of a location, or -1.
func (l *locations) find(k key) int32 {
	for h := k.hash(); ; h++ {
		i := l.slots[h&uint32(len(l.slots)-1)] - 1
		if i < 0 || l.all[i].key == k {
			return i
		}
	}
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
	*loc = location{key: k, obj: n, kind: kind, whole: kind == sim.KindObject, touchs: loc.touchs[:0]}
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
	h := l.all[i].key.hash()
	for l.slots[h&uint32(len(l.slots)-1)] != 0 {
		h++
	}
	l.slots[h&uint32(len(l.slots)-1)] = i + 1
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
	must  []int32 // under a bound: … in every run, whatever is tried

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
	return sim.Access{ID: k.id, Sub: k.sub, Field: k.field, Write: r.mode != read, Add: r.mode&^last == add, Last: r.mode == add|last}
}
