package sim

import (
	"fmt"
	"slices"
	"strings"
)

// LimitError ends a run that reached one of its limits: the result is inconclusive.
type LimitError struct {
	What  string
	Limit uint64
	Flag  string // of the command, that raises it
	Where string // where in their programs the tasks are, a line each, if that is known: Options.Where
}

// Error names the limit and the flag that raises it.
func (e *LimitError) Error() string {
	return fmt.Sprintf("limit reached: %d %s (raise it with %s)", e.Limit, e.What, e.Flag)
}

// ViolationError is a broken invariant of what runs on the machine.
type ViolationError struct {
	Text  string
	State string // what Options.Describe said
	Task  string
	Steps []Step // the last ones, if a recorder was on
	Token string // replays the run
}

// Error says what does not hold.
func (e *ViolationError) Error() string { return e.Text }

// Violation ends the run with a broken invariant. Called by the running task it does not return.
func (m *Machine) Violation(format string, args ...any) {
	if m.coasting != nil {
		m.fail(m.coasting)
		return
	}
	m.fail(&ViolationError{Text: fmt.Sprintf(format, args...), State: m.describe(), Task: m.cur.String(), Steps: m.LastSteps(), Token: m.Token()})
}

// PanicError is a panic of a task, with the stack of that task.
type PanicError struct {
	Task  string
	Value any
	Stack []byte
	Steps []Step
	Token string
}

// Error names the task and the value; the stack is in Stack.
func (e *PanicError) Error() string { return fmt.Sprintf("panic in %s: %v", e.Task, e.Value) }

// Blocked is a task that cannot go on, and why.
type Blocked struct {
	Task  *Task
	Wait  Wait
	Owner *Task // who holds the lock it waits for
	Holds []ID
}

// String is the task, what it waits for and who holds that, on one line.
func (b Blocked) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s waits for ", b.Task)
	switch {
	case b.Owner != nil:
		fmt.Fprintf(&s, "%s, held by %s", b.Wait.ID, b.Owner)
	case b.Wait.ID != 0:
		fmt.Fprintf(&s, "%s of %s", b.Wait.What, b.Wait.ID)
	default:
		s.WriteString(b.Wait.What)
	}
	for i, id := range b.Holds {
		if i == 0 {
			s.WriteString("; holds ")
		} else {
			s.WriteString(", ")
		}
		s.WriteString(id.String())
	}
	return s.String()
}

// DeadlockError ends a run in which nothing is runnable, no timer is armed, and tasks have not ended.
type DeadlockError struct {
	Tasks []Blocked
	State string // what Options.Describe said
	Token string
}

// Error lists every task that is blocked.
func (e *DeadlockError) Error() string {
	var s strings.Builder
	s.WriteString("deadlock: nothing can run and no timer is armed")
	for _, b := range e.Tasks {
		s.WriteString("\n  ")
		s.WriteString(b.String())
	}
	return s.String()
}

func (m *Machine) deadlock() error {
	return &DeadlockError{Tasks: m.Blocked(), State: m.describe(), Token: m.Token()}
}

// Blocked returns the tasks that cannot run, in order of creation.
func (m *Machine) Blocked() []Blocked {
	var all []Blocked
	wanted := m.wanted()
	for t := range m.tasks.All() {
		if t.runLink.Linked() {
			continue
		}
		b := Blocked{Task: t, Wait: t.waitFor}
		if t.pending != nil {
			b.Owner = t.pending.owner
		}
		for _, l := range t.held {
			b.Holds = append(b.Holds, l.id)
		}
		for _, id := range wanted[t] {
			if !slices.Contains(b.Holds, id) {
				b.Holds = append(b.Holds, id)
			}
		}
		all = append(all, b)
	}
	return all
}

// wanted returns the locks that others wait for, by owner: all that an unwatched run knows of who holds what.
func (m *Machine) wanted() map[*Task][]ID {
	ids := map[*Task][]ID{}
	for t := range m.tasks.All() {
		if l := t.pending; l != nil && l.owner != nil && !slices.Contains(ids[l.owner], l.id) {
			ids[l.owner] = append(ids[l.owner], l.id)
		}
	}
	return ids
}

// limit ends the run at one of its limits.
func (m *Machine) limit(what string, n uint64, flag string) {
	if m.coasting != nil {
		m.fail(m.coasting)
		return
	}
	err := &LimitError{What: what, Limit: n, Flag: flag}
	if m.opts.Where != nil {
		err.Where = m.opts.Where()
	}
	m.fail(err)
}

// describe asks the floor above for the state of what runs on the machine.
func (m *Machine) describe() string {
	if m.opts.Describe == nil {
		return ""
	}
	return m.opts.Describe()
}
