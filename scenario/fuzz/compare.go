package fuzz

import (
	"bytes"
	"fmt"
)

// compare runs a sequential program on the judge and returns the first call that it answers differently. One with terminals
// differs if it does however long the host may take.
func compare(p *program, j judge) (d *Difference, err error) {
	h, ok := j.(*hostJudge)
	if !ok || !p.slow {
		return compareOnce(p, j)
	}
	defer h.hasten(0)
	for step := range settling {
		h.hasten(step)
		if d, err = compareOnce(p, j); d == nil || err != nil {
			break
		}
	}
	return d, err
}

func compareOnce(p *program, j judge) (*Difference, error) {
	var d *Difference
	err := j.sequential(p, func(i int, text []byte) {
		if d != nil && d.Index >= i { // a batch asks twice; only the last answer counts
			d = nil
		}
		if d == nil && !bytes.Equal(text, p.calls[i].want) {
			d = &Difference{Thread: "main", Index: i, Call: p.calls[i].String(), Model: string(p.calls[i].want), Host: string(text)}
		}
	})
	return d, err
}

// compareAgain is compare for programs with files that depend on time: TCP acknowledges what comes after so many
// milliseconds, some at the next tick of a clock of 4 ms, and a host that is late has done so before the program goes on. A
// difference counts if the same one comes every time; late: it does not.
func compareAgain(p *program, j judge) (d *Difference, late bool, err error) {
	const again = 10
	var first *Difference
	for range again {
		if d, err = compare(p, j); d == nil || err != nil {
			return nil, first != nil, err
		}
		if !p.timed {
			break
		}
		if first == nil {
			first = d
		} else if *d != *first {
			return nil, true, nil
		}
	}
	return d, false, nil
}

// results collects what the judge says to every call.
func results(p *program, j judge) (*outcome, error) {
	if p.threads() > 1 {
		return j.together(p)
	}
	o := &outcome{calls: make([]string, len(p.calls))}
	return o, j.sequential(p, into(o.calls))
}

// Schedules is how many random schedules of the model are tried for one outcome of the host.
const Schedules = 1000

// A program of two threads whose outcome no schedule of the model gives is run again, for a host that is late does
// what no schedule does: virtual time stands still while anybody can run. It counts as a difference if the same
// outcome comes confirmed times, and as agreement if so many runs are explained, each by threads that were in time.
const (
	repeats   = 60
	confirmed = 3
)

// compareTogether runs a program of two threads on both and returns where they differ, if no schedule of the
// model gives what the judge does. late says that neither was confirmed.
func compareTogether(p *program, m *model, j judge) (d *Difference, late bool, err error) {
	known := map[string]*Difference{} // by outcome; nil: the model does that, too
	times := map[string]int{}
	explained := 0
	for i := range repeats {
		o, err := j.together(p)
		if err != nil {
			return nil, false, err
		}
		key := o.String()
		if _, ok := known[key]; !ok {
			if known[key], err = explain(p, m, o); err != nil {
				return nil, false, err
			}
		}
		d := known[key]
		switch {
		case d == nil && i == 0:
			return nil, false, nil
		case o.late:
		case d == nil:
			if explained++; explained == confirmed && len(times) == 0 {
				return nil, false, nil
			}
		default:
			if times[key]++; times[key] == confirmed {
				return d, false, nil
			}
		}
	}
	return nil, true, nil
}

// explain looks for a schedule that gives the outcome; d is the difference to the default one if there is none.
func explain(p *program, m *model, o *outcome) (*Difference, error) {
	byDefault, err := m.together(p, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errModel, err)
	}
	d := o.difference(p, byDefault)
	if d == nil {
		return nil, nil
	}
	for i := range Schedules {
		other, err := m.together(p, random(i))
		if err != nil {
			return nil, fmt.Errorf("%w under random schedule %d: %w", errModel, i, err)
		}
		if o.same(other) {
			return nil, nil
		}
	}
	return d, nil
}

func (o *outcome) same(other *outcome) bool { return o.String() == other.String() }

func (o *outcome) String() string {
	return fmt.Sprintf("%q", [][]string{o.calls, o.main, o.second, o.after})
}

// difference returns the first call whose result differs from the model's.
func (o *outcome) difference(p *program, model *outcome) *Difference {
	for _, t := range []struct {
		name        string
		calls       []call
		host, model []string
	}{
		{"main", p.calls, o.calls, model.calls},
		{"second", p.second, o.second, model.second},
		{"main", p.main, o.main, model.main},
		{"main", p.after, o.after, model.after},
	} {
		for i, c := range t.calls {
			host, model := at(t.host, i), at(t.model, i)
			if host != model {
				return &Difference{Thread: t.name, Index: i, Call: c.String(), Model: model, Host: host}
			}
		}
	}
	return nil
}

func at(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return notMade
}
