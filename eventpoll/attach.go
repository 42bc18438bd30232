package eventpoll

import (
	"github.com/epollsim/epollsim/internal/list"
	"github.com/epollsim/epollsim/vfs"
)

// epitemsHead is the list of the items that watch one file, models struct epitems_head. For a watched epoll
// it is part of the epoll, for other files it is allocated with the first item.
type epitemsHead struct {
	epitems list.List[epitem] // newest first
	next    *epitemsHead      // on the check list of a nested ADD; nil: not on it
	ep      *Eventpoll        // whose refs it is, or nil
	tracked *tracked
}

// ReleaseFile takes the items of a file that has no references any more out of their epolls, newest first.
// Nobody is woken; pending events vanish. It waits for scans of those epolls. Models
// eventpoll_release_file.
func (h *epitemsHead) ReleaseFile(f *vfs.File) {
	m := f.Sys.M
	m.Enter("eventpoll_release_file")
	for {
		f.Lock.Lock()
		w, _ := f.Watchers().(*epitemsHead)
		if w == nil || w.epitems.Empty() {
			f.Lock.Unlock()
			break
		}
		epi := w.epitems.Front()
		m.Write(epi.id, fieldDying)
		epi.dying = true
		f.Lock.Unlock()

		ep := epi.ep
		ep.mtx.Lock()
		ep.unhook(epi)
		ep.detach(epi)
		ep.mtx.Unlock()
		ep.put() // outside mtx: 8c2e52ebbe88
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
	if f.Watchers() == nil {
		f.SetWatchers(head)
	} else if head != nil && head.ep == nil {
		ep.statics.freeHead(head) // another ADD was faster
	}
	w := f.Watchers().(*epitemsHead)
	ep.m.Write(f.ID(), fieldRefs)
	w.epitems.PushFront(&epi.fllink, epi)
	f.Lock.Unlock()
}

func (s *Statics) newHead() *epitemsHead {
	h := s.freeHeads
	if h == nil {
		h = &epitemsHead{}
	} else {
		s.freeHeads = h.next
		h.next = nil
	}
	s.Sys.Counters.Allocations++
	return h
}

func (s *Statics) freeHead(h *epitemsHead) { h.next, s.freeHeads = s.freeHeads, h }
