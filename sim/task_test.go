package sim_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/sim"
)

func TestTasksRunToBlockInOrderOfBecomingRunnable(t *testing.T) {
	m := sim.New(sim.Options{})
	defer m.Close()
	var got []string
	say := func(s string) { got = append(got, s) }
	a := m.Go("a", nil, func(t *sim.Task) {
		say("a1")
		t.SetState(sim.Interruptible)
		t.Schedule("b", 0)
		say("a2")
	})
	m.Go("b", "owner", func(t *sim.Task) {
		say("b1")
		require.Equal(inTask{}, "owner", t.Owner)
		m.Go("c", nil, func(*sim.Task) { say("c") })
		a.WakeUp(sim.Normal)
		t.Yield()
		say("b2")
	})
	require.NoError(t, m.Run())
	require.Equal(t, "a1 b1 c a2 b2", strings.Join(got, " "))
	require.True(t, a.Ended())
	require.Empty(t, m.Tasks())
}

func TestWakeBetweenSetStateAndSchedule(t *testing.T) {
	sleeps := map[bool]int{}
	allSchedules(t, -1, sim.Options{}, func(m *sim.Machine) {
		id := m.NewID(classThing)
		ready, slept := false, false
		a := m.Go("a", nil, func(t *sim.Task) {
			for {
				t.SetState(sim.Interruptible)
				m.Read(id, fieldX)
				if ready {
					break
				}
				before := m.Steps
				t.Schedule("ready", id)
				slept = slept || m.Steps > before+2
			}
			t.SetState(sim.Running)
			sleeps[slept]++
		})
		m.Go("b", nil, func(*sim.Task) {
			m.Write(id, fieldX)
			ready = true
			a.WakeUp(sim.Normal)
		})
	}, func(_ *sim.Machine, err error) { require.NoError(t, err, "no wake-up is lost") })
	require.Positive(t, sleeps[true])
	require.Positive(t, sleeps[false])
}

func TestWakeReachesOnlyTheStatesNamed(t *testing.T) {
	m := sim.New(sim.Options{})
	defer m.Close()
	var log []bool
	a := m.Go("a", nil, func(t *sim.Task) {
		t.SetState(sim.Uninterruptible)
		t.Schedule("test", 0)
		require.Equal(inTask{}, sim.Running, t.State())
	})
	m.Go("b", nil, func(*sim.Task) {
		w, asleep := a.Sleeping()
		log = append(log, asleep, w.What == "test", a.WakeUp(sim.Interruptible), a.Runnable())
		log = append(log, a.WakeUp(sim.Normal), a.Runnable(), a.WakeUp(sim.Normal))
	})
	require.NoError(t, m.Run())
	require.Equal(t, []bool{true, true, false, false, true, true, false}, log)
	require.False(t, a.WakeUp(sim.Normal), "dead")
}

func TestSignalsEndOnlyInterruptibleSleep(t *testing.T) {
	for _, c := range []struct {
		state                  sim.State
		pending, fatal, sleeps bool
	}{
		{sim.Interruptible, true, false, false},
		{sim.Interruptible, true, true, false},
		{sim.Interruptible, false, false, true},
		{sim.Uninterruptible, true, true, true},
		{sim.Stopped, true, false, true},
		{sim.Stopped, true, true, false},
		{sim.Running, false, false, false},
	} {
		m := sim.New(sim.Options{})
		m.Go("a", nil, func(t *sim.Task) {
			t.SetSignal(c.pending, c.fatal)
			t.SetState(c.state)
			t.Schedule("test", 0)
		})
		err := m.Run()
		require.Equal(t, c.sleeps, err != nil, "%v", c)
		m.Close()
	}
}

func TestScheduleTimeout(t *testing.T) {
	m := sim.New(sim.Options{})
	defer m.Close()
	a := m.Go("a", nil, func(t *sim.Task) {
		t.SetState(sim.Interruptible)
		require.True(inTask{}, t.ScheduleTimeout(100, "nap", 0))
		require.Equal(inTask{}, int64(100), m.Now())
		t.SetState(sim.Interruptible)
		require.False(inTask{}, t.ScheduleTimeout(1000, "nap", 0))
		t.SetState(sim.Interruptible)
		require.False(inTask{}, t.ScheduleTimeout(sim.Forever, "nap", 0))
	})
	m.Go("b", nil, func(t *sim.Task) {
		require.True(inTask{}, t.SleepUntil(200, "b"))
		a.WakeUp(sim.Normal)
		require.True(inTask{}, t.SleepUntil(300, "b"))
		a.WakeUp(sim.Normal)
	})
	require.NoError(t, m.Run())
	require.Equal(t, int64(300), m.Now(), "the cancelled timer moves nothing")
}

func TestSleepUntilEndsWithASignal(t *testing.T) {
	m := sim.New(sim.Options{})
	defer m.Close()
	a := m.Go("a", nil, func(t *sim.Task) { require.False(inTask{}, t.SleepUntil(100, "nap")) })
	m.Go("b", nil, func(t *sim.Task) {
		t.SleepUntil(50, "b")
		a.WakeUp(sim.Normal) // for nothing
		t.SleepUntil(60, "b")
		a.SetSignal(true, false)
		a.WakeUp(sim.Interruptible)
	})
	require.NoError(t, m.Run())
	require.Equal(t, int64(60), m.Now())
}

func TestOnEndRunsLastFirst(t *testing.T) {
	m := sim.New(sim.Options{})
	defer m.Close()
	s := ""
	m.Go("a", nil, func(t *sim.Task) {
		t.OnEnd(func() { s += "1" })
		t.OnEnd(func() { s += "2" })
	})
	require.NoError(t, m.Run())
	require.Equal(t, "21", s)
}

func TestManyTasksSwitchInAnyOrder(t *testing.T) {
	for seed := range uint64(20) {
		m := sim.New(sim.Options{Strategy: sim.NewRandom(seed)})
		n := 0
		for range 50 {
			m.Go("t", nil, func(t *sim.Task) {
				for range 20 {
					t.Yield()
				}
				n++
				m.Go("child", nil, func(t *sim.Task) { t.Yield(); n++ })
			})
		}
		require.NoError(t, m.Run())
		require.Equal(t, 100, n)
		m.Close()
	}
}

// inTask turns a requirement that fails in a task into a panic, which ends the run with a PanicError.
type inTask struct{}

func (inTask) Errorf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
func (inTask) FailNow()                          {}
