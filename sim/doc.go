// Package sim is the simulated machine: tasks, a deterministic scheduler, a virtual clock, spinlocks and
// mutexes, and the points at which a task may lose the CPU. It knows no kernel; what runs on it does.
//
// A task is a coroutine (iter.Pull). Exactly one runs at a time, so the code on the machine is plain
// straight-line Go, needs no Go locks and never races. A task gives up the CPU only at a point: taking or
// releasing a lock, blocking, and every access to a field that somebody reads without its lock. A point
// names the object and the field and says whether it reads or writes; everything touched from one point up
// to the next is the footprint of a step, and two steps with disjoint footprints commute. A step also ends
// where a task sleeps or ends; Options.AfterStep sees them all.
//
// With nothing watching – no preemptive strategy, no recorder, no tracer, no checks – a point costs one
// predictable branch and a spinlock nothing at all, because nobody else can be inside.
//
// Left out: weak memory (the machine is sequentially consistent), timer slack, priorities, CPU affinity.
// Time is virtual, in nanoseconds, and moves only when nothing is runnable. Each timer that is due then
// runs as an interrupt task of its own, ordered by the strategy among the others; without a preemptive
// strategy at once, one after the other.
//
//	Machine ── runq ──> Task ── coroutine (from the Pool)
//	   │                 │ held ──> Spinlock, Mutex ── wants ──> Task
//	   │                 └ state, signal flags, sleep timer
//	   ├─ timers (btree by expiry, sequence) ──> Timer ──> interrupt Task
//	   ├─ Strategy: runnable tasks ──> which runs next
//	   └─ recorder (last N steps), tracer, lock order, rcu
//
// Runs that are repeated share a Pool. Everything that a run made – tasks, the floors' objects of a Cache, the machine –
// belongs to that run and goes back at once, when the next machine is made, so that a schedule more allocates next to
// nothing and finds nothing of the one before.
//
// Control moves along a chain: the loop of Run resumes a task, which resumes the one it gives way to, and
// so on; back goes the same way. See Machine.resume.
//
// Kernel names and ours:
//
//	current               Machine.Current
//	set_current_state     Task.SetState
//	schedule              Task.Schedule
//	schedule_hrtimeout    Task.ScheduleTimeout
//	try_to_wake_up        Task.WakeUp
//	signal_pending        Task.SignalPending
//	spin_lock_irqsave     Spinlock.Lock
//	mutex_lock            Mutex.Lock
//	hrtimer_start/cancel  Timer.Start, Timer.Cancel
//	call_rcu              Machine.CallRCU
//	kfree_rcu             Machine.FreeRCU
//	synchronize_rcu       Machine.SynchronizeRCU
//
// Traps for callers: iter.Pull aborts the process if a coroutine is created and resumed under different
// runtime.LockOSThread states, so create and run a machine – and all that share a Pool – under the same
// state. When a run fails, its tasks are unwound by a panic at their next point: deferred functions may
// use the machine, whose points then panic again, and a task that recovers gets no further.
//
// Read machine.go first, then point.go, task.go, schedule.go, spinlock.go; memory.go for runs that are repeated. The strategies are a file each.
package sim

// Files:
//
//	machine.go memory.go        the machine; what runs that are repeated share, with coroutine.go
//	task.go schedule.go exit.go a task: what it is, how it sleeps and wakes, how it ends
//	point.go boundary.go        points; observe.go: who looks at them; optimist.go: where they are none for who looks for races
//	spinlock.go mutex.go rcu.go locks; lock.go, lockorder.go: what both kinds have, and their order
//	timer.go timer_queue.go     the clock
//	strategy.go pct.go          schedules; enumerate.go, replay.go: all of them, one again
//	event.go recorder.go        what happened; the last steps
//	errors.go                   how runs fail
