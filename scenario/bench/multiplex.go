package bench

import (
	"fmt"
	"slices"
	"time"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
)

// Multiplex is the workload with which the authors of libevent compared multiplexers: pipes whose readers write to the
// next one, and others that are watched and never have anything.
type Multiplex struct {
	Idle   int // pipes that are watched only, at most
	Active int // pipes with a byte in them at any time
	Writes int // bytes to be passed on
}

// Default is the workload of the comparison.
func (Multiplex) Default() Multiplex { return Multiplex{Idle: 100_000, Active: 100, Writes: 1000} }

// MostPipes is how many pipes there are at most: each takes two descriptors of the 1,048,576 that a process can have.
const MostPipes = 500_000

// Check refuses what cannot be measured.
func (w Multiplex) Check() error {
	switch {
	case w.Idle < 0:
		return fmt.Errorf("--idle=%d: expected a number from 0 on", w.Idle)
	case w.Active < 1:
		return fmt.Errorf("--active=%d: expected a number from 1 on", w.Active)
	case w.Writes < 1:
		return fmt.Errorf("--writes=%d: expected a number from 1 on", w.Writes)
	case w.Idle > MostPipes || w.Active > MostPipes || w.Idle+w.Active > MostPipes:
		return fmt.Errorf("--idle=%d --active=%d: expected at most %d pipes in all, two descriptors each", w.Idle, w.Active, MostPipes)
	case w.Writes > 100_000_000:
		return fmt.Errorf("--writes=%d: expected at most 100000000", w.Writes)
	}
	return nil
}

// Cost is what one call of a multiplexer takes on average. All but NS is the same on every machine and in every run.
type Cost struct {
	Scene           string  `json:"scene"` // idle, active or ready
	Call            string  `json:"call"`  // select, poll, epoll LT, epoll ET
	Idle            int     `json:"idle"`
	Active          int     `json:"active"`
	Calls           int     `json:"calls"`  // made
	Events          float64 `json:"events"` // returned
	PollCalls       float64 `json:"poll_calls"`
	QueueInsertions float64 `json:"queue_insertions"`
	BytesCopied     float64 `json:"bytes_copied"`
	Allocations     float64 `json:"allocations"`
	NS              float64 `json:"ns"` // in the model, on this machine, by the best of the calls with events and of those without
}

// The scenes: what of the workload is varied.
const (
	SceneIdle   = "idle"   // more and more that is only watched: where epoll has its advantage
	SceneActive = "active" // everything has events all the time: where it has none
	SceneReady  = "ready"  // long ready lists, each read empty before the next wait: where level and edge part
)

// Run measures the three scenes and calls each for every row.
func (w Multiplex) Run(each func(Cost)) error {
	sizes := decades(w.Idle)
	if last := mostSelect - w.Active; last > 0 && last < w.Idle { // where select ends
		sizes = append(sizes, last)
		slices.Sort(sizes)
	}
	for _, idle := range slices.Compact(sizes) {
		if err := w.scene(SceneIdle, Multiplex{idle, w.Active, w.Writes}, multiplexers, each); err != nil {
			return err
		}
	}
	for _, active := range decades(min(max(w.Idle, w.Active), mostActive)) {
		if err := w.scene(SceneActive, Multiplex{0, active, max(w.Writes, 10*active)}, multiplexers, each); err != nil {
			return err
		}
	}
	for _, active := range decades(min(max(w.Idle, w.Active), mostActive)) {
		if err := w.scene(SceneReady, Multiplex{0, active, 10 * active}, multiplexers[2:], each); err != nil {
			return err
		}
	}
	return nil
}

// mostActive bounds the scenes in which all are active: their work grows with the square of it for select and poll.
const mostActive = 10_000

// decades are the powers of ten from 10 up to most, and most itself.
func decades(most int) []int {
	var all []int
	for n := 10; n < most; n *= 10 {
		all = append(all, n)
	}
	return append(all, most)
}

func (w Multiplex) scene(scene string, size Multiplex, calls []multiplexer, each func(Cost)) error {
	for _, call := range calls {
		if size.Idle+size.Active > call.most {
			continue
		}
		var c Cost
		k := kernel.Boot(kernel.Options{MaxUserWatches: 10_000_000})
		err := k.RunThread(func(t *kernel.Thread) { c = size.measure(k, t, call, scene == SceneReady) })
		if err != nil {
			return fmt.Errorf("%s with %d idle, %d active: %w", call.name, size.Idle, size.Active, err)
		}
		c.Scene, c.Call, c.Idle, c.Active = scene, call.name, size.Idle, size.Active
		each(c)
	}
	return nil
}

