package sim

import (
	"hash/crc32"
	"strings"
)

// What an Observer asks about besides the footprint of a step.

// Kind is what two accesses that conflict are about. Every access belongs to one kind.
type Kind uint8

// The kinds of accesses.
const (
	KindField   Kind = iota // a field of an object
	KindObject              // a whole object: its end
	KindLock                // taking and releasing a lock
	KindState               // the state of a task: sleeping, waking
	KindSignal              // whether a signal waits for a task
	KindEnd                 // whether a task has ended
	KindCreated             // how many objects of a class were made
	KindTimer               // a timer: arming, cancelling, expiry
	KindRCU                 // read sections and grace periods
	Kinds                   // how many there are
)

// Kind tells what a is about.
func (a Access) Kind() Kind {
	switch a.Field {
	case 0:
		return KindObject
	case fieldOwner:
		return KindLock
	case fieldState:
		if a.ID.Class() == classInterrupt {
			return KindTimer
		}
		return KindState
	case fieldSignal:
		return KindSignal
	case fieldEnd:
		return KindEnd
	case fieldCreated:
		return KindCreated
	case fieldArmed:
		return KindTimer
	case fieldRCUReader:
		return KindRCU
	}
	return KindField
}

// Enabler returns the number of the step that last made t runnable, or -1.
func (t *Task) Enabler() int { return t.enabler }

// underWay is the number of the step under way, or -1.
func (m *Machine) underWay() int {
	if m.cur == nil {
		return -1
	}
	return int(m.Steps)
}

// Settled returns how many times nothing was runnable and the clock went on to the next timers. What comes
// after that is ordered behind everything before.
func (m *Machine) Settled() uint64 { return m.settled }

// Touch adds a to the footprint of the running step without being a point: what the step has read or changed
// besides the field that its point names.
func (m *Machine) Touch(a Access) { m.touch(a) }

// Checking reports whether Options.AfterStep runs: between two steps.
func (m *Machine) Checking() bool { return m.checking }

// Collecting reports whether anybody wants the footprint of the step under way; Touch is for nothing if not.
func (m *Machine) Collecting() bool { return m.opts.Footprints && m.cur != nil }

// TimersArmed reports whether any timer will fire.
func (m *Machine) TimersArmed() bool { return m.timers.armed > 0 }

// Collect says whether the Observer of m wants footprints from now on.
func (m *Machine) Collect(on bool) { m.opts.Footprints = on && m.err == nil && m.observer != nil }

// Skip says that the steps from the next one on and before the one of number to are t's, as in the run before. The Observer
// is neither asked nor told of them, unless another task runs or time passes first.
func (m *Machine) Skip(to uint64, t *Task) {
	if m.observer != nil && m.ring == nil && !m.tracing {
		m.opts.Footprints, m.skipTo, m.skipper = false, to, t
	}
}

// Contended reports whether any task waits for a lock.
func (m *Machine) Contended() bool {
	for t := m.tasks.Front(); t != nil; t = m.tasks.Next(&t.taskLink) {
		if t.pending != nil {
			return true
		}
	}
	return false
}

// Unwatched says that the next steps, at most this many, are of no interest as long as the running task is the only one that can
// run: the Observer is told again of the step that makes another one runnable. It is for nothing where somebody else looks
// at every step.
func (m *Machine) Unwatched(steps uint64) bool {
	if m.observer == nil || m.ring != nil || m.tracing || m.freed != nil || m.opts.AfterStep != nil || m.runnable != 1 || m.err != nil {
		return false
	}
	m.opts.Footprints, m.skipTo, m.skipper, m.alone = false, min(m.Steps+steps, m.opts.MaxSteps), m.cur, true
	return true
}

// NamesSum is a checksum of the names of all classes and fields: accesses of programs with another one mean
// something else.
func NamesSum() uint32 {
	return crc32.ChecksumIEEE([]byte(strings.Join(classNames, "\n") + "\n\n" + strings.Join(fieldNames, "\n")))
}

// Everything is an object that stands for all there is: who looks at it looks at the state of the whole machine.
var Everything = ID(NewClass("everything")) << 48

// TouchEverything adds to the footprint of the running step that it looked at everything.
func (m *Machine) TouchEverything() {
	m.touch(Access{ID: Everything, Write: true})
}

// LockAccess is the access of taking a lock.
func LockAccess(lock ID) Access { return Access{ID: lock, Field: fieldOwner, Write: true} }
