package strace_test

import (
	"errors"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/scenario/strace"
	"github.com/epollsim/epollsim/sim"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite testdata")

func many(n int, item string) string { return strings.TrimSuffix(strings.Repeat(item+", ", n), ", ") }

// story is what happened on a machine, told to a Writer.
type story struct {
	*strace.Writer
	text strings.Builder
	now  int64
}

func tell(opts strace.Options) *story {
	s := &story{}
	s.Writer = strace.New(&s.text, opts)
	return s
}

func (s *story) event(what string, arg any) {
	s.Event(sim.Event{Kind: sim.EventCall, Time: s.now, What: what, Arg: arg})
}

// enter begins a call of thread tid.
func (s *story) enter(tid int, call kernel.Call) *kernel.Call {
	call.Tid, call.Done = tid, false
	s.event(kernel.TraceEnter, &call)
	return &call
}

func (s *story) exit(call *kernel.Call) { s.event(kernel.TraceExit, call) }

// call is a whole call of thread tid.
func (s *story) call(tid int, call kernel.Call) { s.exit(s.enter(tid, call)) }

// example is the call of an example. Two calls have no end.
func (s *story) example(ex example) {
	call := s.enter(1000, ex.call)
	if call.Name != "exit" && call.Name != "exit_group" {
		s.exit(call)
	}
}

func (s *story) signal(info kernel.SignalInfo) { s.event(kernel.TraceSignal, &info) }

func (s *story) end(tid, code int, sig abi.Signal) {
	s.event(kernel.TraceEnd, &kernel.ThreadEnd{Tid: tid, Pid: tid, Code: code, Signal: sig})
}

func (s *story) log(t *testing.T) string {
	t.Helper()
	require.NoError(t, s.Close())
	return s.text.String()
}

func TestLines(t *testing.T) {
	s := tell(strace.Options{})
	var want strings.Builder
	for _, ex := range examples {
		s.example(ex)
		want.WriteString("1000  " + ex.want + "\n")
	}
	sameLines(t, want.String(), s.log(t))
}

// sameLines compares texts line by line, so that a failure shows the line.
func sameLines(t *testing.T, want, got string) {
	t.Helper()
	wants, gots := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(wants), len(gots)) {
		require.Equal(t, wants[i], gots[i], "line %d", i+1)
	}
	require.Len(t, gots, len(wants))
}

// Every row has an example.
func TestRowsHaveExamples(t *testing.T) {
	seen := map[string]bool{}
	for _, ex := range examples {
		seen[ex.call.Name] = true
	}
	for _, name := range strace.Names() {
		require.True(t, seen[name], "no example of %s", name)
	}
}

// A call that another thread interrupts shows the same text in two parts.
func TestUnfinished(t *testing.T) {
	var golden strings.Builder
	for _, ex := range examples {
		if strings.HasSuffix(ex.want, "= ?") {
			continue
		}
		whole := tell(strace.Options{})
		whole.call(1000, ex.call)
		parts := tell(strace.Options{})
		call := parts.enter(1000, ex.call)
		parts.call(7, did("getpid", 7))
		parts.exit(call)

		lines := strings.Split(parts.log(t), "\n")
		require.Len(t, lines, 4, ex.want)
		begin, ok := strings.CutSuffix(lines[0], " <unfinished ...>")
		require.True(t, ok, lines[0])
		end, ok := strings.CutPrefix(lines[2], "1000  <... "+ex.call.Name+" resumed>")
		require.True(t, ok, lines[2])
		require.Equal(t, squeeze(whole.log(t)), squeeze(begin+end)+"\n")
		golden.WriteString(lines[0] + "\n" + lines[2] + "\n")
	}
	sameLines(t, readGolden(t, "testdata/unfinished.strace", golden.String()), golden.String())
}

// squeeze takes out the alignment of results.
func squeeze(line string) string {
	head, tail, _ := strings.Cut(line, ") ")
	return head + ") " + strings.TrimLeft(tail, " ")
}

func readGolden(t *testing.T, name, text string) string {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(name, []byte(text), 0o644))
	}
	want, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(want)
}

