package sim_test

import (
	"errors"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/sim"
)

// noGoroutineLeft runs fn and requires as many goroutines afterwards as before. Coroutines are gone at once;
// the plain goroutines of fn, and the one that expels a task, have said so but may still be on their way out.
func noGoroutineLeft(t *testing.T, fn func()) {
	t.Helper()
	before := runtime.NumGoroutine()
	fn()
	for range 10_000_000 {
		if runtime.NumGoroutine() <= before {
			return
		}
		runtime.Gosched()
	}
	require.Equal(t, before, runtime.NumGoroutine())
}

func sleepForever(t *sim.Task) {
	t.SetState(sim.Uninterruptible)
	t.Schedule("for ever", 0)
}

func TestTeardownLeavesNoGoroutine(t *testing.T) {
	nap := func(m *sim.Machine) func(*sim.Task) {
		return func(t *sim.Task) { t.SleepUntil(m.Now()+5, "nap") }
	}
	programs := map[string]func(m *sim.Machine){
		"normal":    func(m *sim.Machine) { m.Go("a", nil, nap(m)); m.Go("b", nil, nap(m)) },
		"deadlock":  func(m *sim.Machine) { m.Go("a", nil, nap(m)); m.Go("b", nil, sleepForever) },
		"abba":      abba,
		"panic":     func(m *sim.Machine) { m.Go("a", nil, nap(m)); m.Go("b", nil, func(*sim.Task) { panic("b") }) },
		"violation": func(m *sim.Machine) { m.Go("a", nil, nap(m)); m.Go("b", nil, func(*sim.Task) { m.Violation("b") }) },
		"interrupt": func(m *sim.Machine) {
			tm := &sim.Timer{}
			tm.Init(m, func(*sim.Timer) { panic("tm") })
			tm.Start(3)
			m.Go("a", nil, nap(m))
		},
		"limit": func(m *sim.Machine) {
			m.Go("a", nil, nap(m))
			m.Go("b", nil, func(t *sim.Task) {
				for {
					t.Yield()
				}
			})
		},
	}
	for what, program := range programs {
		for name, s := range everyStrategy() {
			noGoroutineLeft(t, func() {
				m := sim.New(sim.Options{Strategy: s, MaxSteps: 500})
				program(m)
				_ = m.Run()
				require.Empty(t, m.Tasks(), "%s %s", what, name)
				m.Close()
				m.Close()
			})
		}
	}
	noGoroutineLeft(t, func() {
		pool := &sim.Pool{}
		for range 3 {
			for _, program := range programs {
				m := sim.New(sim.Options{Pool: pool, MaxSteps: 500})
				program(m)
				_ = m.Run()
				m.Close()
			}
		}
		pool.Close()
	})
}

func TestCloseWithoutRun(t *testing.T) {
	noGoroutineLeft(t, func() {
		m := sim.New(sim.Options{})
		m.Go("a", nil, func(*sim.Task) { t.Error("ran") })
		m.Close()
		require.Equal(t, sim.ErrStopped, m.Err())
		require.Equal(t, sim.ErrStopped, m.Run())
	})
}

func TestRunAndCloseFromATask(t *testing.T) {
	m := sim.New(sim.Options{})
	defer m.Close()
	m.Go("a", nil, func(*sim.Task) {
		require.Panics(inTask{}, func() { _ = m.Run() })
		require.Panics(inTask{}, m.Close)
	})
	require.NoError(t, m.Run())
}

// Whatever a task does while it is unwound, the run ends with its first error and nothing is left.
func TestUnwindingTasksMayTouchTheMachine(t *testing.T) {
	touches := map[string]func(m *sim.Machine, t *sim.Task, spin *sim.Spinlock, mutex *sim.Mutex){
		"point":  func(m *sim.Machine, _ *sim.Task, spin *sim.Spinlock, _ *sim.Mutex) { m.Write(spin.ID(), fieldX) },
		"spin":   func(_ *sim.Machine, _ *sim.Task, spin *sim.Spinlock, _ *sim.Mutex) { spin.Lock() },
		"mutex":  func(_ *sim.Machine, _ *sim.Task, _ *sim.Spinlock, mutex *sim.Mutex) { mutex.Lock() },
		"unlock": func(_ *sim.Machine, _ *sim.Task, _ *sim.Spinlock, mutex *sim.Mutex) { mutex.Unlock() },
		"sleep":  func(_ *sim.Machine, t *sim.Task, _ *sim.Spinlock, _ *sim.Mutex) { sleepForever(t) },
		"yield":  func(_ *sim.Machine, t *sim.Task, _ *sim.Spinlock, _ *sim.Mutex) { t.Yield() },
		"nap":    func(m *sim.Machine, t *sim.Task, _ *sim.Spinlock, _ *sim.Mutex) { t.SleepUntil(m.Now()+5, "nap") },
		"violate": func(m *sim.Machine, _ *sim.Task, _ *sim.Spinlock, _ *sim.Mutex) {
			m.Violation("while unwinding")
		},
		"panic": func(*sim.Machine, *sim.Task, *sim.Spinlock, *sim.Mutex) { panic("while unwinding") },
		"go": func(m *sim.Machine, _ *sim.Task, _ *sim.Spinlock, _ *sim.Mutex) {
			m.Go("late", nil, func(*sim.Task) { panic("late") })
		},
		"rcu": func(m *sim.Machine, _ *sim.Task, _ *sim.Spinlock, _ *sim.Mutex) {
			m.RCUReadLock()
			m.CallRCU(func() {})
			m.RCUReadUnlock()
			m.SynchronizeRCU()
		},
	}
	mine := errors.New("mine")
	for what, touch := range touches {
		for _, swallow := range []bool{false, true} {
			for name, s := range everyStrategy() {
				noGoroutineLeft(t, func() {
					m := sim.New(sim.Options{Strategy: s, MaxSteps: 5000, Trace: func(sim.Event) {}})
					var spin sim.Spinlock
					var mutex sim.Mutex
					spin.Init(m, classALock)
					mutex.Init(m, classAMutex)
					for range 3 {
						m.Go("t", nil, func(t *sim.Task) {
							for range 3 {
								defer func() {
									if swallow {
										_ = recover()
									}
									touch(m, t, &spin, &mutex)
								}()
							}
							mutex.Lock()
							t.SleepUntil(100, "holding")
							mutex.Unlock()
						})
					}
					m.Go("end", nil, func(t *sim.Task) {
						defer touch(m, t, &spin, &mutex)
						t.SleepUntil(50, "end")
						m.Stop(mine)
					})
					require.Equal(t, mine, m.Run(), "%s %v %s", what, swallow, name)
					m.Close()
				})
			}
		}
	}
}

