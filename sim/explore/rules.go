package explore

import "github.com/epollsim/epollsim/sim"

// rules says which pairs of steps do not commute. Each can be switched off, which makes the explorer miss
// outcomes: a test does so with one after the other.
type rules struct {
	kinds      [sim.Kinds]bool // accesses of that kind that conflict
	modes      [modes]bool     // two accesses that do this together conflict
	wake       bool            // a task begins, or goes on, after the step that made it runnable
	time       bool            // what comes after time has passed comes after all before
	failure    bool            // a step that ends the run disables everybody
	everything bool            // some steps look at everything
	pending    bool            // a task that never got its lock would have liked to
	waited     bool            // while a task waited for its lock, it could have had it
	released   bool            // what a step that takes a lock does is behind the release before
	disturbed  bool            // who looks for a signal conflicts with who sends it
	alone      bool            // who is alone, and behind all that was, needs no watching
	last       bool            // who counts down to nothing is behind all who counted, not in a race with them

	// Under a bound only.
	always  bool // some orders are the same in all runs
	arrival bool // leaving a task where it got the CPU costs nothing
	handing bool // who waits for a lock gives the CPU back at no cost
	frees   bool // … therefore its release cannot be put off
}

func allRules() rules {
	r := rules{wake: true, time: true, failure: true, everything: true, pending: true,
		waited: true, released: true, disturbed: true, last: true, alone: true, always: true, arrival: true, handing: true, frees: true}
	for i := range r.kinds {
		r.kinds[i] = true
	}
	for m := range r.modes {
		r.modes[m] = mode(m) != read && mode(m) != add
	}
	return r
}

// conflict reports whether two accesses of different tasks do not commute.
func (r *rules) conflict(a, b *ref) bool {
	if a.obj != b.obj || !r.modes[a.mode|b.mode] {
		return false
	}
	if a.loc == b.loc {
		return r.kinds[a.kind]
	}
	return (a.whole || b.whole) && r.kinds[sim.KindObject]
}

// dependent reports whether a step that did e does not commute with what q would do.
func (s *search) dependent(e *event, q *sleeper) bool {
	if e.all || q.all {
		return true
	}
	for i := e.lo; i < e.hi; i++ {
		a := &s.touchs[i].ref
		for k := range q.foot {
			if s.rules.conflict(a, &q.foot[k]) {
				return true
			}
		}
	}
	return false
}
