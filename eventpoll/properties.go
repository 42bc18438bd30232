package eventpoll

import (
	"fmt"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
	"github.com/epollsim/epollsim/waitqueue"
)

// What must hold for every program, besides what Check finds in the structures. Looked after in watched runs only.

// delivered holds an item that is about to be stored in the buffer of a caller against what the caller was promised.
//
//go:noinline
func (ep *Eventpoll) delivered(epi *epitem) {
	switch {
	case !epi.rbn.Linked():
		ep.m.Violation("event after DEL: %s is delivered and is not on rbr of %s", epi, ep.id)
	case epi.spent && epi.event.Events&abi.EPOLLONESHOT != 0:
		ep.m.Violation("ONESHOT twice: %s is delivered again and was not armed in between", epi)
	}
	epi.spent = epi.event.Events&abi.EPOLLONESHOT != 0
}

// LostWakeUps tells of threads that sleep in epoll_wait though there is something for them, as nothing can run: who
// should have woken them has passed by. The machine stands still.
func (s *Statics) LostWakeUps() []string {
	var lost []string
	s.Each(func(ep *Eventpoll) {
		if ep.mtx.Owner() != nil {
			return // a scan is stuck, which is another matter
		}
		epi := ep.pending()
		if epi == nil {
			return
		}
		for _, e := range ep.wq.Entries() {
			if t := sleeper(e); t != nil {
				lost = append(lost, fmt.Sprintf("%s sleeps in epoll_wait on %s though %s is listed and ready", t, ep.id, epi))
			}
		}
	})
	return lost
}

// sleeper is who waits with e.
func sleeper(e *waitqueue.Entry) *sim.Task {
	if w, ok := e.Private.(*Waiter); ok {
		if _, asleep := w.task.Sleeping(); asleep {
			return w.task
		}
	}
	return nil
}

// pending returns a listed item whose file is ready, nil if there is none.
func (ep *Eventpoll) pending() *epitem {
	for epi := range ep.rdllist.All() {
		if epi.ready() {
			return epi
		}
	}
	if ep.ovflist != inactive {
		for epi := ep.ovflist; epi != nil && epi != inactive; epi = epi.next {
			if epi.ready() {
				return epi
			}
		}
	}
	return nil
}

// ready asks the file of epi without hooking or changing anything.
func (epi *epitem) ready() bool {
	mask := epi.event.Events
	if mask&^privateBits == 0 || epi.dying || epi.file.Count() == 0 {
		return false
	}
	if inner := Of(epi.file); inner != nil {
		return mask&(abi.EPOLLIN|abi.EPOLLRDNORM) != 0 && inner.mtx.Owner() == nil && inner.pending() != nil
	}
	return epi.file.Poll(&vfs.PollTable{Key: mask})&mask != 0
}
