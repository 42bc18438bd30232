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

// String is the note on one line, with the lines of the log.
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
	waits   map[int]map[int]*waitState // by epoll, then by task
	watched map[itemKey]*watch
	byFd    map[int][]*watch // of watched, those of a number
	full    map[int][]*watch // by epoll: whose last read took all
	woken   []woken          // the last ones
	accepts []woken          // the last accepts that got a connection
	moment  int
	tables  map[int]int // of tasks, by number
}

// The numbers of two processes are not the same: a number stands here with its table, as far as the log shows who shares one.
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
	itemKey
	fd     int
	events abi.Events
	task   int  // that asked: without clones in the log, a close by another one may be of another table
	closed int  // line of the close of the number it was added as
	full   int  // line of the last read that took all it asked for
	listed bool // in doctor.full
}

// woken is a wait that has come back, or an accept.
type woken struct {
	tid    int
	moment int
	fd     int // of an accept
}

const (
	most   = 8   // lines that a note names
	spins  = 3   // how often something comes in a row before it is a spin
	ghosts = 16  // watches of one number, whose descriptor was closed, that are looked out for
	herd   = 64  // waits that may belong together
	soon   = 200 // moments of the log in which they come back
)

// diagnose looks through a log.
func diagnose(log *Log) []Note {
	d := &doctor{
		notes: map[string]*Note{}, waits: map[int]map[int]*waitState{}, watched: map[itemKey]*watch{}, byFd: map[int][]*watch{},
		full: map[int][]*watch{}, tables: map[int]int{},
	}
	log.rewind()
	for i := 0; log.reach(i); i++ {
		d.event(log.at(i))
	}
	var list []Note
	for _, p := range d.order {
		list = append(list, *d.notes[p])
	}
	return list
}

// event takes the next moment of a log.
func (d *doctor) event(e *logEvent) {
	d.moment++
	if e.kind == eventEnd {
		for _, states := range d.waits {
			delete(states, e.task)
		}
	}
	if o := e.op; o != nil && o.row != nil && o.row.clones() {
		d.cloned(o)
	}
	if o := e.op; o != nil && e.kind != eventEnter && o.row != nil && !o.never {
		d.call(o)
		d.herds(e)
	}
}

// cloned notes which table a new task has. Its first line may come before the clone has ended.
func (d *doctor) cloned(o *op) {
	child := int(o.want.ret)
	if _, known := d.tables[child]; known || child <= 0 {
		return
	}
	d.tables[child] = d.tables[o.tid]
	if o.a[0]&(abi.CLONE_THREAD|abi.CLONE_FILES) == 0 {
		d.tables[child] = child
	}
}

// number is a number of o's table, unlike that of any other table.
func (d *doctor) number(o *op, fd int) int { return d.tables[o.tid]<<24 + fd }

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
		d.closed(o)
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
			epfd, fd := d.number(o, o.fd), d.number(o, o.fd2)
			d.forget(epfd, fd)
			d.watch(&watch{itemKey: itemKey{epfd, o.event.Data}, fd: fd, events: o.event.Events, task: o.task})
		}
	case abi.EPOLL_CTL_DEL:
		d.forget(d.number(o, o.fd), d.number(o, o.fd2))
	}
}

// watch notes that a number is watched.
func (d *doctor) watch(w *watch) {
	if old := d.watched[w.itemKey]; old != nil {
		d.drop(old)
	}
	d.watched[w.itemKey] = w
	d.byFd[w.fd] = append(d.byFd[w.fd], w)
}

func (d *doctor) drop(w *watch) {
	if d.watched[w.itemKey] == w {
		delete(d.watched, w.itemKey)
	}
	list := slices.DeleteFunc(d.byFd[w.fd], func(other *watch) bool { return other == w })
	if d.byFd[w.fd] = list; len(list) == 0 {
		delete(d.byFd, w.fd)
	}
	w.full = 0
}

// forget is for an item that is taken out, or asked for anew.
func (d *doctor) forget(epfd, fd int) {
	for _, w := range slices.Clone(d.byFd[fd]) {
		if w.epfd == epfd && w.closed == 0 {
			d.drop(w)
		}
	}
}

