package replay_test

import (
	"io"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/internal/form"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/scenario"
	"github.com/epollsim/epollsim/scenario/replay"
	"github.com/epollsim/epollsim/sim"
)

// tells reports whether a scenario comes to what its log says.
func tells(t testing.TB, text string) bool {
	p, err := scenario.Compile("log.star", []byte(text))
	require.NoError(t, err)
	k := kernel.Boot(kernel.Options{Machine: sim.Options{MaxSteps: 20_000_000}})
	return scenario.Run(k, p, scenario.Options{Stdout: io.Discard}).ExitCode() == scenario.ExitOK
}

// Threads and processes make their calls in turn; one that sleeps lets the next one go first. A child uses what it was given.
func TestStarOfThreads(t *testing.T) {
	log := "7 execve(\"./a\", [\"./a\"], 0x7ffe /* 3 vars */) = 0\n7 pipe2([3, 4], 0) = 0\n" +
		"7 clone(child_stack=NULL, flags=SIGCHLD) = 8\n7 read(3, <unfinished ...>\n8 write(4, \"ab\", 2) = 2\n7 <... read resumed>\"ab\", 9) = 2\n" +
		"8 dup2(4, 9) = 9\n8 write(9, \"c\", 1) = 1\n8 exit_group(0) = ?\n8 +++ exited with 0 +++\n7 close(4) = 0\n" +
		"7 read(3, \"c\", 9) = 1\n7 read(3, \"\", 9) = 0\n"
	text, err := replay.Star(parse(t, log), replay.Options{})
	require.NoError(t, err)
	require.Contains(t, text, "    fork(a_8, pipe_r3, pipe_w4)  # 3\n    go_on(\"a_8\")\n    check(count(read(pipe_r3, 9)) == 2)  # 4-6\n    my_turn(\"a_7\")\n")
	require.Contains(t, text, "def a_8(pipe_r3, pipe_w4):\n    my_turn(\"a_8\")\n    check(write(pipe_w4, b\"ab\") == 2)  # 5\n    go_on(\"a_7\")\n")
	require.Contains(t, text, "    pipe_w9 = dup(pipe_w4)  # 7\n    check(write(pipe_w9, b\"c\") == 1)  # 8\n    # exit\n    close(pipe_w9)\n    close(pipe_w4)\n    close(pipe_r3)")
	require.True(t, tells(t, text), text)
}

// What moves from pipe to pipe is a call of the scenario, too.
func TestStarOfSplice(t *testing.T) {
	log := "7 execve(\"./a\", [\"./a\"], 0x7ffe /* 3 vars */) = 0\n7 pipe2([3, 4], 0) = 0\n7 pipe2([5, 6], 0) = 0\n7 write(4, \"ab\", 2) = 2\n" +
		"7 tee(3, 6, 2, 0) = 2\n7 splice(3, NULL, 6, NULL, 9, SPLICE_F_NONBLOCK) = 2\n7 read(5, \"abab\", 9) = 4\n"
	text, err := replay.Star(parse(t, log), replay.Options{})
	require.NoError(t, err)
	require.Contains(t, text, "check(tee(pipe_r3, pipe_w6, 2) == 2)  # 5\ncheck(splice(pipe_r3, None, pipe_w6, None, 9, SPLICE_F_NONBLOCK) == 2)  # 6\n")
	require.True(t, tells(t, text), text)
}

// Most logs turn into a scenario, of one thread or of several.
func TestStarOfLogs(t *testing.T) {
	if !form.Long {
		t.Skip("EPOLLSIM_LONG is not set")
	}
	files, err := filepath.Glob(filepath.Join(logs, "*.strace"))
	require.NoError(t, err)
	told := 0
	for _, name := range files {
		text, err := replay.Star(read(t, name), replay.Options{})
		if err == nil && tells(t, text) {
			told++
		} else {
			t.Logf("%s: no scenario: %v", filepath.Base(name), err)
		}
	}
	t.Logf("%d of %d logs turn into a scenario", told, len(files))
	require.GreaterOrEqual(t, 100*told, 91*len(files))
}
