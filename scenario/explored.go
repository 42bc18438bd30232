package scenario

import (
	"strings"

	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/sim/explore"
)

// Explored makes p a program of the explorer: each run is one on a kernel that boot makes with the options it
// is given. The state of a run is what outcome recorded.
func (p *Program) Explored(boot func(sim.Options) *kernel.Kernel, opts Options) explore.Program {
	return func(machine sim.Options) explore.Result {
		res := Run(boot(machine), p, opts)
		if res.Error != nil {
			return explore.Result{Mistake: res.Error}
		}
		return res.Explored()
	}
}

// Explored is r as the explorer counts it.
func (r *Result) Explored() explore.Result {
	x := explore.Result{Err: r.Err, Failure: r.failure()}
	for _, c := range r.Conditions {
		x.Conditions = append(x.Conditions, explore.Condition{Text: c.Kind + "(" + c.Text + ")", Holds: c.Value, Fails: c.Failed(), Sought: c.Kind == "exists"})
	}
	x.State = r.State()
	return x
}

// State is what outcome recorded, on one line.
func (r *Result) State() string {
	var parts []string
	for _, o := range r.Outcomes {
		parts = append(parts, o.String())
	}
	return strings.Join(parts, "; ")
}

// failure says in one line what was wrong first, besides how the machine ended.
func (r *Result) failure() string {
	switch {
	case r.Err != nil:
		return ""
	case len(r.Failed) > 0:
		return r.Failed[0].String()
	case len(r.Unlooked) > 0:
		return r.Unlooked[0].String()
	}
	for _, c := range r.Conditions {
		if c.Failed() {
			return c.String()
		}
	}
	return ""
}
