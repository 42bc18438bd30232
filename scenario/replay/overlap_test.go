package replay_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/scenario/replay"
)

const twoThreads = "1 clone(child_stack=0x7f00, flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD) = 2\n"

// What overlapping calls can do to one another, as the host has shown it, and what they cannot.
func TestOverlaps(t *testing.T) {
	const one = "recvfrom(3, \"\"..., 9, 0, NULL, NULL) = 2"
	const part = "{msg_hdr={msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base=\"\"..., iov_len=9}], msg_iovlen=1, msg_controllen=0, msg_flags=0}, msg_len=%d}"
	const many = "recvmmsg(3, [" + part + ", " + part + "], 4, MSG_DONTWAIT, NULL) = 2"
	for _, c := range []struct{ name, log, wrong string }{
		{"a number becomes another file's", `1 epoll_create1(0) = 3
1 eventfd2(0, EFD_NONBLOCK) = 4
` + twoThreads + `1 dup2(4, 3 <unfinished ...>
2 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}} <unfinished ...>
1 <... dup2 resumed>) = 3
2 <... epoll_ctl resumed>) = -1 EINVAL (Invalid argument)
`, `1 epoll_create1(0) = 3
1 eventfd2(0, EFD_NONBLOCK) = 4
` + twoThreads + `2 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = -1 EINVAL (Invalid argument)
1 dup2(4, 3) = 3
`},
		{"a number has become another file's, though the call that made it so ended later", `1 socketpair(AF_UNIX, SOCK_STREAM|SOCK_NONBLOCK, 0, [3, 4]) = 0
1 eventfd2(0, EFD_NONBLOCK) = 5
` + twoThreads + `1 dup2(5, 3 <unfinished ...>
2 recvfrom(3, 0x7f00, 9, 0, NULL, NULL) = -1 ENOTSOCK (Socket operation on non-socket)
1 <... dup2 resumed>) = 3
`, `1 socketpair(AF_UNIX, SOCK_STREAM|SOCK_NONBLOCK, 0, [3, 4]) = 0
1 eventfd2(0, EFD_NONBLOCK) = 5
` + twoThreads + `1 dup2(5, 6 <unfinished ...>
2 recvfrom(3, 0x7f00, 9, 0, NULL, NULL) = -1 ENOTSOCK (Socket operation on non-socket)
1 <... dup2 resumed>) = 6
`},
		{"a wait whose time is over does not look for events that woke another one", `1 epoll_create1(0) = 3
1 pipe2([4, 5], O_NONBLOCK) = 0
1 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
` + twoThreads + `1 clone(child_stack=0x7f00, flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD) = 7
1 epoll_wait(3,  <unfinished ...>
2 epoll_wait(3,  <unfinished ...>
7 write(5, "x", 1) = 1
1 <... epoll_wait resumed>[], 8, 10) = 0
2 <... epoll_wait resumed>[{events=EPOLLIN, data={u32=4, u64=4}}], 8, 50) = 1
`, `1 epoll_create1(0) = 3
1 pipe2([4, 5], O_NONBLOCK) = 0
1 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
` + twoThreads + `1 write(5, "x", 1) = 1
1 epoll_wait(3,  <unfinished ...>
2 getpid() = 1
1 <... epoll_wait resumed>[], 8, 10) = 0
`},
		{"a wait goes on with the epoll that was closed", `1 epoll_create1(0) = 3
1 pipe2([4, 5], O_NONBLOCK) = 0
1 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN|EPOLLET, data={u32=4, u64=4}}) = 0
` + twoThreads + `1 epoll_wait(3,  <unfinished ...>
2 close(3) = 0
2 write(5, "x", 1) = 1
1 <... epoll_wait resumed>[{events=EPOLLIN, data={u32=4, u64=4}}], 8, 10) = 1
1 epoll_wait(3, 0x7f00, 8, 10) = -1 EBADF (Bad file descriptor)
`, `1 execve("/bin/x", ["x"], []) = 0
1 epoll_create1(0) = 3
1 pipe2([4, 5], O_NONBLOCK) = 0
1 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN|EPOLLET, data={u32=4, u64=4}}) = 0
` + twoThreads + `2 close(3) = 0
1 epoll_wait(3,  <unfinished ...>
2 write(5, "x", 1) = 1
1 <... epoll_wait resumed>[{events=EPOLLIN, data={u32=4, u64=4}}], 8, 10) = 1
`},
		{"a call that the end of its process cut off", `1 pipe2([3, 4], O_NONBLOCK) = 0
` + twoThreads + `1 read(3,  <unfinished ...>
2 exit_group(0 <unfinished ...>
1 <... read resumed>"", 8) = 231
2 <... exit_group resumed>) = ?
1 +++ exited with 0 +++
2 +++ exited with 0 +++
`, `1 pipe2([3, 4], O_NONBLOCK) = 0
` + twoThreads + `1 read(3,  <unfinished ...>
2 getpid() = 1
1 <... read resumed>"", 8) = 231
1 getpid() = 1
`},
		{"what is there is for the wait that ends, not for one that tells of the same much later", `1 epoll_create1(0) = 3
1 eventfd2(0, EFD_NONBLOCK) = 4
1 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN|EPOLLET, data={u32=4, u64=4}}) = 0
` + twoThreads + `1 clone(child_stack=0x7f00, flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD) = 7
1 epoll_wait(3,  <unfinished ...>
2 epoll_wait(3,  <unfinished ...>
7 write(4, "\1\0\0\0\0\0\0\0", 8 <unfinished ...>
2 <... epoll_wait resumed>[{events=EPOLLIN, data={u32=4, u64=4}}], 8, -1) = 1
7 <... write resumed>) = 8
7 write(4, "\1\0\0\0\0\0\0\0", 8) = 8
1 <... epoll_wait resumed>[{events=EPOLLIN, data={u32=4, u64=4}}], 8, -1) = 1
`, `1 epoll_create1(0) = 3
1 eventfd2(0, EFD_NONBLOCK) = 4
1 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN|EPOLLET, data={u32=4, u64=4}}) = 0
` + twoThreads + `1 clone(child_stack=0x7f00, flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD) = 7
1 epoll_wait(3,  <unfinished ...>
2 epoll_wait(3,  <unfinished ...>
7 write(4, "\1\0\0\0\0\0\0\0", 8) = 8
2 <... epoll_wait resumed>[{events=EPOLLIN, data={u32=4, u64=4}}], 8, -1) = 1
1 <... epoll_wait resumed>[{events=EPOLLIN, data={u32=4, u64=4}}], 8, -1) = 1
`},
		{"a fork has copied what was open when it began", forking(true), forking(false)},
		{"a new program lets go one file after the other, the last first", letGo("5"), letGo("3")},
		{"who was accepted is told later", acceptedAs(40000), acceptedAs(40002)},
		{"of two datagrams the later call was the first", datagrams("d", "de", 2), datagrams("d", "de", 3)},
		{"or both come with one call", strings.Replace(datagrams("d", "de", 2), one, fmt.Sprintf(many, 2, 1), 1), strings.Replace(datagrams("d", "de", 2), one, fmt.Sprintf(many, 2, 2), 1)},
		{"a call that was cut off has been made", cutOff(1), cutOff(2)},
		{"an accept that finds nothing has had a number", refusedAccept("6"), refusedAccept("-1 EAGAIN (Resource temporarily unavailable)")},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := replay.Run(parse(t, c.log), replay.Options{})
			require.Nil(t, r.Divergence, "%v", r.Divergence)
			r = replay.Run(parse(t, c.wrong), replay.Options{})
			require.Equal(t, replay.ExitDiverged, r.ExitCode())
		})
	}
}

