package host_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/kernel/host"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// run runs main on the host's kernel.
func run(t *testing.T, opts host.Options, main func(kernel.Calls)) error {
	t.Helper()
	h, err := host.New(opts)
	require.NoError(t, err)
	defer h.Close()
	return h.Run(main)
}

// children returns the processes whose parent we are.
func children(t *testing.T) []string {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	require.NoError(t, err)
	var pids []string
	for _, s := range stats {
		text, err := os.ReadFile(s)
		if err != nil {
			continue // it has ended
		}
		_, after, _ := strings.Cut(string(text), ") ")
		if f := strings.Fields(after); len(f) > 1 && f[1] == strconv.Itoa(os.Getpid()) {
			pids = append(pids, filepath.Base(filepath.Dir(s)))
		}
	}
	return pids
}

// A thread finds what a C program finds: 0, 1, 2 open, 3 free, an empty directory, no handlers of ours.
func TestFreshProcess(t *testing.T) {
	err := run(t, host.Options{}, func(c kernel.Calls) {
		for fd := range 3 {
			require.Equal(t, 0, must(c.Fcntl(fd, abi.F_GETFD, 0)))
		}
		_, err := c.Fcntl(3, abi.F_GETFD, 0)
		require.Equal(t, abi.EBADF, err)
		require.Equal(t, 3, must(c.EpollCreate1(0)))
		require.Equal(t, [2]int{4, 5}, must(c.Pipe2(0)))
		_, err = c.Open("f", abi.O_RDONLY)
		require.Equal(t, abi.ENOENT, err)
	})
	require.NoError(t, err)
	require.Empty(t, children(t))
}

// However large the fd table that we have inherited, a thread's has room for 64 numbers: select looks no further.
func TestFreshTable(t *testing.T) {
	high := must(unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 200))
	defer unix.Close(high)
	err := run(t, host.Options{}, func(c kernel.Calls) {
		var in abi.FdSet
		in[70/64] = 1 << (70 % 64)
		_, err := c.Select(71, &in, nil, nil, 0)
		assert.NoError(t, err, "EBADF if there were room for 70")
	})
	require.NoError(t, err)
}

func TestThreadsShareDescriptorsAndProcessesCopyThem(t *testing.T) {
	err := run(t, host.Options{}, func(c kernel.Calls) {
		tid := must(c.Clone("thread", func(c kernel.Calls) { must(c.Eventfd2(7, 0)) }))
		require.NoError(t, c.Join(tid))
		buf := make([]byte, 8)
		require.Equal(t, 8, must(c.Read(3, buf)))
		require.EqualValues(t, 7, buf[0])

		pid := must(c.Fork("child", func(c kernel.Calls) {
			require.NoError(t, c.Close(3))
			require.Equal(t, 3, must(c.Eventfd2(9, 0)))
			c.ExitGroup(5)
		}))
		got, status, err := c.Wait4(pid, 0)
		require.NoError(t, err)
		require.Equal(t, pid, got)
		require.Equal(t, 5<<8, status)
		require.Equal(t, 8, must(c.Write(3, buf)), "the child's close is its own")
	})
	require.NoError(t, err)
}

// A signal interrupts a blocked call, and its handler has run when the call returns.
func TestHandlerInterrupts(t *testing.T) {
	err := run(t, host.Options{}, func(c kernel.Calls) {
		var got []abi.Signal
		require.NoError(t, c.Sigaction(abi.SIGUSR1, kernel.SigAction{Handler: kernel.HandlerFunc, Flags: abi.SA_RESTART,
			Func: func(s abi.Signal) { got = append(got, s) }}))
		ep := must(c.EpollCreate1(0))
		pid, tid := c.Getpid(), c.Gettid()
		over := false
		must(c.Clone("killer", func(c kernel.Calls) {
			for !over { // the first one may come before the wait
				must(0, c.Nanosleep(20e6))
				must(0, c.Tgkill(pid, tid, abi.SIGUSR1))
			}
		}))
		_, err := c.EpollWait(ep, make([]abi.EpollEvent, 1), 1, 60_000)
		over = true
		require.Equal(t, abi.EINTR, err)
		require.Contains(t, got, abi.SIGUSR1)
	})
	require.NoError(t, err)
}

