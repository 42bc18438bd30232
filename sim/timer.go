package sim

var (
	classInterrupt = NewClass("interrupt")
	classTimer     = NewClass("timer")
	fieldArmed     = NewField("armed")
)

// Timer is a one-shot timer of the virtual clock, models struct hrtimer. Its function runs in interrupt
// context: it may take spinlocks and wake tasks, and may not sleep.
type Timer struct {
	m      *Machine
	id     ID
	Owner  any
	when   instant
	place  instant // where it stands among m's timers
	armed  bool
	placed bool  // it stands there
	irq    *Task // the interrupt that is due or under way
	fire   func(*Timer)
}

// String is what tm is called in messages.
func (tm *Timer) String() string { return tm.id.String() }

// Init makes tm a timer of m that calls fire when it expires.
func (tm *Timer) Init(m *Machine, fire func(*Timer)) { tm.init(m, fire) }

func (tm *Timer) init(m *Machine, fire func(*Timer)) {
	tm.m, tm.id, tm.fire = m, m.NewID(classTimer), fire
}

// Start arms tm for the absolute time expiry (ns), which may be past; an armed timer is moved. It does not
// wait for an expiry under way. Models hrtimer_start.
func (tm *Timer) Start(expiry int64) {
	m := tm.m
	m.touch(Access{ID: tm.id, Field: fieldArmed, Write: true})
	if tm.armed || tm.irq != nil {
		tm.disarm()
	}
	m.seq++
	tm.when = instant{expiry, m.seq}
	m.timers.add(tm)
}

// Cancel disarms tm and reports whether it was armed. An expiry that has begun elsewhere is waited for,
// and its restart undone, as by hrtimer_cancel; the callback itself may call Cancel.
func (tm *Timer) Cancel() bool {
	for tm.irq != nil && tm.irq.started && tm.irq != tm.m.cur {
		tm.await(tm.irq)
	}
	tm.m.touch(Access{ID: tm.id, Field: fieldArmed, Write: true})
	return tm.disarm()
}

// TryCancel is Cancel for who holds a lock that the expiry takes: it does not wait, and is false if an expiry has begun
// elsewhere. Models hrtimer_try_to_cancel.
func (tm *Timer) TryCancel() bool {
	if irq := tm.irq; irq != nil && irq.started && irq != tm.m.cur {
		tm.m.touch(Access{ID: irq.id, Field: fieldState})
		return false
	}
	tm.m.touch(Access{ID: tm.id, Field: fieldArmed, Write: true})
	tm.disarm()
	return true
}

// Interrupt makes the expiry of tm, if it is due already, come at once and not when the machine next waits for time to
// pass: a timer that is started for the past. The caller holds no lock that the expiry takes.
func (tm *Timer) Interrupt() {
	m := tm.m
	if !tm.armed || tm.when.expiry > m.now || m.err != nil {
		return
	}
	m.timers.take(tm)
	cur := m.cur
	m.interrupt(tm)
	m.cur = cur
}

// disarm takes tm out of the queue, or back if it is due and its interrupt has not begun. The caller has touched it.
func (tm *Timer) disarm() bool {
	if tm.armed {
		tm.m.timers.drop(tm)
		return true
	}
	irq := tm.irq
	if irq == nil || irq.started {
		return false
	}
	tm.m.touch(Access{ID: irq.id, Field: fieldState, Write: true})
	irq.end()
	tm.irq = nil
	return true
}

// await blocks the running task until irq, an expiry of tm, has ended.
func (tm *Timer) await(irq *Task) {
	m := tm.m
	t := m.cur
	irq.OnEnd(func() {
		if t.canceling == tm {
			m.enqueue(t)
		}
	})
	t.canceling = tm
	t.waitFor = Wait{"timer", irq.id}
	t.next = Access{ID: irq.id, Field: fieldState, Write: true}
	m.touch(t.next)
	m.step()
	m.dequeue(t)
	t.park()
	t.canceling = nil
	t.waitFor = Wait{}
	m.touch(t.next)
}

