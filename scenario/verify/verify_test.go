package verify_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/kernel/host"
	"github.com/epollsim/epollsim/scenario"
	"github.com/epollsim/epollsim/scenario/verify"
	"github.com/epollsim/epollsim/sim/explore"
)

// Every scenario that comes with the project is true of the running kernel.
func TestTestdataAgrees(t *testing.T) {
	skipWithoutHost(t)
	t.Parallel()
	for _, dir := range []string{"cases", "litmus"} {
		files, err := filepath.Glob(filepath.Join("..", "..", "testdata", dir, "*.star"))
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, file := range files {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".star"), func(t *testing.T) {
				t.Parallel() // most of a run's time is sleep
				skipOtherControl(t, file)
				r := agree(t, file)
				if r.Verdict == verify.ModelOnly {
					t.Skip(r.Why)
				}
			})
		}
	}
}

// skipOtherControl skips what fills windows of TCP on a kernel that does not use BBR: the model's windows are its.
func skipOtherControl(t *testing.T, file string) {
	t.Helper()
	control, err := os.ReadFile("/proc/sys/net/ipv4/tcp_congestion_control")
	if used := strings.TrimSpace(string(control)); err == nil && used != "bbr" && strings.HasPrefix(filepath.Base(file), "tcp-") {
		t.Skipf("the congestion control of the model is BBR, this kernel's is %s", used)
	}
}

// again lets one scenario at a time have another try.
var again sync.Mutex

// agree compares a file and fails unless it agrees. On a machine that is too busy for the scenario's times it is tried
// again, while no other is.
func agree(t *testing.T, file string) *verify.Report {
	t.Helper()
	src, err := os.ReadFile(file)
	require.NoError(t, err)
	p, err := scenario.Compile(file, src)
	require.NoError(t, err)
	var r *verify.Report
	for try := range 6 {
		if try == 1 {
			again.Lock()
			defer again.Unlock()
		}
		if try > 2 {
			time.Sleep(time.Duration(try) * time.Second)
		}
		r, err = verify.File(p, verify.Options{})
		require.NoError(t, err)
		if r.Verdict == verify.Agrees || r.Verdict == verify.ModelOnly {
			return r
		}
		if r.Verdict != verify.Inconclusive && filepath.Base(filepath.Dir(file)) != "litmus" { // those have several outcomes
			break
		}
	}
	if r.Verdict == verify.Inconclusive {
		t.Skip("the host is too busy to tell: ", r.Why)
	}
	var b strings.Builder
	if r.Difference != nil {
		r.Difference.Print(&b)
	}
	t.Fatalf("%s differs from Linux %s: %s %s\n%s", file, host.Release(), r.Ends, r.Why, b.String())
	return nil
}

func skipWithoutHost(t *testing.T) {
	t.Helper()
	h, err := host.New(host.Options{})
	if errors.Is(err, host.ErrUnsupported) {
		t.Skip(err)
	}
	require.NoError(t, err)
	h.Close()
}

func compare(t *testing.T, src string) *verify.Report {
	t.Helper()
	p, err := scenario.Compile("t.star", []byte(src))
	require.NoError(t, err)
	for range 5 {
		r, err := verify.File(p, verify.Options{})
		require.NoError(t, err)
		if r.Verdict != verify.Inconclusive {
			return r
		}
		time.Sleep(time.Second)
	}
	t.Skip("the host is too busy to tell")
	return nil
}

func TestVerdicts(t *testing.T) {
	skipWithoutHost(t)
	t.Parallel()
	r := compare(t, "check(eventfd(0) == 3)")
	require.Equal(t, verify.Agrees, r.Verdict)
	require.Equal(t, 1, r.Calls)

	require.Equal(t, verify.ModelOnly, compare(t, `kernel("5.10")`).Verdict)

	r = compare(t, "kill(1, 0)")
	require.Equal(t, verify.Wrong, r.Verdict)
	require.Contains(t, r.Why, "refused")

	r = compare(t, "fcntl(0, F_SETOWN, 1)")
	require.Equal(t, verify.Wrong, r.Verdict)
	require.Contains(t, r.Why, "t.star:1:1: fcntl F_SETOWN is not modelled")

	r = compare(t, "ep = epoll_create1()\nepoll_wait(ep)")
	require.Equal(t, verify.Agrees, r.Verdict, "both wait for ever")
}

// What differs is told: the program asks for something that only time decides.
func TestDifferenceIsShown(t *testing.T) {
	skipWithoutHost(t)
	t.Parallel()
	r := compare(t, `
t0 = now()
for _ in range(1000):
    sched_yield()
if now() > t0:
    eventfd(0)
else:
    epoll_create1()
`)
	require.Equal(t, verify.Differs, r.Verdict)
	var b strings.Builder
	r.Difference.Print(&b)
	require.Contains(t, b.String(), "epoll_create1(0) = 3")
	require.Contains(t, b.String(), "| eventfd(0) = 3")
}

// With eight threads at a race no random schedule hits the order that the host has chosen; the order itself does.
func TestOrderOfManyThreadsIsFound(t *testing.T) {
	skipWithoutHost(t)
	t.Parallel()
	for range 5 {
		r := compare(t, `
def racer():
    for _ in range(4):
        eventfd(0)
ts = [spawn(racer) for _ in range(8)]
for t in ts:
    join(t)
`)
		require.Equal(t, verify.Agrees, r.Verdict, r.Schedule)
	}
}

