package casebook_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/scenario"
	"github.com/epollsim/epollsim/scenario/casebook"
)

func TestEveryCaseTellsWhatItShows(t *testing.T) {
	all := casebook.All()
	require.Greater(t, len(all), 100)
	seen := map[string]bool{}
	for _, c := range all {
		require.NotEmpty(t, c.Claim, c.ID)
		require.NotContains(t, c.Claim, "\n", c.ID)
		require.False(t, seen[c.ID], "two cases are called %s", c.ID)
		seen[c.ID] = true
		require.NotEmpty(t, strings.TrimSpace(c.Program()), c.ID)
		p, err := scenario.Compile(c.File, []byte(c.Source))
		require.NoError(t, err)
		_, only := p.ModelOnly()
		require.Equal(t, only, c.ModelOnly != "", "%s: uses what only the model has, and says so", c.ID)
		switch {
		case strings.HasPrefix(c.File, "testdata/cases"):
			require.NotEmpty(t, c.Trace, "%s has no golden trace", c.ID)
		case c.History():
			require.NotEmpty(t, c.At, "%s runs at no version", c.ID)
		default:
			require.Contains(t, []string{"Always", "Sometimes", "Never"}, c.Expect, c.ID)
		}
	}
}

func TestFind(t *testing.T) {
	c, ok := casebook.Find("no-mmap")
	require.True(t, ok)
	require.Contains(t, c.Myth, "maps its ready list")
	require.Contains(t, c.Prose, "ep_send_events")
	c, ok = casebook.Find("herd-one-epfd")
	require.True(t, ok)
	require.Contains(t, c.Prose, "t0   t1   t2   t3", "the drawing is kept as it is")
	_, ok = casebook.Find("nothing")
	require.False(t, ok)
	require.Contains(t, casebook.Nearest("herd"), "herd-one-epfd")
}
