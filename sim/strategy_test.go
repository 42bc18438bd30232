package sim_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/epollsim/epollsim/sim"
)

// word runs two tasks that say a, then at a point A; b, then B; and returns what was said.
func word(opts sim.Options) string {
	var s strings.Builder
	m := sim.New(opts)
	defer m.Close()
	saying(m, &s, "a", "b")
	if err := m.Run(); err != nil {
		panic(err)
	}
	return s.String()
}

func saying(m *sim.Machine, s *strings.Builder, names ...string) {
	id := m.NewID(classThing)
	for _, name := range names {
		m.Go(name, nil, func(*sim.Task) {
			s.WriteString(name)
			m.Write(id, fieldX)
			s.WriteString(strings.ToUpper(name))
		})
	}
}

func TestRunToBlock(t *testing.T) {
	require.Equal(t, "aAbB", word(sim.Options{}))
}

func TestRandom(t *testing.T) {
	words := map[string]bool{}
	for seed := range uint64(200) {
		w := word(sim.Options{Strategy: sim.NewRandom(seed)})
		require.Equal(t, w, word(sim.Options{Strategy: sim.NewRandom(seed)}))
		words[w] = true
	}
	require.Len(t, words, 6)
}

// A check and a use with a point between: one more ordering constraint than priorities alone can meet.
func TestPCTFindsABugOfItsDepth(t *testing.T) {
	found := func(depth int, seed uint64) bool {
		m := sim.New(sim.Options{Strategy: sim.NewPCT(depth, 60, seed)})
		defer m.Close()
		id := m.NewID(classThing)
		set := true
		m.Go("use", nil, func(*sim.Task) {
			for range 20 {
				m.Read(id, fieldY)
			}
			m.Read(id, fieldX)
			if set {
				m.Read(id, fieldX)
				if !set {
					m.Violation("used after it was cleared")
				}
			}
		})
		for range 2 {
			m.Go("clear", nil, func(*sim.Task) {
				for range 10 {
					m.Read(id, fieldY)
				}
				m.Write(id, fieldX)
				set = false
			})
		}
		return m.Run() != nil
	}
	hits := 0
	for seed := range uint64(1000) {
		require.False(t, found(1, seed), "depth 1 means no preemption at all")
		if found(2, seed) {
			hits++
		}
	}
	require.GreaterOrEqual(t, hits, 1000/(3*60), "the bound of the paper: 1/(n·k)")
}

func TestPCTOrdersDemotedTasksBothWays(t *testing.T) {
	// Bugs of depth 3 may need the task that was demoted first to come last, or first.
	words := map[string]bool{}
	for seed := range uint64(2000) {
		words[word(sim.Options{Strategy: sim.NewPCT(3, 3, seed)})] = true
	}
	require.Len(t, words, 6)
}

// Any random run is repeated by its token, event for event.
func TestReplayRepeatsAnyRun(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tasks := drawProgram(t)
		seed := rapid.Uint64().Draw(t, "seed")
		want, token := hashRun(tasks, sim.Options{Strategy: sim.NewRandom(seed)})
		replay, err := sim.NewReplay(token)
		require.NoError(t, err)
		got, again := hashRun(tasks, sim.Options{Strategy: replay})
		require.NoError(t, replay.Err())
		require.Equal(t, token, again)
		require.Equal(t, want, got)
	})
}

// The token of a failure leads back to it, from the middle of a run.
func TestReplayOfAViolation(t *testing.T) {
	program := func(m *sim.Machine) {
		id := m.NewID(classThing)
		n := 0
		for range 3 {
			m.Go("t", nil, func(*sim.Task) {
				m.Read(id, fieldX)
				old := n
				m.Write(id, fieldX)
				if n != old {
					m.Violation("lost update")
				}
				n = old + 1
			})
		}
	}
	failures := 0
	for seed := range uint64(50) {
		m := sim.New(sim.Options{Strategy: sim.NewRandom(seed)})
		program(m)
		var v *sim.ViolationError
		if !errors.As(m.Run(), &v) {
			continue
		}
		failures++
		replay, err := sim.NewReplay(v.Token)
		require.NoError(t, err)
		m = sim.New(sim.Options{Strategy: replay})
		program(m)
		require.EqualError(t, m.Run(), "lost update")
		require.NoError(t, replay.Err())
	}
	require.Positive(t, failures)
}

