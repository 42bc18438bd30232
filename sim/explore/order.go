package explore

import (
	"iter"
	"slices"

	"github.com/epollsim/epollsim/sim"
)

// ended completes event n with what it touched, and looks for races with earlier ones.
func (s *search) ended(e *event, t *sim.Task, foot []sim.Access) {
	n := int32(s.n)
	s.gather(e, foot)
	past := s.order(e, t)
	s.past, e.clock = past, append(e.clock[:0], past...)
	s.racing = s.racing[:0]
	touchs := s.touchs[e.lo:e.hi]
	for i := range touchs {
		t := &touchs[i]
		if (t.alone || t.mixed < 0 && (t.mode == read || t.mode == add)) && !t.whole && s.wholes == 0 {
			continue // nobody to be behind
		}
		if s.follow(e, &t.ref) {
			s.racing = append(s.racing, e.lo+int32(i))
		}
	}
	everything := (e.all || s.failing || len(s.alls) > 0) && s.rules.everything
	if everything {
		s.behindEverything(e, n)
	}
	for _, i := range s.racing {
		s.look(e, &s.touchs[i].ref, n)
	}
	e.clock = set(e.clock, e.task, n+1)
	if s.bound >= 0 {
		s.always(e, t, n)
	}
	s.touch(e)
	if everything {
		s.everything(e, n)
	}
	if e.all {
		s.meetsAll(n)
	}
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
	for _, a := range s.foot(e) {
		if a.mode&last != 0 && s.rules.always {
			for i := s.all[a.loc].last; i >= 0; i = s.touchs[i].prev {
				e.must = join(e.must, s.events[s.touchs[i].event].must)
			}
		}
	}
}

// meets reports whether one of two events looked at everything, or ended the run.
func (s *search) meets(e, other *event) bool {
	return other.task != e.task && (e.all || other.all || s.failing)
}

// meetsAll notes that event n, the last, looked at everything, or ended the run.
func (s *search) meetsAll(n int32) {
	if k := len(s.alls); k == 0 || s.alls[k-1] < n {
		s.alls = append(s.alls, n)
	}
}

// meetings are the events before event n, which is e, that it meets, the last one first.
func (s *search) meetings(e *event, n int32) iter.Seq2[int32, *event] {
	return func(yield func(int32, *event) bool) {
		if e.all || s.failing {
			for i := n - 1; i >= e.floor; i-- {
				if other := &s.events[i]; s.meets(e, other) && !yield(i, other) {
					return
				}
			}
			return
		}
		for k := len(s.alls) - 1; k >= 0 && s.alls[k] >= e.floor; k-- {
			if other := &s.events[s.alls[k]]; s.alls[k] < n && s.meets(e, other) && !yield(s.alls[k], other) {
				return
			}
		}
	}
}

// behindEverything orders e behind all other events, if it looked at everything, and behind those that did.
func (s *search) behindEverything(e *event, n int32) {
	for _, other := range s.meetings(e, n) {
		e.clock = join(e.clock, other.clock)
	}
}

// everything looks for the races of that.
func (s *search) everything(e *event, n int32) {
	for i, other := range s.meetings(e, n) {
		if !before(s.past, other.task, i) {
			s.race(i, e, n)
		}
	}
}

// gather notes what e touched, and behind what. It writes field by field: a copy of what was just written in pieces would
// have to wait.
func (s *search) gather(e *event, foot []sim.Access) {
	lo := s.behindTouchs(s.n)
	touchs := slices.Grow(s.touchs[:lo], len(foot))[:int(lo)+len(foot)]
	hi, frees := lo, false
	for i := range foot {
		a := &foot[i]
		if a.ID == 0 || a.ID == sim.Everything {
			e.all = e.all || a.ID != 0
			continue
		}
		l, m := s.locate(a), modeOf(a)
		frees = frees || m == releases
		loc := &s.all[l]
		if k := loc.noted; lo <= k && k < hi && touchs[k].loc == l {
			t := &touchs[k]
			t.mode |= m
			t.link(touchs, loc.last)
			continue
		}
		loc.noted = hi
		t := &touchs[hi]
		t.loc, t.obj, t.kind, t.whole, t.mode = l, loc.obj, loc.kind, loc.whole, m
		t.event, t.task = int32(s.n), e.task
		t.link(touchs, loc.last)
		hi++
	}
	s.touchs = touchs[:hi]
	e.lo, e.hi, e.frees = lo, hi, frees
}

