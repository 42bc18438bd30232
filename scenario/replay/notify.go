package replay

import (
	"path"
	"slices"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/eventpoll"
)

// What inotify tells of the log's own doings with files. The files are outside of the model; but a program of the log that opens, writes or
// renames one makes events where the log shows that a directory or file of this name is watched: they are there from then on, in their order,
// and who reads finds them. What only the log knows is what others did: events that nobody in it has made. Names are those that the
// calls have; where it is not certain what they mean – through links, under a directory that was moved – nothing is expected.

// notifier is an inotify descriptor.
type notifier struct {
	file    *external
	watches []*watched // by wd
	queue   []noted    // made by calls of the log, not read yet
	cookies map[int]uint32
}

// watched is a watch: of a file or directory, under the name that it was given.
type watched struct {
	wd   int
	name string
	mask uint32
}

// noted is an event.
type noted struct {
	wd     int
	mask   uint32
	cookie int // of both halves of a rename, 0: none
	name   string
	seq    int // of the line at which the call that made it was over
}

const (
	eventHeader = 16      // struct inotify_event without the name
	maxQueued   = 1 << 14 // max_queued_events
	namedOnly   = abi.IN_CREATE | abi.IN_DELETE | abi.IN_MOVED_FROM | abi.IN_MOVED_TO
)

// size is how many bytes of a buffer it takes.
func (n *noted) size() int64 {
	if n.name == "" {
		return eventHeader
	}
	return eventHeader + int64(len(n.name)+eventHeader)/eventHeader*eventHeader
}

// did takes in what a call did with an external file.
func (x *exec) did(o *op, e *external) outcome {
	n := x.notifierOf(e)
	switch {
	case o.row.name == "inotify_add_watch":
		x.watch(o)
	case o.row.name == "inotify_rm_watch":
		x.unwatch(o)
	case n != nil && o.row.looks && o.row.waits:
		return n.told(x, o)
	case e.closed == nil || o.want.failed() || o.want.ret <= 0:
	case o.row.name == "write" || o.row.name == "writev" || o.row.name == "pwrite64":
		x.does(e, abi.IN_MODIFY)
	case o.row.name == "read" || o.row.name == "readv" || o.row.name == "pread64":
		x.does(e, abi.IN_ACCESS)
	}
	return o.want
}

// notifierOf gives the inotify descriptor that f is, nil for others.
func (x *exec) notifierOf(e *external) *notifier {
	for _, n := range x.notifiers {
		if n.file == e {
			return n
		}
	}
	return nil
}

// watch takes in an inotify_add_watch that worked.
func (x *exec) watch(o *op) {
	e := externalOf(x.file(o, o.fd))
	if e == nil || o.want.failed() {
		return
	}
	n := x.notifierOf(e)
	if n == nil {
		n = &notifier{file: e, cookies: map[int]uint32{}}
		x.notifiers = append(x.notifiers, n)
		e.closed = func() { x.notifiers = slices.DeleteFunc(x.notifiers, func(m *notifier) bool { return m == n }) }
	}
	wd, mask := int(o.want.ret), uint32(o.a[0])
	i := slices.IndexFunc(n.watches, func(w *watched) bool { return w.wd == wd })
	switch {
	case i < 0:
		n.watches = append(n.watches, &watched{wd, x.named(o, abi.AT_FDCWD, o.text), mask})
		slices.SortFunc(n.watches, func(a, b *watched) int { return a.wd - b.wd })
	case mask&abi.IN_MASK_ADD != 0:
		n.watches[i].mask |= mask
	default:
		n.watches[i].mask = mask
	}
}

// unwatch takes in an inotify_rm_watch that worked.
func (x *exec) unwatch(o *op) {
	n := x.notifierOf(externalOf(x.file(o, o.fd)))
	if n == nil || o.want.failed() {
		return
	}
	i := slices.IndexFunc(n.watches, func(w *watched) bool { return w.wd == int(o.a[0]) })
	if i < 0 {
		return
	}
	n.watches = slices.Delete(n.watches, i, i+1)
	x.notify(n, noted{wd: int(o.a[0]), mask: abi.IN_IGNORED})
}

// happened tells who watches the directory of a file, and who watches that itself.
func (x *exec) happened(name string, mask uint32, cookie int) {
	if name == "" {
		return
	}
	dir, base := path.Dir(name), path.Base(name)
	for _, n := range x.notifiers {
		for _, own := range [2]bool{false, true} {
			for _, w := range slices.Clone(n.watches) {
				switch {
				case w.mask&mask&abi.IN_ALL_EVENTS == 0 || own && mask&namedOnly != 0:
				case own && w.name == name:
					x.tell(n, w, noted{wd: w.wd, mask: mask})
				case !own && w.name == dir && dir != name:
					x.tell(n, w, noted{wd: w.wd, mask: mask, cookie: cookie, name: base})
				}
			}
		}
	}
}

// tell adds an event of a watch, which may be for one only.
func (x *exec) tell(n *notifier, w *watched, e noted) {
	x.notify(n, e)
	if w.mask&abi.IN_ONESHOT != 0 {
		n.watches = slices.DeleteFunc(n.watches, func(other *watched) bool { return other == w })
		x.notify(n, noted{wd: w.wd, mask: abi.IN_IGNORED})
	}
}

// notify adds an event, if it is not what the last one says.
func (x *exec) notify(n *notifier, e noted) {
	e.seq = x.log.at(x.at).mark.Seq
	if o := x.running; o != nil && o.end.Seq > e.seq {
		e.seq = o.end.Seq
	}
	if last := len(n.queue) - 1; len(n.queue) >= maxQueued || last >= 0 && n.queue[last].same(&e) && e.mask != abi.IN_IGNORED {
		return
	}
	n.queue = append(n.queue, e)
	n.file.become(normal(abi.EPOLLIN), normal(abi.EPOLLIN))
}

func (n *noted) same(e *noted) bool { return n.wd == e.wd && n.mask == e.mask && n.name == e.name }

// heard takes in an event that nobody in the log has made: it may say that there is no such watch any more, or that events were lost.
func (n *notifier) heard(e *noted) {
	if e.mask&abi.IN_Q_OVERFLOW != 0 {
		n.queue = nil
	}
	for _, w := range n.watches {
		if w.wd == e.wd && e.mask&(abi.IN_IGNORED|abi.IN_DELETE_SELF|abi.IN_MOVE_SELF|abi.IN_UNMOUNT) != 0 {
			w.name = ""
		}
	}
}

// owes reports whether an inotify descriptor has events that the log itself has made: it is ready, whatever the world does.
func (x *exec) owes(e *external) bool {
	n := x.notifierOf(e)
	return n != nil && len(n.queue) > 0
}

// ownEvents reports whether what a wait tells of files outside of the model is of events that the log itself has made.
func (x *exec) ownEvents(o *op, ep *eventpoll.Eventpoll) bool {
	for _, p := range x.external[ep] {
		if n := x.notifierOf(externalOf(p.file)); n == nil {
			return false
		}
	}
	for _, e := range o.want.events {
		if f, _ := x.itemOf(ep, e.Data); externalOf(f) != nil && !x.owes(externalOf(f)) {
			return false
		}
	}
	return true
}
