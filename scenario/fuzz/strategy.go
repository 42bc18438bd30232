package fuzz

import (
	"math/rand/v2"

	"github.com/epollsim/epollsim/sim"
)

// random is one of the many strategies that are tried for an outcome of the host: every point alike, which gives
// fine races; strands that mostly go on, which gives coarse ones; and PCT, which starts and delays threads.
func random(i int) sim.Strategy {
	seed := uint64(i)
	switch i % 4 {
	case 0:
		return sim.NewRandom(seed)
	case 1:
		return sim.NewPCT(1+i/4%3, decisions, seed)
	case 2:
		return newSticky(0.97, seed)
	}
	return newSticky(0.8, seed)
}

// decisions is how many points a program has at which both threads can go on, about.
const decisions = 200

// sticky leaves a thread that can go on with a small probability.
type sticky struct {
	rng  *rand.Rand
	stay float64
}

func newSticky(stay float64, seed uint64) *sticky {
	return &sticky{rand.New(rand.NewPCG(seed, 0x5851f42d4c957f2d)), stay}
}

// Preemptive is true.
func (*sticky) Preemptive() bool { return true }

// Next draws.
func (s *sticky) Next(_ *sim.Machine, runnable []*sim.Task, current int) int {
	if current >= 0 && s.rng.Float64() < s.stay {
		return current
	}
	return s.rng.IntN(len(runnable))
}
