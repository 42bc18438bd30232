package devicetest

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
	"github.com/epollsim/epollsim/waitqueue"
)

// Test holds a device to its rows and to what is expected of any file.
func Test(t *testing.T, d Device) {
	t.Helper()
	for _, r := range d.Rows {
		name := strings.ReplaceAll(r.Action, "/", "∕")
		t.Run(name, func(t *testing.T) {
			t.Run("edges", func(t *testing.T) { d.run(t, func(w *World) { w.edges(t, r) }) })
			d.masks(t, r)
			d.hooks(t, r)
		})
	}
	t.Run("any moves", d.walk)
}

// reporter is what a check tells of trouble.
type reporter interface {
	Helper()
	Fatalf(format string, args ...any)
}

// run opens the device in a fresh world and lets fn use it, every structure checked after every step.
func (d Device) run(t reporter, fn func(w *World)) {
	t.Helper()
	w := &World{}
	m := sim.New(sim.Options{Check: true, MaxSteps: 1e6, AfterStep: func() { w.check() }})
	defer m.Close()
	w.Sys = &vfs.System{M: m}
	var owner any
	if d.Owner != nil {
		owner = d.Owner(w.Sys)
	}
	trouble := ""
	m.Go("main", owner, func(task *sim.Task) {
		defer func() {
			if s, ok := recover().(failure); ok {
				trouble = string(s)
			}
		}()
		w.Task = task
		d.Open(w)
		fn(w)
		for len(w.files) > 0 {
			w.Close(w.files[0].Name)
		}
	})
	err := m.Run()
	if trouble != "" {
		t.Fatalf("%s", trouble)
	}
	if err != nil {
		t.Fatalf("%v", err)
	}
}

// failure unwinds a task that has found something wrong.
type failure string

func fail(format string, args ...any) { panic(failure(fmt.Sprintf(format, args...))) }

// check looks at the structures of the device, if it knows how.
func (w *World) check() {
	for _, f := range w.files {
		if c, ok := f.Ops.(interface{ Check() error }); ok {
			if err := c.Check(); err != nil {
				w.Sys.M.Violation("%v", err)
			}
		}
	}
}

// do makes a list of moves.
func (w *World) do(list string) {
	for name := range strings.SplitSeq(list, ";") {
		if name = strings.TrimSpace(name); name != "" {
			w.find(name)()
		}
	}
}

func (w *World) find(name string) func() {
	for _, m := range w.moves {
		if m.name == name {
			return m.fn
		}
	}
	panic(failure("no move is called " + name))
}

// clear forgets everything that was told so far.
func (w *World) clear() {
	for _, f := range w.files {
		f.harvest()
		f.mask, f.looked, f.judged = f.Poll(nil), true, true
	}
	w.wakes, w.heard = nil, nil
}

// edges compares what a row's moves tell with what the row says.
func (w *World) edges(t *testing.T, r Row) {
	w.do(r.Given)
	w.clear()
	w.do(r.Do)
	if r.Do == "" {
		for _, f := range w.files {
			w.watch(f)
		}
	}
	w.announced(r.Do)
	want := cells(r.Edges)
	for _, f := range w.files {
		got := f.harvest()
		if !f.judged {
			continue
		}
		if expected := orText(want[f.Name], noEdges); got != expected {
			fail("edges of %s: got %s, want %s", f.Name, got, expected)
		}
		delete(want, f.Name)
	}
	for name := range want {
		fail("the row tells of %s, which is not open", name)
	}
	for name, expected := range cells(r.Masks) {
		if got := (w.Get(name).Poll(nil) &^ twins).Short(); got != expected {
			fail("mask of %s: got %s, want %s", name, got, expected)
		}
	}
	if got := strings.Join(w.wakes, "; "); got != r.Wakes {
		fail("wake-ups: got %q, want %q", got, r.Wakes)
	}
	for _, f := range w.files { // told once is told
		if got := f.harvest(); got != noEdges {
			fail("edges of %s, harvested again: %s", f.Name, got)
		}
	}
}

func orText(s, def string) string {
	if s == "" {
		return def
	}
	return s
}

// cells takes "r IN / IN / -; w - / - / -" apart.
func cells(text string) map[string]string {
	all := map[string]string{}
	for part := range strings.SplitSeq(text, ";") {
		if name, edges, ok := strings.Cut(strings.TrimSpace(part), " "); ok {
			all[name] = edges
		}
	}
	return all
}

// announced looks whether every bit that a mask has gained was in the key of a wake-up of one of its queues.
func (w *World) announced(after string) {
	for _, f := range w.files {
		now := f.Poll(nil)
		if again := f.Poll(nil); again != now {
			fail("mask of %s after %q: %s, then %s", f.Name, after, now.Short(), again.Short())
		}
		if now&twins != f.twins(now) {
			fail("mask of %s after %q: %s, want the twins %s", f.Name, after, now.Short(), f.twins(now).Short())
		}
		if !f.looked {
			f.mask, f.looked = now, true
			continue
		}
		gained := now &^ f.mask &^ f.Silent
		for _, h := range w.heard {
			for _, q := range f.queues {
				if q == h.queue && h.key == 0 {
					gained = 0
				} else if q == h.queue {
					gained &^= h.key
				}
			}
		}
		if gained != 0 {
			fail("mask of %s after %q: %s → %s, and no wake-up told of %s", f.Name, after, f.mask.Short(), now.Short(), gained.Short())
		}
		f.mask = now
	}
}

