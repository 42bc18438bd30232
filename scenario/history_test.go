package scenario_test

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/internal/form"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/scenario"
	"github.com/epollsim/epollsim/scenario/casebook"
	"github.com/epollsim/epollsim/scenario/strace"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/sim/explore"
)

const historyDir = "../testdata/history"

// failureOf names what went wrong in a run: the message of its check, or how it ended. "none" if nothing did.
func failureOf(res *scenario.Result) string {
	var v *sim.ViolationError
	switch {
	case res.Err != nil && strings.HasPrefix(res.Err.Error(), "lost wake-up"):
		return "lost wake-up"
	case kernel.Deadlocked(res.Err):
		return "deadlock"
	case errors.As(res.Err, &v):
		for _, kind := range []string{"use after free", "deadlock"} {
			if strings.Contains(v.Text, kind) {
				return kind
			}
		}
		if strings.Contains(v.Text, "spins for ever") {
			return "hang"
		}
		return v.Text
	case len(res.Failed) > 0 && res.Failed[0].Msg != "":
		return res.Failed[0].Msg
	}
	if text := trouble(res); text != "" {
		return text
	}
	return "none"
}

// mark tells a bug from others of the same versions that fail in the same way: what an interleaving shows from top to bottom.
var mark = map[string]*regexp.Regexp{
	"r-doublehit": regexp.MustCompile(`(?s)(wakes [^\n]*ahead.*write = 8.*){2}`), // both writes
	"r-ovflost":   regexp.MustCompile(`(?s)idle → ovflist.*ovflist → rdllist`),
}

// exploreHistory runs f at v: if it fails there until it does, with as few preemptions as it takes, else through every
// interleaving.
func exploreHistory(f *starFile, v kernel.Version, fails, check bool) (failure string, r *explore.Report) {
	run := func(opts sim.Options) (explore.Result, string) {
		opts.Check = check
		k := kernel.Boot(kernel.Options{Version: v, Machine: opts})
		res := scenario.Run(k, f.prog, scenario.Options{})
		x := explore.Result{Mistake: mistakeOf(res)}
		if failure := failureOf(res); failure != "none" {
			x.Failure = failure
		}
		return x, k.Machine().Token()
	}
	program := func(opts sim.Options) explore.Result {
		x, token := run(opts)
		if fails && x.Failure != "" && mark[f.id] != nil && !mark[f.id].MatchString(interleaving(run, token)) {
			x.Failure = ""
		}
		return x
	}
	r = explore.Explore(program, explore.Options{Direct: !fails, StopAtFailure: true})
	switch {
	case len(r.Failures) > 0:
		failure = r.Failures[0].Text
	case r.Err != nil:
		failure = r.Err.Error()
	case !r.Exhaustive:
		failure = "not complete"
	default:
		failure = "none"
	}
	return failure, r
}

func interleaving(run func(sim.Options) (explore.Result, string), token string) string {
	table, err := explore.Interleaving(func(opts sim.Options) explore.Result {
		x, _ := run(opts)
		return x
	}, token, strace.Words())
	if err != nil {
		return err.Error()
	}
	var text strings.Builder
	for _, row := range table.Rows {
		text.WriteString(row.Text + "\n")
	}
	return text.String()
}

func mistakeOf(res *scenario.Result) error {
	if res.Error != nil {
		return res.Error
	}
	return nil
}

// interleavings has a row for each version of each program: how the exploration fails, and how many interleavings it
// tried until then, or else all there are.
const interleavings = historyDir + "/interleavings.txt"

