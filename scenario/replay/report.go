package replay

import (
	"fmt"
	"io"
	"strings"

	"github.com/epollsim/epollsim/scenario/strace"
	"github.com/epollsim/epollsim/scenario/strace/files"
)

// Report is what came of the replay of one log.
type Report struct {
	Name     string
	Stats    strace.Stats
	Replayed int // calls that the model made, or that only change what it knows
	Checked  int // of them, those whose result the model had to come to by itself
	Taken    int // of them, those of which only the log can tell the result
	Skipped  []Count
	Inferred int
	// Inferences are all, or the first ones, of what must have happened outside of the log.
	Inferences []Inference
	Timeouts   int  // waits that ended because time passed
	Rechecked  int  // sleepers for which somebody else had been woken in the default order
	Overlaps   int  // calls that began while others were under way
	Tries      int  // executions in search of an order
	Several    bool // more than one order explains the log
	Divergence *Divergence
	Notices    []files.Notice // what is missing in the log
	Hints      []string       // where it diverges: what the log may lack
	GaveUp     bool           // the search reached its bound
	Notes      []Note
	Steps      uint64
	Unknown    string // what the reader says of lines that it does not know
}

// Run replays a log: it looks for an order of the calls that overlap under which the model comes to all results.
func Run(log *Log, opts Options) *Report {
	f := search(log, &opts)
	x := f.x
	if opts.Trace != nil {
		x = execute(log, &opts, f.plan, opts.Trace, nil)
	}
	if x.diverged != nil {
		explain(log, &opts, f.plan, x.at, x.diverged)
	}
	r := &Report{
		Name: log.Name, Stats: log.Stats, Replayed: x.tally.calls, Checked: x.tally.checked, Taken: x.tally.calls - x.tally.checked,
		Skipped: log.Skipped(), Inferred: x.tally.inferred, Inferences: x.inferences, Timeouts: x.tally.timeouts,
		Rechecked: x.rechecked, Overlaps: log.overlaps, Tries: f.tries, Several: f.several, Divergence: x.diverged, GaveUp: f.gaveUp,
		Steps: x.m.Steps, Unknown: unknownText(&log.Stats), Notices: log.Notices,
	}
	if x.diverged != nil {
		r.Hints = log.hints()
	}
	if opts.Doctor {
		r.Notes = diagnose(log)
	}
	return r
}

// unknownText tells of lines that are not strace's.
func unknownText(s *strace.Stats) string {
	if s.Unknown == 0 {
		return ""
	}
	return fmt.Sprintf("%d lines are not strace's, the first: %s", s.Unknown, s.First)
}

// Exit codes of the command, see its documentation.
const (
	ExitOK       = 0
	ExitDiverged = 4
	ExitLimit    = 5
)

// ExitCode is 0, 4 if the log and the model differ, or 5 if the search gave up.
func (r *Report) ExitCode() int {
	switch {
	case r.Divergence == nil:
		return ExitOK
	case r.GaveUp || r.Divergence.Limit:
		return ExitLimit
	}
	return ExitDiverged
}

// Text writes the report for people.
func (r *Report) Text(w io.Writer) {
	for _, n := range r.Notices {
		fmt.Fprintln(w, n)
	}
	fmt.Fprintf(w, "%s: %d lines, %d calls of %d tasks: %d replayed, %d of them checked, %d taken from the log; %d skipped\n",
		r.Name, r.Stats.Lines, r.Stats.Calls, r.Stats.Tasks, r.Replayed, r.Checked, r.Taken, total(r.Skipped))
	if len(r.Skipped) > 0 {
		fmt.Fprintf(w, "  skipped: %s\n", counts(r.Skipped, 12))
	}
	if r.Unknown != "" {
		fmt.Fprintf(w, "  %s\n", r.Unknown)
	}
	if r.Inferred > 0 {
		fmt.Fprintf(w, "  outside of the log: %s\n", plural(r.Inferred, "event"))
		for i, inf := range r.Inferences {
			if i == shownInferences {
				fmt.Fprintf(w, "    … and %d more\n", r.Inferred-i)
				break
			}
			fmt.Fprintf(w, "    line %d: %s\n", inf.Line, inf.What)
		}
	}
	if r.Overlaps > 0 {
		fmt.Fprintf(w, "  %d calls overlap; %s", r.Overlaps, r.orderText())
	}
	for _, n := range r.Notes {
		fmt.Fprintf(w, "  %s\n", n)
	}
	if r.Timeouts > 0 {
		fmt.Fprintf(w, "  %s ended because time passed\n", plural(r.Timeouts, "wait"))
	}
	if r.Rechecked > 0 {
		fmt.Fprintf(w, "  %s looked again: somebody else was woken for what was there\n", plural(r.Rechecked, "sleeper"))
	}
	r.divergenceText(w)
}

const shownInferences = 20

func (r *Report) orderText() string {
	switch {
	case r.Several:
		return fmt.Sprintf("several orders explain the log (%d executions)\n", r.Tries)
	case r.Divergence == nil:
		return fmt.Sprintf("an order that explains the log was found with %d executions\n", r.Tries)
	}
	return fmt.Sprintf("no order was found with %d executions\n", r.Tries)
}

func (r *Report) divergenceText(w io.Writer) {
	d := r.Divergence
	if d == nil {
		fmt.Fprintf(w, "  no divergence\n")
		return
	}
	if r.GaveUp {
		fmt.Fprintf(w, "  gave up at %s after %d executions (raise the bound with --tries); the best one ends here:\n", d.Pos, r.Tries)
	}
	fmt.Fprintf(w, "%s: %s of %d\n    the log says   %s\n    the model says %s\n", d.Pos, d.Call, d.Tid, d.Log, d.Model)
	for _, h := range r.Hints {
		fmt.Fprintf(w, "    hint: %s\n", h)
	}
	for line := range strings.Lines(d.State) {
		fmt.Fprintf(w, "    %s", line)
	}
	if len(d.Calls) > 0 {
		fmt.Fprintf(w, "    the last calls on it:\n")
		for _, c := range d.Calls {
			fmt.Fprintf(w, "      %s\n", c)
		}
	}
	if len(d.Steps) > 0 {
		fmt.Fprintf(w, "    the last steps:\n")
		for _, s := range d.Steps {
			fmt.Fprintf(w, "      %s\n", s)
		}
	}
}

func total(list []Count) int {
	n := 0
	for _, c := range list {
		n += c.N
	}
	return n
}

func counts(list []Count, most int) string {
	var b strings.Builder
	for i, c := range list {
		if i == most {
			fmt.Fprintf(&b, ", and %d others", total(list[i:]))
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s %d", c.Name, c.N)
	}
	return b.String()
}

// plural is a number of things.
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
