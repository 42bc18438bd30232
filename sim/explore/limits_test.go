package explore

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/internal/form"
	"github.com/epollsim/epollsim/sim"
)

// hiders is two tasks, each of which says that it is there until it has seen itself alone: with enough preemptions they
// never end.
func hiders(opts sim.Options) Result {
	opts.MaxSteps = 200
	m := sim.New(opts)
	defer m.Close()
	id, seen := m.NewID(classThing), -1
	for i := range 2 {
		m.Go("hider", nil, func(*sim.Task) {
			for {
				m.Write(id, fieldX)
				seen = i
				m.Read(id, fieldX)
				if seen == i {
					return
				}
			}
		})
	}
	return Result{Err: m.Run()}
}

// Runs without an end, where nothing bounds the preemptions, keep nobody from covering what has few.
func TestEndlessRunsBeyondTheBound(t *testing.T) {
	var first *Report
	for _, cores := range []int{1, 2} {
		r := Explore(hiders, Options{MaxSchedules: form.Of[uint64](4_000, 20_000), Cores: cores})
		require.NoError(t, r.Err)
		require.False(t, r.Exhaustive)
		require.NotZero(t, r.Limited)
		require.True(t, r.Complete(5), r.Verdict())
		if first == nil {
			first = r
		}
		require.Equal(t, first, r, "%d cores", cores)
	}
	r := Explore(hiders, Options{Direct: true})
	require.True(t, r.Nothing)
	require.NotZero(t, r.Limited)
	require.False(t, r.Complete(0))
}
