package explore

import (
	"errors"
	"fmt"
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
	// nil: nothing was. Empty, with Err: its kind.
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
}

// Report is what an exploration has found.
type Report struct {
	Runs       uint64 // schedules visited
	Redundant  uint64 // of those, begun and found to be covered elsewhere
	Limited    uint64 // of those, that reached a limit of their own
	Failed     uint64
	Exhaustive bool // all interleavings are covered
	Covered    Bound
	Nothing    bool // … not even bound 0: Covered says nothing
	Failures   []*Outcome
	States     []*Outcome
	Conditions []*Tally
	// Err says that the program is not deterministic, or the mistake it reported; the report is worth nothing
	// then. Token is the schedule that showed it.
	Err   error
	Token string
}

// Outcome is something that runs showed: a state, or a failure.
type Outcome struct {
	Text    string
	Count   uint64
	Witness Witness
}

// Witness is a run that showed something: the one with the fewest preemptions, then the fewest steps.
type Witness struct {
	Token       string // replays it
	Preemptions int
	Steps       uint64
	Err         error // how that run ended
}

// Tally is how often a condition held.
type Tally struct {
	Text     string
	Positive Outcome
	Negative Outcome
}

// Observation is the word of herd for how often a condition held: Always, Sometimes or Never.
func (t *Tally) Observation() string {
	switch {
	case t.Positive.Count == 0:
		return "Never"
	case t.Negative.Count == 0:
		return "Always"
	}
	return "Sometimes"
}

// Verdict says what is covered.
func (r *Report) Verdict() string {
	n, _ := r.Covered.Limit()
	switch {
	case r.Exhaustive:
		return "exhaustive"
	case r.Nothing:
		return "incomplete"
	}
	return fmt.Sprintf("≤ %d preemptions", n)
}

// Complete reports whether everything up to n preemptions is covered.
func (r *Report) Complete(n int) bool {
	covered, _ := r.Covered.Limit()
	return r.Err == nil && r.Limited == 0 && (r.Exhaustive || !r.Nothing && covered >= n)
}

// Explore runs program until every distinguishable interleaving up to the bound was visited, or a limit ends it.
func Explore(program Program, opts Options) *Report {
	x := &exploration{program: program, opts: opts, report: &Report{Nothing: true}, start: time.Now()}
	defer x.pool.Close()
	x.phases()
	return x.report
}

// exploration is an Explore under way.
type exploration struct {
	program Program
	opts    Options
	report  *Report
	pool    sim.Pool
	start   time.Time
	over    bool
}

// firstTry is up to which bound everything is explored before the first attempt without a bound.
const firstTry = 2

// phases explores with one bound after the other. Behind the second an attempt without a bound may find that
// all there is can be covered; it is given up when it becomes much longer than what went before.
func (x *exploration) phases() {
	most, bounded := x.opts.Bound.Limit()
	if x.opts.Direct {
		if !bounded {
			most = -1
		}
		x.phase(most, 0)
		return
	}
	for n := 0; !x.over && (!bounded || n <= most); n++ {
		if x.phase(n, 0) && x.report.Exhaustive {
			return
		}
		if n == firstTry && !x.over && x.phase(-1, 1000+4*x.report.Runs) {
			return
		}
	}
}

// phase explores with one bound, negative: none, and reports whether it came to the end within most runs.
func (x *exploration) phase(bound int, most uint64) bool {
	s := newSearch(bound)
	for n := uint64(0); most == 0 || n < most; n++ {
		if x.limit() {
			return false
		}
		x.run(s)
		if x.report.Err != nil {
			x.over = true
			return false
		}
		if !s.advance() {
			if r := x.report; bound < 0 || !s.cut {
				r.Exhaustive, r.Nothing = true, false
			} else {
				r.Covered, r.Nothing = UpTo(bound), false
			}
			return true
		}
	}
	return false
}

func (x *exploration) limit() bool {
	r := x.report
	x.over = x.over || x.opts.MaxSchedules > 0 && r.Runs >= x.opts.MaxSchedules ||
		x.opts.MaxDuration > 0 && r.Runs%16 == 0 && time.Since(x.start) > x.opts.MaxDuration ||
		x.opts.StopAtFailure && r.Failed > 0
	return x.over
}

// run runs the program once more.
func (x *exploration) run(s *search) {
	s.begin()
	res := x.program(sim.Options{Strategy: s, Pool: &x.pool})
	x.report.Runs++
	switch {
	case s.redundant && s.stray == nil:
		x.report.Redundant++
	case s.stray != nil || res.Mistake != nil:
		x.report.Err, x.report.Token = s.stray, s.token()
		if s.stray == nil {
			x.report.Err = res.Mistake
		}
	default:
		x.count(s, &res)
	}
}

// count adds a run to the report.
func (x *exploration) count(s *search, res *Result) {
	r := x.report
	var limit *sim.LimitError
	if errors.As(res.Err, &limit) {
		r.Limited++
		return
	}
	w := Witness{Err: res.Err}
	if s.m != nil {
		w.Preemptions, w.Steps = s.m.Preemptions, s.m.Steps
	}
	failure := res.Failure
	if failure == "" && res.Err != nil {
		failure = kindOf(res.Err)
	}
	if failure != "" {
		r.Failed++
		tally(&r.Failures, failure).count(s, w)
	}
	if res.State != "" {
		tally(&r.States, res.State).count(s, w)
	}
	for i, c := range res.Conditions {
		if i == len(r.Conditions) {
			r.Conditions = append(r.Conditions, &Tally{Text: c.Text})
		}
		if c.Holds {
			r.Conditions[i].Positive.count(s, w)
		} else {
			r.Conditions[i].Negative.count(s, w)
		}
	}
}

// kindOf names an error by its first line.
func kindOf(err error) string {
	var dead *sim.DeadlockError
	if errors.As(err, &dead) {
		return "deadlock"
	}
	return err.Error()
}

func tally(list *[]*Outcome, text string) *Outcome {
	for _, o := range *list {
		if o.Text == text {
			return o
		}
	}
	o := &Outcome{Text: text}
	*list = append(*list, o)
	return o
}

// count adds a run, and keeps the better witness. The token is made only if it is wanted.
func (o *Outcome) count(s *search, w Witness) {
	o.Count++
	if o.Count > 1 && !w.better(&o.Witness) {
		return
	}
	w.Token = s.token()
	o.Witness = w
}

func (w *Witness) better(than *Witness) bool {
	if w.Preemptions != than.Preemptions {
		return w.Preemptions < than.Preemptions
	}
	return w.Steps < than.Steps
}
