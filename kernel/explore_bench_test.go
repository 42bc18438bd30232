package kernel_test

import (
	"testing"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/sim/explore"
)

// ping is two threads: one writes an eventfd, the other reads it.
func ping(opts sim.Options) explore.Result {
	k := kernel.Boot(kernel.Options{Machine: opts, UserMemory: kernel.NoUserMemory})
	err := k.RunThread(func(th *kernel.Thread) {
		fd := must(th.Eventfd2(0, abi.EFD_SEMAPHORE))
		buf := make([]byte, 8)
		must(th.Clone("reader", func(c kernel.Calls) {
			for range 2 {
				must(c.Read(fd, buf))
			}
		}))
		for range 2 {
			must(th.Write(fd, one))
		}
	})
	return explore.Result{Err: err}
}

// smallPing is the smallest: one write, which a thread in epoll_wait hears of and reads.
func smallPing(opts sim.Options) explore.Result {
	k := kernel.Boot(kernel.Options{Machine: opts, UserMemory: kernel.NoUserMemory})
	err := k.RunThread(func(th *kernel.Thread) {
		ep, fd := must(th.EpollCreate1(0)), must(th.Eventfd2(0, abi.EFD_NONBLOCK))
		must(0, add(th, ep, fd, abi.EPOLLIN))
		got, buf := make([]abi.EpollEvent, 1), make([]byte, 8)
		must(th.Clone("reader", func(c kernel.Calls) {
			must(c.EpollWait(ep, got, 1, -1))
			must(c.Read(fd, buf))
		}))
		must(th.Write(fd, one))
	})
	return explore.Result{Err: err}
}

func BenchmarkExplorePing(b *testing.B)      { benchmarkExplore(b, ping) }
func BenchmarkExploreSmallPing(b *testing.B) { benchmarkExplore(b, smallPing) }

func benchmarkExplore(b *testing.B, program explore.Program) {
	b.ReportAllocs()
	runs := uint64(0)
	for b.Loop() {
		r := explore.Explore(program, explore.Options{Direct: true})
		if !r.Exhaustive || r.Failed > 0 {
			b.Fatal(r.Verdict())
		}
		runs += r.Total
	}
	b.ReportMetric(float64(runs)/b.Elapsed().Seconds(), "schedules/s")
	b.ReportMetric(float64(runs)/float64(b.N), "schedules")
}
