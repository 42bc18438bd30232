package explore

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/epollsim/epollsim/sim"
)

// exploration is an Explore under way.
type exploration struct {
	program   Program
	opts      Options
	start     time.Time
	pools     []*sim.Pool // one per core
	asked     func() bool // late, made a value once
	runs      atomic.Uint64
	over      atomic.Bool // a limit was reached, or an error
	timed     atomic.Bool // … by the clock or Stop
	phases    []*phase
	disturbed bool // some run was: nothing is calm

	mu    sync.Mutex
	err   error
	token string
}

// phase is what was explored with one bound, or without one. The branch is the whole of it.
type phase struct {
	*branch
	bound   int    // negative: none
	most    uint64 // runs it may have for now; 0: no limit
	runs    atomic.Uint64
	limited atomic.Uint64
	part    float64 // how much is known to be visited
	again   bool    // it must begin again: a run was disturbed
}

func (x *exploration) newPhase(bound int) *phase {
	return &phase{branch: x.trunk(bound), bound: bound}
}

// trunk is the branch that a phase begins with.
func (x *exploration) trunk(bound int) *branch {
	b := &branch{search: newSearch(bound), weigh: 1}
	b.search.calm = !x.disturbed
	return b
}

// beginAgain lets p begin as if it had not begun.
func (x *exploration) beginAgain(p *phase) {
	p.each(func(b *branch) { b.search.free() })
	x.disturbed = true
	p.branch, p.part, p.again = x.trunk(p.bound), 0, false
	if !x.timed.Load() && x.err == nil {
		x.over.Store(false)
	}
}

// phaseOf returns the phase of a bound, a new one unless it has begun.
func (x *exploration) phaseOf(bound int) *phase {
	for _, p := range x.phases {
		if p.bound == bound {
			return p
		}
	}
	x.phases = append(x.phases, x.newPhase(bound))
	return x.phases[len(x.phases)-1]
}

// explore goes on with one bound after the other. From firstTry on, an attempt without a bound goes along, for
// as many runs as were made so far: it may find that all there is can be covered.
func (x *exploration) explore() {
	most, bounded := x.opts.Bound.Limit()
	switch {
	case x.opts.Sampling != 0:
		x.sample()
		return
	case x.opts.Resume != nil && !x.resume():
		return
	case x.opts.Direct:
		if !bounded {
			most = -1
		}
		x.advance(x.phaseOf(most), 0)
	default:
		for n := 0; !x.over.Load() && (!bounded || n <= most); n++ {
			if x.bound(n) || n >= firstTry && x.attempt(n) {
				break
			}
		}
	}
	x.settleAll()
}

const firstTry = 2

// bound explores with bound n and reports whether that was all there is.
func (x *exploration) bound(n int) bool {
	p := x.phaseOf(n)
	x.advance(p, 0)
	return p.complete && !p.search.cut
}

// attempt goes on without a bound, after bound n, and reports whether nothing is left to cover: that came to an end, or runs
// reach a limit of their own with as few preemptions as n.
func (x *exploration) attempt(n int) bool {
	open := x.phaseOf(-1)
	x.advance(open, x.cap(n))
	if open.complete && open.Limited == 0 {
		return true
	}
	return (open.complete || open.givenUp()) && x.phaseOf(n).Limited > 0
}

// cap is how many runs the attempt without a bound may have had when bound n is complete.
func (x *exploration) cap(n int) uint64 {
	runs := uint64(0)
	for _, p := range x.phases {
		if p.bound >= 0 && p.bound <= n {
			runs += p.Runs
		}
	}
	return 1000 + 4*runs
}

// advance goes on with p for at most most runs in all its life, 0: to the end.
func (x *exploration) advance(p *phase, most uint64) {
	if p.complete || x.over.Load() {
		return
	}
	for p.most = most; ; x.beginAgain(p) {
		switch {
		case x.opts.Cores > 1 && !x.opts.StopAtFailure:
			x.together(p)
		default:
			x.single(p)
		}
		if !p.again {
			return
		}
	}
}

// single goes on with p on one core.
func (x *exploration) single(p *phase) {
	x.recount(p, p.Runs, p.Limited)
	x.alone(p, p.branch)
}

// alone goes on with b on one core.
func (x *exploration) alone(p *phase, b *branch) {
	for !b.complete {
		first := b.awaits()
		switch {
		case first != nil && !x.inline(p, b, first):
			return
		case b.search.choosing:
		case !x.permit(p, b):
			return
		default:
			if err := x.run(p, b, x.pools[0]); err == errAborted {
				x.revoke(p)
				return
			} else if err == errDisturbed {
				p.again = true
				return
			} else if err != nil {
				x.fail(err, b.search.token())
				return
			}
		}
		b.complete = b.step()
	}
}

// inline does what is missing of a branch that b awaits, and joins it. One that is worth nothing, or of which one core would
// not have come to the end, is done again. It reports false if a limit came in between.
func (x *exploration) inline(p *phase, b, first *branch) bool {
	runs := p.runs.Load() + first.Runs
	if first.spoiled || p.most > 0 && runs > p.most || p.limited.Load()+first.Limited >= hopeless ||
		x.opts.MaxSchedules > 0 && x.runs.Load()+first.Runs > x.opts.MaxSchedules {
		b.drop()
		return true
	}
	x.recount(p, runs, p.limited.Load()+first.Limited)
	x.alone(p, first)
	if first.complete {
		x.unlist(p, first)
		b.join()
	}
	return first.complete
}

// recount sets what the limits on p go by.
func (x *exploration) recount(p *phase, runs, limited uint64) {
	p.runs.Store(runs)
	p.limited.Store(limited)
	sum := uint64(0)
	for _, p := range x.phases {
		sum += p.runs.Load()
	}
	x.runs.Store(sum)
}

// settleAll brings phases that several cores have left unfinished to where one core would have come.
func (x *exploration) settleAll() {
	for _, p := range x.phases {
		if !p.complete && p.Runs > 0 && !x.timed.Load() && x.err == nil {
			for x.settle(p); p.again; x.single(p) {
				x.beginAgain(p)
			}
		}
	}
}

func (x *exploration) settle(p *phase) {
	over := x.over.Swap(false)
	x.single(p)
	if !x.timed.Load() && !p.again {
		p.prune()
	}
	if over {
		x.over.Store(true)
	}
}

// run runs the program once more. The error says what is wrong with it.
func (x *exploration) run(p *phase, b *branch, pool *sim.Pool) error {
	s := b.search
	s.late = x.asked
	s.begin()
	res := x.program(sim.Options{Strategy: s, Pool: pool})
	if s.aborted {
		return errAborted
	}
	if s.disturbed() {
		return errDisturbed
	}
	b.learned()
	b.Runs++
	switch {
	case s.stray != nil:
		return s.stray
	case s.redundant:
		b.Redundant++
	case res.Mistake != nil:
		return res.Mistake
	default:
		if b.count(s.m, &res) {
			p.limited.Add(1)
		}
	}
	return nil
}

// fail ends the exploration because the program is wrong.
func (x *exploration) fail(err error, token string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.err == nil {
		x.err, x.token = err, token
	}
	x.over.Store(true)
}
