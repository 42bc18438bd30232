package scenario_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/scenario"
	"github.com/epollsim/epollsim/sim"
)

func compile(t testing.TB, src string) *scenario.Program {
	t.Helper()
	p, err := scenario.Compile("t.star", []byte(src))
	require.NoError(t, err)
	return p
}

// execute runs src on a fake world; the log has a line for each system call.
func execute(t testing.TB, src string, opts scenario.Options) (*scenario.Result, []string) {
	t.Helper()
	w := newFakeWorld(sim.Options{})
	return scenario.Run(w, compile(t, src), opts), w.log
}

// passes runs src, of which every check must hold, and returns the log.
func passes(t *testing.T, src string) []string {
	t.Helper()
	var out strings.Builder
	r, log := execute(t, src, scenario.Options{Stdout: &out})
	require.Nil(t, r.Error, "%v", r.Error)
	require.NoError(t, r.Err)
	assert.Empty(t, r.Failed)
	assert.Empty(t, r.Unlooked)
	assert.Equal(t, scenario.ExitOK, r.ExitCode())
	return log
}

func TestCallsAndResults(t *testing.T) {
	tests := []struct{ name, src, log string }{
		{"defaults", "check(epoll_create1() == 3)", "epoll_create1(0x0)"},
		{"by name", "check(epoll_create1(flags = EPOLL_CLOEXEC) == 3)", "epoll_create1(0x80000)"},
		{"epoll_create", "check(epoll_create(-5) == EINVAL)", "epoll_create(-5)"},
		{"data is fd", "check(epoll_ctl(0, EPOLL_CTL_ADD, 9, EPOLLIN | EPOLLET) == EINVAL)", "epoll_ctl(0, 1, 9, {EPOLLIN|EPOLLET, 0x9})"},
		{"data", "check(epoll_ctl(0, EPOLL_CTL_MOD, 9, data = 18446744073709551615) == EINVAL)", "epoll_ctl(0, 3, 9, {0, 0xffffffffffffffff})"},
		{"del", "check(epoll_ctl(0, EPOLL_CTL_DEL, 9) == EINVAL)", "epoll_ctl(0, 2, 9, NULL)"},
		{"del with events", "check(epoll_ctl(0, EPOLL_CTL_DEL, 9, EPOLLIN) == EINVAL)", "epoll_ctl(0, 2, 9, {EPOLLIN, 0x9})"},
		{"maxevents", "check(epoll_wait(0, maxevents = -1, timeout = 0) == EINVAL)", "epoll_wait(0, [0], -1, 0)"},
		{"maxevents", "check(epoll_wait(0, 2147483647, 0) == EINVAL)", "epoll_wait(0, [1048576], 2147483647, 0)"},
		{"pwait", "check(epoll_pwait(3, timeout = 5, sigmask = [SIGUSR1]) == [])", "epoll_pwait(3, 64, 5, [USR1])"},
		{"pwait", "check(epoll_pwait(3) == [])", "epoll_pwait(3, 64, -1, <nil>)"},
		{"pwait2", "check(epoll_pwait2(3, timeout_ns = 1500000000, sigmask = []) == [])", "epoll_pwait2(3, 64, &{1 500000000}, [])"},
		{"pwait2", "check(epoll_pwait2(3, 1) == [])", "epoll_pwait2(3, 1, <nil>, <nil>)"},
		{"eventfd", "check(eventfd(4294967295, EFD_NONBLOCK) == 3)", "eventfd2(4294967295, 0x800)"},
		{"pipe", "check(pipe() == (3, 4))", "pipe2(0x0)"},
		{"pipe2", "check(pipe2(O_NONBLOCK) == (3, 4))", "pipe2(0x800)"},
		{"open", `check(open("/dev/null", O_RDWR) == 3)`, `open("/dev/null", 0x2)`},
		{"dup3", "check(dup3(1, 7, O_CLOEXEC) == 7)", "dup3(1, 7, 0x80000)"},
		{"fcntl", "check(fcntl(1, F_SETPIPE_SZ, 4096) == 4096)", "fcntl(1, 1031, 4096)"},
		{"ioctl", "check(ioctl(1, FIONREAD) == 7)", "ioctl(1, 0x541b, 0)"},
		{"setrlimit", "check(setrlimit(RLIMIT_NOFILE, 64) == 0)", "setrlimit(7, 64)"},
		{"poll", "check(poll([(0, POLLIN), [99, 0]], 0) == [(99, POLLNVAL)])", "poll([{0 1 0} {99 0 0}], 0)"},
		{"select with a timeval", "select([1], None, None, (-1, 1000000))", "select(2, true, false, false, {Sec:-1 Usec:1000000})"},
		{"select", "check(select([1], None, (5, 2), 0) == ([], [], [2, 5]))", "select(6, true, false, true, 0)"},
		{"sleep", "check(sleep(0.5) == 0 and now() == 500000)", "nanosleep(500000)\nclock_gettime(1)"},
		{"sleep", "check(sleep(-1) == EINVAL)", "nanosleep(-1000000)"},
		{"yield", "check(sched_yield() == 0)", "sched_yield()"},
		{"getpid", "check(getpid() == 1)", "getpid()"},
		{"sigprocmask", "check(sigprocmask(SIG_BLOCK, [SIGUSR1, SIGRTMIN]) == 0)", "sigprocmask(0, [USR1 RTMIN])"},
		{"signal", "check(signal(SIGPIPE, SIG_IGN) == 0)", "sigaction(SIGPIPE, 1)"},
		{"signal", "check(signal(SIGKILL, SIG_DFL) == EINVAL)", "sigaction(SIGKILL, 0)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, strings.Split(tt.log, "\n"), passes(t, tt.src))
		})
	}
}

