package replay_test

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/scenario/replay"
)

func TestStar(t *testing.T) {
	text, err := replay.Star(read(t, filepath.Join(logs, "selftest__wakeup_epoll19.strace")), replay.Options{})
	require.NoError(t, err)
	for _, line := range []string{
		"pair3, pair4 = socketpair(AF_UNIX, SOCK_STREAM)  # 28",
		"epoll_ctl(ep5, EPOLL_CTL_ADD, ep6, EPOLLIN|EPOLLET, data = 0x7ffd4a5744a8)  # 32",
		"check(epoll_wait(ep5, maxevents = 1, timeout = 0) == [(EPOLLIN, 0x7ffd4a5744a8)])  # 34",
		"check(epoll_wait(ep5, maxevents = 1, timeout = 0) == [])  # 35",
	} {
		require.Contains(t, text, line+"\n")
	}
}

// A divergence names the call, both results and the state.
func TestDivergence(t *testing.T) {
	log := "execve(\"./a\", [\"./a\"], 0x7ffe /* 3 vars */) = 0\n" +
		"epoll_create1(0) = 3\neventfd2(1, EFD_NONBLOCK) = 4\n" +
		"epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN|EPOLLET, data={u32=4, u64=4}}) = 0\n" +
		"epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}], 8, 0) = 1\n" +
		"epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}], 8, 0) = 1\n"
	r := replay.Run(parse(t, log), replay.Options{})
	require.Equal(t, replay.ExitDiverged, r.ExitCode())
	var text strings.Builder
	r.Text(&text)
	require.Contains(t, text.String(), "log:6:1: epoll_wait(3, …) of 1000\n    the log says   1 [{EPOLLIN, 0x4}]\n    the model says 0 []\n")
	require.Contains(t, text.String(), ".rdllist    = []")
	var lines strings.Builder
	require.NoError(t, r.JSON(&lines))
	require.Contains(t, lines.String(), `"type":"divergence","file":"log","line":6,"col":1`)
	require.Contains(t, lines.String(), `"type":"replay","schema":1,"file":"log","exit":4`)
}

// The doctor names patterns and lines.
func TestDoctor(t *testing.T) {
	r := replay.Run(read(t, filepath.Join(logs, "classic__server_emfile_tt-T.strace")), replay.Options{Doctor: true})
	require.Len(t, r.Notes, 1)
	require.Equal(t, "EMFILE on accept", r.Notes[0].Pattern)
	require.Equal(t, []int{70, 72, 74, 79}, r.Notes[0].Lines)
	r = replay.Run(parse(t, "epoll_create1(0) = 3\npipe2([4, 5], 0) = 0\ndup(4) = 6\n"+
		"epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0\nclose(4) = 0\nwrite(5, \"x\", 1) = 1\n"+
		"epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}], 8, 0) = 1\n"), replay.Options{Doctor: true})
	require.Nil(t, r.Divergence)
	require.Len(t, r.Notes, 1)
	require.Equal(t, "ghost event", r.Notes[0].Pattern)
	require.Equal(t, []int{7}, r.Notes[0].Lines)
}

// Nothing that a file may hold makes a replay panic or hang.
func FuzzReplay(f *testing.F) {
	f.Add("epoll_create1(0) = 3\nepoll_wait(3, [], 8, 0) = 0\n")
	f.Add("1 socket(AF_INET, SOCK_STREAM, 0) = 3\n1 connect(3, {sa_family=AF_INET, sin_port=htons(1), sin_addr=inet_addr(\"1.2.3.4\")}, 16) = 0\n2 read(3, \"x\", 1) = 1\n")
	f.Add("7 clone(child_stack=NULL, flags=SIGCHLD) = 8\n8 close(2) = 0\n7 wait4(8, NULL, 0, NULL) = 8\n8 +++ exited with 0 +++\n")
	f.Add("7 read(0, <unfinished ...>\n8 write(1, \"x\", 1 <unfinished ...>\n7 <... read resumed>\"x\", 9) = 1\n8 <... write resumed>) = 1\n")
	f.Add(halfWritten)
	f.Fuzz(func(t *testing.T, text string) {
		watchdog := time.AfterFunc(20*time.Second, func() { panic("hangs: " + strconv.Quote(text)) })
		defer watchdog.Stop()
		log, err := replay.Read(source(text), "log")
		if err == nil {
			replay.Run(log, replay.Options{MaxSteps: 100_000, Tries: 20, Doctor: true})
		}
	})
}
