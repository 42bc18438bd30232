package replay_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/scenario/replay"
)

// Short logs, each of which shows one thing that servers and their clients do. The rules explain them, without a search.
func TestShortLogs(t *testing.T) {
	const begin = "7 execve(\"./a\", [\"./a\"], 0x7ffe /* 3 vars */) = 0\n"
	const thread = "7 clone(child_stack=0x7f8a3c7bb000, flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD|CLONE_SYSVSEM) = 8\n"
	const listen = `7 socket(AF_INET, SOCK_STREAM, 0) = 3
7 bind(3, {sa_family=AF_INET, sin_port=htons(7000), sin_addr=inet_addr("127.0.0.1")}, 16) = 0
7 listen(3, 8) = 0
`
	for _, c := range []struct{ name, log string }{
		{"a datagram longer than the buffer, among several", begin + `7 socket(AF_INET, SOCK_DGRAM|SOCK_NONBLOCK, 0) = 3
7 bind(3, {sa_family=AF_INET, sin_port=htons(7000), sin_addr=inet_addr("127.0.0.1")}, 16) = 0
7 sendto(3, "abcdef", 6, 0, {sa_family=AF_INET, sin_port=htons(7000), sin_addr=inet_addr("127.0.0.1")}, 16) = 6
7 recvmmsg(3, [{msg_hdr={msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base="abcd", iov_len=4}], msg_iovlen=1, msg_controllen=0, msg_flags=MSG_TRUNC}, msg_len=4}], 2, MSG_DONTWAIT, NULL) = 1
`},
		{"a write on the end to read from", begin + `7 pipe2([3, 4], 0) = 0
7 write(3, "x", 1) = -1 EBADF (Bad file descriptor)
7 read(4, 0x7f00, 1) = -1 EBADF (Bad file descriptor)
7 eventfd2(0, 0) = 5
`},
		{"a program being begun lets go what it has marked unseen", begin + `7 pipe2([3, 4], 0) = 0
7 clone(child_stack=NULL, flags=SIGCHLD) = 9
7 close(4) = 0
7 read(3,  <unfinished ...>
9 execve("/bin/true", ["true"], [] <unfinished ...>
7 <... read resumed>"", 8) = 0
9 <... execve resumed>) = 0
`},
		{"a number that the program found open", begin + `7 eventfd2(0, 0) = 3
7 eventfd2(0, 0) = 5
7 eventfd2(0, 0) = 6
`},
		{"an accept takes its number before it sleeps", begin + listen + thread + `7 openat(AT_FDCWD, "/etc/passwd", O_RDONLY) = 4
8 accept(3,  <unfinished ...>
7 close(4) = 0
7 eventfd2(0, 0) = 4
7 eventfd2(0, 0) = 6
8 <... accept resumed>{sa_family=AF_INET, sin_port=htons(40000), sin_addr=inet_addr("127.0.0.1")}, [16]) = 5
`},
		{"the end of a client that is killed, where the log leaves out the event", begin + `7 socket(AF_UNIX, SOCK_STREAM, 0) = 3
7 bind(3, {sa_family=AF_UNIX, sun_path="/run/x"}, 9) = 0
7 listen(3, 8) = 0
7 clone(child_stack=NULL, flags=SIGCHLD) = 8
8 socket(AF_UNIX, SOCK_STREAM, 0) = 4
8 connect(4, {sa_family=AF_UNIX, sun_path="/run/x"}, 9) = 0
7 accept(3, NULL, NULL) = 4
7 epoll_create1(0) = 5
7 epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
8 --- SIGTERM {si_signo=SIGTERM, si_code=SI_USER, si_pid=1, si_uid=0} ---
7 epoll_wait(5, [...], 8, -1) = 1
7 read(4, ""..., 8) = 0
8 +++ killed by SIGTERM +++
`},
		{"events that are left out are of what is taken off the set", begin + listen + `7 accept(3, {sa_family=AF_INET, sin_port=htons(40000), sin_addr=inet_addr("127.0.0.1")}, [16]) = 4
7 accept(3, {sa_family=AF_INET, sin_port=htons(40002), sin_addr=inet_addr("127.0.0.1")}, [16]) = 5
7 epoll_create1(0) = 6
7 epoll_ctl(6, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
7 epoll_ctl(6, EPOLL_CTL_ADD, 5, {events=EPOLLIN, data={u32=5, u64=5}}) = 0
7 epoll_wait(6, [...], 8, -1) = 1
7 epoll_ctl(6, EPOLL_CTL_DEL, 5, NULL) = 0
7 epoll_wait(6, [], 8, 0) = 0
`},
		{"or of what another thread reads", begin + listen + thread + `7 accept(3, {sa_family=AF_INET, sin_port=htons(40000), sin_addr=inet_addr("127.0.0.1")}, [16]) = 4
7 accept(3, {sa_family=AF_INET, sin_port=htons(40002), sin_addr=inet_addr("127.0.0.1")}, [16]) = 5
7 epoll_create1(0) = 6
7 epoll_ctl(6, EPOLL_CTL_ADD, 4, {events=EPOLLIN|EPOLLET, data={u32=4, u64=4}}) = 0
7 epoll_ctl(6, EPOLL_CTL_ADD, 5, {events=EPOLLIN|EPOLLET, data={u32=5, u64=5}}) = 0
7 epoll_wait(6, [...], 8, -1) = 1
7 epoll_wait(6, [], 8, 0) = 0
8 read(5, ""..., 8) = 3
`},
		{"a send with MSG_FASTOPEN connects", begin + `7 socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, 0) = 3
7 sendto(3, "GET", 3, MSG_FASTOPEN, {sa_family=AF_INET, sin_port=htons(7001), sin_addr=inet_addr("127.0.0.1")}, 16) = -1 EINPROGRESS (Operation now in progress)
7 poll([{fd=3, events=POLLOUT}], 1, -1) = 1 ([{fd=3, revents=POLLOUT}])
7 sendto(3, "GET", 3, 0, NULL, 0) = 3
7 socket(AF_INET, SOCK_STREAM, 0) = 4
7 sendto(4, "GET", 3, MSG_FASTOPEN, {sa_family=AF_INET, sin_port=htons(7001), sin_addr=inet_addr("127.0.0.1")}, 16) = 3
7 read(4, "200", 8) = 3
7 socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, 0) = 5
7 sendto(5, "GET", 3, MSG_FASTOPEN, {sa_family=AF_INET, sin_port=htons(7002), sin_addr=inet_addr("127.0.0.1")}, 16) = -1 EINPROGRESS (Operation now in progress)
7 poll([{fd=5, events=POLLOUT}], 1, -1) = 1 ([{fd=5, revents=POLLOUT|POLLERR|POLLHUP}])
7 sendto(5, "GET", 3, 0, NULL, 0) = -1 ECONNREFUSED (Connection refused)
`},
		{"a socket of UDP does not talk to itself", begin + `7 socket(AF_INET, SOCK_DGRAM, 0) = 3
7 bind(3, {sa_family=AF_INET, sin_port=htons(0), sin_addr=inet_addr("127.0.0.1")}, 16) = 0
7 connect(3, {sa_family=AF_INET, sin_port=htons(40000), sin_addr=inet_addr("127.0.0.1")}, 16) = 0
7 sendto(3, "0123456789", 10, 0, NULL, 0) = 10
7 recvfrom(3, "ack", 512, 0, NULL, NULL) = 3
`},
		{"a thread appears behind the close of a number that another process had", "7 openat(AT_FDCWD, \"/etc/ld.so.cache\", O_RDONLY|O_CLOEXEC) = 3\n7 close(3) = 0\n" + `8 openat(AT_FDCWD, "/etc/ld.so.cache", O_RDONLY|O_CLOEXEC) = 4
8 close(4) = 0
7 epoll_create1(0) = 3
8 epoll_create1(0) = 4
7 socketpair(AF_UNIX, SOCK_STREAM, 0, [4, 5]) = 0
8 eventfd2(0, 0) = 5
7 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
7 close(5) = 0
7 epoll_wait(3, [{events=EPOLLIN|EPOLLHUP, data={u32=4, u64=4}}], 1, 5000) = 1
9 write(5, "\1\0\0\0\0\0\0\0", 8) = 8
8 read(5, "\1\0\0\0\0\0\0\0", 8) = 8
`},
		{"a thread that a signal ends later is no end of the process before", begin + thread + `7 epoll_create1(0) = 3
7 eventfd2(0, 0) = 4
7 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
8 eventfd2(0, 0) = 5
7 epoll_wait(3,  <unfinished ...>
7 <... epoll_wait resumed>[], 8, 10) = 0
7 write(4, "\1\0\0\0\0\0\0\0", 8) = 8
7 epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}], 8, 10) = 1
8 +++ killed by SIGTERM +++
7 +++ killed by SIGTERM +++
`},
		{"a child whose end is nowhere in the log has been waited for", begin + `7 clone(child_stack=NULL, flags=SIGCHLD) = 8
8 clock_nanosleep(CLOCK_REALTIME, 0, {tv_sec=5, tv_nsec=0}, {tv_sec=4, tv_nsec=8}) = ? ERESTART_RESTARTBLOCK (Interrupted by signal)
7 wait4(8, [{WIFSIGNALED(s) && WTERMSIG(s) == SIGTERM}], WNOHANG, NULL) = 8
`},
		{"a path from another directory on", begin + `7 socket(AF_UNIX, SOCK_DGRAM, 0) = 3
7 bind(3, {sa_family=AF_UNIX, sun_path="notify"}, 9) = 0
7 socket(AF_UNIX, SOCK_DGRAM, 0) = 4
7 sendto(4, "READY=1", 7, 0, {sa_family=AF_UNIX, sun_path="/run/x/notify"}, 16) = 7
7 recvfrom(3, "READY=1", 512, 0, NULL, NULL) = 7
7 sendto(4, "READY=1", 7, 0, {sa_family=AF_UNIX, sun_path="/run/y/other"}, 16) = -1 ENOENT (No such file or directory)
`},
		{"datagrams of nobody knows whom to a path", begin + `7 socket(AF_UNIX, SOCK_DGRAM, 0) = 3
7 bind(3, {sa_family=AF_UNIX, sun_path="/dev/log"}, 110) = 0
7 read(3, "<13>root: x", 1023) = 11
7 poll([{fd=3, events=POLLIN}], 1, -1) = 1 ([{fd=3, revents=POLLIN}])
7 recvfrom(3, "<13>root: yy", 1023, 0, NULL, NULL) = 12
7 epoll_create1(0) = 4
7 epoll_ctl(4, EPOLL_CTL_ADD, 3, {events=EPOLLIN, data={u32=3, u64=3}}) = 0
7 epoll_wait(4, [{events=EPOLLIN, data={u32=3, u64=3}}], 8, -1) = 1
7 recvmsg(3, {msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base="z", iov_len=16}], msg_iovlen=1, msg_controllen=0, msg_flags=0}, 0) = 1
7 epoll_wait(4, [], 8, 0) = 0
`},
		{"what is read behind an event of which the log shows nothing was there with it", begin + listen + `7 accept(3, {sa_family=AF_INET, sin_port=htons(40000), sin_addr=inet_addr("127.0.0.1")}, [16]) = 4
7 epoll_create1(0) = 6
7 epoll_ctl(6, EPOLL_CTL_ADD, 4, {events=EPOLLIN|EPOLLOUT|EPOLLET, data={u32=4, u64=4}}) = 0
7 epoll_wait(6, [...], 8, -1) = 1
7 read(4, ""..., 8) = 3
7 epoll_wait(6, [], 8, 0) = 0
`},
		{"a stream of unix gives all it has", begin + `7 socket(AF_UNIX, SOCK_STREAM, 0) = 3
7 bind(3, {sa_family=AF_UNIX, sun_path="/run/x"}, 9) = 0
7 listen(3, 8) = 0
7 accept(3, NULL, NULL) = 4
7 recvfrom(4, "hello", 4096, 0, NULL, NULL) = 5
7 recvfrom(4, "you", 4096, 0, NULL, NULL) = 3
7 recvmsg(4, {msg_name=NULL, msg_namelen=0, msg_iov=[...], msg_iovlen=1, msg_control=[{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[...]}], msg_controllen=24, msg_flags=0}, 0) = 152
7 recvmsg(4, {msg_name=NULL, msg_namelen=0, msg_iov=[...], msg_iovlen=1, msg_control=[{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[...]}], msg_controllen=24, msg_flags=0}, 0) = 16
7 eventfd2(0, 0) = 7
`},
		{"a path that is no file on disk", begin + `7 mknodat(AT_FDCWD, "control", S_IFIFO|0600) = 0
7 openat(AT_FDCWD, "control", O_RDONLY|O_NONBLOCK) = 3
7 poll([{fd=3, events=POLLIN}], 1, 0) = 0 (Timeout)
7 poll([{fd=3, events=POLLIN}], 1, -1) = 1 ([{fd=3, revents=POLLIN}])
7 read(3, "t", 1) = 1
7 poll([{fd=3, events=POLLIN}], 1, 1000) = ? ERESTART_RESTARTBLOCK (Interrupted by signal)
`},
		{"strace shows the number of exit_group as a result", begin + thread + `7 eventfd2(0, 0) = 3
8 exit_group(0 <unfinished ...>
7 close(3 <unfinished ...>
7 <... close resumed>) = 231
8 <... exit_group resumed>) = ?
8 +++ exited with 0 +++
7 +++ exited with 0 +++
`},
		{"who is connected was not refused", begin + `7 socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, 0) = 3
7 connect(3, {sa_family=AF_INET, sin_port=htons(7001), sin_addr=inet_addr("127.0.0.1")}, 16) = -1 EINPROGRESS (Operation now in progress)
7 poll([{fd=3, events=POLLOUT}], 1, -1) = 1 ([{fd=3, revents=POLLOUT}])
7 shutdown(3, SHUT_WR) = 0
7 poll([{fd=3, events=POLLIN}], 1, -1) = 1 ([{fd=3, revents=POLLIN|POLLHUP}])
7 read(3, "", 8) = 0
`},
		{"a splice that another write is to come before", begin + thread + `7 pipe2([3, 4], 0) = 0
7 pipe2([5, 6], 0) = 0
7 clone(child_stack=NULL, flags=CLONE_VM|CLONE_FILES|CLONE_THREAD|CLONE_SIGHAND) = 9
7 read(5,  <unfinished ...>
8 write(4, "ab", 2) = 2
8 write(4, "cd", 2 <unfinished ...>
9 splice(3, NULL, 6, NULL, 4096, 0 <unfinished ...>
7 <... read resumed>"abcd", 8) = 4
9 <... splice resumed>) = 4
8 <... write resumed>) = 2
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := replay.Run(parse(t, c.log), replay.Options{Inferences: true, Check: true})
			require.Nil(t, r.Divergence, "%v", r.Divergence)
			require.LessOrEqual(t, r.Tries, 4, "executions")
		})
	}
}

// In a log that shows some calls only, a number may be closed by one that it lacks. One refusal alone does not tell that.
func TestOneRefusalIsNoClose(t *testing.T) {
	const begin = "7 execve(\"./a\", [\"./a\"], 0x7ffe /* 3 vars */) = 0\n7 pipe2([3, 4], 0) = 0\n7 eventfd2(0, 0) = 5\n"
	const refused = "7 close(3) = -1 EBADF (Bad file descriptor)\n"
	for name, more := range map[string]string{
		"refused again":      "7 read(3, 0x7f00, 8) = -1 EBADF (Bad file descriptor)\n",
		"another one, too":   "7 close(4) = -1 EBADF (Bad file descriptor)\n",
		"given out again":    "7 eventfd2(0, 0) = 3\n",
		"given out in pairs": "7 pipe2([3, 6], 0) = 0\n7 close(4) = 0\n7 close(5) = 0\n",
	} {
		r := replay.Run(parse(t, begin+refused+more), replay.Options{})
		require.Nil(t, r.Divergence, "%s: %v", name, r.Divergence)
	}
	for name, more := range map[string]string{
		"nothing follows":        "",
		"other numbers":          "7 eventfd2(0, 0) = 6\n7 write(5, \"\\1\\0\\0\\0\\0\\0\\0\\0\", 8) = 8\n",
		"put there, not free":    "7 dup2(5, 3) = 3\n",
		"one that was never one": "7 close(9) = -1 EBADF (Bad file descriptor)\n",
	} {
		r := replay.Run(parse(t, begin+refused+more), replay.Options{})
		require.NotNil(t, r.Divergence, name)
		require.Contains(t, r.Divergence.Call, "close", name)
	}
}
