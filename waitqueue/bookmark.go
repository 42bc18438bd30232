package waitqueue

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
)

// wakeInBatches is WakeUp of 4.14 to 6.6: after a batch the lock is free for a moment, and a bookmark says where to
// go on. Who is added at the tail meanwhile is woken too, at the front not. Models __wake_up_common_lock before
// bookmarks were removed; 2554db916586.
func (h *Head) wakeInBatches(mode sim.State, nr int, sync bool, key abi.Events) int {
	mark := &Entry{Flags: bookmark}
	consumed := 0
	for more := true; more; {
		var n int
		h.Lock.Lock()
		n, more = h.walk(mode, nr, sync, key, mark)
		h.Lock.Unlock()
		if consumed += n; nr > 0 {
			nr -= n
		}
	}
	return consumed
}
