package scenario

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/sim"
)

// World is a kernel that can run a scenario: the model, or the host's. At most one of its threads is in the
// program at a time; another may run only while this one is inside a system call.
type World interface {
	// Run runs main as thread main of process 1 and returns when every process has ended (nil), or why it
	// could not go on: *sim.DeadlockError, *sim.LimitError, *sim.PanicError, *sim.ViolationError, …
	Run(main func(kernel.Calls)) error
	// Current returns the thread that is in the program now.
	Current() kernel.Calls
	// Stop ends the run with err. Called by the running thread it does not return.
	Stop(err error)
}

// Options of a run. The zero value prints nothing and has the default limits.
type Options struct {
	Stdout   io.Writer     // of print; nil: nowhere
	MaxSteps uint64        // Starlark steps of all threads together; 0: DefaultMaxSteps
	MaxDepth int           // calls inside each other; 0: DefaultMaxDepth
	OnCheck  func(Failure) // called in the thread whose check failed, before it goes on
	OnCall   func(Call)    // called after each system call of the program, in its thread
	OnTurn   func(string)  // called with a thread's path when it begins and after each of its calls, before it goes on
}

// Default limits of a run.
const (
	DefaultMaxSteps = 100_000_000
	DefaultMaxDepth = 10_000
)

// run is one execution of a program.
type run struct {
	itself methods `sim:"kept"`

	prog  *Program
	world World
	opts  Options

	missingAt syntax.Position // where it asked for what is not modelled, or was refused
	failure   error           // that ends the run early: *Error or *sim.LimitError
	steps     uint64
	first     group     // the process of main
	live      []*thread // that have begun and not ended
	spawned   bool      // a task value exists
	forked    bool      // … and may reach another process

	gifts    []gift // to each thread that was made
	handlers []starlark.Value
	top      *starlark.Function
	globals  starlark.StringDict // while it is found out what a step may touch; nil: not asked for
	found    *reach              `sim:"kept"` // … and what that is
	inside   *reach              `sim:"kept"` // … beside what one value leads to

	result     *Result
	unlooked   ledger
	cookies    map[uint32]int // of renames, by those of the kernel
	conditions []*condition
}

// Run executes p in world and reports what it showed. Its cost is that of the run: nothing is compiled or
// built up again.
func Run(world World, p *Program, opts Options) *Result {
	if opts.MaxSteps == 0 {
		opts.MaxSteps = DefaultMaxSteps
	}
	if opts.MaxDepth == 0 {
		opts.MaxDepth = DefaultMaxDepth
	}
	r := newRun(world)
	r.prog, r.world, r.opts, r.result = p, world, opts, &Result{}
	if w, ok := world.(interface{ DescribeAlso(func() string) }); ok {
		w.DescribeAlso(r.itself.where)
	}
	if w, ok := world.(remembering); ok {
		w.ShareUserMemory(r.itself.touched)
	}
	main := r.newThread("main", &r.first, p.first)
	main.key = 1
	return r.finish(world.Run(main.main))
}

// methods are those of a run that the kernel calls: values that are made once.
type methods struct {
	where   func() string
	touched func(*kernel.Thread)
}

var runs = sim.NewCache(func(r *run) {
	*r = run{
		itself: r.itself, found: r.found, inside: r.inside,
		live: r.live[:0], gifts: r.gifts[:0], handlers: r.handlers[:0], conditions: r.conditions[:0],
	}
})

func newRun(world World) *run {
	r := cached(world, runs)
	if r.itself.where == nil {
		r.itself = methods{r.where, r.touched}
	}
	return r
}

// maxWhere is how many threads where tells of.
const maxWhere = 20

// where tells at which line each thread stands.
func (r *run) where() string {
	var s strings.Builder
	for i, t := range r.live {
		if i == maxWhere {
			fmt.Fprintf(&s, "… and %d more threads\n", len(r.live)-maxWhere)
			break
		}
		if t.star.CallStackDepth() > 0 {
			fmt.Fprintf(&s, "thread %s is at %s\n", &t.path, r.prog.start(t.place()))
		}
	}
	return s.String()
}

// finish evaluates the final conditions and completes the result of a run that ended with err.
func (r *run) finish(err error) *Result {
	if r.failure == nil && conclusive(err) {
		r.judge()
	}
	res := r.result
	switch failure := r.failure.(type) {
	case nil:
		if res.Err = err; r.missingAt.Line > 0 {
			res.Err = fmt.Errorf("%s: %w", r.missingAt, err)
		}
	case *Error:
		res.Error = failure
		if failure.Pos.Line == 0 {
			failure.Pos = r.prog.first
		}
	default:
		res.Err = failure
	}
	res.Unlooked = r.unlooked.report()
	res.Steps = r.steps
	return res
}

// conclusive reports whether a run that ended so came to a state of its own: final conditions ask for it.
func conclusive(err error) bool {
	if err == nil {
		return true
	}
	if errors.Is(err, sim.ErrStopped) {
		return false
	}
	var panicked *sim.PanicError
	var broken *sim.ViolationError
	return !isLimit(err) && !errors.As(err, &panicked) && !errors.As(err, &broken)
}
