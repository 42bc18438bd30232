package scenario_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/internal/form"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/scenario"
	"github.com/epollsim/epollsim/scenario/strace"
	"github.com/epollsim/epollsim/sim"
)

var update = flag.Bool("update", false, "rewrite the golden traces of testdata/cases and docs/cases.md")

const (
	casesDir  = "../testdata/cases"
	litmusDir = "../testdata/litmus"
	casesPage = "../docs/cases.md"
)

// starFile is a scenario of testdata/, its first line "# id: claim" taken apart.
type starFile struct {
	id, path string
	first    string // the comment behind "# id: " of a case, behind "# expect: " of a litmus test
	src      string
	prog     *scenario.Program
	version  kernel.Version
}

// starFiles reads a folder; prefix is what its files begin with, %s in it the id.
func starFiles(t *testing.T, dir, prefix string) []*starFile {
	t.Helper()
	paths, err := filepath.Glob(dir + "/*.star")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	var files []*starFile
	for _, path := range paths {
		f := &starFile{id: strings.TrimSuffix(filepath.Base(path), ".star"), path: path, version: kernel.Baseline}
		src, err := os.ReadFile(path)
		require.NoError(t, err)
		f.src = string(src)
		line, _, _ := strings.Cut(f.src, "\n")
		var ok bool
		want := strings.ReplaceAll(prefix, "%s", f.id)
		f.first, ok = strings.CutPrefix(line, want)
		require.True(t, ok && f.first != "", "%s:1: the first line is %q, want it to begin with %q", path, line, want)
		f.prog, err = scenario.Compile(f.id+".star", src)
		require.NoError(t, err)
		if name, ok := f.prog.KernelVersion(); ok {
			f.version, err = kernel.ParseVersion(name)
			require.NoError(t, err)
		}
		files = append(files, f)
	}
	return files
}

func cases(t *testing.T) []*starFile { return starFiles(t, casesDir, "# %s: ") }

// concurrent reports whether f has more than one thread, and so more than one schedule.
func (f *starFile) concurrent() bool {
	return strings.Contains(f.src, "spawn(") || strings.Contains(f.src, "fork(")
}

// run runs f; check verifies every structure after every step. The token replays the run.
func (f *starFile) run(opts sim.Options, check bool) (res *scenario.Result, token string) {
	k := kernel.Boot(kernel.Options{Version: f.version, Check: check, Machine: opts})
	res = scenario.Run(k, f.prog, scenario.Options{})
	return res, k.Machine().Token()
}

// trace runs f and returns its log as strace -f prints it.
func (f *starFile) trace(t *testing.T, strategy sim.Strategy) (string, *scenario.Result) {
	t.Helper()
	return f.traceChecked(t, strategy, true)
}

func (f *starFile) traceChecked(t *testing.T, strategy sim.Strategy, check bool) (string, *scenario.Result) {
	t.Helper()
	var log bytes.Buffer
	w := strace.New(&log, strace.Options{})
	res, _ := f.run(sim.Options{Strategy: strategy, Trace: w.Event}, check)
	require.NoError(t, w.Close())
	return log.String(), res
}

// trouble says what is wrong with a run, nothing if all is well.
func trouble(res *scenario.Result) string {
	if res.ExitCode() == scenario.ExitOK {
		return ""
	}
	var b strings.Builder
	for _, f := range res.Failed {
		fmt.Fprintln(&b, f)
	}
	for _, u := range res.Unlooked {
		fmt.Fprintln(&b, u)
	}
	for _, c := range res.Conditions {
		if c.Failed() {
			fmt.Fprintln(&b, c)
		}
	}
	if res.Error != nil {
		fmt.Fprintf(&b, "%v\n%s", res.Error, res.Error.Backtrace)
	}
	if res.Err != nil {
		fmt.Fprintln(&b, res.Err)
	}
	return b.String()
}

