package fuzz

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/epollsim/epollsim/eventpoll"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/kernel/host"
)

// Options of a comparison.
type Options struct {
	Programs    int           // how many; 0: as many as Duration allows
	Duration    time.Duration // 0: no limit
	Seed        uint64        // of the first program
	Calls       int           // of a sequential program; 0: 100
	Focus       string        // calls whose rows' names begin so are made more often, in programs of one thread: "tcp"
	Threads     int           // 1 or 2
	Jobs        int           // programs compared at once; 0: as many as there are CPUs for their threads
	Differences int           // to stop after; 0: 1
	Out         string        // folder for scenarios of differences; "": none is written
	Shrink      time.Duration // most time to spend on making a difference small; 0: 10 s
	Progress    func(Summary)
	Started     func(*host.Host) // told of every host that an interrupt must end
}

// Summary is what a comparison has done.
type Summary struct {
	Programs  int // compared
	Calls     int // compared
	Late      int // programs of two threads that showed what no schedule shows, but not again while the host was in time
	Discarded int // programs of two threads that would block for ever, and were not run on the host
	Elapsed   time.Duration
	Release   string // of the host's kernel
	Found     []Finding
	Cover     eventpoll.Coverage // branches of the model's epoll
}

// Unreached names the branches of the model that no program has reached.
func (s *Summary) Unreached() []string {
	var names []string
	for b, n := range s.Cover {
		if n == 0 {
			names = append(names, eventpoll.Branch(b).String())
		}
	}
	return names
}

// Finding is a difference with its program, as small as it could be made.
type Finding struct {
	Seed       uint64 // of the program
	Program    int    // which one it was
	Calls      int    // of the shrunk program
	Difference *Difference
	Err        error  // the model failed instead
	File       string // the scenario, if one was written
	Scenario   string
}

// campaign is a comparison under way.
type campaign struct {
	opts     Options
	start    time.Time
	newJudge func(threads int) (judge, error)
	stop     atomic.Bool

	mu   sync.Mutex // guards all below
	next int        // program
	sum  Summary
	err  error
}

// Run compares random programs on the model and on the host's kernel. The error is ErrUnsupported, or why the
// comparison could not go on; differences are no error.
func Run(opts Options) (*Summary, error) {
	if host.Release() == "" {
		return nil, ErrUnsupported
	}
	return opts.run(func(threads int) (judge, error) {
		j, err := newHostJudge(threads)
		if err == nil && opts.Started != nil {
			opts.Started(j.worker.Host())
		}
		return j, err
	})
}

func (opts Options) run(newJudge func(threads int) (judge, error)) (*Summary, error) {
	if opts.Calls == 0 {
		opts.Calls = 100
	}
	if opts.Threads == 0 {
		opts.Threads = 1
	}
	if opts.Jobs == 0 {
		opts.Jobs = max(runtime.GOMAXPROCS(0)/opts.Threads, 1) // threads of the host must be in time
	}
	if opts.Differences == 0 {
		opts.Differences = 1
	}
	if opts.Shrink == 0 {
		opts.Shrink = 10 * time.Second
	}
	c := &campaign{opts: opts, start: time.Now(), newJudge: newJudge}
	c.sum.Release = host.Release()
	var jobs sync.WaitGroup
	for range opts.Jobs {
		jobs.Go(c.job)
	}
	ended := make(chan struct{})
	go c.progress(ended)
	jobs.Wait()
	close(ended)
	c.sum.Elapsed = time.Since(c.start)
	return &c.sum, c.err
}

// progress tells how far the comparison is, until it has ended.
func (c *campaign) progress(ended chan struct{}) {
	if c.opts.Progress == nil {
		return
	}
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ended:
			return
		case <-tick.C:
			c.mu.Lock()
			sum := c.sum
			c.mu.Unlock()
			sum.Elapsed = time.Since(c.start)
			c.opts.Progress(sum)
		}
	}
}

// job compares programs one after the other, until none is left.
func (c *campaign) job() {
	j, err := c.newJudge(c.opts.Threads)
	if err != nil {
		c.end(err)
		return
	}
	t := &trial{campaign: c, model: newModel(kernel.Version{}), judge: j}
	t.model.slots = focused(c.opts.Focus)
	for !c.stop.Load() {
		i, ok := c.take()
		if !ok {
			break
		}
		if err := t.program(i); err != nil {
			c.end(err)
			break
		}
	}
	if err := j.close(); err != nil {
		c.end(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for b, n := range t.model.cover {
		c.sum.Cover[b] += n
	}
}

func (c *campaign) end(err error) {
	c.mu.Lock()
	c.err = errors.Join(c.err, err)
	c.mu.Unlock()
	c.stop.Store(true)
}

// seedOf is the seed of program i: never 0, which rapid takes for a random one.
func (o *Options) seedOf(i int) uint64 {
	x := o.Seed*0x9e3779b97f4a7c15 + uint64(i) + 1 // splitmix64
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return max((x^x>>31)>>1, 1)
}

// take returns the next program to compare; false: all that were asked for are compared or being compared, or
// the time is over.
func (c *campaign) take() (int, bool) {
	if c.opts.Duration > 0 && time.Since(c.start) > c.opts.Duration {
		return 0, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.opts.Programs > 0 && c.next-c.sum.Late-c.sum.Discarded >= c.opts.Programs {
		return 0, false
	}
	c.next++
	return c.next - 1, true
}
