package scenario

import (
	"go.starlark.net/starlark"

	"github.com/epollsim/epollsim/kernel"
)

// gift is what a thread got when it was made: its function and arguments.
type gift struct {
	to    *thread
	from  *thread
	cells bool // a function among them shares variables with who defined it
}

// give notes what t hands to child.
func (t *thread) give(child *thread) {
	cells := sharesCells(child.fn)
	for _, v := range child.args {
		cells = cells || sharesCells(v)
	}
	t.run.gifts = append(t.run.gifts, gift{child, t, cells})
	t.run.top = t.run.topLevel(t)
}

func sharesCells(v starlark.Value) bool {
	f, ok := v.(*starlark.Function)
	return ok && f.NumFreeVars() > 0
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
	r.globals = nil
	r.topLevel(t)
	r.found = r.found.again(r, false)
	x := r.found
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
		for _, v := range t.args {
			x.value(v)
		}
		if fn, ok := t.fn.(*starlark.Function); ok {
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
		if r.prog.plain[i] || r.prog.defs[i] != nil {
			continue // nothing in it changes
		}
		if v := r.global(i); v != nil && x.meets(r.structure(v)) {
			k.TouchUser(contentsOf(i), true)
		}
	}
	for _, g := range r.gifts {
		if !g.cells && x.meets(r.structure(g.to.fn, g.to.args...)) {
			k.TouchUser(r.givenTo(g.to), true)
		}
	}
}

// structure is what is reachable from values without going through names.
func (r *run) structure(v starlark.Value, more ...starlark.Value) *reach {
	r.inside = r.inside.again(r, true)
	x := r.inside
	x.value(v)
	for _, v := range more {
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
