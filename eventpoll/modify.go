package eventpoll

import "github.com/epollsim/epollsim/abi"

// modify stores a new mask and data and asks the file again, which re-arms ET and ONESHOT. ep.mtx is held;
// a callback may see the old or the new mask. The hooks stay as they are, and a listed item stays listed
// though the new mask may not match: the next scan drops it. Models ep_modify.
func (ep *Eventpoll) modify(epi *epitem, ev *abi.EpollEvent) {
	m := ep.m
	ep.enterItem(epi, "ep_modify")
	ready := false
	if ep.rules.ModStoresLate {
		ready = ep.readyFor(epi, ev.Events)
	}
	m.Write(epi.id, fieldMask)
	epi.spent = false
	epi.event.Events = ev.Events
	epi.event.Data = ev.Data
	if ev.Events&abi.EPOLLWAKEUP != 0 && !ep.rules.NoWakeup {
		if epi.ws == nil {
			ep.makeWakeupSource(epi)
		}
	} else if epi.ws != nil {
		ep.dropWakeupSource(epi)
	}
	// The kernel has a full barrier here (128dd1759d96); sequential consistency needs none.
	if !ep.rules.ModStoresLate {
		ready = ep.itemPoll(epi) != 0
	}
	if ready {
		ep.listIfReady(epi, true)
	}
	m.Leave("ep_modify")
}

// readyFor asks the file of an item with a mask that nobody else sees yet.
func (ep *Eventpoll) readyFor(epi *epitem, mask abi.Events) bool {
	ep.pt.Key = mask
	return epi.file.Poll(&ep.pt)&mask != 0
}
