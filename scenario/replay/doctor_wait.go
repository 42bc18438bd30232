package replay

import (
	"slices"

	"github.com/epollsim/epollsim/abi"
)

// Patterns in what waits bring.

type waitState struct {
	idle    map[uint64]int // deliveries in a row without a call on the fd
	starved int
	order   []uint64
}

func (d *doctor) wait(o *op) {
	epfd := d.set(o)
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
		w := d.watched[itemKey{epfd, e.Data}]
		twice := seen[e.Data] && w != nil && w.shadow
		seen[e.Data] = true
		s.idle[e.Data]++
		d.unconnected(o, e)
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
		if w != nil {
			d.tells(w, e, o.end.Line)
		}
		if w != nil && w.closed != 0 || twice {
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
	epfd := d.set(o)
	d.ranOut[epfd]++
	list := d.full[epfd]
	delete(d.full, epfd)
	slices.SortStableFunc(list, func(a, b *watch) int { return a.full - b.full })
	for _, w := range list {
		if w.full != 0 {
			d.found("ET without draining", "the last read took all that it asked for, or one connection was accepted, and no EAGAIN was seen: what is left "+
				"comes with the next edge only", w.full)
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

// woken is a wait that has come back, or an accept.
type woken struct {
	tid    int
	moment int
	fd     int   // of an accept
	fds    []int // that a wait reports, as far as they are known: else nil
}

// reportedBy gives the numbers of what a wait reports, nil if not all are known.
func (d *doctor) reportedBy(o *op) []int {
	var list []int
	for _, e := range o.want.events {
		w := d.watched[itemKey{d.set(o), e.Data}]
		if w == nil {
			return nil
		}
		list = append(list, w.fd)
	}
	return list
}

// herds looks for waits of several threads that end at the same time, of which all but one find nothing to do: an accept that is the
// first one behind a wait that tells of its listener gets nothing, where another thread has just got a connection.
func (d *doctor) herds(e *logEvent) {
	o := e.op
	mine := func(w woken) bool { return w.tid == o.tid || d.moment-w.moment >= soon }
	switch {
	case o.row.isEpollWait() && e.kind == eventExit && len(o.want.events) > 0:
		d.woken = lastOf(append(d.woken, woken{o.tid, d.moment, -1, d.reportedBy(o)}))
	case !o.row.isAccept():
	case !o.want.failed():
		d.woken = slices.DeleteFunc(d.woken, mine)
		d.accepts = lastOf(append(d.accepts, woken{o.tid, d.moment, o.fd, nil}))
	case o.want.errno == abi.EAGAIN:
		was := slices.ContainsFunc(d.woken, func(w woken) bool {
			return w.tid == o.tid && d.moment-w.moment < soon && (w.fds == nil || slices.Contains(w.fds, d.number(o, o.fd)))
		})
		d.woken = slices.DeleteFunc(d.woken, mine)
		other := slices.ContainsFunc(d.accepts, func(w woken) bool { return w.fd == o.fd && !mine(w) })
		if was && other {
			d.found("thundering herd", "more than one waiter was woken for one connection, and this one found none: EPOLLEXCLUSIVE, or "+
				"EPOLLET on one shared epoll, wakes one", o.end.Line)
		}
	}
}

func lastOf(list []woken) []woken { return list[max(0, len(list)-herd):] }
