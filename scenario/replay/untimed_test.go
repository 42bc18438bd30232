package replay_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/scenario/replay"
	"github.com/epollsim/epollsim/scenario/strace"
)

func readFiles(t *testing.T, files map[string]string, names ...string) *replay.Log {
	t.Helper()
	var readers []*strace.Reader
	for _, name := range names {
		readers = append(readers, strace.NewReader(strings.NewReader(files[name]), name, strace.ReaderOptions{Tid: strace.TidOfFile(name)}))
	}
	log, err := replay.Read(strace.Merge(readers...), names[0])
	require.NoError(t, err)
	return log
}

// Files without times are put in the order that explains them: the child reads one byte before its parent writes two more, though the
// parent's file would let it write all at once.
func TestFilesWithoutTimes(t *testing.T) {
	const parent = "pipe2([3, 4], 0) = 0\nclone(child_stack=NULL, flags=SIGCHLD) = 8\nwrite(4, \"a\", 1) = 1\nwrite(4, \"bc\", 2) = 2\n" +
		"wait4(8, [{WIFEXITED(s) && WEXITSTATUS(s) == 0}], 0, NULL) = 8\nexit_group(0) = ?\n+++ exited with 0 +++\n"
	child := "read(3, \"a\", 16) = 1\nread(3, \"bc\", 16) = 2\nexit_group(0) = ?\n+++ exited with 0 +++\n"
	r := replay.Run(readFiles(t, map[string]string{"l.7": parent, "l.8": child}, "l.7", "l.8"), replay.Options{})
	require.Nil(t, r.Divergence)
	require.Equal(t, replay.ExitOK, r.ExitCode())
	require.Contains(t, r.Notices[0].Text, "no times of day")

	child = strings.Replace(child, "\"bc\", 16) = 2", "\"bcd\", 16) = 3", 1)
	r = replay.Run(readFiles(t, map[string]string{"l.7": parent, "l.8": child}, "l.7", "l.8"), replay.Options{})
	require.Equal(t, replay.ExitLimit, r.ExitCode(), "not every order was tried")
	require.Contains(t, r.Divergence.Model, "the files have no times")
}

// A program of many threads is explained without its times.
func TestThreadsWithoutTimes(t *testing.T) {
	names, err := filepath.Glob("../../testdata/strace/ff/go_ff.*")
	require.NoError(t, err)
	require.Greater(t, len(names), 2)
	times := regexp.MustCompile(`(?m)^[0-9.]+ `)
	files := map[string]string{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		files[name] = times.ReplaceAllString(string(text), "")
	}
	r := replay.Run(readFiles(t, files, names...), replay.Options{})
	require.Nil(t, r.Divergence)
	require.Greater(t, r.Checked, 100)
}

// A number that a thread was not given was taken then: the close that lets it go comes later.
func TestNumbersWithoutTimes(t *testing.T) {
	first, second := "execve(\"./a\", [\"./a\"], 0x7ffe /* 3 vars */) = 0\n", ""
	event := func(list *string, fd int) { *list += fmt.Sprintf("eventfd2(0, 0) = %d\n", fd) }
	const old = 8 // so many numbers are let go, and taken again one at a time
	for fd := range old {
		event(&first, 3+fd)
	}
	first += "clone(child_stack=0x7f00, flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD) = 8\n"
	for fd := range old {
		first += fmt.Sprintf("close(%d) = 0\n", 3+fd)
		event(&second, 3+old+fd)
		event(&second, 3+fd)
	}
	const end = "exit(0) = ?\n+++ exited with 0 +++\n"
	r := replay.Run(readFiles(t, map[string]string{"l.7": first + end, "l.8": second + end}, "l.7", "l.8"), replay.Options{Tries: 2 * old})
	require.Nil(t, r.Divergence, "%v", r.Divergence)
}
