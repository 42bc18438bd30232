package devices_test

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

// contents is the model a pipe is held against: a queue of bytes. Each step of a run may append to it or take from its
// front, and it is noted who did.
type contents struct {
	p        *devices.Pipe
	m        *sim.Machine
	unread   []byte
	scratch  []byte
	produced []piece
	consumed map[*sim.Task][]byte // since its read began
	call     map[*sim.Task]int
}

// piece is what one write call has put in without another writer between.
type piece struct {
	by    *sim.Task
	call  int
	bytes []byte
}

// step compares the pipe after a step with the pipe before.
func (c *contents) step() {
	if err := c.p.Check(); err != nil {
		c.m.Violation("%v", err)
	}
	now := c.p.Unread(c.scratch[:0])
	before := c.unread
	t := c.m.Current()
	switch {
	case len(now) > len(before):
		if !bytes.HasPrefix(now, before) {
			c.m.Violation("%s changed bytes that were there", t)
		}
		c.produce(t, now[len(before):])
	case !bytes.HasSuffix(before, now):
		c.m.Violation("%s left other bytes than there were", t)
	default:
		c.consumed[t] = append(c.consumed[t], before[:len(before)-len(now)]...)
	}
	c.unread, c.scratch = now, before
}

func (c *contents) produce(t *sim.Task, b []byte) {
	if n := len(c.produced); n > 0 && c.produced[n-1].by == t && c.produced[n-1].call == c.call[t] {
		c.produced[n-1].bytes = append(c.produced[n-1].bytes, b...)
		return
	}
	c.produced = append(c.produced, piece{t, c.call[t], bytes.Clone(b)})
}

// of returns what a call has put in, in how many pieces.
func (c *contents) of(t *sim.Task, call int) (b []byte, pieces int) {
	for _, p := range c.produced {
		if p.by == t && p.call == call {
			b = append(b, p.bytes...)
			pieces++
		}
	}
	return b, pieces
}

// write is a write call of t that must put in exactly what it says, at once if it is small.
func (c *contents) write(t *sim.Task, f *vfs.File, b []byte) {
	for len(b) > 0 {
		c.call[t]++
		n := write(f, b)
		got, pieces := c.of(t, c.call[t])
		switch {
		case n == again && len(got) == 0 && f.NonBlocking():
			t.Yield()
			continue
		case n < 0 || !bytes.Equal(got, b[:n]):
			c.m.Violation("write of %d returned %d and put in %d bytes", len(b), n, len(got))
		case !f.NonBlocking() && n < len(b):
			c.m.Violation("write of %d returned %d", len(b), n)
		case len(b) <= abi.PIPE_BUF && (n < len(b) || pieces != 1):
			c.m.Violation("write of %d is not atomic: %d bytes in %d pieces", len(b), n, pieces)
		}
		b = b[n:]
	}
}

// read is a read call of t that must return what it took out; of a packet, the beginning.
func (c *contents) read(t *sim.Task, f *vfs.File, b []byte) (eof bool) {
	c.consumed[t] = nil
	n := read(f, b)
	if n == again && f.NonBlocking() {
		t.Yield()
		return false
	}
	took := c.consumed[t]
	if n < 0 || !bytes.Equal(b[:n], took[:min(len(took), len(b))]) {
		c.m.Violation("read of %d returned %d of the %d bytes it took", len(b), n, len(took))
	}
	return n == 0
}

// TestPipeContents: two writers and two readers on a small pipe, under random schedules. No byte is lost, invented or
// reordered, small writes are not interleaved, nobody is left asleep.
func TestPipeContents(t *testing.T) {
	pool := &sim.Pool{}
	defer pool.Close()
	sizes := rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom([]int{1, 2, 96, 4095, 4096, 4097, 4146, 8192, 9000}), rapid.IntRange(1, 12000)), 1, 4)
	rapid.Check(t, func(rt *rapid.T) {
		c := &contents{consumed: map[*sim.Task][]byte{}, call: map[*sim.Task]int{}}
		strategy, fair := drawSchedule(rt)
		s := &vfs.System{M: sim.New(sim.Options{Check: true, Pool: pool, AfterStep: c.step, MaxSteps: 200_000, Strategy: strategy})}
		defer s.M.Close()
		flags := rapid.SampledFrom([]int{0, 0, 0, abi.O_DIRECT}).Draw(rt, "flags")
		r, w, _ := devices.NewPipe(s, flags, devices.PipeRules{})
		c.p, c.m = devices.PipeOf(r), s.M
		(&pipe{c.p, s, r, w}).resize(4096 * rapid.SampledFrom([]int{1, 2, 4, 16}).Draw(rt, "slots"))
		ends := [2]*vfs.File{w, devices.Reopen(c.p, s, w, abi.O_WRONLY|flags)}
		if fair && rapid.Bool().Draw(rt, "one writer does not wait") { // but tries again
			ends[0].SetFlags(flags | abi.O_NONBLOCK)
		}
		twoWriters(rt, s.M, sizes, func(i int, task *sim.Task, b []byte) { c.write(task, ends[i], b) }, func(i int) { ends[i].Put() })
		twoReaders(rt, s.M, sizes, 500, func(task *sim.Task, b []byte) bool { return c.read(task, r, b) })
		if err := s.M.Run(); err != nil {
			rt.Fatalf("%v", err)
		}
		if len(c.unread) > 0 {
			rt.Fatalf("%d bytes were not read before the end of the file", len(c.unread))
		}
	})
}
