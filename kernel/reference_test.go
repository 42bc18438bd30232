package kernel_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/sim"
)

// The reference: what an epoll reports, told without lists, hooks or locks. A file has a mask and tells
// keys; an item is ready when mask and interest meet; ready items stand in a queue.

type refFile struct {
	kind  string // "eventfd", "pipe read", "pipe write"
	count uint64 // of an eventfd; used slots of a pipe
	peer  *refFile
	refs  int
	items []*refItem // newest first, over all epolls
}

type refItem struct {
	ep     *refEpoll
	file   *refFile
	fd     int
	events abi.Events
	data   uint64
}

type refEpoll struct {
	items []*refItem
	ready []*refItem
}

const pipeSlots = 16

func (f *refFile) mask() abi.Events {
	var m abi.Events
	switch f.kind {
	case "eventfd":
		if f.count > 0 {
			m |= abi.EPOLLIN
		}
		if f.count < math.MaxUint64-1 {
			m |= abi.EPOLLOUT
		}
	case "pipe read":
		if f.count > 0 {
			m |= abi.EPOLLIN | abi.EPOLLRDNORM
		}
		if f.peer.refs == 0 {
			m |= abi.EPOLLHUP
		}
	case "pipe write":
		if f.peer.count < pipeSlots {
			m |= abi.EPOLLOUT | abi.EPOLLWRNORM
		}
		if f.peer.refs == 0 {
			m |= abi.EPOLLERR
		}
	}
	return m
}

// tell announces key to every item of f.
func (f *refFile) tell(key abi.Events) {
	for _, it := range f.items {
		armed := it.events&(1<<28-1) != 0
		if armed && (key == 0 || key&it.events != 0) {
			it.ep.list(it)
		}
	}
}

func (ep *refEpoll) list(it *refItem) {
	if !slices.Contains(ep.ready, it) {
		ep.ready = append(ep.ready, it)
	}
}

func (ep *refEpoll) find(f *refFile, fd int) *refItem {
	for _, it := range ep.items {
		if it.file == f && it.fd == fd {
			return it
		}
	}
	return nil
}

func (ep *refEpoll) ctl(op int, f *refFile, fd int, events abi.Events, data uint64) error {
	it := ep.find(f, fd)
	switch {
	case op == abi.EPOLL_CTL_ADD && it != nil:
		return abi.EEXIST
	case op != abi.EPOLL_CTL_ADD && it == nil:
		return abi.ENOENT
	case op == abi.EPOLL_CTL_DEL:
		ep.remove(it)
		return nil
	case op == abi.EPOLL_CTL_ADD:
		it = &refItem{ep: ep, file: f, fd: fd}
		ep.items = append(ep.items, it)
		f.items = slices.Insert(f.items, 0, it)
	}
	it.events, it.data = events|abi.EPOLLERR|abi.EPOLLHUP, data
	if f.mask()&it.events != 0 {
		ep.list(it)
	}
	return nil
}

func (ep *refEpoll) remove(it *refItem) {
	gone := func(o *refItem) bool { return o == it }
	ep.items = slices.DeleteFunc(ep.items, gone)
	ep.ready = slices.DeleteFunc(ep.ready, gone)
	it.file.items = slices.DeleteFunc(it.file.items, gone)
}

func (ep *refEpoll) wait(maxevents int) []abi.EpollEvent {
	var got []abi.EpollEvent
	var again []*refItem
	for len(ep.ready) > 0 && len(got) < maxevents {
		it := ep.ready[0]
		ep.ready = ep.ready[1:]
		m := it.file.mask() & it.events
		if m == 0 {
			continue
		}
		got = append(got, abi.EpollEvent{Events: m, Data: it.data})
		if it.events&abi.EPOLLONESHOT != 0 {
			it.events &= abi.EPOLLET | abi.EPOLLONESHOT
		} else if it.events&abi.EPOLLET == 0 {
			again = append(again, it)
		}
	}
	ep.ready = append(ep.ready, again...)
	return got
}

// machine runs a program on the model and on the reference.
type machine struct {
	t     *kernel.Thread
	fds   map[int]*refFile
	eps   map[int]*refEpoll
	files []int // keys of fds, ascending
}

func (s *machine) install(fd int, f *refFile) {
	f.refs++
	s.fds[fd] = f
	s.files = append(s.files, fd)
	slices.Sort(s.files)
}

func (s *machine) close(fd int) {
	f := s.fds[fd]
	delete(s.fds, fd)
	s.files = slices.DeleteFunc(s.files, func(x int) bool { return x == fd })
	if f.refs--; f.refs > 0 {
		return
	}
	for _, it := range slices.Clone(f.items) {
		it.ep.remove(it)
	}
	if f.peer != nil && f.peer.refs > 0 {
		f.peer.tell(0)
	}
}

func (s *machine) pick(t *rapid.T) int {
	if len(s.files) == 0 {
		t.Skip("no file")
	}
	return rapid.SampledFrom(s.files).Draw(t, "fd")
}

var interests = rapid.Custom(func(t *rapid.T) abi.Events {
	bits := rapid.SliceOfDistinct(rapid.SampledFrom([]abi.Events{
		abi.EPOLLIN, abi.EPOLLIN, abi.EPOLLOUT, abi.EPOLLRDNORM, abi.EPOLLWRNORM, abi.EPOLLRDHUP, abi.EPOLLPRI,
		abi.EPOLLET, abi.EPOLLONESHOT,
	}), func(e abi.Events) abi.Events { return e }).Draw(t, "mask")
	var e abi.Events
	for _, b := range bits {
		e |= b
	}
	return e
})

