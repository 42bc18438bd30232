package scenario_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/internal/form"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/scenario"
	"github.com/epollsim/epollsim/scenario/casebook"
	"github.com/epollsim/epollsim/sim"
)

const versionsPage = "../docs/versions.md"

func version(t *testing.T, name string) kernel.Version {
	t.Helper()
	v, err := kernel.ParseVersion(name)
	require.NoError(t, err)
	return v
}

// outcomes is what a run recorded, on one line.
func outcomes(res *scenario.Result) string {
	var parts []string
	for _, o := range res.Outcomes {
		parts = append(parts, o.String())
	}
	return strings.Join(parts, "; ")
}

// A case that names versions shows at each what its line says, and its trace is the golden one of that version; that of
// its own version, 6.18.y if it names none, is beside the program as with every other case.
func TestCasesAtVersions(t *testing.T) {
	if testing.Short() {
		t.Skip("every case, one goroutine at a time")
	}
	for _, f := range cases(t) {
		c, _ := casebook.Find(f.id)
		for _, at := range c.At {
			t.Run(f.id+"/"+at.Version, func(t *testing.T) {
				f, own := *f, f.version
				f.version = version(t, at.Version)
				log, res := f.traceChecked(t, nil, f.id != "loop-accepted") // which takes locks in both orders
				require.Empty(t, trouble(res))
				assert.Equal(t, at.Want, outcomes(res), "epollsim run --kernel=%s %s", at.Version, f.path)
				if f.version == own {
					return // TestCases looks at the trace
				}
				golden := strings.TrimSuffix(f.path, ".star") + "@" + at.Version + ".strace"
				if *update {
					require.NoError(t, os.WriteFile(golden, []byte(log), 0o644))
				}
				want, err := os.ReadFile(golden)
				require.NoError(t, err, "go test ./scenario -run TestCasesAtVersions -update writes it")
				assert.Equal(t, string(want), log, golden)
			})
		}
	}
}

// The case of each behaviour shows something else where it begins, and where it ends.
func TestEachBehaviourHasItsCase(t *testing.T) {
	for _, b := range kernel.Behaviours() {
		if b.Scenario == "" {
			continue
		}
		c, ok := casebook.Find(b.Scenario)
		require.True(t, ok, "%s: no case %s", b.ID, b.Scenario)
		var with, without []string
		for _, at := range c.At {
			if v := version(t, at.Version); b.At(v) {
				with = append(with, at.Want)
			} else {
				without = append(without, at.Want)
			}
		}
		require.NotEmpty(t, with, "%s: %s shows no version that does it", b.ID, c.ID)
		require.True(t, slices.ContainsFunc(with, func(w string) bool { return !slices.Contains(without, w) }) ||
			slices.ContainsFunc(without, func(w string) bool { return !slices.Contains(with, w) }), "%s: %s makes no difference", b.ID, c.ID)
		require.True(t, slices.ContainsFunc(c.At, func(at casebook.Expectation) bool {
			v := version(t, at.Version)
			return b.To != (kernel.Version{}) && v.Compare(b.To) == 0 || b.From != (kernel.Version{}) && v.Compare(b.From) == 0 || v == kernel.Baseline
		}), "%s: %s runs at none of its bounds", b.ID, c.ID)
	}
}

// No case breaks an invariant or panics at any profile, whatever becomes of its own checks.
func TestCasesAtEveryProfile(t *testing.T) {
	if testing.Short() {
		t.Skip("every case, one goroutine at a time")
	}
	profiles := kernel.Profiles()
	stride := form.Of(2*len(profiles), 5) // one profile for each second case
	for i, f := range cases(t) {
		for j, v := range profiles {
			if (i+j)%stride != 0 {
				continue
			}
			k := kernel.Boot(kernel.Options{Version: v, Check: true, Machine: sim.Options{MaxSteps: 2_000_000}})
			res := scenario.Run(k, f.prog, scenario.Options{})
			var violation *sim.ViolationError
			var panicked *sim.PanicError
			if errors.As(res.Err, &violation) {
				require.True(t, known(violation.Text, v), "epollsim run --kernel=%s %s: %s", v, f.path, violation.Text)
			}
			require.False(t, errors.As(res.Err, &panicked), "epollsim run --kernel=%s %s: %v", v, f.path, res.Err)
		}
	}
}

