package scenario_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/scenario"
	"github.com/epollsim/epollsim/sim"
)

// Every scenario of testdata holds on Linux, and on the model.
func TestScenariosOnTheModel(t *testing.T) {
	files, err := filepath.Glob("testdata/*.star")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			src, err := os.ReadFile(name)
			require.NoError(t, err)
			p, err := scenario.Compile(name, src)
			require.NoError(t, err)
			r := onModel(p, kernel.Options{Check: true})
			require.Nil(t, r.Error, "%v", r.Error)
			require.NoError(t, r.Err)
			assert.Empty(t, r.Failed)
			assert.Empty(t, r.Unlooked)
			assert.Equal(t, scenario.ExitOK, r.ExitCode())
		})
	}
}

func onModel(p *scenario.Program, opts kernel.Options) *scenario.Result {
	return scenario.Run(kernel.Boot(opts), p, scenario.Options{})
}

func TestModelSignals(t *testing.T) {
	r := onModel(compile(t, `
hits = []
ep = epoll_create1()
signal(SIGUSR1, lambda s: hits.append((s, epoll_wait(ep, timeout = 0))))
def body():
    check(epoll_wait(ep, timeout = 50) == EINTR)
    hits.append("body")
t = spawn(body)
sleep(5)
kill(t, SIGUSR1)
join(t)
check(hits == [(SIGUSR1, []), "body"], str(hits))
`), kernel.Options{})
	require.Nil(t, r.Error, "%v", r.Error)
	require.NoError(t, r.Err)
	assert.Empty(t, r.Failed)

	r = onModel(compile(t, "kill(getpid(), SIGTERM)\nsleep(1)"), kernel.Options{})
	assert.Equal(t, scenario.ExitFailed, r.ExitCode(), "%v", r.Err)

	r = onModel(compile(t, "signal(SIGUSR1, lambda s: [][1])\nfork(lambda: sleep(1000))\nkill(getpid(), SIGUSR1)\nsleep(1)"), kernel.Options{})
	assert.EqualError(t, r.Error, "t.star:1:29: index 1 out of range: empty list")
}

func TestModelInspect(t *testing.T) {
	r := onModel(compile(t, `
kernel("6.18")
ep = epoll_create1()
e = eventfd(1)
epoll_ctl(ep, EPOLL_CTL_ADD, e, EPOLLIN | EPOLLET, data = 7)
s = inspect(ep)
check(len(s.rbr) == 1 and s.rbr[0].fd == e and s.rbr[0].data == 7)
check(s.rdllist == [e] and s.ovflist == [] and s.wq == [] and s.poll_wait == [])
check(inspect(e) == EINVAL and inspect(99) == EBADF)
check(counters()["syscalls"] > 0)
`), kernel.Options{})
	require.Nil(t, r.Error, "%v", r.Error)
	assert.Empty(t, r.Failed)
}

func TestModelDeadlock(t *testing.T) {
	r := onModel(compile(t, "epoll_wait(epoll_create1())\n"), kernel.Options{})
	assert.True(t, kernel.Deadlocked(r.Err), "%v", r.Err)
	assert.Equal(t, scenario.ExitFailed, r.ExitCode())
}

// One Program serves runs in parallel.
func TestParallelRuns(t *testing.T) {
	src, err := os.ReadFile("testdata/wait-lifo.star")
	require.NoError(t, err)
	p := compile(t, string(src))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { assert.Equal(t, scenario.ExitOK, onModel(p, kernel.Options{}).ExitCode()) })
	}
	wg.Wait()
}

// BenchmarkModel is the litmus test that an explorer repeats.
func BenchmarkModel(b *testing.B) {
	src, err := os.ReadFile("testdata/et-two-writes.star")
	require.NoError(b, err)
	p := compile(b, string(src))
	pool := &sim.Pool{}
	defer pool.Close()
	b.ReportAllocs()
	for b.Loop() {
		if r := onModel(p, kernel.Options{Machine: sim.Options{Pool: pool}}); r.ExitCode() != 0 {
			b.Fatal(r.Error, r.Err)
		}
	}
}
