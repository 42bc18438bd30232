package sim

import (
	"errors"

	"github.com/epollsim/epollsim/internal/list"
)

// Options of a machine. The zero value runs to block, unwatched, with the default limits.
type Options struct {
	Strategy   Strategy      // nil: RunToBlock
	Pool       *Pool         // coroutines to reuse; nil: a pool of its own, closed by Close
	MaxSteps   uint64        // steps before the run ends with a LimitError; 0: DefaultMaxSteps
	MaxTasks   int           // tasks alive at once; 0: DefaultMaxTasks
	Recorder   int           // how many of the last steps to remember; 0: none
	Check      bool          // verify lock claims, lock order and freed objects at every access
	Footprints bool          // collect the footprint of every step
	Trace      func(Event)   // receives every event; nil: none
	Describe   func() string // the state as text, for the reports of deadlocks and violations
	Where      func() string // where in their programs the tasks are, for the report of a limit
	Quiet      func() error  // called when nothing can run, before time goes on or the run is a deadlock; an error ends the run
	AfterStep  func()        // called at the end of every step, by the task that did it; may call Violation
}

// Default limits of a run; a flag of the command changes each.
const (
	DefaultMaxSteps = 100_000_000
	DefaultMaxTasks = 10_000
)

// Machine is one simulated computer with as many CPUs as it has tasks. It is used from one goroutine.
type Machine struct {
	observed bool // anything that must see points is installed: the one branch of an unwatched run
	tracing  bool
	told     bool // somebody looks at every access
	calm     bool // the strategy takes it that no task is sent a signal
	joins    bool // … looks for races only: some points need end no step

	opts       Options
	strategy   Strategy
	observer   Observer // strategy, if it is one
	preemptive bool

	cur      *Task
	resuming *Task           // chosen to run next, if anybody is
	runq     list.List[Task] // runnable tasks, the running one included, in order of becoming runnable
	runnable int             // length of runq
	tasks    list.List[Task] // all that have not ended, in order of creation
	alive    int
	lastTask int
	made     int // tasks and interrupts

	listed    bool    // runnables mirrors runq, which has not lost a task since
	runnables []*Task // what the strategy is shown
	few       [4]*Task

	now     int64
	settled uint64     // times nothing was runnable and timers were due
	timers  timerQueue `sim:"kept"`
	seq     uint64

	// WakeBatch is how many wake functions a wake-up calls before it lets go of the lock of the queue for a
	// moment; 0: all. Package waitqueue follows it.
	WakeBatch int

	Steps       uint64 // steps ended: by a point, a sleep or the end; the floor above counts system calls
	Preemptions int    // times a runnable task was left for another
	passed      uint64 // boundaries that were no steps
	decisions   uint64
	lastTaken   uint64
	deviations  []Deviation

	pool      *Pool
	ownPool   bool
	irq       *Task // the interrupt of a run without preemption
	err       error
	coasting  error  // the end of a run that goes on unwatched
	skipTo    uint64 // steps before are those of skipper, and are not told
	skipper   *Task
	alone     bool // … and until another can run
	checking  bool
	disturbed bool // a task was sent a signal
	running   bool
	closed    bool
	memory    *memory `sim:"kept"` // of the Pool that is shared; nil: none, or no longer

	created    []uint64        `sim:"kept"` // objects of each class
	freed      map[ID]struct{} `sim:"kept"`
	foot       []Access
	ring       *Recorder
	outerDepth int
	order      *lockOrder `sim:"kept"`
	rcu        rcu
}

// New returns a machine at time 0 with no tasks.
func New(opts Options) *Machine {
	if opts.Strategy == nil {
		opts.Strategy = RunToBlock{}
	}
	if opts.MaxSteps == 0 {
		opts.MaxSteps = DefaultMaxSteps
	}
	if opts.MaxTasks == 0 {
		opts.MaxTasks = DefaultMaxTasks
	}
	var m *Machine
	if opts.Pool != nil {
		m = opts.Pool.lend()
	} else {
		m = &Machine{}
	}
	m.opts, m.strategy, m.preemptive, m.tracing = opts, opts.Strategy, opts.Strategy.Preemptive(), opts.Trace != nil
	if o, ok := opts.Strategy.(Observer); ok {
		m.observer, m.opts.Footprints = o, true
		if o, ok := o.(Optimist); ok {
			m.calm, m.joins = o.Calm(), true
		}
	}
	if m.runnables == nil {
		m.runnables = m.few[:0]
	}
	if m.created == nil {
		m.created = make([]uint64, len(classNames))
	}
	if m.pool = opts.Pool; m.pool == nil {
		m.pool, m.ownPool = &Pool{}, true
	}
	if opts.Recorder > 0 {
		m.ring = newRecorder(opts.Recorder)
	}
	m.checked(opts.Check)
	m.told = m.tracing || m.ring != nil || m.freed != nil
	m.observed = m.preemptive || m.tracing || opts.Check || m.opts.Footprints || opts.Recorder > 0 || opts.AfterStep != nil
	return m
}

