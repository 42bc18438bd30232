package explore

import "slices"

// advance moves to the next schedule; false when all were visited, or when a branch must be joined first.
func (s *search) advance() bool {
	for s.choosing || s.n > s.base {
		if !s.choosing && !s.back() {
			continue
		}
		e := &s.events[s.n]
		if s.choosing = true; len(e.given) > 0 {
			return false
		}
		s.choosing = false
		if t, ok := s.next(e); ok {
			e.task, e.all = t, false
			s.fixed = s.n + 1
			return true
		}
	}
	s.fixed = s.base
	return false
}

// back takes the last event back and reports whether there may be another choice.
func (s *search) back() bool {
	s.n--
	e := &s.events[s.n]
	s.forget(e)
	if e.forced || len(e.todo) == 0 && len(e.given) == 0 {
		return false
	}
	s.finish(e)
	return true
}

// next takes the first of the choices that must be made at e.
func (s *search) next(e *event) (int32, bool) {
	if !s.weed(e, 0) {
		return 0, false
	}
	t := e.todo[0]
	e.todo = append(e.todo[:0], e.todo[1:]...)
	return t, true
}

// weed takes out choices from the i-th on until one must be made; false if none.
func (s *search) weed(e *event, i int) bool {
	for len(e.todo) > i {
		t := e.todo[i]
		switch {
		case e.asleep(t) || slices.ContainsFunc(e.done, func(d sleeper) bool { return d.task == t }):
		case s.bound >= 0 && e.current >= 0 && t != e.current && int(e.used) >= s.bound:
			s.cut = true
		default:
			return true
		}
		e.todo = slices.Delete(e.todo, i, i+1)
	}
	return false
}

// done guesses how much of all was visited, from the choices left on the way to the current run.
func (s *search) done() float64 {
	done, part := 0.0, 1.0
	for i := s.base; i < s.fixed && i < len(s.events); i++ {
		done += part * float64(len(s.events[i].done)) * s.events[i].share()
		part *= s.events[i].share()
	}
	return done
}

// share is about how much of what is behind e is behind one choice there.
func (e *event) share() float64 {
	if e.forced {
		return 1
	}
	return 1 / float64(len(e.done)+1+len(e.todo))
}
