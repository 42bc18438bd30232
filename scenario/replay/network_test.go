package replay_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/scenario/replay"
)

// Both ends of a connection are in the log: what is sent may be under way for as long as Nagle's algorithm explains that.
func TestUnderWay(t *testing.T) {
	const connected = `execve("./a", ["./a"], 0x7ffe /* 3 vars */) = 0
socket(AF_INET, SOCK_STREAM, 0) = 3
bind(3, {sa_family=AF_INET, sin_port=htons(7000), sin_addr=inet_addr("127.0.0.1")}, 16) = 0
listen(3, 8) = 0
socket(AF_INET, SOCK_STREAM, 0) = 4
connect(4, {sa_family=AF_INET, sin_port=htons(7000), sin_addr=inet_addr("127.0.0.1")}, 16) = 0
accept(3, {sa_family=AF_INET, sin_port=htons(40000), sin_addr=inet_addr("127.0.0.1")}, [16]) = 5
epoll_create1(0) = 6
epoll_ctl(6, EPOLL_CTL_ADD, 5, {events=EPOLLIN, data={u32=5, u64=5}}) = 0
`
	const first = `write(4, "a", 1) = 1
epoll_wait(6, [{events=EPOLLIN, data={u32=5, u64=5}}], 8, -1) = 1
read(5, "a", 8) = 1
`
	const late = `write(4, "b", 1) = 1
epoll_wait(6, [], 8, 0) = 0
write(4, "c", 1) = 1
epoll_wait(6, [{events=EPOLLIN, data={u32=5, u64=5}}], 8, 0) = 1
read(5, "bc", 8) = 2
`
	for _, c := range []struct {
		name, log string
		explained bool
	}{
		{"a second small one waits", first + late, true},
		{"the first one does not", late, false},
		{"none does without Nagle's algorithm", "setsockopt(4, SOL_TCP, TCP_NODELAY, [1], 4) = 0\n" + first + late, false},
		{"a poll sees it late", first + strings.NewReplacer(
			`epoll_wait(6, [], 8, 0) = 0`, `poll([{fd=5, events=POLLIN}], 1, 0) = 0 (Timeout)`,
			`epoll_wait(6, [{events=EPOLLIN, data={u32=5, u64=5}}], 8, 0) = 1`, `poll([{fd=5, events=POLLIN}], 1, 0) = 1 ([{fd=5, revents=POLLIN}])`).Replace(late), true},
		{"a read that does not wait finds nothing yet", first + "write(4, \"b\", 1) = 1\nrecvfrom(5, 0x7ffe, 8, MSG_DONTWAIT, NULL, NULL) = -1 EAGAIN (Resource temporarily unavailable)\n" +
			"recvfrom(5, \"b\", 8, 0, NULL, NULL) = 1\n", true},
		{"it comes before the end of the stream", first + "write(4, \"b\", 1) = 1\nepoll_wait(6, [], 8, 0) = 0\nclose(4) = 0\nread(5, \"b\", 8) = 1\nread(5, \"\", 8) = 0\n", true},
		{"there is no end while it is under way", first + "write(4, \"b\", 1) = 1\nepoll_wait(6, [], 8, 0) = 0\nclose(4) = 0\nread(5, \"\", 8) = 0\n", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := replay.Run(parse(t, connected+c.log), replay.Options{Inferences: true, Check: true})
			require.Equal(t, c.explained, r.Divergence == nil, "%v", r.Divergence)
		})
	}
}
