package explore

import (
	"cmp"
	"slices"

	"github.com/epollsim/epollsim/sim"
)

// look adds a choice for each earlier event that conflicts with access a of e, and could have come after it.
func (s *search) look(e *event, a *ref, n int32) {
	if n < int32(s.fixed)-1 { // who made the branch has seen to it
		return
	}
	past := s.past // whatever is before a part of it is in it
	lock := a.kind == sim.KindLock && a.mode&^free == write
	if !lock && s.rules.released && s.acquires(e) {
		// Within the step that took a lock, after it was released by who had it before.
		past = s.afterRelease(past, s.touchs[e.lo].loc)
	}
	floor := e.floor
	if lock && a.mode == takes {
		floor = s.wantedSince(e)
	}
	for _, l := range s.conflicting(a) {
		if s.counted(a, l) {
			continue
		}
		for i := s.all[l].last; i >= 0; {
			o := &s.touchs[i]
			if o.event < floor {
				break
			}
			if !s.rules.modes[a.mode|o.mode] {
				i = o.mixed
				continue
			}
			if i = o.prev; o.task == e.task {
				i = o.other // what e's own task did is in no race with it
			}
			other := &s.events[o.event]
			if lock && o.mode&^free == write && l == a.loc && (a.mode == releases || o.mode == releases) {
				// Nobody could take the lock before it was released, nor release it before it was taken. But who
				// comes before the release and waits gives the CPU back at no cost.
				if s.bound >= 0 && s.rules.handing && a.mode == takes && o.task != e.task && !other.forced && !s.never(o, e) {
					s.add(o.event, e, n, false)
				}
				continue
			}
			ordered := o.task == e.task || before(past, o.task, o.event)
			if o.task != e.task && (s.bound < 0 && !ordered || s.bound >= 0 && !s.never(o, e)) {
				s.race(o.event, e, n)
			}
			if s.bound < 0 && ordered && other.floor <= floor && s.settles(o) {
				break // what was before o is so, too
			}
		}
	}
}

// never reports whether e comes after what did o in every run.
func (s *search) never(o *touch, e *event) bool {
	return e.prev >= 0 && before(s.events[e.prev].must, o.task, o.event)
}

// afterRelease is past and the last release of a lock.
func (s *search) afterRelease(past []int32, lock int32) []int32 {
	for i := s.all[lock].last; i >= 0; i = s.touchs[i].prev {
		if o := &s.touchs[i]; o.mode == releases {
			s.after = join(append(s.after[:0], past...), s.events[o.event].clock)
			return s.after
		}
	}
	return past
}

// wantedSince is from when on others may have had the lock that e takes though the task of e could have taken
// it: time may have passed while it waited.
func (s *search) wantedSince(e *event) int32 {
	if !s.rules.waited {
		return e.floor
	}
	if e.prev >= 0 {
		return s.events[e.prev].floor
	}
	return 0
}

// race makes sure that e is tried before event i.
func (s *search) race(i int32, e *event, n int32) {
	at := &s.events[i]
	if s.races++; s.races%oftenSteps == 0 {
		s.clock()
	}
	if s.aborted || at.forced || n < int32(s.fixed)-1 { // who made the branch has seen to it
		return
	}
	if s.bound >= 0 {
		s.add(i, e, n, true)
		// Where the task of event i got the CPU, leaving it costs no preemption.
		j := max(s.turnOf(i), at.floor)
		if j != i && !s.events[j].forced && s.rules.arrival {
			s.add(j, e, n, true)
		}
		return
	}
	s.initial(i, at, e, n)
}

// add makes those choices at event i that e needs first, or if asked for everybody if none could run there.
func (s *search) add(i int32, e *event, n int32, everybody bool) {
	at := &s.events[i]
	s.firsts, s.tasks = s.firsts[:0], s.tasks[:0]
	for _, t := range s.turnsAfter(i) {
		if t.event >= n {
			break
		}
		if ev := &s.events[t.event]; !before(ev.clock, at.task, i) && before(e.clock, t.task, t.event) && s.first(ev, t.event) &&
			slices.Contains(at.enabled, t.task) {
			s.tasks = append(s.tasks, t.task)
		}
	}
	if slices.Contains(at.enabled, e.task) {
		s.tasks = append(s.tasks, e.task)
	} else if len(s.tasks) == 0 && everybody {
		s.tasks = append(s.tasks, at.enabled...)
	}
	s.want(i, wish{tasks: s.tasks})
}

// initial adds to the choices at event i one that leads to e before it, unless there is one: a task whose first
// event after i, of those that do not need i, needs none of the others.
func (s *search) initial(i int32, at *event, e *event, n int32) {
	s.firsts, s.tasks = s.firsts[:0], s.tasks[:0]
	for _, t := range s.turnsAfter(i) {
		if t.event >= n {
			break
		}
		if ev := &s.events[t.event]; !before(ev.clock, at.task, i) && s.leads(i, at, ev, t.event, e) {
			return
		}
	}
	if s.leads(i, at, e, n, e) {
		return
	}
	if len(s.tasks) > 0 {
		s.want(i, wish{tasks: s.tasks, one: true})
	} else {
		s.want(i, wish{tasks: at.enabled})
	}
}

// leads adds the task of event k to those that lead to e, if it is one, and reports whether that is among the choices at event i
// already.
func (s *search) leads(i int32, at, ev *event, k int32, e *event) (known bool) {
	switch {
	case !s.first(ev, k) || !slices.Contains(at.enabled, ev.task):
		return false
	case s.owns(i) && at.has(ev.task):
		return true
	}
	s.tasks = append(s.tasks, ev.task)
	if ev.task == e.task {
		s.tasks[0], s.tasks[len(s.tasks)-1] = ev.task, s.tasks[0]
	}
	return false
}

// turn is where a task got the CPU. The first event of a task behind another one's is where a turn begins.
type turn struct{ task, event int32 }

func (s *search) turnsAfter(i int32) []turn { return s.turns[s.turnsTo(i):] }

// turnOf is where the turn of event i begins.
func (s *search) turnOf(i int32) int32 { return s.turns[s.turnsTo(i)-1].event }

// turnsTo is how many turns begin at event i or before.
func (s *search) turnsTo(i int32) int {
	n, _ := slices.BinarySearchFunc(s.turns, i+1, func(t turn, i int32) int { return cmp.Compare(t.event, i) })
	return n
}

// first reports whether ev is the first event of its task that was met, and needs none of those met before.
func (s *search) first(ev *event, k int32) bool {
	needs := false
	for _, f := range s.firsts {
		if f.task == ev.task {
			return false
		}
		needs = needs || before(ev.clock, f.task, f.event)
	}
	s.firsts = append(s.firsts, firstEvent{ev.task, k})
	return !needs
}

type firstEvent struct{ task, event int32 }
