package explore

import (
	"fmt"
	"io"

	"github.com/epollsim/epollsim/sim"
)

// Report is what an exploration has found. Its counts are those of the last bound that was completed, of the
// attempt without a bound if that was, so that Interleavings are distinguishable ones; with nothing complete, of
// all runs. A bound at which a run reached a limit of its own is not complete; Limited counts all of those, also where
// more preemptions were allowed than is covered. What was seen elsewhere only is counted where it was seen.
type Report struct {
	tallies
	Total      uint64 // schedules visited in all
	Exhaustive bool   // all interleavings are covered
	Covered    Bound  // if not: all up to that many preemptions
	Nothing    bool   // … not even those: Covered says nothing
	Sampled    bool   // schedules were drawn at random
	// Err says that the program is not deterministic, or the mistake it reported, or that it cannot be resumed; the
	// report is worth nothing then. Token is the schedule that showed it.
	Err   error
	Token string
}

// Stamp writes behind the token of each witness of which program it is: sim.Stamp.
func (r *Report) Stamp(stamp string) {
	r.eachWitness(func(w *Witness) { w.Token = sim.Stamp(w.Token, stamp) })
	r.Token = sim.Stamp(r.Token, stamp)
}

// Interleavings is how many distinguishable interleavings the counts are of.
func (r *Report) Interleavings() uint64 { return r.Runs - r.Redundant }

// report puts together what the phases have found.
func (x *exploration) report() *Report {
	r := &Report{Nothing: true, Err: x.err, Token: x.token, Sampled: x.opts.Sampling != 0}
	var best *phase
	for _, p := range x.phases {
		if !p.complete || p.Limited > 0 { // where a run was cut short, something may have been missed
			continue
		}
		switch {
		case p.bound < 0 || !p.search.cut:
			r.Exhaustive, r.Nothing = true, false
			if best == nil || p.bound < 0 || best.search.cut {
				best = p
			}
		case !r.Exhaustive:
			r.Covered, r.Nothing, best = UpTo(p.bound), false, p
		}
	}
	if best != nil {
		r.tallies = best.clone()
	}
	for _, p := range x.phases {
		sum := p.total()
		r.Total += sum.Runs
		if p != best {
			r.merge(sum, best == nil)
		}
	}
	r.sort()
	return r
}

// Verdict says what is covered.
func (r *Report) Verdict() string {
	n, _ := r.Covered.Limit()
	switch {
	case r.Sampled:
		return "sampled"
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
	return r.Err == nil && !r.Sampled && (r.Exhaustive || !r.Nothing && covered >= n)
}

// validated is Ok of herd: nothing failed, and what the test says to exist does.
func (r *Report) validated() bool {
	for _, t := range r.Conditions {
		if t.Sought && t.Positive.Count == 0 {
			return false
		}
	}
	return r.Failed == 0
}

// WriteText writes the verdict block as herd does: failures first, the states with their counts, then for each
// condition how often it held. name is that of the test.
func (r *Report) WriteText(w io.Writer, name string) {
	fmt.Fprintf(w, "Test %s\n", name)
	for _, o := range r.Failures {
		fmt.Fprintf(w, "Failed %d  %s\n    %s\n", o.Count, o.Text, o.Witness)
	}
	if len(r.States) > 0 {
		fmt.Fprintf(w, "States %d\n", len(r.States))
		for _, o := range r.States {
			fmt.Fprintf(w, "%8d  %s\n          %s\n", o.Count, o.Text, o.Witness)
		}
	}
	if r.validated() {
		fmt.Fprintln(w, "Ok")
	} else {
		fmt.Fprintln(w, "No")
	}
	for _, t := range r.Conditions {
		fmt.Fprintf(w, "Witnesses\nPositive: %d Negative: %d\nCondition %s\n", t.Positive.Count, t.Negative.Count, t.Text)
		if t.Positive.Count > 0 {
			fmt.Fprintf(w, "  true with %s\n", t.Positive.Witness)
		}
		if t.Negative.Count > 0 {
			fmt.Fprintf(w, "  false with %s\n", t.Negative.Witness)
		}
		fmt.Fprintf(w, "Observation %s %s %d %d\n", name, t.Observation(), t.Positive.Count, t.Negative.Count)
	}
	if r.Limited > 0 {
		beyond := ""
		if !r.Nothing {
			beyond = " beyond what is covered"
		}
		fmt.Fprintf(w, "Limited %d schedules%s reached a limit of their own, first %s: %v\n", r.Limited, beyond, r.Limit.brief(), r.Limit.Err)
	}
	fmt.Fprintf(w, "Complete: %s, %d schedules", r.Verdict(), r.Total)
	if !r.Sampled && !r.Nothing {
		fmt.Fprintf(w, ", %d interleavings", r.Interleavings())
	}
	fmt.Fprintln(w)
}
