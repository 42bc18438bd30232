package sim_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/sim"
)

// Under every schedule: the callback runs after the last reader that was inside at the call, not later,
// and readers that came afterwards do not hold it up.
func TestGracePeriod(t *testing.T) {
	laterInside, waited := false, false
	allSchedules(t, 3, sim.Options{Check: true}, func(m *sim.Machine) {
		id := m.NewID(classThing)
		inside := map[*sim.Task]bool{}
		reader := func(t *sim.Task) {
			m.RCUReadLock()
			m.RCUReadLock() // they nest
			inside[t] = true
			m.Read(id, fieldX)
			m.RCUReadUnlock()
			delete(inside, t)
			m.RCUReadUnlock()
		}
		for range 2 {
			m.Go("reader", nil, reader)
		}
		m.Go("writer", nil, func(*sim.Task) {
			m.Write(id, fieldY)
			earlier := map[*sim.Task]bool{}
			for t := range inside {
				earlier[t] = true
			}
			ran := false
			m.CallRCU(func() {
				ran = true
				for t := range earlier {
					require.False(inTask{}, inside[t])
				}
				laterInside = laterInside || len(inside) > 0
			})
			require.Equal(inTask{}, len(earlier) == 0, ran)
			waited = waited || !ran
		})
	}, func(_ *sim.Machine, err error) { require.NoError(t, err) })
	require.True(t, laterInside)
	require.True(t, waited)
}

func TestCallbackMayBeginAGracePeriod(t *testing.T) {
	for name, s := range everyStrategy() {
		m := sim.New(sim.Options{Strategy: s})
		n := 0
		m.Go("a", nil, func(*sim.Task) {
			m.RCUReadLock()
			for range 2 {
				m.CallRCU(func() {
					n++
					m.RCUReadLock()
					m.CallRCU(func() { n += 10 })
					m.RCUReadUnlock()
				})
			}
			require.Zero(inTask{}, n)
			m.RCUReadUnlock()
		})
		require.NoError(t, m.Run(), name)
		require.Equal(t, 22, n, name)
		m.Close()
	}
}

func TestSynchronizeRCU(t *testing.T) {
	allSchedules(t, 3, sim.Options{Check: true}, func(m *sim.Machine) {
		id := m.NewID(classThing)
		inside := false
		m.Go("reader", nil, func(*sim.Task) {
			m.RCUReadLock()
			inside = true
			m.Read(id, fieldX)
			inside = false
			m.RCUReadUnlock()
		})
		writer := m.Go("writer", nil, func(t *sim.Task) {
			t.SetSignal(true, true) // which ends no uninterruptible sleep
			was := inside
			m.SynchronizeRCU()
			require.False(inTask{}, was && inside)
		})
		m.Go("waker", nil, func(*sim.Task) { writer.WakeUp(sim.Normal) })
	}, func(_ *sim.Machine, err error) { require.NoError(t, err) })
}

func TestRCUMisuse(t *testing.T) {
	require.Equal(t, "task 1 (a) waits for a grace period inside an RCU read section",
		violation(t, sim.Options{}, func(m *sim.Machine, _ *sim.Task) { m.RCUReadLock(); m.SynchronizeRCU() }))
	require.Equal(t, "task 1 (a) leaves an RCU read section that it did not enter",
		violation(t, sim.Options{}, func(m *sim.Machine, _ *sim.Task) { m.RCUReadUnlock() }))
	m := sim.New(sim.Options{})
	defer m.Close()
	m.Go("a", nil, func(*sim.Task) { m.RCUReadLock() })
	require.EqualError(t, m.Run(), "task 1 (a) ended in an RCU read section")
}
