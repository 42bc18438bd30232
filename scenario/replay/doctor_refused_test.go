package replay_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/scenario/replay"
)

// Each pattern is noted with its line, and not where the program does it right.
func TestDoctorPatterns(t *testing.T) {
	const pair = "epoll_create1(0) = 3\nsocketpair(AF_UNIX, SOCK_STREAM|SOCK_NONBLOCK, 0, [4, 5]) = 0\n"
	ctl := func(op, events, result string) string {
		return "epoll_ctl(3, EPOLL_CTL_" + op + ", 4, {events=" + events + ", data={u32=4, u64=4}}) = " + result + "\n"
	}
	const listener = "epoll_create1(0) = 3\nsocket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, 0) = 4\n" +
		"bind(4, {sa_family=AF_INET, sin_port=htons(7000), sin_addr=inet_addr(\"127.0.0.1\")}, 16) = 0\nlisten(4, 8) = 0\n"
	nest := func(outer, inner int, result string) string {
		return fmt.Sprintf("epoll_ctl(%d, EPOLL_CTL_ADD, %d, {events=EPOLLIN, data={u32=%[2]d, u64=%[2]d}}) = %s\n", outer, inner, result)
	}
	sixEpolls := ""
	for fd := 3; fd < 9; fd++ {
		sixEpolls += fmt.Sprintf("epoll_create1(0) = %d\n", fd)
	}
	pwait2 := func(result string) string {
		return "epoll_pwait2(3, [], 8, {tv_sec=0, tv_nsec=0}, NULL, 8) = " + result + "\n"
	}
	const wait = "epoll_wait(3, [], 8, 10) = 0\n"
	const put, got = "write(5, \"x\", 1) = 1\n", "epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}], 8, 10) = 1\n"
	const ended = "epoll_wait(3, [{events=EPOLLIN|EPOLLHUP, data={u32=4, u64=4}}], 8, 10) = 1\nread(4, \"\", 8) = 0\n"
	const both = "epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}, {events=EPOLLIN, data={u32=4, u64=4}}], 8, 10) = 2\n"
	for _, c := range []struct {
		pattern string
		log     string
		line    int
		right   string
	}{
		{"EPOLLET lost", pair + ctl("ADD", "EPOLLIN|EPOLLET", "0") + ctl("MOD", "EPOLLIN", "0"), 4,
			pair + ctl("ADD", "EPOLLIN|EPOLLET", "0") + ctl("MOD", "EPOLLIN|EPOLLOUT|EPOLLET", "0")},
		{"no poll", "epoll_create1(0) = 3\nopenat(AT_FDCWD, \"/etc/passwd\", O_RDONLY) = 4\n" + ctl("ADD", "EPOLLIN", "-1 EPERM (Operation not permitted)"), 3,
			pair + ctl("ADD", "EPOLLIN", "0")},
		{"set out of step", pair + ctl("ADD", "EPOLLIN", "0") + ctl("ADD", "EPOLLIN", "-1 EEXIST (File exists)"), 4,
			pair + ctl("ADD", "EPOLLIN", "0") + ctl("MOD", "EPOLLIN", "0")},
		{"EPOLLEXCLUSIVE refused", pair + ctl("ADD", "EPOLLIN|EPOLLEXCLUSIVE", "0") + ctl("MOD", "EPOLLIN", "-1 EINVAL (Invalid argument)"), 4,
			pair + ctl("ADD", "EPOLLIN|EPOLLEXCLUSIVE", "0") + ctl("DEL", "0", "0")},
		{"socket not connected", "epoll_create1(0) = 3\nsocket(AF_UNIX, SOCK_STREAM|SOCK_NONBLOCK, 0) = 4\n" + ctl("ADD", "EPOLLIN|EPOLLOUT", "0") +
			"epoll_wait(3, [{events=EPOLLOUT|EPOLLHUP, data={u32=4, u64=4}}], 8, -1) = 1\n", 4,
			pair + ctl("ADD", "EPOLLIN|EPOLLOUT", "0") + "epoll_wait(3, [{events=EPOLLOUT, data={u32=4, u64=4}}], 8, -1) = 1\n"},
		{"ET without draining", listener + ctl("ADD", "EPOLLIN|EPOLLET", "0") + "accept4(4, NULL, NULL, SOCK_NONBLOCK) = 5\n" + wait, 6,
			listener + ctl("ADD", "EPOLLIN|EPOLLET", "0") + "accept4(4, NULL, NULL, SOCK_NONBLOCK) = 5\n" +
				"accept4(4, NULL, NULL, SOCK_NONBLOCK) = -1 EAGAIN (Resource temporarily unavailable)\n" + wait},
		{"epolls too deep", "epoll_create1(0) = 3\nepoll_create1(0) = 4\n" + nest(3, 4, "0") + nest(4, 3, "-1 ELOOP (Too many levels of symbolic links)"), 4,
			"epoll_create1(0) = 3\nepoll_create1(0) = 4\n" + nest(3, 4, "0")},
		{"epolls too deep", sixEpolls + nest(4, 3, "0") + nest(5, 4, "0") + nest(6, 5, "0") + nest(7, 6, "0") + nest(8, 7, "-1 ELOOP (Too many levels of symbolic links)"), 11,
			sixEpolls + nest(4, 3, "0") + nest(5, 4, "0") + nest(6, 5, "0") + nest(7, 6, "0")},
		{"no epoll_pwait2", "epoll_create1(0) = 3\n" + pwait2("-1 ENOSYS (Function not implemented)") + wait, 2, "epoll_create1(0) = 3\n" + pwait2("0")},
		{"no epoll_pwait2", "epoll_create1(0) = 3\n" + pwait2("-1 EPERM (Operation not permitted)") + wait, 2, "epoll_create1(0) = 3\n" + wait},
		{"set out of step", pair + ctl("ADD", "EPOLLIN", "0") + ctl("DEL", "0", "0") + ctl("DEL", "0", "-1 ENOENT (No such file or directory)") + wait, 5,
			pair + ctl("DEL", "0", "-1 ENOENT (No such file or directory)") + ctl("ADD", "EPOLLIN", "0") + ctl("ADD", "EPOLLOUT", "-1 EEXIST (File exists)") +
				ctl("MOD", "EPOLLOUT", "0") + ctl("DEL", "0", "0") + ctl("DEL", "0", "-1 ENOENT (No such file or directory)") + "close(4) = 0\n"},
		{"socket not connected", "epoll_create1(0) = 3\nsocket(AF_UNIX, SOCK_STREAM|SOCK_NONBLOCK, 0) = 4\nfcntl(3, F_DUPFD, 0) = 5\n" + ctl("ADD", "EPOLLIN|EPOLLOUT", "0") +
			"epoll_wait(5, [{events=EPOLLOUT|EPOLLHUP, data={u32=4, u64=4}}], 8, -1) = 1\n", 5,
			"epoll_create1(0) = 3\nsocket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, 0) = 4\nfcntl(3, F_DUPFD, 0) = 5\n" +
				"connect(4, {sa_family=AF_INET, sin_port=htons(1), sin_addr=inet_addr(\"127.0.0.1\")}, 16) = -1 EINPROGRESS (Operation now in progress)\n" +
				ctl("ADD", "EPOLLOUT", "0") + "epoll_wait(5, [{events=EPOLLOUT|EPOLLERR|EPOLLHUP, data={u32=4, u64=4}}], 8, -1) = 1\n" +
				"getsockopt(4, SOL_SOCKET, SO_ERROR, [ECONNREFUSED], [4]) = 0\nepoll_wait(5, [{events=EPOLLOUT|EPOLLHUP, data={u32=4, u64=4}}], 8, -1) = 1\n"},
		{"EPOLLONESHOT not rearmed", pair + ctl("ADD", "EPOLLIN|EPOLLONESHOT", "0") + put + got + wait + wait + wait, 5,
			pair + ctl("ADD", "EPOLLIN|EPOLLONESHOT", "0") + put + got + "read(4, \"x\", 8) = 1\n" + wait + wait + wait + ctl("MOD", "EPOLLIN|EPOLLONESHOT", "0")},
		{"EPOLLET unanswered", pair + ctl("ADD", "EPOLLIN|EPOLLET", "0") + put + got + wait + wait + wait, 5,
			pair + ctl("ADD", "EPOLLIN|EPOLLET", "0") + put + got + wait + wait + wait + "read(4, \"x\", 8) = 1\n"},
		{"HUP spin", pair + ctl("ADD", "EPOLLIN", "0") + "close(5) = 0\n" + ended + ended + ended + ended, 11,
			pair + ctl("ADD", "EPOLLIN", "0") + "close(5) = 0\n" + ended + ended + ended + "close(4) = 0\n" + wait},
		{"ghost event", "epoll_create1(0) = 3\npipe2([4, 5], O_NONBLOCK) = 0\ndup(4) = 6\n" + ctl("ADD", "EPOLLIN", "0") + "close(4) = 0\neventfd2(1, 0) = 4\n" +
			ctl("ADD", "EPOLLIN", "0") + "write(5, \"x\", 1) = 1\n" + both, 9,
			"epoll_create1(0) = 3\npipe2([4, 5], O_NONBLOCK) = 0\ndup(4) = 6\n" + ctl("ADD", "EPOLLIN", "0") + ctl("DEL", "0", "0") + "close(4) = 0\neventfd2(1, 0) = 4\n" +
				ctl("ADD", "EPOLLIN", "0") + "write(5, \"x\", 1) = 1\n" + got},
		{"epoll closed under a waiter", "7 epoll_create1(0) = 3\n7 clone(child_stack=0x7f, flags=CLONE_VM|CLONE_FILES|CLONE_THREAD) = 8\n" +
			"7 epoll_wait(3,  <unfinished ...>\n8 close(3) = 0\n7 <... epoll_wait resumed>[], 8, 10) = 0\n", 4,
			"7 epoll_create1(0) = 3\n7 epoll_wait(3, [], 8, 10) = 0\n7 close(3) = 0\n"},
	} {
		t.Run(c.pattern, func(t *testing.T) {
			r := replay.Run(parse(t, c.log), replay.Options{Doctor: true})
			require.Nil(t, r.Divergence)
			require.Len(t, r.Notes, 1)
			require.Equal(t, c.pattern, r.Notes[0].Pattern)
			require.Equal(t, []int{c.line}, r.Notes[0].Lines)
			r = replay.Run(parse(t, c.right), replay.Options{Doctor: true})
			require.Nil(t, r.Divergence)
			require.Empty(t, r.Notes)
		})
	}
}
