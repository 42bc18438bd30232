package eventpoll

import (
	"slices"

	"github.com/epollsim/epollsim/sim"
)

// nestedCalls are the calls through epolls within epolls that are under way, of one kind: polls or wake-ups.
// Models struct nested_calls, which 4.15 removed.
type nestedCalls struct{ stack []nestedCall }

type nestedCall struct {
	task *sim.Task
	ep   *Eventpoll
}

// begin enters a call for ep by the running task, unless the task is in one for ep already or in more than
// EP_MAX_NESTS: ep_call_nested.
func (c *nestedCalls) begin(ep *Eventpoll) bool {
	t, depth := ep.m.Current(), 0
	for _, call := range c.stack {
		if call.task != t {
			continue
		}
		if depth++; call.ep == ep || depth > maxNests {
			return false
		}
	}
	c.stack = append(c.stack, nestedCall{t, ep})
	return true
}

// end leaves it.
func (c *nestedCalls) end(ep *Eventpoll) {
	call := nestedCall{ep.m.Current(), ep}
	if i := slices.Index(c.stack, call); i >= 0 {
		c.stack = slices.Delete(c.stack, i, i+1)
	}
}