func TestBytesAndCounters(t *testing.T) {
	passes(t, `
r, w = pipe()
check(write(w, b"x" * 3000) == 3000)
check(read(r, 2999) == b"x" * 2999)
check(read(r, 10) == b"x")
check(read(r, 10) == EAGAIN)
e = eventfd()
check(eventfd_read(e) == EAGAIN)
check(eventfd_write(e, 18446744073709551614) == 0)
check(eventfd_read(e) == 18446744073709551614)
check(read(open("/dev/null", 0), 8) == b"")
ep = epoll_create1()
check(epoll_ctl(ep, EPOLL_CTL_ADD, e, EPOLLIN | EPOLLET, data = 1 << 63) == 0)
check(epoll_wait(ep, timeout = 3) == [])
eventfd_write(e, 1)
check(epoll_wait(ep, timeout = 0) == [(EPOLLIN, 1 << 63)])
check(type(EPOLLIN) == "int" and EPOLLET == 1 << 31)
`)
}

func TestCheck(t *testing.T) {
	var seen []scenario.Failure
	r, _ := execute(t, `
ep = epoll_create1()
check(epoll_wait(ep,
                 timeout = 0) == [(1, 2)],
      "not " + str(ep))
def f(ok):
    check(ok)
f(True)
f(0)
check(close(99))
check(cond = [], msg = ep)
c = check
check(c(1) == None)
c("é" == "é" and 1 == 2)
`, scenario.Options{OnCheck: func(f scenario.Failure) { seen = append(seen, f) }})
	var got []string
	for _, f := range r.Failed {
		got = append(got, f.String())
	}
	assert.Equal(t, []string{
		"t.star:3:1: check failed: epoll_wait(ep, timeout = 0) == [(1, 2)]: not 3",
		"t.star:7:5: check failed: ok",
		"t.star:10:1: check failed: close(99)",
		"t.star:11:1: check failed: []: 3",
		`t.star:14:1: check failed: "é" == "é" and 1 == 2`,
	}, got)
	assert.Equal(t, r.Failed, seen)
	assert.Empty(t, r.Unlooked)
	assert.Equal(t, scenario.ExitFailed, r.ExitCode())
}

func TestFailuresAreBounded(t *testing.T) {
	r, _ := execute(t, "for _ in range(3000):\n    check(False)\n", scenario.Options{})
	assert.Len(t, r.Failed, scenario.MaxFailures)
	assert.Equal(t, 2000, r.MoreFailed)
}

func TestConditions(t *testing.T) {
	r, _ := execute(t, `
n = [0]
def writer():
    n[0] += 1
exists(lambda: n[0] == 2)
forall(lambda: n[0] == 2)
never(lambda: n[0] == 2)
for i in range(3):
    exists(lambda: n[0] > 5)
    forall(lambda: n[0] > 1)
never(lambda: close)
t = [spawn(writer), spawn(writer)]
`, scenario.Options{})
	require.Nil(t, r.Error)
	var got []string
	for _, c := range r.Conditions {
		got = append(got, c.String())
	}
	assert.Equal(t, []string{
		"t.star:5:1: exists(lambda: n[0] == 2) is true",
		"t.star:6:1: forall(lambda: n[0] == 2) is true",
		"t.star:7:1: never(lambda: n[0] == 2) is true",
		"t.star:9:5: exists(lambda: n[0] > 5) is false",
		"t.star:10:5: forall(lambda: n[0] > 1) is true",
		"t.star:11:1: never(lambda: close) is true",
	}, got)
	assert.Equal(t, scenario.ExitFailed, r.ExitCode())

	r, _ = execute(t, "exists(lambda: False)\nforall(lambda: True)\nnever(lambda: 0)\n", scenario.Options{})
	assert.Equal(t, scenario.ExitOK, r.ExitCode())

	r, _ = execute(t, "def f():\n    return close(3)\nexists(f)\n", scenario.Options{})
	assert.EqualError(t, r.Error, "t.star:2:12: close: a final condition is evaluated when the run is over and cannot make system calls")
	assert.Equal(t, scenario.ExitScenario, r.ExitCode())
}

