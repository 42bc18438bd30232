package scenario

import (
	"errors"
	"fmt"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/sim"
)

// Exit codes of a run, as the command returns them.
const (
	ExitOK       = 0
	ExitFailed   = 1 // a check or condition failed, an errno was overlooked, a deadlock, a death by signal
	ExitScenario = 3 // the program does not compile, is wrong when it runs, or asks for what is not modelled
	ExitLimit    = 5 // a limit was reached; the result is inconclusive
)

// Result is what a run has shown.
type Result struct {
	Failed     []Failure  // failed checks in the order in which they failed, at most MaxFailures
	MoreFailed int        // failed checks beyond those
	Unlooked   []Unlooked // errnos overlooked; of a run that was cut short, those not looked at yet
	Conditions []Condition
	Outcomes   []Outcome
	Error      *Error // mistake in the program that ended the run
	Err        error  // how the machine ended, if not well: *sim.DeadlockError, *sim.LimitError, …
	Steps      uint64 // of Starlark, all threads together
}

// MaxFailures is how many failed checks a Result keeps.
const MaxFailures = 1000

// ExitCode returns the exit code of the command for this run. A mistake and a limit cut a run short, so they
// come before what it had shown by then.
func (r *Result) ExitCode() int {
	switch {
	case r.Error != nil, isNotModelled(r.Err):
		return ExitScenario
	case r.Err != nil && isLimit(r.Err):
		return ExitLimit
	case r.Err != nil, len(r.Failed) > 0, len(r.Unlooked) > 0:
		return ExitFailed
	}
	for _, c := range r.Conditions {
		if c.Failed() {
			return ExitFailed
		}
	}
	return ExitOK
}

func isNotModelled(err error) bool {
	var missing *devices.NotModelledError
	return errors.As(err, &missing)
}

func isLimit(err error) bool {
	var limit *sim.LimitError
	return errors.As(err, &limit)
}

// Failure is a check whose condition was false.
type Failure struct {
	Pos  syntax.Position
	Cond string // source text of the condition
	Msg  string // what the program says about it
}

// String is the place, the condition and the message.
func (f Failure) String() string {
	s := fmt.Sprintf("%s: check failed: %s", f.Pos, f.Cond)
	if f.Msg != "" {
		s += ": " + f.Msg
	}
	return s
}

// Unlooked is a place at which calls failed and the program never looked at the errno.
type Unlooked struct {
	Pos   syntax.Position
	Call  string // name of the builtin
	Errno string
	Count int // how many of these errnos
}

// String is the place, the call and the errno.
func (u Unlooked) String() string {
	times := ""
	if u.Count > 1 {
		times = fmt.Sprintf(" %d times", u.Count)
	}
	return fmt.Sprintf("%s: %s(...) failed%s with %s, and the program never looked at it (compare it with an errno such as == %[4]s, "+
		"or test it; a comparison with a value of another type does not count)", u.Pos, u.Call, times, u.Errno)
}

// Condition is a final condition of the program and whether it held.
type Condition struct {
	Kind  string // exists, forall or never
	Pos   syntax.Position
	Text  string // source text of its function
	Value bool
}

// Failed reports whether the condition makes the run fail: a false forall, a true never.
func (c Condition) Failed() bool {
	return c.Kind == "forall" && !c.Value || c.Kind == "never" && c.Value
}

// String is the place, the condition and its value.
func (c Condition) String() string {
	return fmt.Sprintf("%s: %s(%s) is %t", c.Pos, c.Kind, c.Text, c.Value)
}

// Outcome is one name and value that the program recorded, the value as Starlark prints it.
type Outcome struct{ Name, Value string }

// String is NAME=VALUE.
func (o Outcome) String() string { return o.Name + "=" + o.Value }

// Error is a mistake in a scenario: what was found, and what was expected. Pos is where; Line is 0 if it is
// nowhere in the text.
type Error struct {
	Pos       syntax.Position
	Msg       string
	Thread    string // name of the thread it happened in, "" when compiling
	Backtrace string // the calls that led there, outermost first; "" if there was at most one
}

// Error is FILE:LINE:COLUMN and what is wrong there.
func (e *Error) Error() string { return fmt.Sprintf("%s: %s", e.Pos, e.Msg) }

// evalError gives an error of the interpreter our form.
func (p *Program) evalError(t *thread, err error) *Error {
	e := &Error{Pos: p.start(t.home), Msg: err.Error(), Thread: t.name}
	var eval *starlark.EvalError
	if !errors.As(err, &eval) {
		return e
	}
	e.Msg = eval.Msg
	var stack starlark.CallStack
	for _, frame := range eval.CallStack {
		if frame.Pos.Line > 0 {
			frame.Pos = p.start(frame.Pos)
			e.Pos = frame.Pos
			stack = append(stack, frame)
		}
	}
	if len(stack) > 1 {
		e.Backtrace = backtrace(stack)
	}
	return e
}

// backtrace prints stack, the middle of a long one left out.
func backtrace(stack starlark.CallStack) string {
	const ends = 10
	var s strings.Builder
	for i, frame := range stack {
		switch {
		case len(stack) <= 2*ends+1 || i < ends || i >= len(stack)-ends:
			fmt.Fprintf(&s, "%s: in %s\n", frame.Pos, frame.Name)
		case i == ends:
			fmt.Fprintf(&s, "… %d more calls …\n", len(stack)-2*ends)
		}
	}
	return s.String()
}
