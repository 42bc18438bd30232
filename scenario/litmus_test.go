package scenario_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/internal/form"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/scenario"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/sim/explore"
)

// litmusTable has a row for each litmus test: what was covered, the number of interleavings, and in how many of them the final
// condition held.
const litmusTable = litmusDir + "/interleavings.txt"

// quickly is how many interleavings a test may have to be explored to the end in the short form too.
const quickly = 1500

// Every litmus test shows what its first line expects, in all its interleavings or in all with up to three preemptions,
// and breaks nothing in any of them.
func TestLitmus(t *testing.T) {
	table, err := os.ReadFile(litmusTable)
	require.True(t, err == nil || *update, "go test ./scenario -run TestLitmus -update writes it")
	var rows strings.Builder
	for _, f := range starFiles(t, litmusDir, "# expect: ") {
		t.Run(f.id, func(t *testing.T) {
			if *update {
				rows.WriteString(f.litmusRow(t, f.coverage(t)))
				return
			}
			t.Parallel()
			stated := litmusRowOf(string(table), f.id)
			require.NotEmpty(t, stated, "go test ./scenario -run TestLitmus -update")
			bound, count := statedCoverage(stated)
			if count > 100 && testing.Short() {
				t.Skip("many interleavings")
			}
			if count > quickly && !form.Long {
				f.litmusRow(t, explore.UpTo(1))
				return
			}
			assert.Equal(t, stated, f.litmusRow(t, bound), "if the change is meant: go test ./scenario -run TestLitmus -update")
		})
	}
	if *update {
		require.NoError(t, os.WriteFile(litmusTable, []byte(rows.String()), 0o644))
	}
}

func litmusRowOf(table, id string) string {
	for row := range strings.Lines(table) {
		if strings.Fields(row)[0] == id {
			return row
		}
	}
	return ""
}

// statedCoverage reads from a row what it covers.
func statedCoverage(row string) (bound explore.Bound, count int) {
	words := strings.Fields(row)
	if words[1] == "≤" {
		var n int
		fmt.Sscan(words[2], &n)
		bound, words = explore.UpTo(n), words[2:]
	}
	fmt.Sscan(words[2], &count)
	return bound, count
}

// coverage is what can be covered of f in a test: everything, or up to three preemptions, or two.
func (f *starFile) coverage(t *testing.T) explore.Bound {
	for _, bound := range []explore.Bound{0, explore.UpTo(3), explore.UpTo(2)} {
		r := explore.Explore(f.litmus(false), explore.Options{Bound: bound, Direct: true, MaxSchedules: 40_000})
		require.NoError(t, r.Err)
		if limit, bounded := bound.Limit(); bounded && r.Complete(limit) || r.Exhaustive {
			return bound
		}
	}
	t.Fatal("too many interleavings to try them all in a test, even those with two preemptions")
	return 0
}

// litmusRow explores f up to bound and fails the test if a run breaks anything or the verdict is not the expected one.
func (f *starFile) litmusRow(t *testing.T, bound explore.Bound) string {
	r := explore.Explore(f.litmus(form.Long || *update), explore.Options{Bound: bound, Direct: true})
	require.NoError(t, r.Err, "epollsim run --schedule=%s %s", r.Token, f.path)
	for _, o := range r.Failures {
		require.Fail(t, o.Text, "epollsim run %s %s", o.Witness, f.path)
	}
	limit, bounded := bound.Limit()
	require.True(t, bounded && r.Complete(limit) || r.Exhaustive, r.Verdict())
	require.Len(t, r.Conditions, 1, "a litmus test has one final condition")
	c := r.Conditions[0]
	want, _, _ := strings.Cut(f.first, " ")
	assert.Equal(t, want, c.Observation(), "held in %d of %d interleavings", c.Positive.Count, r.Interleavings())
	verdict := r.Verdict()
	if bounded {
		verdict = fmt.Sprintf("≤ %d preemptions", limit)
	}
	return fmt.Sprintf("%-36s%-16s%8d  %s %d %d\n", f.id, verdict, r.Interleavings(), c.Observation(), c.Positive.Count, c.Negative.Count)
}

// litmus is f as a program of the explorer.
func (f *starFile) litmus(check bool) explore.Program {
	return func(opts sim.Options) explore.Result {
		opts.Check = check
		res := scenario.Run(kernel.Boot(kernel.Options{Version: f.version, Check: check, Machine: opts}), f.prog, scenario.Options{})
		x := res.Explored()
		x.State, x.Mistake = "", mistakeOf(res)
		return x
	}
}
