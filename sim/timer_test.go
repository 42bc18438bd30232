package sim_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/epollsim/epollsim/sim"
)

func TestTimersFireInOrderOfExpiryThenStart(t *testing.T) {
	m := sim.New(sim.Options{})
	defer m.Close()
	var got []string
	for i, expiry := range []int64{30, 10, 20, 10, -5} {
		tm := &sim.Timer{Owner: fmt.Sprint("t", i)}
		tm.Init(m, func(tm *sim.Timer) { got = append(got, fmt.Sprint(tm.Owner, "@", m.Now())) })
		tm.Start(expiry)
		require.True(t, tm.Armed())
		require.Equal(t, expiry, tm.Expiry())
	}
	require.NoError(t, m.Run())
	require.Equal(t, []string{"t4@0", "t1@10", "t3@10", "t2@20", "t0@30"}, got)
}

func TestTimeStandsWhileSomethingIsRunnable(t *testing.T) {
	for name, s := range everyStrategy() {
		m := sim.New(sim.Options{Strategy: s})
		fired := false
		var tm sim.Timer
		tm.Init(m, func(*sim.Timer) { fired = true })
		tm.Start(1)
		for range 3 {
			m.Go("busy", nil, func(t *sim.Task) {
				for range 100 {
					t.Yield()
					require.Zero(inTask{}, m.Now())
					require.False(inTask{}, fired)
				}
			})
		}
		require.NoError(t, m.Run(), name)
		require.True(t, fired)
		require.Equal(t, int64(1), m.Now())
		m.Close()
	}
}

// Timers against a slice sorted by expiry and start, through start, move, cancel and the passing of time.
func TestTimersAgainstASortedSlice(t *testing.T) {
	type entry struct {
		expiry int64
		index  int
	}
	rapid.Check(t, func(t *rapid.T) {
		m := sim.New(sim.Options{})
		defer m.Close()
		var timers [6]sim.Timer
		var fired []int
		for i := range timers {
			timers[i].Init(m, func(*sim.Timer) { fired = append(fired, i) })
		}
		var model []entry
		var want []int
		drop := func(i int) bool {
			n := len(model)
			model = slices.DeleteFunc(model, func(e entry) bool { return e.index == i })
			return len(model) < n
		}
		pass := func(until int64) {
			slices.SortStableFunc(model, func(a, b entry) int { return int(a.expiry - b.expiry) })
			for len(model) > 0 && model[0].expiry <= until {
				want = append(want, model[0].index)
				model = model[1:]
			}
		}
		steps := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) [3]int {
			return [3]int{rapid.IntRange(0, 2).Draw(t, "do"), rapid.IntRange(0, 5).Draw(t, "timer"), rapid.IntRange(0, 20).Draw(t, "time")}
		}), 0, 40).Draw(t, "steps")
		m.Go("driver", nil, func(task *sim.Task) {
			for _, s := range steps {
				tm, at := &timers[s[1]], int64(s[2])
				switch s[0] {
				case 0:
					drop(s[1])
					model = append(model, entry{m.Now() + at, s[1]})
					tm.Start(m.Now() + at)
				case 1:
					require.Equal(inTask{}, drop(s[1]), tm.Cancel())
				case 2:
					if at > 0 {
						until := m.Now() + at

						pass(until)
						task.SleepUntil(until, "pass")
					}
				}
				require.Equal(inTask{}, want, fired)
			}
		})
		require.NoError(t, m.Run())
		pass(sim.Forever)
		require.Equal(t, want, fired)
	})
}

