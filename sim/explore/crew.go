package explore

import (
	"errors"
	"sync"
	"sync/atomic"

	"github.com/epollsim/epollsim/sim"
)

// crew is several cores at work on a phase. Whoever has nothing to do waits for a branch to be split. Who must wait for a
// branch does another meanwhile; nobody waits for ever, for what a core waits for was begun after what it waits in.
type crew struct {
	x *exploration
	p *phase

	mu    sync.Mutex
	moved *sync.Cond
	open  []*branch // nobody is at work on them
	idle  int       // cores
	over  bool

	wanted atomic.Int32 // branches
	stop   atomic.Bool
	unsure atomic.Bool // stopped by something that one core might not have met, or not here
}

// together goes on with p on all cores. If that ends before p is complete, what was visited is not yet what one core
// would have visited: settle sees to it.
func (x *exploration) together(p *phase) {
	c := &crew{x: x, p: p}
	c.moved = sync.NewCond(&c.mu)
	runs, limited := uint64(0), uint64(0)
	p.each(func(b *branch) {
		runs, limited = runs+b.Runs, limited+b.Limited
		if b != p.branch && !b.complete {
			c.open = append(c.open, b)
		}
	})
	x.recount(p, runs, limited)
	c.all()
	if !p.complete && c.unsure.Load() && !x.timed.Load() && x.err == nil {
		x.over.Store(false)
		x.settle(p)
	}
}

// all has every core work until p is complete or a limit is reached.
func (c *crew) all() {
	var cores sync.WaitGroup
	for i := range c.x.pools[1:] {
		cores.Add(1)
		go func() {
			defer cores.Done()
			c.help(c.x.pools[1+i])
		}()
	}
	defer cores.Wait()
	defer c.end()
	c.work(c.p.branch, c.x.pools[0])
}

func (c *crew) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	c.stop.Store(true)
	c.moved.Broadcast()
}

// halt stops all cores at their next run.
func (c *crew) halt(unsure bool) {
	if unsure {
		c.unsure.Store(true)
	}
	c.end()
}

// help works on branches until it is over.
func (c *crew) help(pool *sim.Pool) {
	left := true // by runtime.Goexit
	defer func() {
		if left {
			c.x.fail(errors.New("a run ended the goroutine it was on"), "")
			c.halt(false)
		}
	}()
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.over {
		c.other(pool)
	}
	left = false
}

// other works on a branch that nobody is at work on, or waits until something has changed. c.mu is held.
func (c *crew) other(pool *sim.Pool) {
	if len(c.open) > 0 {
		b := c.open[0]
		c.open = c.open[1:]
		c.count()
		c.mu.Unlock()
		defer c.mu.Lock()
		c.work(b, pool)
		return
	}
	c.idle++
	c.count()
	c.moved.Wait()
	c.idle--
	c.count()
}

// count tells those at work how many branches are wanted. c.mu is held.
func (c *crew) count() { c.wanted.Store(int32(c.idle - len(c.open))) }

// work goes on with b until that is complete, or all cores stop.
func (c *crew) work(b *branch, pool *sim.Pool) {
	done := b.complete
	for !done && !c.stop.Load() {
		if b.search.choosing {
			if first := b.awaits(); first != nil {
				if !c.await(first, pool) {
					return
				}
				c.x.unlist(c.p, first)
				b.join()
			}
			done = b.step()
			continue
		}
		if !c.x.permit(c.p, b) {
			c.halt(c.x.over.Load() || c.p.givenUp())
			return
		}
		if err := c.x.run(c.p, b, pool); err == errAborted {
			c.x.revoke(c.p)
			c.halt(false)
			return
		} else if err == errDisturbed && b == c.p.branch {
			c.p.again = true
			c.halt(false)
			return
		} else if err != nil {
			c.spoil(b, err)
			return
		}
		if done = b.step(); !done && c.wanted.Load() > 0 {
			c.split(b)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	b.complete = done
	c.moved.Broadcast()
}

// spoil stops all: the program is wrong. It may be wrong in another way in what one core would have come to first.
func (c *crew) spoil(b *branch, err error) {
	b.spoiled = true
	if b.search.stray != nil {
		c.x.fail(err, b.search.token())
	}
	c.halt(true)
}

// await waits until b is complete, and reports false if that will not be now.
func (c *crew) await(b *branch, pool *sim.Pool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for !b.complete && !c.over {
		for i, o := range c.open {
			if o == b { // then rather that one
				c.open[0], c.open[i] = b, c.open[0]
			}
		}
		c.other(pool)
	}
	return b.complete
}

// split leaves a part of b to whoever has nothing to do.
func (c *crew) split(b *branch) {
	part := b.split()
	if part == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open = append(c.open, part)
	c.count()
	c.moved.Signal()
}
