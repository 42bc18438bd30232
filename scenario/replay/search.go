package replay

import (
	"errors"

	"github.com/epollsim/epollsim/sim"
)

// The search for an order. An execution follows the rules of order.go; where it diverges, calls that were under way at the
// same time are tried the other way round: one that was made late is made at once, one that was made early is made late.
// A change that lets the execution come further is kept. Executions begin anew each time, for the model cannot be copied.

// Bounds of the search.
const (
	near       = 64      // calls before the divergence that are turned round
	nearPairs  = 12      // of them, those that are turned round two at a time
	DefaultTry = 2_000   // executions
	maxEvents  = 1 << 27 // moments of the log in all executions
)

// found is what the search came to.
type found struct {
	x       *exec
	plan    *plan
	tries   int
	gaveUp  bool // a bound was reached
	several bool // more than one order explains the log
}

func search(log *Log, opts *Options) found {
	limit := opts.Tries
	if limit <= 0 {
		limit = DefaultTry
	}
	f := found{plan: &plan{}}
	f.x = execute(log, opts, f.plan, nil, nil)
	f.tries = 1
	events := f.x.at
	for f.x.diverged != nil && !f.x.stuck() {
		better := false
		for _, p := range f.x.alternatives(f.plan) {
			if f.tries >= limit || events > maxEvents {
				f.gaveUp = true
				return f
			}
			x := execute(log, opts, p, nil, nil)
			f.tries++
			events += x.at
			if x.diverged == nil || x.at > f.x.at {
				f.x, f.plan, better = x, p, true
				break
			}
		}
		if !better {
			return f
		}
	}
	if f.x.diverged == nil && log.overlaps > 0 {
		eager := execute(log, opts, &plan{eager: true}, nil, nil)
		f.tries++
		f.several = eager.diverged == nil && !sameOrder(f.x.orders, eager.orders)
	}
	return f
}

// stuck reports whether no other order can help: the run broke, or nothing else was under way.
func (x *exec) stuck() bool {
	var limit *sim.LimitError
	return x.failed == nil || errors.As(x.err, &limit) || !x.matters(x.failed)
}

// alternatives are the plans that change what was done shortly before the divergence.
func (x *exec) alternatives(p *plan) []*plan {
	var near0 []*op
	for i := x.at; i >= 0 && len(near0) < near; i-- {
		e := &x.log.events[i]
		if e.kind != eventEnter && e.kind != eventCall {
			continue
		}
		if o := e.op; o.free && o != x.failed && o.begin.Seq <= x.failed.end.Seq && x.related(o, x.failed) {
			near0 = append(near0, o)
		}
	}
	if x.failed.free && !x.failed.never {
		near0 = append([]*op{x.failed}, near0...)
	}
	var list []*plan
	for _, o := range near0 {
		list = append(list, p.with(o, true), p.with(o, false))
	}
	if len(near0) > nearPairs {
		near0 = near0[:nearPairs]
	}
	for i, a := range near0 {
		for _, b := range near0[i+1:] {
			for way := range 4 {
				list = append(list, p.with(a, way&1 != 0).with(b, way&2 != 0))
			}
		}
	}
	return list
}

// plan is what one execution does in another way than by default.
type plan struct {
	eager  bool         // all that change something at once
	atEnd  map[*op]bool // not before its end comes
	atOnce map[*op]bool // as soon as it begins
}

// with is the plan with one more call made late, or at once.
func (p *plan) with(o *op, late bool) *plan {
	n := &plan{eager: p.eager, atEnd: map[*op]bool{}, atOnce: map[*op]bool{}}
	for other := range p.atEnd {
		n.atEnd[other] = true
	}
	for other := range p.atOnce {
		n.atOnce[other] = true
	}
	delete(n.atEnd, o)
	delete(n.atOnce, o)
	if late {
		n.atEnd[o] = true
	} else {
		n.atOnce[o] = true
	}
	return n
}

func (p *plan) late(o *op) bool { return p.atEnd[o] }

func (p *plan) early(o *op) bool {
	return p.atOnce[o] || p.eager && !o.row.looks && !o.row.waits && !o.row.ends && !p.atEnd[o]
}

// sameOrder reports whether two executions made the calls on each file in the same order.
func sameOrder(a, b map[sim.ID]uint64) bool {
	for id, order := range a {
		if b[id] != order {
			return false
		}
	}
	return len(a) == len(b)
}
