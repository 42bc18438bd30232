package scenario_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/scenario"
)

func TestErrnoValues(t *testing.T) {
	passes(t, `
check(str(EAGAIN) == "EAGAIN" and repr(EAGAIN) == "EAGAIN" and type(EAGAIN) == "errno")
check(not EAGAIN and not bool(EAGAIN))
check(EAGAIN == EWOULDBLOCK and EAGAIN != EINTR and EAGAIN in [EINTR, EAGAIN])
check(EAGAIN != 11 and EAGAIN != "EAGAIN" and EAGAIN != False and EAGAIN != None)
check({EAGAIN: 1}[close(99) and EINTR or EAGAIN] == 1)
check([EBADF] == [close(99)])
check(close(99) in (0, EBADF))
check(close(99) not in {EINTR: 1})
check(EINTR != close(99))
if close(99):
    fail("unreachable")
check(not close(99))
e = close(99)
d = {}
d["x"] = e
check(d["x"] == EBADF)
check(any([close(99)]) == False)
`)
}

func TestErrnoNobodyLookedAt(t *testing.T) {
	r, _ := execute(t, `
def f():
    for _ in range(3):
        close(99)
f()
n = epoll_wait(99, timeout = 0) == []
[close(98) for _ in range(2)][0] == EBADF
str(EBADF)
spawn(close, 97)
x = close(96)
y = x
check(y == EBADF)
`, scenario.Options{})
	var got []string
	for _, u := range r.Unlooked {
		got = append(got, u.String())
	}
	const why = "and the program never looked at it (compare it with an errno such as == EBADF, or test it; " +
		"a comparison with a value of another type does not count)"
	assert.Equal(t, []string{
		"t.star:4:9: close(...) failed 3 times with EBADF, " + why,
		"t.star:6:5: epoll_wait(...) failed with EBADF, " + why,
		"t.star:7:2: close(...) failed with EBADF, " + why,
		"t.star:9:1: close(...) failed with EBADF, " + why,
	}, got)
	assert.Empty(t, r.Failed)
	assert.Equal(t, scenario.ExitFailed, r.ExitCode())
}

func TestErrnoMemoryIsBounded(t *testing.T) {
	r, _ := execute(t, "for _ in range(100000):\n    close(99) == EBADF\n    close(99)\n", scenario.Options{})
	require.Len(t, r.Unlooked, 1)
	assert.Equal(t, 100000, r.Unlooked[0].Count)
}

// An error in a handler, in a thread that main waits for, or in a child ends everything.
func TestScenarioErrors(t *testing.T) {
	tests := []struct{ name, src, want string }{
		{"type", "epoll_ctl(3, EPOLL_CTL_ADD, \"x\")", `t.star:1:1: epoll_ctl: fd: got string "x", want an int of 32 bits`},
		{"errno as fd", "epoll_wait(epoll_create1(1))", "t.star:1:1: epoll_wait: epfd: got errno EINVAL, want an int of 32 bits"},
		{"missing", "epoll_ctl(3, 1)", "t.star:1:1: epoll_ctl: fd is missing: epoll_ctl(epfd, op, fd, events=0, data=None)"},
		{"keyword", "epoll_wait(3, timout = 5)", "t.star:1:1: epoll_wait: no parameter is called timout (did you mean timeout?): epoll_wait(epfd, maxevents=64, timeout=-1)"},
		{"too many", "close(1, 2)", "t.star:1:1: close: got 2 arguments, want at most 1: close(fd)"},
		{"twice", "close(1, fd = 2)", "t.star:1:1: close: fd is given twice: close(fd)"},
		{"range", "close(1 << 40)", "t.star:1:1: close: fd: 1099511627776 does not fit, want an int of 32 bits"},
		{"data", "epoll_ctl(3, 1, 4, data = -1)", "t.star:1:1: epoll_ctl: data: -1 does not fit, want an int from 0 to 2**64-1"},
		{"big", "close(1 << 400)", "t.star:1:1: close: fd: 2582249878086908589655919172003011874329… does not fit, want an int of 32 bits"},
		{"string", `write(1, "x")`, `t.star:1:1: write: data: got string "x", want bytes: write b"…"`},
		{"read", "read(1, -1)", "t.star:1:1: read: n: -1 does not fit, want an int from 0 to 64 MiB"},
		{"readv", "readv(1, [1 << 25, 1 << 25, 1])", "t.star:1:1: readv: sizes: more than 64 MiB in all"},
		{"writev", "writev(1, [b\"x\" * (1 << 20)] * 65)", "t.star:1:1: writev: buffers: more than 64 MiB in all"},
		{"poll", "poll([(1, 2), 3])", "t.star:1:1: poll: fds: got int 3 in the list, want a list of (fd, events)"},
		{"poll", "poll([(1, EPOLLET)])", "t.star:1:1: poll: fds: 2147483648 does not fit, want events of 16 bits in every pair"},
		{"poll", "poll(None)", "t.star:1:1: poll: fds: got None, want a list of (fd, events)"},
		{"select", "select([1024], [], [])", "t.star:1:1: select: r: 1024 does not fit, want fds from 0 to 1023"},
		{"select", "select([], [], [], (1,))", "t.star:1:1: select: timeout: got tuple, want (seconds, microseconds)"},
		{"select", "select([], [], [], (1, 1 << 63))", "t.star:1:1: select: timeout: 9223372036854775808 does not fit, want ints of 64 bits in the pair"},
		{"sigmask", "epoll_pwait(3, sigmask = [99])", "t.star:1:1: epoll_pwait: sigmask: 99 is no signal, want a list of signals such as [SIGUSR1]"},
		{"signal", "signal(SIGUSR1, 2)", "t.star:1:1: signal: handler: 2 does not fit, want SIG_IGN, SIG_DFL or a function"},
		{"signal", "signal(SIGUSR1, None)", "t.star:1:1: signal: handler: got None, want SIG_IGN, SIG_DFL or a function"},
		{"open", `open("a\0b", 0)`, `t.star:1:1: open: name: "a\x00b" contains a NUL`},
		{"sleep", "sleep(float('inf'))", "t.star:1:1: sleep: ms: +inf does not fit, want a number of milliseconds"},
		{"join", "join(3)", "t.star:1:1: join: t: got int 3, want what spawn or fork returned"},
		{"kill", "kill(\"x\", SIGUSR1)", `t.star:1:1: kill: t: got string "x", want what spawn or fork returned, or the number of a process`},
		{"spawn", "spawn(3)", "t.star:1:1: spawn: fn: got int 3, want a function"},
		{"outcome", "outcome(3)", "t.star:1:1: outcome: got 1 arguments, want at most 0: outcome(**values)"},
		{"counter", `r, w = pipe()
write(w, b"abc")
eventfd_read(r)`, "t.star:3:1: eventfd_read: fd 3 gave 3 bytes, want the 8 of a counter"},
		{"order", "close(99) < EINVAL", "t.star:1:11: errnos have no order: EBADF < EINVAL"},
		{"sum", "close(99) + 1", "t.star:1:11: unknown binary op: errno + int"},
		{"inspect", "inspect(3)", "t.star:1:1: inspect: only the model can answer this, and the program runs on another kernel"},
		{"kernel", "k = kernel\nk(\"5.10\")", "t.star:2:1: " + `kernel: must be the first statement, with the version as a string literal: kernel("5.10")`},
		{"thread", "def f():\n    sleep(1)\n    [][1]\njoin(spawn(f))", "t.star:3:7: index 1 out of range: empty list"},
		{"child", "def f():\n    [][1]\nfork(f)\nepoll_wait(epoll_create1())", "t.star:2:7: index 1 out of range: empty list"},
		{"handler", "signal(SIGUSR1, lambda s: [][s])\nkill(getpid(), SIGUSR1)\nsleep(10)", "t.star:1:29: index 10 out of range: empty list"},
		{"handler", "signal(SIGUSR1, lambda: 0)\nkill(getpid(), SIGUSR1)", "t.star:1:17: function lambda accepts no arguments (1 given)"},
		{"frozen", "fail('so', 1)", "t.star:1:1: fail: so 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, _ := execute(t, tt.src, scenario.Options{})
			require.NotNil(t, r.Error, "%v", r.Err)
			assert.Equal(t, tt.want, r.Error.Error())
			assert.Equal(t, scenario.ExitScenario, r.ExitCode())
		})
	}
}

