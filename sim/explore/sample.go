package explore

import (
	"math/rand/v2"

	"github.com/epollsim/epollsim/sim"
)

// Sampling is a way to draw schedules at random, for programs too large to cover.
type Sampling uint8

// The ways to draw.
const (
	NoSampling Sampling = iota
	Random              // at every point anybody
	PCT                 // priorities that change at a few random points: sim.PCT
	POS                 // every step has a priority, drawn again when a conflicting one was taken
)

// Samplings are the names of the ways to draw.
var Samplings = map[string]Sampling{"random": Random, "pct": PCT, "pos": POS}

// defaultSamples is how many schedules are drawn if nothing limits them.
const defaultSamples = 10_000

// pctDepth is how many ordering constraints PCT aims at.
const pctDepth = 3

// sample draws schedules, each from a seed of its own.
func (x *exploration) sample() {
	p := x.newPhase(-1)
	x.phases = append(x.phases, p)
	if x.opts.MaxSchedules == 0 && x.opts.MaxDuration == 0 {
		x.opts.MaxSchedules = defaultSamples
	}
	decisions := 100
	for n := uint64(0); x.permit(p, p.branch); n++ {
		w := &watcher{}
		seed := x.opts.Seed + n
		switch x.opts.Sampling {
		case PCT:
			w.Strategy = sim.NewPCT(pctDepth, decisions, seed)
		case POS:
			w.Strategy = newPOS(seed)
		default:
			w.Strategy = sim.NewRandom(seed)
		}
		res := x.program(sim.Options{Strategy: w, Pool: x.pools[0]})
		p.Runs++
		if res.Mistake != nil {
			x.fail(res.Mistake, tokenOf(w.m))
			return
		}
		if w.m != nil {
			decisions = max(decisions, int(w.m.Decisions()))
		}
		if p.count(w.m, &res) {
			p.limited.Add(1)
		}
	}
}

// watcher is a strategy that remembers the machine.
type watcher struct {
	sim.Strategy
	m *sim.Machine
}

func (w *watcher) Next(m *sim.Machine, runnable []*sim.Task, current int) int {
	w.m = m
	return w.Strategy.Next(m, runnable, current)
}

// pos is partial order sampling (Yuan, Yang, Gu: Partial Order Aware Concurrency Sampling, CAV 2018): the step with
// the highest priority runs, and those that conflict with it draw again, so that orders of independent steps do not
// use up the draws.
type pos struct {
	rng      *rand.Rand
	priority map[int]uint64
}

func newPOS(seed uint64) *pos {
	return &pos{rand.New(rand.NewPCG(seed, 0x853c49e6748fea9b)), map[int]uint64{}}
}

// Preemptive is true.
func (*pos) Preemptive() bool { return true }

// Next runs the step of the highest priority.
func (p *pos) Next(_ *sim.Machine, runnable []*sim.Task, _ int) int {
	best := 0
	for i, t := range runnable {
		if _, ok := p.priority[t.Order]; !ok {
			p.priority[t.Order] = p.rng.Uint64()
		}
		if p.priority[t.Order] > p.priority[runnable[best].Order] {
			best = i
		}
	}
	next := runnable[best].Next()
	for i, t := range runnable {
		if i == best || t.Next().Conflicts(next) {
			delete(p.priority, t.Order)
		}
	}
	return best
}
