package devices_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
	"github.com/epollsim/epollsim/waitqueue"
)

// newSystem returns a machine without tasks; devices may be used at once, as long as nobody has to sleep.
func newSystem(t testing.TB, opts sim.Options) *vfs.System {
	m := sim.New(opts)
	t.Cleanup(m.Close)
	return &vfs.System{M: m}
}

// thread owns a task and counts its SIGPIPEs.
type thread struct{ sigpipes int }

func (th *thread) SendSigpipe() { th.sigpipes++ }

// spawn starts a task with an owner that takes signals.
func spawn(s *vfs.System, name string, fn func(t *sim.Task)) *thread {
	th := &thread{}
	s.M.Go(name, th, fn)
	return th
}

// settle lets everybody else run until nobody can.
func settle(t *sim.Task) {
	for range 10 {
		t.Yield()
	}
}

// signal sends a signal to t as far as a sleeper cares.
func signal(t *sim.Task) {
	t.SetSignal(true, false)
	t.WakeUp(sim.Interruptible)
}

// pipe is both ends of one.
type pipe struct {
	*devices.Pipe
	s    *vfs.System
	r, w *vfs.File
}

func newPipe(t testing.TB, s *vfs.System, flags int, rules devices.PipeRules) *pipe {
	r, w, errno := devices.NewPipe(s, flags, rules)
	require.Zero(t, errno)
	return &pipe{devices.PipeOf(r), s, r, w}
}

// write returns the count, or minus the errno.
func write(f *vfs.File, b []byte) int {
	if !f.Writable() {
		return -int(abi.EBADF)
	}
	n, errno := f.Ops.Write(f, b)
	if errno != 0 {
		return -int(errno)
	}
	return n
}

// read returns the count, or minus the errno, and fills p.
func read(f *vfs.File, p []byte) int {
	if !f.Readable() {
		return -int(abi.EBADF)
	}
	n, errno := f.Ops.Read(f, p)
	if errno != 0 {
		return -int(errno)
	}
	return n
}

func (p *pipe) write(n int) int { return write(p.w, make([]byte, n)) }
func (p *pipe) read(n int) int  { return read(p.r, make([]byte, n)) }

// fill writes whole pages until the ring is full.
func (p *pipe) fill() {
	for p.write(4096) == 4096 {
	}
}

func (p *pipe) resize(size int) int {
	n, errno := p.w.Ops.(vfs.Fcntler).Fcntl(p.w, abi.F_SETPIPE_SZ, size)
	if errno != 0 {
		return -int(errno)
	}
	return n
}

// reopen makes another description of the pipe's read or write end, as opening /proc/self/fd/N does.
func (p *pipe) reopen(end *vfs.File, flags int) *vfs.File {
	return devices.Reopen(p.Pipe, p.s, end, flags)
}

func count(b []byte) uint64         { return binary.LittleEndian.Uint64(b) }
func number(v uint64) []byte        { return binary.LittleEndian.AppendUint64(nil, v) }
func put(f *vfs.File, v uint64) int { return write(f, number(v)) }

// take reads a number; v is meaningful if n is 8.
func take(f *vfs.File) (n int, v uint64) {
	var b [8]byte
	n = read(f, b[:])
	return n, count(b[:])
}

// mask is what ->poll shows, without hooking.
func mask(f *vfs.File) abi.Events { return f.Poll(nil) }

// Events as the sheets write them, without the NORM twins.
const (
	none  = abi.Events(0)
	in    = abi.EPOLLIN
	out   = abi.EPOLLOUT
	er    = abi.EPOLLERR
	hup   = abi.EPOLLHUP
	all   = abi.Events(0x3fff)
	twins = abi.EPOLLRDNORM | abi.EPOLLWRNORM
	rdn   = abi.EPOLLIN | abi.EPOLLRDNORM
	wrn   = abi.EPOLLOUT | abi.EPOLLWRNORM
)

// watcher is an edge-triggered epoll item and nothing else: the three rules of 00-conventions.md.
type watcher struct {
	file     *vfs.File
	interest abi.Events
	ready    bool
	hooks    []*waitqueue.Entry
}

func watch(f *vfs.File, interest abi.Events) *watcher {
	w := &watcher{file: f, interest: interest | er | hup}
	w.ready = f.Poll(&vfs.PollTable{Queue: w, Key: w.interest})&w.interest != 0
	return w
}

func (w *watcher) QueueProc(_ *vfs.File, h *waitqueue.Head) {
	hook := &waitqueue.Entry{Func: func(_ *waitqueue.Entry, _ sim.State, _ bool, key abi.Events) int {
		if key == 0 || key&w.interest != 0 {
			w.ready = true
		}
		return 1
	}}
	w.hooks = append(w.hooks, hook)
	h.Add(hook)
}

// unhook is what the last close of the file does to an item.
func (w *watcher) unhook() {
	for _, h := range w.hooks {
		h.Unlink()
	}
}

// harvest is epoll_wait with timeout 0.
func (w *watcher) harvest() abi.Events {
	if !w.ready {
		return 0
	}
	w.ready = false
	return mask(w.file) & w.interest
}

// watchers are the three columns of the ET tables.
type watchers [3]*watcher

func watchAll(f *vfs.File) watchers {
	return watchers{watch(f, all), watch(f, in), watch(f, out)}
}

func (ws watchers) harvest() string {
	var cells []string
	for _, w := range ws {
		cell := "-"
		if got := w.harvest() &^ twins; got != 0 {
			cell = got.Short()
		}
		cells = append(cells, cell)
	}
	return strings.Join(cells, " / ")
}

func (ws watchers) unhook() {
	for _, w := range ws {
		w.unhook()
	}
}

// listen returns where the wake-ups of the queues go: "rd IN|RDNORM interruptible sync".
func listen(queues map[string]*waitqueue.Head) *[]string {
	log := &[]string{}
	for name, h := range queues {
		h.Add(&waitqueue.Entry{Func: func(_ *waitqueue.Entry, mode sim.State, sync bool, key abi.Events) int {
			text := fmt.Sprintf("%s %s %s", name, key.Short(), mode)
			if sync {
				text += " sync"
			}
			*log = append(*log, text)
			return 1
		}})
	}
	return log
}

// record is listen with how many were woken, one or all: two exclusive entries on each queue count. Sleepers that come
// later are not reached by a wake-up of one.
func record(queues map[string]*waitqueue.Head) *[]string {
	log := listen(queues)
	for _, h := range queues {
		for i := range 2 {
			h.AddExclusive(&waitqueue.Entry{Func: func(*waitqueue.Entry, sim.State, bool, abi.Events) int {
				(*log)[len(*log)-1] = strings.TrimSuffix((*log)[len(*log)-1], " one") + [...]string{" one", " all"}[i]
				return 1
			}})
		}
	}
	return log
}
