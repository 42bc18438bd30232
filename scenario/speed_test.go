//go:build unix

package scenario_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/kernel/kerneltest"
	"github.com/epollsim/epollsim/scenario"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/sim/explore"
)

// pingText is a thread that reads an eventfd twice, and one that writes it twice.
const pingText = `
e = eventfd(0, EFD_SEMAPHORE)
def reader():
    for _ in range(2):
        eventfd_read(e)
spawn(reader)
for _ in range(2):
    eventfd_write(e, 1)
`

// epollText is the same through an epoll.
const epollText = `
e = eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK)
ep = epoll_create1()
epoll_ctl(ep, EPOLL_CTL_ADD, e, EPOLLIN)
def reader():
    for _ in range(2):
        epoll_wait(ep)
        eventfd_read(e)
spawn(reader)
for _ in range(2):
    eventfd_write(e, 1)
`

// pingThreads is the same in Go: main is the writer.
func pingThreads(main kernel.Calls) {
	var buf [16]byte
	one, got := buf[:8], buf[8:]
	one[0] = 1
	fd, _ := main.Eventfd2(0, abi.EFD_SEMAPHORE)
	main.(interface {
		Clone(string, func(kernel.Calls)) (int, error)
	}).Clone("reader", func(c kernel.Calls) {
		for range 2 {
			c.Read(fd, got)
		}
	})
	for range 2 {
		main.Write(fd, one)
	}
}

// BenchmarkSchedules is how many schedules a second of one core are run of the ping, in all ways. schedules/cpu-s counts the
// time of the process, garbage collection on other cores included, and not that of its neighbours.
func BenchmarkSchedules(b *testing.B) {
	star := func(text string, check bool) explore.Program {
		p, err := scenario.Compile("ping.star", []byte(text))
		require.NoError(b, err)
		return p.Explored(func(m sim.Options) *kernel.Kernel {
			return kernel.Boot(kernel.Options{Machine: m, Check: check})
		}, scenario.Options{})
	}
	direct := explore.Options{Direct: true}
	unchecked, checked := star(pingText, false), star(pingText, true)
	epoll, epollChecked := star(epollText, false), star(epollText, true)
	for _, way := range []struct {
		name    string
		explore func() *explore.Report
	}{
		{"kernel", func() *explore.Report { return explore.Explore(pingProgram, direct) }},
		{"kerneltest", func() *explore.Report {
			return kerneltest.Explore(b, func(r *kerneltest.Run) { pingThreads(r) }, kerneltest.Independent())
		}},
		{"starlark", func() *explore.Report { return explore.Explore(unchecked, direct) }},
		{"starlark-checked", func() *explore.Report { return explore.Explore(checked, direct) }},
		{"epoll", func() *explore.Report { return explore.Explore(epoll, direct) }},
		{"epoll-checked", func() *explore.Report { return explore.Explore(epollChecked, direct) }},
	} {
		b.Run(way.name, func(b *testing.B) {
			b.ReportAllocs()
			runs, start := uint64(0), cpuTime()
			for b.Loop() {
				r := way.explore()
				if !r.Exhaustive || r.Failed > 0 {
					b.Fatal(r.Verdict())
				}
				runs += r.Total
			}
			b.ReportMetric(float64(runs)/(cpuTime()-start).Seconds(), "schedules/cpu-s")
			b.ReportMetric(float64(runs)/b.Elapsed().Seconds(), "schedules/s")
		})
	}
}

func pingProgram(m sim.Options) explore.Result {
	k := kernel.Boot(kernel.Options{Machine: m, UserMemory: kernel.NoUserMemory})
	return explore.Result{Err: k.Run(pingThreads)}
}

// cpuTime is what the process has used so far.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
