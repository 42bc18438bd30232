package replay

import (
	"fmt"
	"slices"

	"github.com/epollsim/epollsim/abi"
)

// Note is a known pattern of trouble that was seen in a log.
type Note struct {
	Pattern string
	Text    string
	Lines   []int // where, the first ones
	Count   int
}

func (n Note) String() string {
	return fmt.Sprintf("%s (%d times, lines %s): %s", n.Pattern, n.Count, linesText(n.Lines), n.Text)
}

func linesText(lines []int) string {
	text := ""
	for i, l := range lines {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprint(l)
	}
	return text
}

// doctor follows the calls of a log and looks for patterns.
type doctor struct {
	notes   map[string]*Note
	order   []string
	waits   map[waitKey]*waitState
	watched map[itemKey]*watch
	last    map[int]*op // the last wait of each task
}

// The numbers of two processes are not the same; a task stands for its process as far as the log lets see.
type waitKey struct{ task, epfd int }

type itemKey struct {
	epfd int
	data uint64
}

type waitState struct {
	idle    map[uint64]int // deliveries in a row without a call on the fd
	starved int
	order   []uint64
}

// watch is what was asked for.
type watch struct {
	fd     int
	events abi.Events
	task   int // that asked: a close by another one may be of another table
	closed int // line of the close of the number it was added as
	full   int // line of the last read that took all it asked for
	eagain bool
}

// most is how many lines a note names, spins is how often something comes in a row before it is a spin.
const (
	most  = 8
	spins = 3
)

// diagnose looks through a log.
func diagnose(log *Log) []Note {
	d := &doctor{notes: map[string]*Note{}, waits: map[waitKey]*waitState{}, watched: map[itemKey]*watch{}, last: map[int]*op{}}
	for i := range log.events {
		e := &log.events[i]
		if e.op == nil || e.kind == eventEnter || e.op.none() {
			continue
		}
		d.call(e.op)
	}
	d.herds(log)
	var list []Note
	for _, p := range d.order {
		list = append(list, *d.notes[p])
	}
	return list
}

func (o *op) none() bool { return o.never || o.row == nil }

func (d *doctor) found(pattern, text string, line int) {
	n := d.notes[pattern]
	if n == nil {
		n = &Note{Pattern: pattern, Text: text}
		d.notes[pattern] = n
		d.order = append(d.order, pattern)
	}
	n.Count++
	if len(n.Lines) < most && !slices.Contains(n.Lines, line) {
		n.Lines = append(n.Lines, line)
	}
}

func (d *doctor) call(o *op) {
	switch {
	case o.row.name == "epoll_ctl":
		d.ctl(o)
	case o.row.isEpollWait():
		d.wait(o)
	case o.row.name == "close" && !o.want.failed():
		for key, w := range d.watched {
			if w.fd == o.fd && w.closed == 0 && key.epfd != o.fd && w.task == o.task {
				w.closed = o.end.Line
			}
		}
	case o.row.name == "accept" || o.row.name == "accept4":
		if o.want.errno == abi.EMFILE || o.want.errno == abi.ENFILE {
			d.found("EMFILE on accept", "the connection stays in the queue and a level-triggered listener stays ready: the loop spins "+
				"until a descriptor is free", o.end.Line)
		}
		d.touch(o)
	default:
		d.touch(o)
	}
}

func (d *doctor) ctl(o *op) {
	if o.want.failed() {
		return
	}
	switch o.a[0] {
	case abi.EPOLL_CTL_ADD, abi.EPOLL_CTL_MOD:
		if o.event != nil {
			d.forget(o.fd, o.fd2)
			d.watched[itemKey{o.fd, o.event.Data}] = &watch{fd: o.fd2, events: o.event.Events, task: o.task}
		}
	case abi.EPOLL_CTL_DEL:
		d.forget(o.fd, o.fd2)
	}
}

func (d *doctor) forget(epfd, fd int) {
	for key, w := range d.watched {
		if key.epfd == epfd && w.fd == fd && w.closed == 0 {
			delete(d.watched, key)
		}
	}
}

// touch notes that a program did something with a number.
func (d *doctor) touch(o *op) {
	if o.fd < 0 {
		return
	}
	for _, s := range d.waits {
		for data := range s.idle {
			if w := d.watch(o.fd, data); w != nil {
				s.idle[data] = 0
			}
		}
	}
	if !o.row.looks || !o.row.waits {
		return
	}
	for _, w := range d.watched {
		if w.fd != o.fd || w.closed != 0 {
			continue
		}
		switch {
		case o.want.errno == abi.EAGAIN:
			w.eagain, w.full = true, 0
		case o.want.ret > 0 && o.want.ret == o.a[0] && w.events&abi.EPOLLET != 0:
			w.eagain, w.full = false, o.end.Line
		default:
			w.full = 0
		}
	}
}

