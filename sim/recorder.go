package sim

import "fmt"

// Step is one entry of the flight recorder.
type Step struct {
	Number uint64
	Task   int
	Name   string
	Access Access
}

// String is the step on one line.
func (s Step) String() string {
	return fmt.Sprintf("%6d [%d %s] %s", s.Number, s.Task, s.Name, s.Access)
}

// Recorder remembers the last steps of a run.
type Recorder struct {
	steps []Step
	next  int
	full  bool
}

func newRecorder(n int) *Recorder { return &Recorder{steps: make([]Step, n)} }

func (r *Recorder) add(s Step) {
	r.steps[r.next] = s
	if r.next++; r.next == len(r.steps) {
		r.next, r.full = 0, true
	}
}

// LastSteps returns the steps in the flight recorder, oldest first.
func (m *Machine) LastSteps() []Step {
	r := m.ring
	if r == nil {
		return nil
	}
	var all []Step
	if r.full {
		all = append(all, r.steps[r.next:]...)
	}
	return append(all, r.steps[:r.next]...)
}
