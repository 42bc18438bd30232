package waitqueue

import (
	"fmt"
	"strconv"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
)

// String names who waits by e: what Private calls itself.
func (e *Entry) String() string {
	if s, ok := e.Private.(fmt.Stringer); ok {
		return s.String()
	}
	return "poller"
}

// Names returns who waits on h, in the order in which a wake-up meets them.
func (h *Head) Names() []string {
	all := []string{}
	for e := range h.list.All() {
		if e.Flags&bookmark == 0 {
			all = append(all, e.String())
		}
	}
	return all
}

// State is a queue as plain data.
type State struct {
	Name    string       `json:"name"` // of the field: "rd_wait"
	ID      string       `json:"id"`
	Entries []EntryState `json:"entries"` // in the order in which a wake-up meets them
}

// EntryState is who waits.
type EntryState struct {
	Who       string `json:"who"`
	Exclusive bool   `json:"exclusive"`
}

// String is who waits, and whether exclusively.
func (e EntryState) String() string {
	if e.Exclusive {
		return e.Who + " (exclusive)"
	}
	return e.Who
}

// State returns what h, a field of that name, looks like now.
func (h *Head) State(name string) State {
	s := State{Name: name, ID: h.ID().String(), Entries: []EntryState{}}
	for e := range h.list.All() {
		if e.Flags&bookmark != 0 {
			continue
		}
		s.Entries = append(s.Entries, EntryState{e.String(), e.Flags&Exclusive != 0})
	}
	return s
}

func (h *Head) enter(name string) {
	if h.m.Tracing() {
		h.m.EnterOn(h.ID(), name, "")
	}
}

func (h *Head) leave(name string) { h.m.Leave(name) }

func (h *Head) tracedWakeUp(mode sim.State, nr int, sync bool, key abi.Events) int {
	h.m.EnterOn(h.ID(), "__wake_up", wakeUpText(nr, key))
	n := h.wakeUp(mode, nr, sync, key)
	h.m.Leave("__wake_up")
	return n
}

func (h *Head) tracedWalk(mode sim.State, nr int, sync bool, key abi.Events) int {
	h.m.EnterOn(h.ID(), "__wake_up_locked_key", wakeUpText(nr, key))
	n := h.walk(h.front(), mode, nr, sync, key)
	h.m.Leave("__wake_up_locked_key")
	return n
}

// wakeUpText is the key and the quota of a wake-up.
func wakeUpText(nr int, key abi.Events) string {
	text := "no key"
	if key != 0 {
		text = key.Short()
	}
	if nr == All {
		return text + ", all"
	}
	return fmt.Sprintf("%s, %d exclusive", text, nr)
}

//go:noinline
func (h *Head) added(e *Entry, where string) {
	if h.m.Tracing() {
		if e.Flags&Exclusive != 0 {
			where += ", exclusive"
		}
		h.m.Move(0, h.ID(), e.String(), "off", "queued", where)
	}
}

//go:noinline
func (h *Head) removed(e *Entry) {
	if h.m.Tracing() && e.link.Linked() {
		h.m.Move(0, h.ID(), e.String(), "queued", "off", "")
	}
}

// unlinked is removed for an entry that its wake function has taken off.
func (h *Head) unlinked(e *Entry) { h.m.Move(0, h.ID(), e.String(), "queued", "off", "") }

func tracedWake(e *Entry, t *sim.Task, mode sim.State, name string, remove bool) int {
	m := t.Machine()
	m.Enter(name)
	n := wake(e, t, mode, remove)
	m.LeaveWith(name, strconv.Itoa(n))
	return n
}
