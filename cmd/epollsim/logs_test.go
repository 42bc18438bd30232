package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLogGroups(t *testing.T) {
	require.Equal(t, [][]string{{"a.strace"}, {"x.1", "x.2"}, {"-"}, {"y.1"}, {"x"}},
		logGroups([]string{"a.strace", "x.1", "-", "y.1", "x.2", "x"}))
}

// The files of strace -ff are one log.
func TestReplayOfSeveralFiles(t *testing.T) {
	files, err := filepath.Glob("../../testdata/strace/ff/go_ff.*")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	_, report, err := command(append([]string{"replay"}, files...)...)
	require.NoError(t, err)
	require.Contains(t, report, "calls of 5 tasks")
	require.Contains(t, report, "no divergence")

	_, _, err = command("replay", "../../testdata/strace/ff/go_ff")
	require.ErrorContains(t, err, "strace -ff has written a file for each task: name them all, ../../testdata/strace/ff/go_ff.*")
}

// A log without the threads of its program says so, one of another tool is refused.
func TestReplayOfLogsThatLack(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "log")
	require.NoError(t, os.WriteFile(log, []byte("close(3) = 0\nclone3({flags=CLONE_THREAD} => {parent_tid=[8]}, 88) = 8\n"), 0o644))
	_, report, err := command("replay", log)
	require.NoError(t, err)
	require.Contains(t, report, log+":2:1: 1 thread started that the log does not have")

	require.NoError(t, os.WriteFile(log, []byte(strings.Repeat("     0.000 ( 0.003 ms): cat/123 close(fd: 3) = 0\n", 3)), 0o644))
	_, _, err = command("replay", log)
	require.ErrorContains(t, err, log+":1:12: this looks like the log of perf trace, not of strace")
}
