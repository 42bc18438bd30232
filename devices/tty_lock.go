package devices

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/waitqueue"
)

var (
	classReadLock  = sim.NewClass("tty.atomic_read_lock")
	classWriteLock = sim.NewClass("tty.atomic_write_lock")
	classTermios   = sim.NewClass("tty.termios_rwsem")
	fieldHolders   = sim.NewField("holders")
)

// gate is a mutex that a task may be interrupted at, and that its holder may sleep with: mutex_lock_interruptible,
// mutex_trylock.
type gate struct {
	m        *sim.Machine
	held     bool
	wait     waitqueue.Head
	sleepers sleepers
}

func (g *gate) init(m *sim.Machine, class sim.Class) {
	g.m = m
	g.wait.InitClass(m, class)
}

// isHeld is mutex_is_locked.
func (g *gate) isHeld() bool {
	g.m.Read(g.wait.ID(), fieldHolders)
	return g.held
}

func (g *gate) tryLock() bool {
	g.m.Write(g.wait.ID(), fieldHolders)
	if g.held {
		return false
	}
	g.held = true
	return true
}

// lockFor is tryLock with EAGAIN, or lock.
func (g *gate) lockFor(nonBlocking bool, what string) abi.Errno {
	switch {
	case !nonBlocking:
		return g.lock(what)
	case !g.tryLock():
		return abi.EAGAIN
	}
	return 0
}

// lock sleeps until it has g; ERESTARTSYS if a signal came first.
func (g *gate) lock(what string) abi.Errno {
	for !g.tryLock() {
		e := g.sleepers.get(g.m.Current(), waitqueue.Exclusive)
		errno := g.wait.PrepareToWait(e, sim.Interruptible)
		if errno == 0 {
			if g.isHeld() {
				g.m.Current().Schedule(what, g.wait.ID())
			}
			g.wait.FinishWait(e)
		}
		g.sleepers.put(e)
		if errno != 0 {
			return errno
		}
	}
	return 0
}

func (g *gate) unlock() {
	g.m.Write(g.wait.ID(), fieldHolders)
	g.held = false
	if g.wait.Active() {
		g.wait.WakeUp(sim.Normal, 1, false, 0)
	}
}

// rwsem is a lock that many may hold for reading or one for writing, models struct rw_semaphore.
type rwsem struct {
	m        *sim.Machine
	readers  int
	writer   bool
	wait     waitqueue.Head
	sleepers sleepers
}

func (s *rwsem) init(m *sim.Machine) {
	s.m = m
	s.wait.InitClass(m, classTermios)
}

func (s *rwsem) downRead() {
	for s.m.Write(s.wait.ID(), fieldHolders); s.writer; s.m.Write(s.wait.ID(), fieldHolders) {
		s.sleep(func() bool { return s.writer })
	}
	s.readers++
}

func (s *rwsem) upRead() {
	s.m.Write(s.wait.ID(), fieldHolders)
	if s.readers--; s.readers == 0 {
		s.release()
	}
}

func (s *rwsem) downWrite() {
	for s.m.Write(s.wait.ID(), fieldHolders); s.writer || s.readers > 0; s.m.Write(s.wait.ID(), fieldHolders) {
		s.sleep(func() bool { return s.writer || s.readers > 0 })
	}
	s.writer = true
}

func (s *rwsem) upWrite() {
	s.m.Write(s.wait.ID(), fieldHolders)
	s.writer = false
	s.release()
}

func (s *rwsem) release() {
	if s.wait.Active() {
		s.wait.WakeUp(sim.Normal, waitqueue.All, false, 0)
	}
}

func (s *rwsem) sleep(busy func() bool) {
	t := s.m.Current()
	e := s.sleepers.get(t, 0)
	s.wait.PrepareToWait(e, sim.Uninterruptible)
	s.m.Read(s.wait.ID(), fieldHolders)
	if busy() {
		t.Schedule("termios_rwsem", s.wait.ID())
	}
	s.wait.FinishWait(e)
	s.sleepers.put(e)
}

// waiter is a task that reads or writes a terminal. It stands on the queue from the beginning of the call to its end,
// asleep or not, and remembers a wake-up that came while it was awake: wait_woken and woken_wake_function.
type waiter struct {
	entry waitqueue.Entry
	task  *sim.Task
	woken bool
}

func (w *waiter) String() string { return w.task.String() }

// waitList keeps them for the next call. The kernel has them on the stack.
type waitList struct{ free []*waiter }

// add puts the running task on a queue; nil outside of a run.
func (ws *waitList) add(m *sim.Machine, h *waitqueue.Head) *waiter {
	t := m.Current()
	if t == nil {
		return nil
	}
	var w *waiter
	if n := len(ws.free); n > 0 {
		w, ws.free = ws.free[n-1], ws.free[:n-1]
	} else {
		w = &waiter{}
		w.entry.Func, w.entry.Private = w.wake, w
	}
	w.task, w.woken = t, false
	h.Add(&w.entry)
	return w
}

func (ws *waitList) remove(h *waitqueue.Head, w *waiter) {
	if w != nil {
		h.Remove(&w.entry)
		ws.free = append(ws.free, w)
	}
}

func (w *waiter) wake(_ *waitqueue.Entry, mode sim.State, _ bool, _ abi.Events) int {
	w.woken = true
	if w.task.WakeUp(mode) {
		return 1
	}
	return 0
}

// sleep sleeps until a wake-up that came since the last sleep, or deadline. Models wait_woken.
func (w *waiter) sleep(deadline int64, what string, id sim.ID) {
	w.task.SetState(sim.Interruptible)
	if !w.woken {
		w.task.ScheduleTimeout(deadline, what, id)
	}
	w.task.SetState(sim.Running)
	w.woken = false
}
