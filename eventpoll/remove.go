package eventpoll

import (
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

var fieldFop = sim.NewField("f_op")

// remove takes an item out of everything: DEL, the roll-back of ADD, the close of the epoll. It reports
// whether it did; if the watched file is dying, the end of that file will. ep.mtx is held. The caller
// drops the item's reference on ep. Models ep_remove of late 6.18.y, which pins the file (a6dc643c6931).
func (ep *Eventpoll) remove(epi *epitem) bool {
	ep.enterItem(epi, "ep_remove")
	ep.unhook(epi)
	removed := ep.rules.RemovesUnpinned
	if removed {
		removed = ep.detach(epi, false)
	} else {
		removed = ep.detachPinned(epi)
	}
	ep.m.Leave("ep_remove")
	return removed
}

func (ep *Eventpoll) detachPinned(epi *epitem) bool {
	ep.m.Read(epi.id, fieldDying)
	f := epi.file
	if epi.dying || !f.Lend() {
		return false
	}
	ep.detach(epi, false)
	f.Return()
	return true
}

// detach unlinks an unhooked item from its file, the tree and the ready list, and frees it. Where files are not
// pinned it leaves that to the end of the file, unless that is the caller, and reports so.
func (ep *Eventpoll) detach(epi *epitem, fileEnds bool) bool {
	m, f := ep.m, epi.file
	f.Lock.Lock()
	if ep.rules.RemovesUnpinned && !fileEnds {
		m.Read(epi.id, fieldDying)
		if epi.dying {
			f.Lock.Unlock()
			return false
		}
	}
	head := f.Watchers().(*epitemsHead)
	unused := false
	if head.first == epi && epi.flnext == nil {
		f.SetWatchers(nil)
		if ep.rules.RemovesUnpinned && !ep.rules.ClosesTakeNested {
			m.Read(f.ID(), fieldFop) // who sees that nobody watches it may free it by now
		}
		if Of(f) == nil {
			m.Read(head.id, fieldCheckNext)
			unused = head.next == nil
		}
	}
	head.drop(m, epi)
	f.Lock.Unlock()
	if unused {
		ep.statics.freeHead(head)
	}

	if m.Observed() {
		m.Guarded(&ep.mtx, ep.id, fieldRbr)
		ep.leaves(epi, placeGone, "off rbr")
	}
	ep.rbr.Erase(&epi.rbn)

	ep.lock.Lock()
	if epi.rdllink.Linked() {
		m.Write(ep.id, fieldRdllist)
		epi.rdllink.Unlink()
	}
	ep.lock.Unlock()

	if Of(f) != nil {
		m.ForgetNesting()
	}
	epi.ws.unregister(m)
	ep.statics.freeItem(epi)
	ep.user.uncharge(ep.statics)
	return true
}

// Release ends the epoll when its file has no references any more: pollers are woken, every item is
// unhooked, then every item is removed. Models ep_eventpoll_release, ep_clear_and_put.
func (ep *Eventpoll) Release(_ *vfs.File) {
	ep.enter("ep_clear_and_put")
	if ep.pollWait.Active() {
		ep.statics.reach(releaseWakesPollers)
		ep.wakePollers(0)
	}
	if ep.rules.ClosesTakeNested {
		ep.statics.nested.Lock()
		defer ep.statics.nested.Unlock()
	}
	ep.mtx.Lock()
	ep.m.Guarded(&ep.mtx, ep.id, fieldRbr)
	for epi := range ep.rbr.All() {
		ep.unhook(epi)
	}
	for epi := range ep.rbr.All() {
		if ep.remove(epi) {
			ep.put() // never the last: the file's share is left
		}
	}
	if ep.rules.DropsRefLocked {
		last := ep.drop()
		ep.released = true
		ep.mtx.Unlock()
		if last {
			ep.free()
		}
	} else {
		ep.mtx.Unlock()
		ep.put()
		ep.released = true
	}
	ep.m.Leave("ep_clear_and_put")
}
