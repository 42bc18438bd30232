package replay_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/scenario/replay"
)

// A log that lacks calls says so where it diverges.
func TestHints(t *testing.T) {
	begin := "1 execve(\"./a\", [\"./a\"], 0x7ffe /* 3 vars */) = 0\n"
	wrong := "1 eventfd2(0, 0) = 3\n1 write(3, \"12345678\", 8) = 4\n"
	fine := strings.Repeat("1 getsockopt(0, SOL_SOCKET, SO_ERROR, [0], [4]) = 0\n1 lseek(0, 0, SEEK_SET) = 0\n", 8)
	failed := "1 access(\"/a\", R_OK) = -1 ENOENT (No such file or directory)\n"
	for _, c := range []struct{ name, log, hint string }{
		{"-z", begin + fine + wrong, "not one of 19 calls has failed: this log may have been made with strace -z"},
		{"-Z", strings.Repeat(failed, 20) + "1 close(700) = -1 EINVAL (Invalid argument)\n", "every call has failed: this log seems to have been made with strace -Z"},
		{"%network alone", failed + strings.Repeat("1 socket(AF_INET, SOCK_STREAM, 0) = 3\n", 20) + "1 shutdown(3, SHUT_WR) = 0\n", "there is no call of strace's class %desc"},
		{"%desc alone", begin + failed + strings.Repeat("1 read(7<TCP:[127.0.0.1:5->127.0.0.1:6]>, \"\", 4) = 0\n1 close(4) = -1 EBADF (Bad file descriptor)\n", 12) + wrong,
			"there is no call of strace's class %network"},
		{"no close", begin + failed + strings.Repeat("1 read(0, \"\", 4) = 0\n", 20) + wrong, "there is no close"},
		{"stranger", begin + failed + fine + "1 close(50) = -1 EBADF (Bad file descriptor)\n1 epoll_wait(9, [], 4, 0) = 0\n" + wrong, "log:20:3: fd 9 is used, and no call of the log has made it"},
		{"no -f", strings.ReplaceAll(wrong, "1 ", ""), "the log is of one task and has no numbers of tasks"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := replay.Run(parse(t, c.log), replay.Options{})
			require.Equal(t, replay.ExitDiverged, r.ExitCode())
			require.Contains(t, strings.Join(r.Hints, "\n"), c.hint)
			var text, lines strings.Builder
			r.Text(&text)
			require.Contains(t, text.String(), "    hint: "+r.Hints[0])
			require.NoError(t, r.JSON(&lines))
			require.Contains(t, lines.String(), fmt.Sprintf(`"hints":[%q`, r.Hints[0]))
		})
	}
}
