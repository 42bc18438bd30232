package verify

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/kernel/host"
	"github.com/epollsim/epollsim/scenario"
	"github.com/epollsim/epollsim/sim"
)

// Options of a comparison. The zero value has the default limits.
type Options struct {
	Schedules   int              // random schedules to try when the default one disagrees; 0: DefaultSchedules
	MaxSteps    uint64           // kernel steps of a model run
	MaxStarlark uint64           // Starlark steps of a run
	MaxTasks    int              // threads of a model run
	Started     func(*host.Host) // called with every host, so that an interrupt can end it
	Stdout      io.Writer        // what the scenario prints, once, from the model's run; nil: nowhere
	unexplained bool             // Repeat looks for no schedule that shows what the host did
}

// DefaultSchedules is how many random schedules of the model are tried.
const DefaultSchedules = 1000

// Verdict says how a comparison ended.
type Verdict int

// The verdicts.
const (
	Agrees Verdict = iota
	Differs
	ModelOnly    // the scenario uses what only the model has
	Inconclusive // a limit was reached
	Wrong        // the scenario itself is wrong
)

// Report is the result of comparing one scenario.
type Report struct {
	Verdict    Verdict
	Why        string           // for ModelOnly and Inconclusive
	Schedule   string           // which of the model's schedules agrees: "default", "random seed 17", "the host's order, try 3"
	Late       int              // host runs before this one that showed nothing because the machine was late
	Difference *Difference      // with the default schedule; nil if they differ in how they end
	Ends       string           // how the two ended, if that differs
	Calls      int              // compared
	Model      *scenario.Result // of the agreeing schedule, or the default one
	Host       *scenario.Result
}

// grace is what the host gets on top of the model's virtual time before a run counts as stuck.
const grace = 3 * time.Second

// A busy host may need a moment for each call.
const (
	gracePerCall = 5 * time.Millisecond
	mostForCalls = 30 * time.Second
)

// patience is the time that the host gets for what r did.
func (r *run) patience() time.Duration {
	return time.Duration(r.end) + grace + min(time.Duration(r.history.Calls)*gracePerCall, mostForCalls)
}

// File compares one compiled scenario. The error says that the host cannot be used.
func File(p *scenario.Program, opts Options) (*Report, error) {
	if name, ok := p.ModelOnly(); ok {
		return &Report{Verdict: ModelOnly, Why: name + "() is of the model"}, nil
	}
	if opts.Schedules == 0 {
		opts.Schedules = DefaultSchedules
	}
	def := opts.model(p, nil, opts.Stdout)
	if r := def.unusable(); r != nil {
		return r, nil
	}
	var limit time.Duration // of lateness
	for try := range hostRuns {
		late := &lateness{}
		h, err := host.New(host.Options{Timeout: def.patience(), Late: late.note})
		if err != nil {
			return nil, err
		}
		if opts.Started != nil {
			opts.Started(h)
		}
		real := onHost(h, p, opts)
		h.Close()
		r := real.unusable()
		if r != nil && real.result.Error == nil {
			return r, nil
		}
		r = opts.explain(p, def, real)
		r.Late = try
		if r.Verdict == Agrees && (r.Host.ExitCode() == 0 || r.Schedule == "default") {
			return r, nil
		}
		if limit == 0 {
			limit = smallestGap(p, opts) / 10
		}
		if late.worst <= limit && (r.Verdict == Agrees || try == hostRuns-1 || !def.history.has("openpty")) {
			return r, nil // a worker of the kernel carries the bytes of terminals: nobody knows whether it was late
		}
	}
	return &Report{Verdict: Inconclusive, Late: hostRuns, Why: fmt.Sprintf(
		"the host disagreed in %d runs, but was late by more than %v in each, which the scenario's times do not allow for: try again when it has less to do",
		hostRuns, limit)}, nil
}

// hostRuns is how often a scenario is tried on a host that is too busy for the scenario's times.
const hostRuns = 10

// explain compares the host's run with the default schedule of the model, and if that is not it, looks for one that shows
// what the host did.
func (o Options) explain(p *scenario.Program, def, real *run) *Report {
	r := judge(def, real)
	r.Schedule = "default"
	if r.Verdict == Agrees || len(def.history.Threads) < 2 && len(real.history.Threads) < 2 {
		return r
	}
	if found := o.search(p, real); found != nil {
		return found
	}
	return r
}

