package explore

import (
	"sync"

	"github.com/epollsim/epollsim/sim"
)

// What an exploration needed is kept for the next one: many are small, and generated programs are explored by the thousand.
var (
	searches sync.Pool // of *search
	pools    sync.Pool // of *sim.Pool
)

func newSearch(bound int) *search {
	s, _ := searches.Get().(*search)
	if s == nil {
		s = &search{locations: newLocations()}
	}
	s.bound, s.rules, s.calm = bound, allRules(), true
	return s
}

// free lets another exploration have the memory of s, in which nothing is left of this one.
func (s *search) free() {
	for i := range s.events {
		s.events[i].clear()
	}
	s.locations.clear()
	*s = search{
		events: s.events[:0], touchs: s.touchs[:0], locations: s.locations,
		last: s.last[:0], turns: s.turns[:0], firsts: s.firsts[:0], tasks: s.tasks[:0], met: s.met[:0], racing: s.racing[:0], joined: s.joined[:0], after: s.after[:0], alls: s.alls[:0],
	}
	searches.Put(s)
}

// clear makes e what a new event is, but for its memory. It writes no pointers unless it must, which costs more.
func (e *event) clear() {
	e.task, e.current, e.used, e.floor, e.prev, e.lo, e.hi = 0, 0, 0, 0, 0, 0, 0
	e.forced, e.all, e.frees = false, false, false
	e.clock, e.must, e.enabled = e.clock[:0], e.must[:0], e.enabled[:0]
	e.sleep, e.todo, e.done = e.sleep[:0], e.todo[:0], e.done[:0]
	if e.given != nil || e.wants != nil {
		e.given, e.wants = nil, nil
	}
}

// grow returns list with one element more, which is what stood there before if anything did.
func grow[T any](list []T) []T {
	if n := len(list); n < cap(list) {
		return list[:n+1]
	}
	var zero T
	return append(list, zero)
}

func (l *locations) clear() {
	clear(l.slots)
	clear(l.index)
	l.all, l.objects = l.all[:0], l.objects[:0]
}

// newPools returns pools for n cores.
func newPools(n int) []*sim.Pool {
	all := make([]*sim.Pool, n)
	for i := range all {
		if all[i], _ = pools.Get().(*sim.Pool); all[i] == nil {
			all[i] = &sim.Pool{}
		}
	}
	return all
}

func freePools(all []*sim.Pool) {
	for _, p := range all {
		p.Close()
		pools.Put(p)
	}
}
