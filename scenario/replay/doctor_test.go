package replay

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/internal/form"
	"github.com/epollsim/epollsim/scenario/strace"
)

// The notes stand in the order of the log, and a server of many descriptors is looked through as fast as one of few.
func TestDoctorOfManyDescriptors(t *testing.T) {
	if testing.Short() {
		t.Skip("a long log")
	}
	n := form.Of(5_000, 20_000)
	var b strings.Builder
	fmt.Fprintln(&b, "epoll_create1(0) = 3")
	for fd := 4; fd < 4+n; fd++ {
		fmt.Fprintf(&b, "eventfd2(1, EFD_NONBLOCK) = %d\n", fd)
		fmt.Fprintf(&b, "epoll_ctl(3, EPOLL_CTL_ADD, %d, {events=EPOLLIN|EPOLLET, data={u32=%[1]d, u64=%[1]d}}) = 0\n", fd)
	}
	for fd := 3 + n; fd >= 4; fd-- {
		fmt.Fprintf(&b, "read(%d, \"\\1\\0\\0\\0\\0\\0\\0\\0\", 8) = 8\n", fd)
	}
	fmt.Fprintln(&b, "epoll_wait(3, [], 8, 10) = 0")
	log, err := Read(strace.NewReader(strings.NewReader(b.String()), "log", strace.ReaderOptions{}), "log")
	require.NoError(t, err)
	begin := time.Now()
	notes := diagnose(log)
	require.Less(t, time.Since(begin), 5*time.Second, "a call looks at more than its own descriptor")
	require.Len(t, notes, 1)
	require.Equal(t, "ET without draining", notes[0].Pattern)
	require.Equal(t, n, notes[0].Count)
	first := 2 + 2*n
	require.Equal(t, []int{first, first + 1, first + 2, first + 3, first + 4, first + 5, first + 6, first + 7}, notes[0].Lines)
}