// datagrams are two that are sent at the same time, of which the second one is read first as n bytes.
func datagrams(first, second string, n int) string {
	bind := func(fd, port int) string {
		return fmt.Sprintf("1 socket(AF_INET, SOCK_DGRAM, 0) = %d\n1 bind(%d, {sa_family=AF_INET, sin_port=htons(%d), sin_addr=inet_addr(\"127.0.0.1\")}, 16) = 0\n", fd, fd, port)
	}
	const to = ", 0, {sa_family=AF_INET, sin_port=htons(7000), sin_addr=inet_addr(\"127.0.0.1\")}, 16"
	return bind(3, 7000) + bind(4, 7001) + twoThreads + fmt.Sprintf("1 sendto(4, %q, %d%s <unfinished ...>\n2 sendto(4, %q, %d%s <unfinished ...>\n", first, len(first), to, second, len(second), to) +
		fmt.Sprintf("1 <... sendto resumed>) = %d\n2 <... sendto resumed>) = %d\n1 recvfrom(3, \"\"..., 9, 0, NULL, NULL) = %d\n", len(first), len(second), n)
}

// refusedAccept are two accepts for one connection, of which one finds nothing; the other comes to result.
func refusedAccept(result string) string {
	return fmt.Sprintf(`1 execve("/bin/x", ["x"], []) = 0
1 socket(AF_UNIX, SOCK_STREAM|SOCK_NONBLOCK, 0) = 3
1 bind(3, {sa_family=AF_UNIX, sun_path=@"x"}, 4) = 0
1 listen(3, 8) = 0
`+twoThreads+`1 socket(AF_UNIX, SOCK_STREAM, 0) = 4
1 connect(4, {sa_family=AF_UNIX, sun_path=@"x"}, 4) = 0
1 accept(3,  <unfinished ...>
2 accept(3,  <unfinished ...>
1 <... accept resumed>NULL, NULL) = -1 EAGAIN (Resource temporarily unavailable)
2 <... accept resumed>NULL, NULL) = %s
1 eventfd2(0, 0) = 5
`, result)
}

