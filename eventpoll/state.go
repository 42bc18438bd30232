package eventpoll

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

// State is an epoll as plain data, for traces, tests and pictures. Items go by the fd they were added as.
type State struct {
	ID       string      `json:"id"`
	Mtx      string      `json:"mtx"` // its owner, or ""
	Lock     string      `json:"lock"`
	Wq       []string    `json:"wq"`        // sleepers in epoll_wait, next to be woken first
	PollWait []string    `json:"poll_wait"` // who polls this epoll, in wake-up order
	Rbr      []ItemState `json:"rbr"`       // in tree order
	Rdllist  []int       `json:"rdllist"`   // in order
	Scanning bool        `json:"scanning"`  // a scan runs: ovflist is not EP_UNACTIVE_PTR
	Txlist   []int       `json:"txlist"`    // of that scan
	Ovflist  []int       `json:"ovflist"`   // newest first
	Refcount int         `json:"refcount"`
}

// ItemState is an item as plain data.
type ItemState struct {
	ItemID string     `json:"id"`
	Fd     int        `json:"fd"`
	FileID string     `json:"file"`
	File   string     `json:"name"` // of the file
	Events abi.Events `json:"events"`
	Mask   string     `json:"mask"` // events as text
	Data   uint64     `json:"data"`
	Ready  bool       `json:"ready"` // on rdllist or the txlist of a scan
	Dying  bool       `json:"dying"`
	Hooks  int        `json:"nwait"`
	Wakeup bool       `json:"wakeup"` // EPOLLWAKEUP keeps the system awake for it
}

// State returns what ep looks like now. It takes no lock: the machine stands still.
func (ep *Eventpoll) State() *State {
	s := &State{
		ID: ep.id.String(), Scanning: ep.ovflist != inactive, Refcount: ep.refcount,
		Mtx: ownerName(ep.mtx.Owner()), Lock: ownerName(ep.lock.Owner()), Wq: ep.wq.Names(), PollWait: ep.pollWait.Names(),
		Rbr: []ItemState{}, Rdllist: []int{}, Txlist: []int{}, Ovflist: []int{},
	}
	for epi := range ep.rbr.All() {
		s.Rbr = append(s.Rbr, epi.state())
	}
	for epi := range ep.rdllist.All() {
		s.Rdllist = append(s.Rdllist, epi.fd)
	}
	for epi := range ep.txlist.All() {
		s.Txlist = append(s.Txlist, epi.fd)
	}
	for epi := ep.ovflist; s.Scanning && epi != nil; epi = epi.next {
		s.Ovflist = append(s.Ovflist, epi.fd)
	}
	return s
}

// EachReady calls fn for the items on rdllist in order, until it returns false: the file, the number it was added as, and
// what the program wants to know. It is no point.
func (ep *Eventpoll) EachReady(fn func(f *vfs.File, fd int, event abi.EpollEvent) bool) {
	for epi := range ep.rdllist.All() {
		if !fn(epi.file, epi.fd, epi.event) {
			return
		}
	}
}

// Requeue moves the item of f and fd, if it is listed, to the tail of rdllist: as if it had become ready last. It is no
// step of the kernel but a decision about the past, for who makes up when a file became ready.
func (ep *Eventpoll) Requeue(f *vfs.File, fd int) {
	for epi := range ep.rdllist.All() {
		if epi.file == f && epi.fd == fd {
			epi.rdllink.Unlink()
			ep.rdllist.PushBack(&epi.rdllink, epi)
			return
		}
	}
}

// EndsScan reports whether a scan runs whose task does next as its last step: it has looked at all items, and what becomes ready now
// goes to ovflist. It is no point.
func (ep *Eventpoll) EndsScan(next sim.Access) bool {
	return ep.ovflist != inactive && ep.lock.Owner() == nil && next.ID == ep.lock.ID()
}

// Item gives what the item of f and fd asks for, and whether it is on rdllist or, while a scan runs, on its list; ok is false if
// there is no item. It is no point.
func (ep *Eventpoll) Item(f *vfs.File, fd int) (event abi.EpollEvent, listed, ok bool) {
	epi := ep.lookup(f, fd)
	if epi == nil {
		return abi.EpollEvent{}, false, false
	}
	return epi.event, epi.rdllink.Linked(), true
}

// EachItem is EachReady for all items, in tree order.
func (ep *Eventpoll) EachItem(fn func(f *vfs.File, fd int, event abi.EpollEvent) bool) {
	for epi := range ep.rbr.All() {
		if !fn(epi.file, epi.fd, epi.event) {
			return
		}
	}
}

func (epi *epitem) state() ItemState {
	s := ItemState{
		ItemID: epi.id.String(), Fd: epi.fd, FileID: epi.file.ID().String(), File: epi.file.Name,
		Events: epi.event.Events, Mask: epi.event.Events.String(), Data: epi.event.Data,
		Ready: epi.rdllink.Linked(), Dying: epi.dying, Wakeup: epi.ws != nil && epi.ws.Active,
	}
	for pwq := epi.pwqlist; pwq != nil; pwq = pwq.next {
		s.Hooks++
	}
	return s
}

func ownerName(t *sim.Task) string {
	if t == nil {
		return ""
	}
	return t.String()
}

// String shows s in the shape of a structure dump, the fields under the kernel's names and in its order.
func (s *State) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "struct eventpoll %s {\n", s.ID)
	field := func(name, value string) { fmt.Fprintf(&b, "    .%-10s = %s,\n", name, value) }
	field("mtx", ownerText(s.Mtx))
	field("wq", listText(s.Wq))
	field("poll_wait", listText(s.PollWait))
	field("rdllist", itemsText(s.Rdllist))
	field("lock", ownerText(s.Lock))
	field("rbr", treeText(s.Rbr))
	if s.Scanning {
		field("ovflist", itemsText(s.Ovflist))
	} else {
		field("ovflist", "EP_UNACTIVE_PTR")
	}
	if s.Scanning || len(s.Txlist) > 0 {
		field("txlist", itemsText(s.Txlist)+" /* of the scan */")
	}
	field("refcount", strconv.Itoa(s.Refcount))
	b.WriteString("}\n")
	return b.String()
}

func ownerText(owner string) string {
	if owner == "" {
		return "unlocked"
	}
	return "held by " + owner
}

func listText(names []string) string { return "[" + strings.Join(names, ", ") + "]" }

func itemsText(fds []int) string {
	var names []string
	for _, fd := range fds {
		names = append(names, "item "+strconv.Itoa(fd))
	}
	return listText(names)
}

func treeText(items []ItemState) string {
	if len(items) == 0 {
		return "{}"
	}
	var b strings.Builder
	b.WriteString("{\n")
	for _, it := range items {
		fmt.Fprintf(&b, "        item %d: %s\n", it.Fd, it)
	}
	return b.String() + "    }"
}

// String is the item in the shape of a structure dump.
func (it ItemState) String() string {
	text := fmt.Sprintf("%s {.ffd = {%s %s, %d}, .event = {%s, %#x}, .nwait = %d", it.ItemID, it.FileID, it.File, it.Fd, it.Mask, it.Data, it.Hooks)
	for _, flag := range []struct {
		set  bool
		text string
	}{{it.Ready, "on the ready list"}, {it.Dying, "dying"}, {it.Wakeup, "keeps the system awake"}} {
		if flag.set {
			text += " /* " + flag.text + " */"
		}
	}
	return text + "}"
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
