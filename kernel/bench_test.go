package kernel_test

import (
	"encoding/binary"
	"runtime"
	"testing"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
)

// run runs fn as the only thread of a freshly booted, unwatched kernel.
func run(b testing.TB, fn func(t *kernel.Thread)) {
	b.Helper()
	if err := kernel.Boot(kernel.Options{}).RunThread(fn); err != nil {
		b.Fatal(err)
	}
}

// must is for calls of a benchmark that cannot fail.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// cycle is write-eventfd, epoll_wait, read through the fd table.
func cycle(b *testing.B, t *kernel.Thread, idle int) {
	ep := must(t.EpollCreate1(0))
	if idle > 0 {
		must(0, t.Setrlimit(abi.RLIMIT_NOFILE, 1<<20))
		for range idle {
			fd := must(t.Eventfd2(0, 0))
			must(0, t.EpollCtl(ep, abi.EPOLL_CTL_ADD, fd, &abi.EpollEvent{Events: abi.EPOLLIN}))
		}
	}
	e := must(t.Eventfd2(0, abi.EFD_NONBLOCK))
	must(0, t.EpollCtl(ep, abi.EPOLL_CTL_ADD, e, &abi.EpollEvent{Events: abi.EPOLLIN}))
	one := binary.LittleEndian.AppendUint64(nil, 1)
	buf := make([]byte, 8)
	events := make([]abi.EpollEvent, 8)
	b.ReportAllocs()
	for b.Loop() {
		must(t.Write(e, one))
		if must(t.EpollWait(ep, events, 8, 0)) != 1 {
			b.Fatal("no event")
		}
		must(t.Read(e, buf))
	}
}

func BenchmarkCycle(b *testing.B) {
	for _, idle := range []int{0, 100, 10_000, 1_000_000} {
		b.Run(map[int]string{0: "idle=0", 100: "idle=100", 10_000: "idle=10k", 1_000_000: "idle=1M"}[idle], func(b *testing.B) {
			k := kernel.Boot(kernel.Options{MaxUserWatches: 2_000_000})
			if err := k.RunThread(func(t *kernel.Thread) { cycle(b, t, idle) }); err != nil {
				b.Fatal(err)
			}
		})
	}
}

func BenchmarkAddDel(b *testing.B) {
	run(b, func(t *kernel.Thread) {
		ep := must(t.EpollCreate1(0))
		e := must(t.Eventfd2(0, abi.EFD_NONBLOCK))
		ev := abi.EpollEvent{Events: abi.EPOLLIN}
		b.ReportAllocs()
		for b.Loop() {
			must(0, t.EpollCtl(ep, abi.EPOLL_CTL_ADD, e, &ev))
			must(0, t.EpollCtl(ep, abi.EPOLL_CTL_DEL, e, nil))
		}
	})
}

// BenchmarkSwitch is a ping-pong of two threads over two eventfds with blocking reads: two switches a round.
func BenchmarkSwitch(b *testing.B) {
	run(b, func(t *kernel.Thread) {
		ping, pong := must(t.Eventfd2(0, 0)), must(t.Eventfd2(0, 0))
		one := binary.LittleEndian.AppendUint64(nil, 1)
		must(t.Clone("pong", func(c kernel.Calls) {
			buf := make([]byte, 8)
			for {
				must(c.Read(ping, buf))
				if buf[0] == 2 {
					return
				}
				must(c.Write(pong, one))
			}
		}))
		buf := make([]byte, 8)
		b.ReportAllocs()
		for b.Loop() {
			must(t.Write(ping, one))
			must(t.Read(pong, buf))
		}
		must(t.Write(ping, binary.LittleEndian.AppendUint64(nil, 2)))
	})
}

// BenchmarkWatch reports the bytes that a million watched eventfds take for items, hooks and tree.
func BenchmarkWatch(b *testing.B) {
	const n = 1_000_000
	for b.Loop() {
		k := kernel.Boot(kernel.Options{MaxUserWatches: 2 * n})
		err := k.RunThread(func(t *kernel.Thread) {
			ep := must(t.EpollCreate1(0))
			must(0, t.Setrlimit(abi.RLIMIT_NOFILE, 1<<20))
			fds := make([]int, n)
			for i := range fds {
				fds[i] = must(t.Eventfd2(0, 0))
			}
			before := heap()
			for _, fd := range fds {
				must(0, t.EpollCtl(ep, abi.EPOLL_CTL_ADD, fd, &abi.EpollEvent{Events: abi.EPOLLIN}))
			}
			b.ReportMetric(float64(heap()-before)/n, "bytes/watch")
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