// A task that recovers from being killed, again and again, does not hang the run.
func TestKillingATaskThatRecovers(t *testing.T) {
	stubborn := func(act func(t *sim.Task)) func(*sim.Task) {
		return func(t *sim.Task) {
			for {
				func() {
					defer func() { _ = recover() }()
					act(t)
				}()
			}
		}
	}
	acts := map[string]func(m *sim.Machine) func(t *sim.Task){
		"sleep": func(*sim.Machine) func(*sim.Task) { return sleepForever },
		"yield": func(*sim.Machine) func(*sim.Task) { return (*sim.Task).Yield },
		"point": func(m *sim.Machine) func(*sim.Task) {
			return func(*sim.Task) { m.Write(m.NewID(classThing), fieldX) }
		},
		"violation": func(m *sim.Machine) func(*sim.Task) { return func(*sim.Task) { m.Violation("again") } },
	}
	for what, act := range acts {
		for name, s := range everyStrategy() {
			noGoroutineLeft(t, func() {
				m := sim.New(sim.Options{Strategy: s, MaxSteps: 300, Recorder: 1})
				for range 3 {
					m.Go("stubborn", nil, stubborn(act(m)))
				}
				require.Error(t, m.Run(), "%s %s", what, name)
				m.Close()
			})
		}
	}
}

// require.FailNow is runtime.Goexit: in a task it ends the test, and takes all other tasks along.
func TestGoexitInATask(t *testing.T) {
	for name, s := range everyStrategy() {
		noGoroutineLeft(t, func() {
			unwound := 0
			done := make(chan *sim.Machine)
			go func() {
				m := sim.New(sim.Options{Strategy: s})
				defer func() { done <- m }()
				for range 3 {
					m.Go("t", nil, func(t *sim.Task) {
						defer func() { unwound++ }()
						t.SleepUntil(10, "nap")
					})
				}
				m.Go("exit", nil, func(t *sim.Task) {
					t.SleepUntil(5, "nap")
					runtime.Goexit()
				})
				_ = m.Run()
				t.Error("Run returned")
			}()
			m := <-done
			require.Equal(t, 3, unwound, name)
			require.Equal(t, sim.ErrStopped, m.Err())
			m.Close()
		})
	}
}

func TestPanicOfTheStrategy(t *testing.T) {
	for at := range 6 {
		noGoroutineLeft(t, func() {
			n := 0
			m := sim.New(sim.Options{Strategy: strategyFunc(func(*sim.Machine, []*sim.Task, int) int {
				if n++; n > at {
					panic("strategy")
				}
				return 0
			})})
			for range 3 {
				m.Go("t", nil, func(t *sim.Task) { t.SleepUntil(10, "nap"); t.Yield() })
			}
			var err error
			func() {
				defer func() { _ = recover() }()
				err = m.Run()
			}()
			var p *sim.PanicError
			require.True(t, err == nil || errors.As(err, &p))
			require.Error(t, m.Err())
			m.Close()
		})
	}
}

func TestMachineOnALockedThread(t *testing.T) {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		m := sim.New(sim.Options{Strategy: sim.NewRandom(1)})
		defer m.Close()
		for range 4 {
			m.Go("t", nil, func(t *sim.Task) {
				for range 10 {
					t.Yield()
				}
				m.Go("child", nil, (*sim.Task).Yield)
			})
		}
		done <- m.Run()
	}()
	require.NoError(t, <-done)
}

func TestNothingIsAllocated(t *testing.T) {
	m := sim.New(sim.Options{Strategy: keep{}})
	defer m.Close()
	var spin sim.Spinlock
	var mutex sim.Mutex
	var tm sim.Timer
	spin.Init(m, classALock)
	mutex.Init(m, classAMutex)
	tm.Init(m, func(*sim.Timer) {})
	done := false
	other := m.Go("other", nil, func(t *sim.Task) {
		for !done {
			t.SetState(sim.Interruptible)
			t.Schedule("bench", 0)
		}
	})
	m.Go("a", nil, func(task *sim.Task) {
		for what, fn := range map[string]func(){
			"point":  func() { m.Write(spin.ID(), fieldX) },
			"lock":   func() { spin.Lock(); spin.Unlock(); mutex.Lock(); mutex.Unlock() },
			"timer":  func() { tm.Start(5); tm.Cancel() },
			"switch": func() { other.WakeUp(sim.Normal); task.Yield(); task.Yield() },
		} {
			fn()
			require.Zero(inTask{}, testing.AllocsPerRun(100, fn), what)
		}
		done = true
		other.WakeUp(sim.Normal)
	})
	require.NoError(t, m.Run())
}
