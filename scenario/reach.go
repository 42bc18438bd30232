package scenario

import (
	"go.starlark.net/starlark"

	"github.com/epollsim/epollsim/kernel"
)

// recorded is the place of memory, as Thread.TouchUser numbers them, of what the run records: outcomes, failed checks,
// output. Each name of the top level has two: which value it has, and what is in that value. Then come the places of
// what each thread was given when it was made.
const recorded = 0

func nameOf(i int) int               { return 1 + 2*i }
func contentsOf(i int) int           { return 2 + 2*i }
func (r *run) givenTo(t *thread) int { return 1 + 2*len(r.prog.globals) + t.key }

// remembering is a World that asks what threads touch between two calls.
type remembering interface {
	ShareUserMemory(func(*kernel.Thread))
}

// reach is what is reachable from some values: lists, dicts and sets, by identity, and names of the top level.
type reach struct {
	run    *run
	seen   map[any]bool
	names  map[int]bool
	starts map[int]bool // names that are read, and what they lead to is not
	bodies map[*body]bool

	shallow bool // do not follow names
}

func (r *run) newReach() *reach {
	return &reach{run: r, seen: map[any]bool{}, names: map[int]bool{}, starts: map[int]bool{}, bodies: map[*body]bool{}}
}

// value adds what v leads to.
func (x *reach) value(v starlark.Value) {
	switch v := v.(type) {
	case starlark.Tuple:
		for _, e := range v {
			x.value(e)
		}
	case *starlark.List:
		if !x.seen[v] {
			x.seen[v] = true
			for i := range v.Len() {
				x.value(v.Index(i))
			}
		}
	case *starlark.Set:
		x.seen[v] = true // its elements are hashable: nothing in them changes
	case *starlark.Dict:
		if !x.seen[v] {
			x.seen[v] = true
			for _, item := range v.Items() {
				x.value(item)
			}
		}
	case *starlark.Builtin:
		if v.Receiver() != nil {
			x.value(v.Receiver())
		}
	case *starlark.Function:
		x.function(v)
	}
}

func (x *reach) function(fn *starlark.Function) {
	if x.seen[fn] {
		return
	}
	x.seen[fn] = true
	for i := range fn.NumParams() {
		if d := fn.ParamDefault(i); d != nil {
			x.value(d)
		}
	}
	for i := range fn.NumFreeVars() {
		if _, v := fn.FreeVar(i); v != nil {
			x.value(v)
		}
	}
	if !x.shallow {
		x.text(x.run.prog.bodies[pointOf(fn.Position())])
	}
}

// text adds what the statements of b mention.
func (x *reach) text(b *body) {
	if b == nil || x.bodies[b] {
		return
	}
	x.bodies[b] = true
	x.stmts(b.stmts)
}

func (x *reach) stmts(stmts []stmtText) {
	for _, s := range stmts {
		for _, i := range s.globals {
			x.name(i)
		}
		for _, i := range s.starts {
			x.starts[i] = true
		}
	}
}

func (x *reach) name(i int) {
	if x.names[i] {
		return
	}
	x.names[i] = true
	if v := x.run.global(i); v != nil {
		x.value(v)
	}
}

// meets reports whether a value that may change is in both.
func (x *reach) meets(y *reach) bool {
	for v := range x.seen {
		if _, fn := v.(*starlark.Function); !fn && y.seen[v] {
			return true
		}
	}
	return false
}

// global returns the value of a name of the top level, nil if it has none yet.
func (r *run) global(i int) starlark.Value { return r.globals[r.prog.globals[i]] }

// gift is what a thread got when it was made.
type gift struct {
	to     *thread
	from   *thread
	values []starlark.Value
	cells  bool // a function among them shares variables with who defined it
}

// give notes what t hands to child.
func (t *thread) give(child *thread, fn starlark.Value, args starlark.Tuple) {
	g := gift{to: child, from: t, values: append([]starlark.Value{fn}, args...)}
	for _, v := range g.values {
		if f, ok := v.(*starlark.Function); ok && f.NumFreeVars() > 0 {
			g.cells = true
		}
	}
	t.run.gifts = append(t.run.gifts, g)
	t.run.top = t.run.topLevel(t)
}

