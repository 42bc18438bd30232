package replay_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/scenario/replay"
)

// Tasks whose making the log does not show: what they are taken to be explains each log at once, without a search.
func TestOrigins(t *testing.T) {
	const loads = "8 openat(AT_FDCWD, \"/etc/ld.so.cache\", O_RDONLY|O_CLOEXEC) = 3\n8 close(3) = 0\n" +
		"8 openat(AT_FDCWD, \"/lib/x86_64-linux-gnu/libc.so.6\", O_RDONLY|O_CLOEXEC) = 3\n8 close(3) = 0\n"
	for _, c := range []struct{ name, log string }{
		{"two that get the same number", `7 epoll_wait(5,  <unfinished ...>
8 epoll_wait(6,  <unfinished ...>
7 <... epoll_wait resumed>[], 8, 10) = 0
7 eventfd2(0, 0) = 6
8 <... epoll_wait resumed>[], 8, 10) = 0
8 eventfd2(0, 0) = 5
8 eventfd2(0, 0) = 7
7 eventfd2(0, 0) = 7
`},
		{"two that close the same number", `7 epoll_wait(5,  <unfinished ...>
8 epoll_wait(6,  <unfinished ...>
7 <... epoll_wait resumed>[], 8, 10) = 0
7 close(4) = 0
8 <... epoll_wait resumed>[], 8, 10) = 0
8 close(4) = 0
`},
		{"a process and its child", `8 epoll_wait(6,  <unfinished ...>
7 write(3, "x", 1) = 1
8 <... epoll_wait resumed>[], 8, 10) = 0
7 sendmsg(6, {msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base="x", iov_len=1}], msg_iovlen=1, msg_controllen=0, msg_flags=0}, 0) = 1
8 +++ exited with 0 +++
7 wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 0}], WNOHANG, NULL) = 8
`},
		{"threads are threads", `7 epoll_wait(5,  <unfinished ...>
8 epoll_wait(6,  <unfinished ...>
7 <... epoll_wait resumed>[], 8, 10) = 0
7 eventfd2(0, 0) = 7
8 <... epoll_wait resumed>[], 8, 10) = 0
8 write(7, "\1\0\0\0\0\0\0\0", 8) = 8
8 eventfd2(0, 0) = 8
7 close(7) = 0
8 eventfd2(0, 0) = 7
`},
		{"a clone whose table shows that two others do not share", `9 epoll_wait(8,  <unfinished ...>
7 accept(5, NULL, NULL) = 7
7 clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD) = 10
10 eventfd2(0, 0) = 8
7 close(7) = 0
10 write(7, "x", 1) = 1
`},
		{"a child that has what its parent has closed by then", `7 eventfd2(0, 0) = 3
7 pipe2([4, 5], 0) = 0
7 close(5) = 0
7 read(4,  <unfinished ...>
8 dup2(5, 1) = 1
8 close(5) = 0
8 write(1, "a", 1) = 1
7 <... read resumed>"a", 8) = 1
`},
		{"an exec that the log does not have", "7 pipe2([3, 4], 0) = 0\n8 close(3) = 0\n8 fcntl(4, F_SETFD, FD_CLOEXEC) = 0\n7 close(4) = 0\n" +
			"7 read(3, \"\", 8) = 0\n" + loads},
		{"it closes also what the next number is", "7 pipe2([3, 4], O_CLOEXEC) = 0\n" + loads +
			"7 close(4) = 0\n7 read(3, \"\", 8) = 0\n"},
		{"standard input and output tell nothing", "7 eventfd2(0, 0) = 3\n9 openat(AT_FDCWD, \"/etc/ld.so.cache\", O_RDONLY|O_CLOEXEC) = 4\n" +
			"9 close(1) = 0\n9 +++ exited with 0 +++\n7 --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=9, si_uid=0, si_status=0, si_utime=0, si_stime=0} ---\n" +
			"8 openat(AT_FDCWD, \"/etc/ld.so.cache\", O_RDONLY|O_CLOEXEC) = 4\n8 write(1, \"x\", 1) = 1\n8 +++ exited with 0 +++\n" +
			"7 --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=8, si_uid=0, si_status=0, si_utime=0, si_stime=0} ---\n"},
		{"of several processes the one whose copy fits", "7 eventfd2(0, 0) = 3\n7 close(0) = 0\n" +
			"9 openat(AT_FDCWD, \"/etc/ld.so.cache\", O_RDONLY|O_CLOEXEC) = 0\n9 eventfd2(0, 0) = 4\n" +
			"8 openat(AT_FDCWD, \"/etc/ld.so.cache\", O_RDONLY|O_CLOEXEC) = 0\n8 close(0) = 0\n"},
		{"a child that has what its parent has closed and got again by then", `7 pipe2([3, 4], 0) = 0
7 close(4) = 0
7 accept(5,  <unfinished ...>
8 close(3) = 0
8 write(4,  <unfinished ...>
7 <... accept resumed>NULL, NULL) = 4
8 <... write resumed>"x", 1) = 1
7 read(3, "x", 8) = 1
8 +++ exited with 0 +++
7 --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=8, si_uid=0, si_status=0, si_utime=0, si_stime=0} ---
`},
		{"numbers that are not shown are those of a new pipe", `7 pipe2([...], 0) = 0
7 close(4) = 0
7 close(3) = 0
7 pipe2([...], 0) = 0
7 close(4) = 0
7 close(3) = 0
8 close(3) = 0
9 dup2(3, 0) = 0
8 write(4, "x", 1) = 1
9 read(0, "x", 1) = 1
`},
		{"numbers that it was given itself are not its parent's", `7 pipe2([3, 4], 0) = 0
7 close(4) = 0
8 dup2(3, 0) = 0
8 close(3) = 0
8 socketpair(AF_UNIX, SOCK_STREAM, 0, [3, 4]) = 0
7 close(3) = 0
7 pipe2([3, 4], 0) = 0
8 close(4 <unfinished ...>
8 <... close resumed>) = 0
8 read(0, "", 1) = 0
8 +++ exited with 0 +++
7 --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=8, si_uid=0, si_status=0, si_utime=0, si_stime=0} ---
`},
		{"who is told of its end has made it, whoever else has the number", `9 eventfd2(0, 0) = 4
6 epoll_wait(5,  <unfinished ...>
7 pipe2([3, 4], 0) = 0
7 close(4) = 0
8 write(4, "x", 1) = 1
7 read(3, "x", 1) = 1
8 +++ exited with 0 +++
7 --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=8, si_uid=0, si_status=0, si_utime=0, si_stime=0} ---
9 write(4, "\1\0\0\0\0\0\0\0", 8) = 8
`},
		{"one that did nothing lately, whose copy alone fits", "7 brk(NULL) = 0x5500\n7 eventfd2(0, 0) = 3\n7 close(3) = 0\n" +
			strings.NewReplacer("8 ", "11 ").Replace(loads) + "11 eventfd2(0, 0) = 3\n11 eventfd2(0, 0) = 4\n" +
			strings.NewReplacer("8 ", "12 ").Replace(loads) + "12 eventfd2(0, 0) = 3\n12 eventfd2(0, 0) = 4\n" +
			strings.NewReplacer("8 ", "13 ").Replace(loads) + "13 eventfd2(0, 0) = 3\n13 eventfd2(0, 0) = 4\n" +
			strings.NewReplacer("8 ", "14 ").Replace(loads) + "14 eventfd2(0, 0) = 3\n14 eventfd2(0, 0) = 4\n" +
			strings.NewReplacer("8 ", "15 ").Replace(loads) + "15 eventfd2(0, 0) = 3\n15 eventfd2(0, 0) = 4\n" +
			"8 pipe2([3, 4], 0) = 0\n8 close(4) = 0\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := replay.Run(parse(t, c.log), replay.Options{Tries: 1})
			require.Nil(t, r.Divergence, "%v", r.Divergence)
		})
	}
}

// One that was forked off long before it is seen, by a process that has closed and opened the same numbers since.
func TestForkedEarlier(t *testing.T) {
	const log = `7 socketpair(AF_UNIX, SOCK_DGRAM, 0, [4, 5]) = 0
7 close(5) = 0
7 socketpair(AF_UNIX, SOCK_DGRAM, 0, [5, 6]) = 0
8 close(4) = 0
8 recvfrom(5,  <unfinished ...>
7 close(6) = 0
7 sendto(4, "a", 1, 0, NULL, 0) = 1
8 <... recvfrom resumed>"a", 8, 0, NULL, NULL) = 1
`
	r := replay.Run(parse(t, log), replay.Options{})
	require.Nil(t, r.Divergence, "%v", r.Divergence)
}
