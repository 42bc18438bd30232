package kerneltest_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/kernel/kerneltest"
)

// What a program does wrong besides system calls is told with its schedule, or its place.
func TestMisuse(t *testing.T) {
	for _, c := range []struct {
		name    string
		program func(r *kerneltest.Run)
		want    []string
	}{
		{"a panic of a thread", func(r *kerneltest.Run) {
			r.Go("careless", func(c kernel.Calls) { panic(c.Getpid()) })
		}, []string{"panic in task 2 (careless): 1", "misuse_test.go:", kerneltest.Variable}},
		{"a panic at the end", func(r *kerneltest.Run) {
			r.Finally(func() { _ = *(*int)(nil) })
		}, []string{"panic in a function of Finally", "misuse_test.go:", kerneltest.Variable}},
		{"the order of a map", func(r *kerneltest.Run) {
			fds := map[int]bool{}
			for range 8 {
				fd, err := r.Eventfd2(0, 0)
				require.NoError(r, err)
				fds[fd] = true
			}
			r.Go("other", func(c kernel.Calls) { c.Write(3, []byte{1, 0, 0, 0, 0, 0, 0, 0}) })
			for fd := range fds {
				r.Write(fd, []byte{1, 0, 0, 0, 0, 0, 0, 0})
			}
		}, []string{"the program does not do the same", "once main: write(", "the order of a map", kerneltest.Variable}},
	} {
		t.Run(c.name, func(t *testing.T) {
			bad, log := judge(t, c.program)
			assert.True(t, bad)
			for _, want := range c.want {
				assert.Contains(t, log, want)
			}
			assert.NotContains(t, log, "explore.(*exploration)", "frames of ours")
		})
	}
}

// ended is a test whose program leaves it from inside, as t.FailNow does.
func ended(t *testing.T, program func(*kerneltest.Run)) string {
	j, over := &judged{T: t}, make(chan struct{})
	go func() {
		defer close(over)
		kerneltest.Explore(j, program)
	}()
	<-over
	return j.log.String()
}

func TestTheProgramEndsItsTest(t *testing.T) {
	for name, log := range map[string]string{
		"main": ended(t, func(*kerneltest.Run) { runtime.Goexit() }),
		"another": ended(t, func(r *kerneltest.Run) {
			r.Go("another", func(kernel.Calls) { runtime.Goexit() })
			r.SchedYield()
		}),
	} {
		assert.Contains(t, log, "use the Run instead of the *testing.T", name)
		assert.Contains(t, log, "run it again: "+kerneltest.Variable+"=s1", name)
	}
}

// failing is a test that knows whether it has failed.
type failing struct{ judged }

func (f *failing) Failed() bool { return f.bad }

func TestTheProgramFailsItsTest(t *testing.T) {
	for _, early := range []bool{true, false} {
		f, runs := &failing{judged{T: t}}, 0
		kerneltest.Explore(f, func(r *kerneltest.Run) {
			runs++
			first := 0
			for i := range 3 {
				r.Go("other", func(c kernel.Calls) {
					c.Getpid()
					if first == 0 {
						first = i
					}
				})
			}
			if early {
				f.Errorf("wrong")
			}
			r.Finally(func() {
				if first == 2 && !f.bad {
					f.Errorf("wrong")
				}
			})
		})
		assert.Contains(t, f.log.String(), "the program has failed its test itself")
		assert.Contains(t, f.log.String(), "run it again: ")
		assert.Less(t, runs, 200, "the rest is not explored")
	}
}

func TestARunThatWaitsForAChannel(t *testing.T) {
	told, release := make(chan string, 1), make(chan bool)
	defer kerneltest.Impatient(20*time.Millisecond, func(why string) {
		select {
		case told <- why:
			close(release)
		default:
		}
	})()
	kerneltest.Explore(t, func(r *kerneltest.Run) { <-release })
	why := <-told
	assert.Contains(t, why, "run 1 of TestARunThatWaitsForAChannel")
	assert.Contains(t, why, "such as a channel")
}

// The command that runs a schedule again stands for names that the shell or a pattern would take for something else, and
// for generated programs.
func TestAgain(t *testing.T) {
	t.Run("it's a+b", func(t *testing.T) {
		_, log := judge(t, func(r *kerneltest.Run) { r.Errorf("bad") })
		assert.Contains(t, log, `go test -run '^TestAgain$/^it'\''s_a\+b$'`)
	})
	log := ""
	rapid.Check(t, func(t *rapid.T) {
		j := &generated{T: t}
		kerneltest.Explore(j, func(r *kerneltest.Run) { r.Errorf("bad") })
		log = j.log
	})
	assert.Contains(t, log, "of the same generated program")
}

type generated struct {
	*rapid.T
	log string
}

func (g *generated) Errorf(format string, args ...any) { g.log += fmt.Sprintf(format, args...) }

// A failure names the others.
func TestOtherFailures(t *testing.T) {
	_, log := judge(t, func(r *kerneltest.Run) {
		fd, err := r.Eventfd2(0, abi.EFD_NONBLOCK)
		require.NoError(r, err)
		r.Go("writer", func(c kernel.Calls) { c.Write(fd, []byte{1, 0, 0, 0, 0, 0, 0, 0}) })
		_, err = r.Read(fd, make([]byte, 8))
		assert.Fail(r, fmt.Sprint("read: ", err))
	})
	assert.Contains(t, log, "schedules failed: read: <nil>\n")
	assert.Contains(t, log, "schedules failed in another way: read: Resource temporarily unavailable ("+kerneltest.Variable+"=s1")
}