// Sets and entries are those of the begin in the arguments, those of the end in the result.
func TestSelectChangesItsSets(t *testing.T) {
	s := tell(strace.Options{})
	r := set(3, 4, 70)
	call := s.enter(1, did("select", 1, 71, r, nil, set(3), 1500))
	*r = *set(70)
	*call.Args[3].(*abi.FdSet) = abi.FdSet{}
	s.now += 400_001_000
	s.exit(call)
	call = s.enter(1, did("pselect6", 1, 71, r, nil, nil, 100))
	s.now += 2e9 // later than asked for
	s.exit(call)
	require.Equal(t, `1     select(71, [3 4 70], NULL, [3], {tv_sec=1, tv_usec=500000}) = 1 (in [70], left {tv_sec=1, tv_usec=99999})
1     pselect6(71, [70], NULL, NULL, {tv_sec=0, tv_nsec=100000000}, NULL) = 1 (in [70], left {tv_sec=0, tv_nsec=0})
`, s.log(t))
}

func TestTimesAndDurations(t *testing.T) {
	s := tell(strace.Options{Times: true, Durations: true})
	s.call(1, did("dup", 4, 3))
	s.now = 1_234_567_890
	wait := s.enter(1, did("epoll_wait", 0, 3, memory, 8, 2000))
	s.now += 1999
	s.call(2, failed("read", abi.EAGAIN, 4, buffer, 8))
	s.now = 3_234_567_890
	s.exit(wait)
	s.enter(1, did("exit_group", 0, 0))
	s.end(1, 0, 0)
	require.Equal(t, `1     0.000000 dup(3)                   = 4 <0.000000>
1     1.234567 epoll_wait(3,  <unfinished ...>
2     1.234569 read(4, 0x7ffd00001000, 8) = -1 EAGAIN (Resource temporarily unavailable) <0.000000>
1     3.234567 <... epoll_wait resumed>[], 8, 2000) = 0 <2.000000>
1     3.234567 exit_group(0)            = ?
1     3.234567 +++ exited with 0 +++
`, s.log(t))
}

func TestStringLimit(t *testing.T) {
	write := did("write", 5, 1, []byte("a\0019bc"), 5)
	wait := did("epoll_wait", 3, 3, repeat(3, abi.EpollEvent{}), 8, 0)
	event := "{events=0, data={u32=0, u64=0}}"
	for limit, want := range map[int]string{
		2:  `write(1, "a\1"..., 5)|epoll_wait(3, [` + many(2, event) + `, ...], 8, 0)`,
		3:  `write(1, "a\19"..., 5)|epoll_wait(3, [` + many(3, event) + `], 8, 0)`,
		5:  `write(1, "a\19bc", 5)|epoll_wait(3, [` + many(3, event) + `], 8, 0)`,
		-1: `write(1, "a\19bc", 5)|epoll_wait(3, [` + many(3, event) + `], 8, 0)`,
	} {
		s := tell(strace.Options{StringLimit: limit})
		s.call(1, write)
		s.call(1, wait)
		one, two, _ := strings.Cut(want, "|")
		lines := strings.Split(s.log(t), "\n")
		require.Equal(t, "1     "+one, lines[0][:strings.Index(lines[0], ")")+1])
		require.Equal(t, "1     "+two, lines[1][:strings.LastIndex(lines[1], ")")+1])
	}
}

func TestSignals(t *testing.T) {
	s := tell(strace.Options{})
	s.call(12, kernel.Call{Pid: 10, Name: "getpid", Ret: 10})
	for _, info := range []kernel.SignalInfo{
		{Tid: 12, Sig: abi.SIGUSR1, Code: kernel.SignalTkill, Sender: 1, Thread: true},
		{Tid: 12, Sig: abi.SIGUSR1, Sender: 1},
		{Tid: 12, Sig: abi.SIGPIPE, Sender: 10, Thread: true},
		{Tid: 12, Sig: abi.SIGPIPE, Code: kernel.SignalTkill, Sender: 1, Thread: true},
		{Tid: 12, Sig: abi.SIGCHLD, Sender: 5}, // by kill(2)
		{Tid: 12, Sig: abi.SIGCHLD, Code: kernel.ChildExited, Sender: 5, Status: 3 << 8},
		{Tid: 12, Sig: abi.SIGCHLD, Code: kernel.ChildKilled, Sender: 5, Status: int(abi.SIGKILL)},
		{Tid: 12, Sig: abi.SIGCHLD, Code: kernel.ChildStopped, Sender: 5, Status: int(abi.SIGSTOP)<<8 | 0x7f},
		{Tid: 12, Sig: abi.SIGCHLD, Code: kernel.ChildContinued, Sender: 5, Status: 0xffff},
	} {
		s.signal(info)
	}
	require.Equal(t, `12    getpid()                          = 10
12    --- SIGUSR1 {si_signo=SIGUSR1, si_code=SI_TKILL, si_pid=1, si_uid=0} ---
12    --- SIGUSR1 {si_signo=SIGUSR1, si_code=SI_USER, si_pid=1, si_uid=0} ---
12    --- SIGPIPE {si_signo=SIGPIPE, si_code=SI_USER, si_pid=10, si_uid=0} ---
12    --- SIGPIPE {si_signo=SIGPIPE, si_code=SI_TKILL, si_pid=1, si_uid=0} ---
12    --- SIGCHLD {si_signo=SIGCHLD, si_code=SI_USER, si_pid=5, si_uid=0} ---
12    --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=5, si_uid=0, si_status=3, si_utime=0, si_stime=0} ---
12    --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_KILLED, si_pid=5, si_uid=0, si_status=SIGKILL, si_utime=0, si_stime=0} ---
12    --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_STOPPED, si_pid=5, si_uid=0, si_status=SIGSTOP, si_utime=0, si_stime=0} ---
12    --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_CONTINUED, si_pid=5, si_uid=0, si_status=SIGCONT, si_utime=0, si_stime=0} ---
`, s.log(t))
}

