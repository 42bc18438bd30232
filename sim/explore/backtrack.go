package explore

import "slices"

// advance moves to the next schedule; false when all were visited.
func (s *search) advance() bool {
	s.relearn = false
	for s.n > 0 {
		i := s.n - 1
		e := &s.events[i]
		s.forget(i, e)
		s.n = i
		if e.forced {
			continue
		}
		e.finish(s.frees(e))
		if t, ok := s.next(e); ok {
			e.task, e.all = t, false
			s.fixed = i + 1
			return true
		}
	}
	return false
}

func (s *search) next(e *event) (int32, bool) {
	for len(e.todo) > 0 {
		t := e.todo[0]
		e.todo = append(e.todo[:0], e.todo[1:]...)
		if e.asleep(t) {
			continue
		}
		if slices.ContainsFunc(e.done, func(d sleeper) bool { return d.task == t }) {
			continue
		}
		if s.bound >= 0 && e.current >= 0 && t != e.current && int(e.used) >= s.bound {
			s.cut = true
			continue
		}
		return t, true
	}
	return 0, false
}

// forget takes event i off the locations.
func (s *search) forget(i int, e *event) {
	for _, a := range e.foot {
		loc := &s.all[a.loc]
		for k := len(loc.touchs); k > 0 && loc.touchs[k-1].event >= int32(i); k = len(loc.touchs) {
			loc.touchs = loc.touchs[:k-1]
		}
	}
}

// done guesses how much of all was visited, from the choices left on the way to the current run.
func (s *search) done() float64 {
	done, part := 0.0, 1.0
	for i := 0; i < s.fixed && i < len(s.events); i++ {
		e := &s.events[i]
		if e.forced {
			continue
		}
		n := float64(len(e.done) + 1 + len(e.todo))
		done += part * float64(len(e.done)) / n
		part /= n
	}
	return done
}
