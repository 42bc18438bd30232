package sim_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/sim"
)

type locker interface {
	Lock()
	Unlock()
}

func newLocks(m *sim.Machine) map[string]locker {
	var spin sim.Spinlock
	var mutex sim.Mutex
	spin.Init(m, classALock)
	mutex.Init(m, classAMutex)
	return map[string]locker{"spinlock": &spin, "mutex": &mutex}
}

func TestMutualExclusion(t *testing.T) {
	for _, kind := range []string{"spinlock", "mutex"} {
		contend := func(m *sim.Machine, tasks, rounds int) {
			l := newLocks(m)[kind]
			id := m.NewID(classThing)
			inside := 0
			for range tasks {
				m.Go("t", nil, func(t *sim.Task) {
					for range rounds {
						l.Lock()
						inside++
						m.Write(id, fieldX)
						require.Equal(inTask{}, 1, inside)
						if kind == "mutex" {
							t.SleepUntil(m.Now()+1, "inside")
							require.Equal(inTask{}, 1, inside)
						}
						inside--
						l.Unlock()
					}
				})
			}
		}
		for name, s := range everyStrategy() {
			m := sim.New(sim.Options{Strategy: s, Check: true})
			contend(m, 5, 4)
			require.NoError(t, m.Run(), "%s %s", kind, name)
			m.Close()
		}
		for seed := range uint64(100) {
			m := sim.New(sim.Options{Strategy: sim.NewRandom(seed)})
			contend(m, 5, 4)
			require.NoError(t, m.Run(), "%s %d", kind, seed)
			m.Close()
		}
		allSchedules(t, 3, sim.Options{}, func(m *sim.Machine) { contend(m, 2, 1) },
			func(_ *sim.Machine, err error) { require.NoError(t, err) })
	}
}

// Three tasks want a mutex that a fourth hands over: every one of them may be next, a latecomer too.
func TestWaitersCompete(t *testing.T) {
	first := map[string]bool{}
	allSchedules(t, 1, sim.Options{}, func(m *sim.Machine) {
		var l sim.Mutex
		l.Init(m, classAMutex)
		next := ""
		take := func(t *sim.Task) {
			l.Lock()
			if next == "" {
				next = t.Name
			}
			l.Unlock()
		}
		m.Go("holder", nil, func(t *sim.Task) {
			l.Lock()
			m.Go("b", nil, take)
			m.Go("c", nil, take)
			t.SleepUntil(5, "holding")
			m.Go("late", nil, take)
			l.Unlock()
			take(t)
			first[next] = true
		})
	}, func(_ *sim.Machine, err error) { require.NoError(t, err) })
	require.Equal(t, map[string]bool{"holder": true, "b": true, "c": true, "late": true}, first)
}

// The kernel's bug of 8c2e52ebbe88: whoever takes the mutex after the hand-over frees it, the one who
// released it touches it once more.
func TestMutexUnlockIsTwoSteps(t *testing.T) {
	outcomes := map[string]int{}
	program := func(m *sim.Machine) {
		var l sim.Mutex
		l.Init(m, classAMutex)
		refs := 2
		put := func(*sim.Task) {
			l.Lock()
			refs--
			last := refs == 0
			l.Unlock()
			if last {
				m.Free(l.ID())
			}
		}
		m.Go("a", nil, put)
		m.Go("b", nil, put)
	}
	count := func(_ *sim.Machine, err error) {
		text := "fine"
		if err != nil {
			text = err.Error()
		}
		outcomes[text]++
	}
	allSchedules(t, -1, sim.Options{Check: true}, program, count)
	require.Len(t, outcomes, 3)
	require.Positive(t, outcomes["fine"])
	require.Positive(t, outcomes["use after free: task 1 (a) touches a.mtx#1, which was freed"])
	require.Positive(t, outcomes["use after free: task 2 (b) touches a.mtx#1, which was freed"])
}

func violation(t *testing.T, opts sim.Options, fn func(m *sim.Machine, t *sim.Task)) string {
	t.Helper()
	m := sim.New(opts)
	defer m.Close()
	m.Go("a", nil, func(task *sim.Task) {
		fn(m, task)
		panic("unreachable")
	})
	var v *sim.ViolationError
	require.ErrorAs(t, m.Run(), &v)
	return v.Text
}

func TestSleepingWhereOneMustNot(t *testing.T) {
	watched := sim.Options{Recorder: 1}
	sleep := func(t *sim.Task) {
		t.SetState(sim.Interruptible)
		t.Schedule("queue", 0)
	}
	require.Equal(t, "task 1 (a) sleeps in queue (-) while it must not: interrupt, spinlock held or RCU read section",
		violation(t, watched, func(m *sim.Machine, t *sim.Task) {
			var l sim.Spinlock
			l.Init(m, classALock)
			l.Lock()
			sleep(t)
		}))
	require.Equal(t, "task 1 (a) takes mutex a.mtx#1 where it must not sleep: interrupt or spinlock held",
		violation(t, watched, func(m *sim.Machine, _ *sim.Task) {
			locks := newLocks(m)
			locks["spinlock"].Lock()
			locks["mutex"].Lock()
		}))
	for _, opts := range []sim.Options{{}, watched, {Strategy: sim.NewRandom(1)}} {
		require.Equal(t, "task 1 (a) sleeps in queue (-) while it must not: interrupt, spinlock held or RCU read section",
			violation(t, opts, func(m *sim.Machine, t *sim.Task) {
				m.RCUReadLock()
				sleep(t)
			}))
		require.Equal(t, "interrupt timer sleeps in queue (-) while it must not: interrupt, spinlock held or RCU read section",
			violation(t, opts, func(m *sim.Machine, t *sim.Task) {
				var tm sim.Timer
				tm.Init(m, func(*sim.Timer) { sleep(m.Current()) })
				tm.Start(1)
				t.SleepUntil(2, "nap")
			}))
		require.Equal(t, "interrupt timer takes mutex a.mtx#1 where it must not sleep: interrupt or spinlock held",
			violation(t, opts, func(m *sim.Machine, t *sim.Task) {
				l := newLocks(m)["mutex"]
				var tm sim.Timer
				tm.Init(m, func(*sim.Timer) { l.Lock() })
				tm.Start(1)
				l.Lock()
				t.SleepUntil(2, "nap")
			}))
	}
}

