package explore

// sleeper is a task and what its next step touches.
type sleeper struct {
	task  int32
	all   bool
	frees bool // it releases a lock
	foot  []ref
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
		if q := &p.sleep[i]; q.task != p.task && !s.dependent(p, q) {
			e.sleep = append(e.sleep, *q)
		}
	}
	for i := range p.done {
		// Under a bound only who could have gone on may sleep: going back to it later is never cheaper. Unless others
		// wait for what it releases, and give the CPU back at no cost.
		if q := &p.done[i]; q.task != p.task && (s.bound < 0 || q.task == p.current && !(q.frees && s.rules.frees)) && !s.dependent(p, q) {
			e.sleep = append(e.sleep, *q)
		}
	}
}

// finish notes that all behind the choice that was made at e is visited. The memory of footprints is used again: who
// else refers to it stands behind e, and is forgotten with what stands there.
func (s *search) finish(e *event) {
	e.done = grow(e.done)
	s.sleeper(e, &e.done[len(e.done)-1])
}

// sleeper makes d what e was.
func (s *search) sleeper(e *event, d *sleeper) {
	d.task, d.all, d.frees, d.foot = e.task, e.all, e.frees, d.foot[:0]
	for i := e.lo; i < e.hi; i++ {
		d.foot = append(d.foot, s.touchs[i].ref)
	}
}

// savedOf is e as one who sleeps.
func (s *search) savedOf(e *event) savedSleeper {
	var d sleeper
	s.sleeper(e, &d)
	return s.saveSleepers([]sleeper{d})[0]
}
