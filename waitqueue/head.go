package waitqueue

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/internal/list"
	"github.com/epollsim/epollsim/sim"
)

var (
	classLock = sim.NewClass("wait_queue.lock")
	fieldList = sim.NewField("wait_queue")
)

// Head is a wait queue, models wait_queue_head_t.
type Head struct {
	Lock    sim.Spinlock
	m       *sim.Machine
	covered bool
	list    list.List[Entry]
}

// Init makes h an empty queue of m.
func (h *Head) Init(m *sim.Machine) { h.InitClass(m, classLock) }

// InitClass is Init with a lock class of its own, for queues whose locks nest (ep.poll_wait).
func (h *Head) InitClass(m *sim.Machine, class sim.Class) {
	h.m = m
	h.Lock.Init(m, class)
}

// InitCovered is Init for a queue that is only touched under another lock of its owner, which makes its
// own lock unobservable: ep.wq under ep.lock. Only the methods for holders of the lock may be used.
func (h *Head) InitCovered(m *sim.Machine, class sim.Class) {
	h.InitClass(m, class)
	h.covered = true
}

func (h *Head) read() {
	if !h.covered {
		h.m.Read(h.Lock.ID(), fieldList)
	}
}

// adding and removing are the point before a change of h, and tell the tracer of it.
func (h *Head) adding(e *Entry, where string) {
	if h.m.Observed() {
		h.write()
		h.added(e, where)
	}
}

func (h *Head) removing(e *Entry) {
	if h.m.Observed() {
		h.write()
		h.removed(e)
	}
}

//go:noinline
func (h *Head) write() {
	if !h.covered {
		h.m.Write(h.Lock.ID(), fieldList)
	}
}

// ID is the identity of the queue: that of its lock.
func (h *Head) ID() sim.ID { return h.Lock.ID() }

// Active reports whether anybody waits, without the lock: waitqueue_active. A point.
func (h *Head) Active() bool {
	h.read()
	return !h.list.Empty()
}

// ActiveLocked is Active for callers under a lock that all changes of h happen under; no point.
func (h *Head) ActiveLocked() bool { return !h.list.Empty() }

// Idle reports, as part of the running step, that nobody waits; no point.
func (h *Head) Idle() bool {
	h.m.Touch(sim.Access{ID: h.Lock.ID(), Field: fieldList})
	return h.list.Empty()
}

// Entries returns the entries from head to tail, for snapshots.
func (h *Head) Entries() []*Entry {
	var all []*Entry
	for e := range h.list.All() {
		if e.Flags&bookmark == 0 {
			all = append(all, e)
		}
	}
	return all
}

// Check verifies the links of h.
func (h *Head) Check() bool { return h.list.Check() }

// Add queues a non-exclusive entry at the front, behind the PRIORITY ones: add_wait_queue.
func (h *Head) Add(e *Entry) {
	e.Flags &^= Exclusive
	h.Lock.Lock()
	h.addFront(e)
	h.Lock.Unlock()
}

// AddExclusive queues e at the tail: add_wait_queue_exclusive.
func (h *Head) AddExclusive(e *Entry) {
	e.Flags |= Exclusive
	h.Lock.Lock()
	h.addTail(e)
	h.Lock.Unlock()
}

// AddPriority queues e behind the PRIORITY entries and before all others: add_wait_queue_priority as of
// 6.17.
func (h *Head) AddPriority(e *Entry) {
	e.Flags |= Priority
	h.Lock.Lock()
	h.addFront(e)
	h.Lock.Unlock()
}

// AddExclusiveHead queues e exclusively at the front; the caller holds the lock, or one that stands for
// it. Models __add_wait_queue_exclusive.
func (h *Head) AddExclusiveHead(e *Entry) {
	e.Flags |= Exclusive
	h.addFront(e)
}

// AddLocked is Add for a caller that holds the lock: __add_wait_queue.
func (h *Head) AddLocked(e *Entry) {
	e.Flags &^= Exclusive
	h.addFront(e)
}

// AddExclusiveLocked is AddExclusive for a caller that holds the lock.
func (h *Head) AddExclusiveLocked(e *Entry) {
	e.Flags |= Exclusive
	h.addTail(e)
}

func (h *Head) addTail(e *Entry) {
	h.adding(e, "tail")
	h.list.PushBack(&e.link, e)
}

func (h *Head) addFront(e *Entry) {
	h.adding(e, "front")
	var last *Entry
	for p := h.list.Front(); p != nil && p.Flags&Priority != 0; p = h.list.Next(&p.link) {
		last = p
	}
	if last == nil {
		h.list.PushFront(&e.link, e)
	} else {
		h.list.InsertAfter(&e.link, e, &last.link)
	}
}

// Remove takes e off h: remove_wait_queue. An entry that its wake function took off already stays off.
func (h *Head) Remove(e *Entry) {
	h.Lock.Lock()
	h.RemoveLocked(e)
	h.Lock.Unlock()
}

// RemoveLocked is Remove for a caller that holds the lock.
func (h *Head) RemoveLocked(e *Entry) {
	h.removing(e)
	e.link.Unlink()
}

// PrepareToWait queues e unless it is queued, exclusive ones at the tail, and sets the running task's
// state. With a signal pending for an interruptible sleep it takes e off instead and returns
// ERESTARTSYS. Models prepare_to_wait_event.
func (h *Head) PrepareToWait(e *Entry, state sim.State) abi.Errno {
	h.enter("prepare_to_wait_event")
	h.Lock.Lock()
	errno := h.prepareToWait(e, state)
	h.Lock.Unlock()
	h.leave("prepare_to_wait_event")
	return errno
}

func (h *Head) prepareToWait(e *Entry, state sim.State) abi.Errno {
	t := h.m.Current()
	if state == sim.Interruptible && t.SignalPending() {
		h.RemoveLocked(e)
		return abi.ERESTARTSYS
	}
	if !e.link.Linked() {
		if e.Flags&Exclusive != 0 {
			h.addTail(e)
		} else {
			h.addFront(e)
		}
	}
	t.SetState(state)
	return 0
}

// FinishWait ends what PrepareToWait began: finish_wait.
func (h *Head) FinishWait(e *Entry) {
	h.enter("finish_wait")
	h.m.Current().SetState(sim.Running)
	h.read()
	if e.link.Linked() {
		h.Lock.Lock()
		h.RemoveLocked(e)
		h.Lock.Unlock()
	}
	h.leave("finish_wait")
}