func someToken() string {
	m := sim.New(sim.Options{Strategy: sim.NewRandom(3)})
	defer m.Close()
	program(m, [][]op{{{0, 0}, {0, 0}, {2, 0}, {3, 0}}, {{0, 0}, {2, 0}, {2, 1}}, {{6, 0}, {0, 0}, {3, 0}}}, func(int, int) {})
	_ = m.Run()
	return m.Token()
}

func TestDamagedTokens(t *testing.T) {
	token := someToken()
	require.Greater(t, len(token), 12)
	for n := range token {
		_, err := sim.NewReplay(token[:n])
		require.Error(t, err, "cut to %d", n)
		for _, c := range "sAz_-0 é" {
			typo := token[:n] + string(c) + token[n+1:]
			if typo != token {
				_, err := sim.NewReplay(typo)
				require.Error(t, err, typo)
			}
		}
	}
	_, err := sim.NewReplay("v2abc")
	require.EqualError(t, err, `schedule token "v2abc": it must begin with "s1"`)
	_, err = sim.NewReplay("s1****")
	require.EqualError(t, err, `schedule token "s1****": not base64: it is cut or mistyped`)
	_, err = sim.NewReplay("s1AAAB")
	require.EqualError(t, err, `schedule token "s1AAAB": it is cut or mistyped`)
}

func TestStampedToken(t *testing.T) {
	token := someToken()
	stamped := sim.Stamp(token, "abcd")
	require.Equal(t, token+".abcd", stamped)
	require.Equal(t, token+".e", sim.Stamp(stamped, "e"))
	replay, err := sim.NewReplay(stamped)
	require.NoError(t, err)
	require.Equal(t, "abcd", replay.Stamp())
	_, err = sim.NewReplay(token + ".")
	require.EqualError(t, err, `schedule token "`+token+`.": it is cut`)
	require.Equal(t, sim.DefaultToken, sim.Stamp(sim.DefaultToken, "abcd"), "the default schedule is of every program")
}

func TestForeignToken(t *testing.T) {
	replay, err := sim.NewReplay(someToken())
	require.NoError(t, err)
	word(sim.Options{Strategy: replay})
	require.ErrorContains(t, replay.Err(), "the schedule token does not fit this program")

	m := sim.New(sim.Options{Strategy: strategyFunc(func(_ *sim.Machine, runnable []*sim.Task, _ int) int { return len(runnable) - 1 })})
	var s strings.Builder
	saying(m, &s, "a", "b", "c", "d")
	require.NoError(t, m.Run())
	replay, err = sim.NewReplay(m.Token())
	require.NoError(t, err)
	m.Close()
	word(sim.Options{Strategy: replay})
	require.EqualError(t, replay.Err(), "the schedule token does not fit this program: at decision 1 it names task 4 of 2")
}

func FuzzReplayToken(f *testing.F) {
	f.Add(someToken())
	f.Add("s1AAAA")
	f.Add("s1AAAA.abcd")
	f.Add("")
	f.Fuzz(func(t *testing.T, token string) {
		replay, err := sim.NewReplay(token)
		if err != nil {
			return
		}
		word(sim.Options{Strategy: replay})
		_ = replay.Err()
	})
}

// words returns what enumeration makes saying say, and whether it claims to be exhaustive.
func words(t *testing.T, bound int, names ...string) ([]string, bool) {
	var all []string
	e := &sim.Enumeration{Bound: bound}
	for {
		e.Begin()
		m := sim.New(sim.Options{Strategy: e})
		var s strings.Builder
		saying(m, &s, names...)
		require.NoError(t, m.Run())
		m.Close()
		all = append(all, s.String())
		if !e.Advance() {
			return all, e.Exhaustive()
		}
	}
}

// Two tasks of two steps each: 4!/(2!·2!) = 6 words. Who begins, and who goes on when a task has ended, is
// free; leaving a task at its point is a preemption.
func TestEnumerationOfTwoTasks(t *testing.T) {
	for _, c := range []struct {
		bound      int
		words      []string
		exhaustive bool
	}{
		{0, []string{"aAbB", "bBaA"}, false},
		{1, []string{"aAbB", "abBA", "bBaA", "baAB"}, false},
		{2, []string{"aAbB", "abBA", "abAB", "bBaA", "baAB", "baBA"}, true},
		{-1, []string{"aAbB", "abBA", "abAB", "bBaA", "baAB", "baBA"}, true},
	} {
		got, exhaustive := words(t, c.bound, "a", "b")
		require.Equal(t, c.words, got, "bound %d", c.bound)
		require.Equal(t, c.exhaustive, exhaustive, "bound %d", c.bound)
	}
}

