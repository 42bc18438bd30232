package replay_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/scenario/replay"
)

// Numbers that no kernel gives out neither end the program nor take its memory or time, and what a log lacks is not held against it.
func TestHostileNumbers(t *testing.T) {
	const begin = "7 execve(\"./a\", [\"./a\"], 0x7ffe /* 3 vars */) = 0\n"
	const watch = begin + "7 inotify_init1(IN_NONBLOCK) = 3\n7 inotify_add_watch(3, \"/d\", IN_CREATE) = 1\n"
	for _, c := range []struct {
		name, log string
		exit      int
	}{
		{"events that were lost behind one of the log's own", watch + `7 mkdir("/d/x", 0777) = 0
7 read(3, "\1\0\0\0\0\1\0@\0\0\0\0\20\0\0\0x\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\377\377\377\377\0@\0\0\0\0\0\0\0\0\0\0", 4096) = 48
`, 0},
		{"a buffer that is not there, for events that are", watch + `7 mkdir("/d/x", 0777) = 0
7 read(3, 0x1, 4096) = -1 EFAULT (Bad address)
`, 0},
		{"a message that no memory holds", begin + `7 socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP) = 3
7 sendmmsg(3, [{msg_hdr={msg_name={sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("1.2.3.4")}, msg_namelen=16, msg_iov=[{iov_base="abc", iov_len=3}], msg_iovlen=1, msg_controllen=0, msg_flags=0}, msg_len=9223372036854775807}], 1, 0) = 1
`, 4},
		{"a number that no table has", `strace: Process 100 attached
100 12:00:00.000001 read(7, "x", 1) = 1
200 12:00:01.000001 openat(AT_FDCWD, "/etc/ld.so.cache", O_RDONLY) = 9223372036854775807
200 12:00:01.000003 read(3, "x", 1) = 1
`, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.exit, replay.Run(parse(t, c.log), replay.Options{}).ExitCode())
		})
	}
}
