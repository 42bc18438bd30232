package sim_test

import (
	"errors"
	"fmt"
	"hash/fnv"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/epollsim/epollsim/sim"
)

// everyStrategy returns a fresh strategy of each kind.
func everyStrategy() map[string]sim.Strategy {
	replay, err := sim.NewReplay(sim.New(sim.Options{}).Token())
	if err != nil {
		panic(err)
	}
	return map[string]sim.Strategy{
		"block": sim.RunToBlock{}, "random": sim.NewRandom(7), "pct": sim.NewPCT(3, 50, 7),
		"replay": replay, "enumerate": &sim.Enumeration{Bound: -1},
	}
}

// allSchedules runs a program under every schedule with at most bound preemptions, and returns how many.
func allSchedules(t require.TestingT, bound int, opts sim.Options, program func(*sim.Machine), after func(*sim.Machine, error)) int {
	pool := &sim.Pool{}
	defer pool.Close()
	e := &sim.Enumeration{Bound: bound}
	opts.Strategy, opts.Pool = e, pool
	for n := 1; ; n++ {
		e.Begin()
		m := sim.New(opts)
		program(m)
		after(m, m.Run())
		m.Close()
		if !e.Advance() {
			return n
		}
		require.Less(t, n, 1_000_000)
	}
}

// op is one action of a small random program.
type op struct{ kind, arg int }

const opKinds = 9

// program makes tasks that do ops. It has deadlocks, sleeps that nobody ends and timers, as it comes.
func program(m *sim.Machine, tasks [][]op, did func(task, op int)) {
	var spins [2]sim.Spinlock
	var mutexes [2]sim.Mutex
	for i := range 2 {
		spins[i].Init(m, classALock)
		mutexes[i].Init(m, classAMutex)
	}
	id := m.NewID(classThing)
	all := make([]*sim.Task, len(tasks))
	for i, ops := range tasks {
		all[i] = m.Go(fmt.Sprint("t", i), nil, func(t *sim.Task) {
			var taken []*sim.Mutex
			for k, o := range ops {
				did(i, k)
				switch o.kind {
				case 0:
					m.Write(id, fieldX)
				case 1:
					m.ReadAt(id, fieldY, o.arg)
				case 2:
					l := &spins[o.arg%2]
					l.Lock()
					m.Write(id, fieldX)
					l.Unlock()
				case 3:
					if l := &mutexes[o.arg%2]; l.Owner() != t {
						l.Lock()
						taken = append(taken, l)
					}
				case 4:
					if n := len(taken); n > 0 {
						taken[n-1].Unlock()
						taken = taken[:n-1]
					}
				case 5:
					t.SleepUntil(m.Now()+int64(o.arg), "op")
				case 6:
					t.Yield()
				case 7:
					all[o.arg%len(all)].WakeUp(sim.Normal)
				case 8:
					t.SetState(sim.Interruptible)
					t.ScheduleTimeout(m.Now()+2, "op", id)
				}
			}
			for n := len(taken); n > 0; n-- {
				taken[n-1].Unlock()
			}
		})
	}
}

func drawProgram(t *rapid.T) [][]op {
	one := rapid.Custom(func(t *rapid.T) op {
		return op{rapid.IntRange(0, opKinds-1).Draw(t, "kind"), rapid.IntRange(0, 3).Draw(t, "arg")}
	})
	return rapid.SliceOfN(rapid.SliceOfN(one, 0, 6), 1, 4).Draw(t, "program")
}

// hashRun runs tasks and returns one hash over all events, the token and the end.
func hashRun(tasks [][]op, opts sim.Options) (uint64, string) {
	h := fnv.New64a()
	opts.Trace = func(e sim.Event) {
		fmt.Fprintln(h, e.Kind, e.Step, e.Time, e.Task, e.Depth, e.Access, e.What, e.Other)
	}
	m := sim.New(opts)
	defer m.Close()
	program(m, tasks, func(int, int) {})
	fmt.Fprintln(h, m.Run(), m.Steps, m.Now(), m.Token())
	return h.Sum64(), m.Token()
}

