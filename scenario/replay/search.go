package replay

import (
	"errors"
	"math/rand/v2"
	"slices"

	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/sim"
)

// The search for an order. An execution follows the rules of order.go; where it diverges, calls that were under way at the
// same time are tried the other way round: one that was made late is made at once, one that was made early is made late.
// A change that lets the execution come further is kept. Executions begin anew each time, for the model cannot be copied.

// Bounds of the search.
const (
	near       = 64      // calls before the divergence that are turned round
	wider      = 8       // times as many that they are chosen from
	nearest    = 12      // ways that are tried before calls are made in the middle of waits
	seconds    = 24      // ways that diverge elsewhere, from where it goes on
	nearSecond = 20      // calls that are turned round there
	nearDrawn  = 24      // at most, that are turned round at random together
	drawn      = 400     // such attempts
	inner      = 12      // calls that are stopped inside, where all this fails
	innerPoint = 80      // and up to which point
	DefaultTry = 10_000  // executions
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
	ordered := true
	if log.untimed {
		f.tries, ordered = log.putInOrder(opts, limit)
	}
	f.x = attempt(log, opts, f.plan)
	f.tries++
	if !ordered && f.x.diverged != nil {
		noOrder(f.x.diverged)
		f.gaveUp = true
		return f
	}
	events := f.x.at
	try := func(p *plan) (x *exec, further bool) {
		if f.tries >= limit || events > maxEvents {
			f.gaveUp = true
			return nil, false
		}
		x = attempt(log, opts, p)
		f.tries++
		events += x.at
		if x.diverged == nil || x.at > f.x.at || x.at == f.x.at && x.failedAt(f.x.failed) && x.misfit < f.x.misfit {
			f.x, f.plan = x, p
			return x, true
		}
		return x, false
	}
	for f.x.diverged != nil {
		if !f.otherOrigins(try) && (f.gaveUp || f.x.stuck() || !f.improve(try)) {
			break
		}
	}
	if f.gaveUp && f.x.diverged == nil {
		f.gaveUp = false
	}
	if f.x.diverged == nil && log.overlaps > 0 {
		eager := execute(log, opts, &plan{eager: true, origins: f.plan.origins, births: f.plan.births}, nil, nil)
		f.tries++
		f.several = eager.diverged == nil && !f.x.trail.sameOrder(&eager.trail)
	}
	return f
}

// attempt executes the log, and again where it asks for something that the model does not have: that is taken from the log.
func attempt(log *Log, opts *Options, p *plan) *exec {
	x := execute(log, opts, p, nil, nil)
	var missing *devices.NotModelledError
	for errors.As(x.err, &missing) && x.running != nil && !log.outside[x.running.index] {
		log.outside[x.running.index], x.running.outside = true, true
		x = execute(log, opts, p, nil, nil)
	}
	return x
}

// improve looks for a plan that comes further than the best one so far: with one call turned round, with one more where that
// diverges in another place, then with several at random.
func (f *found) improve(try func(*plan) (*exec, bool)) bool {
	type failed struct {
		x     *exec
		p     *plan
		calls []*op
	}
	var elsewhere []failed
	calls, best := f.x.nearby(near), f.x.failed
	single := f.x.turned(f.plan, calls)
	amid := f.x.disorder(f.plan, calls)
	single = slices.Insert(single, min(len(single), nearest), amid...)
	for _, p := range single {
		x, further := try(p)
		if x == nil || further {
			return further
		}
		if !x.failedAt(best) && !x.stuck() && len(elsewhere) < seconds {
			elsewhere = append(elsewhere, failed{x, p, x.nearby(nearSecond)})
		}
	}
	for _, p := range f.x.swapped(f.plan, calls[:min(len(calls), nearDrawn)]) {
		if x, further := try(p); x == nil || further {
			return further
		}
	}
	for _, e := range elsewhere {
		for _, p := range e.x.turned(e.p, e.calls) {
			if x, further := try(p); x == nil || further {
				return further
			}
		}
	}
	if further, gaveUp := f.reverse(try); further || gaveUp {
		return further
	}
	rng := rand.New(rand.NewPCG(uint64(f.x.at), uint64(len(calls))))
	for i := 0; i < drawn && len(calls) > 2; i++ {
		p := f.plan
		for _, o := range calls[:min(len(calls), 3+i%nearDrawn)] {
			if n := rng.IntN(3); n < 2 {
				p = p.with(o, n == 0)
			}
		}
		if x, further := try(p); x == nil || further {
			return further
		}
	}
	return f.inside(try, calls)
}

// inside looks for a plan with one of the calls stopped inside, so that others go on in the middle of it.
func (f *found) inside(try func(*plan) (*exec, bool), calls []*op) bool {
	for _, o := range calls[:min(len(calls), inner)] {
		for point := 1; point <= innerPoint; point++ {
			x, further := try(f.plan.stopped(o, point))
			if x == nil || further {
				return further
			}
			if x.stops == f.x.stops { // it was over before
				break
			}
		}
	}
	return false
}

// turned are the plans with one of the calls made late, or at once, as it was not yet.
func (x *exec) turned(p *plan, calls []*op) []*plan {
	var list []*plan
	for _, o := range calls {
		made, ok := x.trail.steps[o.index]
		if late := ok && made.at >= x.log.first && x.log.at(made.at).op == o && x.log.at(made.at).kind == eventExit; !late || o.row.waits {
			list = append(list, p.with(o, true))
		}
		if !ok || made.at != o.moment {
			list = append(list, p.with(o, false))
		}
	}
	return list
}

// failedAt reports whether o is the call that failed.
func (x *exec) failedAt(o *op) bool { return x.failed != nil && o != nil && x.failed.index == o.index }

// stuck reports whether no other order can help: the run broke, or nothing else was under way.
func (x *exec) stuck() bool {
	var limit *sim.LimitError
	return x.failed == nil || errors.As(x.err, &limit) || !x.matters(x.failed)
}

// swapped are the plans in which one of two calls that overlap comes before the other, and not behind it.
func (x *exec) swapped(p *plan, calls []*op) []*plan {
	var list []*plan
	for _, late := range calls {
		for _, early := range calls {
			if x.turn(late) > x.turn(early) && x.turn(early) > 0 && late.begin.Seq < early.end.Seq && late.task != early.task {
				list = append(list, p.inFront(late.place(), early.index))
			}
		}
	}
	return list
}

// nearby are the calls shortly before the divergence that may have to do with it, those first that certainly have.
func (x *exec) nearby(most int) []*op {
	var list []*op
	for i := x.at; i >= x.log.first && len(list) < wider*most; i-- {
		e := x.log.at(i)
		if e.kind != eventEnter && e.kind != eventCall {
			continue
		}
		if o := e.op; o.row != nil && o.free && o != x.failed && o.begin.Seq <= x.failed.end.Seq && x.related(o, x.failed) {
			list = append(list, o)
		}
	}
	list = x.nearestFirst(list)
	if x.failed.free && !x.failed.never {
		list = append([]*op{x.failed}, list...)
	}
	return list[:min(len(list), most)]
}
