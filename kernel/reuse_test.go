package kernel_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/sim/explore"
)

// recording is everything that a run shows: each event, what every call returned, the schedule, the costs.
type recording struct{ text strings.Builder }

func (r *recording) event(e sim.Event) {
	fmt.Fprintln(&r.text, e.Kind, e.Step, e.Time, e.Task, e.Depth, e.Access, e.Of, e.What, e.Detail, e.From, e.To, e.Other)
	if s, ok := e.Arg.(*kernel.Snapshot); ok {
		fmt.Fprintln(&r.text, s)
	}
}

// record runs p under a schedule of its own on a kernel whose memory is that of pool.
func (p smallProgram) record(pool *sim.Pool, seed uint64, check bool) string {
	var r recording
	opts := sim.Options{Pool: pool, Strategy: sim.NewRandom(seed), Trace: r.event}
	var k *kernel.Kernel
	res := p.runOn(func(m sim.Options) *kernel.Kernel {
		k = kernel.Boot(kernel.Options{Machine: m, Check: check, TraceState: true})
		return k
	}, opts)
	fmt.Fprintln(&r.text, res.State, k.Machine().Token(), k.Machine().Steps, k.Machine().Now(), k.Counters(), k.Snapshot())
	return r.text.String()
}

// stop runs p and ends the run in the middle of a step, as explorers end those that they need not see to the end.
func (p smallProgram) stop(pool *sim.Pool, seed, steps uint64) {
	var k *kernel.Kernel
	p.runOn(func(m sim.Options) *kernel.Kernel {
		m.AfterStep = func() {
			if k.Machine().Steps >= steps {
				k.Stop(sim.ErrStopped)
			}
		}
		k = kernel.Boot(kernel.Options{Machine: m})
		return k
	}, sim.Options{Pool: pool, Strategy: sim.NewRandom(seed)})
}

// A kernel on memory that other runs have used – runs that ended well, that were stuck, that were stopped anywhere, of other
// programs – does what one on new memory does, to the last access.
func TestUsedMemoryIsAsNew(t *testing.T) {
	pool := &sim.Pool{}
	defer pool.Close()
	rapid.Check(t, func(rt *rapid.T) {
		p := smallPrograms.Draw(rt, "program")
		seed := rapid.Uint64().Draw(rt, "seed")
		check := rapid.Bool().Draw(rt, "check")
		p.stop(pool, seed, rapid.Uint64Range(1, 300).Draw(rt, "stop"))
		require.Empty(rt, pool.Leftovers())
		want := p.record(nil, seed, check)
		if got := p.record(pool, seed, check); got != want {
			require.Equal(rt, want, got)
		}
		require.Empty(rt, pool.Leftovers())
	})
}

// A run that is repeated allocates nothing but what the program itself does: a buffer, two functions.
func TestRepeatedRunAllocatesLittle(t *testing.T) {
	pool := &sim.Pool{}
	defer pool.Close()
	run := func() { ping(sim.Options{Pool: pool}) }
	require.LessOrEqual(t, testing.AllocsPerRun(100, run), 3.0)
	opts := explore.Options{Direct: true}
	require.LessOrEqual(t, testing.AllocsPerRun(20, func() { explore.Explore(ping, opts) })/24, 50.0)
}