func TestSameRunTwiceOnAnyNumberOfThreads(t *testing.T) {
	tasks := [][]op{{{3, 0}, {2, 0}, {5, 3}, {4, 0}}, {{2, 0}, {8, 0}, {3, 0}, {0, 0}}, {{6, 0}, {7, 1}, {5, 3}, {2, 1}}}
	for name := range everyStrategy() {
		want, _ := hashRun(tasks, sim.Options{Strategy: everyStrategy()[name], Check: true, Recorder: 5})
		for _, procs := range []int{1, 2, 4, 8} {
			old := runtime.GOMAXPROCS(procs)
			got, _ := hashRun(tasks, sim.Options{Strategy: everyStrategy()[name], Check: true, Recorder: 5})
			runtime.GOMAXPROCS(old)
			require.Equal(t, want, got, name)
		}
	}
}

// What is watched must not change: the order of actions is the same with nothing installed, with
// everything, and under a preemptive strategy that takes only defaults.
func TestWatchingChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tasks := drawProgram(t)
		run := func(opts sim.Options) string {
			var s strings.Builder
			m := sim.New(opts)
			defer m.Close()
			program(m, tasks, func(task, op int) { fmt.Fprintf(&s, "%d.%d@%d ", task, op, m.Now()) })
			err := m.Run()
			var deadlock *sim.DeadlockError
			if errors.As(err, &deadlock) {
				for _, b := range deadlock.Tasks {
					fmt.Fprintf(&s, "%s waits for %v; ", b.Task, b.Wait)
				}
			}
			fmt.Fprint(&s, err == nil, m.Now())
			return s.String()
		}
		want := run(sim.Options{})
		require.Equal(t, want, run(sim.Options{Trace: func(sim.Event) {}, Footprints: true, Recorder: 3, AfterStep: func() {}}))
		require.Equal(t, want, run(sim.Options{Strategy: keep{}}))
	})
}

func TestFootprintIsTheStepThatEnded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tasks := drawProgram(t)
		var since, asked []sim.Access
		steps := 0
		var m *sim.Machine
		random := sim.NewRandom(rapid.Uint64().Draw(t, "seed"))
		m = sim.New(sim.Options{
			Strategy: strategyFunc(func(m *sim.Machine, runnable []*sim.Task, current int) int {
				if steps > 0 {
					require.Equal(t, asked, points(m.Footprint()), "in Next")
				}
				return random.Next(m, runnable, current)
			}),
			Footprints: true,
			Trace: func(e sim.Event) {
				if e.Kind == sim.EventAccess {
					since = append(since, e.Access)
				}
			},
			AfterStep: func() {
				asked = points(m.Footprint())
				require.Equal(t, points(since), asked)
				since = nil
				steps++
			},
		})
		defer m.Close()
		program(m, tasks, func(int, int) {})
		_ = m.Run()
	})
}

// points leaves out what is touched without a point: pending signals by schedule, expiries by their start
// and end.
func points(all []sim.Access) (kept []sim.Access) {
	for _, a := range all {
		if s := a.String(); !strings.Contains(s, "signal_pending") && !strings.Contains(s, "interrupt#") &&
			!strings.Contains(s, ".created") && !strings.Contains(s, ".end") && !strings.Contains(s, ".armed") {
			kept = append(kept, a)
		}
	}
	return kept
}

// strategyFunc is a preemptive strategy.
type strategyFunc func(m *sim.Machine, runnable []*sim.Task, current int) int

func (strategyFunc) Preemptive() bool { return true }
func (f strategyFunc) Next(m *sim.Machine, runnable []*sim.Task, current int) int {
	return f(m, runnable, current)
}

