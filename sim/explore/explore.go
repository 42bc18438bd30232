package explore

import (
	"slices"
	"sync"
	"sync/atomic"
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
	Text  string
	Holds bool
	Fails bool // … and whether that fails the run
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
	// Cores is how many goroutines run schedules; the report does not depend on it. 0: one. The program must be fit
	// for it.
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
	x := &exploration{program: program, opts: opts, start: time.Now()}
	defer func() {
		for _, p := range x.phases {
			p.pool.Close()
		}
	}()
	x.explore()
	if opts.Checkpoint != nil && x.over.Load() && x.err == nil && opts.Sampling == 0 {
		opts.Checkpoint(x.save())
	}
	return x.report()
}

// exploration is an Explore under way.
type exploration struct {
	program Program
	opts    Options
	start   time.Time
	runs    atomic.Uint64
	over    atomic.Bool // a limit was reached, or an error
	phases  []*phase

	mu    sync.Mutex
	err   error
	token string
}

// phase is what was explored with one bound, or without one.
type phase struct {
	bound    int // negative: none
	search   *search
	pool     sim.Pool
	complete bool
	enough   atomic.Bool // another phase has found more
	tallies
}

// phaseOf returns the phase of a bound, a new one unless it has begun.
func (x *exploration) phaseOf(bound int) *phase {
	for _, p := range x.phases {
		if p.bound == bound {
			return p
		}
	}
	p := &phase{bound: bound, search: newSearch(bound)}
	x.phases = append(x.phases, p)
	return p
}

// explore goes on with one bound after the other. From firstTry on, an attempt without a bound goes along, for
// as many runs as were made so far: it may find that all there is can be covered.
func (x *exploration) explore() {
	most, bounded := x.opts.Bound.Limit()
	switch {
	case x.opts.Sampling != 0:
		x.sample()
	case x.opts.Resume != nil && !x.resume():
	case x.opts.Direct:
		if !bounded {
			most = -1
		}
		x.advance(x.phaseOf(most), 0)
	case x.opts.Cores > 1 && x.opts.MaxSchedules == 0 && (!bounded || most > firstTry):
		x.together(most, bounded)
	default:
		for n := 0; !x.over.Load() && (!bounded || n <= most); n++ {
			if x.bound(n) || n >= firstTry && x.attempt(x.cap(n)) {
				return
			}
		}
	}
}

const firstTry = 2

// bound explores with bound n and reports whether that was all there is.
func (x *exploration) bound(n int) bool {
	p := x.phaseOf(n)
	x.advance(p, 0)
	return p.complete && !p.search.cut
}

// attempt goes on without a bound and reports whether that came to an end.
func (x *exploration) attempt(most uint64) bool {
	open := x.phaseOf(-1)
	x.advance(open, most)
	return open.complete
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

// together does the same on two cores: while the attempt without a bound goes on, the next bound is explored. What
// one core would not have come to is dropped.
func (x *exploration) together(most int, bounded bool) {
	for n := 0; !x.over.Load() && (!bounded || n <= most); n++ {
		if x.bound(n) {
			return
		}
		if n < firstTry || x.over.Load() {
			continue
		}
		open, most := x.phaseOf(-1), x.cap(n)
		next := x.phaseOf(n + 1)
		done := make(chan struct{})
		go func() {
			defer close(done)
			if x.advance(open, most); open.complete {
				next.enough.Store(true)
			}
		}()
		x.advance(next, 0)
		<-done
		if open.complete {
			x.phases = slices.DeleteFunc(x.phases, func(p *phase) bool { return p == next })
			x.runs.Store(0)
			for _, p := range x.phases {
				x.runs.Add(p.Runs)
			}
			return
		}
	}
}

// advance goes on with p for at most most runs in all its life, 0: to the end.
func (x *exploration) advance(p *phase, most uint64) {
	for !p.complete && (most == 0 || p.Runs < most) && !x.limit(p) {
		x.run(p)
		if x.over.Load() && x.failed() {
			return
		}
		p.complete = !p.search.advance()
	}
}

func (x *exploration) failed() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.err != nil
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

// hopeless is after how many runs that reached a limit of their own an exploration gives up: it proves nothing any more.
const hopeless = 100

// often is after how many runs the clock is looked at.
const often = 64

func (x *exploration) limit(p *phase) bool {
	runs := x.runs.Load()
	over := x.opts.MaxSchedules > 0 && runs >= x.opts.MaxSchedules || x.opts.StopAtFailure && p.Failed > 0 || p.Limited >= hopeless
	if p.Runs%often == 0 && !over {
		elapsed := time.Since(x.start)
		over = x.opts.MaxDuration > 0 && elapsed > x.opts.MaxDuration || x.opts.Stop != nil && x.opts.Stop()
		x.progress(p, elapsed)
	}
	if over {
		x.over.Store(true)
	}
	return over || x.over.Load() || p.enough.Load()
}

func (x *exploration) progress(p *phase, elapsed time.Duration) {
	if x.opts.Progress != nil {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.opts.Progress(Progress{Runs: x.runs.Load(), Elapsed: elapsed, Bound: Bound(p.bound + 1), Done: p.search.done()})
	}
}

// run runs the program once more.
func (x *exploration) run(p *phase) {
	s := p.search
	s.begin()
	res := x.program(sim.Options{Strategy: s, Pool: &p.pool})
	x.runs.Add(1)
	p.Runs++
	switch {
	case s.stray != nil:
		x.fail(s.stray, s.token())
	case s.redundant:
		p.Redundant++
	case res.Mistake != nil:
		x.fail(res.Mistake, s.token())
	default:
		p.count(s.m, &res)
	}
}
