package eventpoll

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/waitqueue"
)

// enter says that a function of ep begins.
func (ep *Eventpoll) enter(what string) { ep.m.EnterOn(ep.id, what, "") }

// enterItem says that a function begins that works on one item.
func (ep *Eventpoll) enterItem(epi *epitem, what string) {
	if ep.m.Tracing() {
		ep.emitEnter(epi, what)
	}
}

//go:noinline
func (ep *Eventpoll) emitEnter(epi *epitem, what string) { ep.m.EnterOn(epi.id, what, epi.describe()) }

// leaveWith is Machine.LeaveWith for a function with a result: a count, or an errno.
func leaveWith(m *sim.Machine, what string, n int, errno abi.Errno) {
	if m.Tracing() {
		emitLeave(m, what, n, errno)
	}
}

//go:noinline
func emitLeave(m *sim.Machine, what string, n int, errno abi.Errno) {
	result := strconv.Itoa(n)
	if errno != 0 {
		result = "-" + errno.Name()
	}
	m.LeaveWith(what, result)
}

// The places of an item, as traces name them, besides the lists. It is on ovflist besides another place.
const (
	placeNew  = "new"
	placeIdle = "idle"
	placeGone = "gone"
)

// moved tells where an item of ep went, and why or to which end of the list.
func (ep *Eventpoll) moved(epi *epitem, from, to, why string) {
	if ep.m.Tracing() {
		ep.emitMove(epi, from, to, why)
	}
}

//go:noinline
func (ep *Eventpoll) emitMove(epi *epitem, from, to, why string) {
	ep.m.Move(epi.id, ep.id, epi.describe(), from, to, why)
}

// leaves tells that epi goes from the list that it is on now.
func (ep *Eventpoll) leaves(epi *epitem, to, why string) {
	if ep.m.Tracing() {
		ep.emitLeaves(epi, to, why)
	}
}

//go:noinline
func (ep *Eventpoll) emitLeaves(epi *epitem, to, why string) { ep.emitMove(epi, epi.place(), to, why) }

// place is the list that epi is on.
func (epi *epitem) place() string {
	if !epi.rdllink.Linked() {
		return placeIdle
	}
	for other := range epi.ep.txlist.All() {
		if other == epi {
			return "txlist"
		}
	}
	return "rdllist"
}

// spliced tells that the whole ready list has become the list of a scan.
func (ep *Eventpoll) spliced() {
	if ep.m.Tracing() {
		for epi := range ep.txlist.All() {
			ep.emitMove(epi, "rdllist", "txlist", "")
		}
	}
}

// returned tells that what a scan has left goes back to the front of the ready list, the last one first.
func (ep *Eventpoll) returned() {
	if ep.m.Tracing() {
		for _, epi := range slices.Backward(slices.Collect(ep.txlist.All())) {
			ep.emitMove(epi, "txlist", "rdllist", "front")
		}
	}
}

// tracedCallback and tracedWake are the wake functions of a traced run.
func tracedCallback(e *waitqueue.Entry, mode sim.State, sync bool, key abi.Events) int {
	epi := e.Private.(*pollEntry).base
	m := epi.ep.m
	args := epi.describe() + ", no key"
	if key != 0 {
		args = epi.describe() + ", " + key.Short()
	}
	m.EnterOn(epi.id, "ep_poll_callback", args)
	n := pollCallback(e, mode, sync, key)
	m.LeaveWith("ep_poll_callback", strconv.Itoa(n))
	return n
}

func tracedWake(e *waitqueue.Entry, mode sim.State, sync bool, key abi.Events) int {
	w := e.Private.(*Waiter)
	m := w.task.Machine()
	m.Enter(w.name)
	n := w.wake(e, mode, sync, key)
	m.LeaveWith(w.name, strconv.Itoa(n))
	return n
}

// String names the waiter in traces and snapshots: the task.
func (w *Waiter) String() string { return w.task.String() }

// String names a hook by its item.
func (pwq *pollEntry) String() string {
	return fmt.Sprintf("%s of %s", pwq.base.describe(), pwq.base.ep.id)
}

// Traced is vfs.Traced.
func (ep *Eventpoll) Traced() (string, sim.ID) { return "ep_eventpoll", ep.id }
