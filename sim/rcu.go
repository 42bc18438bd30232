package sim

import "slices"

// rcu is read-copy-update as far as object lifetimes need it: a callback runs as early as the kernel could
// run it, when the last reader that was inside at the time of the call has left. It runs in the context of
// that reader, or of the caller if there was none, and must take no lock that they may hold.
type rcu struct {
	readers []*Task // in order of entry
	waiting []grace // in order of the calls
}

// grace is a callback and the readers it waits for.
type grace struct {
	readers []*Task
	fn      func()
}

// All readers and callbacks meet at one object; readers commute among themselves.
var (
	rcuID          = ID(NewClass("rcu"))<<48 | 1
	fieldRCUReader = NewField("readers")
)

// RCUReadLock begins a read section of the running task; sections nest. Models rcu_read_lock.
func (m *Machine) RCUReadLock() {
	t := m.cur
	if t == nil {
		return
	}
	if t.reading++; t.reading == 1 {
		m.touch(Access{ID: rcuID, Field: fieldRCUReader})
		m.rcu.readers = append(m.rcu.readers, t)
	}
}

// RCUReadUnlock ends it. Models rcu_read_unlock.
func (m *Machine) RCUReadUnlock() {
	t := m.cur
	if t == nil {
		return
	}
	if t.reading == 0 {
		m.Violation("%s leaves an RCU read section that it did not enter", t)
	}
	if t.reading--; t.reading > 0 {
		return
	}
	m.touch(Access{ID: rcuID, Field: fieldRCUReader, Write: len(m.rcu.waiting) > 0})
	isReader := func(r *Task) bool { return r == t }
	m.rcu.readers = slices.DeleteFunc(m.rcu.readers, isReader)
	if len(m.rcu.waiting) == 0 {
		return
	}
	// Callbacks may begin grace periods and let others run: they come when the lists are in order again.
	var ready, waiting []grace
	for _, g := range m.rcu.waiting {
		if g.readers = slices.DeleteFunc(g.readers, isReader); len(g.readers) == 0 {
			ready = append(ready, g)
		} else {
			waiting = append(waiting, g)
		}
	}
	m.rcu.waiting = waiting
	for _, g := range ready {
		g.fn()
	}
}

// CallRCU calls fn after a grace period. Without readers that is now. Models call_rcu.
func (m *Machine) CallRCU(fn func()) {
	m.touch(Access{ID: rcuID, Field: fieldRCUReader, Write: true})
	if len(m.rcu.readers) == 0 {
		fn()
		return
	}
	m.rcu.waiting = append(m.rcu.waiting, grace{slices.Clone(m.rcu.readers), fn})
}

// FreeRCU is Free after a grace period. Models kfree_rcu.
func (m *Machine) FreeRCU(id ID) {
	if len(m.rcu.readers) > 0 {
		m.CallRCU(func() { m.Free(id) })
		return
	}
	m.touch(Access{ID: rcuID, Field: fieldRCUReader, Write: true})
	m.Free(id)
}

// SynchronizeRCU waits for a grace period. Models synchronize_rcu.
func (m *Machine) SynchronizeRCU() {
	m.touch(Access{ID: rcuID, Field: fieldRCUReader, Write: true})
	if len(m.rcu.readers) == 0 {
		return
	}
	t := m.cur
	if t == nil || t.reading > 0 {
		m.Violation("%s waits for a grace period inside an RCU read section", t)
		return
	}
	over := false
	m.CallRCU(func() {
		over = true
		t.WakeUp(Normal)
	})
	for !over {
		t.SetState(Uninterruptible)
		if over {
			break
		}
		t.Schedule("rcu grace period", 0)
	}
	t.SetState(Running)
}
