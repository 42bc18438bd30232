package eventpoll

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/waitqueue"
)

// pollCallback runs in the waker's context when a watched file wakes its wait queue, whose lock is held. It
// puts the item on rdllist, or on ovflist while a scan owns rdllist, then wakes a waiter of ep.wq and
// whoever polls ep itself. It never asks the file: the item is a hint that the scan checks.
//
// Models ep_poll_callback. Leaves out NAPI ids. See epoll(7), "Level-triggered and edge-triggered".
func pollCallback(e *waitqueue.Entry, _ sim.State, sync bool, key abi.Events) int {
	pwq := e.Private.(*pollEntry)
	epi := pwq.base
	ep := epi.ep
	m, s := ep.m, ep.statics
	ep.sys.Counters.Callbacks++
	m.Guarded(&pwq.whead.Lock, pwq.id, fieldBase)
	pwake := false
	ewake := 0
	if ep.old {
		key = ep.oldKey(pwq, key)
	}

	ep.lock.Lock()
	m.Read(epi.id, fieldMask)
	mask := epi.event.Events
	exclusive := mask&abi.EPOLLEXCLUSIVE != 0 && !ep.rules.NoExclusive
	// A fired ONESHOT has no events left; a key that is not asked for is filtered, key 0 passes.
	switch {
	case mask&^privateBits == 0:
		s.reach(callbackDisarmed)
	case key != 0 && key&mask == 0:
		s.reach(callbackFiltered)
	case ep.queue(epi) && ep.rules.ScanHidesEvents:
	default:
		if ep.hasSleepers() {
			if exclusive && key&abi.POLLFREE == 0 && exclusiveWake(key, mask) {
				s.reach(callbackExclusiveCounts)
				ewake = 1
			}
			s.reach(callbackWakesWaiter)
			ep.wakeWaiter(sync)
		}
		pwake = ep.pollWait.Active()
	}
	ep.lock.Unlock()

	if pwake {
		s.reach(callbackWakesPollers)
		ep.wakePollers(key & abi.EPOLLURINGWAKE)
	}
	if !exclusive {
		ewake = 1
	}
	if key&abi.POLLFREE != 0 && !ep.rules.PollFreeForgetsFirst {
		s.reach(callbackPollFree)
		// Unlink first, clear whead last: the remover trusts a nil whead to mean that nobody touches
		// the hook any more (138e4ad67afd).
		e.Unlink()
		m.Write(pwq.id, fieldWhead)
		pwq.whead = nil
	}
	return ewake
}

// oldKey is what the callback of old kernels does first, and the key that it goes on with.
func (ep *Eventpoll) oldKey(pwq *pollEntry, key abi.Events) abi.Events {
	if ep.rules.NoKeys {
		return 0
	}
	if key&abi.POLLFREE != 0 && ep.rules.PollFreeForgetsFirst {
		pwq.forgetQueue(ep.m)
	}
	return key
}

// queue makes an item that fired known: to the tail of rdllist, or to the front of ovflist while a scan
// runs. An item that is there already stays. It reports whether a scan runs. ep.lock is held.
func (ep *Eventpoll) queue(epi *epitem) (scanning bool) {
	m := ep.m
	m.Read(ep.id, fieldOvflist)
	if ep.ovflist != inactive {
		if epi.next == inactive {
			ep.statics.reach(callbackDuringScan)
			m.Write(ep.id, fieldOvflist)
			epi.next, ep.ovflist = ep.ovflist, epi
			ep.leaves(epi, "ovflist", "")
			epi.stayAwakeRCU(ep)
		} else {
			ep.statics.reach(callbackTwiceDuringScan)
		}
		return true
	}
	if epi.rdllink.Linked() {
		ep.statics.reach(callbackIsListed)
		return false
	}
	ep.statics.reach(callbackLists)
	ep.listTail(epi, placeIdle, "")
	epi.stayAwakeRCU(ep)
	return false
}

// forgetQueue is what POLLFREE did up to 4.12 before anything else: the remover finds no queue, frees the hook,
// and with it goes what the callback still works on.
func (pwq *pollEntry) forgetQueue(m *sim.Machine) {
	m.Write(pwq.id, fieldWhead)
	pwq.whead = nil
	m.Write(pwq.id, fieldWait)
	pwq.wait.Unlink()
}

// exclusiveWake reports whether the wake-up of an EXCLUSIVE item counts, so that the source stops: a key
// of input or output only counts if the item asked for that; one with both does not.
func exclusiveWake(key, mask abi.Events) bool {
	switch key & (abi.EPOLLIN | abi.EPOLLOUT) {
	case abi.EPOLLIN:
		return mask&abi.EPOLLIN != 0
	case abi.EPOLLOUT:
		return mask&abi.EPOLLOUT != 0
	case 0:
		return true
	}
	return false
}
