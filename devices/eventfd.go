package devices

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
	"github.com/epollsim/epollsim/waitqueue"
)

var (
	classEventfd    = sim.NewClass("eventfd")
	classEventfdWqh = sim.NewClass("eventfd.wqh")
	fieldCount      = sim.NewField("count")
)

// eventfdSize is how many bytes a count is.
const eventfdSize = 8

// anonIno is the inode that all anonymous files share. It is the first that a booted kernel numbers.
const anonIno = 1

// Eventfd is a counter that can be waited for, models struct eventfd_ctx. See eventfd(2).
type Eventfd struct {
	m         *sim.Machine
	id        sim.ID
	semaphore bool
	released  bool

	wqh   waitqueue.Head
	count uint64 // changed under wqh.Lock, read without it by ->poll

	sleepers sleepers
}

var eventfds = sim.NewCache(func(e *Eventfd) { *e = Eventfd{sleepers: e.sleepers.again()} })

// NewEventfd returns a new eventfd: eventfd2(2) up to the descriptor. Models do_eventfd.
func NewEventfd(s *vfs.System, initval uint32, flags int) (*vfs.File, abi.Errno) {
	if flags&^(abi.EFD_SEMAPHORE|abi.EFD_CLOEXEC|abi.EFD_NONBLOCK) != 0 {
		return nil, abi.EINVAL
	}
	e := eventfds.New(s.M)
	e.m, e.id, e.count, e.semaphore = s.M, s.M.NewID(classEventfd), uint64(initval), flags&abi.EFD_SEMAPHORE != 0
	e.wqh.InitClass(s.M, classEventfdWqh)
	s.Counters.Allocations++
	return s.NewFile(e, abi.O_RDWR|flags&abi.EFD_NONBLOCK, "anon_inode:[eventfd]", anonIno), 0
}

// Write adds a number of 8 bytes to the count, sleeping while the sum would exceed 2⁶⁴-2, and wakes everybody: also
// for 0, also if the eventfd was readable already. Models eventfd_write.
func (e *Eventfd) Write(f *vfs.File, p []byte) (int, abi.Errno) {
	if len(p) != eventfdSize {
		return 0, abi.EINVAL
	}
	v := binary.LittleEndian.Uint64(p)
	if v == math.MaxUint64 {
		return 0, abi.EINVAL
	}
	e.wqh.Lock.Lock()
	if !hasRoom(e, v) {
		if errno := e.wait(f, hasRoom, v); errno != 0 {
			e.wqh.Lock.Unlock()
			return 0, errno
		}
	}
	e.setCount(e.count + v)
	if e.wqh.ActiveLocked() {
		e.wqh.WakeUpLocked(sim.Normal, 1, false, abi.EPOLLIN)
	}
	e.wqh.Lock.Unlock()
	return eventfdSize, 0
}

// OneByOne says that an eventfd has no ->write_iter.
func (e *Eventfd) OneByOne() (read, write bool) { return false, true }

// Read takes the count, or one of a semaphore, sleeping while it is 0, and wakes everybody. Models eventfd_read.
func (e *Eventfd) Read(f *vfs.File, p []byte) (int, abi.Errno) {
	if len(p) < eventfdSize {
		return 0, abi.EINVAL
	}
	e.wqh.Lock.Lock()
	if e.count == 0 {
		if errno := e.wait(f, isPositive, 0); errno != 0 {
			e.wqh.Lock.Unlock()
			return 0, errno
		}
	}
	v := e.count
	if e.semaphore {
		v = 1
	}
	e.setCount(e.count - v)
	if e.wqh.ActiveLocked() {
		e.wqh.WakeUpLocked(sim.Normal, 1, false, abi.EPOLLOUT)
	}
	e.wqh.Lock.Unlock()
	binary.LittleEndian.PutUint64(p, v)
	return eventfdSize, 0
}

func isPositive(e *Eventfd, _ uint64) bool { return e.count > 0 }

func hasRoom(e *Eventfd, v uint64) bool { return math.MaxUint64-e.count > v }

// setCount stores the count; the caller holds the lock of the queue.
func (e *Eventfd) setCount(v uint64) {
	if e.m.Observed() {
		e.m.Write(e.id, fieldCount)
		changed(e.m, e.id, "count", e.count, v)
	}
	e.count = v
}