// Threads that die in a call: what strace would have shown at the end of it is missing.
func TestDeathInACall(t *testing.T) {
	s := tell(strace.Options{})
	s.enter(2, did("epoll_wait", 0, 3, memory, 8, -1))
	s.enter(3, did("poll", 0, []abi.PollFd{}, 0, -1))
	s.enter(4, did("close", 0, 3))
	s.end(4, 0, abi.SIGKILL)
	s.enter(1, did("exit_group", 0, 0))
	s.end(2, 0, 0)
	s.end(3, 0, 0)
	s.end(1, 0, 0)
	s.enter(5, did("read", 0, 3, buffer, 8))
	s.end(5, 0, abi.SIGPIPE)
	require.Equal(t, `2     epoll_wait(3,  <unfinished ...>
3     poll([], 0, -1 <unfinished ...>
4     close(3)                          = ?
4     +++ killed by SIGKILL +++
1     exit_group(0)                     = ?
2     <... epoll_wait resumed> <unfinished ...>) = ?
2     +++ exited with 0 +++
3     <... poll resumed> <unfinished ...>) = ?
3     +++ exited with 0 +++
1     +++ exited with 0 +++
5     read(3,  <unfinished ...>)        = ?
5     +++ killed by SIGPIPE +++
`, s.log(t))
}

// A run that ends with a thread in a call, and one that begins with it.
func TestOpenEnds(t *testing.T) {
	s := tell(strace.Options{})
	call := did("epoll_wait", 0, 3, memory, 8, -1)
	s.exit(&call)
	s.enter(123456, call)
	require.NoError(t, s.Flush())
	require.Equal(t, 1, strings.Count(s.text.String(), "\n"))
	require.Equal(t, "1000  <... epoll_wait resumed>[], 8, -1) = 0\n123456 epoll_wait(3,  <unfinished ...>\n", s.log(t))
}

// What is not of the kernel's calls is passed over.
func TestOtherEvents(t *testing.T) {
	s := tell(strace.Options{})
	s.Event(sim.Event{Kind: sim.EventNote, What: "note"})
	s.event("later", 5)
	s.event("later", &kernel.Call{})
	s.event(kernel.TraceEnter, nil)
	require.Empty(t, s.log(t))
}

type full struct{}

var errFull = errors.New("disk full")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestWriteErrorStays(t *testing.T) {
	w := strace.New(full{}, strace.Options{})
	s := &story{Writer: w}
	s.call(1, did("getpid", 1))
	require.ErrorIs(t, w.Flush(), errFull)
	s.call(1, did("getpid", 1))
	require.ErrorIs(t, w.Close(), errFull)
}

// A long line costs as much as its length: a call that stays open is not copied again and again.
func TestManyThreads(t *testing.T) {
	s := tell(strace.Options{})
	var calls []*kernel.Call
	for tid := range 5000 {
		calls = append(calls, s.enter(tid+1, did("epoll_wait", 0, 3, memory, 8, -1)))
	}
	for _, call := range calls {
		s.exit(call)
	}
	require.Equal(t, 10_000, strings.Count(s.log(t), "\n"))
}
