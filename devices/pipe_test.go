package devices_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
	"github.com/epollsim/epollsim/waitqueue"
)

const again = -int(abi.EAGAIN)

func TestPipeCreate(t *testing.T) {
	for _, c := range []struct {
		flags  int
		errno  abi.Errno
		rf, wf int
	}{
		{0, 0, 0, 1},
		{abi.O_CLOEXEC, 0, 0, 1},
		{abi.O_NONBLOCK, 0, 0o4000, 0o4001},
		{abi.O_DIRECT, 0, 0, 0o40001},
		{abi.O_EXCL, abi.ENOPKG, 0, 0},
		{abi.O_EXCL | abi.O_APPEND, abi.EINVAL, 0, 0},
		{abi.O_RDWR, abi.EINVAL, 0, 0},
		{abi.O_SYNC, abi.EINVAL, 0, 0},
	} {
		s := newSystem(t, sim.Options{})
		r, w, errno := devices.NewPipe(s, c.flags, devices.PipeRules{})
		require.Equal(t, c.errno, errno, "%#o", c.flags)
		if errno != 0 {
			continue
		}
		require.Equal(t, []int{c.rf, c.wf}, []int{r.Flags(), w.Flags()}, "%#o", c.flags)
		require.Equal(t, r.Name, w.Name)
		require.Less(t, w.ID(), r.ID(), "the write end is made first")
	}
}

func TestPipeOf(t *testing.T) {
	s := newSystem(t, sim.Options{})
	p := newPipe(t, s, 0, devices.PipeRules{})
	require.Same(t, devices.PipeOf(p.r), devices.PipeOf(p.w))
	require.Nil(t, devices.PipeOf(devices.NewNull(s, 0)))
}

// TestPipePollMask is the table of pipe.md, "Poll mask", without FIFOs.
func TestPipePollMask(t *testing.T) {
	for _, c := range []struct {
		end, state string
		want       abi.Events
	}{
		{"read", "empty", none},
		{"read", "data", rdn},
		{"read", "data, no writer", rdn | hup},
		{"read", "empty, no writer", hup},
		{"write", "empty", wrn},
		{"write", "data", wrn},
		{"write", "full", none},
		{"write", "full, room in the last page", none},
		{"write", "empty, no reader", wrn | er},
		{"write", "full, no reader", er},
	} {
		p := newPipe(t, newSystem(t, sim.Options{}), abi.O_NONBLOCK, devices.PipeRules{})
		switch {
		case strings.HasPrefix(c.state, "data"):
			p.write(1)
		case strings.HasPrefix(c.state, "full, room"):
			p.write(15*4096 + 100)
		case strings.HasPrefix(c.state, "full"):
			p.fill()
		}
		end := p.r
		if c.end == "write" {
			end = p.w
		}
		if strings.HasSuffix(c.state, "no writer") {
			p.w.Put()
		} else if strings.HasSuffix(c.state, "no reader") {
			p.r.Put()
		}
		require.Equal(t, c.want, mask(end), "%s end, %s", c.end, c.state)
		require.NoError(t, p.Check())
	}
}