func TestOutcomesAndPrint(t *testing.T) {
	var out strings.Builder
	r, _ := execute(t, `
outcome(a = 1, b = [EAGAIN, "x"])
outcome(a = epoll_create1())
print("hello", b"bytes", [b"y"], EINTR, sep = "-")
print()
`, scenario.Options{Stdout: &out})
	assert.Equal(t, []scenario.Outcome{{"a", "1"}, {"b", `[EAGAIN, "x"]`}, {"a", "3"}}, r.Outcomes)
	assert.Equal(t, "hello-bytes-[b\"y\"]-EINTR\n\n", out.String())
}

func TestThreadsAndProcesses(t *testing.T) {
	log := passes(t, `
got = []
def body(n, m):
    sleep(n)
    got.append(m)
ts = [spawn(body, 3 - n, n) for n in range(3)]
check(str(ts[0]) == "<task body 2>" and type(ts[0]) == "task" and ts[0] == ts[0] and ts[0] != ts[1])
check({ts[1]: 5}[ts[1]] == 5)
for t in ts:
    check(join(t) == 0)
check(got == [2, 1, 0])
e = eventfd()
def child():
    close(e)
    check(getpid() != 1)
    exit(3)
c = fork(child, name = "kid")
check(type(c) == "process" and str(c) == "<process kid 5>" and c)
check(join(c) == 768)
check(close(e) == 0)
check(join(c) == 768)
join(spawn(lambda *a: got.append(a), 1, 2, name = "l"))
check(got[-1] == (1, 2))
`)
	assert.Contains(t, log, "clone(body)")
	assert.Contains(t, log, "fork(kid)")
	assert.Contains(t, log, "clone(l)")
}

func TestSignals(t *testing.T) {
	log := passes(t, `
hits = []
def handler(sig):
    hits.append((sig, epoll_wait(ep, timeout = 0)))
ep = epoll_create1()
signal(SIGUSR1, handler)
def body():
    check(epoll_wait(ep, timeout = 50) == EINTR)
    hits.append("body")
t = spawn(body)
sleep(5)
kill(t, SIGUSR1)
join(t)
check(hits == [(SIGUSR1, []), "body"])
check(kill(t, SIGUSR1) == ESRCH)
signal(SIGUSR2, lambda s: hits.append(s))
kill(getpid(), SIGUSR2)
check(hits[2] == SIGUSR2)
c = fork(lambda: sleep(1000) == EINTR or fail())
sleep(1)
kill(c, SIGUSR2)
join(c)
`)
	assert.Contains(t, log, "tgkill(1, 2, SIGUSR1)")
	assert.Contains(t, log, "kill(3, SIGUSR2)")
}

func TestLimits(t *testing.T) {
	t.Run("recursion", func(t *testing.T) {
		r, _ := execute(t, "def f(n):\n    return f(n + 1)\nf(0)\n", scenario.Options{})
		require.NotNil(t, r.Error, "%v", r.Err)
		assert.Contains(t, r.Error.Error(), "recursion deeper than 10000 calls")
		assert.Less(t, len(r.Error.Backtrace), 2000)
		assert.Equal(t, scenario.ExitScenario, r.ExitCode())
	})
	t.Run("through builtins", func(t *testing.T) {
		r, _ := execute(t, "f = lambda x: sorted([x], key = f)\nsignal(SIGUSR1, f)\nkill(getpid(), SIGUSR1)\n", scenario.Options{MaxDepth: 50000})
		require.NotNil(t, r.Error, "%v", r.Err)
		assert.Contains(t, r.Error.Error(), "recursion deeper than 50000 calls")
	})
	t.Run("steps", func(t *testing.T) {
		r, _ := execute(t, "while True:\n    pass\n", scenario.Options{MaxSteps: 12345})
		assert.EqualError(t, r.Err, "limit reached: 12345 Starlark steps (raise it with --max-starlark-steps)")
		assert.Equal(t, scenario.ExitLimit, r.ExitCode())
		assert.InDelta(t, 12345, r.Steps, 5)
	})
	t.Run("steps of all threads", func(t *testing.T) {
		r, _ := execute(t, "def f():\n    for _ in range(300):\n        pass\nfor _ in range(50):\n    join(spawn(f))\n", scenario.Options{MaxSteps: 20000})
		assert.Equal(t, scenario.ExitLimit, r.ExitCode())
	})
	t.Run("in a condition", func(t *testing.T) {
		r, _ := execute(t, "def f():\n    while True:\n        pass\nexists(f)\n", scenario.Options{MaxSteps: 5000})
		assert.Equal(t, scenario.ExitLimit, r.ExitCode())
	})
	t.Run("of the machine", func(t *testing.T) {
		w := newFakeWorld(sim.Options{MaxTasks: 3})
		r := scenario.Run(w, compile(t, "for _ in range(5):\n    spawn(lambda: sleep(5))\nnever(lambda: True)\n"), scenario.Options{})
		assert.Equal(t, scenario.ExitLimit, r.ExitCode())
		assert.Empty(t, r.Conditions)
	})
}

