package replay

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/scenario/strace"
)

// An epoll from before the log that is first seen inside another one is an epoll, for it is waited at later: what it reports is checked.
func TestAnInheritedEpollIsSeenByItsUse(t *testing.T) {
	const text = `7 epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
7 eventfd2(1, EFD_NONBLOCK) = 6
7 epoll_ctl(4, EPOLL_CTL_ADD, 6, {events=EPOLLIN, data={u32=6, u64=6}}) = 0
7 epoll_wait(5, [{events=EPOLLIN, data={u32=4, u64=4}}], 8, 0) = 1
7 epoll_wait(4, [{events=EPOLLIN, data={u32=6, u64=6}}], 8, 0) = 1
`
	log, err := Read(strace.NewReader(strings.NewReader(text), "log", strace.ReaderOptions{}), "log")
	require.NoError(t, err)
	var checked []string
	search(log, &Options{})
	x := execute(log, &Options{}, &plan{}, nil, func(_ *exec, o *op) { checked = append(checked, o.name) })
	require.Nil(t, x.diverged)
	require.Contains(t, checked, "epoll_wait")
}
