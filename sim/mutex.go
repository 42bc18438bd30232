package sim

// Mutex is a sleeping lock, models struct mutex.
type Mutex struct{ lock }

// Init makes l a mutex of m; class names it in reports ("ep.mtx").
func (l *Mutex) Init(m *Machine, class Class) {
	l.m, l.id = m, m.NewID(class)
}

var fieldLastTouch = NewField("last touch")

// Lock takes l, sleeping while another holds it; a point. Models mutex_lock.
func (l *Mutex) Lock() {
	if !l.m.observed && l.owner == nil && l.wants.Empty() {
		l.owner = l.m.cur
		return
	}
	l.lockSlow()
}

// lockSlow takes a watched mutex, or an unwatched one that is contended: rare, since its holder must have
// blocked. Both let the waiters run in the same order.
func (l *Mutex) lockSlow() {
	m := l.m
	if m.outside() {
		return
	}
	t := m.cur
	if t.irq || t.atomic > 0 {
		m.Violation("%s takes mutex %s where it must not sleep: interrupt or spinlock held", t, l.id)
	}
	if m.observed {
		l.acquire()
		if m.tracing {
			m.emit(Event{Kind: EventLock, Access: Access{ID: l.id}})
		}
		return
	}
	l.checkSelf()
	if l.owner != nil {
		l.wait()
	}
	l.grant()
}

// Unlock releases l in two steps, each a point: the hand-over, after which another may take it, and the
// last touch of the mutex by the one who released it. Memory freed in between is a bug the kernel had
// (8c2e52ebbe88). Models mutex_unlock.
func (l *Mutex) Unlock() {
	if !l.m.observed && l.owner == l.m.cur && l.wants.Empty() {
		l.owner = nil
		return
	}
	l.unlockSlow()
}

func (l *Mutex) unlockSlow() {
	m := l.m
	if m.outside() {
		return
	}
	if !m.observed {
		l.checkOwner()
		l.free()
		return
	}
	l.release()
	if m.tracing {
		m.emit(Event{Kind: EventUnlock, Access: Access{ID: l.id}})
	}
	m.point(Access{ID: l.id, Field: fieldLastTouch})
}
