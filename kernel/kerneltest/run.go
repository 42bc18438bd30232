package kerneltest

import (
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/sim"
)

// Run is one execution of the program: the first thread of process 1, with its system calls, and the judge of the run. It is a
// require.TestingT, for all threads.
type Run struct {
	*kernel.Thread
	k        *kernel.Kernel
	failure  string
	outcomes []outcome
	finally  []func()
}

type outcome struct{ name, value string }

// Kernel returns the kernel of this run.
func (r *Run) Kernel() *kernel.Kernel { return r.k }

// Go starts a thread of process 1 that runs fn, and returns its thread id.
func (r *Run) Go(name string, fn func(kernel.Calls)) int {
	tid, err := r.Clone(name, fn)
	if err != nil {
		r.Errorf("clone: %v", err)
		r.FailNow()
	}
	return tid
}

// Outcome records that name ended up as value: it is tabulated in the report. The last value of a name counts; the
// order of names does not.
func (r *Run) Outcome(name string, value any) {
	text := fmt.Sprint(value)
	for i := range r.outcomes {
		if r.outcomes[i].name == name {
			r.outcomes[i].value = text
			return
		}
	}
	r.outcomes = append(r.outcomes, outcome{name, text})
}

// Finally calls fn when every process has ended, unless the run failed before.
func (r *Run) Finally(fn func()) { r.finally = append(r.finally, fn) }

// Errorf fails the run, which goes on. The first text counts.
func (r *Run) Errorf(format string, args ...any) {
	if r.failure == "" {
		r.failure = squeezed(fmt.Sprintf(format, args...))
	}
}

// FailNow fails the run and ends it. It does not return.
func (r *Run) FailNow() {
	r.Errorf("FailNow was called")
	r.k.Stop(errFailed)
	panic(errFailed) // outside of any thread, in a function of Finally
}

// errFailed ends a run whose failure is known.
var errFailed = fmt.Errorf("the run has failed")

// conclude calls what Finally was given. The error is a panic of that.
func (r *Run) conclude() (err error) {
	defer func() {
		if p := recover(); p != nil && p != any(errFailed) {
			err = &sim.PanicError{Task: "a function of Finally", Value: p, Stack: debug.Stack(), Token: r.k.Machine().Token()}
		}
	}()
	for _, fn := range r.finally {
		fn()
	}
	return nil
}

func (r *Run) state() string {
	slices.SortFunc(r.outcomes, func(a, b outcome) int { return strings.Compare(a.name, b.name) })
	var s strings.Builder
	for i, o := range r.outcomes {
		if i > 0 {
			s.WriteByte(' ')
		}
		s.WriteString(o.name + "=" + o.value)
	}
	return s.String()
}

// squeezed puts what testify says on one line, without its traces, which lead into the scheduler.
func squeezed(text string) string {
	var parts []string
	trace := false
	for line := range strings.Lines(text) {
		line = strings.Join(strings.Fields(line), " ")
		trace = strings.HasPrefix(line, "Error Trace:") || trace && !strings.HasPrefix(line, "Error:")
		if line = strings.TrimPrefix(line, "Error: "); line != "" && !trace && !strings.HasPrefix(line, "Test: ") {
			parts = append(parts, line)
		}
	}
	return strings.Join(parts, "; ")
}

var _ kernel.Calls = (*Run)(nil)

// machineOptions are those of the explorer with ours.
func (o *options) machine(m sim.Options) kernel.Options {
	m.MaxSteps = o.steps
	opts := kernel.Options{Version: o.version, Check: o.check, Machine: m}
	if o.independent {
		opts.UserMemory = kernel.NoUserMemory
	}
	return opts
}
