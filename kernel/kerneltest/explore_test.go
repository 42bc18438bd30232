package kerneltest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/kernel/kerneltest"
)

// judged is a test that fails quietly.
type judged struct {
	*testing.T
	log strings.Builder
	bad bool
}

func (j *judged) Logf(format string, args ...any) { fmt.Fprintf(&j.log, format+"\n", args...) }
func (j *judged) Errorf(format string, args ...any) {
	j.bad = true
	fmt.Fprintf(&j.log, format+"\n", args...)
}
func (j *judged) Fatalf(format string, args ...any) { j.Errorf(format, args...); panic(j) }

// judge returns whether Explore fails a test with program, and what it says.
func judge(t *testing.T, program func(*kerneltest.Run), opts ...kerneltest.Option) (bad bool, log string) {
	j := &judged{T: t}
	defer func() {
		if p := recover(); p != nil && p != any(j) {
			panic(p)
		}
		bad, log = j.bad, j.log.String()
	}()
	kerneltest.Explore(j, program, opts...)
	return
}

// twoTakers takes from an eventfd in two threads what is there once, looking before it reads.
func twoTakers(flags int, r *kerneltest.Run) {
	fd, err := r.Eventfd2(1, flags)
	require.NoError(r, err)
	take := func(c kernel.Calls) (took bool) {
		if n, _ := c.Poll([]abi.PollFd{{Fd: int32(fd), Events: abi.POLLIN}}, 0); n == 0 {
			return false
		}
		_, err := c.Read(fd, make([]byte, 8))
		return err == nil
	}
	var other, main bool
	tid := r.Go("other", func(c kernel.Calls) { other = take(c) })
	main = take(r)
	r.Join(tid)
	r.Outcome("main", main)
	r.Outcome("other", other)
	assert.True(r, other != main, "one of them has it")
}

func TestExplorePasses(t *testing.T) {
	r := kerneltest.Explore(t, func(r *kerneltest.Run) { twoTakers(abi.EFD_NONBLOCK, r) })
	var states []string
	for _, o := range r.States {
		states = append(states, o.Text)
	}
	assert.ElementsMatch(t, []string{"main=false other=true", "main=true other=false"}, states)
	assert.True(t, r.Exhaustive)
}

// Looked, then lost: the read blocks for ever.
func TestExploreFindsADeadlock(t *testing.T) {
	program := func(r *kerneltest.Run) { twoTakers(0, r) }
	bad, log := judge(t, program)
	assert.True(t, bad)
	assert.Contains(t, log, "deadlock")
	assert.Contains(t, log, "poll([{fd=3, events=POLLIN}], 1, 0)")
	token := strings.Fields(after(t, log, kerneltest.Variable+"="))[0]
	assert.Contains(t, log, "go test -run '^TestExploreFindsADeadlock$'")

	t.Setenv(kerneltest.Variable, token)
	bad, log = judge(t, program)
	assert.True(t, bad, "the token shows it again")
	assert.Contains(t, log, "deadlock")
}

func after(t *testing.T, text, sep string) string {
	_, rest, ok := strings.Cut(text, sep)
	require.True(t, ok, "%q in %s", sep, text)
	return rest
}