// Every case holds on the model, and its system calls are those of the golden trace beside it.
func TestCases(t *testing.T) {
	for _, f := range cases(t) {
		t.Run(f.id, func(t *testing.T) {
			log, res := f.trace(t, nil)
			require.Empty(t, trouble(res))
			golden := strings.TrimSuffix(f.path, ".star") + ".strace"
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(log), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err, "go test ./scenario -run TestCases -update writes it")
			assert.Equal(t, string(want), log, "%s; if the change is meant: go test ./scenario -run TestCases -update", golden)
		})
	}
}

// Every case of several threads holds under any schedule: what matters is ordered by the program.
func TestCasesUnderSchedules(t *testing.T) {
	seeds := uint64(form.Of(3, 100))
	if testing.Short() {
		seeds = 2
	}
	for _, f := range cases(t) {
		if !f.concurrent() {
			continue
		}
		t.Run(f.id, func(t *testing.T) {
			t.Parallel()
			for seed := range seeds {
				for name, strategy := range map[string]sim.Strategy{
					"random": sim.NewRandom(seed),
					"pct":    sim.NewPCT(3, 1000, seed),
				} {
					res, token := f.run(sim.Options{Strategy: strategy}, true)
					require.Empty(t, trouble(res), "epollsim run --schedule=%s %s (%s, seed %d)", token, f.path, name, seed)
				}
			}
		})
	}
}

// The same case and seed are the same bytes, whatever the number of processors.
func TestCasesAreDeterministic(t *testing.T) {
	if testing.Short() {
		t.Skip("every case three times")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for i, f := range cases(t) {
		if !form.Sample(i, 8) {
			continue
		}
		var logs []string
		for _, procs := range []int{1, 1, 2} {
			runtime.GOMAXPROCS(procs)
			log, _ := f.trace(t, sim.NewRandom(7))
			logs = append(logs, log)
		}
		assert.Equal(t, logs[0], logs[1], "%s: two runs", f.id)
		assert.Equal(t, logs[0], logs[2], "%s: GOMAXPROCS 1 and 2", f.id)
	}
}

// docs/cases.md lists the cases by their first lines.
func TestCasesPage(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Cases\n\n" +
		"Each is a scenario that holds on Linux 6.18, with its golden trace beside it, unless it says \"model only\".\n" +
		"`epollsim run testdata/cases/ID.star` prints the trace. Written by `go test ./scenario -run TestCasesPage -update`.\n\n" +
		"| id | claim | file |\n|---|---|---|\n")
	for _, f := range cases(t) {
		name := filepath.Base(f.path)
		claim := strings.ReplaceAll(f.first, "|", `\|`)
		if strings.Contains(f.src, "\n# myth: ") {
			claim += " *(refutes a myth)*"
		}
		if strings.Contains(f.src, "\n# model only: ") {
			claim += " *(model only)*"
		}
		fmt.Fprintf(&b, "| %s | %s | [%s](../testdata/cases/%s) |\n", f.id, claim, name, name)
	}
	b.WriteString("\n## Under all schedules\n\n" +
		"`epollsim explore testdata/litmus/ID.star` tries every schedule; interleavings.txt beside them says how many there are.\n\n" +
		"| id | the final condition holds | file |\n|---|---|---|\n")
	for _, f := range starFiles(t, litmusDir, "# expect: ") {
		name := filepath.Base(f.path)
		word, why, _ := strings.Cut(f.first, " ")
		why = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(why), "("), ")")
		fmt.Fprintf(&b, "| %s | %s: %s | [%s](../testdata/litmus/%s) |\n", f.id, word, strings.ReplaceAll(why, "|", `\|`), name, name)
	}
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(casesPage), 0o755))
		require.NoError(t, os.WriteFile(casesPage, []byte(b.String()), 0o644))
	}
	page, err := os.ReadFile(casesPage)
	require.NoError(t, err)
	assert.Equal(t, b.String(), string(page), "docs/cases.md is stale: go test ./scenario -run TestCasesPage -update")
}
