package devices

import (
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/waitqueue"
)

// sleepers keeps the wait entries of tasks that sleep in a device, for the next sleep. The kernel has them on the stack.
type sleepers struct{ free []*waitqueue.Entry }

// get returns an entry for t that takes itself off the queue when it wakes t: DEFINE_WAIT.
func (s *sleepers) get(t *sim.Task, flags waitqueue.Flags) *waitqueue.Entry {
	var e *waitqueue.Entry
	if n := len(s.free); n > 0 {
		e, s.free = s.free[n-1], s.free[:n-1]
	} else {
		e = &waitqueue.Entry{Func: waitqueue.AutoremoveWake}
	}
	e.Flags, e.Private = flags, t
	return e
}

// put takes back an entry that is on no queue.
func (s *sleepers) put(e *waitqueue.Entry) { s.free = append(s.free, e) }
