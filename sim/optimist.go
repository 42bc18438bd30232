package sim

// Optimist is an Observer that looks for races only, and may take it that no task is sent a signal. For it some points are
// none, where no other task can tell: schedules and limits are the same as if they were.
type Optimist interface {
	Observer
	// Calm is asked once for each run, before it begins. If that is true, and Disturbed afterwards, the run is for nothing.
	// Until then a task may as well not look for a signal, and user code that nobody else can see may as well be part of the
	// step before.
	Calm() bool
}

// Calm reports whether the Observer takes it that no task is sent a signal.
func (m *Machine) Calm() bool { return m.calm }

// Disturbed reports whether a task was sent a signal.
func (m *Machine) Disturbed() bool { return m.disturbed }

// Pass counts a Boundary that is none because m is calm.
func (m *Machine) Pass() {
	m.passed++
	if m.runnable > 1 {
		m.decisions++
	}
}

// AddJoined is Add for a step that nobody can tell from the one before: what another does in between either commutes with it, or
// has the caller begin again with what it did in that one.
func (m *Machine) AddJoined(id ID, f Field) {
	switch {
	case !m.observed:
	case m.joins && !m.outside():
		m.Pass()
		a := Access{ID: id, Field: f, Write: true, Add: true}
		m.cur.next = a
		m.touch(a)
		if m.told {
			m.tell(a)
		}
	default:
		m.addPoint(id, f)
	}
}

// AllSteps are the steps that have ended, those included that were made part of another one.
func (m *Machine) AllSteps() uint64 { return m.Steps + m.passed }
