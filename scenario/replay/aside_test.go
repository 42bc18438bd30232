package replay_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/scenario/replay"
)

// A wait that a signal ends is asked before each write whether it would find it: its thousand items are not looked through each time.
func TestWritesBesideALongWait(t *testing.T) {
	const items, writes = 1000, 1000
	var b strings.Builder
	b.WriteString("1 execve(\"./a\", [\"./a\"], 0x7ffe /* 3 vars */) = 0\n" +
		"1 clone(child_stack=0x7f8a3c7bb000, flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD|CLONE_SYSVSEM) = 2\n" +
		"1 epoll_create1(0) = 3\n1 pipe2([4, 5], 0) = 0\n")
	for i := range items {
		fmt.Fprintf(&b, "1 eventfd2(0, 0) = %d\n1 epoll_ctl(3, EPOLL_CTL_ADD, %d, {events=EPOLLIN, data={u32=%d, u64=%d}}) = 0\n", 6+i, 6+i, i, i)
	}
	b.WriteString("2 epoll_wait(3,  <unfinished ...>\n" + strings.Repeat("1 write(5, \"x\", 1) = 1\n1 read(4, \"x\", 1) = 1\n", writes))
	b.WriteString("1 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0\n1 write(5, \"x\", 1) = 1\n" + // now it would
		"2 <... epoll_wait resumed>0x7f00, 8, -1) = -1 EINTR (Interrupted system call)\n")
	log := parse(t, b.String())
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r := replay.Run(log, replay.Options{})
	runtime.ReadMemStats(&after)
	require.Nil(t, r.Divergence, "%v", r.Divergence)
	require.Less(t, after.Mallocs-before.Mallocs, uint64(items*writes/2))
}