func TestConflicts(t *testing.T) {
	m := sim.New(sim.Options{})
	a, b := m.NewID(classThing), m.NewID(classThing)
	read := sim.Access{ID: a, Field: fieldX}
	write := sim.Access{ID: a, Field: fieldX, Write: true}
	for _, c := range []struct {
		a, b sim.Access
		want bool
	}{
		{read, read, false},
		{read, write, true},
		{write, write, true},
		{write, sim.Access{ID: b, Field: fieldX, Write: true}, false},
		{write, sim.Access{ID: a, Field: fieldY, Write: true}, false},
		{write, sim.Access{ID: a, Field: fieldX, Sub: 1}, false},
		{sim.Access{ID: a, Write: true}, read, true}, // freed
		{sim.Access{ID: b, Write: true}, read, false},
	} {
		require.Equal(t, c.want, c.a.Conflicts(c.b), "%s, %s", c.a, c.b)
		require.Equal(t, c.want, c.b.Conflicts(c.a), "%s, %s", c.b, c.a)
	}
	require.Equal(t, "thing#1", a.String())
	require.Equal(t, uint64(2), b.Number())
	require.Equal(t, "write thing#1.x[3]", sim.Access{ID: a, Field: fieldX, Sub: 3, Write: true}.String())
}

func TestFreeAndGraceAreInTheFootprint(t *testing.T) {
	var got []string
	var m *sim.Machine
	m = sim.New(sim.Options{Footprints: true, AfterStep: func() {
		for _, a := range m.Footprint() {
			got = append(got, a.String())
		}
	}})
	defer m.Close()
	m.Go("a", nil, func(*sim.Task) {
		m.RCUReadLock()
		m.CallRCU(func() { m.Free(m.NewID(classThing)) })
		m.RCUReadUnlock()
	})
	require.NoError(t, m.Run())
	require.Equal(t, []string{
		"read rcu#1.readers", "write rcu#1.readers", "write rcu#1.readers", "write thing#0.created", "write thing#1", "write task#1.end",
	}, got)
}

func TestAfterStepSeesEveryStep(t *testing.T) {
	var m *sim.Machine
	var tasks []string
	m = sim.New(sim.Options{AfterStep: func() {
		tasks = append(tasks, m.Current().Name)
		m.Write(m.NewID(classThing), fieldX) // no point in here
	}})
	defer m.Close()
	m.Go("a", nil, func(t *sim.Task) {
		m.Write(m.NewID(classThing), fieldX)
		t.SleepUntil(5, "nap")
	})
	m.Go("b", nil, func(*sim.Task) {})
	require.NoError(t, m.Run())
	// a: write, state, read state, asleep; b: end; the interrupt; a: state twice, end.
	require.Equal(t, "a a a a b timer timer a a", strings.Join(tasks, " "))
}

func TestAfterStepMayEndTheRun(t *testing.T) {
	for name, s := range everyStrategy() {
		var m *sim.Machine
		m = sim.New(sim.Options{Strategy: s, AfterStep: func() { m.Violation("item on rdllist twice") }})
		m.Go("a", nil, func(*sim.Task) { m.Write(m.NewID(classThing), fieldX) })
		m.Go("b", nil, func(*sim.Task) {})
		require.EqualError(t, m.Run(), "item on rdllist twice", name)
		m.Close()
	}
}

func TestOutsideOfRunNothingIsScheduled(t *testing.T) {
	for name, s := range everyStrategy() {
		m := sim.New(sim.Options{Strategy: s, Check: true, Recorder: 4, Trace: func(sim.Event) {}})
		var spin sim.Spinlock
		var mutex sim.Mutex
		spin.Init(m, classALock)
		mutex.Init(m, classAMutex)
		id := m.NewID(classThing)
		mutex.Lock()
		spin.Lock()
		m.Write(id, fieldX)
		m.Guarded(&spin, id, fieldX)
		m.Enter("f")
		m.Leave("f")
		m.RCUReadLock()
		m.RCUReadUnlock()
		spin.Unlock()
		mutex.Unlock()
		require.Zero(t, m.Steps, name)
		m.Go("a", nil, func(*sim.Task) { mutex.Lock(); mutex.Unlock() })
		require.NoError(t, m.Run(), name)
		m.Close()
	}
}

func TestRunAgain(t *testing.T) {
	m := sim.New(sim.Options{})
	defer m.Close()
	n := 0
	for range 3 {
		m.Go("a", nil, func(t *sim.Task) { n++; t.SleepUntil(m.Now()+10, "nap") })
		require.NoError(t, m.Run())
	}
	require.Equal(t, 3, n)
	require.Equal(t, int64(30), m.Now())
	m.Close()
	require.NoError(t, m.Err())
}
