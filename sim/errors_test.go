package sim_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/sim"
)

func TestStepLimit(t *testing.T) {
	endless := map[string]func(m *sim.Machine, t *sim.Task){
		"yield": func(_ *sim.Machine, t *sim.Task) {
			for {
				t.Yield()
			}
		},
		"sleep": func(m *sim.Machine, t *sim.Task) {
			for {
				t.SleepUntil(m.Now()+1, "nap")
			}
		},
		"tasks": func(m *sim.Machine, _ *sim.Task) {
			var again func(*sim.Task)
			again = func(*sim.Task) { m.Go("again", nil, again) }
			m.Go("again", nil, again)
		},
		"timer": func(m *sim.Machine, _ *sim.Task) {
			tm := &sim.Timer{}
			tm.Init(m, func(tm *sim.Timer) { tm.Start(0) })
			tm.Start(0)
		},
	}
	for what, fn := range endless {
		for name, s := range everyStrategy() {
			m := sim.New(sim.Options{Strategy: s, MaxSteps: 1000})
			m.Go("a", nil, func(t *sim.Task) { fn(m, t) })
			err := m.Run()
			var limit *sim.LimitError
			require.ErrorAs(t, err, &limit, "%s %s", what, name)
			require.EqualError(t, err, "limit reached: 1000 kernel steps (raise it with --max-steps)")
			require.Equal(t, uint64(1001), m.Steps)
			m.Close()
		}
	}
	m := sim.New(sim.Options{MaxSteps: 10, Recorder: 1})
	id := m.NewID(classThing)
	m.Go("a", nil, func(*sim.Task) {
		for {
			m.Read(id, fieldX)
		}
	})
	require.ErrorContains(t, m.Run(), "10 kernel steps")
}

func TestTaskLimit(t *testing.T) {
	m := sim.New(sim.Options{MaxTasks: 3})
	m.Go("a", nil, func(*sim.Task) {
		for {
			m.Go("child", nil, func(*sim.Task) {})
		}
	})
	require.EqualError(t, m.Run(), "limit reached: 3 tasks (raise it with --max-tasks)")

	m = sim.New(sim.Options{MaxTasks: 2})
	for range 3 {
		m.Go("t", nil, func(*sim.Task) {})
	}
	require.ErrorContains(t, m.Run(), "2 tasks")
	m.Close()
}

//go:noinline
func brokenDevice() { panic("item on rdllist twice") }

func TestPanicCarriesTheStackOfItsTask(t *testing.T) {
	for name, s := range everyStrategy() {
		for _, where := range []string{"task", "interrupt"} {
			m := sim.New(sim.Options{Strategy: s, Recorder: 2})
			id := m.NewID(classThing)
			var tm sim.Timer
			tm.Init(m, func(*sim.Timer) { m.Write(id, fieldX); brokenDevice() })
			m.Go("a", nil, func(t *sim.Task) {
				m.Write(id, fieldY)
				if where == "task" {
					brokenDevice()
				}
				tm.Start(1)
				t.SleepUntil(2, "nap")
			})
			m.Go("b", nil, func(t *sim.Task) { t.SleepUntil(10, "b") })
			err := m.Run()
			var p *sim.PanicError
			require.ErrorAs(t, err, &p, name)
			require.Contains(t, string(p.Stack), "brokenDevice", name)
			require.Equal(t, "item on rdllist twice", p.Value)
			require.NotEmpty(t, p.Steps)
			require.NotEmpty(t, p.Token)
			want := map[string]string{"task": "task 1 (a)", "interrupt": "interrupt timer"}[where]
			require.EqualError(t, err, "panic in "+want+": item on rdllist twice")
			require.Equal(t, err, m.Err())
			require.Equal(t, err, m.Run(), "a machine that failed stays so")
			m.Close()
			require.Equal(t, err, m.Err())
		}
	}
}

func TestViolation(t *testing.T) {
	for name, s := range everyStrategy() {
		m := sim.New(sim.Options{Strategy: s, Recorder: 8})
		id := m.NewID(classThing)
		m.Go("a", nil, func(*sim.Task) {
			m.Write(id, fieldX)
			m.Violation("%d items", 2)
			t.Error("Violation returned")
		})
		var v *sim.ViolationError
		require.ErrorAs(t, m.Run(), &v, name)
		require.Equal(t, "2 items", v.Text)
		require.Equal(t, "task 1 (a)", v.Task)
		require.Len(t, v.Steps, 1)
		m.Close()
	}
}

func TestStop(t *testing.T) {
	mine := errors.New("mine")
	for given, want := range map[error]error{mine: mine, nil: sim.ErrStopped} {
		m := sim.New(sim.Options{})
		m.Go("a", nil, func(*sim.Task) { m.Stop(given); t.Error("Stop returned") })
		m.Go("b", nil, func(*sim.Task) { t.Error("b ran") })
		require.Equal(t, want, m.Run())
		m.Close()
	}
}

