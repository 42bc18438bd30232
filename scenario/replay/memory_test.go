package replay_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/scenario/replay"
)

// strace shows no timeout of an epoll_pwait2 that fails, and no memory that is not there; what else makes the call fail is known.
func TestMemoryNotShown(t *testing.T) {
	const before = "1 epoll_create1(0) = 3\n1 eventfd2(0, EFD_NONBLOCK) = 4\n"
	for _, call := range []string{
		"epoll_pwait2(3, 0x7ffe60, 4, 0x7ffe50, NULL, 8) = -1 EINVAL (Invalid argument)",
		"epoll_pwait2(3, 0x7ffe60, 4, 0x8, NULL, 8) = -1 EFAULT (Bad address)",
		"epoll_pwait2(9, 0x7ffe60, 4, 0x7ffe50, NULL, 8) = -1 EBADF (Bad file descriptor)",
		"epoll_pwait2(4, 0x7ffe60, 4, 0x7ffe50, NULL, 8) = -1 EINVAL (Invalid argument)",
		"ppoll([{fd=4, events=POLLIN}], 1, 0x8, NULL, 8) = -1 EFAULT (Bad address)",
		"pselect6(5, [4], NULL, NULL, 0x8, NULL) = -1 EFAULT (Bad address)",
		"epoll_ctl(3, EPOLL_CTL_ADD, 4, 0x8) = -1 EFAULT (Bad address)",
		"epoll_ctl(9, EPOLL_CTL_MOD, 4, 0x8) = -1 EFAULT (Bad address)",
		"write(4, 0x8, 8) = -1 EFAULT (Bad address)",
	} {
		r := replay.Run(parse(t, before+"1 "+call+"\n1 read(4, 0x7ffe60, 8) = -1 EAGAIN (Resource temporarily unavailable)\n"), replay.Options{})
		require.Nil(t, r.Divergence, "%s: %v", call, r.Divergence)
	}
	r := replay.Run(parse(t, before+"1 epoll_pwait2(3, 0x7ffe60, 4, NULL, NULL, 8) = -1 EINVAL (Invalid argument)\n"), replay.Options{})
	assert.Equal(t, replay.ExitDiverged, r.ExitCode(), "without a timeout there is none that is wrong")
}
