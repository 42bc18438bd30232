package strace_test

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/internal/form"
	"github.com/epollsim/epollsim/scenario/strace"
	"github.com/stretchr/testify/require"
)

// Files that are no logs of strace are told apart from those that are.
func TestVerdict(t *testing.T) {
	const call = "7     close(3)                          = 0\n"
	for _, c := range []struct{ name, text, want string }{
		{"nothing", "", "log:1:1: the log is empty; a log is made by: strace -f -ttt -o FILE PROGRAM"},
		{"one call", call, ""},
		{"windows line ends", strings.ReplaceAll(call, "\n", "\r\n"), ""},
		{"no last line end", strings.TrimSuffix(call, "\n"), ""},
		{"byte order mark", "\xef\xbb\xbf" + call, ""},
		{"a line of the program", "hello\n" + call, ""},
		{"blank lines", "\n\n\n", "there is no system call in this log"},
		{"a program", "\x7fELF\x02\x01\x01\x00\x00\x00\n\x00\x00\n", "log:1:8: this is not a text"},
		{"utf-16", "c\x00l\x00o\x00s\x00e\x00(\x003\x00)\x00", "log:1:2: this is not a text"},
		{"prose", "It was a dark and\nstormy night.\n", "log:1:1: there is no system call in this log"},
		{"perf trace", "     0.000 ( 0.003 ms): cat/123 read(fd: 3, buf: 0x7f, count: 832) = 832\n" +
			"     0.012 ( 0.001 ms): cat/123 close(fd: 3) = 0\n", "looks like the log of perf trace, not of strace"},
		{"dtruss", "\tPID/THRD  SYSCALL(args) \t\t = return\n 123/0x1: stuff -> x\n", "looks like the log of dtruss, not of strace"},
		{"truss", "open(" + `"/a",O_RDONLY)` + "\t\t = 3 (0x3)\nread(3,0x10,1)\t\t = 1 (0x1)\n", "looks like the log of truss, not of strace"},
		{"ltrace -S", "__libc_start_main@SYS(0x1, 2)\nfoo->bar(1) = 2\n", "looks like the log of ltrace, not of strace"},
		{"bpftrace", "Attaching 3 probes...\nopen 3\n", "looks like the log of bpftrace, not of strace"},
		{"gdb", "(gdb) catch syscall\nCatchpoint 1 (any syscall)\n", "looks like the log of gdb, not of strace"},
		{"ktrace", "  123 cat      CALL  read(0x3,0x7ff,0x1)\n  123 cat      RET   read 1\n", "looks like the log of ktrace, not of strace"},
		{"perf script", "cat 123 [001] 1.5: syscalls:sys_enter_read: fd: 0x3\n", "looks like the log of perf or ftrace, not of strace"},
		{"strace -c", "% time     seconds  usecs/call     calls    errors syscall\n------ ----------- ----------- --------- --------- ----------------\n" +
			"  0.00    0.000000           0         1           read\n", "log:1:1: this is only the summary of strace -c"},
		{"-e verbose=none", "7 epoll_ctl(3, EPOLL_CTL_ADD, 5, 0x7ffe12345678) = 0\n", "log:1:34: an address where the events are"},
		{"-e raw=all", "7 epoll_ctl(0x3, 0x1, 0x5, 0x7ffe12345678) = 0\n", "this log was recorded with -e verbose= or -e raw="},
		{"mostly noise", call + strings.Repeat("noise\n", 9), "log:2:1: most lines are not those of strace"},
		{"only notes", "strace: Process 7 attached\nstrace: Process 7 detached\n", "there is no system call in this log"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, stats := read(t, c.text, strace.ReaderOptions{})
			err := stats.Verdict("log")
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.want)
		})
	}
}

// endless gives the same for ever.
type endless string

func (e endless) Read(p []byte) (int, error) {
	for i := 0; i < len(p); {
		i += copy(p[i:], e)
	}
	return len(p), nil
}

