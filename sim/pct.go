package sim

import (
	"math/rand/v2"
	"slices"
)

// PCT is probabilistic concurrency testing (Burckhardt, Kothari, Musuvathi, Nagarakatte: A Randomized
// Scheduler with Probabilistic Guarantees of Finding Bugs, ASPLOS 2010, section 2): tasks have random
// priorities, the highest runs, and at depth-1 random decisions the task that would run falls below all
// that have not fallen. A bug that needs depth ordering constraints is found with probability at least
// 1/(n·k^(depth-1)) for n tasks and k decisions. It promises nothing for runs with more decisions than it
// was told of.
type PCT struct {
	rng      *rand.Rand
	priority map[ID]int
	changes  []change
	decision int
}

// change is a decision at which a task is demoted, and the priority it falls to. Which of two changes
// falls deeper is as random as which comes first.
type change struct{ at, priority int }

// NewPCT returns the strategy for bugs of the given depth (≥ 1) in runs of about decisions choices.
func NewPCT(depth int, decisions int, seed uint64) *PCT {
	p := &PCT{rng: rand.New(rand.NewPCG(seed, 0xda942042e4dd58b5)), priority: map[ID]int{}}
	for i := range max(depth-1, 0) {
		p.changes = append(p.changes, change{p.rng.IntN(max(decisions, 1)), -1 - i})
	}
	slices.SortStableFunc(p.changes, func(a, b change) int { return a.at - b.at })
	return p
}

// Preemptive is true.
func (*PCT) Preemptive() bool { return true }

// Next runs the task of the highest priority.
func (p *PCT) Next(_ *Machine, runnable []*Task, _ int) int {
	for _, t := range runnable {
		if _, ok := p.priority[t.id]; !ok {
			p.priority[t.id] = 1 + p.rng.IntN(1<<30)
		}
	}
	for len(p.changes) > 0 && p.changes[0].at <= p.decision {
		p.priority[runnable[p.highest(runnable)].id] = p.changes[0].priority
		p.changes = p.changes[1:]
	}
	p.decision++
	return p.highest(runnable)
}

func (p *PCT) highest(runnable []*Task) int {
	best := 0
	for i, t := range runnable {
		if p.priority[t.id] > p.priority[runnable[best].id] {
			best = i
		}
	}
	return best
}