// TestPipeWakeUps is the table of pipe.md, "Wake-ups", for calls that do not sleep.
func TestPipeWakeUps(t *testing.T) {
	const (
		readers   = "rd IN|RDNORM interruptible sync one"
		writers   = "wr OUT|WRNORM interruptible sync one"
		everybody = "rd 0 interruptible all, wr 0 interruptible all"
	)
	for _, c := range []struct {
		action string
		setup  func(p *pipe)
		do     func(p *pipe)
		want   string
	}{
		{"write to empty", nil, func(p *pipe) { p.write(1) }, readers},
		{"write to readable, never polled", func(p *pipe) { p.write(1) }, func(p *pipe) { p.write(1) }, ""},
		{"write to readable, read end polled", func(p *pipe) { p.write(1); mask(p.r) }, func(p *pipe) { p.write(1) }, readers},
		{"write to readable, write end polled", func(p *pipe) { p.write(1); mask(p.w) }, func(p *pipe) { p.write(1) }, readers},
		{"write, EAGAIN, never polled", func(p *pipe) { p.fill() }, func(p *pipe) { p.write(1) }, ""},
		{"write, EAGAIN, polled", func(p *pipe) { p.fill(); mask(p.r) }, func(p *pipe) { p.write(1) }, readers},
		{"write of nothing", func(p *pipe) { mask(p.r) }, func(p *pipe) { p.write(0) }, ""},
		{"write, EPIPE", func(p *pipe) { mask(p.w); p.r.Put() }, func(p *pipe) { p.write(1) }, ""},
		{"read of nothing", func(p *pipe) { p.fill() }, func(p *pipe) { p.read(0) }, ""},
		{"read, EAGAIN", nil, func(p *pipe) { p.read(1) }, ""},
		{"read, frees no slot of a full ring", func(p *pipe) { p.fill() }, func(p *pipe) { p.read(1) }, ""},
		{"read, frees a slot of a full ring", func(p *pipe) { p.fill() }, func(p *pipe) { p.read(4096) }, writers},
		{"read, frees all slots", func(p *pipe) { p.fill() }, func(p *pipe) { p.read(1 << 20) }, writers},
		{"read, frees a slot, not full", func(p *pipe) { p.write(8192) }, func(p *pipe) { p.read(4096) }, ""},
		{"close of the writer", nil, func(p *pipe) { p.w.Put() }, everybody},
		{"close of the reader", nil, func(p *pipe) { p.r.Put() }, everybody},
		{"close of one of two writers", func(p *pipe) { p.reopen(p.w, abi.O_WRONLY) }, func(p *pipe) { p.w.Put() }, ""},
		{"close of one of two readers, no writer", func(p *pipe) { p.reopen(p.r, 0); p.w.Put() }, func(p *pipe) { p.r.Put() }, everybody},
		{"close of both", func(p *pipe) { p.w.Put() }, func(p *pipe) { p.r.Put() }, ""},
		{"close of a dup", func(p *pipe) { p.w.Get() }, func(p *pipe) { p.w.Put() }, ""},
		{"F_SETPIPE_SZ, same size", nil, func(p *pipe) { p.resize(65536) }, "wr 0 interruptible one"},
		{"F_SETPIPE_SZ, shrinks", nil, func(p *pipe) { p.resize(4096) }, "wr 0 interruptible one"},
		{"F_SETPIPE_SZ, EBUSY", func(p *pipe) { p.fill() }, func(p *pipe) { p.resize(4096) }, ""},
		{"F_GETPIPE_SZ, FIONREAD", nil, func(p *pipe) {
			p.r.Ops.(vfs.Fcntler).Fcntl(p.r, abi.F_GETPIPE_SZ, 0)
			p.r.Ops.(vfs.Ioctler).Ioctl(p.r, abi.FIONREAD, 0)
		}, ""},
	} {
		p := newPipe(t, newSystem(t, sim.Options{}), abi.O_NONBLOCK, devices.PipeRules{})
		if c.setup != nil {
			c.setup(p)
		}
		log := record(map[string]*waitqueue.Head{"rd": p.RdWait(), "wr": p.WrWait()})
		c.do(p)
		require.Equal(t, c.want, strings.Join(*log, ", "), c.action)
		require.NoError(t, p.Check(), c.action)
	}
}