func TestSelfDeadlock(t *testing.T) {
	again := func(kind string) func(m *sim.Machine, _ *sim.Task) {
		return func(m *sim.Machine, _ *sim.Task) {
			l := newLocks(m)[kind]
			l.Lock()
			l.Lock()
		}
	}
	require.Equal(t, "task 1 (a) takes a.mtx#1, which it holds: deadlock with itself", violation(t, sim.Options{}, again("mutex")))
	for _, s := range everyStrategy() {
		opts := sim.Options{Strategy: s, Recorder: 1}
		require.Equal(t, "task 1 (a) takes a.mtx#1, which it holds: deadlock with itself", violation(t, opts, again("mutex")))
		require.Equal(t, "task 1 (a) takes a.lock#1, which it holds: deadlock with itself", violation(t, opts, again("spinlock")))
	}
}

func TestReleaseByAnother(t *testing.T) {
	for _, opts := range []sim.Options{{}, {Recorder: 1}} {
		require.Equal(t, "task 1 (a) releases a.mtx#1 held by nobody", violation(t, opts, func(m *sim.Machine, _ *sim.Task) {
			newLocks(m)["mutex"].Unlock()
		}))
	}
}

func TestGuardedClaims(t *testing.T) {
	m := sim.New(sim.Options{Check: true})
	var l sim.Spinlock
	l.Init(m, classALock)
	id := m.NewID(classThing)
	m.Go("a", nil, func(*sim.Task) {
		l.Lock()
		require.True(inTask{}, l.Held())
		m.Guarded(&l, id, fieldX)
		l.Unlock()
		require.False(inTask{}, l.Held())
		m.Guarded(&l, id, fieldX)
	})
	require.EqualError(t, m.Run(), "task 1 (a) touches thing#1.x without holding a.lock#1")
	m.Close()
}

func TestLockOrderByClass(t *testing.T) {
	m := sim.New(sim.Options{Check: true})
	defer m.Close()
	var a, b, c sim.Spinlock
	a.Init(m, classALock)
	b.Init(m, classBLock)
	c.Init(m, classOther)
	nest := func(locks ...*sim.Spinlock) {
		m.Go("t", nil, func(*sim.Task) {
			for _, l := range locks {
				l.Lock()
			}
			for _, l := range locks {
				l.Unlock()
			}
		})
	}
	nest(&a, &b)
	nest(&b, &c)
	nest(&a, &c)
	require.NoError(t, m.Run())
	nest(&c, &a) // closes a cycle of three; one after the other nothing deadlocks
	require.EqualError(t, m.Run(), "lock order: task 4 (t) takes a.lock#1 while holding other#1, elsewhere other is taken inside a.lock")
}

func TestLockOrderWithinAClassIsByInstance(t *testing.T) {
	m := sim.New(sim.Options{Check: true})
	defer m.Close()
	locks := make([]sim.Mutex, 3)
	for i := range locks {
		locks[i].Init(m, classAMutex)
	}
	nest := func(i, j int) {
		m.Go("t", nil, func(*sim.Task) {
			locks[i].Lock()
			locks[j].Lock()
			locks[j].Unlock()
			locks[i].Unlock()
		})
	}
	nest(0, 1)
	nest(1, 2)
	nest(0, 2)
	require.NoError(t, m.Run())
	nest(2, 0)
	require.EqualError(t, m.Run(), "lock order: task 4 (t) takes a.mtx#1 while holding a.mtx#3, elsewhere a.mtx#3 was taken inside a.mtx#1")
}

func abba(m *sim.Machine) {
	var a, b sim.Mutex
	a.Init(m, classAMutex)
	b.Init(m, classBMutex)
	both := func(x, y *sim.Mutex) func(*sim.Task) {
		return func(t *sim.Task) {
			x.Lock()
			t.SleepUntil(m.Now()+1, "between")
			y.Lock()
			y.Unlock()
			x.Unlock()
		}
	}
	m.Go("ab", nil, both(&a, &b))
	m.Go("ba", nil, both(&b, &a))
}

func TestDeadlockReport(t *testing.T) {
	for _, opts := range []sim.Options{{}, {Recorder: 3}, {Strategy: keep{}}} {
		m := sim.New(opts)
		abba(m)
		m.Go("bystander", nil, func(t *sim.Task) {
			t.SetState(sim.Interruptible)
			t.Schedule("queue", m.NewID(classThing))
		})
		err := m.Run()
		require.EqualError(t, err, `deadlock: nothing can run and no timer is armed
  task 1 (ab) waits for b.mtx#1, held by task 2 (ba); holds a.mtx#1
  task 2 (ba) waits for a.mtx#1, held by task 1 (ab); holds b.mtx#1
  task 3 (bystander) waits for queue of thing#1`)
		var deadlock *sim.DeadlockError
		require.True(t, errors.As(err, &deadlock))
		require.Len(t, deadlock.Tasks, 3)
		m.Close()
	}
}
