package explore

import (
	"slices"
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

// On several cores an exploration finds what it finds on one, and counts the same.
func TestCoresDoNotShow(t *testing.T) {
	programs := rapid.Custom(drawProgram)
	for seed := range 200 {
		prog := programs.Example(seed)
		for _, opts := range []Options{{}, {Bound: UpTo(1), Direct: true}, {Direct: true}} {
			want := Explore(explored(prog), opts)
			opts.Cores = 3
			require.Equal(t, want, Explore(explored(prog), opts), "%v", prog)
		}
	}
}

// … also where a limit ends it, and where it was stopped and resumed with another number of cores.
func TestCoresDoNotShowAtLimits(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		prog := drawOps(rt, []string{"read", "write", "lock", "unlock", "mutex", "sleep", "wake", "nap", "fail"}, 3, 2, 5)
		opts := Options{Bound: UpTo(rapid.IntRange(1, 3).Draw(rt, "bound")), Direct: rapid.Bool().Draw(rt, "direct")}
		opts.MaxSchedules = rapid.Uint64Range(1, 3000).Draw(rt, "schedules")
		want := Explore(explored(prog), opts)
		most := opts.MaxSchedules
		cuts := rapid.SliceOfN(rapid.Uint64Range(1, most), 0, 3).Draw(rt, "cuts")
		slices.Sort(cuts)
		for _, n := range append(cuts, most) {
			var saved []byte
			opts.MaxSchedules, opts.Cores = n, rapid.IntRange(1, 3).Draw(rt, "cores")
			opts.Checkpoint = func(b []byte) { saved = b }
			got := Explore(explored(prog), opts)
			require.NoError(rt, got.Err)
			if opts.Resume = saved; saved == nil || n == most {
				require.Equal(rt, want, got)
				return
			}
		}
	})
}
