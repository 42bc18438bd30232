package replay_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/scenario/replay"
)

// Splices are made, and what they come to is compared. The log is that of a program.
func TestSplices(t *testing.T) {
	const log = `execve("./a", ["./a"], 0x7ffe /* 3 vars */) = 0
pipe2([3, 4], O_NONBLOCK) = 0
pipe2([5, 6], O_NONBLOCK) = 0
epoll_create1(0) = 7
epoll_ctl(7, EPOLL_CTL_ADD, 4, {events=EPOLLOUT|EPOLLET, data={u32=4, u64=4}}) = 0
epoll_ctl(7, EPOLL_CTL_ADD, 5, {events=EPOLLIN|EPOLLET, data={u32=5, u64=5}}) = 0
write(4, ""..., 12288) = 12288
epoll_wait(7, [{events=EPOLLOUT, data={u32=4, u64=4}}], 9, 0) = 1
read(3, ""..., 4096) = 4096
epoll_wait(7, [], 9, 0) = 0
splice(3, NULL, 6, NULL, 4096, 0) = 4096
epoll_wait(7, [{events=EPOLLIN, data={u32=5, u64=5}}, {events=EPOLLOUT, data={u32=4, u64=4}}], 9, 0) = 2
tee(3, 6, 100, SPLICE_F_NONBLOCK) = 100
epoll_wait(7, [{events=EPOLLIN, data={u32=5, u64=5}}], 9, 0) = 1
openat(AT_FDCWD, "/srv/file", O_RDWR) = 8
splice(3, NULL, 8, [0], 100000, 0) = 4096
epoll_wait(7, [{events=EPOLLOUT, data={u32=4, u64=4}}], 9, 0) = 1
sendfile(4, 8, [4000] => [65536], 100000) = 61536
write(4, "x", 1) = -1 EAGAIN (Resource temporarily unavailable)
socketpair(AF_UNIX, SOCK_STREAM|SOCK_NONBLOCK, 0, [9, 10]) = 0
sendfile(9, 8, NULL, 1000000) = 262144
sendfile(9, 8, [5], 1000) = -1 EAGAIN (Resource temporarily unavailable)
splice(10, NULL, 6, NULL, 65536, 0) = 57344
splice(10, NULL, 6, NULL, 65536, SPLICE_F_NONBLOCK) = -1 EAGAIN (Resource temporarily unavailable)
`
	run := func(log string) *replay.Report { return replay.Run(parse(t, log), replay.Options{Check: true}) }
	r := run(log)
	require.Nil(t, r.Divergence, "%v", r.Divergence)
	for _, wrong := range []string{
		"splice(3, NULL, 6, NULL, 4096, 0) = 4095",
		"tee(3, 6, 100, SPLICE_F_NONBLOCK) = 99",
		"sendfile(9, 8, NULL, 1000000) = 365944",
		"splice(10, NULL, 6, NULL, 65536, SPLICE_F_NONBLOCK) = 1",
	} {
		call, _, _ := strings.Cut(wrong, " = ")
		at := strings.LastIndex(log, call)
		end := at + strings.Index(log[at:], "\n")
		r := run(log[:at] + wrong + log[end:])
		require.NotNil(t, r.Divergence, wrong)
	}
}

// A splice that waits for room keeps the lock of its pipe, and the probes of TCP go on for ever: a replay that would wait for the lock
// too, to see what is in the pipe, would not end.
func TestSpliceWaitsWithItsPipeLocked(t *testing.T) {
	log := `execve("./a", ["./a"], 0x7ffe /* 3 vars */) = 0
pipe2([3, 4], 0) = 0
socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 5
connect(5, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("1.2.3.4")}, 16) = 0
openat(AT_FDCWD, "/f", O_RDONLY) = 6
splice(6, NULL, 4, NULL, 65536, 0) = 60000
` + strings.Repeat(`sendfile(5, 6, NULL, 60000) = 60000
splice(3, NULL, 5, NULL, 65536, 0) = 60000
splice(6, NULL, 4, NULL, 65536, 0) = 60000
`, 69)
	r := replay.Run(parse(t, log), replay.Options{})
	require.NotNil(t, r.Divergence)
	require.Contains(t, r.Divergence.Call, "splice")
}
