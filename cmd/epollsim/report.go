package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/scenario"
	"github.com/epollsim/epollsim/sim"
)

// report tells what went wrong in a run, and how to run it again.
type report struct {
	w     io.Writer
	again string
}

// onCheck shows the state at the moment a check fails.
func (r *report) onCheck(k *kernel.Kernel) func(scenario.Failure) {
	return func(f scenario.Failure) {
		fmt.Fprintln(r.w, f)
		fmt.Fprint(r.w, indent(k.Snapshot().String()))
	}
}

func indent(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString("    ")
		b.WriteString(line)
	}
	return b.String()
}

// result reports what a finished run has recorded, and everything about it that is not well, but failed checks, which
// were reported when they failed.
func (r *report) result(res *scenario.Result) {
	for _, u := range res.Unlooked {
		fmt.Fprintln(r.w, u)
	}
	if len(res.Outcomes) > 0 {
		fmt.Fprintf(r.w, "outcome %s\n", res.State())
	}
	for _, c := range res.Conditions {
		if c.Failed() || c.Kind == "exists" {
			fmt.Fprintln(r.w, c)
		}
	}
	if res.MoreFailed > 0 {
		fmt.Fprintf(r.w, "%d more checks failed\n", res.MoreFailed)
	}
	if res.Error != nil {
		fmt.Fprintln(r.w, res.Error)
		fmt.Fprint(r.w, indent(res.Error.Backtrace))
	}
	r.runError(res.Err)
	if res.ExitCode() != scenario.ExitOK {
		fmt.Fprintf(r.w, "run it again: %s\n", r.again)
	}
}

// runError reports how the machine ended, if not well.
func (r *report) runError(err error) {
	if err == nil {
		return
	}
	fmt.Fprintf(r.w, "epollsim: %v\n", err)
	var steps []sim.Step
	var deadlock *sim.DeadlockError
	var violation *sim.ViolationError
	var panicked *sim.PanicError
	var limit *sim.LimitError
	switch {
	case errors.As(err, &limit):
		fmt.Fprint(r.w, indent(limit.Where))
	case errors.As(err, &deadlock):
		fmt.Fprint(r.w, indent(deadlock.State))
	case errors.As(err, &violation):
		steps = violation.Steps
		fmt.Fprint(r.w, indent(violation.State))
	case errors.As(err, &panicked):
		steps = panicked.Steps
		fmt.Fprintf(r.w, "This is a bug of epollsim; please report it with what follows.\n%s", panicked.Stack)
	}
	if len(steps) > 0 {
		fmt.Fprintln(r.w, "the last steps:")
		for _, s := range steps {
			fmt.Fprintf(r.w, "    %s\n", s)
		}
	}
}
