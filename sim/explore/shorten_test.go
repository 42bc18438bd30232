package explore

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/epollsim/epollsim/sim"
)

// A drawn schedule that fails is left with the preemptions that it needs.
func TestDrawnFailuresAreShortened(t *testing.T) {
	prog := [][]op{{{"read", 1}, {"read", 1}, {"read", 1}, {"write", 0}}, {{"read", 1}, {"read", 2}, {"read", 1}, {"fail", 0}, {"write", 2}}}
	failing := func(opts sim.Options) (r Result) {
		if strings.Contains(play(prog, opts), "var 0 is not 0") {
			r.Failure = "not zero"
		}
		return r
	}
	least := Explore(failing, Options{StopAtFailure: true})
	require.NotEmpty(t, least.Failures)
	for _, sampling := range []Sampling{Random, POS} {
		r := Explore(failing, Options{Sampling: sampling, MaxSchedules: 20, Seed: 1})
		require.NotEmpty(t, r.Failures)
		require.Equal(t, least.Failures[0].Witness.Preemptions, r.Failures[0].Witness.Preemptions)
	}
}

// What is shortened fails as it did, whatever the program.
func TestShortenedSchedulesReplay(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		prog := drawOps(rt, opKinds, 3, 2, 4)
		all := func(opts sim.Options) Result { return Result{Failure: play(prog, opts)} }
		r := Explore(all, Options{Sampling: Random, MaxSchedules: 10})
		for _, f := range r.Failures {
			replay, err := sim.NewReplay(f.Witness.Token)
			require.NoError(rt, err)
			require.Equal(rt, f.Text, play(prog, sim.Options{Strategy: replay}))
			require.NoError(rt, replay.Err())
		}
	})
}