// Armed reports whether tm will still fire.
func (tm *Timer) Armed() bool {
	tm.m.touch(Access{ID: tm.id, Field: fieldArmed})
	return tm.armed || tm.irq != nil && !tm.irq.started
}

// Expiry returns the absolute time (ns) tm was last started for.
func (tm *Timer) Expiry() int64 { return tm.when.expiry }

// advance moves the clock to the next timers and makes their interrupts runnable; false if none is armed.
func (m *Machine) advance() bool {
	first := m.timers.first()
	if first == nil {
		return false
	}
	if m.quiet(); m.err != nil {
		return false
	}
	m.settled++
	m.skipTo = 0
	if first.when.expiry > m.now {
		m.now = first.when.expiry
		if m.tracing {
			m.emit(Event{Kind: EventClock})
		}
	}
	m.interruptDue()
	return true
}

// interruptDue makes the interrupts of all timers that are due runnable.
func (m *Machine) interruptDue() {
	for m.err == nil {
		tm := m.timers.first()
		if tm == nil || tm.when.expiry > m.now {
			return
		}
		m.timers.take(tm)
		m.interrupt(tm)
	}
}

// AdvanceTo moves the clock to the absolute time now (ns), if that is to come, and makes the interrupts of all timers that
// are due by then runnable. It is for a task that decides itself when time passes, under a preemptive strategy, which
// then decides when each interrupt is taken.
func (m *Machine) AdvanceTo(now int64) {
	if !m.preemptive {
		panic("sim: AdvanceTo without a preemptive strategy")
	}
	if now > m.now {
		m.now = now
		if m.tracing {
			m.emit(Event{Kind: EventClock})
		}
	}
	m.interruptDue()
}

// NextExpiry returns when the next timer fires that is not due yet (ns), Forever if none is armed.
func (m *Machine) NextExpiry() int64 {
	if tm := m.timers.first(); tm != nil {
		return tm.when.expiry
	}
	return Forever
}

// Due returns the interrupt that expires tm now, nil if it is not due.
func (tm *Timer) Due() *Task { return tm.irq }

// SleepTimer returns the timer that ends a sleep of t; it is armed only while there is a deadline.
func (t *Task) SleepTimer() *Timer { return &t.timer }

// interrupt runs the expiry of tm as an interrupt task. Without a preemptive strategy nobody could come
// between, so it runs at once, on the loop's stack.
func (m *Machine) interrupt(tm *Timer) {
	if !m.preemptive {
		m.inlineInterrupt(tm)
		return
	}
	t := tasks.New(m)
	t.m, t.id, t.Order, t.Name, t.Owner, t.irq = m, m.NewID(classInterrupt), m.made, "timer", tm.Owner, true
	m.made++
	t.held = t.few[:0]
	t.expires, tm.irq = tm, t
	t.fn = expire
	m.tasks.PushBack(&t.taskLink, t)
	m.enqueue(t)
}

// expire is what an interrupt does.
func expire(t *Task) {
	m, tm := t.m, t.expires
	m.touch(Access{ID: tm.id, Field: fieldArmed, Write: true})
	m.touch(Access{ID: t.id, Field: fieldState, Write: true})
	tm.fire(tm)
	if tm.irq == t {
		tm.irq = nil
	}
	m.touch(Access{ID: t.id, Field: fieldState, Write: true})
}

func (m *Machine) inlineInterrupt(tm *Timer) {
	if m.irq == nil {
		m.irq = tasks.New(m)
		m.irq.m, m.irq.Name, m.irq.irq, m.irq.inline, m.irq.id = m, "timer", true, true, m.NewID(classInterrupt)
	}
	m.cur = m.irq
	defer func() {
		m.recoverTask(m.irq, recover())
		m.cur = nil
	}()
	m.step()
	m.foot = m.foot[:0]
	tm.fire(tm)
}