// measure runs the workload: a byte in every active pipe, then wait, read what is there, and write a byte to the next
// active pipe for each, until all writes are done. In batches, nothing is passed on: all active pipes are written to,
// waited for, read, and waited for once more.
func (w Multiplex) measure(k *kernel.Kernel, t *kernel.Thread, call multiplexer, batches bool) Cost {
	p := openPipes(t, w.Idle, w.Active)
	m := meter{k: k, wait: call.open(t, p)}
	buf := make([]byte, 1)
	for round := 0; batches && round < w.Writes/w.Active; round++ {
		for i := range w.Active {
			must(t.Write(p.to[i], buf))
		}
		for _, i := range m.call(-1) {
			must(t.Read(p.from[i], buf))
		}
		if n := len(m.call(0)); n != 0 {
			panic(fmt.Sprintf("bench: %d events where nothing is ready", n))
		}
	}
	if batches {
		return m.cost()
	}
	for i := range w.Active {
		must(t.Write(p.to[i], buf))
	}
	for left, inside := w.Writes, w.Active; inside > 0; {
		for _, i := range m.call(-1) {
			must(t.Read(p.from[i], buf))
			inside--
			if left > 0 {
				must(t.Write(p.to[(i+1)%w.Active], buf))
				left--
				inside++
			}
		}
	}
	return m.cost()
}

// pipes are the ends of the active pipes, and of all the reading ends in the order of their numbers.
type pipes struct {
	from, to []int
	all      []int
	active   map[int]int // which active pipe an fd is
}

// openPipes opens them so that the reading ends have the lowest numbers, for select, and the active ones stand evenly
// among the others, as in libevent's program.
func openPipes(t *kernel.Thread, idle, active int) *pipes {
	total := idle + active
	p := &pipes{from: make([]int, active), to: make([]int, active), active: map[int]int{}}
	place := make(map[int]int, active) // of the active pipes among all
	for i := range active {
		place[(i+1)*total/active-1] = i // the last of its stretch
	}
	above := total + 16
	must(0, t.Setrlimit(abi.RLIMIT_NOFILE, uint64(2*above)))
	for at := range total {
		ends := must(t.Pipe2(abi.O_NONBLOCK))
		r, w := ends[0], must(t.Fcntl(ends[1], abi.F_DUPFD, above))
		must(0, t.Close(ends[1]))
		p.all = append(p.all, r)
		if i, ok := place[at]; ok {
			p.from[i], p.to[i], p.active[r] = r, w, i
		}
	}
	return p
}

// meter sums up what the calls of a multiplexer cost.
type meter struct {
	k      *kernel.Kernel
	wait   func(timeout int) []int // fds that are ready, as indices of active pipes
	calls  int
	events int
	spent  [4]uint64        // in the order of counted
	best   [2]time.Duration // of the calls with events, and of those without
	kinds  [2]int
}

// counted are the counters of a Cost; copies count both ways.
func (m *meter) counted() [4]uint64 {
	var c [4]uint64
	for _, counter := range m.k.Counters() {
		switch counter.Name {
		case "poll_calls":
			c[0] = counter.Value
		case "queue_insertions":
			c[1] = counter.Value
		case "bytes_in", "bytes_out":
			c[2] += counter.Value
		case "allocations":
			c[3] = counter.Value
		}
	}
	return c
}

func (m *meter) call(timeout int) []int {
	before := m.counted()
	start := time.Now()
	ready := m.wait(timeout)
	d := time.Since(start)
	for i, now := range m.counted() {
		m.spent[i] += now - before[i]
	}
	kind := 0
	if len(ready) == 0 {
		kind = 1
	}
	if m.kinds[kind]++; m.kinds[kind] == 1 || d < m.best[kind] {
		m.best[kind] = d
	}
	m.calls++
	m.events += len(ready)
	return ready
}

func (m *meter) cost() Cost {
	per := func(n uint64) float64 { return float64(n) / float64(m.calls) }
	ns := uint64(m.best[0].Nanoseconds())*uint64(m.kinds[0]) + uint64(m.best[1].Nanoseconds())*uint64(m.kinds[1])
	return Cost{
		Calls: m.calls, Events: per(uint64(m.events)), PollCalls: per(m.spent[0]), QueueInsertions: per(m.spent[1]),
		BytesCopied: per(m.spent[2]), Allocations: per(m.spent[3]), NS: per(ns),
	}
}

// Names are the multiplexers in the order of the table.
func Names() []string {
	var names []string
	for _, m := range multiplexers {
		names = append(names, m.name)
	}
	return slices.Clip(names)
}
