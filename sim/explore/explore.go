package explore

import (
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
	x := &exploration{program: program, opts: opts, start: time.Now(), pools: make([]sim.Pool, max(opts.Cores, 1))}
	defer func() {
		for i := range x.pools {
			x.pools[i].Close()
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
	pools   []sim.Pool // one per core
	runs    atomic.Uint64
	over    atomic.Bool // a limit was reached, or an error
	timed   atomic.Bool // … by the clock or Stop
	phases  []*phase

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
}

func newPhase(bound int) *phase {
	return &phase{branch: &branch{search: newSearch(bound), weigh: 1}, bound: bound}
}

// phaseOf returns the phase of a bound, a new one unless it has begun.
func (x *exploration) phaseOf(bound int) *phase {
	for _, p := range x.phases {
		if p.bound == bound {
			return p
		}
	}
	x.phases = append(x.phases, newPhase(bound))
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
			if x.bound(n) || n >= firstTry && x.attempt(x.cap(n)) {
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

// advance goes on with p for at most most runs in all its life, 0: to the end.
func (x *exploration) advance(p *phase, most uint64) {
	if p.complete || x.over.Load() {
		return
	}
	p.most = most
	switch {
	case x.opts.Cores > 1 && !x.opts.StopAtFailure:
		x.together(p)
	default:
		x.recount(p, p.Runs, p.Limited)
		x.alone(p, p.branch)
	}
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
			if err := x.run(p, b, &x.pools[0]); err != nil {
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
			x.settle(p)
		}
	}
}

func (x *exploration) settle(p *phase) {
	over := x.over.Swap(false)
	x.recount(p, p.Runs, p.Limited)
	x.alone(p, p.branch)
	if !x.timed.Load() {
		p.prune()
	}
	if over {
		x.over.Store(true)
	}
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

// permit counts one more run of b, unless a limit forbids it.
func (x *exploration) permit(p *phase, b *branch) bool {
	if n := p.runs.Add(1); p.most > 0 && n > p.most || x.limit(p, b) {
		p.runs.Add(^uint64(0))
		return false
	}
	if n := x.runs.Add(1); x.opts.MaxSchedules > 0 && n > x.opts.MaxSchedules {
		p.runs.Add(^uint64(0))
		x.runs.Add(^uint64(0))
		x.over.Store(true)
		return false
	}
	return true
}

// limit reports whether the exploration is over, besides by the number of runs. Now and then it looks at the clock and
// tells how far it is.
func (x *exploration) limit(p *phase, b *branch) bool {
	over := p.limited.Load() >= hopeless || x.opts.StopAtFailure && b.Failed > 0
	if b.Runs%often == 0 && !over {
		elapsed := time.Since(x.start)
		if x.opts.MaxDuration > 0 && elapsed > x.opts.MaxDuration || x.opts.Stop != nil && x.opts.Stop() {
			x.timed.Store(true)
		}
		over = x.timed.Load()
		x.progress(p, b, elapsed)
	}
	if over {
		x.over.Store(true)
	}
	return over || x.over.Load()
}

func (x *exploration) progress(p *phase, b *branch, elapsed time.Duration) {
	if x.opts.Progress == nil {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	known := b.weigh * b.search.done()
	p.part, b.known = p.part+known-b.known, known
	x.opts.Progress(Progress{Runs: x.runs.Load(), Elapsed: elapsed, Bound: Bound(p.bound + 1), Done: min(p.part, 1)})
}

// unlist takes b, which is about to be joined or dropped, out of what is known of p.
func (x *exploration) unlist(p *phase, b *branch) {
	x.mu.Lock()
	defer x.mu.Unlock()
	p.part -= b.known
}

// run runs the program once more. The error says what is wrong with it.
func (x *exploration) run(p *phase, b *branch, pool *sim.Pool) error {
	s := b.search
	s.begin()
	res := x.program(sim.Options{Strategy: s, Pool: pool})
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
