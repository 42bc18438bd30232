package strace_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/scenario/strace"
	"github.com/stretchr/testify/require"
)

const program = `
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

typedef struct pollfd P;
typedef struct timespec T;
typedef struct timeval V;
#define MANY { int f = dup(7); epoll_ctl(3, EPOLL_CTL_ADD, f, &e); }
#define OWN_NAME for (int i = 0; i < 8; i++) un.sun_path[1 + i] = 'a' + (pid >> 4 * i & 15)
static void handler(int sig) {}
static char b[100];
static struct epoll_event e, ev[64];
%s
int main(void) {
	int p[2], n = 0, pid = getpid();
	struct pollfd pf[64] = {0};
	struct sigaction sa = {0};
	struct rlimit rl;
	struct sockaddr_un un = {0};
	struct sockaddr_in ia = {0};
	struct sockaddr_in6 i6 = {0};
	off_t off;
	struct itimerspec its = {{1, 0}, {2, 5}};
	struct timespec t, second = {1, 500};
	socklen_t l;
	sigset_t usr1, old;
	fd_set r, w, x;
	FD_ZERO(&r); FD_ZERO(&w); FD_ZERO(&x);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	syscall(SYS_close_range, 3, ~0U, 0);
	%s
}
`

// realLog compiles a C program of declarations and statements, runs it under the real strace -f and returns the log.
func realLog(t *testing.T, declarations, statements string, options ...string) string {
	t.Helper()
	if runtime.GOARCH != "amd64" {
		t.Skip("system calls and constants are those of x86-64")
	}
	for _, tool := range []string{"gcc", "strace"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("needs", tool)
		}
	}
	dir := t.TempDir()
	source, binary, log := filepath.Join(dir, "p.c"), filepath.Join(dir, "p"), filepath.Join(dir, "log")
	require.NoError(t, os.WriteFile(source, fmt.Appendf(nil, program, declarations, statements), 0o644))
	out, err := exec.Command("gcc", "-w", "-o", binary, source, "-lpthread").CombinedOutput()
	require.NoError(t, err, "%s", out)
	version, err := exec.Command("strace", "--version").Output()
	require.NoError(t, err)
	if !strings.Contains(string(version), "version 6.1\n") {
		t.Skip("the words are those of strace 6.1")
	}
	out, err = exec.Command("strace", append(options, "-f", "-o", log, binary)...).CombinedOutput()
	if strings.Contains(string(out), "ptrace") {
		t.Skipf("strace may not trace here: %s", out)
	}
	text, readErr := os.ReadFile(log)
	require.NoError(t, readErr, "%v: %s", err, out)
	if regexp.MustCompile(`(?m)^\d{6}`).Match(text) {
		t.Skip("process ids of six digits shift the columns")
	}
	return string(text)
}

// What two logs cannot have in common: addresses, what is left of a time, the clock, a name for this run alone.
var (
	names     = regexp.MustCompile(`@"[a-p]{8}"`)
	addresses = regexp.MustCompile(`0x[0-9a-f]{8,}`)
	times     = regexp.MustCompile(`left \{[^}]*\}|(CLOCK_MONOTONIC, |it_value=)\{tv_sec=[1-9][^}]*\}`)
)

func normal(log string) string {
	log = names.ReplaceAllString(log, "NAME")
	return times.ReplaceAllString(addresses.ReplaceAllString(log, "ADDRESS"), "TIME")
}

// The examples that have C, as one program under the real strace: its lines are ours.
func TestAgainstStrace(t *testing.T) {
	var body, want strings.Builder
	body.WriteString("close(-77);\n\t")
	for _, ex := range examples {
		if ex.c != "" {
			body.WriteString(ex.c + "\n\t")
			want.WriteString("1000  " + ex.want + "\n")
		}
	}
	log := realLog(t, "", body.String())
	_, log, ok := strings.Cut(log, "close(-77)")
	require.True(t, ok)
	_, log, _ = strings.Cut(log, "\n")
	pid, _, _ := strings.Cut(log, " ")
	var got strings.Builder
	for line := range strings.Lines(log) {
		if !skipped.MatchString(line) {
			got.WriteString(renumber(line, pid))
		}
	}
	sameLines(t, normal(renumber(want.String(), "1000")), normal(got.String()))
}

// renumber gives the process the number 1000. A line that has it in its text too loses its alignment.
func renumber(log, pid string) string {
	var text strings.Builder
	number := regexp.MustCompile(`\b` + pid + `\b`)
	for line := range strings.Lines(log) {
		line = fmt.Sprintf("%-6s%s", "1000", line[6:])
		if number.MatchString(line[6:]) {
			line = squeeze(number.ReplaceAllString(line, "1000"))
		}
		text.WriteString(line)
	}
	return text.String()
}

// skipped are lines that belong to no example: of the preparation of arrays, of signals.
var skipped = regexp.MustCompile(`^\d+ +(\+\+\+|---|rt_sigreturn|dup\(7\))|epoll_ctl\(3, EPOLL_CTL_ADD, .*u64=1}`)

// A process with threads and children that block, time out, end and are killed, told to our Writer and to the real
// strace.
func TestThreadsAgainstStrace(t *testing.T) {
	want, got := threadsTwice(t)
	for retries := 3; want != got && retries > 0; retries-- { // the machine was too busy for the sleeps
		want, got = threadsTwice(t)
	}
	sameLines(t, want, got)
}