func TestDeadlock(t *testing.T) {
	r, _ := execute(t, "exists(lambda: True)\nepoll_wait(epoll_create1())\n", scenario.Options{})
	var deadlock *sim.DeadlockError
	require.ErrorAs(t, r.Err, &deadlock)
	assert.Len(t, r.Conditions, 1)
	assert.Equal(t, scenario.ExitFailed, r.ExitCode())
}

func TestDeathBySignal(t *testing.T) {
	r, _ := execute(t, "kill(getpid(), SIGTERM)\n", scenario.Options{})
	require.ErrorContains(t, r.Err, "killed by SIGTERM")
	assert.Equal(t, scenario.ExitFailed, r.ExitCode())
}

func TestGlobalsStayMutable(t *testing.T) {
	passes(t, `
res = []
n = 0
def f():
    res.append(1)
    sleep(5)
    res.append(n)
spawn(f)
n = 7
n += 1
forall(lambda: res == [1, 8])
`)
}

func TestInspectAndCounters(t *testing.T) {
	r := scenario.Run(modelWorld{newFakeWorld(sim.Options{})}, compile(t, `
s = inspect(3)
check(s.rbr[0].fd == 4 and s.rbr[0].events == EPOLLIN | EPOLLET and s.rbr[0].data == 1 << 63 and s.rbr[0].item_id == "item#1")
check(s.rdllist == [4] and s.ovflist == [] and s.wq == [] and s.poll_wait == ["task 1"] and not s.scanning)
check(inspect(-1) == EBADF)
check(counters() == {"syscalls": 3, "wakeups": 0})
check(list(counters()) == ["syscalls", "wakeups"])
`), scenario.Options{})
	require.Nil(t, r.Error, "%v", r.Error)
	assert.Empty(t, r.Failed)
}

func TestKernelVersionAndModelOnly(t *testing.T) {
	tests := []struct {
		src, version, only string
		pinned             bool
	}{
		{"x = 1", "", "", false},
		{"kernel(\"5.10\")\nx = 1", "5.10", "kernel", true},
		{"# comment\nkernel(version = '6.18')", "6.18", "kernel", true},
		{"def f():\n    return counters()\ninspect(3)", "", "counters", false},
		{"def inspect(x):\n    pass\ninspect(3)", "", "", false},
	}
	for _, tt := range tests {
		p := compile(t, tt.src)
		version, ok := p.KernelVersion()
		assert.Equal(t, tt.version, version)
		assert.Equal(t, tt.pinned, ok)
		only, ok := p.ModelOnly()
		assert.Equal(t, tt.only, only)
		assert.Equal(t, tt.only != "", ok)
	}
	passes(t, "kernel(\"5.10\")\nx = 1")
}

// A program runs any number of times, and gives the same every time.
func TestRunsAreIndependentAndEqual(t *testing.T) {
	p := compile(t, "l = []\nl.append(close(9))\nepoll_create1()\noutcome(n = len(l), e = l[0])\ncheck(False, str(l))\n")
	first := scenario.Run(newFakeWorld(sim.Options{}), p, scenario.Options{})
	for range 3 {
		assert.Equal(t, first, scenario.Run(newFakeWorld(sim.Options{}), p, scenario.Options{}))
	}
}

func TestReference(t *testing.T) {
	ref := scenario.Reference()
	assert.Contains(t, ref, "| `epoll_wait(epfd, maxevents=64, timeout=-1)` | list of (events, data) | wait up to timeout ms for events,")
	for _, name := range []string{
		"epoll_create1", "epoll_create", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "eventfd", "eventfd_read", "eventfd_write",
		"pipe", "pipe2", "open", "read", "write", "close", "dup", "dup2", "dup3", "fcntl", "ioctl", "poll", "select", "setrlimit", "getpid",
		"kill", "signal", "sigprocmask", "sleep", "now", "sched_yield", "exit", "spawn", "fork", "join", "check", "exists", "forall", "never",
		"outcome", "inspect", "counters", "kernel", "print",
	} {
		assert.Contains(t, ref, "| `"+name+"(")
		compile(t, name)
	}
}
