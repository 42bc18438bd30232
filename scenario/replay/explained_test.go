package replay_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/scenario/replay"
)

// What a log leaves out is inferred: the smallest log of each kind.
func TestExplained(t *testing.T) {
	const exec = "execve(\"./a\", [\"./a\"], 0x7ffe /* 3 vars */) = 0\n"
	const server = exec + "socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, 0) = 3\n" +
		"bind(3, {sa_family=AF_INET, sin_port=htons(7000), sin_addr=inet_addr(\"127.0.0.1\")}, 16) = 0\nlisten(3, 8) = 0\n" +
		"epoll_create1(0) = 4\nepoll_ctl(4, EPOLL_CTL_ADD, 3, {events=EPOLLIN, data={u32=3, u64=3}}) = 0\n" +
		"epoll_wait(4, [{events=EPOLLIN, data={u32=3, u64=3}}], 8, -1) = 1\n" +
		"accept(3, {sa_family=AF_INET, sin_port=htons(40000), sin_addr=inet_addr(\"127.0.0.1\")}, [16]) = 5\n"
	for _, c := range []struct {
		name, log string
		inferred  []string
	}{
		{
			"an inherited listener gives any number",
			"7 epoll_wait(5, [{events=EPOLLIN, data={u32=9, u64=94420887011376}}], 8, 1000) = 1\n" +
				"7 accept4(3, {sa_family=AF_INET, sin_port=htons(33710), sin_addr=inet_addr(\"127.0.0.1\")}, [16], SOCK_NONBLOCK) = 8\n" +
				"7 read(8, \"x\", 10) = 1\n7 close(8) = 0\n",
			[]string{"fds 4 to 7 of process 7 were open before the log began"},
		},
		{
			"close_range is in no class of calls",
			"7 " + exec + "7 pipe2([3, 4], 0) = 0\n7 pipe2([3, 4], 0) = 0\n",
			[]string{"fd 3 of process 7 was closed by a call that the log does not have", "fd 4 of process 7 was closed"},
		},
		{
			"the numbers of a pipe are not shown",
			exec + "pipe2([...], 0) = 0\ndup(4) = 5\n", nil,
		},
		{
			"nor are they open before",
			exec + "pipe2([...], 0) = 0\neventfd2(0, 0) = 5\n", nil,
		},
		{
			"a peer's small sends come at once",
			server + "epoll_ctl(4, EPOLL_CTL_ADD, 5, {events=EPOLLIN, data={u32=5, u64=5}}) = 0\n" +
				"epoll_wait(4, [{events=EPOLLIN, data={u32=5, u64=5}}], 8, -1) = 1\nread(5, \"a\", 1) = 1\n" +
				"epoll_wait(4, [{events=EPOLLIN, data={u32=5, u64=5}}], 8, -1) = 1\nread(5, \"b\", 1) = 1\n" +
				"epoll_wait(4, [{events=EPOLLIN, data={u32=5, u64=5}}], 8, -1) = 1\nread(5, \"c\", 1) = 1\n",
			[]string{"the peer of fd 5 sent 1 bytes"},
		},
		{
			"what else has a number is not what the peer sends",
			"7 " + strings.ReplaceAll(strings.TrimSuffix(server, "\n"), "\n", "\n7 ") + "\n7 poll([{fd=5, events=POLLIN}], 1, 5000) = 1 ([{fd=5, revents=POLLIN}])\n" +
				"7 read(5, \"abc\", 8) = 3\n7 wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 0}], 0, NULL) = 27507\n7 read(5, \"\", 8) = 0\n",
			[]string{"the peer of fd 5 sent 3 bytes", "the peer of fd 5 ended its side"},
		},
		{
			"a client that has to speak before it is accepted",
			strings.Replace(server, "listen(3, 8) = 0\n", "listen(3, 8) = 0\nsetsockopt(3, SOL_TCP, TCP_DEFER_ACCEPT, [30], 4) = 0\n", 1) +
				"read(5, \"abc\", 8) = 3\nepoll_wait(4, [], 8, 0) = 0\n",
			[]string{"a peer connected to fd 3"},
		},
		{
			"a client that has to speak and ends",
			strings.Replace(server, "listen(3, 8) = 0\n", "listen(3, 8) = 0\nsetsockopt(3, SOL_TCP, TCP_DEFER_ACCEPT, [30], 4) = 0\n", 1) +
				"read(5, \"\", 8) = 0\n",
			[]string{"a peer connected to fd 3"},
		},
		{
			"a look at what came takes nothing",
			server + "recvfrom(5, \"abcd\", 8, MSG_PEEK, NULL, NULL) = 4\nrecvfrom(5, \"ab\", 2, 0, NULL, NULL) = 2\n" +
				"recvfrom(5, \"cd\", 8, MSG_PEEK, NULL, NULL) = 2\nrecvfrom(5, \"cd\", 2, 0, NULL, NULL) = 2\n" +
				"poll([{fd=5, events=POLLIN}], 1, 0) = 0 (Timeout)\n",
			[]string{"the peer of fd 5 sent 4 bytes"},
		},
		{
			"a program that begins without an execve closes what is to be closed with it",
			"7 pipe2([3, 4], O_CLOEXEC) = 0\n8 close(3) = 0\n7 close(4) = 0\n7 read(3,  <unfinished ...>\n" +
				"7 <... read resumed>\"\", 1) = 0\n8 openat(AT_FDCWD, \"/etc/ld.so.cache\", O_RDONLY|O_CLOEXEC) = 3\n8 close(3) = 0\n" +
				"8 openat(AT_FDCWD, \"/lib/libc.so.6\", O_RDONLY|O_CLOEXEC) = 3\n8 close(3) = 0\n8 +++ exited with 0 +++\n" +
				"7 --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=8, si_uid=0, si_status=0, si_utime=0, si_stime=0} ---\n",
			nil,
		},
		{
			"the other end of a terminal has a number",
			exec + "openat(AT_FDCWD, \"/dev/ptmx\", O_RDWR) = 3\nioctl(3, TIOCGPTPEER, 0x102) = 4\ndup(4) = 5\n", nil,
		},
		{
			"what a call that was killed seems to have come to",
			exec + "pipe2([3, 4], 0) = 0\nread(3, \"\"..., 1) = 18446744073709551615\n+++ killed by SIGINT +++\n", nil,
		},
		{
			"a server that is gone refuses",
			exec + "socket(AF_INET, SOCK_STREAM, 0) = 3\n" +
				"connect(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr(\"127.0.0.1\")}, 16) = 0\n" +
				"socket(AF_INET, SOCK_STREAM, 0) = 4\n" +
				"connect(4, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr(\"127.0.0.1\")}, 16) = -1 ECONNREFUSED (Connection refused)\n" +
				"read(3, \"x\", 4) = 1\n",
			[]string{"a server listened where fd 3 connects to", "the server at (\"127.0.0.1\", 80) was gone", "the peer of fd 3 sent 1 bytes"},
		},
		{
			"connections to one server are told apart",
			exec + "socket(AF_INET, SOCK_STREAM, 0) = 3\n" +
				"connect(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr(\"127.0.0.1\")}, 16) = 0\n" +
				"setsockopt(3, SOL_SOCKET, SO_LINGER, {l_onoff=1, l_linger=0}, 8) = 0\nclose(3) = 0\n" +
				"socket(AF_INET, SOCK_STREAM, 0) = 3\n" +
				"connect(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr(\"127.0.0.1\")}, 16) = 0\n" +
				"read(3, \"x\", 4) = 1\n",
			[]string{"the peer of fd 3 sent 1 bytes"},
		},
		{
			"an address that another program has",
			exec + "socket(AF_INET, SOCK_DGRAM, 0) = 3\n" +
				"bind(3, {sa_family=AF_INET, sin_port=htons(7000), sin_addr=inet_addr(\"127.0.0.1\")}, 16) = -1 EADDRINUSE (Address already in use)\n" +
				"close(3) = 0\n",
			[]string{"somebody else had 127.0.0.1:7000"},
		},
		{
			"a peer on a unix socket goes away",
			exec + "socket(AF_UNIX, SOCK_STREAM, 0) = 3\nbind(3, {sa_family=AF_UNIX, sun_path=\"/run/x\"}, 9) = 0\nlisten(3, 8) = 0\n" +
				"accept(3, NULL, NULL) = 4\nepoll_create1(0) = 5\n" +
				"epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0\nwrite(4, \"x\", 1) = 1\n" +
				"epoll_wait(5, [{events=EPOLLIN|EPOLLHUP, data={u32=4, u64=4}}], 8, -1) = 1\nread(4, \"\", 8) = 0\n",
			[]string{"the peer of fd 4 closed the connection"},
		},
		{
			"descriptors come under numbers that are free",
			"7 " + exec + "7 pipe2([3, 4], 0) = 0\n7 socketpair(AF_UNIX, SOCK_STREAM, 0, [5, 6]) = 0\n" +
				"7 sendmsg(5, {msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base=\"x\", iov_len=1}], msg_iovlen=1, msg_control=[{cmsg_len=24, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[3, 4]}], msg_controllen=24, msg_flags=0}, 0) = 1\n" +
				"7 recvmsg(6, {msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base=\"x\", iov_len=1}], msg_iovlen=1, msg_control=[{cmsg_len=24, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[3, 7]}], msg_controllen=24, msg_flags=0}, 0) = 1\n",
			[]string{"fd 3 of process 7 was closed by a call that the log does not have"},
		},
		{
			"events that the log does not show",
			server + "epoll_ctl(4, EPOLL_CTL_ADD, 5, {events=EPOLLIN, data={u32=5, u64=5}}) = 0\neventfd2(0, EFD_NONBLOCK) = 6\n" +
				"epoll_ctl(4, EPOLL_CTL_ADD, 6, {events=EPOLLIN, data={u32=6, u64=6}}) = 0\nwrite(6, \"\"..., 8) = 8\n" +
				"epoll_wait(4, [...], 8, -1) = 2\nread(6, \"\"..., 8) = 8\nread(5, \"\"..., 10) = 10\n",
			[]string{"the peer of fd 5 sent 10 bytes"},
		},
		{
			"what comes from outside may have come first",
			server + "epoll_ctl(4, EPOLL_CTL_ADD, 5, {events=EPOLLIN, data={u32=5, u64=5}}) = 0\neventfd2(0, EFD_NONBLOCK) = 6\n" +
				"epoll_ctl(4, EPOLL_CTL_ADD, 6, {events=EPOLLIN, data={u32=6, u64=6}}) = 0\nwrite(6, \"\\1\\0\\0\\0\\0\\0\\0\\0\", 8) = 8\n" +
				"epoll_wait(4, [{events=EPOLLIN, data={u32=5, u64=5}}, {events=EPOLLIN, data={u32=6, u64=6}}], 8, -1) = 2\n",
			[]string{"the peer of fd 5 sent 1 bytes"},
		},
		{
			"which of two listeners with SO_REUSEPORT gets a connection",
			exec + "socket(AF_INET, SOCK_STREAM, 0) = 3\nsocket(AF_INET, SOCK_STREAM, 0) = 4\nsocket(AF_INET, SOCK_STREAM, 0) = 5\n" +
				"setsockopt(3, SOL_SOCKET, SO_REUSEPORT, [1], 4) = 0\nsetsockopt(4, SOL_SOCKET, SO_REUSEPORT, [1], 4) = 0\n" +
				"bind(3, {sa_family=AF_INET, sin_port=htons(7000), sin_addr=inet_addr(\"127.0.0.1\")}, 16) = 0\nlisten(3, 8) = 0\n" +
				"bind(4, {sa_family=AF_INET, sin_port=htons(7000), sin_addr=inet_addr(\"127.0.0.1\")}, 16) = 0\nlisten(4, 8) = 0\n" +
				"accept(4, {sa_family=AF_INET, sin_port=htons(40000), sin_addr=inet_addr(\"127.0.0.1\")}, [16]) = 6\n" +
				"accept(3, {sa_family=AF_INET, sin_port=htons(40002), sin_addr=inet_addr(\"127.0.0.1\")}, [16]) = 7\n" +
				"connect(5, {sa_family=AF_INET, sin_port=htons(7000), sin_addr=inet_addr(\"127.0.0.1\")}, 16) = 0\n" +
				"accept(4, {sa_family=AF_INET, sin_port=htons(40004), sin_addr=inet_addr(\"127.0.0.1\")}, [16]) = 8\n",
			[]string{"a peer connected to fd 4", "a peer connected to fd 3"},
		},
		{
			"several datagrams with one call",
			exec + "socket(AF_INET, SOCK_DGRAM, 0) = 3\nbind(3, {sa_family=AF_INET, sin_port=htons(7000), sin_addr=inet_addr(\"127.0.0.1\")}, 16) = 0\n" +
				"socket(AF_INET, SOCK_DGRAM, 0) = 4\nconnect(4, {sa_family=AF_INET, sin_port=htons(7000), sin_addr=inet_addr(\"127.0.0.1\")}, 16) = 0\n" +
				"sendmmsg(4, NULL, 0, 0) = 0\n" +
				"sendmmsg(4, [{msg_hdr={msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base=\"abc\", iov_len=3}], msg_iovlen=1, msg_controllen=0, msg_flags=0}, msg_len=3}, " +
				"{msg_hdr={msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base=\"de\", iov_len=2}], msg_iovlen=1, msg_controllen=0, msg_flags=0}, msg_len=2}], 2, MSG_NOSIGNAL) = 2\n" +
				"recvmmsg(3, [{msg_hdr={msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base=\"abc\", iov_len=9}], msg_iovlen=1, msg_controllen=0, msg_flags=0}, msg_len=3}, " +
				"{msg_hdr={msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base=\"de\", iov_len=9}], msg_iovlen=1, msg_controllen=0, msg_flags=0}, msg_len=2}], 4, MSG_DONTWAIT, NULL) = 2\n" +
				"recvmmsg(3, [{msg_hdr={msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base=\"fghi\", iov_len=9}], msg_iovlen=1, msg_controllen=0, msg_flags=0}, msg_len=4}], 4, MSG_DONTWAIT, NULL) = 1\n" +
				"recvmmsg(3, 0x7ffe, 4, MSG_DONTWAIT, NULL) = -1 EAGAIN (Resource temporarily unavailable)\n",
			[]string{"somebody sent a datagram of 4 bytes to port 7000"},
		},
		{
			"a close lingers until the peer has read",
			server + "setsockopt(5, SOL_SOCKET, SO_LINGER, {l_onoff=1, l_linger=5}, 8) = 0\n" +
				"write(5, \"\"..., 400000) = 400000\nclose(5) = 0\n",
			[]string{"the peer of fd 5 read"},
		},
		{
			"how much has come is the network's",
			server + "ioctl(5, FIONREAD, [7]) = 0\nread(5, \"abcdefg\", 9) = 7\n",
			nil,
		},
		{
			"an item from before the log that is taken out and put in again",
			"7 epoll_wait(5, [{events=EPOLLIN, data={u32=9, u64=94420887011376}}], 8, 1000) = 1\n" +
				"7 epoll_ctl(5, EPOLL_CTL_DEL, 4, 0x7ffcbb421dec) = 0\n" +
				"7 epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=9, u64=94420887011376}}) = 0\n",
			[]string{"fd 5 of process 7 was open", "fd 4 of process 7 was open before the log began"},
		},
		{
			"events of which the log shows nothing, of an epoll from before it",
			"7 epoll_wait(5, [...], 8, 1000) = 2\n7 epoll_wait(5, [...], 8, 1000) = 1\n7 epoll_wait(5, [], 8, 1000) = 0\n",
			[]string{"was in the epoll set before the log began"},
		},
		{
			"flags that only some files can have",
			"7 openat(AT_FDCWD, \"/x\", O_RDONLY) = 3\n7 fcntl(3, F_SETFL, O_RDONLY|O_DIRECT) = 0\n",
			nil,
		},
		{
			"results that strace made up",
			exec + "pipe2([3, 4], 0) = 0\nwrite(4, \"x\", 1) = 5 (INJECTED)\nfcntl(3, F_SETFL, O_RDONLY|O_NONBLOCK) = 0\n" +
				"read(3, 0x7f, 1) = -1 EAGAIN (Resource temporarily unavailable)\nwrite(4, \"x\", 1) = 1\n" +
				"read(3, 0x7f, 1) = -1 EIO (Input/output error) (INJECTED)\nread(3, \"x\", 1) = 1\n",
			nil,
		},
		{
			"a peer that is gone",
			exec + "socket(AF_UNIX, SOCK_STREAM, 0) = 3\nconnect(3, {sa_family=AF_UNIX, sun_path=\"/run/old\"}, 11) = -1 ECONNREFUSED (Connection refused)\n" +
				"bind(3, {sa_family=AF_UNIX, sun_path=\"/run/x\"}, 9) = 0\nlisten(3, 8) = 0\n" +
				"accept(3, NULL, NULL) = 4\nwrite(4, \"x\", 1) = 1\nwrite(4, \"x\", 1) = -1 EPIPE (Broken pipe)\n",
			[]string{"a server had left its socket at %run%old", "the peer of fd 4 closed the connection"},
		},
		{
			"one of two sockets with SO_REUSEPORT gets the datagrams",
			exec + "socket(AF_INET, SOCK_DGRAM, 0) = 3\nsocket(AF_INET, SOCK_DGRAM, 0) = 4\n" +
				"setsockopt(3, SOL_SOCKET, SO_REUSEPORT, [1], 4) = 0\nsetsockopt(4, SOL_SOCKET, SO_REUSEPORT, [1], 4) = 0\n" +
				"bind(3, {sa_family=AF_INET, sin_port=htons(7000), sin_addr=inet_addr(\"127.0.0.1\")}, 16) = 0\n" +
				"bind(4, {sa_family=AF_INET, sin_port=htons(7000), sin_addr=inet_addr(\"127.0.0.1\")}, 16) = 0\n" +
				"recvfrom(3, \"a\", 9, 0, {sa_family=AF_INET, sin_port=htons(40000), sin_addr=inet_addr(\"127.0.0.1\")}, [16]) = 1\n" +
				"recvfrom(3, \"ab\", 9, 0, {sa_family=AF_INET, sin_port=htons(40001), sin_addr=inet_addr(\"127.0.0.1\")}, [16]) = 2\n" +
				"recvfrom(4, \"abc\", 9, 0, {sa_family=AF_INET, sin_port=htons(40002), sin_addr=inet_addr(\"127.0.0.1\")}, [16]) = 3\n",
			nil,
		},
		{
			"a call on a number that is gone",
			exec + "pipe2([3, 4], 0) = 0\npoll([{fd=3, events=POLLIN}], 1, 0) = 1 ([{fd=3, revents=POLLNVAL}])\nfcntl(4, F_GETFD) = -1 EBADF (Bad file descriptor)\n",
			[]string{"fd 3 of process 1000 was closed by a call", "fd 4 of process 1000 was closed by a call"},
		},
		{
			"a peer passes a descriptor, and sends more before it goes",
			exec + "socket(AF_UNIX, SOCK_STREAM, 0) = 3\nbind(3, {sa_family=AF_UNIX, sun_path=\"/run/x\"}, 9) = 0\nlisten(3, 8) = 0\n" +
				"accept(3, NULL, NULL) = 4\npoll([{fd=4, events=POLLIN}], 1, -1) = 1 ([{fd=4, revents=POLLIN}])\n" +
				"recvmsg(4, {msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base=\"x\", iov_len=9}], msg_iovlen=1, msg_control=[{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[5]}], msg_controllen=24, msg_flags=0}, 0) = 1\n" +
				"dup(5) = 6\nsendmsg(4, {msg_name=NULL, msg_namelen=0, msg_iov=[...], msg_iovlen=1, msg_controllen=0, msg_flags=0}, 0) = 3\n" +
				"write(4, \"x\", 1) = -1 EPIPE (Broken pipe)\npoll([{fd=4, events=POLLIN}], 1, -1) = 1 ([{fd=4, revents=POLLIN|POLLHUP}])\n" +
				"read(4, \"ab\", 9) = 2\nread(4, \"\", 9) = 0\n",
			[]string{"the peer of fd 4 closed the connection"},
		},
		{
			"tasks without a clone: one process was forked, one is a stranger",
			"7 pipe2([3, 4], 0) = 0\n8 close(4) = 0\n7 write(4, \"a\", 1) = 1\n8 read(3, \"a\", 1) = 1\n8 dup(3) = 4\n" +
				"9 epoll_create1(0) = 3\n7 write(4, \"a\", 1) = 1\n9 epoll_wait(3, [], 8, 0) = 0\n9 +++ exited with 0 +++\n" +
				"7 write(4, \"a\", 1) = 1\n",
			nil,
		},
		{
			"a peer that has ended its side had sent all that is read by then",
			server + "epoll_ctl(4, EPOLL_CTL_ADD, 5, {events=EPOLLIN|EPOLLRDHUP, data={u32=5, u64=5}}) = 0\n" +
				"epoll_wait(4, [{events=EPOLLIN|EPOLLRDHUP, data={u32=5, u64=5}}], 8, -1) = 1\nread(5, \"aa\", 2) = 2\n" +
				"epoll_wait(4, [{events=EPOLLIN|EPOLLRDHUP, data={u32=5, u64=5}}], 8, -1) = 1\nread(5, \"bbb\", 8) = 3\nread(5, \"\", 8) = 0\n",
			[]string{"the peer of fd 5 sent 5 bytes", "the peer of fd 5 ended its side"},
		},
		{
			"a peer resets what it has sent something through",
			server + "epoll_ctl(4, EPOLL_CTL_ADD, 5, {events=EPOLLIN|EPOLLRDHUP, data={u32=5, u64=5}}) = 0\n" +
				"epoll_wait(4, [{events=EPOLLIN|EPOLLERR|EPOLLHUP|EPOLLRDHUP, data={u32=5, u64=5}}], 8, -1) = 1\nread(5, \"abc\", 8) = 3\n" +
				"write(5, \"x\", 1) = -1 ECONNRESET (Connection reset by peer)\nread(5, \"\", 8) = 0\n",
			[]string{"the peer of fd 5 sent 3 bytes", "the peer of fd 5 reset the connection"},
		},
		{
			"a peer ends its side, and resets later",
			server + "epoll_ctl(4, EPOLL_CTL_ADD, 5, {events=EPOLLIN|EPOLLRDHUP, data={u32=5, u64=5}}) = 0\n" +
				"epoll_wait(4, [{events=EPOLLIN|EPOLLERR|EPOLLHUP|EPOLLRDHUP, data={u32=5, u64=5}}], 8, -1) = 1\nread(5, \"abc\", 8) = 3\nread(5, \"\", 8) = 0\n",
			[]string{"the peer of fd 5 sent 3 bytes", "the peer of fd 5 ended its side", "the peer of fd 5 reset the connection"},
		},
		{
			"an urgent byte that epoll tells of",
			server + "epoll_ctl(4, EPOLL_CTL_ADD, 5, {events=EPOLLIN|EPOLLPRI, data={u32=5, u64=5}}) = 0\n" +
				"epoll_wait(4, [{events=EPOLLPRI, data={u32=5, u64=5}}], 8, -1) = 1\nrecvfrom(5, \"!\", 1, MSG_OOB, NULL, NULL) = 1\n" +
				"read(5, 0x7ffe, 8) = -1 EAGAIN (Resource temporarily unavailable)\n" +
				"epoll_wait(4, [{events=EPOLLIN, data={u32=5, u64=5}}], 8, -1) = 1\nread(5, \"abc\", 8) = 3\n",
			[]string{"the peer of fd 5 sent an urgent byte", "the peer of fd 5 sent 3 bytes"},
		},
		{
			"an urgent byte that select tells of, between others",
			server + "select(6, [5], NULL, [5], NULL) = 1 (in [5])\nread(5, \"ab\", 8) = 2\nselect(6, [5], NULL, [5], NULL) = 1 (except [5])\n" +
				"recvfrom(5, \"!\", 1, MSG_OOB, NULL, NULL) = 1\nselect(6, [5], NULL, [5], NULL) = 1 (in [5])\nread(5, \"cd\", 8) = 2\n" +
				"recvfrom(5, \"?\", 1, MSG_OOB, NULL, NULL) = 1\n",
			[]string{"the peer of fd 5 sent an urgent byte"},
		},
		{
			"a listener of packets",
			exec + "socket(AF_UNIX, SOCK_SEQPACKET, 0) = 3\nbind(3, {sa_family=AF_UNIX, sun_path=\"/tmp/p\"}, 110) = 0\nlisten(3, 4) = 0\n" +
				"accept(3, NULL, NULL) = 4\nread(4, \"abc\", 3) = 3\nread(4, \"de\", 8) = 2\nread(4, \"\", 8) = 0\n",
			[]string{"a peer connected to fd 3", "the peer of fd 4 sent 3 bytes", "the peer of fd 4 sent 2 bytes"},
		},
		{
			"somebody listens who takes packets",
			exec + "socket(AF_UNIX, SOCK_SEQPACKET, 0) = 3\nconnect(3, {sa_family=AF_UNIX, sun_path=\"/tmp/p\"}, 110) = 0\nread(3, \"abc\", 8) = 3\n",
			[]string{"a server listened where fd 3 connects to"},
		},
		{
			"a unix socket that is not in the log gets datagrams",
			exec + "socket(AF_UNIX, SOCK_DGRAM, 0) = 3\nbind(3, {sa_family=AF_UNIX, sun_path=\"/tmp/me\"}, 110) = 0\n" +
				"sendto(3, \"hi\", 2, 0, {sa_family=AF_UNIX, sun_path=\"/tmp/you\"}, 110) = 2\nsendto(3, \"hi\", 2, 0, {sa_family=AF_UNIX, sun_path=\"/tmp/you\"}, 110) = 2\n" +
				"recvfrom(3, \"ho\", 8, 0, {sa_family=AF_UNIX, sun_path=\"/tmp/you\"}, [110]) = 2\n",
			[]string{"somebody had a socket at \"/tmp/you\"", "somebody sent a datagram of 2 bytes to fd 3"},
		},
		{
			"what splice takes had come at once",
			server + "pipe2([6, 7], O_NONBLOCK) = 0\nepoll_ctl(4, EPOLL_CTL_ADD, 5, {events=EPOLLIN|EPOLLOUT|EPOLLET, data={u32=5, u64=5}}) = 0\n" +
				"epoll_wait(4, [{events=EPOLLIN|EPOLLOUT, data={u32=5, u64=5}}], 8, -1) = 1\nsplice(5, NULL, 7, NULL, 1000, SPLICE_F_NONBLOCK) = 30\n" +
				"epoll_wait(4, [], 8, 0) = 0\n",
			[]string{"the peer of fd 5 sent 30 bytes"},
		},
		{
			"a connect that is made for another call finds who listens",
			"7 " + exec + "7 pipe2([3, 4], 0) = 0\n7 clone(child_stack=NULL, flags=CLONE_CHILD_SETTID|SIGCHLD) = 8\n7 clone(child_stack=NULL, flags=CLONE_CHILD_SETTID|SIGCHLD) = 9\n" +
				"8 socket(AF_INET, SOCK_STREAM, 0) = 5\n7 read(3,  <unfinished ...>\n" +
				"8 sendto(5, \"abc\", 3, MSG_FASTOPEN, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr(\"127.0.0.1\")}, 16 <unfinished ...>\n" +
				"9 write(4, \"x\", 1 <unfinished ...>\n7 <... read resumed>\"x\", 1) = 1\n9 <... write resumed>) = 1\n8 <... sendto resumed>) = 3\n",
			[]string{"a server listened where fd 5 connects to"},
		},
		{
			"a datagram's port is not that of a stream",
			exec + "socket(AF_INET, SOCK_DGRAM, 0) = 3\n" +
				"sendto(3, \"a\", 1, 0, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr(\"127.0.0.1\")}, 16) = 1\n" +
				"recvfrom(3, \"b\", 8, 0, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr(\"127.0.0.1\")}, [16]) = 1\n" +
				"socket(AF_INET, SOCK_STREAM, 0) = 4\n" +
				"sendto(4, \"a\", 1, MSG_FASTOPEN, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr(\"127.0.0.1\")}, 16) = 1\nread(4, \"x\", 1) = 1\n",
			[]string{"a server listened where fd 4 connects to"},
		},
		{
			"a client's own port is not the one that another connects to",
			exec + "socket(AF_INET, SOCK_DGRAM, 0) = 3\nbind(3, {sa_family=AF_INET, sin_port=htons(0), sin_addr=inet_addr(\"0.0.0.0\")}, 16) = 0\n" +
				"connect(3, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr(\"127.0.0.1\")}, 16) = 0\nsendto(3, \"a\", 1, 0, NULL, 0) = 1\n" +
				"socket(AF_INET, SOCK_DGRAM|SOCK_NONBLOCK, 0) = 4\nconnect(4, {sa_family=AF_INET, sin_port=htons(7685), sin_addr=inet_addr(\"127.0.0.1\")}, 16) = 0\n" +
				"sendto(4, \"a\", 1, 0, NULL, 0) = 1\npoll([{fd=4, events=POLLIN}], 1, 5000) = 1 ([{fd=4, revents=POLLIN}])\nrecvfrom(4, \"b\", 8, 0, NULL, NULL) = 1\n",
			[]string{"somebody had a socket at 127.0.0.1:53", "somebody had a socket at 127.0.0.1:7685"},
		},
		{
			"an event that is not shown is of what splice takes next",
			server + "pipe2([6, 7], O_NONBLOCK) = 0\nepoll_ctl(4, EPOLL_CTL_ADD, 5, {events=EPOLLIN, data={u32=5, u64=5}}) = 0\n" +
				"epoll_wait(4, [...], 8, -1) = 1\nsplice(5, NULL, 7, NULL, 1000, SPLICE_F_NONBLOCK) = 30\nepoll_wait(4, [], 8, 0) = 0\n",
			[]string{"the peer of fd 5 sent 30 bytes"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := replay.Run(parse(t, c.log), replay.Options{Inferences: true, Check: true})
			require.Nil(t, r.Divergence, "%v", r.Divergence)
			var all []string
			for _, i := range r.Inferences {
				all = append(all, i.What)
			}
			for _, want := range c.inferred {
				require.Contains(t, strings.Join(all, "\n"), want)
			}
		})
	}
}

// A descriptor of which the log shows late that epoll does not take it is closed by an exec as before.
func TestExecClosesWhatEpollRefused(t *testing.T) {
	const log = `7 execve("./a", ["./a"], 0x7ffe /* 3 vars */) = 0
7 brk(NULL) = 0x55ec5e102000
7 epoll_create1(EPOLL_CLOEXEC) = 3
7 openat(AT_FDCWD, "/dev/null", O_RDONLY|O_CLOEXEC) = 4
7 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = -1 EPERM (Operation not permitted)
7 execve("./b", ["./b"], 0x7ffe /* 3 vars */) = 0
7 openat(AT_FDCWD, "/dev/null", O_RDONLY|O_CLOEXEC) = 3
7 openat(AT_FDCWD, "/dev/null", O_RDONLY|O_CLOEXEC) = 4
`
	r := replay.Run(parse(t, log), replay.Options{})
	require.Nil(t, r.Divergence, "%v", r.Divergence)
}