// topLevel is the function of the top level, which leads to the values of all names.
func (r *run) topLevel(t *thread) *starlark.Function {
	if depth := t.star.CallStackDepth(); r.top == nil && depth > 0 {
		r.top, _ = t.star.DebugFrame(depth - 1).Callable().(*starlark.Function)
	}
	return r.top
}

// touched says what a thread that returns to the program may touch up to its next call. A thread that has not begun
// says so itself.
func (r *run) touched(k *kernel.Thread) {
	for _, t := range r.live {
		if t.calls == kernel.Calls(k) {
			t.touch(k)
			return
		}
	}
}

func (t *thread) touch(k *kernel.Thread) {
	r := t.run
	if r.globals = nil; r.topLevel(t) != nil {
		r.globals = r.top.Globals()
	}
	x := r.newReach()
	depth := t.star.CallStackDepth()
	for d := range depth {
		frame := t.star.DebugFrame(d)
		for i := range frame.NumLocals() {
			if _, v := frame.Local(i); v != nil {
				x.value(v)
			}
		}
		fn, ok := frame.Callable().(*starlark.Function)
		switch {
		case !ok:
		case d == depth-1:
			r.statements(k, x, t.body(fn).from(pointOf(frame.Position()), true))
		default:
			x.text(r.prog.bodies[pointOf(fn.Position())])
		}
	}
	if depth == 0 {
		r.unbegun(k, t, x)
	}
	for _, fn := range r.handlers {
		x.value(fn)
	}
	r.places(k, t, x)
}

// body is what t executes first.
func (t *thread) body(fn *starlark.Function) *body {
	if fn == t.run.top && t.key == 1 {
		return t.run.prog.topBody
	}
	if b := t.run.prog.bodies[pointOf(fn.Position())]; b != nil {
		return b
	}
	return &body{}
}

// unbegun adds to x what t will touch before its first call.
func (r *run) unbegun(k *kernel.Thread, t *thread, x *reach) {
	if t.key == 1 {
		r.statements(k, x, r.prog.topBody.from(point{}, false))
	}
	for _, g := range r.gifts {
		if g.to != t {
			continue
		}
		for _, v := range g.values[1:] {
			x.value(v)
		}
		if fn, ok := g.values[0].(*starlark.Function); ok {
			r.statements(k, x, t.body(fn).from(point{}, false))
		}
	}
}

func (r *run) statements(k *kernel.Thread, x *reach, stmts []stmtText) {
	x.stmts(stmts)
	for _, s := range stmts {
		for _, i := range s.assigns {
			k.TouchUser(nameOf(i), true)
		}
	}
}

// places turns what is in x into places that mean the same in every run.
func (r *run) places(k *kernel.Thread, t *thread, x *reach) {
	for i := range r.prog.globals {
		if x.names[i] || x.starts[i] {
			k.TouchUser(nameOf(i), false)
		}
	}
	for _, g := range r.gifts {
		if g.cells && (g.to == t || g.from == t) {
			k.TouchUser(r.givenTo(g.to), true)
		}
	}
	if !x.mutable() {
		return
	}
	for i := range r.prog.globals {
		if v := r.global(i); v != nil && x.meets(r.structure(v)) {
			k.TouchUser(contentsOf(i), true)
		}
	}
	for _, g := range r.gifts {
		if !g.cells && x.meets(r.structure(g.values...)) {
			k.TouchUser(r.givenTo(g.to), true)
		}
	}
}

// mutable reports whether anything in x can change.
func (x *reach) mutable() bool {
	for v := range x.seen {
		if _, fn := v.(*starlark.Function); !fn {
			return true
		}
	}
	return false
}

// structure is what is reachable from values without going through names.
func (r *run) structure(values ...starlark.Value) *reach {
	x := r.newReach()
	x.shallow = true
	for _, v := range values {
		x.value(v)
	}
	return x
}

// record says that the thread adds to what the run records, which has an order.
func (t *thread) record() {
	if k, ok := t.calls.(*kernel.Thread); ok {
		k.TouchUser(recorded, true)
	}
}

// looksAtEverything says that what the thread does now depends on the state of the whole kernel.
func (t *thread) looksAtEverything() {
	if k, ok := t.calls.(*kernel.Thread); ok {
		k.Kernel().Machine().TouchEverything()
	}
}
