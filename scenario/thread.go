package scenario

import (
	"errors"
	"fmt"
	"slices"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/sim"
)

// thread is a Starlark thread inside a thread of the kernel.
type thread struct {
	run  *run
	name string
	path lineage
	proc *group
	key  int             // of its own, the same in every run
	home syntax.Position // where it was spawned: the place of what it does outside of the program's text

	handling int          // handlers of signals that are running
	handled  []abi.Signal // those of the call under way, if somebody wants to know

	calls kernel.Calls   // nil: not on a kernel, evaluates final conditions
	fn    starlark.Value // what it calls; nil: the top level
	args  starlark.Tuple // … with these
	steps uint64         // of star, already counted by the run

	star *starlark.Thread   `sim:"kept"` // with its frames
	main func(kernel.Calls) `sim:"kept"` // its life, as a value

	// What calls use again. A call takes it out and puts it back, since a signal handler may call again
	// before the call has returned.
	spare   *call `sim:"kept"`
	event   abi.EpollEvent
	events  []abi.EpollEvent
	pollfds []abi.PollFd
	bytes   []byte
}

// group is a process as far as its threads' kill needs it.
type group struct{ pid int }

const local = "scenario" // key of the thread in its starlark.Thread

// stride is how many steps a thread goes between two looks at the limits of the run.
const stride = 1000

var threads = sim.NewCache((*thread).reset)

// reset makes t what a new thread is, but for its memory.
func (t *thread) reset() {
	if t.star != nil && t.star.CallStackDepth() > 0 {
		t.star = nil
	}
	if t.spare != nil {
		*t.spare = call{}
	}
	*t = thread{star: t.star, main: t.main, spare: t.spare, events: t.events[:0], pollfds: t.pollfds[:0], bytes: t.bytes[:0]}
}

func (r *run) newThread(name string, proc *group, home syntax.Position) *thread {
	t := cached(r.world, threads)
	t.run, t.name, t.path, t.proc, t.home = r, name, lineage{name: name}, proc, home
	if t.star == nil {
		t.star, t.main = &starlark.Thread{OnMaxSteps: t.stride}, t.live
		t.star.SetLocal(local, t)
	}
	t.star.Name, t.star.Steps = name, 0
	t.star.Uncancel()
	t.extend()
	return t
}

// cached returns an object that is as new, from the memory of world if that is a model.
func cached[T any](world World, c *sim.Cache[T]) *T {
	if k, ok := world.(*kernel.Kernel); ok {
		return c.New(k.Machine())
	}
	return new(T)
}

func threadOf(star *starlark.Thread) *thread { return star.Local(local).(*thread) }

// live is the life of t in the thread k of the kernel.
func (t *thread) live(k kernel.Calls) {
	t.begin(k)
	defer t.end() // also when the kernel unwinds it
	if err := t.execute(); err != nil {
		t.fail(err)
	}
}

// begin says that t lives in k from now on.
func (t *thread) begin(k kernel.Calls) {
	t.calls = k
	t.run.live = append(t.run.live, t)
	if kt, ok := k.(*kernel.Thread); ok && kt.Kernel().Machine().Collecting() {
		t.touch(kt)
	}
	t.turn()
}

func (t *thread) end() {
	t.count()
	r := t.run
	i := slices.Index(r.live, t)
	r.live = slices.Delete(r.live, i, i+1)
}

// execute calls what t is there for.
func (t *thread) execute() (err error) {
	if t.fn == nil {
		_, err = t.run.prog.prog.Init(t.star, t.run.prog.predeclared)
	} else {
		_, err = starlark.Call(t.star, t.fn, t.args, nil)
	}
	return err
}

// unwound notes where t stands if the call that the kernel unwinds has asked for what the model leaves out, or the host
// refuses.
func (t *thread) unwound() {
	if t.run.missingAt.Line > 0 {
		return
	}
	missing := false
	switch calls := t.calls.(type) {
	case *kernel.Thread:
		err := calls.Kernel().Machine().Err()
		missing = err != nil && isNotModelled(err)
	case interface{ Refused() bool }:
		missing = calls.Refused()
	}
	if missing {
		t.run.missingAt = t.run.prog.start(t.place())
	}
}

// turn says that t goes on in the program.
func (t *thread) turn() {
	if on := t.run.opts.OnTurn; on != nil {
		on(t.path.String())
	}
}

// count adds the new steps of t to those of the run.
func (t *thread) count() {
	t.run.steps += t.star.Steps - t.steps
	t.steps = t.star.Steps
}

// stride looks after the limits: the steps of the whole run, and the depth of this thread's calls. The
// interpreter ends the thread soon after Cancel.
func (t *thread) stride(*starlark.Thread) {
	t.count()
	r := t.run
	switch {
	case r.failure != nil:
		t.star.Cancel("the run is over")
	case r.steps > r.opts.MaxSteps:
		r.failure = &sim.LimitError{What: "Starlark steps", Limit: r.opts.MaxSteps, Flag: "--max-starlark-steps"}
		t.star.Cancel("step limit")
	case t.star.CallStackDepth() > r.opts.MaxDepth:
		r.failure = t.mistake(fmt.Errorf("recursion deeper than %d calls", r.opts.MaxDepth))
		t.star.Cancel("call depth")
	default:
		t.extend()
	}
}

// extend lets t go on up to the next look at the limits.
func (t *thread) extend() {
	left := t.run.opts.MaxSteps - min(t.run.steps, t.run.opts.MaxSteps)
	t.star.SetMaxExecutionSteps(t.star.Steps + min(stride, left) + 1)
}

// mistake is err of the program with the calls that are under way in t.
func (t *thread) mistake(err error) *Error {
	return t.run.prog.evalError(t, &starlark.EvalError{Msg: err.Error(), CallStack: t.star.CallStack()})
}

// errOver unwinds the Starlark calls of a thread after another has ended the run.
var errOver = errors.New("the run is over")

// fail ends the run because of err, the result of a Starlark call in t. In a thread of the kernel it does not
// return.
func (t *thread) fail(err error) {
	r := t.run
	e := r.prog.evalError(t, err)
	if r.failure == nil {
		r.failure = e
	}
	if limit, ok := r.failure.(*sim.LimitError); ok && limit.Where == "" {
		limit.Where = fmt.Sprintf("thread %s is at %s\n%s", &t.path, e.Pos, e.Backtrace)
	}
	if t.calls == nil {
		return
	}
	r.world.Stop(r.failure)
}

// place returns where in the text the builtin that runs now was called.
func (t *thread) place() syntax.Position {
	for depth := 1; depth < t.star.CallStackDepth(); depth++ {
		if frame := t.star.CallFrame(depth); frame.Pos.Line > 0 {
			return frame.Pos
		}
	}
	return t.home
}
