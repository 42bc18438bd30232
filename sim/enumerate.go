package sim

import "fmt"

// Enumeration visits every schedule with at most Bound preemptions, one per run, depth first. Each run
// starts with Begin and uses the Enumeration as its strategy; Advance moves to the next schedule. It knows
// nothing of which steps commute.
type Enumeration struct {
	Bound int // preemptions per run; negative: no bound

	stack       []branch
	at          int
	preemptions int
	cut         bool
}

// branch is one decision of the current schedule: which of how many allowed choices is taken. Choice 0 is
// the default one; the others follow in index order.
type branch struct{ choice, choices int }

// Begin prepares for a run.
func (e *Enumeration) Begin() { e.at, e.preemptions = 0, 0 }

// Preemptive is true.
func (*Enumeration) Preemptive() bool { return true }

// Next follows the prefix of the current schedule, and takes defaults beyond it.
func (e *Enumeration) Next(_ *Machine, runnable []*Task, current int) int {
	choices := len(runnable)
	if current >= 0 && e.Bound >= 0 && e.preemptions >= e.Bound {
		choices, e.cut = 1, true
	}
	if e.at == len(e.stack) {
		e.stack = append(e.stack, branch{choices: choices})
	}
	b := e.stack[e.at]
	if b.choices != choices {
		panic(fmt.Sprintf("sim: not deterministic: decision %d had %d choices and after the same ones has %d", e.at+1, b.choices, choices))
	}
	e.at++
	dflt := max(current, 0)
	index := dflt
	if b.choice > 0 {
		if index = b.choice - 1; index >= dflt {
			index++
		}
	}
	if current >= 0 && index != current {
		e.preemptions++
	}
	return index
}

// Advance moves to the next schedule; false when all were visited.
func (e *Enumeration) Advance() bool {
	for n := len(e.stack); n > 0; n = len(e.stack) {
		if b := &e.stack[n-1]; b.choice+1 < b.choices {
			b.choice++
			return true
		}
		e.stack = e.stack[:n-1]
	}
	return false
}

// Exhaustive reports whether the bound never kept a choice from being taken.
func (e *Enumeration) Exhaustive() bool { return !e.cut }
