package sim

import (
	"fmt"
	"math"
)

// Class is the kind of an object or lock ("eventpoll", "ep.lock"), registered once per program.
type Class uint8

// Field names a field of an object ("rdllist", "f_ep"), registered once per program.
type Field uint8

// Both tables are filled by package variables only, hence in an order fixed by the import graph; numbers
// never reach an output, names do.
var (
	classNames = []string{"?"}
	fieldNames = []string{"?"}
)

// NewClass registers the name of a class of objects. Call it for package variables only.
func NewClass(name string) Class {
	if len(classNames) > math.MaxUint8 {
		panic("sim: more than 255 classes")
	}
	classNames = append(classNames, name)
	return Class(len(classNames) - 1)
}

// NewField registers the name of a field. Call it for package variables only.
func NewField(name string) Field {
	if len(fieldNames) > math.MaxUint8 {
		panic("sim: more than 255 fields")
	}
	fieldNames = append(fieldNames, name)
	return Field(len(fieldNames) - 1)
}

// fieldCreated is how many objects of a class there are: who makes one learns its number.
var fieldCreated = NewField("created")

// String is the name that NewClass was given.
func (c Class) String() string { return classNames[c] }

// String is the name that NewField was given.
func (f Field) String() string { return fieldNames[f] }

// ID is the identity of an object of the model: its class, and its number within the class in order of
// creation. It stands in for the address the kernel would use and is the same in every run.
type ID uint64

// Class returns the kind of object.
func (id ID) Class() Class { return Class(id >> 48) }

// Number returns the creation number within the class, from 1.
func (id ID) Number() uint64 { return uint64(id) & (1<<48 - 1) }

// String is CLASS#NUMBER; of no object "-".
func (id ID) String() string {
	if id == 0 {
		return "-"
	}
	return fmt.Sprintf("%s#%d", id.Class(), id.Number())
}

// NewID numbers a new object of class c.
func (m *Machine) NewID(c Class) ID {
	m.created[c]++
	m.touch(Access{ID: ID(c) << 48, Field: fieldCreated, Write: true})
	return ID(c)<<48 | ID(m.created[c])
}

// Access is one touch of a field: what, and whether it changes it. Sub tells apart the elements of a
// field that is an array (slots of an fd table). Add is for a Write that commutes with others like it, such as
// counting up.
type Access struct {
	ID    ID
	Sub   int32
	Field Field
	Write bool
	Add   bool
	Role  Role
}

// Role is what an access is besides.
type Role uint8

// The roles.
const (
	Plain    Role = iota
	Last          // an Add that comes after all others by what it is: see CountDown
	Releases      // of a lock; any other Write of its owner takes it
)

// String is the access on one line: the object, the field, read or written.
func (a Access) String() string {
	op := "read"
	if a.Write {
		op = "write"
	}
	if a.Field == 0 {
		return fmt.Sprintf("%s %s", op, a.ID)
	}
	if a.Sub != 0 {
		return fmt.Sprintf("%s %s.%s[%d]", op, a.ID, a.Field, a.Sub)
	}
	return fmt.Sprintf("%s %s.%s", op, a.ID, a.Field)
}

// Conflicts reports whether two accesses of different tasks do not commute. Field 0 is the whole object,
// as in the access that Free leaves.
func (a Access) Conflicts(b Access) bool {
	if a.ID != b.ID || !a.Write && !b.Write || a.Add && b.Add {
		return false
	}
	return a.Field == b.Field && a.Sub == b.Sub || a.Field == 0 || b.Field == 0
}

// Read is a point: the running task is about to read a field that may change under it.
func (m *Machine) Read(id ID, f Field) {
	if m.observed {
		m.readPoint(id, f)
	}
}

// Write is a point: the running task is about to change a field that others read without its lock.
func (m *Machine) Write(id ID, f Field) {
	if m.observed {
		m.writePoint(id, f)
	}
}

// The points of Read, Write and Add stand apart, that functions with one are small enough to be inlined.
//
//go:noinline
func (m *Machine) readPoint(id ID, f Field) { m.point(Access{ID: id, Field: f}) }

//go:noinline
func (m *Machine) writePoint(id ID, f Field) { m.point(Access{ID: id, Field: f, Write: true}) }

//go:noinline
func (m *Machine) addPoint(id ID, f Field) { m.point(Access{ID: id, Field: f, Write: true, Add: true}) }

// Add is Write for a change that commutes with others like it: counting up and down while nobody looks.
func (m *Machine) Add(id ID, f Field) {
	if m.observed {
		m.addPoint(id, f)
	}
}

