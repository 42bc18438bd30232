package explore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/epollsim/epollsim/sim"
)

// checkpointHead is how a checkpoint begins; behind it stand a checksum of the rest, and that.
const checkpointHead = "epollsim-checkpoint 1 "

// saved is an exploration between two runs. What can be learned by running again is not in it.
type saved struct {
	Name    string
	Fields  uint32 // checksum of the names that accesses refer to by number
	Options savedOptions
	Runs    uint64
	Phases  []savedPhase
}

// savedOptions are those that decide what is visited next.
type savedOptions struct {
	Bound  Bound
	Direct bool
}

type savedPhase struct {
	Bound    int
	Complete bool
	Cut      bool
	Fixed    int
	Tallies  tallies
	Errors   map[string]savedError // by token
	Stack    []savedEvent
}

type savedEvent struct {
	Task  int32
	Used  int32          `json:",omitempty"`
	Todo  []int32        `json:",omitempty"`
	Done  []savedSleeper `json:",omitempty"`
	Sleep []savedSleeper `json:",omitempty"`
}

type savedSleeper struct {
	Task       int32
	All, Frees bool         `json:",omitempty"`
	Foot       []sim.Access `json:",omitempty"`
}

// savedError is how a run ended, as far as it is reported.
type savedError struct {
	Text string
	Rank int
}

func (e *savedError) Error() string { return e.Text }

// save returns the exploration as it stands between two runs.
func (x *exploration) save() []byte {
	s := saved{Name: x.opts.Name, Fields: sim.NamesSum(), Options: savedOptions{x.opts.Bound, x.opts.Direct}, Runs: x.runs.Load()}
	for _, p := range x.phases {
		s.Phases = append(s.Phases, p.save())
	}
	text, err := json.Marshal(s)
	if err != nil {
		panic("explore: " + err.Error())
	}
	return append(fmt.Appendf(nil, "%s%08x\n", checkpointHead, crc32.ChecksumIEEE(text)), text...)
}

func (p *phase) save() savedPhase {
	s := savedPhase{Bound: p.bound, Complete: p.complete, Cut: p.search.cut, Fixed: p.search.fixed, Tallies: p.clone(), Errors: map[string]savedError{}}
	p.eachWitness(func(w *Witness) {
		if w.Err != nil {
			s.Errors[w.Token] = savedError{w.Err.Error(), rank(w.Err)}
		}
	})
	s.Tallies.eachWitness(func(w *Witness) { w.Err = nil })
	if !p.complete {
		for i := range p.search.fixed {
			s.Stack = append(s.Stack, p.search.saveEvent(&p.search.events[i]))
		}
	}
	return s
}

func (s *search) saveEvent(e *event) savedEvent {
	return savedEvent{Task: e.task, Used: e.used, Todo: slices.Clone(e.todo), Done: s.saveSleepers(e.done), Sleep: s.saveSleepers(e.sleep)}
}

func (s *search) saveSleepers(list []sleeper) (all []savedSleeper) {
	for _, q := range list {
		one := savedSleeper{Task: q.task, All: q.all, Frees: q.frees}
		for _, r := range q.foot {
			one.Foot = append(one.Foot, s.access(r))
		}
		all = append(all, one)
	}
	return all
}

// resume goes back to where a checkpoint was made.
func (x *exploration) resume() bool {
	s, err := x.load(x.opts.Resume)
	if err != nil {
		x.err = err
		return false
	}
	x.runs.Store(s.Runs)
	for _, p := range s.Phases {
		x.phases = append(x.phases, p.restore())
	}
	return true
}

var errDamaged = errors.New("the checkpoint is damaged: it was cut, or is no checkpoint of an exploration")

func (x *exploration) load(text []byte) (*saved, error) {
	rest, ok := bytes.CutPrefix(text, []byte(checkpointHead))
	sum, body, found := bytes.Cut(rest, []byte("\n"))
	if !ok || !found || string(sum) != fmt.Sprintf("%08x", crc32.ChecksumIEEE(body)) {
		return nil, errDamaged
	}
	var s saved
	if err := json.Unmarshal(body, &s); err != nil {
		return nil, errDamaged
	}
	switch {
	case s.Name != x.opts.Name:
		return nil, fmt.Errorf("the checkpoint is of another program or of other options: %s, and this is %s", s.Name, x.opts.Name)
	case s.Fields != sim.NamesSum():
		return nil, errors.New("the checkpoint was made by another version of epollsim")
	case s.Options != savedOptions{x.opts.Bound, x.opts.Direct}:
		return nil, errors.New("the checkpoint was made with another --max-preemptions")
	}
	for i := range s.Phases {
		p := &s.Phases[i]
		if !p.Complete && (p.Fixed < 0 || p.Fixed != len(p.Stack)) {
			return nil, errDamaged
		}
	}
	return &s, nil
}

func (p *savedPhase) restore() *phase {
	s := newSearch(p.Bound)
	s.cut, s.fixed, s.relearn = p.Cut, p.Fixed, true
	for i := range p.Stack {
		from, e := &p.Stack[i], s.at(i)
		e.task, e.used, e.todo = from.Task, from.Used, from.Todo
		e.done, e.sleep = s.restoreSleepers(from.Done), s.restoreSleepers(from.Sleep)
	}
	q := &phase{bound: p.Bound, complete: p.Complete, search: s, tallies: p.Tallies}
	q.eachWitness(func(w *Witness) {
		if e, ok := p.Errors[w.Token]; ok {
			w.Err = &e
		}
	})
	return q
}

func (s *search) restoreSleepers(list []savedSleeper) (all []sleeper) {
	for _, q := range list {
		one := sleeper{task: q.Task, all: q.All, frees: q.Frees}
		for _, a := range q.Foot {
			one.foot = append(one.foot, s.ref(a))
		}
		all = append(all, one)
	}
	return all
}

// eachWitness calls fn for every witness.
func (c *tallies) eachWitness(fn func(*Witness)) {
	for _, list := range [][]*Outcome{c.Failures, c.States} {
		for _, o := range list {
			fn(&o.Witness)
		}
	}
	for _, t := range c.Conditions {
		fn(&t.Positive.Witness)
		fn(&t.Negative.Witness)
	}
	fn(&c.Limit)
}
