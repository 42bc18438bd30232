package sim_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/sim"
)

// listener is an Observer that takes the default and calls fn at the end of every step that it is told of.
type listener struct {
	told, asked []uint64 // numbers of steps
	fn          func(m *sim.Machine)
}

func (*listener) Preemptive() bool { return true }

func (l *listener) Next(m *sim.Machine, _ []*sim.Task, current int) int {
	l.asked = append(l.asked, m.Steps)
	return max(current, 0)
}

func (l *listener) Stepped(m *sim.Machine) {
	l.told = append(l.told, m.Steps)
	if l.fn != nil {
		l.fn(m)
	}
}

func (*listener) Halted(*sim.Machine, error) {}

// twoTasks is a machine with tasks a and b of n points each.
func twoTasks(l *listener, n int, then func(m *sim.Machine)) *sim.Machine {
	m := sim.New(sim.Options{Strategy: l})
	for _, name := range []string{"a", "b"} {
		m.Go(name, nil, func(*sim.Task) {
			for range n {
				m.Read(m.Current().Identity(), fieldCoast)
			}
			if then != nil {
				then(m)
			}
		})
	}
	return m
}

var fieldCoast = sim.NewField("coast")

// A run that coasts ends with the error, at its own end; nobody is told of its steps.
func TestCoast(t *testing.T) {
	end, ended := errors.New("the end"), 0
	l := &listener{}
	l.fn = func(m *sim.Machine) { m.Coast(end, 100) }
	m := twoTasks(l, 10, func(*sim.Machine) { ended++ })
	require.ErrorIs(t, m.Run(), end)
	require.Equal(t, []uint64{1}, l.told)
	require.Equal(t, 2, ended)
	require.EqualValues(t, 22, m.Steps)
	m.Close()
}

// It is stopped after the steps that it was given, where time would pass, where nothing can go on, and by its own mistakes,
// which nobody hears of.
func TestCoastIsStopped(t *testing.T) {
	end := errors.New("the end")
	for name, then := range map[string]func(m *sim.Machine){
		"steps": func(m *sim.Machine) {
			for {
				m.Read(m.Current().Identity(), fieldCoast)
			}
		},
		"time":      func(m *sim.Machine) { m.Current().SleepUntil(10, "nap") },
		"deadlock":  func(m *sim.Machine) { sleepForever(m.Current()) },
		"violation": func(m *sim.Machine) { m.Violation("broken") },
		"panic":     func(*sim.Machine) { panic("broken") },
		"stop":      func(m *sim.Machine) { m.Stop(errors.New("enough")) },
	} {
		noGoroutineLeft(t, func() {
			l := &listener{}
			l.fn = func(m *sim.Machine) { m.Coast(end, 100) }
			m := twoTasks(l, 10, then)
			require.ErrorIs(t, m.Run(), end, name)
			require.Zero(t, m.Now(), name)
			require.LessOrEqual(t, m.Steps, uint64(102), name)
			m.Close()
		})
	}
}

// Steps that are skipped are counted and not told, decisions are counted and not asked for, until another task runs.
func TestSkip(t *testing.T) {
	plain := &listener{}
	m := twoTasks(plain, 10, nil)
	require.NoError(t, m.Run())
	l := &listener{}
	l.fn = func(m *sim.Machine) {
		if m.Steps == 3 {
			m.Skip(7, m.Current())
		}
	}
	s := twoTasks(l, 10, nil)
	require.NoError(t, s.Run())
	require.Equal(t, m.Steps, s.Steps)
	require.Equal(t, m.Decisions(), s.Decisions())
	require.Equal(t, append([]uint64{1, 2, 3}, plain.told[7:]...), l.told)
	require.Equal(t, []uint64{0, 1, 2, 7, 8, 9, 10}, l.asked)
	l = &listener{}
	l.fn = func(m *sim.Machine) {
		if m.Steps == 9 {
			m.Skip(15, m.Current()) // a has two steps more
		}
	}
	s = twoTasks(l, 10, nil)
	require.NoError(t, s.Run())
	require.Equal(t, append([]uint64{1, 2, 3, 4, 5, 6, 7, 8, 9}, plain.told[11:]...), l.told)
}
