package eventpoll

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/waitqueue"
)

// waitQueued is Wait up to 5.6: the entry of a sleeper stays on wq until the thread leaves epoll_wait, so a
// second wake-up may hit a thread that has set its state again and is about to look. Up to 4.20 all is done
// under ep.lock; from 5.0 on the lists are looked at without.
func (ep *Eventpoll) waitQueued(w *Waiter, events []abi.EpollEvent, maxevents int, deadline int64, now bool) (n int, errno abi.Errno) {
	timedOut := now
	for {
		avail := ep.look(now)
		if !avail && !timedOut {
			if ep.rules.SleepTestsUnlocked {
				timedOut, avail, errno = ep.sleepUnlocked(w, deadline)
			} else {
				timedOut, avail, errno = ep.sleepLocked(w, deadline)
			}
		}
		if errno == 0 && avail {
			n, errno = ep.sendEvents(w.task, events, maxevents)
		}
		if n != 0 || errno != 0 || timedOut {
			break
		}
	}
	if w.entry.Queued() {
		ep.lockWq()
		ep.m.Write(w.id, fieldLink)
		ep.wq.RemoveLocked(&w.entry)
		ep.unlockWq()
	}
	return n, errno
}

// lockWq takes what guards the queue of sleepers.
func (ep *Eventpoll) lockWq() {
	if ep.rules.SleepersQueueUnlocked {
		ep.wq.Lock.Lock()
	} else {
		ep.lock.Lock()
	}
}

func (ep *Eventpoll) unlockWq() {
	if ep.rules.SleepersQueueUnlocked {
		ep.wq.Lock.Unlock()
	} else {
		ep.lock.Unlock()
	}
}

// sleepUnlocked is the sleep of 5.0 to 5.6. Who times out leaves with nothing, listed or not (abc610e01c66).
func (ep *Eventpoll) sleepUnlocked(w *Waiter, deadline int64) (timedOut, avail bool, errno abi.Errno) {
	t := w.task
	if !w.entry.Queued() {
		ep.lockWq()
		ep.queueSleeper(w)
		ep.unlockWq()
	}
	for {
		t.SetState(sim.Interruptible)
		if avail = ep.available(); avail {
			break
		}
		if t.SignalPending() {
			errno = abi.EINTR
			break
		}
		if t.ScheduleTimeout(deadline, "ep.wq", ep.id) {
			timedOut, avail = true, !ep.rules.TimedOutLeaves && ep.available()
			break
		}
	}
	t.SetState(sim.Running)
	return timedOut, avail, errno
}

// sleepLocked is the sleep up to 4.20. Who times out looks once more.
func (ep *Eventpoll) sleepLocked(w *Waiter, deadline int64) (timedOut, avail bool, errno abi.Errno) {
	t := w.task
	ep.lock.Lock()
	if avail = ep.listed(); avail {
		ep.lock.Unlock()
		return false, true, 0
	}
	ep.queueSleeper(w)
	for {
		t.SetState(sim.Interruptible)
		if avail = ep.listed() && (!timedOut || ep.rules.TimedOutLooksAgain); avail || timedOut {
			break
		}
		if t.SignalPending() {
			errno = abi.EINTR
			break
		}
		ep.lock.Unlock()
		timedOut = t.ScheduleTimeout(deadline, "ep.wq", ep.id)
		ep.lock.Lock()
	}
	ep.m.Write(w.id, fieldLink)
	ep.wq.RemoveLocked(&w.entry)
	t.SetState(sim.Running)
	ep.lock.Unlock()
	return timedOut, avail, errno
}

func (ep *Eventpoll) queueSleeper(w *Waiter) {
	ep.m.Write(w.id, fieldLink)
	ep.statics.reach(waitSleeps)
	ep.sys.Counters.QueueInsertions++
	ep.wq.AddExclusiveHead(&w.entry)
}

// wakeOnly leaves the entry where it is: default_wake_function.
func wakeOnly(e *waitqueue.Entry, mode sim.State, _ bool, _ abi.Events) int {
	return count(e.Private.(*Waiter).task.WakeUp(mode))
}

// wakeOrLeave takes the entry off only if the sleeper was woken: autoremove_wake_function, 5.7 to 5.19.
func wakeOrLeave(e *waitqueue.Entry, mode sim.State, _ bool, _ abi.Events) int {
	w := e.Private.(*Waiter)
	if !w.task.WakeUp(mode) {
		return 0
	}
	w.task.Machine().Write(w.id, fieldLink)
	e.Unlink()
	return 1
}

// wakeAndUnlinkTwice is wakeAndUnlink with the unlinking in two steps, as another CPU may see the stores of
// 6.0 to 6.3. The sleeper's entry is on its stack: once it looks unlinked, the sleeper may leave.
func wakeAndUnlinkTwice(e *waitqueue.Entry, mode sim.State, sync bool, key abi.Events) int {
	w := e.Private.(*Waiter)
	id := w.id
	n := wakeAndUnlink(e, mode, sync, key)
	w.task.Machine().Write(id, fieldLink)
	return n
}

// leaveFrame ends the life of the entry: the next sleep uses another one.
func (w *Waiter) leaveFrame(m *sim.Machine) {
	if m.Observed() {
		m.Free(w.id)
		w.id = m.NewID(classWaiter)
	}
}

// callTime is less than any call takes. A deadline that is nearer has passed when a real kernel would sleep;
// virtual time stands still inside a call.
const callTime = 100

// spin is what a deadline in the past led to in 6.15-rc: no sleep, and no end. Nobody else would run the loop's
// CPU; if nobody else can run at all, it goes on for ever, and the model says so.
func (ep *Eventpoll) spin(w *Waiter) {
	if ep.m.Alone() {
		ep.m.Violation("epoll_wait of %s spins for ever: its deadline has passed, which neither sleeps nor ends it", w.task)
	}
	w.task.Yield()
}
