package devicetest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
	"github.com/epollsim/epollsim/waitqueue"
)

const (
	everything = abi.Events(0x3fff) &^ abi.EPOLLNVAL
	always     = abi.EPOLLERR | abi.EPOLLHUP
	twins      = abi.EPOLLRDNORM | abi.EPOLLWRNORM | abi.EPOLLWRBAND
)

// watcher is an edge-triggered epoll item and nothing else.
type watcher struct {
	file     *File
	interest abi.Events
	ready    bool
	hooks    []hook
}

type hook struct {
	head  *waitqueue.Head
	entry *waitqueue.Entry
}

// QueueProc hooks the watcher to a queue that the file names.
func (wa *watcher) QueueProc(_ *vfs.File, h *waitqueue.Head) {
	e := &waitqueue.Entry{Func: func(e *waitqueue.Entry, _ sim.State, _ bool, key abi.Events) int {
		if key == 0 || key&wa.interest != 0 {
			wa.ready = true
		}
		if key&abi.POLLFREE != 0 {
			e.Unlink()
		}
		return 1
	}}
	h.Add(e)
	wa.hooks = append(wa.hooks, hook{h, e})
}

// harvest is epoll_wait with timeout 0.
func (wa *watcher) harvest() abi.Events {
	if !wa.ready {
		return 0
	}
	wa.ready = false
	return wa.file.Poll(&vfs.PollTable{Key: wa.interest}) & wa.interest
}

// watch ADDs f to three watchers anew.
func (w *World) watch(f *File) {
	f.unwatch()
	for i, interest := range []abi.Events{everything, abi.EPOLLIN, abi.EPOLLOUT} {
		wa := &watcher{file: f, interest: interest | always}
		wa.ready = f.Poll(&vfs.PollTable{Queue: wa, Key: wa.interest})&wa.interest != 0
		f.watchers[i] = wa
	}
	f.queues = nil
	for _, h := range f.watchers[0].hooks {
		f.queues = append(f.queues, h.head)
		w.record(h.head)
	}
	f.mask = f.Poll(nil)
}

func (f *File) unwatch() {
	for _, wa := range f.watchers {
		if wa == nil {
			continue
		}
		for _, h := range wa.hooks {
			if h.entry.Queued() {
				h.head.Remove(h.entry)
			}
		}
	}
	f.watchers = [3]*watcher{}
}

// harvest is what the three watchers of f are told.
func (f *File) harvest() string {
	var cells []string
	for _, wa := range f.watchers {
		cell := "-"
		if got := wa.harvest() &^ twins; got != 0 {
			cell = got.Short()
		}
		cells = append(cells, cell)
	}
	return strings.Join(cells, " / ")
}

const noEdges = "- / - / -"

// record notes the wake-ups of a queue from now on. Two exclusive entries count how many are reached; whoever sleeps
// there for real comes behind them, and gets the rest.
func (w *World) record(h *waitqueue.Head) {
	if slices.Contains(w.queue, h) {
		return
	}
	w.queue = append(w.queue, h)
	name := h.ID().Class().String()
	reached := 0
	first := &waitqueue.Entry{Func: func(e *waitqueue.Entry, _ sim.State, _ bool, key abi.Events) int {
		text := "0"
		if key != 0 {
			text = key.Short()
		}
		w.wakes = append(w.wakes, fmt.Sprintf("%s %s", name, text))
		w.heard = append(w.heard, heard{h, key})
		reached = 0
		if key&abi.POLLFREE != 0 {
			e.Unlink()
		}
		return 1
	}}
	h.Add(first)
	for range 2 {
		h.AddExclusive(&waitqueue.Entry{Func: func(e *waitqueue.Entry, _ sim.State, _ bool, key abi.Events) int {
			last := &w.wakes[len(w.wakes)-1]
			*last = strings.TrimSuffix(*last, " one") + [...]string{" one", " all"}[reached]
			reached++
			if key&abi.POLLFREE != 0 {
				e.Unlink()
			}
			return 1
		}})
	}
}
