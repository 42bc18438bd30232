package sim

// Boundary is a point that touches nothing: the entry of a system call.
func (m *Machine) Boundary() {
	if m.observed {
		m.point(Access{})
	}
}

// Optimist is an Observer that may take it that no task is sent a signal. Where that is so a task may as well not look for
// one, and user code that nobody else can see may as well be part of the step before.
type Optimist interface {
	Observer
	// Calm is asked once for each run, before it begins. If that is true, and Disturbed afterwards, the run is for nothing.
	Calm() bool
}

// Calm reports whether the Observer takes it that no task is sent a signal.
func (m *Machine) Calm() bool { return m.calm }

// Disturbed reports whether a task was sent a signal.
func (m *Machine) Disturbed() bool { return m.disturbed }

// Pass counts a Boundary that is none because m is calm: schedules and limits are the same as if it were one.
func (m *Machine) Pass() {
	m.passed++
	if m.runnable > 1 {
		m.decisions++
	}
}

// AllSteps are the steps that have ended, those included that Pass has made part of another one.
func (m *Machine) AllSteps() uint64 { return m.Steps + m.passed }
