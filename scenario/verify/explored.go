package verify

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/scenario"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/sim/explore"
)

// Explored is what repeated host runs have shown, beside all that the model can show. The host's kernel is sound for the model
// if nothing it did is missing there.
type Explored struct {
	*Repetition
	Model    *explore.Report
	Possible []*Possibility // in the order in which the exploration met them
}

// Possibility is a distinct result of the model.
type Possibility struct {
	Witness explore.Witness
	Host    int    // host runs that showed it
	Calls   string // the results in which the possibilities differ
	digest  uint64
	history *History
	ends    string
}

// unvisited reports whether no interleaving that was visited shows o.
func (o *Outcome) unvisited() bool { return o.Beyond || o.Report.Verdict != Agrees }

// Explore runs a scenario n times on the host with random delays as Repeat does, and looks each outcome up among all that an
// exploration of the model shows. Where that was not complete, opts.Schedules others are tried for what it does not, none if that is 0.
func Explore(p *scenario.Program, n int, seed uint64, opts Options, x explore.Options) (*Explored, error) {
	e := &Explored{}
	if err := e.explore(p, opts, x); err != nil {
		return nil, err
	}
	opts.unexplained = true
	rep, err := Repeat(p, n, seed, opts)
	if err != nil {
		return nil, err
	}
	e.Repetition = rep
	rep.readmit(func(r *run) bool { return e.possible(r.history.digest(), ending(r.result)) })
	for _, o := range rep.Outcomes {
		if o.run == nil { // not to be compared
			continue
		}
		if i := slices.IndexFunc(e.Possible, func(q *Possibility) bool { return q.digest == o.digest }); i >= 0 {
			q := e.Possible[i]
			q.Host = o.Count
			o.Report = &Report{Schedule: q.Witness.Token, Calls: q.history.Calls, Host: o.Report.Host}
			if h := ending(o.Report.Host); h != q.ends {
				o.Report.Verdict, o.Report.Ends = Differs, fmt.Sprintf("the model %s, the host %s", q.ends, h)
			}
		} else if o.Report = e.beyond(p, o, opts); o.Report == nil {
			o.Report = judge(opts.model(p, nil, nil), o.run)
			o.Report.Verdict = Differs
		}
	}
	e.describe()
	return e, nil
}

// readmit counts runs in which the machine was late after all, if known says that the model can show them: lateness only makes
// a host show what it should not.
func (r *Repetition) readmit(known func(*run) bool) {
	for _, run := range r.late {
		if known(run) {
			r.Discarded--
			r.count(run)
		}
	}
}

// possible reports whether the model can show a result.
func (e *Explored) possible(digest uint64, ends string) bool {
	return slices.ContainsFunc(e.Possible, func(q *Possibility) bool { return q.digest == digest && q.ends == ends })
}

// beyond looks for a schedule of the model that shows o, if the exploration has left some out; nil if there is none.
func (e *Explored) beyond(p *scenario.Program, o *Outcome, opts Options) *Report {
	if e.Complete() {
		return nil
	}
	r := opts.search(p, o.run)
	o.Beyond = r != nil
	return r
}

// Stamp writes behind each token of which program it is.
func (e *Explored) Stamp(stamp string) {
	for _, q := range e.Possible {
		q.Witness.Token = sim.Stamp(q.Witness.Token, stamp)
	}
}

// Complete reports whether the exploration has left nothing out.
func (e *Explored) Complete() bool { return e.Model.Exhaustive && e.Model.Limited == 0 }

// explore collects what the model can show.
func (e *Explored) explore(p *scenario.Program, opts Options, x explore.Options) error {
	index := map[uint64]int{}
	e.Model = explore.Explore(func(machine sim.Options) explore.Result {
		machine.MaxSteps, machine.MaxTasks = opts.MaxSteps, opts.MaxTasks
		h := &History{}
		res := scenario.Run(kernel.Boot(kernel.Options{Machine: machine}), p, scenario.Options{MaxSteps: opts.MaxStarlark, OnCall: h.add})
		if res.Error != nil {
			return explore.Result{Mistake: res.Error}
		}
		r := res.Explored()
		var limit *sim.LimitError
		if errors.As(res.Err, &limit) || errors.Is(res.Err, sim.ErrStopped) {
			return r
		}
		d := h.digest()
		i, known := index[d]
		if !known {
			i = len(e.Possible)
			index[d] = i
			e.Possible = append(e.Possible, &Possibility{digest: d, history: h, ends: ending(res)})
		}
		return explore.Result{State: fmt.Sprint(i)}
	}, x)
	for _, s := range e.Model.States {
		var i int
		fmt.Sscan(s.Text, &i)
		e.Possible[i].Witness = s.Witness
	}
	e.Possible = slices.DeleteFunc(e.Possible, func(q *Possibility) bool { return q.Witness.Token == "" })
	return e.Model.Err
}

// Unseen returns what the model can show and the host has not.
func (e *Explored) Unseen() []*Possibility {
	var unseen []*Possibility
	for _, q := range e.Possible {
		if q.Host == 0 {
			unseen = append(unseen, q)
		}
	}
	return unseen
}

// Sound reports whether all that the host did was found in the model.
func (e *Explored) Sound() bool {
	return !slices.ContainsFunc(e.Outcomes, func(o *Outcome) bool { return o.Report.Verdict != Agrees })
}

// describe names each possibility, and each outcome that is none, by the results in which they differ.
func (e *Explored) describe() {
	type place struct {
		thread string
		index  int
	}
	results := map[place]map[string]bool{}
	all := map[*History]string{} // how each ended
	for _, q := range e.Possible {
		all[q.history] = q.ends
	}
	for _, o := range e.Outcomes {
		if o.run != nil && o.unvisited() {
			all[&o.run.history] = ending(o.run.result)
		}
	}
	for h := range all {
		for thread, calls := range h.calls {
			for i, c := range calls {
				at := place{thread, i}
				if results[at] == nil {
					results[at] = map[string]bool{}
				}
				results[at][resultOf(c)] = true
			}
		}
	}
	var differ []place
	for at, texts := range results {
		missing := false
		for h := range all {
			missing = missing || len(h.calls[at.thread]) <= at.index
		}
		if len(texts) > 1 || missing {
			differ = append(differ, at)
		}
	}
	slices.SortFunc(differ, func(a, b place) int { return cmp.Or(cmp.Compare(a.thread, b.thread), a.index-b.index) })
	describe := func(h *History) string {
		var parts []string
		for _, at := range differ {
			if calls := h.calls[at.thread]; at.index < len(calls) {
				parts = append(parts, at.thread+": "+calls[at.index].Name+" = "+resultOf(calls[at.index]))
			}
		}
		if ends := all[h]; ends != ending(&scenario.Result{}) {
			parts = append(parts, ends)
		}
		if len(all) == 1 {
			return "the same results always"
		}
		return strings.Join(parts, ", ")
	}
	for _, q := range e.Possible {
		q.Calls = describe(q.history)
	}
	for _, o := range e.Outcomes {
		if o.run != nil && o.unvisited() {
			o.Calls = describe(&o.run.history)
		}
	}
}

func resultOf(c scenario.Call) string {
	if c.Own {
		return "(not compared)"
	}
	return c.Result
}