// Two waiters and one edge: either may have it, nobody else does, and the host shows nothing more.
const twoWaiters = `
ep = epoll_create1()
e = eventfd(0, EFD_NONBLOCK)
epoll_ctl(ep, EPOLL_CTL_ADD, e, EPOLLIN | EPOLLET)
def waiter():
    epoll_wait(ep, timeout = 200)
a = spawn(waiter, name = "a")
b = spawn(waiter, name = "b")
eventfd_write(e, 1)
join(a)
join(b)
`

// A delay must not make a timeout end that the model's run need not wait for.
func TestDelaysAreShorterThanAnyTimeout(t *testing.T) {
	skipWithoutHost(t)
	t.Parallel()
	for call, want := range map[string]time.Duration{
		"poll([(e, POLLOUT)], timeout = 30)":           3 * time.Millisecond,
		"ppoll([(e, POLLOUT)], timeout_ns = 20000000)": 2 * time.Millisecond,
		"poll([(e, POLLIN)], timeout = 40)":            4 * time.Millisecond,
		"poll([(e, POLLOUT)], timeout = -1)":           100 * time.Millisecond,
	} {
		p, err := scenario.Compile("t.star", []byte("e = eventfd(0)\n"+call))
		require.NoError(t, err)
		rep, err := verify.Repeat(p, 1, 1, verify.Options{})
		require.NoError(t, err)
		require.Equal(t, want, rep.MaxDelay, call)
	}
}

// The random delays of many calls do not use up the time of a run.
func TestDelaysOfManyCalls(t *testing.T) {
	skipWithoutHost(t)
	t.Parallel()
	p, err := scenario.Compile("t.star", []byte("for i in range(300):\n    eventfd()\n"))
	require.NoError(t, err)
	rep, err := verify.Repeat(p, 1, 1, verify.Options{})
	require.NoError(t, err)
	require.Less(t, rep.MaxDelay, 10*time.Millisecond)
	for _, o := range rep.Outcomes {
		require.Equal(t, verify.Agrees, o.Report.Verdict, o.Report.Ends)
	}
}

func TestExploreIsSound(t *testing.T) {
	skipWithoutHost(t)
	t.Parallel()
	p, err := scenario.Compile("two.star", []byte(twoWaiters))
	require.NoError(t, err)
	e, err := verify.Explore(p, 10, 1, verify.Options{}, explore.Options{})
	require.NoError(t, err)
	require.True(t, e.Model.Exhaustive)
	require.Len(t, e.Possible, 2)
	require.True(t, e.Sound())
	for _, q := range e.Possible {
		require.Contains(t, q.Calls, "main/1 a: epoll_wait = [")
		require.Contains(t, q.Calls, "main/2 b: epoll_wait = [")
	}
	require.LessOrEqual(t, len(e.Unseen()), 1)
}

// What the host does and no visited interleaving shows is reported: here only the first was, in which main never stops.
func TestExploreReportsWhatItHasNotVisited(t *testing.T) {
	skipWithoutHost(t)
	t.Parallel()
	p, err := scenario.Compile("late.star", []byte(`
e = eventfd(0, EFD_NONBLOCK)
spawn(eventfd_write, e, 1)
for i in range(300):
    getpid()
eventfd_read(e) == EAGAIN
`))
	require.NoError(t, err)
	e, err := verify.Explore(p, 20, 1, verify.Options{}, explore.Options{MaxSchedules: 1})
	require.NoError(t, err)
	require.False(t, e.Model.Exhaustive)
	if len(e.Outcomes) == 1 && len(e.Unseen()) == 0 {
		t.Skip("the host never let the other thread run first")
	}
	require.False(t, e.Sound())
	for _, o := range e.Outcomes {
		require.Equal(t, o.Report.Verdict == verify.Differs, o.Report.Difference != nil)
		require.Equal(t, o.Report.Verdict == verify.Differs, strings.Contains(o.Calls, "main: eventfd_read = "), o.Calls)
	}
	e, err = verify.Explore(p, 20, 1, verify.Options{Schedules: 400}, explore.Options{MaxSchedules: 1})
	require.NoError(t, err)
	require.True(t, e.Sound(), "other schedules show it")
	for _, o := range e.Outcomes {
		require.Equal(t, o.Beyond, strings.Contains(o.Calls, "main: eventfd_read = "), o.Calls)
	}
}

// A host that is too late for the scenario's times shows what the model shows all the same.
func TestExploreCountsLateRunsThatItExplains(t *testing.T) {
	skipWithoutHost(t)
	t.Parallel()
	p, err := scenario.Compile("late.star", []byte("epoll_pwait2(epoll_create1(), timeout_ns = 100)\n"))
	require.NoError(t, err)
	rep, err := verify.Repeat(p, 5, 1, verify.Options{})
	require.NoError(t, err)
	require.Equal(t, 5, rep.Discarded)
	e, err := verify.Explore(p, 5, 1, verify.Options{}, explore.Options{})
	require.NoError(t, err)
	require.Zero(t, e.Discarded)
	require.Equal(t, 5, e.Possible[0].Host)
}