// What never ends and has no call is given up.
func TestEndless(t *testing.T) {
	for _, text := range []string{"y\n", "\x00"}[:form.Of(1, 2)] {
		r := strace.NewReader(endless(text), "log", strace.ReaderOptions{})
		for {
			if _, err := r.Next(); err != nil {
				require.ErrorIs(t, err, io.EOF)
				break
			}
		}
		require.ErrorContains(t, r.Stats().Verdict("log"), "no system call in the first ")
	}
}

// What is wrong with a line is told with its place.
func TestUnknownLines(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"7     close(3", "log:1:14: the log ends in the middle of a call"},
		{"7     close(3)", "log:1:15: the log ends in the middle of a call"},
		{"7     close(3) =", "log:1:17: the log ends in the middle of a call"},
		{"7     close(3) = 0 what", "log:1:20: nothing more was expected behind the result of a call"},
		{"7     close(3) = oops", "the result of a call was expected, a number or ?"},
		{"7     close(3) + 0", "log:1:16: the = before the result of a call was expected"},
		{"7     --- SIGUSR1 {si_signo=SIGUSR1", "the --- behind a signal was expected"},
		{"7     +++ gone +++", "log:1:7: the end of a task was expected"},
		{"7     <... close resumes 3", "log:1:7: the name of a call and resumed> was expected"},
		{"7     hello", "log:1:7: a system call, a signal or the end of a task was expected"},
		{"7     a(" + strings.Repeat("[", 100), "values stand in each other more than 64 deep"},
	} {
		_, stats := read(t, c.line, strace.ReaderOptions{})
		require.Equal(t, 1, stats.Unknown, c.line)
		require.ErrorContains(t, stats.First, c.want)
	}
}

// A line longer than the limit is cut off there; the ones behind it are read.
func TestLineLimit(t *testing.T) {
	long := `7 write(1, "` + strings.Repeat("x", 200_000) + "\", 200000) = 200000\n"
	records, stats := read(t, long+"7 close(1) = 0\n", strace.ReaderOptions{LineLimit: 100_000})
	require.Len(t, records, 2)
	require.ErrorContains(t, stats.First, "log:1:100001: longer than the limit of a line")
	require.Equal(t, "close", records[1].Call.Name)
	records, stats = read(t, long, strace.ReaderOptions{})
	require.Zero(t, stats.Unknown)
	require.Len(t, records[0].Call.Args[1].Text, 200_000)
}

// wordy is a log with everything in it, small enough to be cut at each byte.
const wordy = `7     1.000001 clone(child_stack=NULL, flags=CLONE_CHILD_SETTID|SIGCHLD <unfinished ...>
8     1.000002 epoll_wait(3<anon_inode:[eventpoll]>,  <unfinished ...>
7     1.000003 <... clone resumed>, child_tidptr=0x7f) = 8
7     1.000004 write(4<TCP:[127.0.0.1:1->127.0.0.1:2]>, "a\"\1\377\x41"..., 300) = 300 <0.000010>
8     1.000005 <... epoll_wait resumed>[{events=EPOLLIN|0x8000, data={u32=5, u64=5}}], 8, -1) = 1
7     1.000006 --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_KILLED, si_pid=8, si_uid=0, si_status=SIGKILL} ---
8     1.000007 poll([{fd=3, events=POLLIN}, {fd=-1}], 2, 10) = 1 ([{fd=3, revents=POLLIN}])
8     1.000008 select(7, [5], [1 6], [], {tv_sec=2, tv_usec=3000}) = 3 (in [5], out [1 6], left {tv_sec=2, tv_usec=3000})
8     1.000009 read(3, 0x7ff0, 8) = ? ERESTARTSYS (To be restarted if SA_RESTART is set)
8     1.000010 epoll_ctl(3, 0x2a /* EPOLL_CTL_??? */, 5, NULL) = -1 EINVAL (Invalid argument)
8     1.000011 +++ killed by SIGKILL (core dumped) +++
7     1.000012 exit_group(0) = ?
`

