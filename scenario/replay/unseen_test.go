package replay_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/scenario/replay"
)

// A log of strace's classes %desc and %network has neither clone nor execve nor exit: what a task is and when it goes is told by
// other lines.
func TestUnseen(t *testing.T) {
	const begin = "7 openat(AT_FDCWD, \"/etc/ld.so.cache\", O_RDONLY|O_CLOEXEC) = 3\n7 close(3) = 0\n"
	const died = "8 +++ exited with 0 +++\n7 --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=8, si_uid=0, si_status=0, si_utime=0, si_stime=0} ---\n"
	for _, c := range []struct{ name, log string }{
		{"a child is known by its SIGCHLD, and goes before its last line", begin + `7 pipe2([3, 4], 0) = 0
8 close(3) = 0
7 close(4) = 0
8 write(4, "x", 1) = 1
7 read(3, "x", 8) = 1
7 read(3, "", 8) = 0
` + died},
		{"exec closes before the first line of the program", begin + `7 pipe2([3, 4], O_CLOEXEC) = 0
8 close(3) = 0
7 close(4) = 0
7 read(3, "", 8) = 0
8 openat(AT_FDCWD, "/etc/ld.so.cache", O_RDONLY|O_CLOEXEC) = 3
8 close(3) = 0
8 openat(AT_FDCWD, "/lib/x86_64-linux-gnu/libc.so.6", O_RDONLY|O_CLOEXEC) = 3
8 close(3) = 0
7 eventfd2(0, 0) = 4
` + died},
		{"a library that is loaded later is no new program", begin + `7 openat(AT_FDCWD, "/lib/x86_64-linux-gnu/libc.so.6", O_RDONLY|O_CLOEXEC) = 3
7 close(3) = 0
7 eventfd2(0, EFD_CLOEXEC) = 3
7 openat(AT_FDCWD, "/etc/ld.so.cache", O_RDONLY|O_CLOEXEC) = 4
7 openat(AT_FDCWD, "/lib/x86_64-linux-gnu/libnss_files.so.2", O_RDONLY|O_CLOEXEC) = 5
7 write(3, "\1\0\0\0\0\0\0\0", 8) = 8
`},
		{"who maps a stack makes a thread, though another process was seen last", begin + `7 eventfd2(0, 0) = 3
8 close(3) = 0
7 mmap(NULL, 8392704, PROT_NONE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_STACK, -1, 0) = 0x7f8a3c7bb000
8 eventfd2(0, EFD_NONBLOCK) = 3
9 write(3, "\5\0\0\0\0\0\0\0", 8) = 8
7 read(3, "\5\0\0\0\0\0\0\0", 8) = 8
8 read(3, 0x7ffe, 8) = -1 EAGAIN (Resource temporarily unavailable)
` + died},
		{"only the log knows the flags of what it has not opened", "7 fcntl(9, F_GETFD) = 0x1 (flags FD_CLOEXEC)\n7 fcntl(8, F_GETFD) = 0\n"},
		{"a poll of a number that nothing has", "7 poll([{fd=9, events=POLLIN}, {fd=8, events=POLLIN}], 2, 0) = 1 ([{fd=9, revents=POLLNVAL}])\n"},
		{"numbers come and go where the calls that make them are left out", `7 epoll_create1(0) = 3
7 epoll_ctl(3, EPOLL_CTL_ADD, 9, {events=EPOLLIN, data={u32=9, u64=9}}) = 0
7 close(9) = 0
7 close(9) = 0
7 eventfd2(0, 0) = 12
`},
		{"a socket's path is removed by a call that is left out", "7 execve(\"./a\", [\"./a\"], 0x7ffe /* 3 vars */) = 0\n" + `7 socket(AF_UNIX, SOCK_STREAM, 0) = 3
7 bind(3, {sa_family=AF_UNIX, sun_path="/run/x"}, 9) = 0
7 listen(3, 8) = 0
7 socket(AF_UNIX, SOCK_STREAM, 0) = 4
7 connect(4, {sa_family=AF_UNIX, sun_path="/run/x"}, 9) = -1 ENOENT (No such file or directory)
`},
		{"clone gives a pidfd", "7 execve(\"./a\", [\"./a\"], 0x7ffe /* 3 vars */) = 0\n" + `7 clone(child_stack=NULL, flags=CLONE_VM|CLONE_PIDFD|CLONE_VFORK|SIGCHLD, parent_tid=[3]) = 8
7 poll([{fd=3, events=POLLIN}], 1, 0) = 0 (Timeout)
8 exit_group(0) = ?
8 +++ exited with 0 +++
7 poll([{fd=3, events=POLLIN}], 1, -1) = 1 ([{fd=3, revents=POLLIN}])
7 close(3) = 0
7 clone3({flags=CLONE_VM|CLONE_PIDFD|CLONE_VFORK, pidfd=0x7ffe, exit_signal=SIGCHLD, stack=NULL, stack_size=0} => {pidfd=[3]}, 88) = 9
7 close(3) = 0
7 eventfd2(0, 0) = 3
`},
		{"a pipe that is opened by its number", "7 execve(\"./a\", [\"./a\"], 0x7ffe /* 3 vars */) = 0\n" + `7 pipe2([3, 4], 0) = 0
7 openat(AT_FDCWD, "/dev/fd/4", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 5
7 close(4) = 0
7 write(5, "x", 1) = 1
7 read(3, "x", 8) = 1
7 close(5) = 0
7 read(3, "", 8) = 0
`},
		{"a second connect asks for the result of the first", "7 execve(\"./a\", [\"./a\"], 0x7ffe /* 3 vars */) = 0\n" + `7 socket(AF_INET, SOCK_STREAM, 0) = 3
7 bind(3, {sa_family=AF_INET, sin_port=htons(7000), sin_addr=inet_addr("127.0.0.1")}, 16) = 0
7 listen(3, 8) = 0
7 socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, 0) = 4
7 connect(4, {sa_family=AF_INET, sin_port=htons(7000), sin_addr=inet_addr("127.0.0.1")}, 16) = -1 EINPROGRESS (Operation now in progress)
7 connect(4, {sa_family=AF_INET, sin_port=htons(7000), sin_addr=inet_addr("127.0.0.1")}, 16) = 0
7 getsockname(4, {sa_family=AF_INET, sin_port=htons(50614), sin_addr=inet_addr("127.0.0.1")}, [16]) = 0
7 accept(3, {sa_family=AF_INET, sin_port=htons(50614), sin_addr=inet_addr("127.0.0.1")}, [16]) = 5
`},
		{"files are opened by calls that are left out, and put in non-blocking mode", `7 close(3) = 0
7 read(3, "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\3\0>\0\1\0\0\0\0\0\0\0\0\0\0\0"..., 832) = 832
7 close(3) = 0
7 socket(AF_UNIX, SOCK_STREAM, 0) = 3
7 socketpair(AF_UNIX, SOCK_STREAM, 0, [4, 5]) = 0
8 read(6, "a", 8) = 1
8 close(6) = 0
7 read(6, "b", 8) = 1
7 close(6) = 0
8 recvfrom(4, 0x7ffe, 8, 0, NULL, NULL) = -1 EAGAIN (Resource temporarily unavailable)
7 sendto(5, "x", 1, 0, NULL, 0) = 1
8 recvfrom(4, "x", 8, 0, NULL, NULL) = 1
7 socket(AF_UNIX, SOCK_STREAM, 0) = 9
7 close(4) = 0
8 recvfrom(5, "", 8, 0, NULL, NULL) = 0
`},
		{"signals of a signalfd come from outside", `7 signalfd4(-1, [USR1 USR2 CHLD], 8, SFD_NONBLOCK) = 3
7 epoll_create1(0) = 4
7 epoll_ctl(4, EPOLL_CTL_ADD, 3, {events=EPOLLIN, data={u32=3, u64=3}}) = 0
7 epoll_wait(4, [], 1, 0) = 0
7 epoll_wait(4, [{events=EPOLLIN, data={u32=3, u64=3}}], 1, -1) = 1
7 read(3, "\f\0\0\0\0\0\0\0"..., 256) = 256
7 read(3, 0x7ffe, 128) = -1 EAGAIN (Resource temporarily unavailable)
7 poll([{fd=3, events=POLLIN}], 1, -1) = 1 ([{fd=3, revents=POLLIN}])
7 read(3, "\n\0\0\0\0\0\0\0"..., 128) = 128
7 poll([{fd=3, events=POLLIN}], 1, 10) = 0 (Timeout)
`},
		{"a pidfd tells of an end before the log does", `7 eventfd2(0, EFD_CLOEXEC) = 3
8 openat(AT_FDCWD, "/etc/ld.so.cache", O_RDONLY|O_CLOEXEC) = 3
8 close(3) = 0
8 openat(AT_FDCWD, "/lib/x86_64-linux-gnu/libc.so.6", O_RDONLY|O_CLOEXEC) = 3
8 close(3) = 0
7 pidfd_open(8, 0) = 4
7 poll([{fd=4, events=POLLIN}], 1, 0) = 0 (Timeout)
7 poll([{fd=4, events=POLLIN}], 1, -1) = 1 ([{fd=4, revents=POLLIN}])
` + died},
		{"who shares the listener of a wait is not the one who ends", "7 execve(\"./a\", [\"./a\"], 0x7ffe /* 3 vars */) = 0\n" + `7 socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, 0) = 3
7 listen(3, 8) = 0
7 epoll_create1(0) = 4
7 epoll_ctl(4, EPOLL_CTL_ADD, 3, {events=EPOLLIN, data={u32=3, u64=3}}) = 0
7 clone(child_stack=0x7f00, flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD) = 8
7 epoll_wait(4, [{events=EPOLLIN, data={u32=3, u64=3}}], 1, -1) = 1
7 accept(3, NULL, NULL) = 5
8 +++ killed by SIGTERM +++
7 +++ killed by SIGTERM +++
`},
		{"a child that ends closes one thing after the other", `7 pipe2([3, 4], 0) = 0
7 pipe2([5, 6], 0) = 0
8 openat(AT_FDCWD, "/etc/ld.so.cache", O_RDONLY|O_CLOEXEC) = 7
8 close(7) = 0
7 close(4) = 0
7 close(6) = 0
7 epoll_create1(0) = 4
7 epoll_ctl(4, EPOLL_CTL_ADD, 3, {events=EPOLLIN, data={u32=3, u64=3}}) = 0
7 epoll_ctl(4, EPOLL_CTL_ADD, 5, {events=EPOLLIN, data={u32=5, u64=5}}) = 0
7 epoll_wait(4, [{events=EPOLLHUP, data={u32=5, u64=5}}], 8, -1) = 1
7 epoll_ctl(4, EPOLL_CTL_DEL, 5, NULL) = 0
7 epoll_wait(4, [{events=EPOLLHUP, data={u32=3, u64=3}}], 8, -1) = 1
` + died},
		{"the kernel gives out no low port", "7 execve(\"./a\", [\"./a\"], 0x7ffe /* 3 vars */) = 0\n" + `7 socket(AF_INET, SOCK_STREAM, 0) = 3
7 bind(3, {sa_family=AF_INET, sin_port=htons(0), sin_addr=inet_addr("127.0.0.1")}, 16) = 0
7 listen(3, 8) = 0
7 socket(AF_INET, SOCK_STREAM, 0) = 4
7 connect(4, {sa_family=AF_INET, sin_port=htons(1), sin_addr=inet_addr("127.0.0.1")}, 16) = -1 ECONNREFUSED (Connection refused)
`},
		{"a file that no epoll takes keeps its flags", "7 execve(\"./a\", [\"./a\"], 0x7ffe /* 3 vars */) = 0\n" + `7 epoll_create1(0) = 3
7 openat(AT_FDCWD, "/dev/null", O_WRONLY|O_CLOEXEC) = 4
7 fcntl(4, F_SETFL, O_WRONLY|O_NONBLOCK|O_LARGEFILE) = 0
7 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = -1 EPERM (Operation not permitted)
7 fcntl(4, F_GETFL) = 0x8801 (flags O_WRONLY|O_NONBLOCK|O_LARGEFILE)
`},
		{"who is killed goes at once", "7 execve(\"./a\", [\"./a\"], 0x7ffe /* 3 vars */) = 0\n" + `7 pipe2([3, 4], 0) = 0
7 clone(child_stack=NULL, flags=SIGCHLD) = 8
7 close(4) = 0
8 close(3) = 0
7 kill(8, SIGKILL) = 0
7 read(3, "", 8) = 0
8 +++ killed by SIGKILL +++
7 --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_KILLED, si_pid=8, si_uid=0, si_status=SIGKILL, si_utime=0, si_stime=0} ---
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := replay.Run(parse(t, c.log), replay.Options{Inferences: true, Check: true})
			require.Nil(t, r.Divergence, "%v", r.Divergence)
		})
	}
}
