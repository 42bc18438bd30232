package sim

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/epollsim/epollsim/internal/list"
)

// State of a task, as wake-ups see it: a bit each, so that a wake-up names the states it reaches.
type State uint8

// The states of include/linux/sched.h, Linux 6.18, and the masks wake-ups use.
const (
	Running         State = 0
	Interruptible   State = 1 << 0
	Uninterruptible State = 1 << 1
	Stopped         State = 1 << 2
	Dead            State = 1 << 3

	Normal = Interruptible | Uninterruptible // TASK_NORMAL
)

func (s State) String() string {
	switch s {
	case Running:
		return "running"
	case Interruptible:
		return "interruptible"
	case Uninterruptible:
		return "uninterruptible"
	case Stopped:
		return "stopped"
	case Dead:
		return "dead"
	}
	return fmt.Sprintf("state %#x", uint8(s))
}

var (
	classTask   = NewClass("task")
	fieldState  = NewField("state")
	fieldSignal = NewField("signal_pending")
	fieldEnd    = NewField("end")
)

// Task is one thread of execution, models task_struct as far as the scheduler cares.
type Task struct {
	m     *Machine
	id    ID
	ID    int // 1, 2, … in order of creation; interrupt tasks have 0
	Order int // 0, 1, … in order of creation, interrupts included
	Name  string
	Owner any // of the floor above

	state    State
	sleeping bool // scheduled out; only a wake-up makes it runnable
	signal   bool // TIF_SIGPENDING
	fatal    bool // … and the signal will kill
	irq      bool // interrupt context: must not sleep
	inline   bool // an interrupt that runs on the loop's stack
	started  bool
	resumed  bool // its coroutine has been resumed and has not yielded since
	atomic   int  // spinlocks held
	reading  int  // RCU read sections
	kills    int
	depth    int // of functions entered, for the tracer

	runLink  list.Node[Task]
	taskLink list.Node[Task]
	wantLink list.Node[Task] // among those who want pending
	slot     int             // in Machine.runnables
	enabler  int             // number of the step that made it runnable last, or -1

	next    Access // what it does when it runs again
	waitFor Wait
	pending *lock // the lock it cannot take while another holds it
	held    []*lock
	few     [4]*lock
	timer   Timer
	expired bool

	canceling *Timer // the timer whose expiry it waits for
	expires   *Timer // of an interrupt

	co   *coroutine
	fn   func(*Task)
	ends []func()
}

var tasks = NewCache(func(t *Task) { *t = Task{ends: t.ends[:0]} })

// Wait says what a sleeping task waits for: the queue or event, and the object.
type Wait struct {
	What string
	ID   ID
}

func (m *Machine) newTask(name string, owner any) *Task {
	if m.alive >= m.opts.MaxTasks {
		m.limit("tasks", uint64(m.opts.MaxTasks), "--max-tasks")
	}
	m.lastTask++
	m.touch(Access{ID: ID(classTask) << 48, Field: fieldCreated, Write: true})
	t := tasks.New(m)
	t.m, t.id, t.ID, t.Order, t.Name, t.Owner = m, ID(classTask)<<48|ID(m.lastTask), m.lastTask, m.made, name, owner
	m.made++
	t.held = t.few[:0]
	t.timer.init(m, (*Timer).wakeSleeper)
	t.timer.Owner = t
	m.tasks.PushBack(&t.taskLink, t)
	m.alive++
	return t
}

func (t *Task) String() string {
	if t == nil {
		return "nobody"
	}
	if t.irq {
		return "interrupt " + t.Name
	}
	return fmt.Sprintf("task %d (%s)", t.ID, t.Name)
}

// Machine returns where t runs.
func (t *Task) Machine() *Machine { return t.m }

// State returns t's state without being a point.
func (t *Task) State() State { return t.state }

// Identity is what t is called where objects have numbers: "task#1", "interrupt#1".
func (t *Task) Identity() ID { return t.id }

// Interrupt reports whether t is an interrupt, which is no thread of any process.
func (t *Task) Interrupt() bool { return t.irq }

