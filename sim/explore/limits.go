package explore

import "time"

// hopeless is after how many runs that reached a limit of their own a phase is given up: it proves nothing any more.
const hopeless = 20

// givenUp reports whether p is. An attempt without a bound is all that ends then: tasks may keep each other going for ever
// where nothing bounds the preemptions, and what has fewer can be covered all the same.
func (p *phase) givenUp() bool { return p.limited.Load() >= hopeless }

// often is after how many runs the clock is looked at.
const often = 64

// permit counts one more run of b, unless a limit forbids it.
func (x *exploration) permit(p *phase, b *branch) bool {
	if n := p.runs.Add(1); p.most > 0 && n > p.most || x.limit(p, b) {
		p.runs.Add(^uint64(0))
		return false
	}
	if n := x.runs.Add(1); x.opts.MaxSchedules > 0 && n > x.opts.MaxSchedules {
		p.runs.Add(^uint64(0))
		x.runs.Add(^uint64(0))
		x.over.Store(true)
		return false
	}
	return true
}

// limit reports whether the exploration is over, besides by the number of runs. Now and then it looks at the clock and
// tells how far it is.
func (x *exploration) limit(p *phase, b *branch) bool {
	if p.givenUp() && p.most > 0 {
		return true
	}
	over := p.givenUp() || x.opts.StopAtFailure && b.Failed > 0
	if b.Runs%often == 0 && !over {
		over = x.late()
		x.progress(p, b, time.Since(x.start))
	}
	if over {
		x.over.Store(true)
	}
	return over || x.over.Load()
}

// late reports whether the time is over, or Stop says so.
func (x *exploration) late() bool {
	if x.opts.MaxDuration > 0 && time.Since(x.start) > x.opts.MaxDuration || x.opts.Stop != nil && x.opts.Stop() {
		x.timed.Store(true)
		x.over.Store(true)
	}
	return x.timed.Load()
}

// revoke takes back what permit has permitted for a run that was aborted.
func (x *exploration) revoke(p *phase) {
	p.runs.Add(^uint64(0))
	x.runs.Add(^uint64(0))
}

func (x *exploration) progress(p *phase, b *branch, elapsed time.Duration) {
	if x.opts.Progress == nil {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	known := b.weigh * b.search.done()
	p.part, b.known = p.part+known-b.known, known
	x.opts.Progress(Progress{Runs: x.runs.Load(), Elapsed: elapsed, Bound: Bound(p.bound + 1), Done: min(p.part, 1)})
}

// unlist takes b, which is about to be joined or dropped, out of what is known of p.
func (x *exploration) unlist(p *phase, b *branch) {
	x.mu.Lock()
	defer x.mu.Unlock()
	p.part -= b.known
}