// Answer says whom to ask what the options left open, as those of the same names. It is called before Run, for a floor
// above that is built on the machine; nil: leave it as it is.
func (m *Machine) Answer(describe, where func() string, quiet func() error, afterStep func()) {
	o := &m.opts
	if o.Describe == nil {
		o.Describe = describe
	}
	if o.Where == nil {
		o.Where = where
	}
	if o.Quiet == nil {
		o.Quiet = quiet
	}
	if o.AfterStep == nil && afterStep != nil {
		o.AfterStep, m.observed = afterStep, true
	}
}

// checked prepares what Options.Check needs.
func (m *Machine) checked(on bool) {
	switch {
	case !on:
		m.freed, m.order = nil, nil
	case m.freed == nil:
		m.freed, m.order = map[ID]struct{}{}, newLockOrder()
	default:
		clear(m.freed)
		m.order.clear()
	}
}

// Observed reports whether points are watched at all; unwatched runs skip even building their arguments.
func (m *Machine) Observed() bool { return m.observed }

// Checked reports whether Options.Check is on.
func (m *Machine) Checked() bool { return m.freed != nil }

// Alone reports whether the running task is the only one that can run.
func (m *Machine) Alone() bool { return m.runnable == 1 }

// Aside does fn as if no task ran: nothing of it is a step, or told.
func (m *Machine) Aside(fn func()) {
	cur, tracing := m.cur, m.tracing
	m.cur, m.tracing = nil, false
	fn()
	m.cur, m.tracing = cur, tracing
}

// Current returns the running task, nil outside of Run. Models the kernel's current.
func (m *Machine) Current() *Task { return m.cur }

// Now returns the virtual time in nanoseconds since the machine was made.
func (m *Machine) Now() int64 { return m.now }

// Tasks returns all tasks that have not ended, in order of creation.
func (m *Machine) Tasks() []*Task {
	var all []*Task
	for t := range m.tasks.All() {
		all = append(all, t)
	}
	return all
}

// Interrupts returns how many interrupts are due or under way.
func (m *Machine) Interrupts() int {
	n := 0
	for t := m.runq.Front(); t != nil; t = m.runq.Next(&t.runLink) {
		if t.irq {
			n++
		}
	}
	return n
}

// Go makes a new task that will run fn. owner is for the floor above. A machine with MaxTasks tasks fails
// with a LimitError.
func (m *Machine) Go(name string, owner any, fn func(*Task)) *Task {
	t := m.newTask(name, owner)
	t.fn = fn
	m.enqueue(t)
	return t
}

// Run runs until every task has ended or nothing can go on. It returns nil, a *DeadlockError, a
// *LimitError, a *PanicError, a *ViolationError, or what Stop was given. Tasks left over are torn down.
// Run may be called again after new tasks were made, but not after an error.
func (m *Machine) Run() error {
	if m.running {
		panic("sim: Run called from a task")
	}
	m.running = true
	defer m.leave()
	for m.err == nil {
		t := m.pick()
		if t == nil {
			if m.err != nil || m.coasting != nil || !m.advance() {
				break
			}
			continue
		}
		m.resume(t)
	}
	switch {
	case m.err != nil:
	case m.coasting != nil:
		m.halt(m.coasting)
	case !m.tasks.Empty():
		if m.quiet(); m.err == nil {
			m.halt(m.deadlock())
		}
	}
	m.running = false
	return m.err
}

// quiet asks the floor above whether all is well when nothing can run.
func (m *Machine) quiet() {
	if m.opts.Quiet != nil {
		if err := m.opts.Quiet(); err != nil {
			m.halt(err)
		}
	}
}

// leave ends Run, which has been left by a panic of the strategy or by runtime.Goexit in a task – require
// in a task of a test – if it is still running.
func (m *Machine) leave() {
	m.cur = nil
	if m.running {
		m.running = false
		m.halt(ErrStopped)
	}
	if m.err != nil {
		m.teardown()
	}
}

// pick returns who was chosen to run next, or chooses; nil if nobody is runnable or the run is over.
func (m *Machine) pick() *Task {
	t := m.resuming
	if t == nil && m.err == nil && m.runnable > 0 {
		t = m.choose(nil)
	}
	if m.err != nil {
		return nil
	}
	return t
}

// Err returns how the run ended so far.
func (m *Machine) Err() error { return m.err }