// closed notes which watches have lost their number.
func (d *doctor) closed(o *op) {
	lost, fd := 0, d.number(o, o.fd)
	for _, w := range slices.Backward(slices.Clone(d.byFd[fd])) {
		if w.closed == 0 && w.epfd != fd && w.task == o.task {
			w.closed = o.end.Line
		}
		if w.closed != 0 {
			if lost++; lost > ghosts {
				d.drop(w)
			}
		}
	}
}

// touch notes that a program did something with a number.
func (d *doctor) touch(o *op) {
	for _, w := range d.byFd[d.number(o, o.fd)] {
		for _, s := range d.waits[w.epfd] {
			if _, ok := s.idle[w.data]; ok {
				s.idle[w.data] = 0
			}
		}
		if !o.row.looks || !o.row.waits || w.closed != 0 {
			continue
		}
		if w.full = 0; o.want.ret > 0 && o.want.ret == o.a[0] && w.events&abi.EPOLLET != 0 {
			w.full = o.end.Line
			if !w.listed {
				w.listed, d.full[w.epfd] = true, append(d.full[w.epfd], w)
			}
		}
	}
}

func (d *doctor) wait(o *op) {
	epfd := d.number(o, o.fd)
	if d.waits[epfd] == nil {
		d.waits[epfd] = map[int]*waitState{}
	}
	s := d.waits[epfd][o.task]
	if s == nil {
		s = &waitState{idle: map[uint64]int{}}
		d.waits[epfd][o.task] = s
	}
	if o.want.failed() {
		return
	}
	seen := map[uint64]bool{}
	for _, e := range o.want.events {
		seen[e.Data] = true
		w := d.watched[itemKey{epfd, e.Data}]
		s.idle[e.Data]++
		switch {
		case e.Events&(abi.EPOLLHUP|abi.EPOLLERR) != 0 && s.idle[e.Data] > spins:
			d.found("HUP spin", "EPOLLHUP and EPOLLERR are reported whatever the mask says, and level-triggered ones again each time: "+
				"take the descriptor out or close it", o.end.Line)
		case s.idle[e.Data] > spins && e.Events&abi.EPOLLIN != 0 && w != nil && w.events&abi.EPOLLET == 0:
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
	d.undrained(o)
	d.starved(o, s)
}

// undrained looks for edge-triggered descriptors whose last read took all it asked for: there may be more, of which no
// edge will tell.
func (d *doctor) undrained(o *op) {
	if o.want.ret != 0 || o.a[1] == 0 {
		return
	}
	epfd := d.number(o, o.fd)
	list := d.full[epfd]
	delete(d.full, epfd)
	slices.SortStableFunc(list, func(a, b *watch) int { return a.full - b.full })
	for _, w := range list {
		if w.full != 0 {
			d.found("ET without draining", "the last read took all that it asked for and no EAGAIN was seen: what is left comes with the "+
				"next edge only", w.full)
		}
		w.full, w.listed = 0, false
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

// herds looks for waits of several threads that end at the same time, of which all but one find nothing to do: an accept that is the
// first one behind a wait gets nothing, where another thread has just got a connection.
func (d *doctor) herds(e *logEvent) {
	o := e.op
	mine := func(w woken) bool { return w.tid == o.tid || d.moment-w.moment >= soon }
	switch {
	case o.row.isEpollWait() && e.kind == eventExit && len(o.want.events) > 0:
		d.woken = lastOf(append(d.woken, woken{o.tid, d.moment, -1}))
	case !o.row.isAccept():
	case !o.want.failed():
		d.woken = slices.DeleteFunc(d.woken, mine)
		d.accepts = lastOf(append(d.accepts, woken{o.tid, d.moment, o.fd}))
	case o.want.errno == abi.EAGAIN:
		was := slices.ContainsFunc(d.woken, func(w woken) bool { return w.tid == o.tid && d.moment-w.moment < soon })
		d.woken = slices.DeleteFunc(d.woken, mine)
		other := slices.ContainsFunc(d.accepts, func(w woken) bool { return w.fd == o.fd && !mine(w) })
		if was && other {
			d.found("thundering herd", "more than one waiter was woken for one connection, and this one found none: EPOLLEXCLUSIVE, or "+
				"EPOLLET on one shared epoll, wakes one", o.end.Line)
		}
	}
}

func lastOf(list []woken) []woken { return list[max(0, len(list)-herd):] }
