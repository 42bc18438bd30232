package replay_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/scenario/replay"
)

// A byte is in the pipe before the epoll is told: poll finds it and epoll_wait does not. No order of whole calls explains that.
const halfWritten = `1 pipe2([3, 4], 0) = 0
1 epoll_create1(0) = 5
1 epoll_ctl(5, EPOLL_CTL_ADD, 3, {events=EPOLLIN, data={u32=3, u64=3}}) = 0
1 clone(child_stack=0x7f00, flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD) = 2
1 write(4, "x", 1 <unfinished ...>
2 poll([{fd=3, events=POLLIN}], 1, 0) = 1 ([{fd=3, revents=POLLIN}])
2 epoll_wait(5, [], 8, 0) = 0
1 <... write resumed>) = 1
2 epoll_wait(5, [{events=EPOLLIN, data={u32=3, u64=3}}], 8, 0) = 1
`

func TestInsideOfCalls(t *testing.T) {
	r := replay.Run(parse(t, halfWritten), replay.Options{})
	require.Nil(t, r.Divergence, "%v", r.Divergence)
	require.Greater(t, r.Tries, 2)
	r = replay.Run(parse(t, halfWritten), replay.Options{Tries: 3})
	require.Equal(t, replay.ExitLimit, r.ExitCode())
	require.Equal(t, 7, r.Divergence.Pos.Line)
}

// The second byte is written while the wait for the first one looks through the ready list: it is in front of what that one has
// listed again.
const amidst = `1 pipe2([3, 4], 0) = 0
1 pipe2([5, 6], 0) = 0
1 epoll_create1(0) = 7
1 epoll_ctl(7, EPOLL_CTL_ADD, 3, {events=EPOLLIN, data={u32=3, u64=3}}) = 0
1 epoll_ctl(7, EPOLL_CTL_ADD, 5, {events=EPOLLIN, data={u32=5, u64=5}}) = 0
1 clone(child_stack=0x7f00, flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD) = 2
1 write(4, "x", 1) = 1
1 epoll_wait(7,  <unfinished ...>
2 write(6, "x", 1 <unfinished ...>
1 <... epoll_wait resumed>[{events=EPOLLIN, data={u32=3, u64=3}}], 8, -1) = 1
2 <... write resumed>) = 1
1 epoll_wait(7, [{events=EPOLLIN, data={u32=5, u64=5}}, {events=EPOLLIN, data={u32=3, u64=3}}], 8, -1) = 2
`

func TestAmidAScan(t *testing.T) {
	r := replay.Run(parse(t, amidst), replay.Options{})
	require.Nil(t, r.Divergence, "%v", r.Divergence)
	require.Less(t, r.Tries, 20)
	// After the wait, no order of the two explains it.
	r = replay.Run(parse(t, strings.NewReplacer("write(6, \"x\", 1 <unfinished ...>", "getpid( <unfinished ...>",
		"write resumed>) = 1\n", "getpid resumed>) = 1\n2 write(6, \"x\", 1) = 1\n").Replace(amidst)), replay.Options{})
	require.Equal(t, replay.ExitDiverged, r.ExitCode())
}
