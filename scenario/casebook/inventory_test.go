package casebook_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/scenario/casebook"
)

var update = flag.Bool("update", false, "rewrite docs/topics.md")

// Every topic is shown by a case, or a reason says why none can; a case that is named exists, and none has a number of the
// field that there is not.
func TestEveryTopicIsShown(t *testing.T) {
	all := casebook.All()
	known := map[string]bool{}
	for _, c := range all {
		known[c.ID] = true
	}
	seen := map[string]bool{}
	for _, g := range casebook.Topics() {
		for _, topic := range g.Topics {
			require.False(t, seen[topic.ID], "%s stands twice", topic.ID)
			seen[topic.ID] = true
			shown := topic.Cases(all)
			if topic.Reason != "" {
				require.Empty(t, shown, "%s is shown, and a reason says that it cannot be", topic.ID)
				continue
			}
			require.NotEmpty(t, shown, "%s is shown by no case, and no reason says why: see unshown in inventory.go", topic.ID)
			for _, id := range topic.Also() {
				require.True(t, known[id], "%s is said to be shown by %s, which is no case", topic.ID, id)
			}
		}
	}
	for _, c := range all {
		if name, _, ok := strings.Cut(c.ID, "-"); ok && len(name) == 3 && name[0] == 'f' && name[1] >= '0' && name[1] <= '9' {
			require.True(t, seen[name], "%s is of no topic", c.ID)
		}
	}
}

// A topic whose case has several threads is a litmus test too, but for the terminal, where the second thread is who types.
func TestThreadsAreALitmusTest(t *testing.T) {
	all := casebook.All()
	for _, g := range casebook.Topics() {
		if g.Title == "A terminal" || g.Title == "The field" {
			continue
		}
		for _, topic := range g.Topics {
			threads, litmus := false, false
			for _, c := range topic.Cases(all) {
				threads = threads || strings.Contains(c.Source, "spawn(") || strings.Contains(c.Source, "fork(")
				litmus = litmus || c.Expect != ""
			}
			require.True(t, litmus || !threads, "%s has threads, and no litmus test goes through their schedules", topic.ID)
		}
	}
}

// docs/topics.md says where each topic is shown.
func TestTopicsPage(t *testing.T) {
	var b strings.Builder
	b.WriteString("# What is shown where\n\nEvery topic of the casebook and the cases that show it, or the reason why none can. `epollsim show CASE` prints one with " +
		"its trace; [cases.md](cases.md) tells what each shows. Written by `go test ./scenario/casebook -run TestTopicsPage -update`.\n")
	all := casebook.All()
	for _, g := range casebook.Topics() {
		fmt.Fprintf(&b, "\n## %s\n\n| topic | shown by |\n|---|---|\n", g.Title)
		for _, topic := range g.Topics {
			var links []string
			for _, c := range topic.Cases(all) {
				links = append(links, fmt.Sprintf("[%s](../%s)", c.ID, c.File))
			}
			if topic.Reason != "" {
				links = append(links, "not shown: "+topic.Reason)
			}
			fmt.Fprintf(&b, "| %s | %s |\n", topic.ID, strings.Join(links, ", "))
		}
	}
	const file = "../../docs/topics.md"
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(b.String()), 0o644))
	}
	page, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, b.String(), string(page), "docs/topics.md is stale: go test ./scenario/casebook -run TestTopicsPage -update")
}