// behindTouchs is where the touchs of event i begin.
func (s *search) behindTouchs(i int) int32 {
	if i == 0 {
		return 0
	}
	return s.events[i-1].hi
}

// order returns what is before e because of what its task did: a clock.
func (s *search) order(e *event, t *sim.Task) []int32 {
	e.prev, e.floor = s.lastOf(e.task), s.floor
	var past []int32
	if e.prev >= 0 {
		past = s.events[e.prev].clock
	}
	if w := t.Enabler(); w > int(e.prev) && w < s.n && s.rules.wake && !s.acquires(e) {
		s.joined = join(append(s.joined[:0], past...), s.events[w].clock)
		past = s.joined
	}
	return past
}

// acquires reports whether e begins with taking a lock: the holder's release made it possible, but that is no
// reason why the other could not have been first.
func (s *search) acquires(e *event) bool {
	if e.lo == e.hi {
		return false
	}
	a := &s.touchs[e.lo]
	return a.kind == sim.KindLock && a.mode == takes
}

// follow orders e behind earlier events that conflict with a, and reports whether one of them may be in a race with e: look
// is for nothing if not.
func (s *search) follow(e *event, a *ref) (race bool) {
	if s.rules.kinds[a.kind] {
		race = s.behind(e, a, a.loc)
	}
	if !a.whole && s.wholes == 0 || !s.rules.kinds[sim.KindObject] {
		return race
	}
	obj := &s.objects[a.obj]
	if !a.whole {
		for _, l := range obj.whole {
			race = s.behind(e, a, l) || race
		}
		return race
	}
	for _, l := range obj.locations {
		if l != a.loc {
			race = s.behind(e, a, l) || race
		}
	}
	return race
}

// behind orders e behind the events that touched location l and conflict with a, and reports whether one of them may be in a
// race with e.
func (s *search) behind(e *event, a *ref, l int32) (race bool) {
	loc := &s.all[l]
	if s.of(loc, e.task) {
		return false
	}
	locks := a.kind == sim.KindLock && l == a.loc
	race = s.bound >= 0 || locks && a.mode == takes // who waited for a lock could have had it before e.floor
	for i := loc.last; i >= 0; {
		o := &s.touchs[i]
		if o.event < e.floor {
			break
		}
		if !s.rules.modes[a.mode|o.mode] {
			i = o.mixed
			continue
		}
		i = o.prev
		race = race || o.task != e.task && !before(s.past, o.task, o.event) && !s.counted(a, l) &&
			!(locks && a.mode == releases && o.mode&^free == write)
		if !before(e.clock, o.task, o.event) {
			e.clock = join(e.clock, s.events[o.event].clock)
		}
		if s.settles(o) {
			break
		}
	}
	return race
}

// counted reports whether a is behind all that touched location l, whoever comes last. Under a bound who that is costs more
// preemptions or fewer.
func (s *search) counted(a *ref, l int32) bool {
	return a.mode == add|last && l == a.loc && s.rules.last && s.bound < 0
}

// settles reports whether all that touched the location before o is ordered before o.
func (s *search) settles(o *touch) bool {
	return o.mode != read && o.mode != add && s.rules.kinds[o.kind]
}

// conflicting returns the locations whose accesses conflict with a, good until the next call.
func (s *search) conflicting(a *ref) []int32 {
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

// ran notes that events from to to, the last of all, are of task.
func (s *search) ran(task, from, to int32) {
	if n := len(s.turns); n == 0 || s.turns[n-1].task != task {
		s.turns = append(s.turns, turn{task, from})
	}
	s.setLast(task, to)
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
