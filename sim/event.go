package sim

// EventKind says what an Event tells.
type EventKind uint8

// The kinds of events.
const (
	EventAccess EventKind = iota // a point passed: Access
	EventLock                    // Access.ID was taken
	EventUnlock                  // Access.ID was released
	EventSleep                   // the task sleeps: What, Access.ID
	EventWake                    // Other was woken
	EventEnter                   // a function of the model was entered: What
	EventLeave                   // … and left
	EventNote                    // something moved: What
	EventClock                   // the clock moved
	EventCall                    // of the floor above: Arg
)

// Event is one thing that happened, in the order it happened. It is the only source of every trace.
type Event struct {
	Kind   EventKind
	Step   uint64
	Time   int64
	Task   *Task // nil: no task ran
	Depth  int   // of functions entered
	Access Access
	What   string
	Other  *Task
	Arg    any
}

func (m *Machine) emit(e Event) {
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

// Tracing reports whether a tracer is installed; build the arguments of Enter and Note only then.
func (m *Machine) Tracing() bool { return m.tracing }

// Enter tells the tracer that a function of the model begins; what is its name and arguments.
func (m *Machine) Enter(what string) {
	if m.tracing {
		m.emit(Event{Kind: EventEnter, What: what})
		*m.depth()++
	}
}

// Leave tells the tracer that it ends.
func (m *Machine) Leave(what string) {
	if m.tracing {
		*m.depth()--
		m.emit(Event{Kind: EventLeave, What: what})
	}
}

// Note tells the tracer what happened to an object: "item 3: idle → rdllist".
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