// CountDown adds to the footprint of the running step that it has counted field f down, and left is what is left. It is for
// what the last one does, whoever that is, so that nobody can see who it was: counts commute, and what comes after the last
// comes after all. It is no point.
func (m *Machine) CountDown(id ID, f Field, left int) {
	a := Access{ID: id, Field: f, Write: true, Add: true}
	if left == 0 {
		a.Role = Last
	}
	m.touch(a)
}

// ReadAt is Read for element i of an array.
func (m *Machine) ReadAt(id ID, f Field, i int) {
	if m.observed {
		m.point(Access{ID: id, Field: f, Sub: int32(i)})
	}
}

// WriteAt is Write for element i of an array.
func (m *Machine) WriteAt(id ID, f Field, i int) {
	if m.observed {
		m.point(Access{ID: id, Field: f, Sub: int32(i), Write: true})
	}
}

// Guarded says that the running task touches a field that only holders of l may touch. It is no point: the
// lock is in the footprint already. With Options.Check the claim is verified.
func (m *Machine) Guarded(l Locker, id ID, f Field) {
	if m.observed {
		m.guarded(l, id, f)
	}
}

func (m *Machine) guarded(l Locker, id ID, f Field) {
	if m.outside() {
		return
	}
	if m.opts.Check && l.base().owner != m.cur {
		m.Violation("%s touches %s.%s without holding %s", m.cur, id, f, l.base().id)
	}
	m.checkAlive(id)
}

// point ends the running step and begins the next one with access a.
func (m *Machine) point(a Access) {
	if m.Steps+1 < m.skipTo && m.cur == m.skipper {
		if m.Steps++; m.runnable > 1 {
			m.decisions++
		}
		return
	}
	if m.outside() {
		return
	}
	m.preempt(a)
	m.record(a)
}

// preempt lets the strategy run somebody else before access a of the running task.
func (m *Machine) preempt(a Access) {
	m.step()
	t := m.cur
	t.next = a
	if m.preemptive && m.runnable > 1 {
		if next := m.choose(t); next != t {
			m.Preemptions++
			m.switchTo(next)
		}
	}
}

// record makes a the footprint of the step that has begun.
func (m *Machine) record(a Access) {
	m.foot = m.foot[:0]
	if m.opts.Footprints {
		m.foot = append(m.foot, a)
	}
	if m.told {
		m.tell(a)
	}
}

// tell is record for those who look at every access.
func (m *Machine) tell(a Access) {
	if m.ring != nil {
		m.ring.add(Step{Number: m.Steps, Task: m.cur.ID, Name: m.cur.Name, Access: a})
	}
	if m.tracing {
		m.emit(Event{Kind: EventAccess, Access: a})
	}
	m.checkAlive(a.ID)
}

// outside reports that no task is running – what builds up a machine before Run, or checks it, is not
// scheduled – and unwinds the task that runs on though its run is over.
func (m *Machine) outside() bool {
	if m.cur == nil || m.checking {
		return true
	}
	if m.err != nil {
		m.die()
	}
	return false
}

// touch adds a to the footprint of the running step; unlike a point it does not begin a new one.
func (m *Machine) touch(a Access) {
	if m.opts.Footprints && m.cur != nil {
		m.foot = append(m.foot, a)
	}
}

// step ends and counts one step, and ends a run that is too long.
func (m *Machine) step() {
	m.Steps++
	if m.Steps <= m.skipTo && m.cur == m.skipper {
		return
	}
	if m.observer != nil {
		m.observer.Stepped(m)
	}
	if m.opts.AfterStep != nil {
		m.afterStep()
	}
	if m.AllSteps() > m.opts.MaxSteps {
		m.limit("kernel steps", m.opts.MaxSteps, "--max-steps")
	}
}

// afterStep runs the invariant checks of the floors above, unless they have been run for this step before.
func (m *Machine) afterStep() {
	if !m.checking && (m.observer == nil || m.opts.Footprints) {
		m.checking = true
		m.opts.AfterStep()
		m.checking = false
	}
}

// Footprint returns what the step now ending has touched; a Strategy may look at it in Next, AfterStep
// always. It is good until then only, and needs Options.Footprints.
func (m *Machine) Footprint() []Access { return m.foot }

// Free marks an object as freed: any later touch of it is reported as a use after free.
func (m *Machine) Free(id ID) {
	m.touch(Access{ID: id, Write: true})
	if m.freed != nil {
		m.freed[id] = struct{}{}
	}
}

func (m *Machine) checkAlive(id ID) {
	if len(m.freed) == 0 {
		return
	}
	if _, dead := m.freed[id]; dead {
		m.Violation("use after free: %s touches %s, which was freed", m.cur, id)
	}
}