// TestPipeCapacity is the table "Measured capacity".
func TestPipeCapacity(t *testing.T) {
	for chunk, want := range map[int]int{1: 65536, 4096: 65536, 100000: 65536, 4095: 65520, 2049: 32784, 5000: 54096} {
		p := newPipe(t, newSystem(t, sim.Options{}), abi.O_NONBLOCK, devices.PipeRules{})
		total := 0
		for {
			n := p.write(chunk)
			if n < 0 {
				require.Equal(t, again, n)
				break
			}
			total += n
		}
		require.Equal(t, want, total, "chunks of %d", chunk)
		require.Equal(t, want, p.State().Bytes)
	}
	for n, want := range map[int]int{3996: 3996, 3997: again, 4146: 50, 4096: again} {
		p := newPipe(t, newSystem(t, sim.Options{}), abi.O_NONBLOCK, devices.PipeRules{})
		p.write(15*4096 + 100)
		require.Len(t, p.State().Buffers, 16)
		require.Equal(t, want, p.write(n), "100 bytes in the last slot, write %d", n)
		if n == 3996 {
			require.Equal(t, again, p.write(1))
		}
	}
	p := newPipe(t, newSystem(t, sim.Options{}), abi.O_NONBLOCK, devices.PipeRules{})
	p.write(15 * 4096)
	require.Equal(t, 4096, p.write(8192), "one free slot")
}

func TestPipeMergeBehindPartialRead(t *testing.T) {
	for n, slots := range map[int]int{96: 1, 97: 2} {
		p := newPipe(t, newSystem(t, sim.Options{}), abi.O_NONBLOCK, devices.PipeRules{})
		p.write(4000)
		require.Equal(t, 3990, p.read(3990))
		require.Equal(t, n, p.write(n))
		require.Len(t, p.State().Buffers, slots, "write %d", n)
		require.Equal(t, 10+n, p.read(5000))
	}
}

func TestPipeFirstBytesGoToTheOldPage(t *testing.T) {
	p := newPipe(t, newSystem(t, sim.Options{}), abi.O_NONBLOCK, devices.PipeRules{})
	p.write(1)
	p.write(4096 + 10)
	require.Equal(t, []devices.PipeBuffer{{0, 11, false}, {0, 4096, false}}, p.State().Buffers)
}

func TestPipeReadsAcrossSlots(t *testing.T) {
	p := newPipe(t, newSystem(t, sim.Options{}), abi.O_NONBLOCK, devices.PipeRules{})
	b := make([]byte, 10000)
	for i := range b {
		b[i] = byte(i % 251)
	}
	require.Equal(t, 10000, write(p.w, b))
	got := make([]byte, 20000)
	require.Equal(t, 3, read(p.r, got[:3]))
	require.Equal(t, 9997, read(p.r, got[3:]))
	require.Equal(t, b, got[:10000])
	require.Equal(t, again, p.read(1))
	p.w.Put()
	require.Equal(t, 0, p.read(1), "end of file")
}

func TestPipePackets(t *testing.T) {
	s := newSystem(t, sim.Options{})
	p := newPipe(t, s, abi.O_NONBLOCK|abi.O_DIRECT, devices.PipeRules{})
	require.Equal(t, 5000, p.write(5000))
	require.Equal(t, []devices.PipeBuffer{{0, 4096, true}, {0, 904, true}}, p.State().Buffers)
	require.Equal(t, 10, p.read(10), "the rest of the packet is lost")
	require.Equal(t, 904, p.read(8192), "one packet at a time")
	require.Equal(t, again, p.read(1))

	for range 16 {
		require.Equal(t, 1, p.write(1))
	}
	require.Equal(t, again, p.write(1))
	n, errno := p.w.Ops.(vfs.Ioctler).Ioctl(p.w, abi.FIONREAD, 0)
	require.Equal(t, []any{int64(16), abi.Errno(0)}, []any{n, errno})
	require.NoError(t, p.Check())

	p.read(1)
	require.Zero(t, p.w.SetFlags(abi.O_NONBLOCK), "no packets any more")
	require.Equal(t, 1, p.write(1))
	require.Equal(t, 1, p.write(1), "merges")
	require.Zero(t, p.w.SetFlags(abi.O_NONBLOCK|abi.O_DIRECT))
	require.Equal(t, again, p.write(4096))
	require.Equal(t, 1, p.write(1), "merges with what is no packet")
	require.Zero(t, p.r.SetFlags(abi.O_NONBLOCK|abi.O_DIRECT), "accepted, means nothing")
}

