package explore

import "github.com/epollsim/epollsim/sim"

// ended completes event n with what it touched, and looks for races with earlier ones.
func (s *search) ended(e *event, t *sim.Task, foot []sim.Access) {
	e.foot = e.foot[:0]
	for _, a := range foot {
		switch a.ID {
		case 0:
		case sim.Everything:
			e.all = true
		default:
			e.addRef(s.ref(a))
		}
	}
	s.order(e, t)
	n := int32(s.n)
	e.clock = append(e.clock[:0], e.past...)
	s.racing = s.racing[:0]
	for _, a := range e.foot {
		if s.follow(e, a) {
			s.racing = append(s.racing, a)
		}
	}
	for _, a := range s.racing {
		s.look(e, a, n)
	}
	e.clock = set(e.clock, e.task, n+1)
	if s.bound >= 0 {
		s.always(e, t, n)
	}
	e.frees = false
	for _, a := range e.foot {
		loc := &s.all[a.loc]
		takes := false
		if loc.kind == sim.KindLock && a.mode == write {
			takes = loc.takes()
			e.frees = e.frees || !takes
		}
		loc.touchs = append(loc.touchs, touch{n, a.mode, takes})
	}
	s.everything(e, n)
}

// always adds to what is before e in every run: a task begins after who made it, and the last of many comes after all.
func (s *search) always(e *event, t *sim.Task, n int32) {
	e.must = e.must[:0]
	if e.prev >= 0 {
		e.must = append(e.must, s.events[e.prev].must...)
	} else if w := t.Enabler(); w >= 0 && s.rules.always {
		e.must = append(e.must, s.events[w].must...)
	}
	e.must = set(e.must, e.task, n+1)
	for _, a := range e.foot {
		if a.mode&last != 0 && s.rules.always {
			for _, o := range s.all[a.loc].touchs {
				e.must = join(e.must, s.events[o.event].must)
			}
		}
	}
}

// everything orders e, if it looked at everything, with all other events, and with those that did.
func (s *search) everything(e *event, n int32) {
	s.everythings = s.everythings || e.all
	if !s.rules.everything || !s.everythings {
		return
	}
	for i := n - 1; i >= e.floor; i-- {
		other := &s.events[i]
		if other.task == e.task || !e.all && !other.all {
			continue
		}
		if !before(e.past, other.task, i) {
			s.race(i, e, n)
		}
		e.clock = join(e.clock, other.clock)
	}
}

func (e *event) addRef(r ref) {
	for i := range e.foot {
		if e.foot[i].loc == r.loc {
			e.foot[i].mode |= r.mode
			return
		}
	}
	e.foot = append(e.foot, r)
}

// order computes what is before e because of what its task did.
func (s *search) order(e *event, t *sim.Task) {
	e.prev, e.floor = s.lastOf(e.task), s.floor
	e.past = e.past[:0]
	if e.prev >= 0 {
		e.past = append(e.past, s.events[e.prev].clock...)
	}
	if w := t.Enabler(); s.rules.wake && w > int(e.prev) && w < s.n && !s.acquires(e) {
		e.past = join(e.past, s.events[w].clock)
	}
}

// acquires reports whether e begins with taking a lock: the holder's release made it possible, but that is no
// reason why the other could not have been first.
func (s *search) acquires(e *event) bool {
	return len(e.foot) > 0 && e.foot[0].kind == sim.KindLock && e.foot[0].mode == write && s.all[e.foot[0].loc].takes()
}

// follow orders e behind earlier events that conflict with a, and reports whether one of them may be in a race with e: look
// is for nothing if not.
func (s *search) follow(e *event, a ref) (race bool) {
	race = s.bound >= 0 || a.kind == sim.KindLock && a.mode == write
	for _, l := range s.conflicting(a) {
		loc := &s.all[l]
		for i := len(loc.touchs) - 1; i >= 0; i-- {
			o := loc.touchs[i]
			if o.event < e.floor {
				break
			}
			if !s.rules.modes[a.mode|o.mode] {
				continue
			}
			other := &s.events[o.event]
			race = race || other.task != e.task && !before(e.past, other.task, o.event) && !s.counted(a, l)
			if !before(e.clock, other.task, o.event) {
				e.clock = join(e.clock, other.clock)
			}
			if s.settles(loc, o) {
				break
			}
		}
	}
	return race
}

// counted reports whether a is behind all that touched location l, whoever comes last. Under a bound who that is costs more
// preemptions or fewer.
func (s *search) counted(a ref, l int32) bool {
	return a.mode == add|last && l == a.loc && s.rules.last && s.bound < 0
}

// settles reports whether all that touched loc before o is ordered before o.
func (s *search) settles(loc *location, o touch) bool {
	return o.mode != read && o.mode != add && s.rules.kinds[loc.kind]
}

// conflicting returns the locations whose accesses conflict with a, good until the next call.
func (s *search) conflicting(a ref) []int32 {
	met := s.met[:0]
	if s.rules.kinds[a.kind] {
		met = append(met, a.loc)
	}
	if obj := &s.objects[a.obj]; !s.rules.kinds[sim.KindObject] {
	} else if a.whole {
		for _, l := range obj.locations {
			if l != a.loc {
				met = append(met, l)
			}
		}
	} else {
		met = append(met, obj.whole...)
	}
	s.met = met
	return met
}

func (s *search) setLast(task, i int32) {
	for len(s.last) <= int(task) {
		s.last = append(s.last, -1)
	}
	s.last[task] = i
}

func (s *search) lastOf(task int32) int32 {
	if int(task) >= len(s.last) {
		return -1
	}
	return s.last[task]
}