// twins are those that a mask must have.
func (f *File) twins(mask abi.Events) (want abi.Events) {
	if mask&abi.EPOLLIN != 0 {
		want |= f.Twins & abi.EPOLLRDNORM
	}
	if mask&abi.EPOLLOUT != 0 {
		want |= f.Twins & (abi.EPOLLWRNORM | abi.EPOLLWRBAND)
	}
	return want
}

// masks compares the mask after a row with what a read and a write then do, each in a world of its own.
func (d Device) masks(t *testing.T, r Row) {
	var names []string
	d.run(t, func(w *World) {
		w.do(r.Given + ";" + r.Do)
		for _, f := range w.files {
			names = append(names, f.Name)
		}
	})
	for _, name := range names {
		for kind, try := range map[string]func(*World, *File){"read": (*World).tryRead, "write": (*World).tryWrite} {
			t.Run(kind+" "+name, func(t *testing.T) {
				d.run(t, func(w *World) {
					w.do(r.Given + ";" + r.Do)
					try(w, w.Get(name))
				})
			})
		}
	}
}

// tryRead reads f and compares with its mask.
func (w *World) tryRead(f *File) {
	if !f.Readable() {
		return
	}
	size := f.Read
	if size == 0 {
		size = 4096
	}
	mask := f.Poll(nil)
	ready := mask&f.ReadBits != 0 || f.Unannounced != nil && f.Unannounced()
	n, errno := f.Ops.Read(f.File, make([]byte, size))
	switch {
	case f.Read == 0 && errno != abi.EINVAL:
		fail("read of %s: %d, %v; it has none", f.Name, n, errno)
	case f.Read == 0:
	case ready && errno == abi.EAGAIN:
		fail("mask of %s is %s, and a read is EAGAIN", f.Name, mask.Short())
	case !ready && errno != abi.EAGAIN:
		fail("mask of %s is %s, and a read is %d, %v", f.Name, mask.Short(), n, errno)
	}
}

// tryWrite writes f and compares with its mask.
func (w *World) tryWrite(f *File) {
	if !f.Writable() {
		return
	}
	mask := f.Poll(nil)
	p := f.Write
	if p == nil {
		p = make([]byte, 8)
	}
	roomy := f.Roomy != nil && f.Roomy()
	tail := f.Tail != nil && f.Tail()
	n, errno := f.Ops.Write(f.File, p)
	ready := mask&f.WriteBits != 0 || roomy
	switch {
	case f.Write == nil && errno != abi.EINVAL:
		fail("write of %s: %d, %v; it has none", f.Name, n, errno)
	case f.Write == nil:
	case ready && errno == abi.EAGAIN:
		fail("mask of %s is %s, and a write is EAGAIN", f.Name, mask.Short())
	case !ready && !tail && errno != abi.EAGAIN:
		fail("mask of %s is %s, and a write is %d, %v", f.Name, mask.Short(), n, errno)
	}
}

// hooks polls each file while the moves of the row are made, just before the poller is on the queue: their wake-up is
// missed, so the mask must have what they brought.
func (d Device) hooks(t *testing.T, r Row) {
	if r.Do == "" {
		return
	}
	var names []string
	d.run(t, func(w *World) {
		w.do(r.Given)
		for _, f := range w.files {
			names = append(names, f.Name)
		}
	})
	for _, name := range names {
		t.Run("hook "+name, func(t *testing.T) {
			d.run(t, func(w *World) {
				w.do(r.Given)
				f := w.Get(name)
				f.Get()
				defer f.Put()
				seen := f.Poll(&vfs.PollTable{Key: ^abi.Events(0), Queue: &late{w: w, do: r.Do}})
				if now := f.Poll(nil); now != seen {
					fail("mask of %s is %s, but a poll that %q came into said %s", name, now.Short(), r.Do, seen.Short())
				}
			})
		})
	}
}

// late makes moves at the last moment.
type late struct {
	w    *World
	do   string
	done bool
}

func (l *late) QueueProc(*vfs.File, *waitqueue.Head) {
	if !l.done {
		l.done = true
		l.w.do(l.do)
	}
}

// walk makes any moves in any order.
func (d Device) walk(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var names []string
		d.run(rt, func(w *World) {
			for _, m := range w.moves {
				names = append(names, m.name)
			}
		})
		list := rapid.SliceOfN(rapid.SampledFrom(names), 1, 30).Draw(rt, "moves")
		which := rapid.IntRange(0, 3).Draw(rt, "file")
		write := rapid.Bool().Draw(rt, "write")
		d.run(rt, func(w *World) {
			w.clear()
			for _, name := range list {
				w.wakes, w.heard = nil, nil
				w.do(name)
				w.announced(name)
			}
			if which >= len(w.files) {
				return
			}
			if write {
				w.tryWrite(w.files[which])
			} else {
				w.tryRead(w.files[which])
			}
		})
	})
}