// Stop ends the run with err as soon as the running task reaches a point; called by the running task it
// does not return.
func (m *Machine) Stop(err error) {
	if err == nil {
		err = ErrStopped
	}
	m.fail(err)
}

// ErrStopped ends a run that was told to stop and failed in nothing.
var ErrStopped = errors.New("stopped")

// Coast ends the run with err, too, but lets it go on by itself until then: unwatched, running to block, for as many steps
// at most and until time would have to pass. Unwinding a task costs as much as dozens of steps. It is for an Observer,
// which hears nothing any more.
func (m *Machine) Coast(err error, steps uint64) {
	m.coasting = err
	m.observer, m.preemptive, m.joins = nil, false, false
	m.skipTo, m.skipper = 0, nil
	m.opts.Footprints, m.opts.AfterStep = false, nil
	m.opts.MaxSteps = min(m.opts.MaxSteps, m.Steps+steps)
}

// fail ends the run with err; the first one counts.
func (m *Machine) fail(err error) {
	if m.coasting != nil {
		err = m.coasting
	}
	m.halt(err)
	if m.cur != nil {
		m.die()
	}
}

// halt makes err the end of the run, unless it has one. From now on every point leads to die.
func (m *Machine) halt(err error) {
	if m.err == nil {
		if m.observer != nil {
			m.observer.Halted(m, err)
		}
		m.err = err
	}
	m.opts.Footprints, m.observer = false, nil
	m.observed, m.preemptive, m.tracing, m.joins = true, false, false, false
	m.skipTo, m.skipper = 0, nil
}

// Close ends the run if tasks are left, and releases the coroutines of the machine. Without a shared Pool
// they wait for more tasks until then.
func (m *Machine) Close() {
	if m.running {
		panic("sim: Close called from a task")
	}
	if !m.tasks.Empty() {
		m.halt(ErrStopped)
		m.teardown()
	}
	m.closed = true
	if m.ownPool {
		m.pool.Close()
	}
}

// teardown unwinds every task that has begun and not ended. What they make meanwhile goes the same way.
func (m *Machine) teardown() {
	for t := m.tasks.Front(); t != nil; t = m.tasks.Front() {
		m.kill(t)
	}
}

// enqueue makes t runnable, at the tail of the run queue.
func (m *Machine) enqueue(t *Task) {
	if t.runLink.Linked() {
		return
	}
	m.runq.PushBack(&t.runLink, t)
	t.enabler = m.underWay()
	m.runnable++
	if m.alone {
		m.alone, m.skipTo = false, 0
	}
	if m.listed {
		t.slot = len(m.runnables)
		m.runnables = append(m.runnables, t)
	}
}

func (m *Machine) dequeue(t *Task) {
	if t.runLink.Linked() {
		t.runLink.Unlink()
		m.runnable--
		m.listed = false
	}
}

// choose asks the strategy who runs now. cur is the running task if it could go on, else nil.
func (m *Machine) choose(cur *Task) *Task {
	if m.runnable == 1 {
		return m.runq.Front()
	}
	if m.Steps < m.skipTo && cur == m.skipper {
		m.decisions++
		return cur
	}
	if !m.preemptive {
		if cur != nil {
			return cur
		}
		return m.runq.Front()
	}
	if !m.listed {
		m.list()
	}
	at := -1
	if cur != nil {
		at = cur.slot
	}
	dflt := max(at, 0)
	i := m.strategy.Next(m, m.runnables, at)
	if i < 0 || i >= len(m.runnables) {
		i = dflt
	}
	m.decisions++
	if i != dflt {
		m.deviate(i)
	}
	return m.runnables[i]
}

// list makes runnables what runq is.
func (m *Machine) list() {
	m.runnables = m.runnables[:0]
	for t := m.runq.Front(); t != nil; t = m.runq.Next(&t.runLink) {
		t.slot = len(m.runnables)
		m.runnables = append(m.runnables, t)
	}
	m.listed = true
}

func (m *Machine) deviate(i int) {
	if m.deviations == nil {
		m.deviations = make([]Deviation, 0, 32)
	}
	m.deviations = append(m.deviations, Deviation{Gap: m.decisions - m.lastTaken, Index: i})
	m.lastTaken = m.decisions
}

// switchTo gives the CPU to next; returns when the calling task is resumed.
func (m *Machine) switchTo(next *Task) {
	m.resuming = next
	m.cur.pause()
}

// Decisions returns how many times the strategy had a choice.
func (m *Machine) Decisions() uint64 { return m.decisions }

// Token returns the choices made so far as text that Replay takes.
func (m *Machine) Token() string { return encodeToken(m.deviations) }