// known reports whether a violation is a bug that v had, which a program shows without a race.
func known(text string, v kernel.Version) bool {
	early := v.Before(kernel.Version{Major: 3, Minor: 5})
	cycles := v.Before(kernel.Version{Major: 2, Minor: 6, Patch: 38}) || !v.Before(kernel.Version{Major: 6, Minor: 17})
	return early && strings.Contains(text, "use after free") || cycles && strings.Contains(text, "lock order")
}

// docs/versions.md is what the table of behaviours and the cases say.
func TestVersionsPage(t *testing.T) {
	var b strings.Builder
	fmt.Fprintf(&b, "# Kernel versions\n\n"+
		"The model is Linux %s. `--kernel VERSION` makes it another: a mainline release from %s on as it came out (`6.1` is\n"+
		"6.1.0), a release candidate (`6.14-rc1`), a stable release of 6.18 (`6.18.32`), or `mainline`: %[1]s with what is known\n"+
		"to have changed since, in releases that are not known. `+sb` behind a version adds its races that need a store buffer, as\n"+
		"two steps in the order in which another CPU saw them. Stable series have many of these changes as back-ports; here a\n"+
		"version is its mainline release.\n\n"+
		"`epollsim versions` prints this table, `epollsim versions diff A B` what changes between two. What no row names is as in\n"+
		"%[1]s. Written by `go test ./scenario -run TestVersionsPage -update`.\n\n", kernel.Baseline, kernel.Oldest)
	var kinds = []struct {
		kind        kernel.Kind
		title, text string
	}{
		{kernel.Semantic, "What any program can see", "The case shows it at the versions that its first lines name."},
		{kernel.Race, "What shows under some schedule", "`epollsim explore --kernel=VERSION CASE` finds it."},
		{kernel.StoreBuffer, "What needs a store buffer", "The model is sequentially consistent. These are modelled by a swap of two steps, with `+sb`."},
		{kernel.Listed, "Known, and not modelled", ""},
	}
	for _, k := range kinds {
		fmt.Fprintf(&b, "## %s\n\n", k.title)
		if k.text != "" {
			fmt.Fprintf(&b, "%s\n\n", k.text)
		}
		b.WriteString("| id | releases | what they do | commits | switch | case |\n|---|---|---|---|---|---|\n")
		for _, x := range kernel.Behaviours() {
			if x.Kind == k.kind {
				fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", x.ID, x.Range(), x.Text, strings.Join(x.Commits, " "), quoted(x.Switch), caseLink(t, &x))
			}
		}
		b.WriteByte('\n')
	}
	found, err := os.ReadFile(interleavings)
	require.NoError(t, err)
	b.WriteString("## What explorations find\n\nFor each program of testdata/history and version: how it fails, and after how many interleavings – or how many there are\n" +
		"up to which bound. The programs name no step of the bug.\n\n```\n" + string(found) + "```\n\n")
	b.WriteString("## Profiles\n\nBetween two of these all releases are alike:\n")
	for i, v := range kernel.Profiles() {
		if i%12 == 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "%s ", v)
	}
	b.WriteString("\n")
	text := strings.ReplaceAll(b.String(), " \n", "\n")
	if *update {
		require.NoError(t, os.WriteFile(versionsPage, []byte(text), 0o644))
	}
	page, err := os.ReadFile(versionsPage)
	require.NoError(t, err)
	assert.Equal(t, text, string(page), "docs/versions.md is stale: go test ./scenario -run TestVersionsPage -update")
}

func quoted(s string) string {
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}

func caseLink(t *testing.T, b *kernel.Behaviour) string {
	if b.Scenario == "" {
		return "none: " + b.Why
	}
	c, ok := casebook.Find(b.Scenario)
	require.True(t, ok, b.Scenario)
	return fmt.Sprintf("[%s](../%s)", c.ID, c.File)
}
