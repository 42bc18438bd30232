package sim

import "math/rand/v2"

// Strategy decides who runs when there is a choice. Same program, same strategy and seed: same run.
type Strategy interface {
	// Preemptive reports whether a task may lose the CPU at a point although it could go on. If not, Next
	// is not asked at all: the machine runs to block.
	Preemptive() bool
	// Next returns the index of the task that runs now. current is the index of the one that has been
	// running, or -1 if it cannot go on; the default choice is current, or else 0. It is asked only if there
	// are two or more, and must not keep or change runnable.
	Next(m *Machine, runnable []*Task, current int) int
}

// Observer is a strategy that is told of the end of every step, also of those that left it no choice, by the
// task that did it; the footprint is that of the step. It makes the machine collect footprints.
type Observer interface {
	Strategy
	Stepped(m *Machine)
	// Halted is told that the run ends with err, by the task that was running if there was one, while all
	// tasks are as they were.
	Halted(m *Machine, err error)
}

// RunToBlock keeps a task on the CPU until it blocks, then runs the one that has been runnable longest:
// the natural reading order, and the default.
type RunToBlock struct{}

// Preemptive is false.
func (RunToBlock) Preemptive() bool { return false }

// Next takes the default.
func (RunToBlock) Next(_ *Machine, _ []*Task, current int) int { return max(current, 0) }

// Random picks any runnable task at every point, all alike.
type Random struct{ rng *rand.Rand }

// NewRandom returns the random strategy of a seed.
func NewRandom(seed uint64) *Random {
	return &Random{rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15))}
}

// Preemptive is true.
func (*Random) Preemptive() bool { return true }

// Next draws.
func (r *Random) Next(_ *Machine, runnable []*Task, _ int) int { return r.rng.IntN(len(runnable)) }
