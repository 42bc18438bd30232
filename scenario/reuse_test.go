package scenario_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/internal/form"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/scenario"
	"github.com/epollsim/epollsim/scenario/steps"
	"github.com/epollsim/epollsim/sim"
)

// shown is what f shows under a random schedule, to the last access, on a kernel with the memory of pool.
func (f *starFile) shown(t *testing.T, pool *sim.Pool, seed uint64, check bool) (string, *scenario.Result) {
	t.Helper()
	var text bytes.Buffer
	w := steps.New(&text, steps.Options{Accesses: true})
	k := kernel.Boot(kernel.Options{
		Version: f.version, Check: check,
		Machine: sim.Options{Pool: pool, Strategy: sim.NewRandom(seed), Trace: w.Event},
	})
	res := scenario.Run(k, f.prog, scenario.Options{})
	require.NoError(t, w.Close())
	return text.String() + k.Machine().Token() + k.Snapshot().String(), res
}

// Every case, one after the other on the memory of all before it, shows what it does on new memory: nothing is left of an
// earlier run.
func TestCasesOnUsedMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("every case several times")
	}
	pool := &sim.Pool{}
	defer pool.Close()
	rounds := form.Of(1, 3)
	for i, f := range cases(t) {
		if !form.Sample(i, 5) {
			continue
		}
		for round := range rounds {
			seed, check := uint64(i+round), (i+round)%3 == 0
			want, res := f.shown(t, nil, seed, check)
			got, again := f.shown(t, pool, seed, check)
			if got != want {
				require.Equal(t, want, got, f.id)
			}
			require.Equal(t, res.Explored().State, again.Explored().State, f.id)
			require.Equal(t, res.Outcomes, again.Outcomes, f.id)
			require.Equal(t, res.ExitCode(), again.ExitCode(), f.id)
		}
		require.Empty(t, pool.Leftovers(), f.id)
	}
}
