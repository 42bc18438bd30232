package sim

import (
	"fmt"

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

// String is the state in words.
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

// String is the task's number and name; of nil "nobody".
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

// Expires returns the timer whose interrupt t is; of other tasks it says nothing.
func (t *Task) Expires() *Timer { return t.expires }

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
