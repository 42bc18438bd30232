package replay_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/scenario/replay"
)

// bulkLog has both ends of a connection that is full, in a kernel with other buffers than the model has.
const bulkLog = `7 socket(AF_INET, SOCK_STREAM, 0) = 3
7 bind(3, {sa_family=AF_INET, sin_port=htons(7001), sin_addr=inet_addr("127.0.0.1")}, 16) = 0
7 listen(3, 5) = 0
7 socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, 0) = 4
7 connect(4, {sa_family=AF_INET, sin_port=htons(7001), sin_addr=inet_addr("127.0.0.1")}, 16) = -1 EINPROGRESS (Operation now in progress)
7 accept4(3, NULL, NULL, SOCK_NONBLOCK) = 5
7 epoll_create1(0) = 6
7 epoll_ctl(6, EPOLL_CTL_ADD, 4, {events=EPOLLOUT|EPOLLET, data={u32=4, u64=4}}) = 0
7 epoll_ctl(6, EPOLL_CTL_ADD, 5, {events=EPOLLIN, data={u32=5, u64=5}}) = 0
7 epoll_wait(6, [{events=EPOLLOUT, data={u32=4, u64=4}}], 8, 0) = 1
7 write(4, "x"..., 5000000) = 4700000
7 write(4, "x"..., 300000) = -1 EAGAIN (Resource temporarily unavailable)
7 epoll_wait(6, [{events=EPOLLIN, data={u32=5, u64=5}}], 8, 0) = 1
7 read(5, "x"..., 1048576) = 1048576
7 epoll_wait(6, [{events=EPOLLIN, data={u32=5, u64=5}}], 8, 0) = 1
7 read(5, "x"..., 2097152) = 1500000
7 read(5, 0x1, 2097152) = -1 EAGAIN (Resource temporarily unavailable)
7 epoll_wait(6, [], 8, 0) = 0
7 epoll_wait(6, [{events=EPOLLOUT, data={u32=4, u64=4}}], 8, -1) = 1
7 write(4, "x"..., 300000) = 300000
7 epoll_wait(6, [{events=EPOLLIN, data={u32=5, u64=5}}], 8, 100) = 1
7 read(5, "x"..., 3000000) = 2451424
7 read(5, 0x1, 3000000) = -1 EAGAIN (Resource temporarily unavailable)
`

// TestAmountsAreTheLogs: how much TCP takes and delivers, and when there is room, is taken from the log; that more is read than
// was written is not.
func TestAmountsAreTheLogs(t *testing.T) {
	r := replay.Run(parse(t, bulkLog), replay.Options{Check: true})
	require.Nil(t, r.Divergence, "%v", r.Divergence)
	for _, change := range [][2]string{
		{"3000000) = 2451424", "3000000) = 2451425"},
		{"[{events=EPOLLIN, data={u32=5, u64=5}}], 8, 100) = 1", "[{events=EPOLLIN|EPOLLHUP, data={u32=5, u64=5}}], 8, 100) = 1"},
		{"8, -1) = 1\n7 write(4, \"x\"..., 300000) = 300000", "8, -1) = 1\n7 write(4, \"x\"..., 300000) = -1 EPIPE (Broken pipe)"},
		{"[{events=EPOLLOUT, data={u32=4, u64=4}}], 8, -1", "[{events=EPOLLIN, data={u32=4, u64=4}}], 8, -1"},
	} {
		log := strings.Replace(bulkLog, change[0], change[1], 1)
		require.NotEqual(t, bulkLog, log)
		r := replay.Run(parse(t, log), replay.Options{})
		require.Equal(t, replay.ExitDiverged, r.ExitCode(), "%s", change[1])
	}
}
