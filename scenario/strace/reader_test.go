package strace_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/scenario/strace"
	"github.com/stretchr/testify/require"
)

// Constants that strace shows as numbers are those constants.
func TestNumbersForNames(t *testing.T) {
	for _, args := range []string{
		`SOCK_STREAM|SOCK_CLOEXEC, {sa_family=AF_INET, sin_port=htons(7495), sin_addr=inet_addr("127.0.0.1")}`,
		`0x1|0x80000, {sa_family=0x2, sin_port="\x1d\x47", sin_addr="\x7f\x00\x00\x01"}`,
		`0x80001, {sa_family=0x2 /* AF_INET */, sin_port=htons(7495), sin_addr=inet_addr("127.0.0.1")}`,
		`0x1 /* SOCK_STREAM */|0x80000 /* SOCK_CLOEXEC */, {sa_family=0x2 /* AF_INET */, sin_port=htons(7495), sin_addr=inet_addr("127.0.0.1")}`,
	} {
		records, stats := read(t, "7 call("+args+") = 0\n", strace.ReaderOptions{})
		require.Nil(t, stats.First, args)
		flags, addr := &records[0].Call.Args[0], &records[0].Call.Args[1]
		n, known := flags.Number()
		require.True(t, known, args)
		require.Equal(t, int64(0x80001), n, args)
		require.True(t, flags.Has("SOCK_CLOEXEC") && flags.CloseOnExec() && !flags.Has("SOCK_NONBLOCK"), args)
		require.True(t, addr.Field("sa_family").Is("AF_INET") && !addr.Field("sa_family").Is("AF_INET6"), args)
		got, ok := addr.Sockaddr()
		require.True(t, ok, args)
		require.Equal(t, "127.0.0.1:7495", got.Inet.String(), args)
	}
}

// read gives all records of a text.
func read(t testing.TB, text string, opts strace.ReaderOptions) ([]strace.Record, strace.Stats) {
	t.Helper()
	return readFrom(t, strings.NewReader(text), "log", opts)
}

func readFrom(t testing.TB, in io.Reader, name string, opts strace.ReaderOptions) ([]strace.Record, strace.Stats) {
	t.Helper()
	r := strace.NewReader(in, name, opts)
	var all []strace.Record
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all, r.Stats()
		}
		require.NoError(t, err)
		all = append(all, rec)
	}
}

// realLogs are the logs of real programs that come with the source.
func realLogs(t testing.TB) []string {
	t.Helper()
	logs, err := filepath.Glob("../../testdata/strace/*.strace")
	require.NoError(t, err)
	require.NotEmpty(t, logs)
	return logs
}

// Every line of the logs of real programs is known, every call has its name, and each begin its end unless the log shows none.
func TestRealLogs(t *testing.T) {
	for _, name := range realLogs(t) {
		file, err := os.Open(name)
		require.NoError(t, err)
		defer file.Close()
		records, stats := readFrom(t, file, filepath.Base(name), strace.ReaderOptions{})
		require.Zero(t, stats.Unknown, "%v", stats.First)
		require.NoError(t, stats.Verdict(name))
		open := map[*strace.Call]bool{}
		for _, rec := range records {
			switch rec.Kind {
			case strace.RecordEnter:
				require.False(t, open[rec.Call])
				open[rec.Call] = true
			case strace.RecordExit:
				require.True(t, open[rec.Call] || rec.Call.Headless, "%v", rec.Pos)
				require.NotEqual(t, strace.CallOpen, rec.Call.State)
				require.NotEqual(t, strace.CallLost, rec.Call.State, "%v", rec.Pos)
				delete(open, rec.Call)
			}
		}
		require.Len(t, open, stats.Unended, name)
		require.Zero(t, stats.Headless, name)
	}
}

