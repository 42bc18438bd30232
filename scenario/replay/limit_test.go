package replay_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/scenario/replay"
)

// A socket with SO_RCVTIMEO or SO_SNDTIMEO waits for that long, then it tells EAGAIN; without, a log that has that is not possible.
func TestSocketsThatWaitForALimitedTime(t *testing.T) {
	const begin = "7 execve(\"./a\", [\"./a\"], 0x7ffe /* 3 vars */) = 0\n7 socketpair(AF_UNIX, SOCK_STREAM, 0, [3, 4]) = 0\n"
	const again = "7 recvfrom(3, 0x7ffe, 8, 0, NULL, NULL) = -1 EAGAIN (Resource temporarily unavailable)\n"
	for _, c := range []struct {
		name, log string
		exit      int
	}{
		{"a limit", begin + `7 setsockopt(3, SOL_SOCKET, SO_RCVTIMEO_OLD, "\0\0\0\0\0\0\0\0 N\0\0\0\0\0\0", 16) = 0` + "\n" + again, replay.ExitOK},
		{"one that the log cuts off", begin + `7 setsockopt(3, SOL_SOCKET, SO_RCVTIMEO_OLD, ""..., 16) = 0` + "\n" + again, replay.ExitOK},
		{"none", begin + "7 fcntl(3, F_GETFL) = 0x2 (flags O_RDWR)\n" + again, replay.ExitDiverged},
		{"none any more", begin + `7 setsockopt(3, SOL_SOCKET, SO_RCVTIMEO_OLD, "\0\0\0\0\0\0\0\0 N\0\0\0\0\0\0", 16) = 0
7 setsockopt(3, SOL_SOCKET, SO_RCVTIMEO_OLD, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16) = 0
7 fcntl(3, F_GETFL) = 0x2 (flags O_RDWR)
` + again, replay.ExitDiverged},
		{"that of another direction", begin + `7 setsockopt(3, SOL_SOCKET, SO_SNDTIMEO_OLD, "\0\0\0\0\0\0\0\0 N\0\0\0\0\0\0", 16) = 0
7 fcntl(3, F_GETFL) = 0x2 (flags O_RDWR)
` + again, replay.ExitDiverged},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.exit, replay.Run(parse(t, c.log), replay.Options{}).ExitCode())
		})
	}
}