// search tries schedules of the model until one shows what the host did; nil if none does: half of them in the order in which
// the threads had their turns on the host, then random ones. Of these every second one is PCT, which finds the few long
// stretches that a real machine makes of two threads sooner than a coin at every point.
func (o Options) search(p *scenario.Program, real *run) *Report {
	tried := 0
	for _, late := range []bool{false, true} {
		f := newFollow(real, late)
		for range o.Schedules / 4 {
			tried++
			if r := judge(o.model(p, f, nil), real); r.Verdict == Agrees {
				r.Schedule = fmt.Sprintf("the host's order, try %d", tried)
				return r
			}
			if !f.another() {
				break
			}
		}
	}
	for i := range o.Schedules - tried {
		seed := uint64(i / 2)
		name, strategy := fmt.Sprintf("random seed %d", seed), sim.Strategy(sim.NewRandom(seed))
		if i%2 == 1 {
			name, strategy = fmt.Sprintf("pct seed %d", seed), sim.NewPCT(pctDepth, real.history.Calls*pointsPerCall, seed)
		}
		if r := judge(o.model(p, strategy, nil), real); r.Verdict == Agrees {
			r.Schedule = name
			return r
		}
	}
	return nil
}

// PCT is told of about this many decisions per call, and places this many changes less one.
const (
	pctDepth      = 4
	pointsPerCall = 20
)

// run is one execution of the scenario.
type run struct {
	history History
	turns   []string // of the threads, in the program
	result  *scenario.Result
	end     int64 // virtual ns
}

func (o Options) model(p *scenario.Program, s sim.Strategy, stdout io.Writer) *run {
	k := kernel.Boot(kernel.Options{Machine: sim.Options{Strategy: s, MaxSteps: o.MaxSteps, MaxTasks: o.MaxTasks, Recorder: 1}})
	r := &run{}
	run := scenario.Options{MaxSteps: o.MaxStarlark, OnCall: r.history.add, Stdout: stdout}
	if f, ok := s.(*follow); ok {
		f.begin(k.Machine())
		run.OnTurn = f.turn
		run.OnCall = func(c scenario.Call) {
			if r.history.add(c); !f.agrees(&r.history, &c) {
				k.Stop(errElsewhere)
			}
		}
	}
	r.result = scenario.Run(k, p, run)
	r.end = k.Machine().Now()
	return r
}

func onHost(h *host.Host, p *scenario.Program, o Options) *run {
	r := &run{}
	turn := func(thread string) { r.turns = append(r.turns, thread) }
	r.result = scenario.Run(h, p, scenario.Options{MaxSteps: o.MaxStarlark, OnCall: r.history.add, OnTurn: turn})
	return r
}

// unusable is the report of a run that shows nothing to compare.
func (r *run) unusable() *Report {
	res := r.result
	var limit *sim.LimitError
	var refused *host.RefusedError
	var missing *devices.NotModelledError
	switch {
	case res.Error != nil:
		return &Report{Verdict: Wrong, Why: res.Error.Error(), Model: res}
	case errors.As(res.Err, &missing):
		return &Report{Verdict: Wrong, Why: res.Err.Error(), Model: res}
	case errors.As(res.Err, &refused):
		return &Report{Verdict: Wrong, Why: res.Err.Error(), Model: res}
	case errors.As(res.Err, &limit):
		return &Report{Verdict: Inconclusive, Why: limit.Error(), Model: res}
	}
	return nil
}

// judge compares two runs.
func judge(model, real *run) *Report {
	r := &Report{Model: model.result, Host: real.result, Calls: min(model.history.Calls, real.history.Calls)}
	r.Difference = compare(&model.history, &real.history)
	if m, h := ending(model.result), ending(real.result); m != h {
		r.Ends = fmt.Sprintf("the model %s, the host %s", m, h)
	}
	if r.Difference != nil || r.Ends != "" {
		r.Verdict = Differs
	}
	return r
}

const firstPid = 1

// ending says how a run ended, in the same words for both kernels.
func ending(r *scenario.Result) string {
	if r.Error != nil {
		return "fails: " + r.Error.Error()
	}
	err := r.Err
	var hostKilled *host.KilledError
	var killed *kernel.KilledError
	switch {
	case err == nil:
		return "ends"
	case kernel.Deadlocked(err), isStuck(r):
		return "is stuck: a thread waits for ever"
	case errors.As(err, &killed) && killed.Pid != firstPid: // the host tells of the first process alone
		return "ends"
	case errors.As(err, &killed):
		return "dies of " + killed.Signal.String()
	case errors.As(err, &hostKilled):
		return "dies of " + hostKilled.Signal.String()
	}
	return "fails: " + err.Error()
}

// isStuck reports whether a thread of the host waited for ever.
func isStuck(r *scenario.Result) bool {
	var stuck *host.StuckError
	return errors.As(r.Err, &stuck)
}
