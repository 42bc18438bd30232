package verify

import (
	"errors"
	"fmt"
	"slices"

	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/scenario"
	"github.com/epollsim/epollsim/sim"
)

// follow looks for a schedule that shows what the host did. The threads of the model have their turns in the program in the
// order in which they had them on the host; the system call between two turns of a thread may be made at any time between
// them. Which of the calls that can be made comes next is tried in turn, by depth first: a run ends at the first result
// that is not the host's, and the next one decides the last open choice in another way.
//
// Calls are made whole, until they sleep or return. A turn that is not due but the only thing that can go on – the host was
// late, the model's clock is not – is taken before its time.
type follow struct {
	real *run
	late bool // the turn that is due comes before calls that can wait, not after them

	choices []choice // of the run before, as far as they stand
	depth   int

	machine *sim.Machine
	taken   []bool // turns that came
	at      int    // the first that has not
	threads map[string]*sim.Task
	began   map[*sim.Task]int // number of the turn that a thread had last
	paths   map[*sim.Task]string
	ready   []*sim.Task
	waits   map[*sim.Task]bool // for its turn
	fresh   map[*sim.Task]bool // has had it, and has not been chosen since
	count   int

	children map[string]int // of each thread
}

// choice is one of several calls that could be made.
type choice struct{ taken, of int }

func newFollow(real *run, late bool) *follow { return &follow{real: real, late: late} }

// begin prepares for a run of m.
func (f *follow) begin(m *sim.Machine) {
	f.machine, f.depth, f.at, f.count = m, 0, 0, 0
	f.taken = make([]bool, len(f.real.turns))
	f.threads, f.began, f.paths, f.children = map[string]*sim.Task{}, map[*sim.Task]int{}, map[*sim.Task]string{}, map[string]int{}
	f.waits, f.fresh = map[*sim.Task]bool{}, map[*sim.Task]bool{}
}

// another decides the last open choice in another way; false if none is open.
func (f *follow) another() bool {
	f.choices = f.choices[:min(f.depth, len(f.choices))]
	for n := len(f.choices); n > 0; n-- {
		if c := &f.choices[n-1]; c.taken+1 < c.of {
			c.taken++
			f.choices = f.choices[:n]
			return true
		}
	}
	return false
}

// errElsewhere ends a run whose results are not the host's.
var errElsewhere = errors.New("not what the host did")

// agrees reports whether c, the last call of h, is what its thread did on the host.
func (f *follow) agrees(h *History, c *scenario.Call) bool {
	theirs := f.real.history.calls[c.Thread]
	i := len(h.calls[c.Thread]) - 1
	return i < len(theirs) && agree(c, &theirs[i])
}

// turn is the run's OnTurn: it waits for the turn.
func (f *follow) turn(thread string) {
	t := f.machine.Current()
	f.threads[thread], f.paths[t], f.waits[t] = t, thread, true
	f.machine.Boundary() // until Next chooses t
	delete(f.waits, t)
	f.fresh[t] = true
	f.count++
	f.began[t] = f.count
	for i := f.at; i < len(f.taken); i++ {
		if f.real.turns[i] == thread && !f.taken[i] {
			f.taken[i] = true
			break
		}
	}
	for f.at < len(f.taken) && f.taken[f.at] {
		f.at++
	}
}

// Preemptive is true: a turn that is not due waits.
func (*follow) Preemptive() bool { return true }

// Next lets who has been chosen go on to the end of its call, then chooses.
func (f *follow) Next(_ *sim.Machine, runnable []*sim.Task, current int) int {
	for i, t := range runnable {
		th, ok := t.Owner.(*kernel.Thread)
		if !ok {
			return i // an interrupt
		}
		if _, known := f.paths[t]; !known && current >= 0 {
			f.child(t, runnable[current], th.Name())
		}
	}
	if current >= 0 {
		t := runnable[current]
		entry := f.fresh[t] && t.Next() == sim.Access{}
		if !entry && !f.waits[t] {
			return current
		}
	}
	chosen := f.choose(runnable)
	delete(f.fresh, chosen)
	return slices.Index(runnable, chosen)
}

// child names a thread that has never been in the program after who has just made it.
func (f *follow) child(t, maker *sim.Task, name string) {
	parent := f.paths[maker]
	f.children[parent]++
	path := fmt.Sprintf("%s/%d %s", parent, f.children[parent], name)
	f.threads[path], f.paths[t] = t, path
}

// choose takes one of the calls that can be made, and of the turns the one that is due.
func (f *follow) choose(runnable []*sim.Task) *sim.Task {
	f.ready = f.ready[:0]
	due := f.due()
	turn := due != nil && f.waits[due] && slices.Contains(runnable, due)
	if turn && f.late {
		f.ready = append(f.ready, due)
	}
	from := len(f.ready)
	for _, t := range runnable {
		if !f.waits[t] {
			f.ready = append(f.ready, t)
		}
	}
	slices.SortStableFunc(f.ready[from:], func(a, b *sim.Task) int { return f.began[a] - f.began[b] })
	if turn && !f.late {
		f.ready = append(f.ready, due)
	}
	switch len(f.ready) {
	case 0:
		return slices.MinFunc(runnable, func(a, b *sim.Task) int { return f.next(a) - f.next(b) })
	case 1:
		return f.ready[0]
	}
	if f.depth == len(f.choices) {
		f.choices = append(f.choices, choice{of: len(f.ready)})
	}
	c := f.choices[f.depth]
	f.depth++
	return f.ready[min(c.taken, len(f.ready)-1)]
}

// due returns who has the next turn, nil if nobody is known to.
func (f *follow) due() *sim.Task {
	if f.at == len(f.taken) {
		return nil
	}
	return f.threads[f.real.turns[f.at]]
}

// next returns when t has its next turn.
func (f *follow) next(t *sim.Task) int {
	for i := f.at; i < len(f.taken); i++ {
		if f.real.turns[i] == f.paths[t] && !f.taken[i] {
			return i
		}
	}
	return len(f.taken)
}
