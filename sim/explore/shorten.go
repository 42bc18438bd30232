package explore

import (
	"errors"

	"github.com/epollsim/epollsim/sim"
)

// shortenRuns is how many runs looking for a schedule with fewer preemptions may take, for one failure.
const shortenRuns = 300

// shorten looks for schedules with fewer preemptions that fail the same way, where it is not known that there are none: a
// failure that was found without a bound, or by a draw, has more than it needs.
func (x *exploration) shorten(r *Report) {
	covered := -1
	for _, p := range x.phases {
		if p.complete && p.bound > covered {
			covered = p.bound
		}
	}
	for _, f := range r.Failures {
		if f.Witness.Preemptions > covered+1 && r.Err == nil {
			x.shortenOne(f)
		}
	}
}

// shortenOne leaves one deviation from the default choices out after the other.
func (x *exploration) shortenOne(f *Outcome) {
	for i, runs := 0, 0; runs < shortenRuns; runs++ {
		schedule, err := sim.NewReplay(f.Witness.Token)
		if err != nil {
			return
		}
		without, ok := schedule.Without(i)
		if !ok {
			return
		}
		if w, fails := x.fails(without, f.Text); fails && w.better(&f.Witness) {
			f.Witness, i = w, 0
		} else {
			i++
		}
	}
}

// fails runs the program by a schedule and reports whether it fails as text says.
func (x *exploration) fails(schedule sim.Strategy, text string) (Witness, bool) {
	w := &watcher{Strategy: schedule}
	res := x.program(sim.Options{Strategy: w, Pool: x.pools[0]})
	var limit *sim.LimitError
	if w.m == nil || res.Mistake != nil || errors.As(res.Err, &limit) || res.FailureText() != text {
		return Witness{}, false
	}
	return Witness{Token: tokenOf(w.m), Preemptions: w.m.Preemptions, Steps: w.m.Steps, Err: res.Err}, true
}
