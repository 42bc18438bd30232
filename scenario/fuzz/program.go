package fuzz

import "fmt"

// call is one call with its arguments, and what the model said to it.
type call struct {
	op   *op
	args []int64
	want []byte

	ret, ret2 int // what the model returned: the numbers that it opened
}

// limit is how long the call may sleep (ns); false: until somebody comes.
func (c *call) limit() (int64, bool) {
	if c.op.sleeps == nil {
		return 0, !c.op.blocks
	}
	ns := c.op.sleeps(c.args)
	return ns, ns >= 0
}

// program is what one run makes on a kernel.
type program struct {
	calls []call // of the main thread, before the second one is started; all of a sequential program
	// Of a program with two threads: what both do at once, and what the main thread does when both have ended.
	main, second, after []call

	timed bool // it has files that depend on time
	files bool // it may leave files in the directory
	slow  bool // it has terminals, whose bytes a worker of the host carries,
	// from this call on.
	slowFrom int
	spoil    bool // it leaves more behind than a reset undoes: a large fd table, or 0, 1, 2 changed

	arena []int64
}

func (p *program) reset() {
	*p = program{
		calls: p.calls[:0], main: p.main[:0], second: p.second[:0], after: p.after[:0], arena: p.arena[:0],
	}
}

// settles reports whether the host needs a moment after call i.
func (p *program) settles(i int) bool { return p.slow && i >= p.slowFrom }

// threads is how many threads p has.
func (p *program) threads() int {
	if len(p.second) > 0 {
		return 2
	}
	return 1
}

// count is how many calls p makes.
func (p *program) count() int { return len(p.calls) + len(p.main) + len(p.second) + len(p.after) }

// Difference is the first call that two kernels answered in different ways.
type Difference struct {
	Thread string // "main" or "second"
	Index  int    // of the call in its thread
	Call   string
	Model  string
	Host   string
}

// String is the call with both results, on one line.
func (d *Difference) String() string {
	return fmt.Sprintf("call %d of thread %s: %s: model %s, host %s", d.Index+1, d.Thread, d.Call, d.Model, d.Host)
}