// watch finds what watches fd under data.
func (d *doctor) watch(fd int, data uint64) *watch {
	var found *watch
	least := 0 // of several, whatever the order of a map: that of the lowest epoll
	for key, w := range d.watched {
		if key.data == data && w.fd == fd && (found == nil || key.epfd < least) {
			found, least = w, key.epfd
		}
	}
	return found
}

func (d *doctor) wait(o *op) {
	key := waitKey{o.task, o.fd}
	s := d.waits[key]
	if s == nil {
		s = &waitState{idle: map[uint64]int{}}
		d.waits[key] = s
	}
	if o.want.failed() {
		return
	}
	seen := map[uint64]bool{}
	for _, e := range o.want.events {
		seen[e.Data] = true
		w := d.watched[itemKey{o.fd, e.Data}]
		s.idle[e.Data]++
		switch {
		case e.Events&(abi.EPOLLHUP|abi.EPOLLERR) != 0 && s.idle[e.Data] > spins:
			d.found("HUP spin", "EPOLLHUP and EPOLLERR are reported whatever the mask says, and level-triggered ones again each time: "+
				"take the descriptor out or close it", o.end.Line)
		case s.idle[e.Data] > spins && e.Events&abi.EPOLLIN != 0 && (w == nil || w.events&abi.EPOLLET == 0):
			d.found("level-triggered spin", "the descriptor is reported again and again and nobody reads it", o.end.Line)
		case s.idle[e.Data] > spins && e.Events == abi.EPOLLOUT:
			d.found("EPOLLOUT spin", "the descriptor is writable nearly always: ask for EPOLLOUT only while there is something to write",
				o.end.Line)
		}
		if w != nil && w.closed != 0 {
			d.found("ghost event", "the number was closed, but the description lives on (dup, fork, SCM_RIGHTS), and with it its item: "+
				"EPOLL_CTL_DEL before close", o.end.Line)
		}
	}
	for data := range s.idle {
		if !seen[data] {
			delete(s.idle, data)
		}
	}
	d.undrained(o, seen)
	d.starved(o, s)
}

// undrained looks for edge-triggered descriptors whose last read took all it asked for: there may be more, of which no
// edge will tell.
func (d *doctor) undrained(o *op, seen map[uint64]bool) {
	timedOut := o.want.ret == 0 && o.a[1] != 0
	for key, w := range d.watched {
		if key.epfd == o.fd && w.full != 0 && timedOut && !seen[key.data] {
			d.found("ET without draining", "the last read took all that it asked for and no EAGAIN was seen: what is left comes with the "+
				"next edge only", w.full)
			w.full = 0
		}
	}
}

// starved looks for waits that are full each time and bring the same descriptors.
func (d *doctor) starved(o *op, s *waitState) {
	if o.a[0] < 1 || o.want.ret < o.a[0] || len(d.watched) <= int(o.a[0]) {
		s.starved, s.order = 0, nil
		return
	}
	var now []uint64
	for _, e := range o.want.events {
		now = append(now, e.Data)
	}
	if s.order != nil && !slices.Equal(now, s.order) {
		s.starved = 0
	}
	s.order = now
	if s.starved++; s.starved > 2*spins {
		d.found("starvation", "every wait is full and brings the same descriptors: others may be ready and wait for their turn; raise "+
			"maxevents", o.end.Line)
	}
}

// herds looks for waits of several threads that end with the same event at the same time, of which all but one find
// nothing to do.
func (d *doctor) herds(log *Log) {
	type woken struct {
		tid, line int
		data      uint64
		seq       int
	}
	var last []woken
	for i := range log.events {
		e := &log.events[i]
		o := e.op
		if o == nil || e.kind == eventEnter || o.none() {
			continue
		}
		if o.row.isEpollWait() && o.want.ret > 0 && len(o.want.events) > 0 && e.kind == eventExit {
			last = append(last, woken{o.tid, o.end.Line, o.want.events[0].Data, i})
			if len(last) > 64 {
				last = last[1:]
			}
			continue
		}
		if (o.row.name == "accept" || o.row.name == "accept4") && o.want.errno == abi.EAGAIN {
			for _, w := range last {
				if w.tid == o.tid && i-w.seq < 200 {
					d.found("thundering herd", "more than one waiter was woken for one connection, and this one found none: EPOLLEXCLUSIVE, or "+
						"EPOLLET on one shared epoll, wakes one", o.end.Line)
					break
				}
			}
		}
	}
}
