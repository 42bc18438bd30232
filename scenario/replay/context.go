package replay

import (
	"fmt"
	"slices"
	"strings"

	"github.com/epollsim/epollsim/scenario/steps"
	"github.com/epollsim/epollsim/sim"
)

// What is shown of the way to a divergence.
const (
	shownCalls = 6  // that touched the same file
	shownSteps = 16 // of the model, whatever they touched

	shownMoments = 1000 // of the log, in which these steps are
)

// tail keeps the last lines that are written to it.
type tail struct {
	lines []string
	part  string
}

func (t *tail) Write(p []byte) (int, error) {
	text := t.part + string(p)
	for {
		line, rest, ok := strings.Cut(text, "\n")
		if !ok {
			t.part = text
			return len(p), nil
		}
		t.lines, text = append(t.lines, line), rest
		if len(t.lines) > 4*shownSteps {
			t.lines = slices.Delete(t.lines, 0, len(t.lines)-shownSteps)
		}
	}
}

// explain runs the log again up to its divergence, the moment failed, and notes the last calls that touched the same file, and the last steps.
func explain(log *Log, opts *Options, p *plan, failed int, d *Divergence) {
	var last tail
	view := steps.New(&last, steps.Options{})
	traced := *opts
	traced.Trace, traced.from = view.Event, max(0, failed-shownMoments)
	x := execute(log, &traced, p, view.Event, nil)
	if view.Close() != nil || x.diverged == nil || x.failed == nil {
		return
	}
	d.State = x.diverged.State
	var files []sim.ID
	for _, fd := range [2]int{x.failed.fd, x.failed.fd2} {
		if f := x.file(x.failed, fd); f != nil {
			files = append(files, f.ID())
		}
	}
	files = append(files, x.mismatch...)
	for i := x.at; i >= log.first && len(d.Calls) < shownCalls; i-- {
		e := log.at(i)
		o := e.op
		if o == nil || e.kind == eventExit || o == x.failed || o.row == nil || !slices.ContainsFunc(x.touched(o), func(id sim.ID) bool { return slices.Contains(files, id) }) {
			continue
		}
		d.Calls = append(d.Calls, fmt.Sprintf("%s: %d: %s = %s", o.end.Pos, o.tid, o.spelled(), o.want.text(o)))
	}
	slices.Reverse(d.Calls)
	d.Steps = last.lines[max(0, len(last.lines)-shownSteps):]
}
