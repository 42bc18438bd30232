package fuzz

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/internal/form"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/scenario"
)

// againstHost compares a fixed slice of programs with the running kernel.
func againstHost(t *testing.T, opts Options) {
	sum, err := Run(opts)
	if errors.Is(err, ErrUnsupported) {
		t.Skip(err)
	}
	require.NoError(t, err)
	for _, f := range sum.Found {
		t.Errorf("program %d (seed %d): %v %v\n%s", f.Program, f.Seed, f.Difference, f.Err, f.Scenario)
	}
	t.Logf("%d programs, %d calls agree with Linux %s, %d late", sum.Programs, sum.Calls, sum.Release, sum.Late)
}

func TestSequentialAgainstHost(t *testing.T) {
	againstHost(t, Options{Programs: form.Of(100, 5_000), Seed: 1})
}

func TestTwoThreadsAgainstHost(t *testing.T) {
	againstHost(t, Options{Programs: form.Of(30, 300), Seed: 1, Threads: 2})
}

// The same seed makes the same programs with the same results, in the long-lived model and in a new one.
func TestDeterminism(t *testing.T) {
	text := func(m *model, seed int) string {
		p, err := m.sequential(words(100).Example(seed), 100)
		require.NoError(t, err)
		o, err := results(p, &modelJudge{newModel(kernel.Version{})})
		require.NoError(t, err)
		for i, c := range p.calls {
			require.Equal(t, string(c.want), o.calls[i], "call %d, %s", i, c.String())
		}
		return scenarioText(p, o, "", nil)
	}
	kept := newModel(kernel.Version{})
	for seed := 1; seed <= 50; seed++ {
		require.Equal(t, text(kept, seed), text(newModel(kernel.Version{}), seed))
	}
	opts := Options{Seed: 5}
	require.Equal(t, opts.seedOf(3), opts.seedOf(3))
	require.NotEqual(t, opts.seedOf(3), (&Options{Seed: 6}).seedOf(3))
}

// A program that is written as a scenario and run by package scenario gives the results that it states.
func TestScenarioRoundTrip(t *testing.T) {
	seeds := form.Of(40, 200)
	if testing.Short() {
		seeds = 10
	}
	m := newModel(kernel.Version{})
	run := func(t *testing.T, text string) {
		prog, err := scenario.Compile("fuzz.star", []byte(text))
		require.NoError(t, err, text)
		res := scenario.Run(kernel.Boot(kernel.Options{}), prog, scenario.Options{})
		require.Zero(t, res.ExitCode(), "%v %v %v %v\n%s", res.Failed, res.Unlooked, res.Error, res.Err, text)
	}
	for seed := 1; seed <= seeds; seed++ {
		p, err := m.sequential(words(100).Example(seed), 100)
		require.NoError(t, err)
		if slices.ContainsFunc(p.calls, unsayable) {
			continue
		}
		o, err := results(p, &modelJudge{newModel(kernel.Version{})})
		require.NoError(t, err)
		run(t, scenarioText(p, o, "round trip", nil))
	}
	for seed := 1; seed <= seeds; seed++ {
		p, blocks, err := m.concurrent(words(togetherRows).Example(seed))
		require.NoError(t, err)
		if blocks || slices.ContainsFunc(p.calls, unsayable) {
			continue
		}
		o, err := results(p, &modelJudge{newModel(kernel.Version{})})
		require.NoError(t, err)
		run(t, scenarioText(p, o, "round trip", nil))
	}
}

// unsayable is a call that a scenario leaves out, and with it the look at files that it takes.
func unsayable(c call) bool { return c.op.name == "epoll_wait NULL" || c.op.name == "select below n" }

// oldPipes is a judge that is wrong on purpose: the model of 5.13, whose pipe wakes readers only if it was empty, and whose
// epolls nest deeper.
// What else was different then it does not tell.
type oldPipes struct{ modelJudge }

func (j *oldPipes) sequential(p *program, result func(i int, text []byte)) error {
	return j.modelJudge.sequential(p, func(i int, text []byte) {
		if strings.Contains(p.calls[i].op.name, "ioctl") {
			text = p.calls[i].want
		}
		result(i, text)
	})
}

// A wrong judge is seen through, and the program that shows it becomes small. The scenario fails on the model
// and holds on the judge.
func TestShrinking(t *testing.T) {
	old, err := kernel.ParseVersion("5.13")
	require.NoError(t, err)
	seed := form.Of[uint64](34, 3) // one whose program becomes small soon
	opts := Options{Programs: 1000, Seed: seed, Jobs: 1, Shrink: 10 * time.Second, Out: t.TempDir()}
	sum, err := opts.run(func(int) (judge, error) { return &oldPipes{modelJudge{newModel(old)}}, nil })
	require.NoError(t, err)
	require.Len(t, sum.Found, 1)
	f := sum.Found[0]
	t.Logf("%d programs, %v\n%s", sum.Programs, f.Difference, f.Scenario)
	require.LessOrEqual(t, f.Calls, 12)

	prog, err := scenario.Compile(f.File, []byte(f.Scenario))
	require.NoError(t, err)
	require.NotZero(t, scenario.Run(kernel.Boot(kernel.Options{}), prog, scenario.Options{}).ExitCode())
	require.Zero(t, scenario.Run(kernel.Boot(kernel.Options{Version: old}), prog, scenario.Options{}).ExitCode())
}

// A scenario never overwrites a file.
func TestWriteNew(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "diff-1.star"), []byte("mine"), 0o600))
	name, err := writeNew(dir, "ours")
	require.NoError(t, err)
	require.Equal(t, filepath.Join(dir, "diff-2.star"), name)
	mine, err := os.ReadFile(filepath.Join(dir, "diff-1.star"))
	require.NoError(t, err)
	require.Equal(t, "mine", string(mine))
}

// Every row is made by some program, and its form names every argument that it has.
func TestTable(t *testing.T) {
	if testing.Short() {
		t.Skip("many runs of one goroutine at a time")
	}
	m := newModel(kernel.Version{})
	made := map[string]int{}
	rare := func(o *op) bool { return o.expand == nil && o.weight > 0 && made[o.name] == 0 }
	for seed := 1; seed <= form.Of(200, 2000) || seed <= 2000 && slices.ContainsFunc(table, rare); seed++ {
		p, err := m.sequential(words(100).Example(seed), 100)
		require.NoError(t, err)
		for i := range p.calls {
			made[p.calls[i].op.name]++
			require.NotContains(t, p.calls[i].String(), "{")
		}
	}
	for _, o := range table {
		require.False(t, rare(o), o.name)
	}
}

func BenchmarkModel(b *testing.B) {
	m := newModel(kernel.Version{})
	gen := words(100)
	calls, i := 0, 0
	for b.Loop() {
		i++
		p, err := m.sequential(gen.Example(i), 100)
		if err != nil {
			b.Fatal(err)
		}
		calls += p.count()
	}
	b.ReportMetric(float64(calls)/float64(i), "calls/program")
	b.ReportMetric(float64(i)/b.Elapsed().Seconds(), "programs/s")
}
