package sim

import "github.com/epollsim/epollsim/internal/list"

// lock is what Spinlock and Mutex share: an owner, and the tasks that want it. A task that waits for a
// lock is not runnable while somebody holds it; when it is released all that wait compete again, because
// the kernel's hand-over is not FIFO (a running task may steal it).
type lock struct {
	m     *Machine
	id    ID
	owner *Task
	wants list.List[Task] // tasks whose next step is to take it; runnable only while owner is nil
}

// Locker is a lock of either kind.
type Locker interface{ base() *lock }

func (l *lock) base() *lock { return l }

var fieldOwner = NewField("owner")

// ID returns the identity of l.
func (l *lock) ID() ID { return l.id }

// Owner returns who holds l, nil if nobody. An unwatched run does not track the owners of spinlocks.
func (l *lock) Owner() *Task { return l.owner }

// Held reports whether the running task holds l, as far as that is tracked.
func (l *lock) Held() bool { return l.owner == l.m.cur || !l.m.observed }

// acquire takes l for the running task as one step that is possible only while nobody holds l.
func (l *lock) acquire() {
	m := l.m
	t := m.cur
	l.checkSelf()
	if m.order != nil {
		m.order.check(m, t, l)
	}
	m.step()
	a := Access{ID: l.id, Field: fieldOwner, Write: true}
	t.next = a
	if l.owner != nil {
		l.wait()
	} else if m.preemptive && m.runnable > 1 {
		if next := m.choose(t); next != t {
			m.Preemptions++
			l.wants.PushBack(&t.wantLink, t)
			m.switchTo(next)
			t.wantLink.Unlink()
			t.waitFor = Wait{}
		}
	}
	l.grant()
	t.held = append(t.held, l)
	m.record(a)
}

func (l *lock) checkSelf() {
	if l.owner == l.m.cur {
		l.m.Violation("%s takes %s, which it holds: deadlock with itself", l.m.cur, l.id)
	}
}

// wait sleeps until the strategy picks the running task while nobody holds l.
func (l *lock) wait() {
	t := l.m.cur
	l.wants.PushBack(&t.wantLink, t)
	l.block(t)
	if l.m.tracing {
		l.m.emit(Event{Kind: EventSleep, What: "lock", Access: Access{ID: l.id}, Other: l.owner})
	}
	t.park()
	t.wantLink.Unlink()
	t.waitFor = Wait{}
}

// block takes t, which wants l, off the run queue while somebody holds l.
func (l *lock) block(t *Task) {
	t.waitFor = Wait{"lock", l.id}
	t.pending = l
	l.m.dequeue(t)
}

// grant makes the running task the owner.
func (l *lock) grant() {
	if l.owner != nil {
		panic("sim: lock granted twice: " + l.id.String())
	}
	l.owner = l.m.cur
	l.owner.pending = nil
	for t := l.wants.Front(); t != nil; t = l.wants.Next(&t.wantLink) {
		l.block(t)
	}
}

// release gives l up as one step.
func (l *lock) release() {
	m := l.m
	t := m.cur
	a := Access{ID: l.id, Field: fieldOwner, Write: true, Role: Releases}
	m.preempt(a)
	m.record(a)
	l.checkOwner()
	for i := len(t.held) - 1; i >= 0; i-- {
		if t.held[i] == l {
			t.held = append(t.held[:i], t.held[i+1:]...)
			break
		}
	}
	l.free()
}

func (l *lock) checkOwner() {
	if l.owner != l.m.cur {
		l.m.Violation("%s releases %s held by %s", l.m.cur, l.id, l.owner)
	}
}

// free lets all who want l compete for it.
func (l *lock) free() {
	l.owner = nil
	for t := l.wants.Front(); t != nil; t = l.wants.Next(&t.wantLink) {
		l.m.enqueue(t)
	}
}
