package waitqueue_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/waitqueue"
)

// queue is a head with entries that are named and note their calls.
type queue struct {
	m       *sim.Machine
	h       waitqueue.Head
	entries map[string]*waitqueue.Entry
	calls   []string
	results map[string]int // of an entry's function; 0 for those not named
}

func newQueue(m *sim.Machine) *queue {
	q := &queue{m: m, entries: map[string]*waitqueue.Entry{}, results: map[string]int{}}
	q.h.Init(m)
	return q
}

func (q *queue) entry(name string) *waitqueue.Entry {
	if e := q.entries[name]; e != nil {
		return e
	}
	e := &waitqueue.Entry{Private: name, Func: func(e *waitqueue.Entry, _ sim.State, _ bool, _ abi.Events) int {
		q.calls = append(q.calls, e.Private.(string))
		return q.results[e.Private.(string)]
	}}
	q.entries[name] = e
	return e
}

func (q *queue) names() []string {
	var all []string
	for _, e := range q.h.Entries() {
		all = append(all, e.Private.(string))
	}
	return all
}

func TestInsertion(t *testing.T) {
	q := newQueue(sim.New(sim.Options{}))
	q.h.Add(q.entry("a"))
	q.h.Add(q.entry("b"))
	require.Equal(t, []string{"b", "a"}, q.names(), "non-exclusive ones go to the front")
	q.h.AddExclusive(q.entry("x"))
	q.h.AddExclusive(q.entry("y"))
	require.Equal(t, []string{"b", "a", "x", "y"}, q.names(), "exclusive ones to the tail")
	q.h.AddExclusiveHead(q.entry("h"))
	require.Equal(t, []string{"h", "b", "a", "x", "y"}, q.names())
	q.h.AddPriority(q.entry("p"))
	q.h.AddPriority(q.entry("q"))
	q.h.Add(q.entry("c"))
	q.h.AddExclusiveHead(q.entry("i"))
	q.h.AddLocked(q.entry("d"))
	q.h.AddExclusiveLocked(q.entry("z"))
	require.Equal(t, []string{"p", "q", "d", "i", "c", "h", "b", "a", "x", "y", "z"}, q.names(),
		"nobody comes before the priority ones, which keep their order")
	require.True(t, q.h.Check())
	q.h.Remove(q.entry("q"))
	require.False(t, q.entry("q").Queued())
	require.True(t, q.entry("p").Queued())
}

func TestAddSetsTheFlag(t *testing.T) {
	q := newQueue(sim.New(sim.Options{}))
	e := q.entry("e")
	q.h.AddExclusive(e)
	require.NotZero(t, e.Flags&waitqueue.Exclusive)
	q.h.Remove(e)
	q.h.Add(e)
	require.Zero(t, e.Flags&waitqueue.Exclusive)
	q.h.Remove(e)
	q.h.AddPriority(e)
	require.Equal(t, waitqueue.Priority, e.Flags, "6.17 and later: priority alone")
}

func TestAddTwicePanics(t *testing.T) {
	q := newQueue(sim.New(sim.Options{}))
	q.h.Add(q.entry("e"))
	require.Panics(t, func() { q.h.Add(q.entry("e")) })
}

func TestWalk(t *testing.T) {
	for _, c := range []struct {
		name    string
		results map[string]int
		nr      int
		calls   []string
		n       int
	}{
		{"nobody takes it: all are asked", nil, 1, []string{"b", "a", "x", "y", "z"}, 0},
		{"one exclusive", map[string]int{"a": 1, "x": 1, "y": 1}, 1, []string{"b", "a", "x"}, 1},
		{"two exclusive", map[string]int{"x": 1, "y": 1, "z": 1}, 2, []string{"b", "a", "x", "y"}, 2},
		{"0 of an exclusive one passes it on", map[string]int{"y": 1}, 1, []string{"b", "a", "x", "y"}, 1},
		{"all", map[string]int{"x": 1, "y": 1, "z": 1}, waitqueue.All, []string{"b", "a", "x", "y", "z"}, 3},
		{"below 0 stops", map[string]int{"a": -1}, waitqueue.All, []string{"b", "a"}, 0},
		{"below 0 of an exclusive one stops", map[string]int{"x": 1, "y": -1}, waitqueue.All, []string{"b", "a", "x", "y"}, 1},
		{"above 1 counts once", map[string]int{"x": 7, "y": 7}, 2, []string{"b", "a", "x", "y"}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := newQueue(sim.New(sim.Options{}))
			q.results = c.results
			q.h.Add(q.entry("a"))
			q.h.Add(q.entry("b"))
			for _, x := range []string{"x", "y", "z"} {
				q.h.AddExclusive(q.entry(x))
			}
			require.Equal(t, c.n, q.h.WakeUp(sim.Normal, c.nr, false, 0))
			require.Equal(t, c.calls, q.calls)
		})
	}
}