// Many timers that are put off, stopped, and started again, far more than fire: those that are armed at the end fire in
// their order.
func TestTimersThatAreStoppedAndPutOff(t *testing.T) {
	m := sim.New(sim.Options{})
	defer m.Close()
	timers, rnd := make([]sim.Timer, 700), rand.New(rand.NewPCG(1, 1))
	var fired, want []int
	for i := range timers {
		timers[i].Init(m, func(*sim.Timer) { fired = append(fired, i) })
	}
	for round := range 6 {
		for _, i := range rnd.Perm(len(timers)) {
			if rnd.IntN(3) == 0 {
				timers[i].Cancel()
			} else {
				timers[i].Start(int64(100*round + rnd.IntN(400)))
			}
		}
	}
	for i := range timers {
		if i%7 > 0 {
			timers[i].Cancel()
		}
		if timers[i].Armed() {
			want = append(want, i)
		}
	}
	require.Greater(t, len(want), 50)
	require.NoError(t, m.Run())
	require.True(t, slices.IsSortedFunc(fired, func(a, b int) int { return int(timers[a].Expiry() - timers[b].Expiry()) }))
	require.ElementsMatch(t, want, fired)
}

// A timer is due at the instant a task wakes and cancels it: it was cancelled in time, had fired, or was
// waited for; never does Cancel return with the expiry under way, or the timer armed.
func TestCancelRacesWithExpiry(t *testing.T) {
	seen := map[string]bool{}
	allSchedules(t, -1, sim.Options{Check: true}, func(m *sim.Machine) {
		id := m.NewID(classThing)
		firing, fired := false, 0
		var tm sim.Timer
		tm.Init(m, func(tm *sim.Timer) {
			firing = true
			m.Write(id, fieldX)
			if fired++; fired == 1 {
				tm.Start(m.Now() + 5) // Cancel must take this one too
			}
			m.Write(id, fieldY)
			firing = false
		})
		m.Go("a", nil, func(t *sim.Task) {
			tm.Start(10)
			t.SleepUntil(10, "nap")
			what := fmt.Sprint("fired ", fired, " under way ", firing)
			ok := tm.Cancel()
			require.False(inTask{}, firing)
			require.False(inTask{}, tm.Armed())
			seen[fmt.Sprint(what, " armed ", ok)] = true
			before := fired
			t.SleepUntil(100, "nap")
			require.Equal(inTask{}, before, fired)
		})
	}, func(_ *sim.Machine, err error) { require.NoError(t, err) })
	require.Equal(t, map[string]bool{
		"fired 0 under way false armed true": true, // due, not begun
		"fired 0 under way true armed true":  true, // waited for, and its restart undone
		"fired 1 under way true armed true":  true, // restarted already
		"fired 1 under way false armed true": true, // over, and restarted
	}, seen)
}

func TestCallbackMayCancelAndRestart(t *testing.T) {
	for name, s := range everyStrategy() {
		m := sim.New(sim.Options{Strategy: s})
		var at []int64
		var tm sim.Timer
		tm.Init(m, func(tm *sim.Timer) {
			at = append(at, m.Now())
			require.False(inTask{}, tm.Cancel())
			if len(at) < 3 {
				tm.Start(m.Now() + 10)
			}
		})
		tm.Start(10)
		require.NoError(t, m.Run(), name)
		require.Equal(t, []int64{10, 20, 30}, at)
		m.Close()
	}
}

func TestCancelUnderALockTheExpiryWantsIsADeadlock(t *testing.T) {
	deadlocks := 0
	allSchedules(t, -1, sim.Options{}, func(m *sim.Machine) {
		var l sim.Spinlock
		l.Init(m, classALock)
		var tm sim.Timer
		tm.Init(m, func(*sim.Timer) { l.Lock(); l.Unlock() })
		m.Go("a", nil, func(t *sim.Task) {
			tm.Start(10)
			t.SleepUntil(10, "nap")
			l.Lock()
			tm.Cancel()
			l.Unlock()
		})
	}, func(_ *sim.Machine, err error) {
		if err != nil {
			deadlocks++
			require.ErrorContains(t, err, "task 1 (a) waits for timer of interrupt#")
			require.ErrorContains(t, err, "waits for a.lock#1, held by task 1 (a)")
		}
	})
	require.Positive(t, deadlocks)
}