func (s *machine) actions() map[string]func(*rapid.T) {
	th := s.t
	page := make([]byte, 4096)
	return map[string]func(*rapid.T){
		"eventfd": func(t *rapid.T) {
			n := rapid.Uint32Range(0, 2).Draw(t, "count")
			fd := must(th.Eventfd2(n, abi.EFD_NONBLOCK))
			s.install(fd, &refFile{kind: "eventfd", count: uint64(n)})
		},
		"pipe": func(t *rapid.T) {
			p := must(th.Pipe2(abi.O_NONBLOCK))
			r, w := &refFile{kind: "pipe read"}, &refFile{kind: "pipe write"}
			r.peer, w.peer = w, r
			s.install(p[0], r)
			s.install(p[1], w)
		},
		"dup": func(t *rapid.T) {
			fd := s.pick(t)
			s.install(must(th.Dup(fd)), s.fds[fd])
		},
		"close": func(t *rapid.T) {
			fd := s.pick(t)
			require.NoError(t, th.Close(fd))
			s.close(fd)
		},
		"write": func(t *rapid.T) { s.write(t, s.pick(t), page) },
		"read":  func(t *rapid.T) { s.read(t, s.pick(t), page) },
		"ctl": func(t *rapid.T) {
			epfd := rapid.SampledFrom([]int{3, 4}).Draw(t, "epfd")
			fd := s.pick(t)
			op := rapid.SampledFrom([]int{abi.EPOLL_CTL_ADD, abi.EPOLL_CTL_ADD, abi.EPOLL_CTL_MOD, abi.EPOLL_CTL_DEL}).Draw(t, "op")
			ev := abi.EpollEvent{Events: interests.Draw(t, "events"), Data: rapid.Uint64Range(0, 9).Draw(t, "data")}
			want := s.eps[epfd].ctl(op, s.fds[fd], fd, ev.Events, ev.Data)
			require.Equal(t, want, th.EpollCtl(epfd, op, fd, &ev))
		},
		"wait": func(t *rapid.T) {
			epfd := rapid.SampledFrom([]int{3, 4}).Draw(t, "epfd")
			n := rapid.IntRange(1, 6).Draw(t, "maxevents")
			buf := make([]abi.EpollEvent, n)
			got := buf[:must(th.EpollWait(epfd, buf, n, 0))]
			want := s.eps[epfd].wait(n)
			require.True(t, slices.Equal(want, got), "epoll_wait: %v, want %v", got, want)
		},
		"": func(t *rapid.T) { require.NoError(t, th.Kernel().Check()) },
	}
}

func (s *machine) write(t *rapid.T, fd int, page []byte) {
	f := s.fds[fd]
	switch f.kind {
	case "eventfd":
		v := rapid.SampledFrom([]uint64{0, 1, 3, math.MaxUint64 - 1}).Draw(t, "value")
		_, err := s.t.Write(fd, binary.LittleEndian.AppendUint64(nil, v))
		if v > math.MaxUint64-1-f.count {
			require.Equal(t, abi.EAGAIN, err)
			return
		}
		require.NoError(t, err)
		f.count += v
		f.tell(abi.EPOLLIN)
	case "pipe read":
		_, err := s.t.Write(fd, page)
		require.Equal(t, abi.EBADF, err)
	case "pipe write":
		_, err := s.t.Write(fd, page)
		switch {
		case f.peer.refs == 0:
			require.Equal(t, abi.EPIPE, err)
			return
		case f.peer.count == pipeSlots:
			require.Equal(t, abi.EAGAIN, err)
		default:
			require.NoError(t, err)
			f.peer.count++
		}
		f.peer.tell(abi.EPOLLIN | abi.EPOLLRDNORM)
	}
}

func (s *machine) read(t *rapid.T, fd int, page []byte) {
	f := s.fds[fd]
	n, err := s.t.Read(fd, page)
	switch {
	case f.kind == "pipe write":
		require.Equal(t, abi.EBADF, err)
	case f.count == 0 && f.kind == "pipe read" && f.peer.refs == 0:
		require.NoError(t, err)
		require.Zero(t, n)
	case f.count == 0:
		require.Equal(t, abi.EAGAIN, err)
	case f.kind == "eventfd":
		require.NoError(t, err)
		require.Equal(t, f.count, binary.LittleEndian.Uint64(page))
		f.count = 0
		f.tell(abi.EPOLLOUT)
	default:
		require.NoError(t, err)
		require.Equal(t, len(page), n)
		full := f.count == pipeSlots
		f.count--
		if full && f.peer.refs > 0 {
			f.peer.tell(abi.EPOLLOUT | abi.EPOLLWRNORM)
		}
	}
}

// Random programs over two epolls, eventfds, pipes, dups and closes: every result as the reference says,
// every invariant after every step.
func TestAgainstReference(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		k := kernel.Boot(kernel.Options{Check: true, Machine: sim.Options{Recorder: 32}})
		err := k.RunThread(func(th *kernel.Thread) {
			must(0, th.Sigaction(abi.SIGPIPE, kernel.SigAction{Handler: kernel.HandlerIgnore}))
			s := &machine{t: th, fds: map[int]*refFile{}, eps: map[int]*refEpoll{}}
			for range 2 {
				s.eps[must(th.EpollCreate1(0))] = &refEpoll{}
			}
			rt.Repeat(s.actions())
		})
		rethrow(rt, err)
	})
}

// rethrow passes rapid's own signals, which unwound a task, on to rapid. It tells failures apart by where
// they come from, so running out of data must not come from the place of a failure.
func rethrow(rt *rapid.T, err error) {
	if p, ok := err.(*sim.PanicError); ok && fmt.Sprintf("%T", p.Value) == "rapid.invalidData" {
		panic(p.Value)
	}
	if err != nil {
		rt.Fatal(err)
	}
}