func TestWalkPassesKeyModeAndSync(t *testing.T) {
	q := newQueue(sim.New(sim.Options{}))
	e := &waitqueue.Entry{Func: func(e *waitqueue.Entry, mode sim.State, sync bool, key abi.Events) int {
		require.Equal(t, sim.Interruptible, mode)
		require.True(t, sync)
		require.Equal(t, abi.EPOLLIN|abi.EPOLLRDNORM, key)
		q.calls = append(q.calls, "called")
		return 1
	}}
	q.h.Add(e)
	q.h.WakeUp(sim.Interruptible, 1, true, abi.EPOLLIN|abi.EPOLLRDNORM)
	require.Len(t, q.calls, 1)
}

// The flags count as they were before the call, and the function may take its own entry off.
func TestWalkWithEntriesThatUnlinkThemselves(t *testing.T) {
	q := newQueue(sim.New(sim.Options{}))
	for _, name := range []string{"x", "y", "z"} {
		e := q.entry(name)
		note := e.Func
		e.Func = func(e *waitqueue.Entry, mode sim.State, sync bool, key abi.Events) int {
			note(e, mode, sync, key)
			e.Unlink()
			e.Flags = 0
			return 1
		}
		q.h.AddExclusive(e)
	}
	require.Equal(t, 2, q.h.WakeUp(sim.Normal, 2, false, 0))
	require.Equal(t, []string{"x", "y"}, q.calls)
	require.Equal(t, []string{"z"}, q.names())
	require.True(t, q.h.Check())
}

// The walk against a loop over a slice.
func TestWalkModel(t *testing.T) {
	type entry struct {
		exclusive bool
		result    int
		unlinks   bool
	}
	gen := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) entry {
		return entry{rapid.Bool().Draw(t, "exclusive"), rapid.IntRange(-1, 2).Draw(t, "result"), rapid.Bool().Draw(t, "unlinks")}
	}), 0, 8)
	rapid.Check(t, func(t *rapid.T) {
		h := waitqueue.Head{}
		h.Init(sim.New(sim.Options{}))
		entries, nr := gen.Draw(t, "entries"), rapid.IntRange(0, 3).Draw(t, "nr")
		var calls, left []int
		queued := make([]*waitqueue.Entry, len(entries))
		for i, e := range entries {
			w := &waitqueue.Entry{Private: i, Func: func(w *waitqueue.Entry, _ sim.State, _ bool, _ abi.Events) int {
				calls = append(calls, i)
				if e.unlinks {
					w.Unlink()
				}
				return e.result
			}}
			queued[i] = w
			h.AddExclusive(w)
			if !e.exclusive {
				w.Flags = 0
			}
		}
		var want, wantLeft []int
		consumed, quota := 0, nr
		stopped := false
		for i, e := range entries {
			if stopped || !e.unlinks {
				wantLeft = append(wantLeft, i)
			}
			if stopped {
				continue
			}
			want = append(want, i)
			stopped = e.result < 0
			if e.result > 0 && e.exclusive {
				consumed++
				quota--
				stopped = quota == 0
			}
		}
		require.Equal(t, consumed, h.WakeUp(sim.Normal, nr, false, 0))
		require.Equal(t, want, calls)
		for _, e := range h.Entries() {
			left = append(left, e.Private.(int))
		}
		require.Equal(t, wantLeft, left)
		require.True(t, h.Check())
	})
}

// boot runs tasks on a machine and returns how it ended.
func boot(t *testing.T, s sim.Strategy, tasks func(m *sim.Machine)) error {
	m := sim.New(sim.Options{Strategy: s, Check: true})
	defer m.Close()
	tasks(m)
	return m.Run()
}

func TestAutoremoveWake(t *testing.T) {
	var h waitqueue.Head
	err := boot(t, nil, func(m *sim.Machine) {
		h.Init(m)
		sleeper := m.Go("sleeper", nil, func(task *sim.Task) {
			e := waitqueue.Entry{Func: waitqueue.AutoremoveWake, Private: task}
			require.Zero(t, h.PrepareToWait(&e, sim.Uninterruptible))
			require.True(t, e.Queued())
			task.Schedule("test", 0)
			require.False(t, e.Queued(), "taken off by the wake-up")
			h.FinishWait(&e)
		})
		m.Go("waker", nil, func(*sim.Task) {
			h.WakeUp(sim.Interruptible, 1, false, 0)
			require.Len(t, h.Entries(), 1, "a wake-up for interruptible sleepers misses an uninterruptible one")
			require.Zero(t, h.WakeUp(sim.Normal, 1, false, 0), "it is not exclusive")
			require.Empty(t, h.Entries())
			require.Equal(t, sim.Running, sleeper.State())
			h.WakeUp(sim.Normal, 1, false, 0) // nobody is there
		})
	})
	require.NoError(t, err)
}

