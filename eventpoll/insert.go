package eventpoll

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/vfs"
)

// insert makes an item for (target, fd), hooks it to the file's wait queues, and lists it if the file is
// ready already. ep.mtx is held, epnested_mutex too for a full check. No scan of ep can run meanwhile.
//
// Models ep_insert. Hook allocation never fails here: ENOMEM is left out.
func (ep *Eventpoll) insert(target *vfs.File, fd int, ev *abi.EpollEvent, fullCheck bool) abi.Errno {
	m, s := ep.m, ep.statics
	if !ep.user.charge(s) {
		s.reach(addQuota)
		return abi.ENOSPC
	}
	epi := s.newItem()
	epi.ep, epi.file, epi.fd, epi.event = ep, target, fd, *ev
	ready := ep.rules.HooksBeforeChecks && ep.hook(epi)

	inner := Of(target)
	if inner != nil {
		inner.mtx.Lock()
	}
	ep.attach(epi)
	if fullCheck && inner == nil {
		s.listFile(target)
	}
	if m.Observed() {
		m.Guarded(&ep.mtx, ep.id, fieldRbr)
		ep.moved(epi, placeNew, placeIdle, "on rbr")
	}
	ep.rbr.Insert(&epi.rbn, epi)
	if inner != nil {
		inner.mtx.Unlock()
	}
	m.Write(ep.id, fieldRefcount)
	ep.refcount++

	if fullCheck && !s.reversePathCheck() {
		s.reach(addTooManyPaths)
		if ep.remove(epi) {
			ep.put()
		}
		return abi.EINVAL
	}
	if ev.Events&abi.EPOLLWAKEUP != 0 && !ep.rules.NoWakeup {
		ep.makeWakeupSource(epi)
	}
	if !ep.rules.HooksBeforeChecks {
		ready = ep.hook(epi)
	}
	ep.listIfReady(epi, ready)
	return 0
}

// hook asks the file of a new item and hooks the item to its queues. From the first hook on callbacks may run
// for the item, and list it before ->poll has returned.
func (ep *Eventpoll) hook(epi *epitem) (ready bool) {
	ep.inserting, ep.pt.Queue = epi, ep
	revents := ep.itemPoll(epi)
	ep.inserting, ep.pt.Queue = nil, nil
	return revents != 0
}

// listIfReady ends ADD and MOD: a file that is ready now is listed, and who waits is woken. An item that
// a callback has listed meanwhile stays as it is; that callback's wake-up counts.
func (ep *Eventpoll) listIfReady(epi *epitem, ready bool) {
	ep.lock.Lock()
	pwake := false
	if ready && epi.rdllink.Linked() {
		ep.statics.reach(addListedByCallback)
	}
	if ready && !epi.rdllink.Linked() {
		ep.statics.reach(addReady)
		sleepers := ep.rules.ListsLate && ep.hasSleepers()
		ep.listTail(epi, placeIdle, "")
		epi.stayAwake(ep)
		if !ep.rules.ListsLate {
			sleepers = ep.hasSleepers()
		}
		if sleepers {
			ep.statics.reach(addWakesWaiter)
			ep.wakeWaiter(false)
		}
		pwake = ep.pollWait.Active()
	}
	ep.lock.Unlock()
	if pwake {
		ep.statics.reach(addWakesPollers)
		ep.wakePollers(0)
	}
}

// charge counts a watch of u unless the quota is reached. The test and the count are apart, as in the
// kernel's per-CPU counter: two threads may overshoot.
func (u *User) charge(s *Statics) bool {
	s.Sys.M.Read(u.id, fieldWatches)
	if u.watches >= s.MaxUserWatches {
		return false
	}
	s.Sys.M.Write(u.id, fieldWatches)
	u.watches++
	return true
}

func (u *User) uncharge(s *Statics) {
	s.Sys.M.Write(u.id, fieldWatches)
	u.watches--
}
