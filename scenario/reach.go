package scenario

import (
	"slices"

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
	names  []bool // of the top level, by index
	starts []bool // … that are read, and what they lead to is not
	bodies []*body

	shallow bool // do not follow names
}

// again makes x, which may be nil, what reaches nothing.
func (x *reach) again(r *run, shallow bool) *reach {
	if x == nil {
		x = &reach{seen: map[any]bool{}}
	}
	n := len(r.prog.globals)
	if x.run, x.shallow, x.bodies = r, shallow, x.bodies[:0]; cap(x.names) < n {
		x.names, x.starts = make([]bool, n), make([]bool, n)
	}
	x.names, x.starts = x.names[:n], x.starts[:n]
	clear(x.names)
	clear(x.starts)
	clear(x.seen)
	return x
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
	if b == nil || slices.Contains(x.bodies, b) {
		return
	}
	x.bodies = append(x.bodies, b)
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
	switch p := x.run.prog; {
	case p.plain[i]:
	case p.defs[i] != nil:
		x.text(p.defs[i])
	default:
		if v := x.run.global(i); v != nil {
			x.value(v)
		}
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
func (r *run) global(i int) starlark.Value {
	if r.globals == nil && r.top != nil {
		r.globals = r.top.Globals()
	}
	return r.globals[r.prog.globals[i]]
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