// The bugs of history: each program of testdata/history fails at the versions that had the bug as its first lines say,
// and not at those that had it not. It names no step of the bug; the explorer finds them.
func TestHistory(t *testing.T) {
	if testing.Short() {
		t.Skip("many interleavings")
	}
	want, err := os.ReadFile(interleavings)
	require.True(t, err == nil || *update, "go test ./scenario -run TestHistory -update writes it")
	var table strings.Builder
	for _, f := range starFiles(t, historyDir, "# %s: ") {
		c, ok := casebook.Find(f.id)
		require.True(t, ok, f.id)
		require.True(t, slices.ContainsFunc(c.At, func(at casebook.Expectation) bool { return at.Want == casebook.None }), "%s: a version without the failure", f.id)
		require.True(t, slices.ContainsFunc(c.At, func(at casebook.Expectation) bool { return at.Want != casebook.None }), "%s: a version with the failure", f.id)
		for i, at := range c.At {
			if !form.Long && !*update && !tells(c.At, i) {
				continue
			}
			t.Run(f.id+"/"+at.Version, func(t *testing.T) {
				stated := rowOf(string(want), f.id, at.Version)
				if !form.Long && !*update && interleavingsOf(stated) > quickly {
					t.Skip("many interleavings")
				}
				row := f.historyRow(t, at)
				table.WriteString(row)
				if *update {
					return
				}
				if !form.Long { // how many they are changes with every point of the model
					stated, row = uncounted(stated), uncounted(row)
				}
				assert.Equal(t, stated, row, "if the change is meant: go test ./scenario -run TestHistory -update")
			})
		}
	}
	if *update {
		require.NoError(t, os.WriteFile(interleavings, []byte(table.String()), 0o644))
	}
}

// rowOf returns the row of the table for a program and version, "" if it has none.
func rowOf(table, id, version string) string {
	for row := range strings.Lines(table) {
		if words := strings.Fields(row); words[0] == id && words[1] == version {
			return row
		}
	}
	return ""
}

// interleavingsOf reads their number from a row.
func interleavingsOf(row string) (n int) {
	fmt.Sscan(count.FindString(row), &n)
	return n
}

// uncounted is a row without the number of interleavings.
func uncounted(row string) string { return count.ReplaceAllString(row, " N  ") }

var count = regexp.MustCompile(` +\d+  `)

// tells reports whether version i is the first that fails or the first after it that does not.
func tells(all []casebook.Expectation, i int) bool {
	first := slices.IndexFunc(all, func(at casebook.Expectation) bool { return at.Want != casebook.None })
	fixed := slices.IndexFunc(all[first:], func(at casebook.Expectation) bool { return at.Want == casebook.None })
	return i == first || i == first+fixed
}

func (f *starFile) exploreAt(t *testing.T, at casebook.Expectation) (failure string, r *explore.Report) {
	return exploreHistory(f, version(t, at.Version), at.Want != casebook.None, at.Want != "deadlock") // else the order of locks is reported first
}

// historyRow explores f at one version, checks what comes of it, and returns the row of the table.
func (f *starFile) historyRow(t *testing.T, at casebook.Expectation) string {
	start := time.Now()
	failure, r := f.exploreAt(t, at)
	token := ""
	if len(r.Failures) > 0 {
		token = r.Failures[0].Witness.Token
	}
	t.Logf("%s after %d runs (%s), %s", failure, r.Runs, r.Verdict(), time.Since(start).Round(time.Millisecond))
	assert.Equal(t, at.Want, failure, "epollsim run --kernel=%s --schedule=%s %s", at.Version, token, f.path)
	verdict := "until it failed"
	if failure == casebook.None {
		verdict = r.Verdict()
	}
	return fmt.Sprintf("%-14s %-9s %-40s %6d  %s\n", f.id, at.Version, failure, r.Runs, verdict)
}

// Of what any program can see there is a golden trace at each version, how it fails included.
func TestHistoryTraces(t *testing.T) {
	semantic := map[string]bool{}
	for _, b := range kernel.Behaviours() {
		semantic[b.Scenario] = semantic[b.Scenario] || b.Kind == kernel.Semantic
	}
	for _, f := range starFiles(t, historyDir, "# %s: ") {
		c, _ := casebook.Find(f.id)
		for _, at := range c.At {
			if !semantic[f.id] {
				continue
			}
			var strategy sim.Strategy
			if _, r := f.exploreAt(t, at); len(r.Failures) > 0 {
				replay, err := sim.NewReplay(r.Failures[0].Witness.Token)
				require.NoError(t, err)
				strategy = replay
			}
			f.version = version(t, at.Version)
			log, res := f.traceChecked(t, strategy, at.Want != "deadlock")
			require.Equal(t, at.Want, failureOf(res), "%s at %s", f.path, at.Version)
			golden := strings.TrimSuffix(f.path, ".star") + "@" + at.Version + ".strace"
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(log), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err, "go test ./scenario -run TestHistoryTraces -update writes it")
			assert.Equal(t, string(want), log, golden)
		}
	}
}
