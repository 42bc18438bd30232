package sim

import (
	"errors"
	"reflect"
)

// Cache makes the objects of one type that runs need again and again, as a kmem_cache does. An object lives as long as
// its machine. One with a Pool hands out what the run before it has used, so that a run that is repeated allocates
// nothing.
//
// What a run leaves behind is gone by construction: an object that is handed out again has been reset, and nothing
// that refers to it is left, for all that the run has made goes back at once – when the next machine is made with the
// Pool, not before, so that a program may look at what its run has left. Runs that failed keep what they have made:
// their errors refer to it.
type Cache[T any] struct {
	index int
	reset func(*T)
}

// NewCache registers the objects of a type. Call it for package variables only. reset makes of a used object what
// new(T) returns, but may keep memory that the object alone owns, such as the capacity of a slice; nil: *x = T{}.
func NewCache[T any](reset func(x *T)) *Cache[T] {
	caches++
	return &Cache[T]{index: caches - 1, reset: reset}
}

// caches is how many there are.
var caches int

// New returns an object that is as new(T) is, but for what reset keeps.
func (c *Cache[T]) New(m *Machine) *T {
	if m.memory == nil {
		return new(T)
	}
	s, _ := m.memory.stores[c.index].(*store[T])
	if s == nil {
		s = &store[T]{cache: c}
		m.memory.stores[c.index] = s
	}
	if s.run != m.memory.run {
		s.run, s.used = m.memory.run, 0
	}
	if s.used == maxKept {
		return new(T)
	}
	s.used++
	if s.used > len(s.all) {
		x := new(T)
		s.all = append(s.all, x)
		return x
	}
	x := s.all[s.used-1]
	c.again(x)
	return x
}

// again makes x as new.
func (c *Cache[T]) again(x *T) {
	if c.reset != nil {
		c.reset(x)
		return
	}
	var zero T
	*x = zero
}

// maxKept is how many objects of a type are kept for the next run.
const maxKept = 4096

// memory is what a Pool keeps of the objects of one run after the other.
type memory struct {
	run    uint64   // counts them
	stores []keeper // by cache; nil: nothing was ever made
	last   *Machine // whose run has, or had, the objects that are used
}

// store is what is kept of one cache: the first used ones belong to the run, or to an earlier one and to nobody.
type store[T any] struct {
	cache *Cache[T]
	all   []*T
	run   uint64
	used  int
}

// keeper is a store of any type.
type keeper interface {
	forget(run uint64)
	leftovers(*leftovers)
}

// forget leaves those that are used by a run to whoever still refers to them.
func (s *store[T]) forget(run uint64) {
	if s.run != run {
		return
	}
	n := copy(s.all, s.all[s.used:])
	clear(s.all[n:])
	s.all, s.used = s.all[:n], 0
}

// lend returns a machine that is as new, with the objects of the run before. That run must be over, or it keeps what it
// has made and makes the rest without us.
func (p *Pool) lend() *Machine {
	mem, m := &p.memory, p.memory.last
	if m != nil && m.closed && (m.err == nil || errors.Is(m.err, ErrStopped)) {
		mem.run++
		m.reset()
		return m
	}
	if m != nil {
		m.memory = nil
		for _, s := range mem.stores {
			if s != nil {
				s.forget(mem.run)
			}
		}
	}
	if mem.stores == nil {
		mem.stores = make([]keeper, caches)
	}
	mem.run++
	mem.last = &Machine{memory: mem}
	return mem.last
}

// reset makes m what a machine is that was never used, but for memory that it alone owns.
func (m *Machine) reset() {
	clear(m.created)
	*m = Machine{
		memory:     m.memory,
		runnables:  m.runnables[:0],
		created:    m.created,
		deviations: m.deviations[:0],
		foot:       m.foot[:0],
		timers:     timerQueue{tree: m.timers.tree, kept: m.timers.kept},
		rcu:        rcu{readers: m.rcu.readers[:0], waiting: m.rcu.waiting[:0]},
		freed:      m.freed,
		order:      m.order,
	}
	if tree := m.timers.tree; tree != nil {
		tree.Clear(true)
	}
}

// Leftovers resets everything that the pool keeps and names what is not as new then: fields that are not zero, but for
// slices of length 0 and fields with the tag sim:"kept", and slices that have the memory of another. It is for tests of
// the floors above; no run is on.
func (p *Pool) Leftovers() []string {
	l := leftovers{slices: map[uintptr]bool{}}
	for _, s := range p.memory.stores {
		if s != nil {
			s.leftovers(&l)
		}
	}
	if m := p.memory.last; m != nil {
		m.reset()
		l.add("sim.Machine", reflect.ValueOf(m).Elem())
	}
	return l.names
}

type leftovers struct {
	names  []string
	slices map[uintptr]bool // where memory that was kept begins
}

func (s *store[T]) leftovers(l *leftovers) {
	for _, x := range s.all {
		s.cache.again(x)
		l.add(reflect.TypeFor[T]().String(), reflect.ValueOf(x).Elem())
	}
}

func (l *leftovers) add(path string, v reflect.Value) {
	switch {
	case v.Kind() == reflect.Slice && v.Len() == 0:
		if v.Cap() > 0 && l.slices[v.Pointer()] {
			l.names = append(l.names, path+" shares its memory")
		}
		l.slices[v.Pointer()] = v.Cap() > 0
	case v.IsZero():
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.Tag.Get("sim") != "kept" {
				l.add(path+"."+f.Name, v.Field(i))
			}
		}
	case v.Kind() == reflect.Array:
		for i := range v.Len() {
			l.add(path, v.Index(i))
		}
	default:
		l.names = append(l.names, path)
	}
}