func TestExploreFails(t *testing.T) {
	for _, c := range []struct {
		name    string
		program func(*kerneltest.Run)
		want    string
		opts    []kerneltest.Option
	}{
		{"an assertion of a thread that goes on", func(r *kerneltest.Run) { r.Errorf("no %s", "good") }, "no good", nil},
		{"an assertion that ends the run", func(r *kerneltest.Run) { require.Equal(r, 1, 2) }, "failed: Not equal:; expected: 1; actual : 2\n", nil},
		{"an assertion of another thread", func(r *kerneltest.Run) {
			r.Go("other", func(kernel.Calls) { require.Fail(r, "other says no") })
			r.Nanosleep(1e9)
		}, "other says no", nil},
		{"an assertion at the end", func(r *kerneltest.Run) { r.Finally(func() { require.Fail(r, "late") }) }, "late", nil},
		{"a panic", func(r *kerneltest.Run) { panic("at the disco") }, "at the disco", nil},
		{"a death", func(r *kerneltest.Run) { r.Kill(r.Getpid(), abi.SIGTERM) }, "killed by SIGTERM", nil},
		{"a loop", func(r *kerneltest.Run) {
			for {
				r.SchedYield()
			}
		}, "reached the limit of 1000 steps", []kerneltest.Option{kerneltest.Steps(1000), kerneltest.Schedules(3)}},
		{"a run that takes all the time", func(r *kerneltest.Run) {
			for range 2 {
				r.Go("loop", func(c kernel.Calls) {
					for {
						c.SchedYield()
					}
				})
			}
		}, "with Steps(1000), not 100000", []kerneltest.Option{kerneltest.Within(100 * time.Millisecond)}},
		{"too much to try", func(r *kerneltest.Run) { twoTakers(abi.EFD_NONBLOCK, r) }, "inconclusive", []kerneltest.Option{kerneltest.Schedules(2)}},
		{"no such version", func(r *kerneltest.Run) {}, "kernel version", []kerneltest.Option{kerneltest.Version("six")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			bad, log := judge(t, c.program, c.opts...)
			assert.True(t, bad)
			assert.Contains(t, log, c.want)
		})
	}
}

// Those that reached a limit are counted among all schedules, not among those of the bound that was completed.
func TestExploreLimited(t *testing.T) {
	_, log := judge(t, func(r *kerneltest.Run) {
		stop := false
		r.Go("waits", func(c kernel.Calls) {
			for !stop {
				c.SchedYield()
			}
		})
		stop = true
	}, kerneltest.Steps(300))
	var limited, all int
	_, err := fmt.Sscanf(log[strings.Index(log, "inconclusive"):], "inconclusive: %d of %d schedules reached the limit of 300 steps", &limited, &all)
	require.NoError(t, err, log)
	assert.Positive(t, limited)
	assert.Greater(t, all, limited)
}

// A wake-up that was lost in 5.6, on the kernel of the option.
func TestVersion(t *testing.T) {
	program := func(r *kerneltest.Run) {
		ep, _ := r.EpollCreate1(0)
		inner, _ := r.EpollCreate1(0)
		require.NoError(r, r.EpollCtl(ep, abi.EPOLL_CTL_ADD, inner, &abi.EpollEvent{Events: abi.EPOLLIN | abi.EPOLLET}))
		fd, _ := r.Eventfd2(1, 0)
		require.NoError(r, r.EpollCtl(inner, abi.EPOLL_CTL_ADD, fd, &abi.EpollEvent{Events: abi.EPOLLIN}))
		events := make([]abi.EpollEvent, 1)
		r.EpollWait(ep, events, 1, 0)
		n, _ := r.EpollWait(ep, events, 1, 0)
		r.Outcome("again", n)
	}
	for version, want := range map[string]string{"5.4": "again=1", "5.5": "again=0"} {
		r := kerneltest.Explore(t, program, kerneltest.Version(version), kerneltest.Check())
		require.Len(t, r.States, 1)
		assert.Equal(t, want, r.States[0].Text, version)
	}
}

// Generated programs: threads that add to an eventfd and one that takes it all lose nothing in any interleaving.
func TestGenerated(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		adds := rapid.SliceOfN(rapid.IntRange(1, 3), 1, 2).Draw(t, "adds")
		kerneltest.Explore(t, func(r *kerneltest.Run) {
			fd, err := r.Eventfd2(0, 0)
			require.NoError(r, err)
			want := 0
			for i, n := range adds {
				want += n
				r.Go(fmt.Sprint("adder ", i), func(c kernel.Calls) { c.Write(fd, []byte{byte(n), 0, 0, 0, 0, 0, 0, 0}) })
			}
			sum, buf := 0, make([]byte, 8)
			for sum < want {
				_, err := r.Read(fd, buf)
				require.NoError(r, err)
				sum += int(buf[0])
			}
			assert.Equal(r, want, sum)
		}, kerneltest.Independent())
	})
}
