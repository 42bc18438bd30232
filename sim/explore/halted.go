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
		s.n = int(s.m.Steps)
		s.stepped(s.m)
	}
	if s.n == 0 || s.redundant {
		return
	}
	e := &s.events[s.n-1]
	e.all = true
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
			e.past = s.events[e.prev].clock
		}
		e.clock = e.past
		a := s.ref(sim.LockAccess(lock))
		e.foot = append(e.foot, a)
		touchs := s.all[a.loc].touchs
		for k := len(touchs) - 1; k >= 0; k-- {
			o := touchs[k]
			if o.event < s.wantedSince(&e) {
				break
			}
			other := &s.events[o.event]
			if (o.takes || o.mode != write) && other.task != e.task && !before(e.past, other.task, o.event) {
				s.race(o.event, &e, int32(s.n))
			}
		}
	}
}
