package sim

// Spinlock is a spinlock_t taken with interrupts off. Its holder must not sleep, so without preemption
// nobody can meet it held: an unwatched run skips it.
type Spinlock struct{ lock }

// Init makes l a lock of m; class names it in reports ("ep.lock").
func (l *Spinlock) Init(m *Machine, class Class) {
	l.m, l.id = m, m.NewID(class)
}

// Lock takes l; a point. Models spin_lock_irqsave.
func (l *Spinlock) Lock() {
	if l.m.observed {
		l.acquireSpin()
	}
}

// Unlock releases l; a point. Models spin_unlock_irqrestore.
func (l *Spinlock) Unlock() {
	if l.m.observed {
		l.releaseSpin()
	}
}

// Pass takes and releases l in one step, and reports whether it could: whether nobody held it and may agreed, which
// reads what l guards. What the caller does up to its next point is as good as done under l, and needs no order with
// others who pass.
func (l *Spinlock) Pass(may func() bool) bool {
	l.m.Read(l.id, fieldOwner)
	if l.owner != nil || !may() {
		return false
	}
	if l.m.tracing {
		l.m.emit(Event{Kind: EventLock, Access: Access{ID: l.id}})
		l.m.emit(Event{Kind: EventUnlock, Access: Access{ID: l.id}})
	}
	return true
}

func (l *Spinlock) acquireSpin() {
	if l.m.outside() {
		return
	}
	l.acquire()
	l.m.cur.atomic++
	if l.m.tracing {
		l.m.emit(Event{Kind: EventLock, Access: Access{ID: l.id}})
	}
}

func (l *Spinlock) releaseSpin() {
	if l.m.outside() {
		return
	}
	l.release()
	l.m.cur.atomic--
	if l.m.tracing {
		l.m.emit(Event{Kind: EventUnlock, Access: Access{ID: l.id}})
	}
}
