package explore

import "github.com/epollsim/epollsim/sim"

// alone lets m go on without telling us of the steps of t, which has done e, while nobody else can run, if all that any task has
// done is behind t then: what t does is in no race with that, and whoever goes on, or begins, after it does so behind it.
// It is how every program begins, and how most end.
func (s *search) alone(m *sim.Machine, e *event, t *sim.Task) bool {
	if s.relearn || s.n < s.fixed || len(e.sleep) > 0 || !m.Alone() || !s.rules.alone || !s.heads(e) || m.Contended() {
		return false
	}
	s.quiet = m.Unwatched(oftenSteps)
	return s.quiet
}

// heads reports whether all events are before e, or e itself: under a bound, in every run.
func (s *search) heads(e *event) bool {
	clock := e.clock
	if s.bound >= 0 {
		clock = e.must
	}
	for task, last := range s.last {
		if last >= 0 && !before(clock, int32(task), last) {
			return false
		}
	}
	return true
}

// heard makes events of the steps before step to that nobody has told us of.
func (s *search) heard(to int) {
	for s.quiet = false; s.n < to; s.n++ {
		p, e := &s.events[s.n-1], s.at(s.n)
		e.task, e.current, e.used = p.task, p.task, p.used
		e.enabled, e.forced = e.enabled[:0], true
		e.all, e.frees, e.prev, e.floor = false, false, p.prev, p.floor
		e.lo, e.hi = p.hi, p.hi
		e.clock, e.must = append(e.clock[:0], p.clock...), append(e.must[:0], p.must...)
		e.sleep, e.todo, e.done = e.sleep[:0], e.todo[:0], e.done[:0]
	}
	s.m.Collect(true)
	if to%oftenSteps == 0 {
		s.clock()
	}
}
