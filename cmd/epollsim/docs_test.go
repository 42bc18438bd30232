package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The report that docs/explore.md explains is the one that the command on top of that page prints.
func TestExplorePage(t *testing.T) {
	page, err := os.ReadFile("../../docs/explore.md")
	require.NoError(t, err)
	t.Chdir("../..")
	stdout, stderr, err := command("explore", "--table=false", "testdata/litmus/close-vs-wait.star")
	require.NoError(t, err, stderr)
	for _, line := range strings.Split(strings.TrimSpace(stdout), "\n") {
		assert.Contains(t, string(page), "    "+line+"\n")
	}
}
