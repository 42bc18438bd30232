package explore

import (
	"fmt"
	"slices"

	"github.com/epollsim/epollsim/sim"
)

// errRedundant ends a run all of whose continuations are covered elsewhere.
var errRedundant = fmt.Errorf("explore: redundant: %w", sim.ErrStopped)

// search visits schedules depth first. It is the strategy of every run.
type search struct {
	bound int // preemptions of a schedule, negative: no bound
	rules rules
	locations

	events []event
	n      int // length of the current run
	fixed  int // events before are those of the run before

	last    []int32 // by task: its last event in the current run, or -1
	settled uint64  // of the machine, at the last event
	floor   int32

	m         *sim.Machine
	relearn   bool // the fixed events come from a checkpoint: what they touched is not known
	chosen    bool // the choice for event n is made
	redundant bool
	cut       bool // the bound kept something from being visited
	stray     error
	firsts    []firstEvent

	everythings bool // there are steps that look at everything
}

func newSearch(bound int) *search {
	return &search{bound: bound, rules: allRules(), locations: locations{index: map[key]int32{}, objs: map[sim.ID]int32{}}}
}

// begin prepares for a run, which repeats the events before fixed.
func (s *search) begin() {
	s.n, s.m, s.chosen, s.redundant = 0, nil, false, false
	s.settled, s.floor = 0, 0
	for i := range s.last {
		s.last[i] = -1
	}
}

// Preemptive is true.
func (*search) Preemptive() bool { return true }

// at returns event i, growing the list.
func (s *search) at(i int) *event {
	for len(s.events) <= i {
		s.events = append(s.events, event{})
	}
	return &s.events[i]
}

// Next repeats the fixed choices and makes the default ones beyond.
func (s *search) Next(m *sim.Machine, runnable []*sim.Task, current int) int {
	s.m = m
	e := s.at(s.n)
	s.chosen = true
	if s.n < s.fixed {
		if s.relearn {
			e.choices(runnable, current)
		}
		for i, t := range runnable {
			if int32(t.Order) == e.task {
				return i
			}
		}
		s.strayed("task %d cannot run at step %d, where it ran before", e.task, s.n)
		return max(current, 0)
	}
	e.choices(runnable, current)
	s.enter(e)
	i := s.pick(e, current)
	if i < 0 {
		s.giveUp(m)
		return max(current, 0)
	}
	e.task = e.enabled[i]
	return i
}

// choices notes who could run.
func (e *event) choices(runnable []*sim.Task, current int) {
	e.enabled, e.forced, e.current = e.enabled[:0], false, -1
	for _, t := range runnable {
		e.enabled = append(e.enabled, int32(t.Order))
	}
	if current >= 0 {
		e.current = e.enabled[current]
	}
}

// pick takes the default unless it is asleep, then the first who is not.
func (s *search) pick(e *event, current int) int {
	if i := max(current, 0); !e.asleep(e.enabled[i]) {
		return i
	}
	for i, t := range e.enabled {
		if !e.asleep(t) && (e.current < 0 || s.bound < 0 || int(e.used) < s.bound) {
			return i
		}
	}
	return -1
}

func (e *event) asleep(t int32) bool {
	for i := range e.sleep {
		if e.sleep[i].task == t {
			return true
		}
	}
	return false
}

// enter computes what is known of event n before it is chosen.
func (s *search) enter(e *event) {
	e.todo, e.done, e.sleep, e.used, e.all = e.todo[:0], e.done[:0], e.sleep[:0], 0, false
	if s.n == 0 {
		return
	}
	p := &s.events[s.n-1]
	e.used = p.used
	if p.current >= 0 && p.task != p.current {
		e.used++
	}
	for i := range p.sleep {
		if q := &p.sleep[i]; q.task != p.task && !s.rules.dependent(p, q) {
			e.sleep = append(e.sleep, *q)
		}
	}
	for i := range p.done {
		// Under a bound only who could have gone on may sleep: going back to it later is never cheaper. Unless others
		// wait for what it releases, and give the CPU back at no cost.
		if q := &p.done[i]; q.task != p.task && (s.bound < 0 || q.task == p.current && !q.frees) && !s.rules.dependent(p, q) {
			e.sleep = append(e.sleep, *q)
		}
	}
}

func (s *search) giveUp(m *sim.Machine) {
	s.redundant = true
	m.Stop(errRedundant)
}

func (s *search) strayed(format string, args ...any) {
	if s.stray == nil {
		s.stray = fmt.Errorf("not deterministic: "+format, args...)
	}
	s.m.Stop(s.stray)
}