// TestPipeSize is the table of F_SETPIPE_SZ.
func TestPipeSize(t *testing.T) {
	p := newPipe(t, newSystem(t, sim.Options{}), abi.O_NONBLOCK, devices.PipeRules{})
	for _, c := range []struct{ arg, want int }{
		{0, 4096}, {1, 4096}, {4096, 4096}, {4097, 8192}, {65536, 65536}, {65537, 131072}, {1 << 20, 1 << 20},
		{1<<20 + 1, -int(abi.EPERM)}, {1 << 31, -int(abi.EPERM)}, {1<<31 + 1, -int(abi.EINVAL)}, {-1, -int(abi.EINVAL)},
	} {
		require.Equal(t, c.want, p.resize(c.arg), "%d", c.arg)
		require.NoError(t, p.Check())
	}
	p.resize(65536)
	p.write(3 * 4096)
	p.read(4096) // the used slots are not at the beginning
	require.Equal(t, -int(abi.EBUSY), p.resize(4096))
	require.Equal(t, 8192, p.resize(8192), "exactly the used number")
	require.Equal(t, none, mask(p.w))
	require.Equal(t, 65536, p.resize(65536))
	require.Equal(t, wrn, mask(p.w))
	n, errno := p.r.Ops.(vfs.Fcntler).Fcntl(p.r, abi.F_GETPIPE_SZ, 0)
	require.Equal(t, []any{65536, abi.Errno(0)}, []any{n, errno})
	_, errno = p.r.Ops.(vfs.Fcntler).Fcntl(p.r, abi.F_GET_SEALS, 0)
	require.Equal(t, abi.EINVAL, errno)
	require.Equal(t, 8192, p.read(1<<20))
}

func TestPipeIoctl(t *testing.T) {
	p := newPipe(t, newSystem(t, sim.Options{}), abi.O_NONBLOCK, devices.PipeRules{})
	p.write(5000)
	p.read(1)
	for _, f := range []*vfs.File{p.r, p.w} {
		n, errno := f.Ops.(vfs.Ioctler).Ioctl(f, abi.FIONREAD, 0)
		require.Equal(t, []any{int64(4999), abi.Errno(0)}, []any{n, errno})
		_, errno = f.Ops.(vfs.Ioctler).Ioctl(f, abi.TCGETS, 0)
		require.Equal(t, abi.ENOTTY, errno)
		_, seeks := f.Ops.(vfs.Seeker)
		require.False(t, seeks, "ESPIPE")
	}
}

