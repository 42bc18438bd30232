package waitqueue

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
)

// mark is the bookmark of a wake-up that goes in batches. Others who meet it pass on.
type mark struct {
	entry   Entry
	walking bool // its own wake-up is under way, which ends here
	reached bool
}

func meetMark(e *Entry, _ sim.State, _ bool, _ abi.Events) int {
	b := e.Private.(*mark)
	if !b.walking {
		return 0
	}
	b.reached = true
	return -1
}

// wakeInBatches is WakeUp of 4.14 to 6.6: after a batch the lock is free for a moment, and a bookmark says where to
// go on. Who is added at the tail meanwhile is woken too, at the front not. Models __wake_up_common_lock before
// bookmarks were removed; 2554db916586.
func (h *Head) wakeInBatches(mode sim.State, nr int, sync bool, key abi.Events) int {
	b := &mark{entry: Entry{Flags: bookmark, Func: meetMark}}
	b.entry.Private = b
	consumed := 0
	for more := true; more; {
		h.Lock.Lock()
		b.walking, b.reached = true, false
		n := h.walk(h.batch(b), mode, nr, sync, key)
		b.walking, more = false, b.reached
		if !more {
			b.entry.Unlink()
		}
		h.Lock.Unlock()
		if consumed += n; nr > 0 {
			nr -= n
		}
	}
	return consumed
}

// batch returns the first entry that was not called yet, and puts the bookmark in front of the first of the next
// batch. The break comes behind the call that exceeds the batch.
func (h *Head) batch(b *mark) *Entry {
	first := h.front()
	if b.entry.link.Linked() {
		first = h.list.Next(&b.entry.link)
		b.entry.Unlink()
	}
	next, left := first, h.m.WakeBatch+1
	for ; next != nil && left > 0; next = h.list.Next(&next.link) {
		if next.Flags&bookmark == 0 {
			left--
		}
	}
	if next != nil {
		h.list.InsertBefore(&b.entry.link, &b.entry, &next.link)
	}
	return first
}
