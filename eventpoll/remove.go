package eventpoll

import "github.com/epollsim/epollsim/vfs"

// remove takes an item out of everything: DEL, the roll-back of ADD, the close of the epoll. It reports
// whether it did; if the watched file is dying, the end of that file will. ep.mtx is held. The caller
// drops the item's reference on ep. Models ep_remove of late 6.18.y, which pins the file (a6dc643c6931).
func (ep *Eventpoll) remove(epi *epitem) bool {
	ep.m.Enter("ep_remove")
	defer ep.m.Leave("ep_remove")
	ep.unhook(epi)
	ep.m.Read(epi.id, fieldDying)
	if epi.dying {
		return false
	}
	f := epi.file
	if !f.TryGet() {
		return false
	}
	ep.detach(epi)
	f.Put()
	return true
}

// detach unlinks an unhooked item from its file, the tree and the ready list, and frees it.
func (ep *Eventpoll) detach(epi *epitem) {
	m, f := ep.m, epi.file
	f.Lock.Lock()
	head := f.Watchers().(*epitemsHead)
	m.Write(f.ID(), fieldRefs)
	epi.fllink.Unlink()
	if head.epitems.Empty() {
		f.SetWatchers(nil)
		if head.ep == nil && head.next == nil {
			ep.statics.freeHead(head)
		}
	}
	f.Lock.Unlock()

	m.Guarded(&ep.mtx, ep.id, fieldRbr)
	ep.rbr.Erase(&epi.rbn)

	ep.lock.Lock()
	if epi.rdllink.Linked() {
		m.Write(ep.id, fieldRdllist)
		epi.rdllink.Unlink()
	}
	ep.lock.Unlock()

	epi.ws.Unregister()
	ep.statics.freeItem(epi)
	ep.user.uncharge(ep.statics)
}

// Release ends the epoll when its file has no references any more: pollers are woken, every item is
// unhooked, then every item is removed. Models ep_eventpoll_release, ep_clear_and_put.
func (ep *Eventpoll) Release(_ *vfs.File) {
	ep.m.Enter("ep_clear_and_put")
	if ep.pollWait.Active() {
		ep.wakePollers(0)
	}
	ep.mtx.Lock()
	for epi := range ep.rbr.All() {
		ep.unhook(epi)
	}
	removed := 0
	for epi := range ep.rbr.All() {
		if ep.remove(epi) {
			removed++
		}
	}
	ep.released = true
	ep.mtx.Unlock()
	for range removed {
		ep.put()
	}
	ep.put()
	ep.m.Leave("ep_clear_and_put")
}