// An explorer that finds a run redundant stops it from Next, whoever asked.
func TestStopFromTheStrategy(t *testing.T) {
	for at := range 8 {
		n, ran := 0, 0
		m := sim.New(sim.Options{
			Strategy: strategyFunc(func(m *sim.Machine, _ []*sim.Task, _ int) int {
				if n++; n > at {
					ran = -1
					m.Stop(nil)
				}
				return 0
			}),
			AfterStep: func() {
				if ran < 0 {
					t.Error("a step after Stop")
				}
			},
		})
		for range 3 {
			m.Go("t", nil, func(t *sim.Task) {
				m.Write(m.NewID(classThing), fieldX)
				t.SleepUntil(m.Now()+1, "nap")
			})
		}
		require.Equal(t, sim.ErrStopped, m.Run())
		m.Close()
	}
}

func TestUseAfterFree(t *testing.T) {
	m := sim.New(sim.Options{Check: true})
	id := m.NewID(classThing)
	m.Go("a", nil, func(*sim.Task) {
		m.Write(id, fieldX)
		m.Free(id)
		m.Write(m.NewID(classThing), fieldX)
		m.Read(id, fieldX)
	})
	require.EqualError(t, m.Run(), "use after free: task 1 (a) touches thing#1, which was freed")
	m.Close()
}

func TestFlightRecorder(t *testing.T) {
	for n, want := range map[int]string{
		0: "",
		2: "     4 [1 a] write thing#1.x[3]|     5 [1 a] write thing#1.x[4]",
		9: "     1 [1 a] write thing#1.x|     2 [1 a] write thing#1.x[1]|     3 [1 a] write thing#1.x[2]|     4 [1 a] write thing#1.x[3]|     5 [1 a] write thing#1.x[4]",
	} {
		m := sim.New(sim.Options{Recorder: n})
		id := m.NewID(classThing)
		m.Go("a", nil, func(*sim.Task) {
			for i := range 5 {
				m.WriteAt(id, fieldX, i)
			}
		})
		require.NoError(t, m.Run())
		var got []string
		for _, s := range m.LastSteps() {
			got = append(got, s.String())
		}
		require.Equal(t, want, strings.Join(got, "|"))
		m.Close()
	}
}

func TestTrace(t *testing.T) {
	var got []string
	m := sim.New(sim.Options{Trace: func(e sim.Event) {
		line := fmt.Sprintf("%d %s%s", e.Time, strings.Repeat("  ", e.Depth), e.Kind)
		if e.Task != nil {
			line = fmt.Sprintf("[%d] %s", e.Task.ID, line)
		}
		if e.Access != (sim.Access{}) {
			line += " " + e.Access.String()
		}
		if e.What != "" {
			line += " " + e.What
		}
		if e.From != "" {
			line += " " + e.From + " → " + e.To
		}
		if e.Other != nil {
			line += " " + e.Other.Name
		}
		got = append(got, line)
	}})
	defer m.Close()
	require.True(t, m.Tracing())
	var l sim.Mutex
	l.Init(m, classAMutex)
	m.Go("a", nil, func(t *sim.Task) {
		m.Emit("write", 7)
		m.Enter("pipe_write")
		l.Lock()
		m.Enter("wake_up")
		m.Move(l.ID(), 0, "item 3", "idle", "rdllist", "")
		m.Leave("wake_up")
		l.Unlock()
		m.Leave("pipe_write")
		t.SleepUntil(5, "nap")
	})
	m.Go("b", nil, func(*sim.Task) { m.Enter("read"); m.Leave("read") })
	require.NoError(t, m.Run())
	require.Equal(t, `[1] 0 call write
[1] 0 enter pipe_write
[1] 0   access write a.mtx#1.owner
[1] 0   lock read a.mtx#1
[1] 0   enter wake_up
[1] 0     move read a.mtx#1 item 3 idle → rdllist
[1] 0   leave wake_up
[1] 0   access write a.mtx#1.owner
[1] 0   unlock read a.mtx#1
[1] 0   access read a.mtx#1.last touch
[1] 0 leave pipe_write
[1] 0 access write task#1.state
[1] 0 access read task#1.state
[1] 0 sleep read task#1 nap
[2] 0 enter read
[2] 0 leave read
5 clock
[0] 5 enter read task#1 hrtimer_wakeup
[0] 5   access write task#1.state
[0] 5   wake read task#1 blocked → runnable a
[0] 5 leave hrtimer_wakeup
[1] 5 access write task#1.state`, strings.Join(got, "\n"))
}
