package sim_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/sim"
)

type thing struct {
	n    int
	list []int
}

var (
	things = sim.NewCache(func(x *thing) { *x = thing{list: x.list[:0]} })
	plain  = sim.NewCache[thing](nil)
)

// use runs a machine on pool whose task makes two things and ends with err.
func use(pool *sim.Pool, err error) (m *sim.Machine, a, b *thing) {
	m = sim.New(sim.Options{Pool: pool})
	m.Go("t", nil, func(*sim.Task) {
		a, b = things.New(m), plain.New(m)
		a.n, a.list, b.n, b.list = 1, append(a.list, 2), 3, []int{4}
		if err != nil {
			m.Stop(err)
		}
	})
	_ = m.Run()
	return m, a, b
}

// What a run has made is handed out again when the next machine is made, as new but for what reset keeps.
func TestMemoryGoesFromRunToRun(t *testing.T) {
	pool := &sim.Pool{}
	defer pool.Close()
	m, a, b := use(pool, nil)
	m.Close()
	require.Equal(t, thing{1, []int{2}}, *a, "a run may be looked at until the next one")
	next := sim.New(sim.Options{Pool: pool})
	require.Same(t, m, next)
	require.Same(t, a, things.New(next))
	require.Same(t, b, plain.New(next))
	require.Empty(t, a.list)
	require.Equal(t, 1, cap(a.list))
	require.Equal(t, thing{list: []int{}}, *a)
	require.Equal(t, thing{}, *b)
	require.NotSame(t, a, things.New(next))
	next.Close()
	m, _, _ = use(pool, sim.ErrStopped)
	m.Close()
	require.Same(t, m, sim.New(sim.Options{Pool: pool}), "a run that was told to stop is over like another")
}

// Errors refer to what a run has made: one that failed keeps it, and so does a machine that is in use still.
func TestMemoryStaysWithWhoNeedsIt(t *testing.T) {
	for name, end := range map[string]func(*sim.Pool) (*sim.Machine, *thing){
		"failed": func(p *sim.Pool) (*sim.Machine, *thing) {
			m, a, _ := use(p, errors.New("failed"))
			m.Close()
			return m, a
		},
		"not over": func(p *sim.Pool) (*sim.Machine, *thing) { m, a, _ := use(p, nil); return m, a },
	} {
		t.Run(name, func(t *testing.T) {
			pool := &sim.Pool{}
			defer pool.Close()
			m, a := end(pool)
			next, b, _ := use(pool, nil)
			require.NotSame(t, m, next)
			require.NotSame(t, a, b)
			require.Equal(t, thing{1, []int{2}}, *a)
			require.NotSame(t, b, things.New(m), "it does not take from the pool any more")
			require.NotSame(t, a, things.New(next))
			m.Close()
			next.Close()
		})
	}
}

// Leftovers names what a reset forgets, and memory that two objects have kept.
func TestLeftoversAreNamed(t *testing.T) {
	pool := &sim.Pool{}
	defer pool.Close()
	m := sim.New(sim.Options{Pool: pool})
	forgetful.New(m).n = 1
	forgetful.New(m).list = []int{1}
	things.New(m).list = make([]int, 3)
	a := things.New(m)
	a.list = make([]int, 3)
	things.New(m).list = a.list
	m.Close()
	require.Equal(t, []string{"sim_test.thing.list shares its memory", "sim_test.thing.n", "sim_test.thing.list"}, pool.Leftovers())
}

var forgetful = sim.NewCache(func(*thing) {})