func TestDeathBySignal(t *testing.T) {
	err := run(t, host.Options{}, func(c kernel.Calls) {
		p := must(c.Pipe2(0))
		must(0, c.Close(p[0]))
		c.Write(p[1], []byte("x"))
		t.Error("the write returned")
	})
	var killed *host.KilledError
	require.ErrorAs(t, err, &killed)
	require.Equal(t, abi.SIGPIPE, killed.Signal)
}

// A run that is stuck ends, threads, children and all.
func TestStuckRunLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	stuckRun := func(timeout time.Duration) string {
		err := run(t, host.Options{Timeout: timeout}, func(c kernel.Calls) {
			forever := func(c kernel.Calls) { c.EpollWait(must(c.EpollCreate1(0)), make([]abi.EpollEvent, 1), 1, -1) }
			must(c.Clone("thread", forever))
			must(c.Fork("child", forever))
			must(c.Open("file", abi.O_CREAT|abi.O_RDWR))
			forever(c)
		})
		var stuck *host.StuckError
		require.ErrorAs(t, err, &stuck)
		require.Empty(t, children(t))
		left, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Empty(t, left)
		return stuck.Error()
	}
	text := stuckRun(200 * time.Millisecond)
	if !strings.Contains(text, "main in epoll_wait") { // a busy machine had not come that far
		text = stuckRun(10 * time.Second)
	}
	require.Contains(t, text, "main in epoll_wait")
}

// Who joins a thread that ends because the whole process is killed never comes back from it.
func TestNobodyJoinsWhoWasKilled(t *testing.T) {
	for range 3 {
		joined := false
		err := run(t, host.Options{Timeout: 100 * time.Millisecond}, func(c kernel.Calls) {
			tid := must(c.Clone("thread", func(c kernel.Calls) {
				c.EpollWait(must(c.EpollCreate1(0)), make([]abi.EpollEvent, 1), 1, -1)
			}))
			c.Join(tid)
			joined = true
		})
		var stuck *host.StuckError
		require.ErrorAs(t, err, &stuck)
		require.False(t, joined)
	}
}

func TestHarmIsRefused(t *testing.T) {
	for name, harm := range map[string]func(kernel.Calls){
		"kill":   func(c kernel.Calls) { c.Kill(os.Getppid(), 0) },
		"tgkill": func(c kernel.Calls) { c.Tgkill(os.Getpid(), os.Getpid(), 0) },
		"wait4":  func(c kernel.Calls) { c.Wait4(-1, 0) },
		"open":   func(c kernel.Calls) { c.Open("/etc/passwd", abi.O_RDONLY) },
		"open..": func(c kernel.Calls) { c.Open("..", abi.O_RDONLY) },
	} {
		t.Run(name, func(t *testing.T) {
			err := run(t, host.Options{}, func(c kernel.Calls) {
				harm(c)
				t.Error("it was not refused")
			})
			var refused *host.RefusedError
			require.ErrorAs(t, err, &refused)
		})
	}
}

// The leader of a process may end before its other threads.
func TestLeaderEndsFirst(t *testing.T) {
	done := false
	err := run(t, host.Options{}, func(c kernel.Calls) {
		must(c.Clone("last", func(c kernel.Calls) {
			must(0, c.Nanosleep(20e6))
			must(c.Eventfd2(0, 0))
			done = true
		}))
	})
	require.NoError(t, err)
	require.True(t, done)
}

func BenchmarkCall(b *testing.B) {
	h, err := host.New(host.Options{Timeout: time.Minute})
	require.NoError(b, err)
	defer h.Close()
	err = h.Run(func(c kernel.Calls) {
		for b.Loop() {
			c.Close(99)
		}
	})
	require.NoError(b, err)
}
