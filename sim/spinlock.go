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