// Stepped adds the step that has ended to the run.
func (s *search) Stepped(m *sim.Machine) {
	s.m = m
	t := m.Current()
	if t == nil {
		return
	}
	task := int32(t.Order)
	i := s.n
	e := s.at(i)
	if s.relearn && i < s.fixed && !s.chosen {
		e.enabled, e.forced, e.current = append(e.enabled[:0], task), true, task
	}
	if i >= s.fixed && !s.chosen {
		e.enabled, e.forced, e.current = append(e.enabled[:0], task), true, task
		s.enter(e)
		e.task = task
		if e.asleep(task) {
			s.giveUp(m)
		}
	}
	if e.task != task {
		s.strayed("step %d is of task %d and was of %d", i, task, e.task)
	}
	s.chosen = false
	if m.Settled() != s.settled {
		s.settled = m.Settled()
		if s.rules.time {
			s.floor = int32(i)
		}
	}
	if i >= s.fixed-1 || s.relearn { // the last fixed choice is a new one
		s.ended(e, t, m.Footprint())
	}
	s.setLast(task, int32(i))
	s.n++
	if s.fixed > 2 && !s.relearn { // what was done before need not be looked at again
		if s.n == 1 {
			m.Collect(false)
		} else if s.n == s.fixed-1 {
			m.Collect(true)
		}
	}
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
	defer s.everything(e, n)
	e.clock = append(e.clock[:0], e.past...)
	for _, a := range e.foot {
		s.follow(e, a)
	}
	for _, a := range e.foot {
		s.look(e, a, n)
	}
	e.clock = set(e.clock, e.task, n+1)
	for _, a := range e.foot {
		loc := &s.all[a.loc]
		if k := len(loc.touchs); k > 0 && loc.touchs[k-1].event == n {
			loc.touchs[k-1].mode |= a.mode
		} else {
			loc.touchs = append(loc.touchs, touch{n, a.mode, loc.kind == sim.KindLock && a.mode == write && loc.takes()})
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

// follow orders e behind earlier events that conflict with a.
func (s *search) follow(e *event, a ref) {
	s.conflicting(a, func(loc *location) {
		for i := len(loc.touchs) - 1; i >= 0; i-- {
			o := loc.touchs[i]
			if o.event < e.floor {
				break
			}
			if a.mode.conflicts(o.mode) {
				other := &s.events[o.event]
				if !before(e.clock, other.task, o.event) {
					e.clock = join(e.clock, other.clock)
				}
			}
		}
	})
}

// conflicting calls fn for each location whose accesses conflict with a.
func (s *search) conflicting(a ref, fn func(*location)) {
	if s.rules.kinds[a.kind] {
		fn(&s.all[a.loc])
	}
	if !s.rules.kinds[sim.KindObject] {
		return
	}
	if a.whole {
		for _, l := range s.of[a.obj] {
			if l != a.loc {
				fn(&s.all[l])
			}
		}
		return
	}
	for _, l := range s.of[a.obj] {
		if l != a.loc && s.all[l].whole {
			fn(&s.all[l])
		}
	}
}

// look adds a choice for each earlier event that conflicts with access a of e, and could have come after it.
func (s *search) look(e *event, a ref, n int32) {
	past := e.past
	lock := a.kind == sim.KindLock && a.mode == write
	releases := lock && !s.all[a.loc].takes()
	if !lock && s.acquires(e) {
		// Within the step that took a lock, after it was released by who had it before.
		past = s.afterRelease(past, s.all[e.foot[0].loc].touchs)
	}
	floor := e.floor
	if lock && !releases {
		floor = s.wantedSince(e)
	}
	s.conflicting(a, func(loc *location) {
		for i := len(loc.touchs) - 1; i >= 0; i-- {
			o := loc.touchs[i]
			if o.event < floor {
				break
			}
			if !a.mode.conflicts(o.mode) {
				continue
			}
			if lock && o.mode == write && loc == &s.all[a.loc] && (releases || !o.takes) {
				// Nobody could take the lock before it was released, nor release it before it was taken. But who
				// comes before the release and waits gives the CPU back at no cost.
				if s.bound >= 0 && !releases && s.events[o.event].task != e.task && !s.events[o.event].forced {
					s.add(o.event, e, n, false)
				}
				continue
			}
			other := &s.events[o.event]
			if other.task != e.task && (s.bound >= 0 || !before(past, other.task, o.event)) {
				s.race(o.event, e, n)
			}
		}
	})
}

// afterRelease is past and the last release of a lock with touchs.
func (s *search) afterRelease(past []int32, touchs []touch) []int32 {
	for i := len(touchs) - 1; i >= 0; i-- {
		if touchs[i].mode == write {
			return join(slices.Clone(past), s.events[touchs[i].event].clock)
		}
	}
	return past
}

// wantedSince is from when on others may have had the lock that e takes though the task of e could have taken
// it: time may have passed while it waited.
func (s *search) wantedSince(e *event) int32 {
	if e.prev >= 0 {
		return s.events[e.prev].floor
	}
	return 0
}

// race makes sure that e is tried before event i.
func (s *search) race(i int32, e *event, n int32) {
	at := &s.events[i]
	if at.forced {
		return
	}
	if s.bound >= 0 {
		s.add(i, e, n, true)
		// Where the task of event i got the CPU, leaving it costs no preemption.
		j := i
		for j > at.floor && s.events[j-1].task == at.task {
			j--
		}
		if j != i && !s.events[j].forced {
			s.add(j, e, n, true)
		}
		return
	}
	s.initial(i, at, e, n)
}

// add makes those choices at event i that e needs first, or if asked for everybody if none could run there.
func (s *search) add(i int32, e *event, n int32, everybody bool) {
	at := &s.events[i]
	s.firsts = s.firsts[:0]
	any := false
	for k := i + 1; k <= n; k++ {
		ev := e
		if k < n {
			if ev = &s.events[k]; before(ev.clock, at.task, i) || !before(e.clock, ev.task, k) {
				continue
			}
		}
		if s.first(ev, k) && slices.Contains(at.enabled, ev.task) {
			at.add(ev.task)
			any = true
		}
	}
	if slices.Contains(at.enabled, e.task) {
		at.add(e.task)
	} else if !any && everybody {
		for _, t := range at.enabled {
			at.add(t)
		}
	}
}

func (e *event) add(task int32) {
	if task != e.task && !slices.Contains(e.todo, task) {
		e.todo = append(e.todo, task)
	}
}

// initial adds to the choices at event i one that leads to e before it, unless there is one: a task whose first
// event after i, of those that do not need i, needs none of the others.
func (s *search) initial(i int32, at *event, e *event, n int32) {
	s.firsts = s.firsts[:0]
	found := int32(-1)
	for k := i + 1; k <= n; k++ {
		ev := e
		if k < n {
			ev = &s.events[k]
			if before(ev.clock, at.task, i) {
				continue
			}
		}
		if !s.first(ev, k) || !slices.Contains(at.enabled, ev.task) {
			continue
		}
		if at.has(ev.task) {
			return
		}
		if found < 0 || ev.task == e.task {
			found = ev.task
		}
	}
	if found >= 0 {
		at.add(found)
		return
	}
	for _, t := range at.enabled {
		at.add(t)
	}
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

// has reports whether task need not be added to the choices at e.
func (e *event) has(task int32) bool {
	if task == e.task || slices.Contains(e.todo, task) || e.asleep(task) {
		return true
	}
	for i := range e.done {
		if e.done[i].task == task {
			return true
		}
	}
	return false
}

// Halted looks at the steps that never come, because the run ends with an error.
func (s *search) Halted(m *sim.Machine, _ error) {
	if s.redundant || s.stray != nil {
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
		s.Stepped(s.m)
	}
	if s.n == 0 || s.redundant {
		return
	}
	e := &s.events[s.n-1]
	e.all = true
	if !e.forced {
		for _, q := range e.enabled {
			e.add(q)
		}
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

// finish notes that all behind the choice that was made at e is visited. The memory of footprints is used again: who
// else refers to it stands behind e, and is forgotten with what stands there.
func (e *event) finish(frees bool) {
	n := len(e.done)
	if n < cap(e.done) {
		e.done = e.done[:n+1]
	} else {
		e.done = append(e.done, sleeper{})
	}
	d := &e.done[n]
	d.task, d.all, d.frees, d.foot = e.task, e.all, frees, append(d.foot[:0], e.foot...)
}

// frees reports whether e, which is about to be taken back, released a lock.
func (s *search) frees(e *event) bool {
	for _, a := range e.foot {
		if a.kind == sim.KindLock && a.mode == write && !s.all[a.loc].takes() {
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

// token is the schedule of the run that has ended.
func (s *search) token() string { return tokenOf(s.m) }

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
