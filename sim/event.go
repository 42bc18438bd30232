package sim

// EventKind says what an Event tells.
type EventKind uint8

// The kinds of events.
const (
	EventAccess EventKind = iota // a point passed: Access
	EventLock                    // Access.ID was taken
	EventUnlock                  // Access.ID was released
	EventSleep                   // the task sleeps: What, Access.ID; for a lock, Other holds it
	EventWake                    // Other was woken: From, To
	EventEnter                   // a function of the model was entered: What, Detail its arguments, Access.ID its object
	EventLeave                   // … and left: Detail is its result
	EventMove                    // Access.ID, a part of Of or 0, went From one place or value To another: What names it
	EventNote                    // anything else worth a line: What
	EventClock                   // the clock moved
	EventCall                    // of the floor above: Arg
)

var eventKinds = [...]string{
	"access", "lock", "unlock", "sleep", "wake", "enter", "leave", "move", "note", "clock", "call",
}

// String is the kind in a word.
func (k EventKind) String() string { return eventKinds[k] }

// Event is one thing that happened, in the order it happened. It is the only source of every trace.
type Event struct {
	Kind   EventKind
	Step   uint64
	Time   int64
	Task   *Task // nil: no task ran
	Depth  int   // of functions entered
	Access Access
	Of     ID
	What   string
	Detail string
	From   string
	To     string
	Other  *Task
	Arg    any
}

func (m *Machine) emit(e Event) {
	if m.cur == nil && e.Kind != EventClock {
		return // the machine is being set up: no task did that
	}
	e.Step, e.Time, e.Task = m.Steps, m.now, m.cur
	e.Depth = *m.depth()
	m.opts.Trace(e)
}

// depth of functions entered, by the running task or outside of Run.
func (m *Machine) depth() *int {
	if m.cur != nil {
		return &m.cur.depth
	}
	return &m.outerDepth
}

// Tracing reports whether a tracer is installed; build the arguments of what follows only then. The calls
// themselves cost the untraced run a branch.
func (m *Machine) Tracing() bool { return m.tracing }

// Enter tells the tracer that a function of the model begins; what is its name.
func (m *Machine) Enter(what string) { m.EnterOn(0, what, "") }

// EnterOn is Enter for a function with an object that it works on, and arguments.
func (m *Machine) EnterOn(id ID, what, args string) {
	if m.tracing {
		m.emitEnter(id, what, args)
	}
}

//go:noinline
func (m *Machine) emitEnter(id ID, what, args string) {
	m.emit(Event{Kind: EventEnter, What: what, Detail: args, Access: Access{ID: id}})
	*m.depth()++
}

// Leave tells the tracer that it ends.
func (m *Machine) Leave(what string) { m.LeaveWith(what, "") }

// LeaveWith is Leave for a function with a result.
func (m *Machine) LeaveWith(what, result string) {
	if m.tracing {
		m.emitLeave(what, result)
	}
}

//go:noinline
func (m *Machine) emitLeave(what, result string) {
	*m.depth()--
	m.emit(Event{Kind: EventLeave, What: what, Detail: result})
}

// Move tells the tracer that id, called what, has gone from one place or value to another: "item 3: idle →
// rdllist (front)". of is the object to which both belong, detail says how.
func (m *Machine) Move(id, of ID, what, from, to, detail string) {
	if m.tracing {
		m.emit(Event{Kind: EventMove, Access: Access{ID: id}, Of: of, What: what, From: from, To: to, Detail: detail})
	}
}

// Note tells the tracer what happened to an object, if none of the other events says it.
func (m *Machine) Note(id ID, what string) {
	if m.tracing {
		m.emit(Event{Kind: EventNote, What: what, Access: Access{ID: id}})
	}
}

// Emit hands an event of the floor above to the tracer.
func (m *Machine) Emit(what string, arg any) {
	if m.tracing {
		m.emit(Event{Kind: EventCall, What: what, Arg: arg})
	}
}
