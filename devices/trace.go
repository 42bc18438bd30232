package devices

import "github.com/epollsim/epollsim/sim"

// enter and leave tell the tracer, if there is one; unlike Machine.Enter they cost the untraced run one branch.
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