// TestPipeEdges is the ET edge table for calls that do not sleep.
func TestPipeEdges(t *testing.T) {
	quiet := "- / - / -"
	drop := func(ws watchers, f *vfs.File) { ws.unhook(); f.Put() }
	for _, c := range []struct {
		action string
		setup  func(p *pipe)
		do     func(p *pipe)
		r, w   string // "": the end is gone
	}{
		{"ADD, empty", nil, nil, quiet, "OUT / - / OUT"},
		{"write 1 (empty)", nil, func(p *pipe) { p.write(1) }, "IN / IN / -", quiet},
		{"write 1 (already readable)", func(p *pipe) { p.write(1) }, func(p *pipe) { p.write(1) }, "IN / IN / -", quiet},
		{"read 1 of 2", func(p *pipe) { p.write(2) }, func(p *pipe) { p.read(1) }, quiet, quiet},
		{"read last", func(p *pipe) { p.write(1) }, func(p *pipe) { p.read(1) }, quiet, quiet},
		{"read EAGAIN", nil, func(p *pipe) { p.read(1) }, quiet, quiet},
		{"write 0 bytes", func(p *pipe) { p.write(1) }, func(p *pipe) { p.write(0) }, quiet, quiet},
		{"write until EAGAIN", nil, func(p *pipe) { p.fill() }, "IN / IN / -", quiet},
		{"write ⇒ EAGAIN on full pipe", func(p *pipe) { p.fill() }, func(p *pipe) { p.write(1) }, "IN / IN / -", quiet},
		{"pipe full; read 1 byte", func(p *pipe) { p.fill() }, func(p *pipe) { p.read(1) }, quiet, quiet},
		{"read the rest of the first slot", func(p *pipe) { p.fill(); p.read(1) }, func(p *pipe) { p.read(4095) }, quiet, "OUT / - / OUT"},
		{"read another page", func(p *pipe) { p.fill(); p.read(4096) }, func(p *pipe) { p.read(4096) }, quiet, quiet},
		{"drain all from full", func(p *pipe) { p.fill() }, func(p *pipe) { p.read(1 << 20) }, quiet, "OUT / - / OUT"},
		{"F_SETPIPE_SZ on full pipe (grow)", func(p *pipe) { p.fill() }, func(p *pipe) { p.resize(1 << 17) }, quiet, "OUT / - / OUT"},
		{"F_SETPIPE_SZ, not full", nil, func(p *pipe) { p.resize(4096) }, quiet, "OUT / - / OUT"},
		{"F_SETPIPE_SZ shrink to exactly full", func(p *pipe) { p.write(4096) }, func(p *pipe) { p.resize(4096) }, quiet, quiet},
		{"reads after HUP", func(p *pipe) { p.write(1); p.w.Put() }, func(p *pipe) { p.read(1); p.read(1) }, quiet, ""},
		{"write ⇒ EPIPE", func(p *pipe) { p.r.Put() }, func(p *pipe) { p.write(1) }, "", quiet},
		{"close one of two writers", func(p *pipe) { p.reopen(p.w, abi.O_WRONLY) }, func(p *pipe) { p.w.Put() }, quiet, ""},
		{"second reader closes while writers==0", func(p *pipe) { p.w.Put() }, func(p *pipe) { p.reopen(p.r, abi.O_RDONLY).Put() }, "HUP / HUP / HUP", ""},
		{"second writer closes while readers==0", func(p *pipe) { p.r.Put() }, func(p *pipe) { p.reopen(p.w, abi.O_WRONLY).Put() }, "", "OUT|ERR / ERR / OUT|ERR"},
	} {
		p := newPipe(t, newSystem(t, sim.Options{}), abi.O_NONBLOCK, devices.PipeRules{})
		if c.setup != nil {
			c.setup(p)
		}
		rs, ws := watchAll(p.r), watchAll(p.w)
		if c.do != nil {
			rs.harvest()
			ws.harvest()
			c.do(p)
		}
		if c.r != "" {
			require.Equal(t, c.r, rs.harvest(), "r after %s", c.action)
		}
		if c.w != "" {
			require.Equal(t, c.w, ws.harvest(), "w after %s", c.action)
		}
	}
	for _, c := range []struct {
		action  string
		setup   func(p *pipe)
		closesR bool
		want    string
	}{
		{"close last writer, data left", func(p *pipe) { p.write(1) }, false, "IN|HUP / IN|HUP / HUP"},
		{"close last writer, empty", func(*pipe) {}, false, "HUP / HUP / HUP"},
		{"close last reader, room", func(*pipe) {}, true, "OUT|ERR / ERR / OUT|ERR"},
		{"close last reader, full", func(p *pipe) { p.fill() }, true, "ERR / ERR / ERR"},
	} {
		p := newPipe(t, newSystem(t, sim.Options{}), abi.O_NONBLOCK, devices.PipeRules{})
		c.setup(p)
		rs, ws := watchAll(p.r), watchAll(p.w)
		rs.harvest()
		ws.harvest()
		left := rs
		if c.closesR {
			drop(rs, p.r)
			left = ws
		} else {
			drop(ws, p.w)
		}
		require.Equal(t, c.want, left.harvest(), c.action)
	}
}

