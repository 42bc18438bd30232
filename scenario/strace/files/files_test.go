package files_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/epollsim/epollsim/scenario/strace"
	"github.com/epollsim/epollsim/scenario/strace/files"
	"github.com/stretchr/testify/require"
)

// follow gives the Tracker at the end of a log, and the last task of each number.
func follow(t *testing.T, in io.Reader, name string) (*files.Tracker, map[int]*strace.Task) {
	t.Helper()
	r := strace.NewReader(in, name, strace.ReaderOptions{})
	tracker, tasks := files.New(), map[int]*strace.Task{}
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			return tracker, tasks
		}
		require.NoError(t, err)
		require.NotEqual(t, strace.RecordUnknown, rec.Kind, "%v", rec.Why)
		tracker.Apply(&rec)
		if rec.Task != nil {
			tasks[rec.Task.Tid] = rec.Task
		}
	}
}

// In the logs of real programs each new descriptor is the lowest number that is free, by what was followed – unless strace
// came to a program that had descriptors already, or was told which calls to show by their names.
func TestRealLogs(t *testing.T) {
	logs, err := filepath.Glob("../../../testdata/strace/*.strace")
	require.NoError(t, err)
	require.NotEmpty(t, logs)
	for _, name := range logs {
		if strings.Contains(name, "_attached") || strings.Contains(name, "_by_name") {
			continue
		}
		file, err := os.Open(name)
		require.NoError(t, err)
		defer file.Close()
		tracker, _ := follow(t, file, filepath.Base(name))
		require.Zero(t, tracker.Surprises, "%v", tracker.Surprise)
		for _, in := range tracker.Inherited() {
			require.True(t, in.Fd < 3 || in.Fd == 10 && strings.HasPrefix(filepath.Base(name), "own__"), "%s: %v", name, in)
		}
	}
}

// What each call does to the tables. After the log stand the open numbers of each task.
func TestTables(t *testing.T) {
	for name, log := range map[string]string{
		"fork copies": `7 pipe2([3, 4], 0) = 0
7 fork() = 8
8 close(3) = 0
7 dup(4) = 5
> 7: 0 1 2 3 4 5
> 8: 0 1 2 4`,
		"a child after its parent's next lines": `7 fork() = 8
7 pipe2([3, 4], 0) = 0
8 eventfd2(0, 0) = 3
> 7: 0 1 2 3 4
> 8: 0 1 2 3`,
		"a child before its parent's line": `7 close(3) = 0
7 clone(child_stack=NULL, flags=CLONE_CHILD_SETTID|SIGCHLD <unfinished ...>
8 eventfd2(0, 0) = 3
7 <... clone resumed>, child_tidptr=0x7f) = 8
7 eventfd2(0, 0) = 3
> 7: 0 1 2 3
> 8: 0 1 2 3`,
		"a thread shares": `7 clone3({flags=CLONE_VM|CLONE_FILES|CLONE_THREAD, exit_signal=0} => {parent_tid=[8]}, 88) = 8
8 eventfd2(0, 0) = 3
> 7: 0 1 2 3
> 8: 0 1 2 3`,
		"CLONE_FILES without CLONE_THREAD": `7 clone(child_stack=0x7f, flags=CLONE_FILES|SIGCHLD) = 8
8 eventfd2(0, 0) = 3
8 execve("/bin/true", ["true"], 0x7f) = 0
8 close(3) = 0
> 7: 0 1 2 3
> 8: 0 1 2`,
		"vfork with CLONE_VM has its own": `7 clone(child_stack=0x7f, flags=CLONE_VM|CLONE_VFORK|SIGCHLD) = 8
8 eventfd2(0, 0) = 3
> 7:
> 8: 0 1 2 3`,
		"exec closes what is close-on-exec": `7 pipe2([3, 4], O_CLOEXEC) = 0
7 dup(3) = 5
7 fcntl(4, F_SETFD, 0) = 0
7 openat(AT_FDCWD, "/dev/null", O_RDONLY|O_CLOEXEC) = 6
7 ioctl(6, FIONCLEX) = 0
7 fcntl(5, F_DUPFD_CLOEXEC, 10) = 10
7 dup3(5, 11, O_CLOEXEC) = 11
7 execve("/bin/true", ["true"], 0x7f) = 0
> 7: 0 1 2 4 5 6`,
		"a thread's exec": `7 eventfd2(0, EFD_CLOEXEC) = 3
7 clone3({flags=CLONE_VM|CLONE_FILES|CLONE_THREAD, exit_signal=0} => {parent_tid=[8]}, 88) = 8
7 futex(0x1, FUTEX_WAIT, 2, NULL <unfinished ...>
8 execve("/bin/true", ["true"], 0x7f <unfinished ...>
7 +++ superseded by execve in pid 8 +++
7 <... execve resumed>) = 0
7 eventfd2(0, 0) = 3
7 eventfd2(0, 0) = 4
> 7: 0 1 2 3 4`,
		"close_range": `7 eventfd2(0, 0) = 3
7 eventfd2(0, 0) = 4
7 eventfd2(0, 0) = 5
7 close_range(4, 4, 0) = 0
7 eventfd2(0, 0) = 4
7 close_range(4, 4294967295, CLOSE_RANGE_CLOEXEC) = 0
7 execve("/bin/true", ["true"], 0x7f) = 0
7 close_range(1, 4294967295, 0) = 0
7 eventfd2(0, 0) = 1
> 7: 0 1`,
		"unshare": `7 clone3({flags=CLONE_VM|CLONE_FILES|CLONE_THREAD, exit_signal=0} => {parent_tid=[8]}, 88) = 8
8 unshare(CLONE_FILES) = 0
8 eventfd2(0, 0) = 3
> 7:
> 8: 0 1 2 3`,
		"CLOSE_RANGE_UNSHARE": `7 eventfd2(0, 0) = 3
7 clone(child_stack=0x7f, flags=CLONE_FILES|SIGCHLD) = 8
8 close_range(3, 4294967295, CLOSE_RANGE_UNSHARE) = 0
> 7: 0 1 2 3
> 8: 0 1 2`,
		"SCM_RIGHTS": `7 recvmsg(3, {msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base="m", iov_len=9}], msg_iovlen=1, ` +
			`msg_control=[{cmsg_len=24, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[4, 5]}], msg_controllen=24, msg_flags=0}, 0) = 1
> 7: 0 1 2 3 4 5`,
		"pidfds": `7 clone3({flags=CLONE_PIDFD, pidfd=0x7f, exit_signal=SIGCHLD} => {pidfd=[3]}, 88) = 8
7 clone(child_stack=0x7f, flags=CLONE_PIDFD|SIGCHLD, parent_tid=[4]) = 9
7 pidfd_open(8, 0) = 5
> 7: 0 1 2 3 4 5`,
		"what others make": `7 memfd_create("x", MFD_CLOEXEC) = 3
7 signalfd4(-1, [USR1], 8, SFD_CLOEXEC) = 4
7 signalfd4(4, [USR2], 8, 0) = 4
7 io_uring_setup(8, {flags=0}) = 5
7 ioctl(3, TIOCGPTPEER, O_RDWR|O_CLOEXEC) = 6
7 socketpair(AF_UNIX, SOCK_STREAM, 0, [7, 8]) = 0
7 accept4(7, NULL, NULL, SOCK_CLOEXEC) = 9
7 socket(AF_UNIX, SOCK_STREAM, 0) = -1 EMFILE (Too many open files)
7 close(99) = -1 EBADF (Bad file descriptor)
7 poll([{fd=98, events=POLLIN}, {fd=7, events=POLLIN}], 2, 0) = 1 ([{fd=98, revents=POLLNVAL}])
> 7: 0 1 2 3 4 5 6 7 8 9`,
		"a file opened by nobody": `7 eventfd2(0, 0) = 3
7 close(3) = 0
7 read(3, "x", 1) = 1
> 7: 0 1 2 3`,
	} {
		t.Run(name, func(t *testing.T) {
			log, want, _ := strings.Cut(log, "\n> ")
			tracker, tasks := follow(t, strings.NewReader(log+"\n"), "log")
			require.Zero(t, tracker.Surprises, "%v", tracker.Surprise)
			var got []string
			for _, tid := range []int{7, 8} {
				if tasks[tid] == nil || tasks[tid].Tid != tid {
					continue
				}
				fds := fmt.Sprint(tracker.Table(tasks[tid]).Open())
				got = append(got, strings.TrimSpace(fmt.Sprintf("%d: %s", tid, strings.Trim(fds, "[]"))))
			}
			require.Equal(t, want, strings.Join(got, "\n> "))
		})
	}
}

