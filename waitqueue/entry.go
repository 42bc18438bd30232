package waitqueue

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/internal/list"
	"github.com/epollsim/epollsim/sim"
)

// Flags of an entry, include/linux/wait.h as of 6.7; numbers are not observable.
type Flags uint8

// The flags the model knows.
const (
	Exclusive Flags = 0x01 // counts against the quota of a wake-up when its function returns > 0
	Priority  Flags = 0x10 // belongs to the prefix that others are added behind
	bookmark  Flags = 0x04 // is nobody: where a wake-up goes on, see bookmark.go
)

// WakeFunc is called for an entry with the queue's lock held. key is the mask of what happened, 0 for "no
// information". Below 0 ends the walk; above 0 consumes the quota if the entry is exclusive.
type WakeFunc func(e *Entry, mode sim.State, sync bool, key abi.Events) int

// Entry waits on at most one queue, models wait_queue_entry_t.
type Entry struct {
	Flags   Flags
	Func    WakeFunc
	Private any // the *sim.Task of a sleeping task, the hook of a poller

	link list.Node[Entry]
}

// Queued reports whether e is on a queue, read without the lock: list_empty_careful.
func (e *Entry) Queued() bool { return e.link.Linked() }

// Unlink takes e off its queue. Only its own wake function may do that, or a holder of the queue's lock.
func (e *Entry) Unlink() { e.link.Unlink() }

// DefaultWake makes the task in Private run. Models default_wake_function.
func DefaultWake(e *Entry, mode sim.State, _ bool, _ abi.Events) int {
	t := e.Private.(*sim.Task)
	if t.Machine().Tracing() {
		return tracedWake(e, t, mode, "default_wake_function", false)
	}
	return wake(e, t, mode, false)
}

// AutoremoveWake is DefaultWake that takes the entry off the queue if the task was woken. Models
// autoremove_wake_function.
func AutoremoveWake(e *Entry, mode sim.State, _ bool, _ abi.Events) int {
	t := e.Private.(*sim.Task)
	if t.Machine().Tracing() {
		return tracedWake(e, t, mode, "autoremove_wake_function", true)
	}
	return wake(e, t, mode, true)
}

func wake(e *Entry, t *sim.Task, mode sim.State, remove bool) int {
	if !t.WakeUp(mode) {
		return 0
	}
	if remove {
		e.Unlink()
	}
	return 1
}
