package eventpoll

import (
	"fmt"
	"strings"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/vfs"
	"github.com/epollsim/epollsim/waitqueue"
)

// State is an epoll as plain data, for traces, tests and pictures.
type State struct {
	ID       string
	Rbr      []ItemState // in tree order
	Rdllist  []int       // fds, in order
	Txlist   []int       // of a scan under way
	Ovflist  []int       // newest first
	Scanning bool
	Wq       []string // sleepers in epoll_wait, next to be woken first
	PollWait []string // who polls this epoll, in wake-up order
	Refcount int
	Mtx      string // its owner, or ""
	Lock     string
}

// ItemState is an item as plain data.
type ItemState struct {
	Fd     int
	File   string
	Events abi.Events
	Data   uint64
	Ready  bool // on rdllist or the txlist of a scan
	Dying  bool
	Hooks  int
	Wakeup bool // EPOLLWAKEUP keeps the system awake for it
	ItemID string
}

// State returns what ep looks like now. It takes no lock: the machine stands still.
func (ep *Eventpoll) State() *State {
	s := &State{ID: ep.id.String(), Scanning: ep.ovflist != inactive, Refcount: ep.refcount}
	for epi := range ep.rbr.All() {
		hooks := 0
		for pwq := epi.pwqlist; pwq != nil; pwq = pwq.next {
			hooks++
		}
		s.Rbr = append(s.Rbr, ItemState{
			Fd: epi.fd, File: epi.file.Name, Events: epi.event.Events, Data: epi.event.Data, Ready: epi.rdllink.Linked(),
			Dying: epi.dying, Hooks: hooks, Wakeup: epi.ws != nil && epi.ws.Active, ItemID: epi.id.String(),
		})
	}
	for epi := range ep.rdllist.All() {
		s.Rdllist = append(s.Rdllist, epi.fd)
	}
	for epi := range ep.txlist.All() {
		s.Txlist = append(s.Txlist, epi.fd)
	}
	if s.Scanning {
		for epi := ep.ovflist; epi != nil; epi = epi.next {
			s.Ovflist = append(s.Ovflist, epi.fd)
		}
	}
	s.Wq = names(&ep.wq)
	s.PollWait = names(&ep.pollWait)
	if o := ep.mtx.Owner(); o != nil {
		s.Mtx = o.String()
	}
	if o := ep.lock.Owner(); o != nil {
		s.Lock = o.String()
	}
	return s
}

// String shows s in a few lines, the fields under the kernel's names.
func (s *State) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s refcount %d", s.ID, s.Refcount)
	if s.Mtx != "" {
		fmt.Fprintf(&b, ", mtx held by %s", s.Mtx)
	}
	if s.Lock != "" {
		fmt.Fprintf(&b, ", lock held by %s", s.Lock)
	}
	fmt.Fprintf(&b, "\n  rdllist %v", s.Rdllist)
	if s.Scanning {
		fmt.Fprintf(&b, "  txlist %v  ovflist %v", s.Txlist, s.Ovflist)
	} else {
		b.WriteString("  ovflist EP_UNACTIVE_PTR")
	}
	fmt.Fprintf(&b, "\n  wq [%s]  poll_wait [%s]\n", strings.Join(s.Wq, ", "), strings.Join(s.PollWait, ", "))
	for _, it := range s.Rbr {
		fmt.Fprintf(&b, "  rbr: fd %d of %s, %s, data %#x", it.Fd, it.File, it.Events, it.Data)
		if it.Ready {
			b.WriteString(", listed")
		}
		if it.Dying {
			b.WriteString(", dying")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func names(h *waitqueue.Head) []string {
	var all []string
	for _, e := range h.Entries() {
		all = append(all, waiterName(e))
	}
	return all
}

// waiterName tells who stands behind a wait entry.
func waiterName(e *waitqueue.Entry) string {
	switch w := e.Private.(type) {
	case *Waiter:
		return w.task.String()
	case *pollEntry:
		return w.base.ep.id.String()
	case fmt.Stringer:
		return w.String()
	}
	return "poller"
}

// Each calls fn for every epoll that is not freed, in order of creation.
func (s *Statics) Each(fn func(*Eventpoll)) {
	for ep := range s.all.All() {
		fn(ep)
	}
}

// Items returns how many items ep has.
func (ep *Eventpoll) Items() int { return ep.rbr.Len() }

// WakeupSource is what the epoll itself keeps the system awake by, between harvest and hand-over; nil before
// the first EPOLLWAKEUP item.
func (ep *Eventpoll) WakeupSource() *WakeupSource { return ep.ws }

// Params returns the busy-poll parameters.
func (ep *Eventpoll) Params() BusyPoll { return ep.params }

// File returns the epoll's file.
func (ep *Eventpoll) File() *vfs.File { return ep.file }