func TestBacktrace(t *testing.T) {
	r, _ := execute(t, "def f(n):\n    return close(n)\ndef g():\n    f([])\ng()\n", scenario.Options{})
	assert.Equal(t, "t.star:5:1: in <toplevel>\nt.star:4:5: in g\nt.star:2:12: in f\n", r.Error.Backtrace)
	assert.Equal(t, "main", r.Error.Thread)
}

func TestCompileErrors(t *testing.T) {
	tests := []struct{ name, src, want string }{
		{"syntax", "x = (\n", "t.star:2:1: got end of file, want primary expression"},
		{"undefined", "epol_wait(3)\nx = EPOLIN | zzz\n", "t.star:1:1: undefined: epol_wait (did you mean epoll_wait?)\nt.star:2:5: undefined: EPOLIN (did you mean EPOLLIN?)\nt.star:2:14: undefined: zzz"},
		{"time", "time.now()", "t.star:1:1: undefined: time"},
		{"import", "import os", "t.star:1:1: got import, want primary expression (a scenario imports nothing: its builtins are there from the start (epollsim help builtins))"},
		{"is", "x = 1 is 2", "t.star:1:9: got is, want newline (there is no is: write ==)"},
		{"power", "x = 2 ** 3", "t.star:1:9: got '**', want newline (there is no **: write 1 << n, or multiply)"},
		{"load", "x = 1\nload('a.star', 'b')", "t.star:2:1: load: not supported, a scenario is one file"},
		{"kernel", "x = 1\nkernel('5.10')\n", `t.star:2:1: kernel: must be the first statement, with the version as a string literal: kernel("5.10")`},
		{"kernel", "kernel(5.10)\n", `t.star:1:1: kernel: must be the first statement, with the version as a string literal: kernel("5.10")`},
		{"nesting", strings.Repeat("(", 100000), "t.star:1:1000: excessive nesting"},
		{"nesting", strings.Repeat("-", 100000) + "1", "t.star:1:1000: excessive nesting"},
		{"size", strings.Repeat("#", scenario.MaxSource+1), "t.star:1:1: the program has 4194305 bytes, at most 4194304 are taken"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := scenario.Compile("t.star", []byte(tt.src))
			assert.Nil(t, p)
			if strings.Contains(tt.want, "nesting") {
				assert.ErrorContains(t, err, "excessive nesting")
				return
			}
			assert.EqualError(t, err, tt.want)
			var e *scenario.Error
			assert.True(t, errors.As(err, &e))
		})
	}
}