// What was open before belongs to the first of a family; those forked from it share the file, and each call tells more of it.
func TestInherited(t *testing.T) {
	tracker, tasks := follow(t, strings.NewReader(`7 fork() = 8
8 epoll_wait(5, [{events=EPOLLIN, data={u32=9, u64=9}}], 8, -1) = 1
8 accept4(9, NULL, NULL, 0) = 10
7 epoll_ctl(5, EPOLL_CTL_ADD, 4<pipe:[77]>, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
7 newfstatat(6, "", {st_mode=S_IFSOCK|0777, st_size=0, ...}, AT_EMPTY_PATH) = 0
7 ioctl(0, TCGETS, {B38400 opost isig icanon echo ...}) = 0
9 close(3) = 0
`), "log")
	var got []string
	for _, in := range tracker.Inherited() {
		got = append(got, strings.TrimSpace(fmt.Sprintf("%v %d %s %s", in.Task, in.Fd, in.File.Kind, in.File.Name)))
		require.True(t, in.File.Inherited())
	}
	require.Equal(t, []string{
		"7 0 terminal", "7 1", "7 2", "7 3", "7 4 pipe pipe:[77]", "7 5 epoll", "7 6 socket", "7 7", "7 8", "7 9 listening socket", "9 3",
	}, got)
	at := strace.Pos{}
	require.Same(t, tracker.Table(tasks[7]).Get(9, at), tracker.Table(tasks[8]).Get(9, at))
	require.Equal(t, 7, tracker.Parent(tasks[8]).Tid)
	require.Equal(t, 8, tracker.Leader(tasks[8]).Tid)
	require.Nil(t, tracker.Parent(tasks[9]))
}

// A log without the threads of a program says so.
func TestMissingTasks(t *testing.T) {
	tracker, _ := follow(t, strings.NewReader(`close(3) = 0
clone3({flags=CLONE_VM|CLONE_FILES|CLONE_THREAD, exit_signal=0} => {parent_tid=[8]}, 88) = 8
vfork() = 9
fork() = -1 EAGAIN (Resource temporarily unavailable)
clone(child_stack=NULL, flags=CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x7f) = 10
`), "log")
	notices := tracker.Notices()
	require.Len(t, notices, 1)
	require.Equal(t, "log:2:1: 1 thread and 2 processes started that the log does not have, the first here with number 8: "+
		"what they did can only be guessed; record with strace -f", notices[0].String())
}
