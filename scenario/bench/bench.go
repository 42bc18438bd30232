package bench

import (
	"encoding/binary"
	"errors"
	"runtime"
	"time"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
)

// Row is one figure. Times are of one operation in ns, the best of all rounds; HostNS is 0 where the host cannot be
// measured.
type Row struct {
	Name          string  `json:"name"`
	What          string  `json:"what"`
	ModelNS       float64 `json:"model_ns"`
	HostNS        float64 `json:"host_ns"`
	Ratio         float64 `json:"ratio"` // ModelNS / HostNS
	AllocsPerOp   float64 `json:"allocs_per_op"`
	BytesPerWatch float64 `json:"bytes_per_watch,omitempty"` // of the row watch: item, hooks and tree
}

// Rounds is how often the two are measured in turn.
const Rounds = 10

// Core measures the rows cycle, add_del, switch, unix and watch; size scales how long it takes (1: about 3 s).
func Core(size float64) ([]Row, error) {
	n := func(base int) int { return max(int(float64(base)*size), 1) }
	rows := []struct {
		name, what string
		n          int
		model      func(t *kernel.Thread, n int) sample
		host       func(n int) (time.Duration, error)
	}{
		{"cycle", "write to an eventfd, epoll_wait, read", n(200_000), modelCycle, hostCycle},
		{"add_del", "EPOLL_CTL_ADD and EPOLL_CTL_DEL of an eventfd", n(200_000), modelAddDel, hostAddDel},
		{"switch", "hand-over between two threads by blocking eventfd reads", n(50_000), modelSwitch, hostSwitch},
		{"unix", "a message over a unix stream pair: write, epoll_wait, read", n(100_000), modelUnix, hostUnix},
		{"watch", "EPOLL_CTL_ADD, one of many", n(50_000), modelWatch, hostWatch},
	}
	var out []Row
	for _, r := range rows {
		row := Row{Name: r.name, What: r.what}
		for range Rounds {
			var s sample
			k := kernel.Boot(kernel.Options{MaxUserWatches: 10_000_000})
			if err := k.RunThread(func(t *kernel.Thread) { s = r.model(t, r.n) }); err != nil {
				return nil, err
			}
			ns := float64(s.d.Nanoseconds()) / float64(r.n)
			if row.ModelNS == 0 || ns < row.ModelNS {
				row.ModelNS = ns
				row.AllocsPerOp = float64(s.allocs) / float64(r.n)
				row.BytesPerWatch = float64(s.bytes) / float64(r.n)
			}
			d, err := r.host(r.n)
			if errors.Is(err, errNoHost) {
				continue
			}
			if err != nil {
				return nil, err
			}
			if ns := float64(d.Nanoseconds()) / float64(r.n); row.HostNS == 0 || ns < row.HostNS {
				row.HostNS = ns
			}
		}
		if row.HostNS > 0 {
			row.Ratio = row.ModelNS / row.HostNS
		}
		out = append(out, row)
	}
	return out, nil
}

// errNoHost says that this platform has no epoll to measure.
var errNoHost = errors.New("no epoll on this platform")

// sample is one measurement of the model.
type sample struct {
	d      time.Duration
	allocs uint64
	bytes  int64 // of heap that stays, where that is asked for
}

// timed measures fn and counts what it allocates.
func timed(fn func()) sample {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	fn()
	d := time.Since(start)
	runtime.ReadMemStats(&after)
	return sample{d: d, allocs: after.Mallocs - before.Mallocs}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

var one = binary.LittleEndian.AppendUint64(nil, 1)

func modelCycle(t *kernel.Thread, n int) sample {
	ep, e := must(t.EpollCreate1(0)), must(t.Eventfd2(0, abi.EFD_NONBLOCK))
	must(0, t.EpollCtl(ep, abi.EPOLL_CTL_ADD, e, &abi.EpollEvent{Events: abi.EPOLLIN}))
	events, buf := make([]abi.EpollEvent, 8), make([]byte, 8)
	return timed(func() {
		for range n {
			must(t.Write(e, one))
			must(t.EpollWait(ep, events, 8, 0))
			must(t.Read(e, buf))
		}
	})
}

func modelAddDel(t *kernel.Thread, n int) sample {
	ep, e := must(t.EpollCreate1(0)), must(t.Eventfd2(0, abi.EFD_NONBLOCK))
	ev := abi.EpollEvent{Events: abi.EPOLLIN}
	return timed(func() {
		for range n {
			must(0, t.EpollCtl(ep, abi.EPOLL_CTL_ADD, e, &ev))
			must(0, t.EpollCtl(ep, abi.EPOLL_CTL_DEL, e, nil))
		}
	})
}

// sizeofMessage is what the sides of a unix pair send to each other in turn.
const sizeofMessage = 64

func modelUnix(t *kernel.Thread, n int) sample {
	ep, fds := must(t.EpollCreate1(0)), must(t.Socketpair(abi.AF_UNIX, abi.SOCK_STREAM|abi.SOCK_NONBLOCK, 0))
	for _, fd := range fds {
		must(0, t.EpollCtl(ep, abi.EPOLL_CTL_ADD, fd, &abi.EpollEvent{Events: abi.EPOLLIN}))
	}
	events, buf := make([]abi.EpollEvent, 8), make([]byte, sizeofMessage)
	return timed(func() {
		for i := range n {
			must(t.Write(fds[i&1], buf))
			must(t.EpollWait(ep, events, 8, 0))
			must(t.Read(fds[i&1^1], buf))
		}
	})
}

// modelSwitch counts a hand-over as one operation: half a round trip.
func modelSwitch(t *kernel.Thread, n int) sample {
	ping, pong := must(t.Eventfd2(0, 0)), must(t.Eventfd2(0, 0))
	must(t.Clone("pong", func(c kernel.Calls) {
		buf := make([]byte, 8)
		for range n / 2 {
			must(c.Read(ping, buf))
			must(c.Write(pong, one))
		}
	}))
	buf := make([]byte, 8)
	return timed(func() {
		for range n / 2 {
			must(t.Write(ping, one))
			must(t.Read(pong, buf))
		}
	})
}

func modelWatch(t *kernel.Thread, n int) sample {
	must(0, t.Setrlimit(abi.RLIMIT_NOFILE, uint64(n+16)))
	ep := must(t.EpollCreate1(0))
	fds := make([]int, n)
	for i := range fds {
		fds[i] = must(t.Eventfd2(0, 0))
	}
	ev := abi.EpollEvent{Events: abi.EPOLLIN}
	before := heap()
	s := timed(func() {
		for _, fd := range fds {
			must(0, t.EpollCtl(ep, abi.EPOLL_CTL_ADD, fd, &ev))
		}
	})
	s.bytes = heap() - before
	runtime.KeepAlive(fds)
	return s
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
