package explore

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/epollsim/epollsim/sim"
)

func explored(prog [][]op) Program {
	return func(opts sim.Options) Result { return Result{State: play(prog, opts)} }
}

// An exploration that is stopped and resumed again and again ends as one that was not.
func TestResumedIsAsUninterrupted(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		prog := drawProgram(rt)
		every := rapid.Uint64Range(1, 40).Draw(rt, "every")
		opts := Options{Name: "p", Bound: UpTo(2)}
		want := Explore(explored(prog), Options{Name: "p", Bound: UpTo(2), MaxSchedules: 300})
		opts.MaxSchedules = 0
		var got *Report
		for got == nil || got.Total < min(want.Total, 300) {
			var saved []byte
			opts.Checkpoint = func(b []byte) { saved = b }
			opts.MaxSchedules = min(opts.MaxSchedules+every, 300)
			got = Explore(explored(prog), opts)
			require.NoError(rt, got.Err)
			if saved == nil {
				break
			}
			opts.Resume = saved
		}
		require.Equal(rt, want, got)
	})
}

func TestBadCheckpoints(t *testing.T) {
	prog := [][]op{{{"write", 0}, {"read", 1}}, {{"write", 1}, {"read", 0}}}
	var saved []byte
	opts := Options{Name: "mine", MaxSchedules: 2, Checkpoint: func(b []byte) { saved = b }}
	Explore(explored(prog), opts)
	require.NotEmpty(t, saved)
	resumed := func(o Options, text []byte) error {
		o.Resume, o.Checkpoint, o.MaxSchedules = text, nil, 0
		return Explore(explored(prog), o).Err
	}
	require.NoError(t, resumed(opts, saved))
	for n := range saved {
		require.Error(t, resumed(opts, saved[:n]))
		damaged := append([]byte(nil), saved...)
		damaged[n] ^= 1
		require.Error(t, resumed(opts, damaged), n)
	}
	opts.Name = "another"
	require.ErrorContains(t, resumed(opts, saved), "another program")
	opts.Name, opts.Bound = "mine", UpTo(1)
	require.ErrorContains(t, resumed(opts, saved), "--max-preemptions")
}

func FuzzCheckpoint(f *testing.F) {
	prog := [][]op{{{"write", 0}}, {{"read", 0}}}
	Explore(explored(prog), Options{MaxSchedules: 1, Checkpoint: func(b []byte) { f.Add(b) }})
	f.Add([]byte(""))
	f.Fuzz(func(_ *testing.T, text []byte) {
		Explore(explored(prog), Options{Resume: text, MaxSchedules: 20})
	})
}

// On two cores an exploration finds what it finds on one.
func TestCoresDoNotShow(t *testing.T) {
	programs := rapid.Custom(drawProgram)
	for seed := range 200 {
		prog := programs.Example(seed)
		require.Equal(t, Explore(explored(prog), Options{}), Explore(explored(prog), Options{Cores: 2}), "%v", prog)
	}
	// Too much for the first attempt without a bound, so that a second comes beside the next bound.
	var big [][]op
	for range 3 {
		big = append(big, []op{{"write", 0}, {"read", 0}, {"write", 0}})
	}
	require.Equal(t, Explore(explored(big), Options{Bound: UpTo(3)}), Explore(explored(big), Options{Bound: UpTo(3), Cores: 2}))
}
