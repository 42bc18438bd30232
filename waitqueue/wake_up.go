package waitqueue

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
)

// All is the quota of a wake-up that reaches everybody.
const All = 0

// WakeUp wakes every non-exclusive entry and nr exclusive ones (All: every one): the wake_up family. mode
// names the sleeping states it reaches, key what happened. It returns how many exclusive entries were
// consumed.
func (h *Head) WakeUp(mode sim.State, nr int, sync bool, key abi.Events) int {
	if h.m.Tracing() {
		return h.tracedWakeUp(mode, nr, sync, key)
	}
	return h.wakeUp(mode, nr, sync, key)
}

func (h *Head) wakeUp(mode sim.State, nr int, sync bool, key abi.Events) int {
	if h.m.WakeBatch > 0 {
		return h.wakeInBatches(mode, nr, sync, key)
	}
	h.Lock.Lock()
	n := h.walk(h.front(), mode, nr, sync, key)
	h.Lock.Unlock()
	return n
}

// WakeUpLocked is WakeUp for a caller that holds the lock: wake_up_locked_poll.
func (h *Head) WakeUpLocked(mode sim.State, nr int, sync bool, key abi.Events) int {
	if h.m.Tracing() {
		return h.tracedWalk(mode, nr, sync, key)
	}
	return h.walk(h.front(), mode, nr, sync, key)
}

// WakeUpPoll is WakeUp of one for the states of wake_up_poll.
func (h *Head) WakeUpPoll(key abi.Events) { h.WakeUp(sim.Normal, 1, false, key) }

// WakeUpInterruptibleAll is wake_up_interruptible_all: no key.
func (h *Head) WakeUpInterruptibleAll() { h.WakeUp(sim.Interruptible, All, false, 0) }

// front is where a walk begins. The point stands before the look at the list.
func (h *Head) front() *Entry {
	h.read()
	return h.list.Front()
}

// walk calls the wake functions from e to the tail until the quota is used up. The successor is taken
// before the call, so a function may unlink its own entry and no other. Models __wake_up_common.
func (h *Head) walk(e *Entry, mode sim.State, nr int, sync bool, key abi.Events) int {
	consumed, tracing := 0, h.m.Tracing()
	for e != nil {
		next := h.list.Next(&e.link)
		flags := e.Flags
		n := e.Func(e, mode, sync, key)
		if tracing && !e.link.Linked() {
			h.unlinked(e)
		}
		if n < 0 {
			break
		}
		if n > 0 && flags&Exclusive != 0 {
			consumed++
			if nr--; nr == 0 {
				break
			}
		}
		e = next
	}
	return consumed
}

// WakeUpPollFree tells every poller that the queue is about to be freed: wake_up_pollfree. The owner frees
// it after an RCU grace period. Whoever is still queued afterwards would dangle.
func (h *Head) WakeUpPollFree() {
	if !h.Active() {
		return
	}
	h.WakeUp(sim.Normal, All, false, abi.EPOLLHUP|abi.POLLFREE)
	if h.Active() {
		h.m.Violation("%s has entries after POLLFREE", h.ID())
	}
}
