package verify

import (
	"hash/fnv"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"go.starlark.net/starlark"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/kernel/host"
	"github.com/epollsim/epollsim/scenario"
	"github.com/epollsim/epollsim/sim"
)

// Outcome is one of the distinct results that repeated host runs have shown.
type Outcome struct {
	Count  int
	Report *Report // against the model
	Calls  string  // of Explore, if no interleaving that was visited shows it: the results in which it and those differ
	Beyond bool    // … and another schedule of the model does: that of Report
	digest uint64
	run    *run
}

// Repetition is what repeated host runs have shown.
type Repetition struct {
	Runs      int
	Discarded int // the machine was late by more than the scenario's timeouts allow
	Stuck     int // threads waited for ever; after mostStuck of those there are no more runs
	Outcomes  []*Outcome
	MaxDelay  time.Duration // of the random delay between calls
	late      []*run        // those discarded, for Explore
}

// mostStuck is how many runs that are stuck are enough: each takes seconds, for nobody can tell that a thread of the host waits for ever.
const mostStuck = 8

// Repeat runs a scenario n times on the host with random delays between calls, and compares each distinct
// outcome with the model. The delays stay below a tenth of the smallest gap between two timeouts of the
// scenario, and short enough for all its calls; a run in which the machine itself was late by more than that tenth shows
// nothing and is discarded.
func Repeat(p *scenario.Program, n int, seed uint64, opts Options) (*Repetition, error) {
	if opts.Schedules == 0 {
		opts.Schedules = DefaultSchedules
	}
	def := opts.model(p, nil, nil)
	if r := def.unusable(); r != nil {
		return &Repetition{Outcomes: []*Outcome{{Count: 1, Report: r}}}, nil
	}
	limit := smallestGap(p, opts) / 10
	delay := min(limit, grace/2/time.Duration(max(def.history.Calls, 1))) // all of them together fit into a run's time
	rep := &Repetition{MaxDelay: delay}
	var mu sync.Mutex // the threads of a run draw at the same time
	rng := rand.New(rand.NewPCG(seed, 1))
	for rep.Runs < n && rep.Stuck < mostStuck {
		late := &lateness{}
		h, err := host.New(host.Options{Timeout: def.patience(), Delay: func() time.Duration {
			if delay <= 0 {
				return 0
			}
			mu.Lock()
			defer mu.Unlock()
			return time.Duration(rng.Int64N(int64(delay)))
		}, Late: late.note})
		if err != nil {
			return nil, err
		}
		if opts.Started != nil {
			opts.Started(h)
		}
		real := onHost(h, p, opts)
		h.Close()
		rep.Runs++
		if isStuck(real.result) {
			rep.Stuck++
		}
		if late.worst > limit {
			rep.Discarded++
			if opts.unexplained {
				rep.late = append(rep.late, real)
			}
			continue
		}
		rep.count(real)
	}
	for _, o := range rep.Outcomes {
		if !opts.unexplained {
			o.Report = opts.explain(p, def, o.run)
		}
	}
	return rep, nil
}

// lateness is how much later than asked the host woke a thread of the run.
type lateness struct{ worst time.Duration }

func (l *lateness) note(d time.Duration) { l.worst = max(l.worst, d) }

func (r *Repetition) count(real *run) {
	d := real.history.digest()
	i := slices.IndexFunc(r.Outcomes, func(o *Outcome) bool { return o.digest == d })
	if i < 0 {
		i = len(r.Outcomes)
		o := &Outcome{digest: d, run: real}
		o.Report = &Report{Host: real.result}
		r.Outcomes = append(r.Outcomes, o)
	}
	r.Outcomes[i].Count++
}

func (h *History) digest() uint64 {
	f := fnv.New64a()
	threads := slices.Sorted(slices.Values(h.Threads))
	for _, t := range threads {
		io.WriteString(f, t)
		for _, c := range h.calls[t] {
			io.WriteString(f, c.Name)
			if !c.Own {
				io.WriteString(f, c.Result)
			}
		}
	}
	return f.Sum64()
}

// smallestGap is the smallest time that means something to the scenario: between two moments at which the model's clock stood,
// or that a call would have waited, whether it had to or not. A second if there is none.
func smallestGap(p *scenario.Program, o Options) time.Duration {
	gap, last := int64(time.Second), int64(0)
	k := kernel.Boot(kernel.Options{Machine: sim.Options{MaxSteps: o.MaxSteps, MaxTasks: o.MaxTasks, Trace: func(e sim.Event) {
		if e.Kind == sim.EventClock && e.Time > last {
			gap = min(gap, e.Time-last)
			last = e.Time
		}
	}}})
	scenario.Run(k, p, scenario.Options{MaxSteps: o.MaxStarlark, OnCall: func(c scenario.Call) {
		for _, param := range c.Params {
			if ns := duration(param); ns > 0 {
				gap = min(gap, ns)
			}
		}
		if c.Name == "socket" && isTcp(number(c.Params[0]), number(c.Params[1])) {
			gap = min(gap, tick)
		}
	}})
	return time.Duration(gap)
}

// tick is how soon timers of TCP may expire that no call names: a jiffy of CONFIG_HZ=250, in ns.
const tick = 4_000_000

// duration returns the time that an argument names in ns, 0 if it names none.
func duration(p scenario.Param) int64 {
	unit := map[string]int64{"timeout": int64(time.Millisecond), "timeout_ns": 1, "value_ns": 1, "interval_ns": 1}[p.Name]
	return number(p) * unit
}

func isTcp(domain, kind int64) bool {
	return (domain == abi.AF_INET || domain == abi.AF_INET6) && kind&15 == abi.SOCK_STREAM
}

// number is the value of an argument, 0 if it is none.
func number(p scenario.Param) int64 {
	n, ok := p.Value.(starlark.Int)
	if !ok {
		return 0
	}
	v, _ := n.Int64()
	return v
}