// TestPipeRules are S-PIPE-ET-IN and S-PIPE-ET-OUT.
func TestPipeRules(t *testing.T) {
	edges := func(rules devices.PipeRules, interest abi.Events, end func(p *pipe) *vfs.File, setup, do func(p *pipe)) abi.Events {
		p := newPipe(t, newSystem(t, sim.Options{}), abi.O_NONBLOCK, rules)
		setup(p)
		w := watch(end(p), interest)
		w.harvest()
		do(p)
		return w.harvest()
	}
	r := func(p *pipe) *vfs.File { return p.r }
	w := func(p *pipe) *vfs.File { return p.w }
	one := func(p *pipe) { p.write(1) }
	full := func(p *pipe) { p.fill() }
	for _, c := range []struct {
		rule        devices.WakeReaders
		more, again abi.Events
	}{
		{devices.WakeReadersIfWritten, in, none},
		{devices.WakeReadersIfEmpty, none, none},
		{devices.WakeReadersAlways, in, in},
		{devices.WakeReadersIfEmptyOrPolled, in, in},
	} {
		rules := devices.PipeRules{WakeReaders: c.rule}
		require.Equal(t, in, edges(rules, in, r, func(*pipe) {}, one), "rule %d: write to empty", c.rule)
		require.Equal(t, c.more, edges(rules, in, r, one, one), "rule %d: write to readable", c.rule)
		require.Equal(t, c.again, edges(rules, in, r, full, one), "rule %d: EAGAIN", c.rule)
	}
	for _, c := range []struct {
		rule                 devices.WakeWriters
		last, byte, wholeOne abi.Events
	}{
		{devices.WakeWritersIfFreed, out, none, out},
		{devices.WakeWritersIfWasFull, none, none, out},
		{devices.WakeWritersIfFreedWhileFull, none, none, out},
	} {
		rules := devices.PipeRules{WakeWriters: c.rule}
		require.Equal(t, c.last, edges(rules, out, w, one, func(p *pipe) { p.read(1) }), "rule %d: last byte", c.rule)
		require.Equal(t, c.byte, edges(rules, out, w, full, func(p *pipe) { p.read(1) }), "rule %d: a byte of a full pipe", c.rule)
		require.Equal(t, c.wholeOne, edges(rules, out, w, full, func(p *pipe) { p.read(4096) }), "rule %d: a slot of a full pipe", c.rule)
	}
	// 5.5 … 6.13 wake for a byte too, and the mask hides it.
	p := newPipe(t, newSystem(t, sim.Options{}), abi.O_NONBLOCK, devices.PipeRules{WakeWriters: devices.WakeWritersIfWasFull})
	p.fill()
	log := record(map[string]*waitqueue.Head{"wr": p.WrWait()})
	p.read(1)
	require.Len(t, *log, 1)
}

func TestPipeCheckFindsWhatIsWrong(t *testing.T) {
	for name, spoil := range map[string]func(r *devices.Raw){
		"too many used":  func(r *devices.Raw) { r.Head(40) },
		"used, empty":    func(r *devices.Raw) { r.Head(1) },
		"readers":        func(r *devices.Raw) { r.Readers(-1) },
		"more than ever": func(r *devices.Raw) { r.Readers(2) },
		"page":           func(r *devices.Raw) { r.Slot(0, 5000, 0, 1) },
		"offset":         func(r *devices.Raw) { r.Slot(0, 5, 6, 1) },
		"flags":          func(r *devices.Raw) { r.Slot(0, 5, 0, 3) },
		"free with page": func(r *devices.Raw) { r.Slot(1, 5, 0, 0) },
	} {
		p := newPipe(t, newSystem(t, sim.Options{}), 0, devices.PipeRules{})
		p.write(1)
		require.NoError(t, p.Check())
		p.Corrupt(spoil)
		require.Error(t, p.Check(), name)
	}
}

func TestPipeAllocatesNothing(t *testing.T) {
	p := newPipe(t, newSystem(t, sim.Options{}), abi.O_NONBLOCK, devices.PipeRules{})
	b := make([]byte, 6000)
	cycle := func() {
		for range 10 {
			write(p.w, b)
		}
		for read(p.r, b) > 0 {
		}
	}
	cycle()
	require.Zero(t, testing.AllocsPerRun(100, cycle))
}
