package eventpoll

import (
	"cmp"
	"fmt"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/internal/list"
	"github.com/epollsim/epollsim/rbtree"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
	"github.com/epollsim/epollsim/waitqueue"
)

var (
	classItem  = sim.NewClass("epitem")
	classHook  = sim.NewClass("eppoll_entry")
	fieldMask  = sim.NewField("event.events")
	fieldDying = sim.NewField("dying")
	fieldWhead = sim.NewField("whead")
	fieldBase  = sim.NewField("base")
	fieldWait  = sim.NewField("wait")

	fieldPwqlist = sim.NewField("pwqlist")
)

// epitem is one watched file of one epoll, models struct epitem. With respect to readiness it is idle, on
// rdllist, or on the txlist of a scan; while a scan runs it may be on ovflist besides.
type epitem struct {
	rbn     rbtree.Node[epitem]
	rdllink list.Node[epitem] // in rdllist (ep.lock) or txlist (ep.mtx)
	next    *epitem           // in ovflist; inactive: not on it (ep.lock)
	file    *vfs.File         // the watched description; no reference is held
	fd      int               // its number when it was added
	spent   bool              // delivered under ONESHOT and not armed since
	dying   bool              // set by the end of the file, under f_lock; read without
	pwqlist *pollEntry        // hooks, last added first (ep.mtx)
	ep      *Eventpoll
	flnext  *epitem        // in the file's items (f_lock; RCU readers follow it)
	flprev  *epitem        // (f_lock)
	ws      *WakeupSource  // written under ep.mtx, read by the callback under RCU
	event   abi.EpollEvent // written under ep.mtx, the mask read by the callback under ep.lock
	id      sim.ID
}

// compareItems orders by file, then fd: ep_cmp_ffd. The creation number stands in for the address.
func compareItems(a, b *epitem) int {
	return cmp.Or(cmp.Compare(a.file.ID(), b.file.ID()), cmp.Compare(a.fd, b.fd))
}

// find looks up (file, fd); ep.mtx is held. Models ep_find.
func (ep *Eventpoll) find(file *vfs.File, fd int) *epitem {
	ep.m.Guarded(&ep.mtx, ep.id, fieldRbr)
	return ep.lookup(file, fd)
}

func (ep *Eventpoll) lookup(file *vfs.File, fd int) *epitem {
	id := file.ID()
	return ep.rbr.Find(func(epi *epitem) int {
		return cmp.Or(cmp.Compare(id, epi.file.ID()), cmp.Compare(fd, epi.fd))
	})
}

func (epi *epitem) describe() string { return fmt.Sprintf("item %d", epi.fd) }

// String names an item in reports: its identity and what it watches.
func (epi *epitem) String() string {
	return fmt.Sprintf("%s (fd %d of %s)", epi.id, epi.fd, epi.file.ID())
}

func (s *Statics) newItem() *epitem {
	epi := s.freeItems
	if epi == nil {
		epi = items.New(s.Sys.M)
	} else {
		s.freeItems = epi.next
	}
	*epi = epitem{next: inactive, id: s.Sys.M.NewID(classItem)}
	s.Sys.Counters.Allocations++
	return epi
}

// freeItem frees an item after a grace period: the nested checks walk the items of a file under RCU.
func (s *Statics) freeItem(epi *epitem) {
	if s.Sys.M.Observed() {
		s.Sys.M.FreeRCU(epi.id)
		return // not used again, so that a stale pointer cannot see another item
	}
	epi.file, epi.ep = nil, nil
	epi.next, s.freeItems = s.freeItems, epi
}

// pollEntry is the hook of an item in one wait queue, models struct eppoll_entry. A file whose ->poll names
// several queues gives its items several hooks.
type pollEntry struct {
	next  *pollEntry // in the item's pwqlist
	base  *epitem
	wait  waitqueue.Entry
	whead *waitqueue.Head // nil once the queue told POLLFREE
	id    sim.ID
}

func (s *Statics) newHook() *pollEntry {
	pwq := s.freeHooks
	if pwq == nil {
		pwq = hooks.New(s.Sys.M)
		pwq.wait.Func, pwq.wait.Private = pollCallback, pwq
		if s.Sys.M.Tracing() {
			pwq.wait.Func = tracedCallback
		}
	} else {
		s.freeHooks = pwq.next
	}
	if s.Sys.M.Observed() {
		pwq.id = s.Sys.M.NewID(classHook)
	}
	s.Sys.Counters.Allocations++
	return pwq
}

func (s *Statics) freeHook(pwq *pollEntry) {
	if s.Sys.M.Observed() {
		s.Sys.M.Free(pwq.id)
		return
	}
	pwq.base, pwq.whead = nil, nil
	pwq.next, s.freeHooks = s.freeHooks, pwq
}

// QueueProc hooks the item that is being inserted to a queue its file named: ep_ptable_queue_proc.
// EXCLUSIVE ones go to the tail, the others to the head.
func (ep *Eventpoll) QueueProc(_ *vfs.File, h *waitqueue.Head) {
	epi := ep.inserting
	pwq := ep.statics.newHook()
	pwq.base, pwq.whead = epi, h
	ep.sys.Counters.QueueInsertions++
	if epi.event.Events&abi.EPOLLEXCLUSIVE != 0 && !ep.rules.NoExclusive {
		h.AddExclusive(&pwq.wait)
	} else {
		h.Add(&pwq.wait)
	}
	pwq.next, epi.pwqlist = epi.pwqlist, pwq
}

// unhook removes the hooks of an item; removing one waits for a callback that runs on its queue. Models
// ep_unregister_pollwait.
func (ep *Eventpoll) unhook(epi *epitem) {
	m := ep.m
	m.Guarded(&ep.mtx, epi.id, fieldPwqlist)
	watched := m.Observed() // else nobody can come between, and RCU has nothing to do
	for pwq := epi.pwqlist; pwq != nil; pwq = epi.pwqlist {
		epi.pwqlist = pwq.next
		if watched {
			m.RCUReadLock()
			m.Read(pwq.id, fieldWhead)
		}
		if pwq.whead != nil {
			pwq.whead.Remove(&pwq.wait)
		}
		if watched {
			m.RCUReadUnlock()
		}
		ep.statics.freeHook(pwq)
	}
}
