package replay_test

import (
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
