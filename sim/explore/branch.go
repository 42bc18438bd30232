package explore

import (
	"slices"
	"sync/atomic"
)

// branch is a part of a phase that is visited depth first: all schedules that begin with the first base choices of its
// search. The whole phase is one. Others are made when there is a core for them: one of the choices that must be made at
// an event of a branch becomes a branch of its own, which is joined where the choice would have been made. What it finds
// must be done at events that are not its own it wishes for. So everything comes about in the order of a single core.
type branch struct {
	search *search
	tallies
	complete bool
	spoiled  bool // the program was wrong

	task  int32                        // the choice that this is a branch for
	first atomic.Pointer[savedSleeper] // what its next step is, once that was made
	weigh float64                      // its part of the whole
	known float64                      // how much of that is known to be visited
}

// split makes a branch of a choice as early as possible, nil if there is none.
func (b *branch) split() *branch {
	s := b.search
	weigh := b.weigh
	for i := s.base; i < s.fixed-1; i++ {
		e := &s.events[i]
		weigh *= e.share()
		n := len(e.given)
		if e.forced || n == len(e.todo) || n > 0 && e.given[n-1].first.Load() == nil || !s.weed(e, n) {
			continue
		}
		given := s.give(i)
		given.weigh = weigh
		return given
	}
	return nil
}

// give makes a branch of the first choice at event i that nobody has taken on. The next step of those before it is known.
func (s *search) give(i int) *branch {
	e := &s.events[i]
	b := &branch{search: newSearch(s.bound), task: e.todo[len(e.given)]}
	q := b.search
	q.rules, q.calm, q.base, q.fixed, q.relearn = s.rules, s.calm, i+1, i+1, true
	last := q.at(i)
	for k := range q.events {
		q.events[k].task, q.events[k].used = s.events[k].task, s.events[k].used
	}
	last.task = b.task
	last.sleep = q.restoreSleepers(s.saveSleepers(e.sleep))
	done := append(s.saveSleepers(e.done), s.savedOf(e))
	for _, g := range e.given {
		done = append(done, *g.first.Load())
	}
	last.done = q.restoreSleepers(done)
	e.given = append(e.given, b)
	return b
}

// learned notes after a run that all of the fixed events is known now, in particular the choice that b is a branch for.
func (b *branch) learned() {
	s := b.search
	if s.relearn = false; s.base > 0 && b.first.Load() == nil {
		e := &s.events[s.base-1]
		first := s.savedOf(e)
		b.first.Store(&first)
	}
}

// step moves to the next schedule and reports whether there is none. If b awaits another branch then, that comes first.
func (b *branch) step() (done bool) { return !b.search.advance() && !b.search.choosing }

// awaits returns the branch that must be joined before b can go on, nil if none.
func (b *branch) awaits() *branch {
	s := b.search
	if !s.choosing || len(s.events[s.n].given) == 0 {
		return nil
	}
	return s.events[s.n].given[0]
}

// join adds what the branch that b awaits has found, as if b had found it.
func (b *branch) join() {
	s := b.search
	e := &s.events[s.n]
	done := e.given[0]
	e.given = slices.Delete(e.given, 0, 1)
	e.task, e.todo = done.task, append(e.todo[:0], e.todo[1:]...)
	for i := range done.search.base {
		for _, w := range done.search.events[i].wants {
			s.want(int32(i), w)
		}
	}
	s.cut = s.cut || done.search.cut
	e.done = append(e.done, s.restoreSleepers([]savedSleeper{*done.first.Load()})...)
	b.merge(&done.tallies, true)
}

// drop makes the choices that the branch that b awaits and those after it were for open ones again.
func (b *branch) drop() {
	e := &b.search.events[b.search.n]
	e.given = e.given[:0]
}

// each calls fn for b and the branches it has made and not joined, in the order in which they will be.
func (b *branch) each(fn func(*branch)) {
	fn(b)
	s := b.search
	for i := s.reach() - 1; i >= s.base; i-- {
		for _, g := range s.events[i].given {
			g.each(fn)
		}
	}
}

// reach is how many events decide what is visited next.
func (s *search) reach() int {
	if s.choosing {
		return s.n + 1
	}
	return s.fixed
}

// prune drops all branches that one core would not have begun yet.
func (b *branch) prune() {
	s := b.search
	for i := s.base; i < s.reach(); i++ {
		e := &s.events[i]
		if s.choosing && i == s.n && len(e.given) > 0 && e.given[0].Runs > 0 {
			e.given = e.given[:1]
			e.given[0].prune()
		} else {
			e.given = e.given[:0]
		}
	}
}

// total is what b and the branches it has made have counted.
func (b *branch) total() *tallies {
	sum := b.clone()
	b.each(func(g *branch) {
		if g != b {
			sum.merge(&g.tallies, true)
		}
	})
	return &sum
}