// Each form that a line takes, and what it says.
func TestLineForms(t *testing.T) {
	for _, line := range []string{
		`7     epoll_wait(3, [{events=EPOLLIN, data={u32=5, u64=5}}], 8, -1) = 1`,
		`7 1795290539.152455 epoll_wait(3, [{events=EPOLLIN, data={u32=5, u64=5}}], 8, -1) = 1 <0.000010>`,
		`7     19:49:28.767924 epoll_wait(3, [{events=EPOLLIN, data=0x5}], 8, -1) = 1`,
		`7     19:49:28 epoll_wait(3, [{EPOLLIN, {u32=5, u64=5}}], 8, -1) = 1`,
		`7          0.000123 epoll_wait(3<anon_inode:[eventpoll]>, [{events=EPOLLIN, data={u32=5, u64=5}}], 8, -1) = 1`,
		`7     19:49:28 (+     0.000100) epoll_wait(3, [{events=EPOLLIN, data={u32=5, u64=5}}], 8, -1) = 1`,
		`7     1795290539 epoll_wait(3, [{events=EPOLLIN, data={u32=5, u64=5}}], 8, -1) = 1`,
		`7<redis-server> epoll_wait(3, [{events=EPOLLIN, data={u32=5, u64=5}}], 8, -1) = 1`,
		`[pid     7] epoll_wait(3, [{events=EPOLLIN, data={u32=5, u64=5}}], 8, -1) = 1`,
		`[pid 7<redis-server>] 19:49:28.767924 epoll_wait(3, [{events=EPOLLIN, data={u32=5, u64=5}}], 8, -1) = 1`,
		`7 1795290539.152455 [ 232] [00007f12aabbccdd] epoll_wait(3, [{events=EPOLLIN, data={u32=5, u64=5}}], 8, -1) = 1`,
		`7     epoll_wait(3, [{events=0x1 /* EPOLLIN */, data={u32=5, u64=5}}], 8, -1) = 1`,
		"7     epoll_wait(3, [{events=EPOLLIN, data={u32=5, u64=5}}], 8, -1) = 1\r",
	} {
		records, stats := read(t, line+"\n", strace.ReaderOptions{})
		require.Len(t, records, 1, line)
		require.Nil(t, stats.First, line)
		rec := records[0]
		require.Equal(t, strace.RecordCall, rec.Kind, line)
		require.Equal(t, 7, rec.Task.Tid)
		require.Equal(t, "epoll_wait", rec.Call.Name)
		require.Len(t, rec.Call.Args, 4, line)
		require.Equal(t, int64(3), rec.Call.Args[0].Int)
		event := &rec.Call.Args[1].List[0]
		events, known := event.List[0].Number()
		require.True(t, known)
		require.Equal(t, int64(abi.EPOLLIN), events, line)
		require.Equal(t, int64(-1), rec.Call.Args[3].Int)
		require.Equal(t, int64(1), rec.Call.Result.Ret)
		at := rec.Call.Where(rec.Call.Args[1].Col)
		require.Equal(t, strings.Index(line, "[{")+1, at.Col, line)
	}
}

// What -e read= and -e write= show below a call is a note; what -e inject= made up is told apart, and so is the time behind an error. With -z a call ends on a line of its own.
func TestTampered(t *testing.T) {
	records, stats := read(t, `7 read(3, "ab", 4) = 2
 | 00000  61 62                                             ab               |
7 writev(4, [{iov_base="a", iov_len=1}, {iov_base="b", iov_len=1}], 2) = 2
 * 1 bytes in buffer 0
 | 00000  61                                                a                |
7 recvfrom(3, "[", 10, 0, NULL, NULL) = 1 (INJECTED)
7 read(3, 0x7ffe, 4) = -1 EAGAIN (Resource temporarily unavailable) (INJECTED) <0.000021>
7 read(3, "a", 4) = 1 (DELAYED) <0.000021>
7 read(3, "a", 4) = 1 (INJECTED: args)
7 read(3, 0x7ffe, 4) = -1 EAGAIN (Resource temporarily unavailable) <0.000021>
7 close(3 <unfinished ...>
)                                       = 0
`, strace.ReaderOptions{})
	require.Nil(t, stats.First)
	var injected []bool
	var spent []int64
	for _, rec := range records {
		if rec.Call != nil && rec.Kind != strace.RecordEnter {
			injected = append(injected, rec.Call.Result.Injected)
			spent = append(spent, rec.Call.Result.Spent)
		}
	}
	require.Equal(t, []bool{false, false, true, true, false, false, false, false}, injected)
	require.Equal(t, []int64{-1, -1, -1, 21_000, 21_000, -1, 21_000, -1}, spent)
}

// With -z the end of a call is found as fast among many tasks as among few.
func TestStagedOfManyTasks(t *testing.T) {
	const tasks = 30_000
	var b strings.Builder
	for pid := range tasks {
		fmt.Fprintf(&b, "%d close(3 <unfinished ...>\n)                                       = 0\n", pid+1)
	}
	begin := time.Now()
	records, stats := read(t, b.String(), strace.ReaderOptions{})
	require.Less(t, time.Since(begin), 5*time.Second)
	require.Nil(t, stats.First)
	require.Len(t, records, 2*tasks)
	require.Equal(t, tasks, records[len(records)-1].Call.Task.Tid)
}
