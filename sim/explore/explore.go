package explore

import (
	"time"

	"github.com/epollsim/epollsim/sim"
)

// Program runs once from the beginning, on a machine made with opts, and reports what the run has shown.
type Program func(opts sim.Options) Result

// Result is what one run has shown.
type Result struct {
	// Err is how the machine's run ended, if not well. A *sim.LimitError is inconclusive; anything else failed.
	Err error
	// Failure says in one line what was wrong, for the report to count equal ones together. Empty, with Err
	// nil: nothing was. Empty, with Err: its first line.
	Failure string
	// State is the final state, as far as the program wants it tabulated: one line, or empty.
	State string
	// Conditions are the final conditions, in the same order in every run.
	Conditions []Condition
	// Mistake ends the exploration: the program itself is wrong.
	Mistake error
}

// Condition is a final condition of the program, and whether it held in this run.
type Condition struct {
	Text   string
	Holds  bool
	Fails  bool // … and whether that fails the run
	Sought bool // some run is to show that it can hold; none has to
}

// Bound is how many preemptions a schedule may have: switches away from a task that could go on. The zero
// value is no bound.
type Bound int

// UpTo returns the bound of n preemptions.
func UpTo(n int) Bound { return Bound(n + 1) }

// Limit returns the number of preemptions, false if there is no bound.
func (b Bound) Limit() (n int, ok bool) { return int(b) - 1, b > 0 }

// Options of an exploration. The zero value goes on until everything is covered.
type Options struct {
	// Bound is the highest bound. All lower ones are explored before it, so that what is found is found with
	// the fewest preemptions; without a bound until one is reached that keeps nothing out.
	Bound Bound
	// Direct explores with Bound only, not with the lower ones first.
	Direct bool
	// MaxSchedules and MaxDuration end the exploration; 0: no limit.
	MaxSchedules uint64
	MaxDuration  time.Duration
	// StopAtFailure ends it with the first run that fails.
	StopAtFailure bool
	// Sampling takes schedules at random instead, MaxSchedules of them.
	Sampling Sampling
	Seed     uint64
	// Cores is how many goroutines run schedules; the report does not depend on it, unless MaxDuration or Stop ends the
	// exploration. 0: one. The program must be fit for it. Samplings and StopAtFailure use one.
	Cores int
	// Progress is called now and then.
	Progress func(Progress)
	// Checkpoint is called with what Resume takes when a limit ends the exploration, or Stop.
	Checkpoint func([]byte)
	// Stop is asked now and then whether to end.
	Stop func() bool
	// Resume goes on where a checkpoint was made; Name tells whether it is one of this program.
	Resume []byte
	Name   string
}

// Progress is how far an exploration has come.
type Progress struct {
	Runs    uint64
	Elapsed time.Duration
	Bound   Bound   // under way
	Done    float64 // of it, a guess between 0 and 1
}

// Explore runs program until every distinguishable interleaving up to the bound was visited, or a limit ends it.
func Explore(program Program, opts Options) *Report {
	x := &exploration{program: program, opts: opts, start: time.Now(), pools: newPools(max(opts.Cores, 1))}
	x.asked = x.late
	defer freePools(x.pools)
	x.explore()
	if opts.Checkpoint != nil && x.over.Load() && x.err == nil && opts.Sampling == 0 {
		opts.Checkpoint(x.save())
	}
	r := x.report()
	x.shorten(r)
	for _, p := range x.phases {
		p.search.free()
	}
	return r
}