// A log that is cut anywhere gives what stands on its whole lines.
func TestCutAnywhere(t *testing.T) {
	whole, stats := read(t, wordy, strace.ReaderOptions{})
	require.Nil(t, stats.First)
	for n := range len(wordy) {
		records, stats := read(t, wordy[:n], strace.ReaderOptions{})
		lines := strings.Count(wordy[:n], "\n")
		require.LessOrEqual(t, stats.Unknown, 1)
		for i, rec := range records {
			if rec.Line <= lines {
				require.Equal(t, whole[i].Kind, rec.Kind, "cut at %d", n)
				require.Equal(t, whole[i].Text, rec.Text)
			}
		}
		tail, _ := read(t, wordy[n:], strace.ReaderOptions{})
		require.NotEmpty(t, tail)
	}
}

// Noise between the lines changes nothing but what is counted.
func TestNoiseBetween(t *testing.T) {
	text, err := os.ReadFile("../../testdata/strace/server_oneshot_workers_default.strace")
	if err != nil {
		text, err = os.ReadFile("../../testdata/strace/classic__server_oneshot_workers_default.strace")
	}
	require.NoError(t, err)
	want, _ := read(t, string(text), strace.ReaderOptions{})
	rng := rand.New(rand.NewPCG(1, 2))
	var noisy strings.Builder
	count := 0
	for line := range strings.Lines(string(text)) {
		if rng.IntN(4) == 0 {
			count++
			noise := []string{"[info] listening on 8080\n", "\x80\xff\n", "= 3\n", "Traceback (most recent call last):\n", "7\n", "{}\n"}
			noisy.WriteString(noise[rng.IntN(len(noise))])
		}
		noisy.WriteString(line)
	}
	got, stats := read(t, noisy.String(), strace.ReaderOptions{})
	require.Equal(t, count, stats.Unknown)
	got = slices.DeleteFunc(got, func(rec strace.Record) bool { return rec.Kind == strace.RecordUnknown })
	require.Len(t, got, len(want))
	for i := range got {
		require.Equal(t, want[i].Text, got[i].Text)
		require.Equal(t, want[i].Kind, got[i].Kind)
	}
}

// A log on stderr has what the program writes there in the middle of its lines.
func TestLogOnStderr(t *testing.T) {
	records, stats := read(t, `execve("./a", ["./a"], 0x7f /* 4 vars */) = 0
write(2, "hello\n", 6hello
)      = 6
write(2, "two\nlines\n", 10two
lines
) = 10
clone3({flags=CLONE_VM|CLONE_THREAD, exit_signal=0}strace: Process 9 attached
 => {parent_tid=[9]}, 88) = 9
[pid     8] write(2, "up\n", 3 <unfinished ...>
[pid     9] write(4, "x", 1up
 <unfinished ...>
[pid     8] <... write resumed>) = 3
[pid     9] <... write resumed>) = 1
[pid     8] write(2, "no end", 6 <unfinished ...>
no end[pid     9] +++ exited with 0 +++
<... write resumed>) = 6
exit_group(0) = ?
+++ exited with 0 +++
`, strace.ReaderOptions{})
	require.Nil(t, stats.First)
	require.Equal(t, 2, stats.Tasks)
	require.Zero(t, stats.Unended)
	var calls []string
	for _, rec := range records {
		if rec.Kind == strace.RecordCall || rec.Kind == strace.RecordExit {
			calls = append(calls, rec.Task.String()+" "+rec.Call.Text)
		}
	}
	require.Equal(t, []string{
		`8 execve("./a", ["./a"], 0x7f /* 4 vars */) = 0`,
		`8 write(2, "hello\n", 6)      = 6`,
		`8 write(2, "two\nlines\n", 10) = 10`,
		`8 clone3({flags=CLONE_VM|CLONE_THREAD, exit_signal=0} => {parent_tid=[9]}, 88) = 9`,
		`8 write(2, "up\n", 3) = 3`,
		`9 write(4, "x", 1) = 1`,
		`8 write(2, "no end", 6) = 6`,
		`8 exit_group(0) = ?`,
	}, calls)
}

