package sim_test

import (
	"testing"

	"github.com/epollsim/epollsim/sim"
)

var (
	classThing  = sim.NewClass("thing")
	classOther  = sim.NewClass("other")
	classALock  = sim.NewClass("a.lock")
	classBLock  = sim.NewClass("b.lock")
	classAMutex = sim.NewClass("a.mtx")
	classBMutex = sim.NewClass("b.mtx")
	fieldX      = sim.NewField("x")
	fieldY      = sim.NewField("y")
)

// benchTask measures fn as the only task of a machine.
func benchTask(b *testing.B, opts sim.Options, fn func(m *sim.Machine, t *sim.Task)) {
	b.ReportAllocs()
	m := sim.New(opts)
	defer m.Close()
	m.Go("bench", nil, func(t *sim.Task) { fn(m, t) })
	if err := m.Run(); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkPointUnwatched(b *testing.B) {
	benchTask(b, sim.Options{}, func(m *sim.Machine, _ *sim.Task) {
		id := m.NewID(classThing)
		for b.Loop() {
			m.Write(id, fieldX)
		}
	})
}

func BenchmarkSpinlockUnwatched(b *testing.B) {
	benchTask(b, sim.Options{}, func(m *sim.Machine, _ *sim.Task) {
		var l sim.Spinlock
		l.Init(m, classALock)
		for b.Loop() {
			l.Lock()
			l.Unlock()
		}
	})
}

func BenchmarkMutexUnwatched(b *testing.B) {
	benchTask(b, sim.Options{}, func(m *sim.Machine, _ *sim.Task) {
		var l sim.Mutex
		l.Init(m, classAMutex)
		for b.Loop() {
			l.Lock()
			l.Unlock()
		}
	})
}

func BenchmarkSpinlockWatched(b *testing.B) {
	benchTask(b, sim.Options{MaxSteps: 1 << 62, Strategy: &sim.Enumeration{}}, func(m *sim.Machine, _ *sim.Task) {
		var l sim.Spinlock
		l.Init(m, classALock)
		for b.Loop() {
			l.Lock()
			l.Unlock()
		}
	})
}

// keep is a preemptive strategy that never preempts.
type keep struct{}

func (keep) Preemptive() bool                                { return true }
func (keep) Next(_ *sim.Machine, _ []*sim.Task, cur int) int { return max(cur, 0) }

func BenchmarkDecisionKeep(b *testing.B) {
	b.ReportAllocs()
	m := sim.New(sim.Options{MaxSteps: 1 << 62, Strategy: keep{}})
	defer m.Close()
	m.Go("bench", nil, func(t *sim.Task) {
		m.Go("other", nil, func(*sim.Task) {})
		id := m.NewID(classThing)
		for b.Loop() {
			m.Write(id, fieldX)
		}
	})
	if err := m.Run(); err != nil {
		b.Fatal(err)
	}
}

func benchSwitch(b *testing.B, tasks int) {
	b.ReportAllocs()
	m := sim.New(sim.Options{MaxSteps: 1 << 62})
	defer m.Close()
	done := false
	for range tasks - 1 {
		m.Go("other", nil, func(t *sim.Task) {
			for !done {
				t.Yield()
			}
		})
	}
	m.Go("bench", nil, func(t *sim.Task) {
		t.Yield()
		n := 0
		for b.Loop() {
			if n++; n%tasks == 0 {
				t.Yield() // tasks switches
			}
		}
		done = true
	})
	if err := m.Run(); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkSwitch2(b *testing.B)  { benchSwitch(b, 2) }
func BenchmarkSwitch3(b *testing.B)  { benchSwitch(b, 3) }
func BenchmarkSwitch10(b *testing.B) { benchSwitch(b, 10) }

func BenchmarkSleepWake(b *testing.B) {
	b.ReportAllocs()
	m := sim.New(sim.Options{MaxSteps: 1 << 62})
	defer m.Close()
	done := false
	sleeper := m.Go("sleeper", nil, func(t *sim.Task) {
		for !done {
			t.SetState(sim.Interruptible)
			t.Schedule("bench", 0)
		}
	})
	m.Go("bench", nil, func(t *sim.Task) {
		for b.Loop() {
			sleeper.WakeUp(sim.Normal)
			t.Yield()
		}
		done = true
		sleeper.WakeUp(sim.Normal)
	})
	if err := m.Run(); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkTask(b *testing.B) {
	pool := &sim.Pool{}
	defer pool.Close()
	benchTask(b, sim.Options{Pool: pool, MaxSteps: 1 << 62}, func(m *sim.Machine, t *sim.Task) {
		fn := func(*sim.Task) {}
		for b.Loop() {
			m.Go("child", nil, fn)
			t.Yield()
		}
	})
}

func BenchmarkTimerStartCancel(b *testing.B) {
	benchTask(b, sim.Options{}, func(m *sim.Machine, _ *sim.Task) {
		var tm sim.Timer
		tm.Init(m, func(*sim.Timer) {})
		for b.Loop() {
			tm.Start(1)
			tm.Cancel()
		}
	})
}

func BenchmarkTimerStartFire(b *testing.B) {
	benchTask(b, sim.Options{MaxSteps: 1 << 62}, func(m *sim.Machine, t *sim.Task) {
		for b.Loop() {
			t.SleepUntil(m.Now()+1, "bench")
		}
	})
}

// BenchmarkRun is a run of an explorer: a machine, two tasks, 60 decisions.
func BenchmarkRun(b *testing.B) {
	b.ReportAllocs()
	pool := &sim.Pool{}
	defer pool.Close()
	e := &sim.Enumeration{Bound: 2}
	for b.Loop() {
		e.Begin()
		m := sim.New(sim.Options{Strategy: e, Pool: pool})
		id := m.NewID(classThing)
		points := func(*sim.Task) {
			for range 30 {
				m.Write(id, fieldX)
			}
		}
		m.Go("a", nil, points)
		m.Go("b", nil, points)
		if err := m.Run(); err != nil {
			b.Fatal(err)
		}
		m.Close()
		e.Advance()
	}
}
