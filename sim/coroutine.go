package sim

import "iter"

// Pool keeps for the next machine what one has used: coroutines – making one costs about 0.5 µs and six allocations –
// and the memory of what was on it, see Cache. Machines that run one after the other may share a pool: a machine and all
// that was on it, if its run has not failed, may be looked at until the next one is made. Close the pool when no run is
// on.
type Pool struct {
	free   []*coroutine
	memory memory
}

// coroutine runs one task after the other.
type coroutine struct {
	task  *Task
	next  func() (struct{}, bool)
	stop  func()
	yield func(struct{}) bool
}

func (p *Pool) get() *coroutine {
	if n := len(p.free); n > 0 {
		co := p.free[n-1]
		p.free = p.free[:n-1]
		return co
	}
	co := &coroutine{}
	co.next, co.stop = iter.Pull(co.loop)
	return co
}

// loop is the body of the coroutine: run the task it was given, go back to the pool, wait for another.
func (co *coroutine) loop(yield func(struct{}) bool) {
	co.yield = yield
	deepen(0)
	for {
		pool := co.task.m.pool
		co.task.main()
		co.task = nil
		pool.free = append(pool.free, co)
		if !yield(struct{}{}) {
			return
		}
	}
}

// deepen grows the stack while there is nothing on it yet that would have to be moved: to what system calls need.
//
//go:noinline
func deepen(i int) byte {
	var room [6 << 10]byte
	return room[i]
}

// Close ends the coroutines that wait for work, and with them their goroutines. The pool may be used again.
func (p *Pool) Close() {
	for _, co := range p.free {
		co.stop()
	}
	p.free = nil
}

// resume runs t until control comes back here: because t or somebody it resumed has paused or ended and
// whoever runs next, if that is known, is to be resumed from here or further down.
//
// A task that gives way resumes the next one itself: one switch of coroutines where a trip through the
// loop of Run takes two. Tasks so form a chain, each resumed by the one before, the first by the loop. A
// task in the chain can be reached only by yielding back to it, so every resume is undone by one yield and
// a switch of tasks costs two switches of coroutines at most.
func (m *Machine) resume(t *Task) {
	if t.co == nil {
		t.co = m.pool.get()
		t.co.task = t
	}
	m.cur, m.resuming, t.resumed = t, nil, true
	t.co.next()
	m.cur = nil
}

// pause gives the CPU to the task in resuming, or whomever the strategy picks; returns when t has it again.
func (t *Task) pause() {
	m := t.m
	if t.inline {
		m.Violation("%s waits for %s (%s) while it must not: interrupt", t, t.waitFor.What, t.waitFor.ID)
	}
	for m.resuming != t {
		if next := m.resuming; next != nil && !next.resumed {
			m.resume(next)
			m.resuming = m.pick()
			continue
		}
		t.resumed = false
		t.co.yield(struct{}{})
		break // whoever resumed t did so because it was chosen, or dies
	}
	m.cur, m.resuming = t, nil
	if m.err != nil {
		m.die()
	}
}