// A thread whose execve takes over the id of the leader goes on under that.
func TestExecveOfAThread(t *testing.T) {
	records, stats := read(t, `7     futex(0x1, FUTEX_WAIT, 2, NULL <unfinished ...>
8     execve("/bin/true", ["true"], 0x7f <unfinished ...>
7     +++ superseded by execve in pid 8 +++
7     <... execve resumed>) = 0
7     close(3) = 0
`, strace.ReaderOptions{})
	require.Nil(t, stats.First)
	require.Equal(t, 2, stats.Tasks)
	require.Equal(t, strace.CallNever, records[0].Call.State)
	last := records[len(records)-1]
	require.Equal(t, 2, last.Task.Serial)
	require.Equal(t, 7, last.Task.Tid)
	require.Equal(t, 8, records[3].End.Execve)
}

type broken struct{}

func (broken) Read(p []byte) (int, error) { return 0, abi.EIO }

// An error of the file has its place too.
func TestReadError(t *testing.T) {
	r := strace.NewReader(io.MultiReader(strings.NewReader(wordy), broken{}), "log", strace.ReaderOptions{})
	var err error
	for err == nil {
		_, err = r.Next()
	}
	require.False(t, errors.Is(err, io.EOF))
	require.EqualError(t, err, "log:13:1: cannot be read: "+abi.EIO.Error())
}

// repeated gives a text again and again.
type repeated struct {
	text  string
	times int
	rest  string
}

func (r *repeated) Read(p []byte) (int, error) {
	if r.rest == "" {
		if r.times == 0 {
			return 0, io.EOF
		}
		r.times--
		r.rest = r.text
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// A long log takes no more memory than a short one.
func TestStreams(t *testing.T) {
	lines := strings.Count(wordy, "\n")
	times := form.Of(5_000, 20_000)
	r := strace.NewReader(&repeated{text: wordy, times: times}, "log", strace.ReaderOptions{})
	var before, after runtime.MemStats
	for i := 0; ; i++ {
		if _, err := r.Next(); err != nil {
			require.ErrorIs(t, err, io.EOF)
			break
		}
		if i == 1000 {
			runtime.GC()
			runtime.ReadMemStats(&before)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	require.Equal(t, lines*times, r.Stats().Lines)
	require.Less(t, int64(after.HeapAlloc)-int64(before.HeapAlloc), int64(1<<20))
	runtime.KeepAlive(r)
}

// No line takes more time than its length explains, nor does noise where many tasks are in calls.
func TestHostileLogs(t *testing.T) {
	const n = 1 << 16
	var tasks strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&tasks, "%d write(2, \"x\", 1 <unfinished ...>\n", i+1)
	}
	for name, log := range map[string]string{
		"open brackets": "7 a(" + strings.Repeat("[", n),
		"tangled calls": "7 a(" + strings.Repeat("f(", 60) + strings.Repeat("x ", n) + strings.Repeat(")|1", 60) + ") = 0",
		"decorations":   "7 a(" + strings.Repeat("3<[", n) + ") = 0",
		"arrows":        "7 a(" + strings.Repeat("1 => ", n) + "1) = 0",
		"backslashes":   "7 a(\"" + strings.Repeat("\\", n) + ") = 0",
		"pids":          strings.Repeat("[pid 7] ", n),
		"notes":         "7 a(" + strings.Repeat("strace: Process 7 attached", n/26),
		"noise":         tasks.String() + strings.Repeat("noise\n", 2000),
	} {
		begin := time.Now()
		read(t, log, strace.ReaderOptions{})
		require.Less(t, time.Since(begin), 20*time.Second, name)
	}
}

// A log of strace -p that was told to end: the last calls are under way.
func TestDetached(t *testing.T) {
	records, stats := read(t, "7 epoll_wait(5,  <detached ...>\n8 read(3,  <detached ...>\n", strace.ReaderOptions{})
	require.Zero(t, stats.Unknown, "%v", stats.First)
	require.Len(t, records, 2)
	for _, rec := range records {
		require.Equal(t, strace.RecordEnter, rec.Kind)
		require.Equal(t, rec.Call, rec.Task.Open)
	}
}
