package scenario

import (
	"fmt"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/epollsim/epollsim/abi"
)

// errno is the Starlark value of an error number: false, and equal to the errnos of its own number only. What
// a failed call returns remembers where that was until the program looks at it.
type errno struct {
	number abi.Errno
	origin *origin // nil: a constant, or looked at
}

// origin is a place at which calls of one builtin failed with one number.
type origin struct {
	pos    syntax.Position // of the call's "("
	call   string
	number abi.Errno
	count  int // errnos that the program has not looked at
}

var (
	_ starlark.Comparable = (*errno)(nil)
	_ starlark.Value      = (*errno)(nil)
)

func (e *errno) String() string { return e.number.Name() }

// Type is "errno".
func (e *errno) Type() string { return "errno" }

// Freeze does nothing: an errno cannot be changed by the program.
func (e *errno) Freeze() {}

// Truth is false, and a look at e.
func (e *errno) Truth() starlark.Bool {
	e.look()
	return false
}

// Hash is the same for all, so that searching a set or the keys of a dict compares e with every errno there:
// that is what counts as a look at it.
func (e *errno) Hash() (uint32, error) { return 0xe44e0, nil }

// CompareSameType is a look at both.
func (e *errno) CompareSameType(op syntax.Token, other starlark.Value, _ int) (bool, error) {
	o := other.(*errno)
	e.look()
	o.look()
	switch op {
	case syntax.EQL:
		return e.number == o.number, nil
	case syntax.NEQ:
		return e.number != o.number, nil
	}
	return false, fmt.Errorf("errnos have no order: %s %s %s", e, op, o)
}

func (e *errno) look() {
	if e.origin != nil {
		e.origin.count--
		e.origin = nil
	}
}

// ledger counts the errnos that nobody has looked at yet, by origin: its size is bounded by the program's
// text, however many calls fail.
type ledger struct {
	origins []*origin // in order of the first failure
	index   map[origin]*origin
	prog    *Program
}

// add returns a new errno that is in the ledger until it is looked at.
func (l *ledger) add(t *thread, call string, number abi.Errno) *errno {
	key := origin{pos: t.place(), call: call, number: number}
	o := l.index[key]
	if o == nil {
		if l.index == nil {
			l.index, l.prog = map[origin]*origin{}, t.run.prog
		}
		o = &origin{pos: key.pos, call: call, number: number}
		l.index[key] = o
		l.origins = append(l.origins, o)
	}
	o.count++
	return &errno{number, o}
}

func (l *ledger) report() []Unlooked {
	var list []Unlooked
	for _, o := range l.origins {
		if o.count > 0 {
			list = append(list, Unlooked{Pos: l.prog.start(o.pos), Call: o.call, Errno: o.number.Name(), Count: o.count})
		}
	}
	return list
}
