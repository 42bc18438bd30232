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
const checkpointHead = "epollsim-checkpoint 2 "

// saved is an exploration between two runs. What can be learned by running again is not in it.
type saved struct {
	Name      string
	Fields    uint32 // checksum of the names that accesses refer to by number
	Options   savedOptions
	Disturbed bool `json:",omitempty"`
	Phases    []savedPhase
}

// savedOptions are those that decide what is visited next.
type savedOptions struct {
	Bound  Bound
	Direct bool
}

type savedPhase struct {
	Bound int
	Most  uint64
	savedBranch
}

type savedBranch struct {
	Complete bool
	Cut      bool
	Base     int `json:",omitempty"`
	Fixed    int
	Choosing bool          `json:",omitempty"`
	First    *savedSleeper `json:",omitempty"`
	Tallies  tallies
	Errors   map[string]savedError // by token
	Stack    []savedEvent          // the first Fixed events; if Choosing, all up to the one where a choice is due
}

type savedEvent struct {
	savedSleeper                // what its footprint is is known only if Choosing
	Used         int32          `json:",omitempty"`
	Forced       bool           `json:",omitempty"`
	Current      int32          `json:",omitempty"`
	Todo         []int32        `json:",omitempty"`
	Done         []savedSleeper `json:",omitempty"`
	Sleep        []savedSleeper `json:",omitempty"`
	Wants        []savedWish    `json:",omitempty"`
	Given        []savedBranch  `json:",omitempty"`
}

type savedWish struct {
	Tasks []int32
	One   bool `json:",omitempty"`
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
	s := saved{Name: x.opts.Name, Fields: sim.NamesSum(), Options: savedOptions{x.opts.Bound, x.opts.Direct}, Disturbed: x.disturbed}
	for _, p := range x.phases {
		s.Phases = append(s.Phases, savedPhase{p.bound, p.most, p.save()})
	}
	text, err := json.Marshal(s)
	if err != nil {
		panic("explore: " + err.Error())
	}
	return append(fmt.Appendf(nil, "%s%08x\n", checkpointHead, crc32.ChecksumIEEE(text)), text...)
}

func (b *branch) save() savedBranch {
	q := b.search
	s := savedBranch{
		Complete: b.complete, Cut: q.cut, Base: q.base, Fixed: q.fixed, Choosing: q.choosing, First: b.first.Load(),
		Tallies: b.clone(), Errors: map[string]savedError{},
	}
	b.eachWitness(func(w *Witness) {
		if w.Err != nil {
			s.Errors[w.Token] = savedError{w.Err.Error(), rank(w.Err)}
		}
	})
	s.Tallies.eachWitness(func(w *Witness) { w.Err = nil })
	for i := range q.reach() {
		s.Stack = append(s.Stack, q.saveEvent(&q.events[i]))
	}
	return s
}

func (s *search) saveEvent(e *event) savedEvent {
	to := savedEvent{Used: e.used, Todo: slices.Clone(e.todo), Done: s.saveSleepers(e.done), Sleep: s.saveSleepers(e.sleep)}
	to.Task = e.task
	if s.choosing {
		to.savedSleeper = s.savedOf(e)
		to.Forced, to.Current = e.forced, e.current
	}
	for _, w := range e.wants {
		to.Wants = append(to.Wants, savedWish{w.tasks, w.one})
	}
	for _, g := range e.given {
		to.Given = append(to.Given, g.save())
	}
	return to
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
	x.disturbed = s.Disturbed
	for i := range s.Phases {
		p := x.newPhase(s.Phases[i].Bound)
		s.Phases[i].restore(p.branch)
		p.most = s.Phases[i].Most
		p.runs.Store(p.Runs)
		x.phases = append(x.phases, p)
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
		if !s.Phases[i].sound(0) {
			return nil, errDamaged
		}
	}
	return &s, nil
}

// sound reports whether b can be a branch that begins with base choices.
func (b *savedBranch) sound(base int) bool {
	if b.Base != base || !b.Choosing && len(b.Stack) != b.Fixed || len(b.Stack) < base || b.Choosing && len(b.Stack) == base ||
		b.First == nil && base > 0 && b.Tallies.Runs > 0 {
		return false
	}
	for i := range b.Stack {
		e := &b.Stack[i]
		if len(e.Given) > 0 && (i < base || len(e.Given) > len(e.Todo)) {
			return false
		}
		for k := range e.Given {
			if !e.Given[k].sound(i + 1) {
				return false
			}
		}
	}
	return true
}

func (b *savedBranch) restore(to *branch) {
	s := to.search
	s.base, s.cut, s.fixed, s.choosing, s.relearn = b.Base, b.Cut, b.Fixed, b.Choosing, true
	for i := range b.Stack {
		s.restoreEvent(s.at(i), &b.Stack[i], i)
	}
	if s.choosing {
		s.n = len(b.Stack) - 1
	}
	to.complete, to.tallies = b.Complete, b.Tallies
	to.first.Store(b.First)
	to.eachWitness(func(w *Witness) {
		if e, ok := b.Errors[w.Token]; ok {
			w.Err = &e
		}
	})
}

func (s *search) restoreEvent(e *event, from *savedEvent, i int) {
	e.task, e.used, e.todo, e.forced, e.current = from.Task, from.Used, from.Todo, from.Forced, from.Current
	e.done, e.sleep = s.restoreSleepers(from.Done), s.restoreSleepers(from.Sleep)
	own := s.restoreSleepers([]savedSleeper{from.savedSleeper})[0]
	e.all, e.frees, e.lo = own.all, own.frees, s.behindTouchs(i)
	s.touchs = s.touchs[:e.lo]
	for _, r := range own.foot {
		s.touchs = append(s.touchs, touch{ref: r, prev: -1})
		if r.whole {
			s.wholes++
		}
	}
	e.hi = int32(len(s.touchs))
	for _, w := range from.Wants {
		e.wants = append(e.wants, wish{w.Tasks, w.One})
	}
	for k := range from.Given {
		g := &branch{search: newSearch(s.bound), task: from.Todo[k]}
		g.search.calm = s.calm
		from.Given[k].restore(g)
		e.given = append(e.given, g)
	}
}

func (s *search) restoreSleepers(list []savedSleeper) (all []sleeper) {
	for _, q := range list {
		one := sleeper{task: q.Task, all: q.All, frees: q.Frees}
		for _, a := range q.Foot {
			one.foot = append(one.foot, s.ref(&a))
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
