package explore

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/epollsim/epollsim/sim"
)

// tallies count what runs have shown.
type tallies struct {
	Runs       uint64 // schedules visited
	Redundant  uint64 // of those, begun and found to be covered elsewhere
	Failed     uint64 // of those, that failed
	Limited    uint64 // schedules that reached a limit of their own
	Limit      Witness
	Failures   []*Outcome // deadlocks and broken invariants first
	States     []*Outcome
	Conditions []*Tally
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

// String is the schedule as a flag, with what it costs.
func (w Witness) String() string {
	return fmt.Sprintf("--schedule=%s (%d preemptions, %d steps)", w.Token, w.Preemptions, w.Steps)
}

// longToken is how many characters of a schedule's token a line shows.
const longToken = 200

// Brief is a token for people to look at: of a long one, which belongs to a run that went on and on, the beginning.
func Brief(token string) string {
	if len(token) <= longToken {
		return token
	}
	return fmt.Sprintf("%s… (%d characters; --json has all)", token[:20], len(token))
}

func (w Witness) brief() string {
	w.Token = Brief(w.Token)
	return w.String()
}

// Tally is how often a condition held.
type Tally struct {
	Text     string
	Fails    bool // it failed runs
	Sought   bool // it is to hold in some run
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

// count adds a run and reports whether that reached a limit of its own.
func (c *tallies) count(m *sim.Machine, res *Result) (limited bool) {
	w := Witness{Err: res.Err}
	if m != nil {
		w.Preemptions, w.Steps = m.Preemptions, m.AllSteps()
	}
	if isLimit(res.Err) {
		if c.Limited++; c.Limited == 1 {
			w.Token = tokenOf(m)
			c.Limit = w
		}
		return true
	}
	if failure := res.FailureText(); failure != "" {
		c.Failed++
		find(&c.Failures, failure).count(m, w)
	}
	if res.State != "" {
		find(&c.States, res.State).count(m, w)
	}
	for i, cond := range res.Conditions {
		if i == len(c.Conditions) {
			c.Conditions = append(c.Conditions, &Tally{Text: cond.Text, Sought: cond.Sought})
		}
		t := c.Conditions[i]
		t.Fails = t.Fails || cond.Fails
		if cond.Holds {
			t.Positive.count(m, w)
		} else {
			t.Negative.count(m, w)
		}
	}
	return false
}

func isLimit(err error) bool {
	if err == nil {
		return false
	}
	var limit *sim.LimitError
	return errors.As(err, &limit)
}

// FailureText is Failure, or the first line of Err; of a deadlock also who waits for what, for a program may have several.
func (r *Result) FailureText() string {
	if r.Failure != "" || r.Err == nil {
		return r.Failure
	}
	line, _, _ := strings.Cut(r.Err.Error(), "\n")
	if dead, ok := r.Err.(*sim.DeadlockError); ok {
		line += ": " + waiting(dead.Tasks)
	}
	return line
}

// waiting says who waits for what, in an order that does not tell threads of the same name apart.
func waiting(tasks []sim.Blocked) string {
	var all []string
	for _, b := range tasks {
		what := b.Wait.What
		if b.Owner != nil {
			what = fmt.Sprintf("%s, held by %s", b.Wait.ID.Class(), b.Owner.Name)
		}
		all = append(all, fmt.Sprintf("%s waits for %s", b.Task.Name, what))
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

func find(list *[]*Outcome, text string) *Outcome {
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
func (o *Outcome) count(m *sim.Machine, w Witness) {
	o.Count++
	if o.Count == 1 || w.better(&o.Witness) {
		w.Token = tokenOf(m)
		o.Witness = w
	}
}

func tokenOf(m *sim.Machine) string {
	if m == nil {
		return sim.DefaultToken
	}
	return m.Token()
}

func (w *Witness) better(than *Witness) bool {
	if w.Preemptions != than.Preemptions {
		return w.Preemptions < than.Preemptions
	}
	return w.Steps < than.Steps
}

func (c *tallies) clone() tallies {
	d := *c
	d.Failures, d.States, d.Conditions = cloneAll(c.Failures), cloneAll(c.States), cloneAll(c.Conditions)
	return d
}

func cloneAll[T any](list []*T) []*T {
	var all []*T
	for _, o := range list {
		one := *o
		all = append(all, &one)
	}
	return all
}

// merge adds what another phase or branch has seen: its counts, or only what was not seen here, and the better witnesses.
func (c *tallies) merge(o *tallies, counts bool) {
	if counts {
		c.Runs += o.Runs
		c.Redundant += o.Redundant
	}
	if c.Limited == 0 {
		c.Limit = o.Limit
	}
	c.Limited += o.Limited
	for _, f := range o.Failures {
		mine := find(&c.Failures, f.Text)
		if counts || mine.Count == 0 {
			c.Failed += f.Count
		}
		mine.merge(f, counts)
	}
	for _, s := range o.States {
		find(&c.States, s.Text).merge(s, counts)
	}
	for i, t := range o.Conditions {
		if i == len(c.Conditions) {
			c.Conditions = append(c.Conditions, &Tally{Text: t.Text, Sought: t.Sought})
		}
		c.Conditions[i].Fails = c.Conditions[i].Fails || t.Fails
		c.Conditions[i].Positive.merge(&t.Positive, counts)
		c.Conditions[i].Negative.merge(&t.Negative, counts)
	}
}

func (o *Outcome) merge(other *Outcome, counts bool) {
	if other.Count == 0 {
		return
	}
	if o.Count == 0 || other.Witness.better(&o.Witness) {
		o.Witness = other.Witness
	}
	if counts || o.Count == 0 {
		o.Count += other.Count
	}
}

// sort brings failures and states into an order that does not depend on that of the runs: deadlocks and broken
// invariants before failed checks, then by text.
func (c *tallies) sort() {
	slices.SortFunc(c.States, func(a, b *Outcome) int { return strings.Compare(a.Text, b.Text) })
	slices.SortFunc(c.Failures, func(a, b *Outcome) int {
		if d := rank(a.Witness.Err) - rank(b.Witness.Err); d != 0 {
			return d
		}
		return strings.Compare(a.Text, b.Text)
	})
}

func rank(err error) int {
	var dead *sim.DeadlockError
	switch {
	case errors.As(err, &dead):
		return 0
	case err != nil:
		return 1
	}
	return 2
}
