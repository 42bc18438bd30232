package sim

// SetState is set_current_state: a store that wake-ups see at once.
func (t *Task) SetState(s State) {
	t.m.Write(t.id, fieldState)
	t.state = s
}

// Schedule gives up the CPU until a wake-up, unless the state is Running already, or Interruptible with a
// signal pending, or Stopped with a fatal one. The state is Running afterwards. Models schedule().
func (t *Task) Schedule(what string, id ID) {
	m := t.m
	m.Read(t.id, fieldState)
	if t.state == Running {
		return
	}
	t.touchSignal()
	if t.signal && t.state == Interruptible || t.fatal && t.state == Stopped {
		t.state = Running
		return
	}
	if t.irq || t.atomic > 0 || t.reading > 0 {
		m.Violation("%s sleeps in %s (%s) while it must not: interrupt, spinlock held or RCU read section", t, what, id)
	}
	m.step()
	t.next = Access{}
	t.waitFor = Wait{what, id}
	t.sleeping = true
	if m.tracing {
		m.emit(Event{Kind: EventSleep, What: what, Access: Access{ID: id}})
	}
	m.dequeue(t)
	t.park()
	t.waitFor = Wait{}
}

// Forever is the deadline that never comes.
const Forever int64 = 1<<63 - 1

// ScheduleTimeout is Schedule with a wake-up at the absolute time deadline (ns). It reports whether the
// timer fired, which may be the case though something else woke t as well. Models
// schedule_hrtimeout_range with slack 0.
func (t *Task) ScheduleTimeout(deadline int64, what string, id ID) (expired bool) {
	if deadline == Forever {
		t.Schedule(what, id)
		return false
	}
	t.expired = false
	t.timer.Start(deadline)
	t.Schedule(what, id)
	t.timer.Cancel()
	return t.expired
}

// wakeSleeper is the expiry of a task's own sleep timer, hrtimer_wakeup.
func (tm *Timer) wakeSleeper() {
	t := tm.Owner.(*Task)
	t.m.EnterOn(t.id, "hrtimer_wakeup", "")
	t.m.Write(t.id, fieldState)
	t.expired = true
	t.wakeUp(Normal)
	t.m.Leave("hrtimer_wakeup")
}

// WakeUp makes t run again if its state is one of mode; the result says whether it was this call that
// did it. Models try_to_wake_up.
func (t *Task) WakeUp(mode State) bool {
	t.m.Write(t.id, fieldState)
	return t.wakeUp(mode)
}

func (t *Task) wakeUp(mode State) bool {
	if t.state&mode == 0 {
		return false
	}
	t.state = Running
	slept := t.sleeping
	if slept {
		t.sleeping = false
		t.m.enqueue(t)
	}
	if t.m.tracing {
		t.traceWake(slept)
	}
	return true
}

// traceWake tells the tracer that t was woken: from its sleep, or before it came to that.
func (t *Task) traceWake(slept bool) {
	from, to := "blocked", "runnable"
	if !slept {
		from, to = "about to block", "running"
	}
	t.m.emit(Event{Kind: EventWake, Access: Access{ID: t.id}, From: from, To: to, Other: t})
}

// SignalPending is signal_pending(current).
func (t *Task) SignalPending() bool {
	t.m.Read(t.id, fieldSignal)
	return t.signal
}

// FatalSignalPending is fatal_signal_pending(current).
func (t *Task) FatalSignalPending() bool {
	t.m.Read(t.id, fieldSignal)
	return t.fatal
}

// HasSignal is SignalPending without being a point.
func (t *Task) HasSignal() bool {
	t.touchSignal()
	return t.signal
}

// touchSignal adds to the footprint of the running step that it has looked for a signal, unless there never is one.
func (t *Task) touchSignal() {
	if !t.m.calm {
		t.m.touch(Access{ID: t.id, Field: fieldSignal})
	}
}

// SetSignal sets whether a signal waits for t, and whether it will kill it.
func (t *Task) SetSignal(pending, fatal bool) {
	t.m.Write(t.id, fieldSignal)
	t.m.disturbed = true
	t.signal, t.fatal = pending, fatal
}

// SleepUntil sleeps until the absolute time deadline (ns), or until a signal is pending, and reports
// whether the time has come.
func (t *Task) SleepUntil(deadline int64, what string) bool {
	for t.m.now < deadline {
		t.SetState(Interruptible)
		if t.ScheduleTimeout(deadline, what, t.id) {
			t.SetState(Running)
			return true
		}
		t.SetState(Running)
		if t.SignalPending() {
			return false
		}
	}
	return true
}

// Yield offers the CPU to the other runnable tasks: sched_yield(2).
func (t *Task) Yield() {
	m := t.m
	if m.outside() {
		return
	}
	m.step()
	t.next = Access{}
	if m.runnable > 1 {
		enabler := t.enabler
		m.dequeue(t)
		m.enqueue(t)
		t.enabler = enabler
		if next := m.choose(nil); next != t {
			m.switchTo(next)
		}
	}
	m.foot = m.foot[:0]
}

// park leaves the CPU until somebody makes t runnable and the strategy picks it.
func (t *Task) park() {
	m := t.m
	if m.err != nil {
		m.die()
	}
	if m.runnable > 0 {
		m.resuming = m.choose(nil)
	}
	t.pause()
	m.foot = m.foot[:0]
}
