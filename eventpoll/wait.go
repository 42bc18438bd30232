package eventpoll

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/waitqueue"
)

var (
	classWaiter = sim.NewClass("wait_entry")
	fieldLink   = sim.NewField("link")
)

// Waiter is the wait entry of a thread in epoll_wait. A thread has one, for it waits in one place at a time.
type Waiter struct {
	entry waitqueue.Entry
	task  *sim.Task
	id    sim.ID
	wake  waitqueue.WakeFunc // what a wake-up does, and its name in traces
	name  string
}

// Init makes w the waiter of t on a kernel.
func (w *Waiter) Init(s *Statics, t *sim.Task) {
	w.task, w.id = t, s.Sys.M.NewID(classWaiter)
	w.wake, w.name = wakeAndUnlink, "ep_autoremove_wake_function"
	switch {
	case s.Rules.EntryStaysQueued:
		w.wake, w.name = wakeOnly, "default_wake_function"
	case s.Rules.UnlinksOnlyIfWoken:
		w.wake, w.name = wakeOrLeave, "autoremove_wake_function"
	case s.Rules.UnlinksTwice:
		w.wake = wakeAndUnlinkTwice
	}
	w.entry.Func, w.entry.Private = w.wake, w
	if s.Sys.M.Tracing() {
		w.entry.Func = tracedWake
	}
}

// wakeAndUnlink wakes the sleeper and takes its entry off the queue even if it was awake already, so that
// the next wake-up reaches somebody else. Models ep_autoremove_wake_function (a16ceb139610, 6.0).
func wakeAndUnlink(e *waitqueue.Entry, mode sim.State, _ bool, _ abi.Events) int {
	w := e.Private.(*Waiter)
	woken := w.task.WakeUp(mode)
	w.task.Machine().Write(w.id, fieldLink)
	e.Unlink()
	return count(woken)
}

func count(woken bool) int {
	if woken {
		return 1
	}
	return 0
}

// Wait waits for events: at most maxevents, until the absolute time deadline (ns; sim.Forever: none). now
// says to look once and never sleep. It returns how many events it stored, 0 when the time is over, EINTR,
// or EFAULT. Ready events win over a pending signal.
//
// Models ep_poll. Leaves out busy polling and timer slack. See epoll_wait(2).
func (ep *Eventpoll) Wait(w *Waiter, events []abi.EpollEvent, maxevents int, deadline int64, now bool) (int, abi.Errno) {
	if ep.old && ep.rules.EntryStaysQueued {
		return ep.waitQueued(w, events, maxevents, deadline, now)
	}
	timedOut := now
	avail := ep.look(now)
	for {
		if avail {
			if n, errno := ep.sendEvents(w.task, events, maxevents); n != 0 || errno != 0 {
				return n, errno
			}
		}
		if timedOut {
			ep.statics.reach(waitTimesOut)
			return 0, 0
		}
		if !ep.rules.SignalTestedLocked && w.task.SignalPending() {
			ep.statics.reach(waitSignal)
			return 0, abi.EINTR
		}
		var interrupted bool
		if timedOut, avail, interrupted = ep.sleep(w, deadline); interrupted {
			return 0, abi.EINTR
		}
	}
}

// look is the first test of a wait. With a timeout of 0 it decides.
func (ep *Eventpoll) look(now bool) bool {
	if ep.old && now && ep.rules.ZeroTimeoutLooksLocked {
		return ep.lookLocked()
	}
	return ep.available()
}

func (ep *Eventpoll) lookLocked() bool {
	ep.lock.Lock()
	defer ep.lock.Unlock()
	return ep.listed()
}

// sleep queues the caller exclusively at the head of wq, unless something is available after all, and
// sleeps. It reports whether the deadline has come, whether to look for events, and whether a signal came first.
func (ep *Eventpoll) sleep(w *Waiter, deadline int64) (timedOut, avail, interrupted bool) {
	m, t := ep.m, w.task
	ep.lock.Lock()
	t.SetState(sim.Interruptible)
	avail = ep.listed()
	if !avail && ep.rules.SignalTestedLocked && t.SignalPending() {
		ep.lock.Unlock()
		t.SetState(sim.Running)
		return false, false, true
	}
	if !avail {
		m.Write(w.id, fieldLink)
		ep.statics.reach(waitSleeps)
		ep.sys.Counters.QueueInsertions++
		ep.wq.AddExclusiveHead(&w.entry)
	}
	ep.lock.Unlock()
	if !avail {
		// A deadline that has passed already must not sleep (d9ec73301099).
		if ep.rules.SpinsPastDeadline && deadline-m.Now() < callTime {
			ep.spin(w)
		} else {
			timedOut = deadline <= m.Now() || t.ScheduleTimeout(deadline, "ep.wq", ep.id)
		}
	}
	t.SetState(sim.Running)
	if timedOut && !w.entry.Queued() {
		ep.statics.reach(waitTimedOutButChosen)
	}
	avail = true
	m.Read(w.id, fieldLink)
	if w.entry.Queued() {
		ep.lock.Lock()
		// Timed out, but chosen by a waker meanwhile: the wake-up must not be lost (289caf5d8f6c).
		if timedOut {
			avail = !w.entry.Queued()
		}
		if w.entry.Queued() {
			m.Write(w.id, fieldLink)
			ep.wq.RemoveLocked(&w.entry)
		}
		ep.lock.Unlock()
	}
	if timedOut && ep.rules.TimedOutLeaves {
		avail = false
	}
	if ep.rules.UnlinksTwice {
		w.leaveFrame(m)
	}
	return timedOut, avail, false
}
