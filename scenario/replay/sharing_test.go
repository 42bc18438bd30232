package replay_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/scenario/replay"
)

// Who shares descriptors with whom, and until when: each log is possible only if the replay follows that.
func TestSharing(t *testing.T) {
	const begin = "1 execve(\"./a\", [\"./a\"], 0x7ffe /* 3 vars */) = 0\n1 eventfd2(0, 0) = 3\n"
	for _, c := range []struct{ name, log string }{
		{"a process that shares: what it closes is closed", begin + `1 clone(child_stack=NULL, flags=CLONE_VM|CLONE_FILES|SIGCHLD) = 2
2 close(3) = 0
2 exit_group(0) = ?
2 +++ exited with 0 +++
1 wait4(2, [{WIFEXITED(s) && WEXITSTATUS(s) == 0}], 0, NULL) = 2
1 eventfd2(0, 0) = 3
`},
		{"its end leaves the rest alone", begin + `1 clone(child_stack=NULL, flags=CLONE_FILES|SIGCHLD) = 2
2 eventfd2(0, 0) = 4
2 exit_group(0) = ?
2 +++ exited with 0 +++
1 write(4, "\1\0\0\0\0\0\0\0", 8) = 8
1 eventfd2(0, 0) = 5
`},
		{"it execs: then it has its own", begin + `1 clone(child_stack=NULL, flags=CLONE_FILES|SIGCHLD) = 2
2 execve("./b", ["./b"], 0x7ffe /* 3 vars */) = 0
2 close(3) = 0
2 eventfd2(0, 0) = 3
1 eventfd2(0, 0) = 4
`},
		{"exec closes in the process that execs alone", `1 execve("./a", ["./a"], 0x7ffe /* 3 vars */) = 0
1 eventfd2(0, EFD_CLOEXEC) = 3
1 clone(child_stack=NULL, flags=CLONE_FILES|SIGCHLD) = 2
2 execve("./b", ["./b"], 0x7ffe /* 3 vars */) = 0
2 eventfd2(0, 0) = 3
1 write(3, "\1\0\0\0\0\0\0\0", 8) = 8
1 eventfd2(0, 0) = 4
`},
		{"a thread with descriptors of its own", begin + `1 clone(child_stack=0x7f00, flags=CLONE_VM|CLONE_FS|CLONE_SIGHAND|CLONE_THREAD) = 2
2 close(3) = 0
2 eventfd2(0, 0) = 3
1 eventfd2(0, 0) = 4
2 eventfd2(0, 0) = 4
`},
		{"a thread that stops sharing", begin + `1 clone(child_stack=0x7f00, flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD) = 2
2 eventfd2(0, 0) = 4
2 unshare(CLONE_FILES) = 0
2 close(3) = 0
2 eventfd2(0, 0) = 3
1 eventfd2(0, 0) = 5
1 clone(child_stack=0x7f00, flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD) = 4
4 eventfd2(0, 0) = 6
2 eventfd2(0, 0) = 5
`},
		{"close_range with CLOSE_RANGE_UNSHARE", begin + `1 clone(child_stack=NULL, flags=CLONE_FILES|SIGCHLD) = 2
2 close_range(3, 4294967295, CLOSE_RANGE_UNSHARE) = 0
2 eventfd2(0, 0) = 3
1 eventfd2(0, 0) = 4
`},
		{"close_range without", begin + `1 clone(child_stack=NULL, flags=CLONE_FILES|SIGCHLD) = 2
2 close_range(3, 4294967295, 0) = 0
1 eventfd2(0, 0) = 3
`},
		{"vfork copies", begin + `1 vfork( <unfinished ...>
2 close(3) = 0
2 execve("./b", ["./b"], 0x7ffe /* 3 vars */ <unfinished ...>
1 <... vfork resumed>) = 2
2 <... execve resumed>) = 0
1 eventfd2(0, 0) = 4
2 eventfd2(0, 0) = 3
`},
		{"posix_spawn copies", begin + `1 clone3({flags=CLONE_VM|CLONE_VFORK, exit_signal=SIGCHLD, stack=0x7f, stack_size=0x9000}, 88 <unfinished ...>
2 dup2(3, 7) = 7
2 execve("./b", ["./b"], 0x7ffe /* 3 vars */ <unfinished ...>
1 <... clone3 resumed>) = 2
2 <... execve resumed>) = 0
1 eventfd2(0, 0) = 4
1 close(7) = -1 EBADF (Bad file descriptor)
2 close(7) = 0
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := replay.Run(parse(t, c.log+"1 access(\"x\", 0) = 0\n1 futex(0x7f, 0) = 0\n1 brk(NULL) = 0x1\n"), replay.Options{Inferences: true})
			require.Nil(t, r.Divergence, "%v", r.Divergence)
			require.Empty(t, r.Inferences)
		})
	}
}