// wait sleeps until ready; the lock is held, but not during the sleep. Sleepers are not exclusive, yet stand at the
// tail: a hook with EPOLLEXCLUSIVE that was there before and is taken uses up the wake-up. Models
// wait_event_interruptible_locked_irq.
func (e *Eventfd) wait(f *vfs.File, ready func(*Eventfd, uint64) bool, v uint64) (errno abi.Errno) {
	if f.NonBlocking() {
		return abi.EAGAIN
	}
	w := e.sleepers.get(e.m.Current(), 0)
	for {
		if errno = sleepLocked(&e.wqh, w, "wqh", e.id); errno != 0 || ready(e, v) {
			break
		}
	}
	endSleepLocked(&e.wqh, w)
	e.sleepers.put(w)
	return errno
}

// Poll shows IN while the count is not 0 and OUT while 1 could be added; no NORM twins. Models eventfd_poll.
func (e *Eventfd) Poll(f *vfs.File, pt *vfs.PollTable) abi.Events {
	pt.Wait(f, &e.wqh)
	e.m.Read(e.id, fieldCount)
	count := e.count
	var mask abi.Events
	if count > 0 {
		mask |= abi.EPOLLIN
	}
	if count == math.MaxUint64 {
		mask |= abi.EPOLLERR
	}
	if math.MaxUint64-1 > count {
		mask |= abi.EPOLLOUT
	}
	return mask
}

// Release wakes whoever is left on the queue with HUP. No program sees it: hooks of epolls are gone, and a sleeper
// holds the description. Models eventfd_release.
func (e *Eventfd) Release(*vfs.File) {
	e.m.EnterOn(e.id, "eventfd_release", "")
	e.wqh.WakeUpPoll(abi.EPOLLHUP)
	e.m.Leave("eventfd_release")
	e.released = true
	e.m.Free(e.id)
	e.m.Free(e.wqh.ID())
}

// Seek returns the position, which stays 0: noop_llseek.
func (e *Eventfd) Seek(f *vfs.File, _ int64, _ int) (int64, abi.Errno) { return f.Pos, 0 }

// Fdinfo returns the lines of /proc/PID/fdinfo/FD. Ids count up; the kernel gives out the lowest free one. Models
// eventfd_show_fdinfo.
func (e *Eventfd) Fdinfo(*vfs.File) string {
	e.wqh.Lock.Lock()
	count := e.count
	e.wqh.Lock.Unlock()
	semaphore := 0
	if e.semaphore {
		semaphore = 1
	}
	return fmt.Sprintf("eventfd-count: %16x\neventfd-id: %d\neventfd-semaphore: %d\n", count, e.id.Number()-1, semaphore)
}

// Traced is vfs.Traced.
func (e *Eventfd) Traced() (string, sim.ID) { return "eventfd", e.id }

// EventfdState is an eventfd as plain data.
type EventfdState struct {
	ID        string
	Count     uint64
	Semaphore bool
	Wqh       []string // who waits, in wake-up order
}

// State returns what e looks like now. It takes no lock: the machine stands still.
func (e *Eventfd) State() *EventfdState {
	return &EventfdState{ID: e.id.String(), Count: e.count, Semaphore: e.semaphore, Wqh: waiters(&e.wqh)}
}

// Check reports every broken invariant of e. It may run between any two steps.
func (e *Eventfd) Check() error {
	var all []error
	if !e.wqh.Check() {
		all = append(all, fmt.Errorf("%s: wqh has a broken link", e.id))
	}
	if e.count == math.MaxUint64 {
		all = append(all, fmt.Errorf("%s: count is 2⁶⁴-1, which no write reaches", e.id))
	}
	if e.released && e.wqh.ActiveLocked() {
		all = append(all, fmt.Errorf("%s: released, but %v waits for it", e.id, waiters(&e.wqh)))
	}
	return errors.Join(all...)
}

// waiters names who is on a queue, in wake-up order.
func waiters(h *waitqueue.Head) []string { return h.Names() }

// FileState is what a snapshot shows of e.
func (e *Eventfd) FileState() vfs.FileState {
	return vfs.FileState{Struct: "eventfd_ctx", ID: e.id.String(), Fields: []vfs.FieldState{
		{Name: "count", Value: fmt.Sprint(e.count)},
	}, Queues: []waitqueue.State{e.wqh.State("wqh")}}
}
