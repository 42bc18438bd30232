package devices

import (
	"strconv"

	"github.com/epollsim/epollsim/sim"
)

// enter and leave tell the tracer, if there is one.
func enter(m *sim.Machine, what string) {
	if m.Tracing() {
		m.Enter(what)
	}
}

func leave(m *sim.Machine, what string) {
	if m.Tracing() {
		m.Leave(what)
	}
}

// changed tells that a number of the object id changes.
func changed(m *sim.Machine, id sim.ID, what string, from, to uint64) {
	if m.Tracing() {
		emitChanged(m, id, what, from, to)
	}
}

//go:noinline
func emitChanged(m *sim.Machine, id sim.ID, what string, from, to uint64) {
	if from != to {
		m.Move(id, 0, what, strconv.FormatUint(from, 10), strconv.FormatUint(to, 10), "")
	}
}
