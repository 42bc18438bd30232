package eventpoll

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
)

// sendEvents delivers up to maxevents ready items to the caller's buffer. A listed item whose file is not
// ready any more is dropped without counting; a delivered LT item goes to the tail of the ready list. A
// buffer shorter than maxevents is memory that cannot be written: EFAULT if nothing was delivered before,
// and the item stays listed. EINTR only for a fatal signal.
//
// Models ep_send_events.
func (ep *Eventpoll) sendEvents(t *sim.Task, events []abi.EpollEvent, maxevents int) (int, abi.Errno) {
	if t.FatalSignalPending() && !ep.rules.FatalSignalFetches {
		return 0, abi.EINTR
	}
	m := ep.m
	ep.enter("ep_send_events")
	ep.mtx.Lock()
	ep.startScan()
	n := 0
	var errno abi.Errno
	for epi := ep.txlist.Front(); epi != nil && n < maxevents; {
		next := ep.txlist.Next(&epi.rdllink)
		if epi.ws != nil {
			ep.keepAwake(epi.ws)
		}
		epi.rdllink.Unlink()
		revents := ep.itemPoll(epi)
		if revents == 0 {
			ep.statics.reach(scanNotReady)
			ep.moved(epi, "txlist", placeIdle, "not ready any more")
			epi = next
			continue
		}
		if n >= len(events) {
			ep.statics.reach(scanFault)
			ep.txlist.PushFront(&epi.rdllink, epi)
			epi.stayAwake(ep)
			if n == 0 {
				errno = abi.EFAULT
			}
			break
		}
		if m.Observed() {
			ep.delivered(epi)
		}
		events[n] = abi.EpollEvent{Events: revents, Data: epi.event.Data}
		n++
		ep.requeue(epi)
		epi = next
	}
	if n == maxevents && !ep.txlist.Empty() {
		ep.statics.reach(scanStopsAtMaxevents)
	}
	ep.endScan()
	ep.sys.Counters.BytesOut += uint64(n * abi.SizeofEpollEvent)
	leaveWith(m, "ep_send_events", n, errno)
	return n, errno
}

// requeue decides what becomes of a delivered item: ONESHOT is disarmed, ET stays idle, LT is listed again,
// to be asked again by the next scan.
func (ep *Eventpoll) requeue(epi *epitem) {
	m := ep.m
	switch {
	case epi.event.Events&abi.EPOLLONESHOT != 0:
		ep.statics.reach(scanSendsOneshot)
		m.Write(epi.id, fieldMask)
		epi.event.Events &= privateBits
		ep.moved(epi, "txlist", placeIdle, "sent and disarmed")
	case epi.event.Events&abi.EPOLLET == 0:
		ep.statics.reach(scanSendsLevel)
		ep.listTail(epi, "txlist", "sent, level-triggered")
		epi.stayAwake(ep)
	default:
		ep.statics.reach(scanSendsEdge)
		ep.moved(epi, "txlist", placeIdle, "sent, edge-triggered")
	}
}

// itemPoll asks the file of an item what it is ready for, cut to the item's mask. A file whose last
// reference is gone is not ready (4efaa5acf0a1). ep.mtx is held. Models ep_item_poll.
func (ep *Eventpoll) itemPoll(epi *epitem) abi.Events {
	ep.m.Guarded(&ep.mtx, epi.id, fieldMask)
	f := epi.file
	if ep.old && ep.rules.PollsDyingFiles {
		return ep.pollUnpinned(epi)
	}
	if !f.Lend() {
		return 0
	}
	ep.pt.Key = epi.event.Events
	revents := f.Poll(&ep.pt)
	f.Return()
	return revents & epi.event.Events
}

// pollUnpinned is itemPoll up to 6.8: the file may be dying. Most files do not mind; one whose ->poll takes a
// reference would come to life again and die twice, which a checked run reports.
func (ep *Eventpoll) pollUnpinned(epi *epitem) abi.Events {
	f := epi.file
	if f.Dying() && ep.m.Checked() {
		ep.m.Violation("use after free: ->poll of %s, whose last reference is gone (%s)", f.ID(), f.Name)
	}
	ep.pt.Key = epi.event.Events
	return f.Poll(&ep.pt) & epi.event.Events
}