// A wake-up between PrepareToWait and the sleep makes the sleep return at once.
func TestNoWakeUpIsLost(t *testing.T) {
	for seed := range uint64(200) {
		err := boot(t, sim.NewRandom(seed), func(m *sim.Machine) {
			var h waitqueue.Head
			h.Init(m)
			id := m.NewID(sim.Class(0))
			done := false
			m.Go("sleeper", nil, func(task *sim.Task) {
				e := waitqueue.Entry{Func: waitqueue.AutoremoveWake, Private: task}
				for {
					h.PrepareToWait(&e, sim.Interruptible)
					m.Read(id, 0)
					if done {
						break
					}
					task.Schedule("done", 0)
				}
				h.FinishWait(&e)
				require.False(t, e.Queued())
				require.Equal(t, sim.Running, task.State())
			})
			m.Go("waker", nil, func(*sim.Task) {
				m.Write(id, 0)
				done = true
				h.WakeUpInterruptibleAll()
			})
		})
		require.NoError(t, err, "seed %d", seed)
	}
}

func TestPrepareToWait(t *testing.T) {
	err := boot(t, nil, func(m *sim.Machine) {
		q := newQueue(m)
		m.Go("task", nil, func(task *sim.Task) {
			q.h.Add(q.entry("old"))
			x := q.entry("x")
			x.Flags = waitqueue.Exclusive
			require.Zero(t, q.h.PrepareToWait(x, sim.Interruptible))
			require.Zero(t, q.h.PrepareToWait(q.entry("n"), sim.Interruptible))
			require.Equal(t, []string{"n", "old", "x"}, q.names(), "exclusive to the tail, others to the head")
			require.Equal(t, sim.Interruptible, task.State())
			require.Zero(t, q.h.PrepareToWait(x, sim.Uninterruptible))
			require.Equal(t, []string{"n", "old", "x"}, q.names(), "it is queued once")
			require.Equal(t, sim.Uninterruptible, task.State())

			task.SetState(sim.Running)
			task.SetSignal(true, false)
			require.Equal(t, abi.ERESTARTSYS, q.h.PrepareToWait(x, sim.Interruptible))
			require.Equal(t, []string{"n", "old"}, q.names(), "a signal takes it off")
			require.Equal(t, sim.Running, task.State())
			require.Zero(t, q.h.PrepareToWait(x, sim.Uninterruptible), "an uninterruptible sleep has no eye for signals")
			q.h.FinishWait(x)
			q.h.FinishWait(x) // of an entry that is off already: only the state
			require.Equal(t, sim.Running, task.State())
			require.Equal(t, []string{"n", "old"}, q.names())
		})
	})
	require.NoError(t, err)
}

func TestPollFree(t *testing.T) {
	err := boot(t, nil, func(m *sim.Machine) {
		q := newQueue(m)
		m.Go("task", nil, func(*sim.Task) {
			q.h.WakeUpPollFree() // nobody: nothing
			var keys []abi.Events
			for _, name := range []string{"a", "b"} {
				e := q.entry(name)
				e.Func = func(e *waitqueue.Entry, _ sim.State, _ bool, key abi.Events) int {
					keys = append(keys, key)
					e.Unlink()
					return 1
				}
				q.h.AddExclusive(e)
			}
			q.h.WakeUpPollFree()
			require.Equal(t, []abi.Events{abi.EPOLLHUP | abi.POLLFREE, abi.EPOLLHUP | abi.POLLFREE}, keys, "all, exclusive or not")
			require.False(t, q.h.Active())
		})
	})
	require.NoError(t, err)
}

func TestPollFreeLeavesNobody(t *testing.T) {
	err := boot(t, nil, func(m *sim.Machine) {
		q := newQueue(m)
		m.Go("task", nil, func(*sim.Task) {
			q.h.Add(q.entry("stays"))
			q.h.WakeUpPollFree()
		})
	})
	require.ErrorContains(t, err, "has entries after POLLFREE")
}

// Any order of additions gives: priority ones by age, then the rest, each non-exclusive one before what was
// there, each exclusive one behind.
func TestInsertionModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := newQueue(sim.New(sim.Options{}))
		var priority, rest []string
		n := 0
		next := func() *waitqueue.Entry {
			n++
			return q.entry(string(rune('a' + n)))
		}
		t.Repeat(map[string]func(*rapid.T){
			"Add": func(*rapid.T) {
				e := next()
				q.h.Add(e)
				rest = slices.Insert(rest, 0, e.Private.(string))
			},
			"AddExclusive": func(*rapid.T) {
				e := next()
				q.h.AddExclusive(e)
				rest = append(rest, e.Private.(string))
			},
			"AddExclusiveHead": func(*rapid.T) {
				e := next()
				q.h.AddExclusiveHead(e)
				rest = slices.Insert(rest, 0, e.Private.(string))
			},
			"AddPriority": func(*rapid.T) {
				e := next()
				q.h.AddPriority(e)
				priority = append(priority, e.Private.(string))
			},
			"Remove": func(t *rapid.T) {
				all := q.names()
				if len(all) == 0 {
					t.Skip()
				}
				name := rapid.SampledFrom(all).Draw(t, "name")
				q.h.Remove(q.entry(name))
				same := func(s string) bool { return s == name }
				priority, rest = slices.DeleteFunc(priority, same), slices.DeleteFunc(rest, same)
			},
			"": func(t *rapid.T) { require.Equal(t, slices.Concat(priority, rest), slices.Concat(q.names())) },
		})
	})
}
