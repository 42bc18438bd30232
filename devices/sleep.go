package devices

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/waitqueue"
)

// sleepers keeps the wait entries of tasks that sleep in a device, for the next sleep. The kernel has them on the stack.
type sleepers struct{ free []*waitqueue.Entry }

var entries = sim.NewCache[waitqueue.Entry](nil)

// again is s for another run, which has none of the entries of this one.
func (s *sleepers) again() sleepers { return sleepers{free: s.free[:0]} }

// get returns an entry for t that takes itself off the queue when it wakes t: DEFINE_WAIT.
func (s *sleepers) get(t *sim.Task, flags waitqueue.Flags) *waitqueue.Entry {
	var e *waitqueue.Entry
	if n := len(s.free); n > 0 {
		e, s.free = s.free[n-1], s.free[:n-1]
	} else {
		e = entries.New(t.Machine())
		e.Func = waitqueue.AutoremoveWake
	}
	e.Flags, e.Private = flags, t
	return e
}

// put takes back an entry that is on no queue.
func (s *sleepers) put(e *waitqueue.Entry) { s.free = append(s.free, e) }

// sleepLocked is one round of a sleep on a queue whose lock is held before and after, but not during it. The entry goes to
// the tail. ERESTARTSYS: a signal is pending, and there was no sleep. Models do_wait_intr_irq.
func sleepLocked(h *waitqueue.Head, w *waitqueue.Entry, what string, id sim.ID) abi.Errno {
	t := w.Private.(*sim.Task)
	if !w.Queued() {
		flags := w.Flags
		h.AddExclusiveLocked(w) // at the tail
		w.Flags = flags
	}
	t.SetState(sim.Interruptible)
	if t.SignalPending() {
		return abi.ERESTARTSYS
	}
	h.Lock.Unlock()
	t.Schedule(what, id)
	h.Lock.Lock()
	return 0
}

// endSleepLocked ends what sleepLocked began.
func endSleepLocked(h *waitqueue.Head, w *waitqueue.Entry) {
	h.RemoveLocked(w)
	w.Private.(*sim.Task).SetState(sim.Running)
}
