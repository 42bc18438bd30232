package export

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"go.starlark.net/starlark"

	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/scenario"
	"github.com/epollsim/epollsim/sim"
)

// MaxCalls is how many calls a vector has at most.
const MaxCalls = 20_000

// Options bound the run of a scenario. The zero value has the defaults.
type Options struct {
	MaxSteps    uint64 // of the kernel
	MaxStarlark uint64
	MaxTasks    int
}

// Refusal says why a scenario cannot be exported.
type Refusal struct {
	Name  string // of the scenario
	Where string // FILE:LINE:COLUMN, or the file
	Why   string
}

// Error is the place and the reason.
func (r *Refusal) Error() string { return r.Where + ": cannot be exported: " + r.Why }

// Record runs p on the baseline and returns what it called. The error is a *Refusal; a *sim.LimitError in it says that
// the scenario did not come to its end.
func Record(p *scenario.Program, opts Options) (*Vector, error) {
	if name, ok := p.ModelOnly(); ok {
		return nil, &Refusal{caseName(p), p.Filename(), name + "() is of the model"}
	}
	name := caseName(p)
	r := newRecording(p, opts, sim.Options{})
	r.threads = threads{byPath: map[string]int{}, paths: map[starlark.Value]string{}}
	res := r.run(p, opts)
	var limit *sim.LimitError
	switch {
	case r.refusal != nil:
		return nil, r.refusal
	case errors.As(res.Err, &limit):
		return nil, fmt.Errorf("%w: %w", &Refusal{name, p.Filename(), "it does not come to its end"}, limit)
	case res.ExitCode() != scenario.ExitOK:
		return nil, &Refusal{name, p.Filename(), "it fails on the model: see epollsim run " + p.Filename()}
	case len(r.vector.Calls) == 0:
		return nil, &Refusal{name, p.Filename(), "it makes no system call"}
	}
	if r.vector.Threads > 1 {
		if c := r.depends(p, opts); c != nil {
			return nil, &Refusal{name, p.Filename(), "what its threads are told depends on who comes first: " + c.At + " " + c.Text}
		}
	}
	return r.vector, nil
}

func caseName(p *scenario.Program) string {
	return strings.TrimSuffix(filepath.Base(p.Filename()), ".star")
}

// recording takes the calls of a run.
type recording struct {
	vector  *Vector
	refusal *Refusal
	kernel  *kernel.Kernel
	threads threads
	pid     starlark.Int    // as the model told the program, 0: not yet
	bound   map[string]bool // abstract names that the program has given
}

func newRecording(p *scenario.Program, opts Options, machine sim.Options) *recording {
	name := caseName(p)
	machine.MaxSteps, machine.MaxTasks = opts.MaxSteps, opts.MaxTasks
	return &recording{
		vector: &Vector{Schema: Schema, Name: name, Claim: claim(p.Source(), name), Kernel: kernel.Baseline.String()},
		kernel: kernel.Boot(kernel.Options{Machine: machine}),
	}
}

// run runs p and takes its calls.
func (r *recording) run(p *scenario.Program, opts Options) *scenario.Result {
	res := scenario.Run(r.kernel, p, scenario.Options{MaxSteps: opts.MaxStarlark, OnCall: r.add, Stdout: io.Discard})
	if n := len(r.threads.byPath); n > 1 {
		r.vector.Threads = n
	}
	return res
}

// errRefused ends a run whose calls cannot be exported.
var errRefused = fmt.Errorf("export: %w", sim.ErrStopped)

// add is the OnCall of the run.
func (r *recording) add(c scenario.Call) {
	if r.refusal != nil {
		return
	}
	why := ""
	row := rowOf(c.Name)
	thread := r.threads.meet(c)
	switch {
	case c.Name == "fork":
		why = "fork() needs more than one process"
	case row == nil:
		why = c.Name + "() has no form in C yet"
	case c.InHandler:
		why = c.Name + "() in a signal handler: the handlers of a program do nothing"
	case thread < 0:
		why = fmt.Sprintf("more than %d threads, or other ones under another schedule", MaxThreads)
	case len(r.vector.Calls) == MaxCalls:
		why = fmt.Sprintf("more than %d calls", MaxCalls)
	}
	if why == "" {
		call := Call{At: place(c), Name: c.Name, Thread: thread, row: row}
		if why = r.convert(&call, c); why == "" {
			call.Text = call.tell(c.Result)
			for _, sig := range c.Handled {
				call.Handled = append(call.Handled, spelled("SIG", int64(sig)))
			}
			r.vector.Calls = append(r.vector.Calls, call)
			return
		}
	}
	r.refusal = &Refusal{r.vector.Name, c.Pos.String(), why}
	r.kernel.Stop(errRefused)
}

func place(c scenario.Call) string {
	return fmt.Sprintf("%s:%d", filepath.Base(c.Pos.Filename()), c.Pos.Line)
}

// convert fills in a call; why it cannot, or "".
func (r *recording) convert(call *Call, c scenario.Call) (why string) {
	params := map[string]starlark.Value{}
	for _, p := range c.Params {
		params[p.Name] = p.Value
	}
	args, why := call.row.arguments(r, params)
	if why != "" {
		return why
	}
	call.Args = args
	r.vector.Terminal = r.vector.Terminal || atTerminal(args)
	if c.Errno != 0 {
		call.Errno = c.Errno.Name()
		return ""
	}
	r.remember(c)
	if c.Name == "spawn" {
		call.Args = Object{{"thread", int64(r.threads.number(c.Started))}}
	}
	if !c.Own {
		call.Return, call.Out = call.row.out.of(r, c.Value, params)
	}
	return ""
}

// remember keeps what later calls refer to.
func (r *recording) remember(c scenario.Call) {
	switch c.Name {
	case "getpid":
		r.pid = c.Value.(starlark.Int)
	case "bind":
		if name, ok := starlark.AsString(c.Params[1].Value); ok {
			if r.bound == nil {
				r.bound = map[string]bool{}
			}
			r.bound[name] = true
		}
	}
}

// atTerminal reports whether a call has one of the descriptors 0 to 2 among its arguments.
func atTerminal(args Object) bool {
	terminal := func(fd int64) bool { return fd >= 0 && fd <= 2 }
	for _, f := range args {
		switch v := f.Value.(type) {
		case int64:
			switch f.Name {
			case "fd", "epfd", "oldfd", "newfd":
				if terminal(v) {
					return true
				}
			}
		case []int64:
			if f.Name != "value" && slices.ContainsFunc(v, terminal) {
				return true
			}
		case []Object:
			if slices.ContainsFunc(v, atTerminal) {
				return true
			}
		}
	}
	return false
}

// claim returns the first line of the comment at the top of a scenario, without the name of the case.
func claim(src []byte, name string) string {
	line, _, _ := bytes.Cut(src, []byte("\n"))
	text, ok := strings.CutPrefix(string(line), "#")
	if !ok {
		return ""
	}
	return strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(text), name+": "))
}