// Holds returns the locks that t holds, in the order of taking them. Of an unwatched run nobody knows.
func (t *Task) Holds() []ID {
	var ids []ID
	for _, l := range t.held {
		ids = append(ids, l.id)
	}
	return ids
}

// Wants returns the lock that t waits for and who holds it, false if t does not wait for one.
func (t *Task) Wants() (lock ID, owner *Task, ok bool) {
	if t.pending == nil {
		return 0, nil, false
	}
	return t.pending.id, t.pending.owner, true
}

// Sleeping reports whether t is scheduled out, and what it waits for.
func (t *Task) Sleeping() (Wait, bool) { return t.waitFor, t.sleeping }

// Runnable reports whether t could run now.
func (t *Task) Runnable() bool {
	t.m.touch(Access{ID: t.id, Field: fieldState, Write: true})
	return t.runLink.Linked()
}

// Next returns the access t does when it runs again.
func (t *Task) Next() Access { return t.next }

// Ended reports whether t has returned from its function.
func (t *Task) Ended() bool {
	t.m.touch(Access{ID: t.id, Field: fieldEnd})
	return t.state == Dead
}

// OnEnd calls fn when t ends, in t's context.
func (t *Task) OnEnd(fn func()) { t.ends = append(t.ends, fn) }

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
	m.touch(Access{ID: t.id, Field: fieldSignal})
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
	t.m.touch(Access{ID: t.id, Field: fieldSignal})
	return t.signal
}

// SetSignal sets whether a signal waits for t, and whether it will kill it.
func (t *Task) SetSignal(pending, fatal bool) {
	t.m.Write(t.id, fieldSignal)
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

// main is what a coroutine runs for t.
func (t *Task) main() {
	m := t.m
	defer t.end()
	defer func() { m.recoverTask(t, recover()) }()
	t.started = true
	if m.err != nil {
		return
	}
	m.foot = m.foot[:0]
	t.fn(t)
	for i := len(t.ends) - 1; i >= 0; i-- {
		t.ends[i]()
	}
	m.touch(Access{ID: t.id, Field: fieldEnd, Write: true})
	m.step()
	if m.opts.Check && len(t.held) > 0 {
		m.Violation("%s ended holding %s", t, t.held[0].id)
	}
	if t.reading > 0 {
		m.Violation("%s ended in an RCU read section", t)
	}
}

// recoverTask ends the run if v, what a task of ours was recovered with, is a panic of its own. The stack
// must be taken here: by the time the coroutine has returned it is gone.
func (m *Machine) recoverTask(t *Task, v any) {
	if v == nil || v == (killed{}) || m.err != nil {
		return
	}
	m.halt(&PanicError{Task: t.String(), Value: v, Stack: debug.Stack(), Steps: m.LastSteps(), Token: m.Token()})
}

func (t *Task) end() {
	m := t.m
	t.state = Dead
	t.co = nil
	m.dequeue(t)
	if t.taskLink.Linked() {
		t.taskLink.Unlink()
		if !t.irq {
			m.alive--
		}
	}
}

// killed unwinds the stack of a task whose run is over.
type killed struct{}

// maxKills is how often a task may recover from being killed before it is expelled.
const maxKills = 100

// die unwinds the running task. One that recovers and goes on is killed again at its next point; one that
// does so in a loop goes by runtime.Goexit, which cannot be recovered from. Goexit takes along whoever
// resumed the coroutine, hence the return to kill, which knows.
func (m *Machine) die() {
	t := m.cur
	if t.kills++; t.kills > maxKills && !t.inline {
		m.resuming, t.resumed = nil, false
		t.co.yield(struct{}{})
		runtime.Goexit()
	}
	panic(killed{})
}

// kill unwinds a task at teardown.
func (m *Machine) kill(t *Task) {
	m.resuming = nil
	for t.co != nil {
		m.cur = t
		if t.kills <= maxKills {
			t.co.next()
		} else {
			gone := make(chan struct{})
			go func() {
				defer close(gone)
				t.co.next()
			}()
			<-gone
		}
	}
	m.cur = nil
	t.end()
}
