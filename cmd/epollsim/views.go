package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/pflag"

	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/scenario/events"
	"github.com/epollsim/epollsim/scenario/picture"
	"github.com/epollsim/epollsim/scenario/steps"
	"github.com/epollsim/epollsim/scenario/strace"
	"github.com/epollsim/epollsim/sim"
)

// view is a way to show the events of a run: a function over them, with an end.
type view interface {
	Event(sim.Event)
	Flush() error // what is complete goes out
	Close() error
}

// viewFlags are the flags of run that say what it shows.
type viewFlags struct {
	trace    string
	times    bool
	accesses bool
	state    bool
	until    int64
	json     bool
	svg      string
}

func (f *viewFlags) flags(flags *pflag.FlagSet) {
	flags.StringVar(&f.trace, "trace", "strace", "strace, steps, json or none (docs/steps.md, docs/trace-json.md)")
	flags.BoolVar(&f.times, "times", false, "put the virtual time before each call (strace)")
	flags.BoolVar(&f.accesses, "accesses", false, "show every access to a shared field too (steps, json)")
	flags.BoolVar(&f.state, "state", false, "show the state of all structures after every call")
	flags.Int64Var(&f.until, "until", -1, "stop behind this `step`, as --trace=steps numbers them, and show the state")
	flags.BoolVar(&f.json, "json", false, "show the state of --until as JSON")
	flags.StringVar(&f.svg, "svg", "", "draw the run into this `file`")
}

// check refuses flags that do not go together.
func (f *viewFlags) check() error {
	switch f.trace {
	case "strace", "steps", "json", "none":
	default:
		return usagef("--trace=%s: expected strace, steps, json or none", f.trace)
	}
	if f.until < -1 {
		return usagef("--until=%d: expected the number of a step, from 0 on", f.until)
	}
	if f.json && f.until < 0 {
		return usagef("--json is for the state that --until shows; for a trace as JSON there is --trace=json")
	}
	if f.accesses && f.trace != "steps" && f.trace != "json" {
		return usagef("--accesses shows them in the trace of --trace=steps or --trace=json, not in that of --trace=%s", f.trace)
	}
	if f.times && f.trace != "strace" {
		return usagef("--times is for --trace=strace; --trace=%s has its own", f.trace)
	}
	if f.state && f.trace == "none" {
		return usagef("--state shows the state in the trace; with --trace=none there is none")
	}
	return nil
}

// single reports whether a flag is set that makes sense for one scenario only.
func (f *viewFlags) single() string {
	switch {
	case f.until >= 0:
		return "--until"
	case f.svg != "":
		return "--svg"
	case f.state:
		return "--state"
	}
	return ""
}

// view makes the view that the flags name; nil for none.
func (f *viewFlags) view(out io.Writer) view {
	switch f.trace {
	case "strace":
		return &straceView{strace.New(out, strace.Options{Times: f.times}), out}
	case "steps":
		return steps.New(out, steps.Options{Accesses: f.accesses})
	case "json":
		return events.New(out, events.Options{Accesses: f.accesses})
	}
	return nil
}

// straceView is a log of strace with states in between.
type straceView struct {
	*strace.Writer
	out io.Writer
}

func (v *straceView) Event(e sim.Event) {
	state, ok := e.Arg.(*kernel.Snapshot)
	if !ok {
		v.Writer.Event(e)
		return
	}
	if v.Flush() == nil {
		io.WriteString(v.out, indent(state.String())) // an error shows when the output is closed
	}
}

// drawing is a picture of a run, and the file it goes to.
type drawing struct {
	*picture.Drawing
	file string
}

func (f *viewFlags) drawing() *drawing {
	if f.svg == "" {
		return nil
	}
	return &drawing{picture.New(), f.svg}
}

func (d *drawing) write() error {
	if d == nil {
		return nil
	}
	return output{"--svg", d.file}.write([]byte(d.SVG()))
}

// tracer hands each event to the view and the drawing; nil if there is neither.
func (f *viewFlags) tracer(v view, d *drawing) func(sim.Event) {
	switch {
	case v == nil && d == nil && f.until < 0:
		return nil
	case v == nil && d == nil:
		return func(sim.Event) {} // so that the state knows of the calls under way
	case d == nil:
		return v.Event
	case v == nil:
		return d.Event
	}
	return func(e sim.Event) {
		v.Event(e)
		d.Event(e)
	}
}

// errUntil ends a run at the step of --until.
var errUntil = fmt.Errorf("the step of --until: %w", sim.ErrStopped)

// stopper ends a run behind a step and keeps the state it had there.
type stopper struct {
	step  int64 // -1: never
	k     *kernel.Kernel
	state *kernel.Snapshot
}

// afterStep is called at the end of each step; Steps counts it already.
func (s *stopper) afterStep() {
	if m := s.k.Machine(); s.state == nil && m.Steps > uint64(s.step) {
		s.state = s.k.Snapshot()
		s.state.Step = uint64(s.step)
		s.k.Stop(errUntil)
	}
}

// hook is what goes into sim.Options.AfterStep.
func (s *stopper) hook() func() {
	if s.step < 0 {
		return nil
	}
	return s.afterStep
}

// show prints the state where the run has stopped; last is the number of its last step.
func (s *stopper) show(out io.Writer, asJSON bool) error {
	if s.step < 0 {
		return nil
	}
	if s.state == nil {
		last := s.k.Machine().Steps
		return usagef("--until=%d: the run ended with step %d", s.step, last)
	}
	if !asJSON {
		_, err := io.WriteString(out, s.state.String())
		return err
	}
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	return enc.Encode(struct {
		Schema int `json:"schema"`
		*kernel.Snapshot
	}{events.Schema, s.state})
}

// stoppedHere reports whether err says that the run was stopped by --until.
func stoppedHere(err error) bool { return errors.Is(err, errUntil) }
