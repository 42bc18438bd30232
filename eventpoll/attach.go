package eventpoll

import (
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

var (
	classHead      = sim.NewClass("epitems_head")
	fieldRefs      = sim.NewField("refs")
	fieldFllink    = sim.NewField("fllink")
	fieldCheckNext = sim.NewField("check_list")
)

// epitemsHead is the list of the items that watch one file, models struct epitems_head. For a watched epoll
// it is part of the epoll, for other files it is allocated with the first item. f_lock guards it; the nested
// checks read it under RCU only.
type epitemsHead struct {
	id    sim.ID       // of the epoll it is part of, or its own
	first *epitem      // newest first, linked by their flnext
	next  *epitemsHead // on the check list of a nested ADD; nil: not on it
}

// push adds an item at the head: hlist_add_head_rcu.
func (h *epitemsHead) push(m *sim.Machine, epi *epitem) {
	m.Write(h.id, fieldRefs)
	epi.flnext = h.first
	if h.first != nil {
		h.first.flprev = epi
	}
	h.first = epi
}

// drop takes an item off. Its own link stays, so that an RCU reader who stands on it finds on:
// hlist_del_rcu.
func (h *epitemsHead) drop(m *sim.Machine, epi *epitem) {
	if prev := epi.flprev; prev != nil {
		m.Write(prev.id, fieldFllink)
		prev.flnext = epi.flnext
	} else {
		m.Write(h.id, fieldRefs)
		h.first = epi.flnext
	}
	if epi.flnext != nil {
		epi.flnext.flprev = epi.flprev
	}
}

// front and after are the steps of an RCU reader: hlist_for_each_entry_rcu.
func (h *epitemsHead) front(m *sim.Machine) *epitem {
	m.Read(h.id, fieldRefs)
	return h.first
}

func (epi *epitem) after(m *sim.Machine) *epitem {
	m.Read(epi.id, fieldFllink)
	return epi.flnext
}

// ReleaseFile takes the items of a file that has no references any more out of their epolls, newest first.
// Nobody is woken; pending events vanish. It waits for scans of those epolls. Models
// eventpoll_release_file.
func (h *epitemsHead) ReleaseFile(f *vfs.File) {
	m := f.Sys.M
	m.EnterOn(f.ID(), "eventpoll_release_file", "")
	if epi := h.first; epi != nil && epi.ep.rules.ClosesTakeNested {
		nested := &epi.ep.statics.nested
		nested.Lock()
		defer nested.Unlock()
	}
	for {
		f.Lock.Lock()
		w, _ := f.Watchers().(*epitemsHead)
		if w == nil || w.first == nil {
			f.Lock.Unlock()
			break
		}
		epi := w.first
		if !epi.ep.rules.ClosesTakeNested {
			m.Write(epi.id, fieldDying)
			epi.dying = true
		}
		epi.ep.statics.reach(releaseFileWatched)
		f.Lock.Unlock()

		ep := epi.ep
		ep.mtx.Lock()
		ep.unhook(epi)
		ep.detach(epi, true)
		if ep.rules.DropsRefLocked {
			last := ep.drop()
			ep.mtx.Unlock()
			if last {
				ep.free()
			}
			continue
		}
		ep.owed++
		ep.mtx.Unlock()
		ep.put() // outside mtx: 8c2e52ebbe88
		ep.owed--
	}
	m.Leave("eventpoll_release_file")
}

// attach puts an item at the head of its file's items: attach_epitem.
func (ep *Eventpoll) attach(epi *epitem) {
	f := epi.file
	var head *epitemsHead
	if inner := Of(f); inner != nil {
		head = &inner.refs
	} else if f.Watchers() == nil {
		head = ep.statics.newHead()
	}
	f.Lock.Lock()
	w, _ := f.Watchers().(*epitemsHead)
	for w == nil && head == nil { // the last item left after the look without the lock
		f.Lock.Unlock()
		head = ep.statics.newHead()
		f.Lock.Lock()
		w, _ = f.Watchers().(*epitemsHead)
	}
	if w == nil {
		w = head
		f.SetWatchers(w)
	}
	w.push(ep.m, epi)
	f.Lock.Unlock()
	if head != nil && head != w {
		ep.statics.freeHead(head) // another ADD was faster
	}
}

func (s *Statics) newHead() *epitemsHead {
	h := s.freeHeads
	if h == nil {
		h = heads.New(s.Sys.M)
	} else {
		s.freeHeads = h.next
		h.next = nil
	}
	if s.Sys.M.Observed() {
		h.id = s.Sys.M.NewID(classHead)
	}
	s.Sys.Counters.Allocations++
	return h
}

func (s *Statics) freeHead(h *epitemsHead) {
	if s.Sys.M.Observed() {
		s.Sys.M.Free(h.id)
		return
	}
	h.next, s.freeHeads = s.freeHeads, h
}
