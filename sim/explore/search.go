package explore

import (
	"errors"
	"fmt"

	"github.com/epollsim/epollsim/sim"
)

// errRedundant ends a run all of whose continuations are covered elsewhere.
var errRedundant = fmt.Errorf("explore: redundant: %w", sim.ErrStopped)

// errDisturbed says that a run was for nothing, as all before it: the program is not calm.
var errDisturbed = errors.New("explore: a signal was sent")

// errAborted ends a run in the middle, to be done again if the exploration goes on.
var errAborted = fmt.Errorf("explore: no time left: %w", sim.ErrStopped)

// oftenSteps is after how many steps of a run, or races, the clock is looked at: the work on one grows with what was before.
const oftenSteps = 1024

func (s *search) clock() { s.aborted = s.aborted || s.late != nil && s.late() }

// search visits schedules depth first. It is the strategy of every run.
type search struct {
	bound int // preemptions of a schedule, negative: no bound
	rules rules
	locations

	events []event
	touchs []touch // of all events of the current run
	wholes int     // of those, of whole objects
	n      int     // length of the current run
	fixed  int     // events before are those of the run before
	base   int     // events before are another's, who made a branch of this

	choosing bool // between two runs: what is next at event n is not known yet

	last    []int32 // by task: its last event in the current run, or -1
	turns   []turn  // of the current run
	settled uint64  // of the machine, at the last event
	floor   int32

	calm bool // no run has sent a signal

	m         *sim.Machine
	relearn   bool // the fixed events come from elsewhere: what they touched is not known
	chosen    bool // the choice for event n is made
	redundant bool
	cut       bool // the bound kept something from being visited
	late      func() bool
	races     int  // looked for
	aborted   bool // time was over in the middle of a run
	stray     error
	firsts    []firstEvent
	tasks     []int32 // of a wish that is being made
	met       []int32 // locations that were asked for last
	racing    []int32 // touchs of an event that may be in a race
	past      []int32 // a clock: what is before an event because of what its task did
	joined    []int32 // … and who woke it
	after     []int32 // … and who released a lock

	alls    []int32 // events that looked at everything
	failing bool    // the step that is added ended the run
	quiet   bool    // nobody tells us of the steps from n on: one task is alone, and behind all that was
}

// begin prepares for a run, which repeats the events before fixed.
func (s *search) begin() {
	for s.aborted && s.n > 0 && (s.relearn || s.n > s.fixed-1) {
		s.n--
		s.forget(&s.events[s.n])
	}
	s.n, s.m, s.chosen, s.redundant, s.aborted, s.quiet = 0, nil, false, false, false, false
	s.settled, s.floor, s.turns = 0, 0, s.turns[:0]
	for i := range s.last {
		s.last[i] = -1
	}
}

// Preemptive is true.
func (*search) Preemptive() bool { return true }

// Calm reports whether no run so far was disturbed.
func (s *search) Calm() bool { return s.calm }

// disturbed reports whether the run that has ended was, though it should not.
func (s *search) disturbed() bool {
	return s.calm && s.rules.disturbed && s.m != nil && s.m.Disturbed()
}

// at returns event i, growing the list.
func (s *search) at(i int) *event {
	for len(s.events) <= i {
		s.events = grow(s.events)
	}
	return &s.events[i]
}

// Next repeats the fixed choices and makes the default ones beyond.
func (s *search) Next(m *sim.Machine, runnable []*sim.Task, current int) int {
	if s.quiet {
		s.heard(int(m.Steps))
	}
	s.m, s.n = m, int(m.Steps)
	e := s.at(s.n)
	s.chosen = true
	if s.n < s.fixed {
		if s.relearn {
			e.choices(runnable, current)
		}
		for i, t := range runnable {
			if int32(t.Order) == e.task {
				s.skip(m, t)
				return i
			}
		}
		s.strayed("task %d cannot run at step %d, where it ran before", e.task, s.n)
		return max(current, 0)
	}
	e.choices(runnable, current)
	s.enter(e)
	i := s.pick(e, current)
	if i < 0 {
		s.giveUp(m)
		return max(current, 0)
	}
	e.task = e.enabled[i]
	return i
}

