package explore

import "github.com/epollsim/epollsim/sim"

// Halted looks at the steps that never come, because the run ends with an error.
func (s *search) Halted(m *sim.Machine, _ error) {
	if s.redundant || s.stray != nil || s.aborted {
		return
	}
	s.m = m
	if t := m.Current(); t != nil && s.rules.failure {
		s.failed(t)
	}
	if s.rules.pending {
		s.unfulfilled()
	}
}

// failed handles a step in which the run ended: all others that could have run were kept from it.
func (s *search) failed(t *sim.Task) {
	if !s.m.Checking() {
		s.failing = true
		s.stepped(s.m, int(s.m.Steps))
		s.failing = false
	}
	if s.n == 0 || s.redundant {
		return
	}
	e := &s.events[s.n-1]
	e.all = true
	s.meetsAll(int32(s.n - 1))
	if !e.forced {
		s.want(int32(s.n-1), wish{tasks: e.enabled})
	}
}

// unfulfilled looks for races with the locks that tasks wait for in vain.
func (s *search) unfulfilled() {
	for _, t := range s.m.Tasks() {
		lock, _, ok := t.Wants()
		if !ok {
			continue
		}
		e := event{task: int32(t.Order), floor: s.floor}
		if e.prev = s.lastOf(e.task); e.prev >= 0 {
			e.clock = s.events[e.prev].clock
		}
		take := sim.LockAccess(lock)
		a := s.ref(&take)
		for k := s.all[a.loc].last; k >= 0; k = s.touchs[k].prev {
			o := s.touchs[k]
			if o.event < s.wantedSince(&e) {
				break
			}
			if o.mode != releases && o.task != e.task && !before(e.clock, o.task, o.event) {
				s.race(o.event, &e, int32(s.n))
			}
		}
	}
}
