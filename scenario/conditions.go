package scenario

import (
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// condition is a final condition: all that was registered at one place of the text.
type condition struct {
	kind  string
	place syntax.Position // of the "("
	fns   []starlark.Callable
}

// condition registers the function given to exists, forall or never. Registered again at the same place, as in
// a loop, it is one condition of several functions.
func (c *call) condition() (starlark.Value, error) {
	fn := c.function()
	if c.err != nil {
		return nil, c.err
	}
	r, kind, place := c.run, c.builtin.name, c.place()
	for _, known := range r.conditions {
		if known.place == place && known.kind == kind {
			known.fns = append(known.fns, fn)
			return starlark.None, nil
		}
	}
	r.conditions = append(r.conditions, &condition{kind, place, []starlark.Callable{fn}})
	return starlark.None, nil
}

// judge evaluates the final conditions, in the order of their registration, until one is in error.
func (r *run) judge() {
	if len(r.conditions) == 0 {
		return
	}
	for _, cond := range r.conditions {
		t := r.newThread(cond.kind, &group{}, cond.place)
		value, err := cond.value(t)
		t.count()
		if err != nil {
			t.fail(err)
			return
		}
		r.result.Conditions = append(r.result.Conditions, Condition{
			Kind: cond.kind, Pos: r.prog.start(cond.place), Text: r.prog.argumentText(cond.place), Value: value,
		})
	}
}

// value of a condition of several functions: exists and never ask for one that is true, forall for all.
func (cond *condition) value(t *thread) (bool, error) {
	for _, fn := range cond.fns {
		v, err := starlark.Call(t.star, fn, nil, nil)
		if err != nil {
			return false, err
		}
		if holds := bool(v.Truth()); holds != (cond.kind == "forall") {
			return holds, nil
		}
	}
	return cond.kind == "forall", nil
}