// forking is a process that closes a pipe's end which it opened while it forked: the child has that end too if it was there before.
func forking(later bool) string {
	const pipe = "2 pipe2([3, 4], O_NONBLOCK) = 0\n"
	first, second := pipe, ""
	if later {
		first, second = second, first
	}
	return "1 brk(NULL) = 0x5500\n" + twoThreads + first + "1 clone(child_stack=NULL, flags=SIGCHLD <unfinished ...>\n" + second +
		"9 fcntl(0, F_GETFD) = 0\n2 close(4) = 0\n2 read(3, \"\", 1) = 0\n1 <... clone resumed>) = 9\n"
}

// letGo is an execve that closes the ends of two pipes, of which a poll finds one closed, that of fd.
func letGo(fd string) string {
	return `1 pipe2([3, 4], O_CLOEXEC) = 0
1 pipe2([5, 6], O_CLOEXEC) = 0
1 clone(child_stack=NULL, flags=SIGCHLD) = 9
1 close(4) = 0
1 close(6) = 0
9 execve("/bin/true", ["true"], [] <unfinished ...>
1 poll([{fd=3, events=POLLIN}, {fd=5, events=POLLIN}], 2, -1) = 1 ([{fd=` + fd + `, revents=POLLHUP}])
9 <... execve resumed>) = 0
`
}

// acceptedAs are two clients that connect at the same time, of which the first one that is accepted has a port.
func acceptedAs(port int) string {
	const server = ", {sa_family=AF_INET, sin_port=htons(7000), sin_addr=inet_addr(\"127.0.0.1\")}, 16"
	name := func(tid, fd, port int) string {
		return fmt.Sprintf("%d getsockname(%d, {sa_family=AF_INET, sin_port=htons(%d), sin_addr=inet_addr(\"127.0.0.1\")}, [16]) = 0\n", tid, fd, port)
	}
	return "1 socket(AF_INET, SOCK_STREAM, 0) = 3\n1 bind(3" + server + ") = 0\n1 listen(3, 8) = 0\n" + twoThreads +
		"1 socket(AF_INET, SOCK_STREAM, 0) = 4\n1 socket(AF_INET, SOCK_STREAM, 0) = 5\n" +
		"1 connect(4" + server + " <unfinished ...>\n2 connect(5" + server + " <unfinished ...>\n1 <... connect resumed>) = 0\n2 <... connect resumed>) = 0\n" +
		name(1, 4, 40000) + name(2, 5, 40002) + "1 accept(3, NULL, NULL) = 6\n" +
		fmt.Sprintf("1 getpeername(6, {sa_family=AF_INET, sin_port=htons(%d), sin_addr=inet_addr(\"127.0.0.1\")}, [16]) = 0\n", port) +
		"2 write(5, \"x\", 1) = 1\n1 recvfrom(6, 0x7f00, 1, MSG_DONTWAIT, NULL, NULL) = -1 EAGAIN (Resource temporarily unavailable)\n"
}

// cutOff is a log in which a write to an eventfd never returned, and value was read there.
func cutOff(value int) string {
	return fmt.Sprintf(`1 pipe2([3, 4], O_NONBLOCK) = 0
1 eventfd2(0, EFD_NONBLOCK) = 5
1 clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|SIGCHLD) = 2
1 read(5,  <unfinished ...>
2 write(5, "\1\0\0\0\0\0\0\0", 8 <unfinished ...>
1 <... read resumed>0x7f, 8) = -1 EAGAIN (Resource temporarily unavailable)
2 <... write resumed>) = ? <unavailable>
2 +++ killed by SIGKILL +++
1 read(5, "\%d\0\0\0\0\0\0\0", 8) = 8
`, value)
}