// Three tasks of two steps: 6!/(2!·2!·2!) = 90 words, 3! of them without a preemption.
func TestEnumerationOfThreeTasks(t *testing.T) {
	got, exhaustive := words(t, -1, "a", "b", "c")
	require.True(t, exhaustive)
	require.Len(t, got, 90)
	seen := map[string]bool{}
	for _, w := range got {
		require.False(t, seen[w], "%s twice", w)
		seen[w] = true
	}
	got, _ = words(t, 0, "a", "b", "c")
	require.Equal(t, []string{"aAbBcC", "aAcCbB", "bBaAcC", "bBcCaA", "cCaAbB", "cCbBaA"}, got)
}

func TestEnumerationOfLocks(t *testing.T) {
	count := func(kind string) int {
		return allSchedules(t, -1, sim.Options{}, func(m *sim.Machine) {
			l := newLocks(m)[kind]
			for range 2 {
				m.Go("t", nil, func(*sim.Task) { l.Lock(); l.Unlock() })
			}
		}, func(_ *sim.Machine, err error) { require.NoError(t, err) })
	}
	// Steps: begin, lock, unlock. If a has the lock first, b's two follow and its begin stands in any of
	// four places; the same with b first.
	require.Equal(t, 2*4, count("spinlock"))
	// Begin, lock, hand-over, last touch. If a has it first: b begins in one of three places before a's
	// hand-over, then a's last touch stands in any of four among b's three steps; or b begins later, and
	// it is any of five among four.
	require.Equal(t, 2*(3*4+5), count("mutex"))
}

// Timers that are due together are ordered like tasks: 3! words.
func TestEnumerationOfDueTimers(t *testing.T) {
	seen := map[string]int{}
	n := allSchedules(t, -1, sim.Options{}, func(m *sim.Machine) {
		var s strings.Builder
		for _, name := range []string{"x", "y", "z"} {
			tm := &sim.Timer{}
			tm.Init(m, func(*sim.Timer) {
				if s.WriteString(name); s.Len() == 3 {
					seen[s.String()]++
				}
			})
			tm.Start(5)
		}
	}, func(_ *sim.Machine, err error) { require.NoError(t, err) })
	require.Equal(t, 6, n)
	require.Equal(t, map[string]int{"xyz": 1, "xzy": 1, "yxz": 1, "yzx": 1, "zxy": 1, "zyx": 1}, seen)
}

func TestEnumerationNoticesAProgramThatIsNotDeterministic(t *testing.T) {
	e := &sim.Enumeration{Bound: -1}
	run := func(tasks int) error {
		e.Begin()
		m := sim.New(sim.Options{Strategy: e})
		defer m.Close()
		m.Go("root", nil, func(*sim.Task) {
			for range tasks {
				m.Go("t", nil, func(*sim.Task) {})
			}
		})
		return m.Run()
	}
	require.NoError(t, run(3))
	require.True(t, e.Advance())
	require.PanicsWithValue(t, "sim: not deterministic: decision 1 had 3 choices and after the same ones has 2", func() { _ = run(2) })
}

// A strategy that answers nonsense gets the default.
func TestChoicesOutOfRange(t *testing.T) {
	for _, i := range []int{-1, 1000} {
		nonsense := strategyFunc(func(*sim.Machine, []*sim.Task, int) int { return i })
		require.Equal(t, "aAbB", word(sim.Options{Strategy: nonsense}), fmt.Sprint(i))
	}
}

func TestPreemptionsAreCounted(t *testing.T) {
	counts := map[int]int{}
	allSchedules(t, -1, sim.Options{}, func(m *sim.Machine) { saying(m, &strings.Builder{}, "a", "b") },
		func(m *sim.Machine, _ error) { counts[m.Preemptions]++ })
	require.Equal(t, map[int]int{0: 2, 1: 2, 2: 2}, counts)
}