// choices notes who could run.
func (e *event) choices(runnable []*sim.Task, current int) {
	e.enabled, e.forced, e.current = e.enabled[:0], false, -1
	for _, t := range runnable {
		e.enabled = append(e.enabled, int32(t.Order))
	}
	if current >= 0 {
		e.current = e.enabled[current]
	}
}

// pick takes the default unless it is asleep, then the first who is not.
func (s *search) pick(e *event, current int) int {
	if i := max(current, 0); !e.asleep(e.enabled[i]) {
		return i
	}
	for i, t := range e.enabled {
		if !e.asleep(t) && (e.current < 0 || s.bound < 0 || int(e.used) < s.bound) {
			return i
		}
	}
	return -1
}

// giveUp leaves a run that shows nothing new. Most are soon over then. What who waits for a lock would do is covered elsewhere,
// with all that would still come, but not that it had been first here.
func (s *search) giveUp(m *sim.Machine) {
	s.redundant = true
	if s.rules.pending {
		s.unfulfilled()
	}
	m.Coast(errRedundant, redundantSteps)
}

const redundantSteps = 100

func (s *search) strayed(format string, args ...any) {
	if s.stray == nil {
		s.stray = fmt.Errorf("not deterministic: "+format, args...)
	}
	s.m.Stop(s.stray)
}

// Stepped adds the step that has ended to the run.
func (s *search) Stepped(m *sim.Machine) { s.stepped(m, int(m.Steps)-1) }

// stepped adds step i.
func (s *search) stepped(m *sim.Machine, i int) {
	s.m = m
	t := m.Current()
	if t == nil {
		return
	}
	task, foot := int32(t.Order), m.Footprint()
	if s.quiet {
		s.heard(i)
		foot = nil
	}
	s.n = i
	e := s.at(i)
	if s.relearn && i < s.fixed && !s.chosen {
		e.enabled, e.forced, e.current = e.enabled[:0], true, task
	}
	if i >= s.fixed && !s.chosen {
		e.enabled, e.forced, e.current = e.enabled[:0], true, task
		s.enter(e)
		e.task = task
		if e.asleep(task) {
			s.giveUp(m)
			return
		}
	}
	if e.task != task {
		s.strayed("step %d is of task %d and was of %d", i, task, e.task)
	}
	s.chosen = false
	if m.Settled() != s.settled {
		s.settled = m.Settled()
		if s.rules.time {
			s.floor = int32(i)
		}
	}
	if i >= s.fixed-1 || s.relearn { // the last fixed choice is a new one
		s.ended(e, t, foot)
	}
	s.ran(task, int32(i), int32(i))
	s.n++
	if s.n%oftenSteps == 0 {
		s.clock()
	}
	if s.aborted {
		m.Stop(errAborted)
		return
	}
	switch {
	case e.forced && s.alone(m, e, t):
	case s.n == s.fixed-1 && !s.relearn:
		m.Collect(true)
	case s.n < s.fixed-2:
		s.skip(m, t)
	}
}

// skip has m go through the events from the next one on that are t's without us: what was done before need not be looked at
// again. The last before the new choice is, for what comes behind it.
func (s *search) skip(m *sim.Machine, t *sim.Task) {
	to := s.fixed - 2
	if s.n >= to || s.relearn || m.Settled() != s.settled {
		return
	}
	m.Collect(false)
	task, k := int32(t.Order), s.n
	for k < to && s.events[k].task == task {
		k++
	}
	if k > s.n {
		m.Skip(uint64(k), t)
		s.ran(task, int32(s.n), int32(k-1))
	}
}

// token is the schedule of the run that has ended.
func (s *search) token() string { return tokenOf(s.m) }
