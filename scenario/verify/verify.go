package verify

import (
	"errors"
	"fmt"
	"io"
	"time"

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
	Schedule   string           // which of the model's schedules agrees: "default", "random seed 17"
	Difference *Difference      // with the default schedule; nil if they differ in how they end
	Ends       string           // how the two ended, if that differs
	Calls      int              // compared
	Model      *scenario.Result // of the agreeing schedule, or the default one
	Host       *scenario.Result
}

// grace is what the host gets on top of the model's virtual time before a run counts as stuck.
const grace = 3 * time.Second

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
	h, err := host.New(host.Options{Timeout: time.Duration(def.end) + grace})
	if err != nil {
		return nil, err
	}
	defer h.Close()
	if opts.Started != nil {
		opts.Started(h)
	}
	real := onHost(h, p, opts)
	if r := real.unusable(); r != nil {
		return r, nil
	}
	r := judge(def, real)
	r.Schedule = "default"
	if r.Verdict == Agrees || len(def.history.Threads) < 2 && len(real.history.Threads) < 2 {
		return r, nil
	}
	if again := opts.search(p, real); again != nil {
		return again, nil
	}
	return r, nil
}

// search tries random schedules of the model until one shows what the host did; nil if none does. Every
// second one is PCT, which finds the few long stretches that a real machine makes of two threads sooner than
// a coin at every point.
func (o Options) search(p *scenario.Program, real *run) *Report {
	for i := range o.Schedules {
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
	result  *scenario.Result
	end     int64 // virtual ns
}

func (o Options) model(p *scenario.Program, s sim.Strategy, stdout io.Writer) *run {
	k := kernel.Boot(kernel.Options{Machine: sim.Options{Strategy: s, MaxSteps: o.MaxSteps, MaxTasks: o.MaxTasks, Recorder: 1}})
	r := &run{}
	r.result = scenario.Run(k, p, scenario.Options{MaxSteps: o.MaxStarlark, OnCall: r.history.add, Stdout: stdout})
	r.end = k.Machine().Now()
	return r
}

func onHost(h *host.Host, p *scenario.Program, o Options) *run {
	r := &run{}
	r.result = scenario.Run(h, p, scenario.Options{MaxSteps: o.MaxStarlark, OnCall: r.history.add})
	return r
}

// unusable is the report of a run that shows nothing to compare.
func (r *run) unusable() *Report {
	res := r.result
	var limit *sim.LimitError
	var refused *host.RefusedError
	switch {
	case res.Error != nil:
		return &Report{Verdict: Wrong, Why: res.Error.Error(), Model: res}
	case errors.As(res.Err, &refused):
		return &Report{Verdict: Wrong, Why: refused.Error(), Model: res}
	case errors.As(res.Err, &limit):
		return &Report{Verdict: Inconclusive, Why: limit.Error(), Model: res}
	}
	return nil
}

// judge compares two runs.
func judge(model, real *run) *Report {
	r := &Report{Model: model.result, Host: real.result, Calls: min(model.history.Calls, real.history.Calls)}
	r.Difference = compare(&model.history, &real.history)
	if m, h := ending(model.result.Err), ending(real.result.Err); m != h {
		r.Ends = fmt.Sprintf("the model %s, the host %s", m, h)
	}
	if r.Difference != nil || r.Ends != "" {
		r.Verdict = Differs
	}
	return r
}

// ending says how a run ended, in the same words for both kernels.
func ending(err error) string {
	var stuck *host.StuckError
	var hostKilled *host.KilledError
	var killed *kernel.KilledError
	switch {
	case err == nil:
		return "ends"
	case kernel.Deadlocked(err), errors.As(err, &stuck):
		return "is stuck: a thread waits for ever"
	case errors.As(err, &killed):
		return "dies of " + killed.Signal.String()
	case errors.As(err, &hostKilled):
		return "dies of " + hostKilled.Signal.String()
	}
	return "fails: " + err.Error()
}
