package replay_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/scenario/replay"
)

// A herd is more than one who was woken for one connection: to accept until nothing is left is none, and the numbers of two
// processes are not the same.
func TestDoctorHerd(t *testing.T) {
	const begin = "7 execve(\"./a\", [\"./a\"], 0x7ffe /* 3 vars */) = 0\n7 socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, 0) = 3\n" +
		"7 bind(3, {sa_family=AF_INET, sin_port=htons(7000), sin_addr=inet_addr(\"127.0.0.1\")}, 16) = 0\n7 listen(3, 8) = 0\n"
	const watch = "epoll_create1(0) = 4\n7 epoll_ctl(4, EPOLL_CTL_ADD, 3, {events=EPOLLIN, data={u32=3, u64=3}}) = 0\n"
	const event = "<... epoll_wait resumed>[{events=EPOLLIN, data={u32=3, u64=3}}], 8, -1) = 1\n"
	const fails = " accept(3, NULL, NULL) = -1 EAGAIN (Resource temporarily unavailable)\n"
	notes := func(log string) []string {
		r := replay.Run(parse(t, log), replay.Options{Doctor: true})
		require.Nil(t, r.Divergence, "%v", r.Divergence)
		var list []string
		for _, n := range r.Notes {
			list = append(list, n.Pattern)
		}
		return list
	}
	require.Empty(t, notes(begin+"7 "+watch+"7 epoll_wait(4,  <unfinished ...>\n7 "+event+"7 accept(3, NULL, NULL) = 5\n7"+fails))
	two := begin + "7 clone(child_stack=NULL, flags=SIGCHLD) = 8\n7 " + watch + "8 epoll_create1(0) = 4\n" +
		"8 epoll_ctl(4, EPOLL_CTL_ADD, 3, {events=EPOLLIN, data={u32=3, u64=3}}) = 0\n" +
		"7 epoll_wait(4,  <unfinished ...>\n8 epoll_wait(4,  <unfinished ...>\n7 " + event + "8 " + event
	require.Equal(t, []string{"thundering herd"}, notes(two+"7 accept(3, NULL, NULL) = 5\n8"+fails))
	require.Empty(t, notes(two+"7 accept(3, NULL, NULL) = 5\n7 close(3) = 0\n8 epoll_wait(4, [{events=EPOLLIN, data={u32=3, u64=3}}], 8, -1) = 1\n8 accept(3, NULL, NULL) = 5\n"))
}