// threadsTwice gives the logs of the real strace and ours. The sleeps keep the program in one order; they are not traced.
func threadsTwice(t *testing.T) (theirs, ours string) {
	log := realLog(t, `
static void *waits(void *p) { usleep(30000); epoll_wait(3, ev, 8, 100); return 0; }
static void *blocks(void *p) { usleep(10000); epoll_wait(3, ev, 8, -1); return 0; }
static void *alsoBlocks(void *p) { struct pollfd pf = {4, POLLIN}; usleep(10000); poll(&pf, 1, -1); return 0; }
`, `
	epoll_create1(0);
	eventfd(0, 0);
	sa.sa_handler = handler; sa.sa_flags = SA_RESTART; sigaction(SIGUSR1, &sa, NULL);
	kill(pid, SIGUSR1);
	pthread_t th;
	pthread_create(&th, NULL, waits, NULL);
	usleep(10000);
	pthread_join(th, NULL);
	usleep(20000);
	pid = fork();
	if (!pid) { usleep(20000); epoll_wait(3, ev, 8, 100); _exit(3); }
	waitpid(pid, &n, 0);
	pid = fork();
	if (!pid) { usleep(20000); setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 50000}}, NULL); read(4, b, 8); }
	waitpid(pid, &n, 0);
	pthread_create(&th, NULL, blocks, NULL);
	usleep(20000);
	pthread_create(&th, NULL, alsoBlocks, NULL);
	usleep(20000);
	_exit(5);
`, "-e", "trace=epoll_create1,eventfd2,epoll_wait,poll,read,clone,clone3,futex,wait4,kill,exit,exit_group,rt_sigaction",
		"-e", "signal=!SIGSTOP")
	begin := strings.Index(log, "epoll_create1") - 6
	require.Positive(t, begin)
	log = log[begin:]
	tids := processes(t, log)

	s := tell(strace.Options{})
	tellThreads(s, tids)
	return normal(byThread(log)), normal(byThread(s.log(t)))
}

// processes are the ids of the first and of those that it starts.
func processes(t *testing.T, log string) []int {
	ids := []string{log[:5]}
	for _, m := range regexp.MustCompile(`(?m)clone.* = (\d+)$`).FindAllStringSubmatch(log, -1) {
		ids = append(ids, m[1])
	}
	require.Len(t, ids, 6)
	tids := make([]int, len(ids))
	for i, id := range ids {
		_, err := fmt.Sscan(id, &tids[i])
		require.NoError(t, err)
	}
	return tids
}

// byThread joins lines thread by thread: who of two is first is chance where both may run.
func byThread(log string) string {
	lines := slices.Collect(strings.Lines(log))
	lines = slices.DeleteFunc(lines, func(line string) bool { return strings.Contains(line, "rt_sigaction(SIGRT_1,") })
	slices.SortStableFunc(lines, func(a, b string) int { return strings.Compare(a[:6], b[:6]) })
	return strings.Join(lines, "")
}

// tellThreads is what TestThreadsAgainstStrace's program does, as events.
func tellThreads(s *story, tids []int) {
	main, joined, child, killed, blocked, second := tids[0], tids[1], tids[2], tids[3], tids[4], tids[5]
	handler := kernel.SigAction{Handler: kernel.HandlerFunc, Flags: 0x10000000}
	s.call(main, did("epoll_create1", 3, 0))
	s.call(main, did("eventfd2", 4, uint32(0), 0))
	s.call(main, did("rt_sigaction", 0, abi.SIGUSR1, handler))
	s.call(main, did("kill", 0, main, abi.SIGUSR1))
	s.signal(kernel.SignalInfo{Tid: main, Sig: abi.SIGUSR1, Sender: main})

	s.call(main, did("clone3", int64(joined), "thread"))
	join := s.enter(main, did("futex", 0, joined))
	s.call(joined, did("epoll_wait", 0, 3, memory, 8, 100))
	s.enter(joined, did("exit", 0, 0))
	s.end(joined, 0, 0)
	s.exit(join)

	s.call(main, did("clone", int64(child), "child"))
	wait := s.enter(main, did("wait4", int64(child), child, 3<<8, 0, nil))
	s.call(child, did("epoll_wait", 0, 3, memory, 8, 100))
	s.enter(child, did("exit_group", 0, 3))
	s.end(child, 3, 0)
	s.exit(wait)
	s.signal(kernel.SignalInfo{Tid: main, Sig: abi.SIGCHLD, Code: kernel.ChildExited, Sender: child, Status: 3 << 8})

	s.call(main, did("clone", int64(killed), "child"))
	wait = s.enter(main, did("wait4", int64(killed), killed, int(abi.SIGALRM), 0, nil))
	s.call(killed, failed("read", abi.ERESTARTSYS, 4, buffer, 8))
	s.signal(kernel.SignalInfo{Tid: killed, Sig: abi.SIGALRM, Code: kernel.SignalKernel})
	s.end(killed, 0, abi.SIGALRM)
	s.exit(wait)
	s.signal(kernel.SignalInfo{Tid: main, Sig: abi.SIGCHLD, Code: kernel.ChildKilled, Sender: killed, Status: int(abi.SIGALRM)})

	s.call(main, did("clone3", int64(blocked), "thread"))
	s.enter(blocked, did("epoll_wait", 0, 3, memory, 8, -1))
	s.call(main, did("clone3", int64(second), "thread"))
	s.enter(second, did("poll", 0, []abi.PollFd{{Fd: 4, Events: abi.POLLIN}}, 1, -1))
	s.enter(main, did("exit_group", 0, 5))
	s.end(blocked, 5, 0)
	s.end(second, 5, 0)
	s.end(main, 5, 0)
}
