package picture

import (
	"fmt"
	"slices"
	"time"

	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/scenario/strace"
	"github.com/epollsim/epollsim/sim"
)

// Drawing collects what a picture shows.
type Drawing struct {
	speller *strace.Speller
	ticks   []tick
	lanes   []*lane
	arrows  []arrow
	clocks  []label
	epolls  []*epoll
	now     int64
}

// tick is a place from left to right: gap behind the one before it, and width behind the tick that a box began at.
type tick struct {
	gap   float64
	after int // -1: none
	width float64
	begin bool // a box begins: a good place to break the line
}

// lane is one thread.
type lane struct {
	task       int
	name       string
	begin, end int // ticks; end -1: up to the end
	boxes      []*box
	open       []*box // that have not ended: a signal handler calls inside a call
}

// box is one system call.
type box struct {
	begin, end int
	call       string // for the colour
	lines      []string
	title      string
	failed     bool
	sleeps     []span
}

// span is a part of a box. Its end is -1 up to the wake-up.
type span struct {
	begin, end int
	title      string
}

// arrow is a wake-up at a tick. from is nil for a timer.
type arrow struct {
	at       int
	from, to *lane
	title    string
}

// label is a text at a tick.
type label struct {
	at   int
	text string
}

// epoll is an instance and the bars of its items.
type epoll struct {
	name       string
	begin, end int // ticks; end -1: up to the end
	rows       []*row
}

// row is one item.
type row struct {
	item string
	bars []*bar
}

// bar is an item on a list.
type bar struct {
	list       string
	begin, end int // end -1: up to the end
}

// New makes an empty Drawing.
func New() *Drawing { return &Drawing{speller: strace.NewSpeller(strace.Options{})} }

// Gaps between the ticks of different events.
const (
	gapCall  = 10
	gapSmall = 12
	gapClock = 26
)

func (d *Drawing) tick(gap float64) int {
	d.ticks = append(d.ticks, tick{gap: gap, after: -1})
	return len(d.ticks) - 1
}

// Event takes one event of the machine. It is a sim.Options.Trace.
func (d *Drawing) Event(e sim.Event) {
	switch e.Kind {
	case sim.EventCall:
		d.kernelEvent(e)
	case sim.EventSleep:
		if l := d.lane(e.Task); l != nil && len(l.open) > 0 {
			b := l.open[len(l.open)-1]
			b.sleeps = append(b.sleeps, span{d.tick(gapSmall), -1, "sleeps: " + e.What})
		}
	case sim.EventWake:
		d.wake(e)
	case sim.EventMove:
		d.move(e)
	case sim.EventClock:
		d.clocks = append(d.clocks, label{d.tick(gapClock), "+" + time.Duration(e.Time-d.now).String()})
		d.now = e.Time
		d.tick(gapSmall)
	}
}

// lane returns the lane of a thread; nil for an interrupt.
func (d *Drawing) lane(t *sim.Task) *lane {
	if t == nil || t.Interrupt() {
		return nil
	}
	i := slices.IndexFunc(d.lanes, func(l *lane) bool { return l.task == t.ID })
	if i < 0 {
		i = len(d.lanes)
		d.lanes = append(d.lanes, &lane{task: t.ID, name: t.Name, begin: d.tick(gapSmall), end: -1})
	}
	return d.lanes[i]
}

func (d *Drawing) kernelEvent(e sim.Event) {
	switch arg := e.Arg.(type) {
	case *kernel.Call:
		if e.What == kernel.TraceEnter {
			d.enter(d.lane(e.Task), d.speller.Enter(arg, e.Time))
		} else {
			d.exit(d.lane(e.Task), d.speller.Exit(arg, e.Time), arg.Err != 0)
		}
	case *kernel.SignalInfo:
		l, at := d.lane(e.Task), d.tick(gapCall)
		text := arg.Sig.String()
		b := &box{begin: at, call: "signal", lines: []string{text}, title: d.speller.Signal(arg, e.Time)}
		b.end = d.tick(gapSmall)
		d.ticks[b.end].after, d.ticks[b.end].width = at, widthOf(b.lines)
		l.boxes = append(l.boxes, b)
	case *kernel.ThreadEnd:
		l := d.lane(e.Task)
		for len(l.open) > 0 {
			d.close(l)
		}
		l.end = d.tick(gapSmall)
	}
}

func (d *Drawing) enter(l *lane, sp *strace.Spelling) {
	b := &box{begin: d.tick(gapCall), end: -1, call: sp.Name, lines: []string{sp.Name, shortArgs(sp)}, title: sp.Text}
	d.ticks[b.begin].begin = true
	l.boxes = append(l.boxes, b)
	l.open = append(l.open, b)
}

func (d *Drawing) exit(l *lane, sp *strace.Spelling, failed bool) {
	if len(l.open) == 0 {
		d.enter(l, sp)
	}
	b := l.open[len(l.open)-1]
	b.lines, b.title, b.failed = []string{sp.Name, shortArgs(sp), "= " + shortResult(sp)}, sp.Text, failed
	d.close(l)
}

// close ends the innermost box of l, wide enough for its text.
func (d *Drawing) close(l *lane) {
	b := l.open[len(l.open)-1]
	l.open = l.open[:len(l.open)-1]
	b.end = d.tick(gapSmall)
	d.ticks[b.end].after, d.ticks[b.end].width = b.begin, widthOf(b.lines)
	b.wake(b.end)
}

// wake ends the sleep of b, if it sleeps.
func (b *box) wake(at int) {
	if n := len(b.sleeps); n > 0 && b.sleeps[n-1].end < 0 {
		b.sleeps[n-1].end = at
	}
}

func (d *Drawing) wake(e sim.Event) {
	to := d.lane(e.Other)
	a := arrow{from: d.lane(e.Task), to: to, at: d.tick(gapSmall)}
	a.title = fmt.Sprintf("%s wakes %s", e.Task, e.Other)
	if to == nil || a.from == to {
		return
	}
	if len(to.open) > 0 {
		to.open[len(to.open)-1].wake(a.at)
	}
	d.arrows = append(d.arrows, a)
}

// move follows an item from list to list.
func (d *Drawing) move(e sim.Event) {
	if e.Of == 0 || e.From == "off" || e.From == "queued" {
		return
	}
	ep := d.epoll(e.Of.String())
	if e.To == "gone" && e.From == "idle" || e.From == "new" {
		return // on no list
	}
	at := d.tick(gapSmall)
	r := ep.row(e.What)
	if e.To == "ovflist" {
		r.bars = append(r.bars, &bar{e.To, at, -1})
		return
	}
	for _, b := range r.bars {
		if b.end < 0 && b.list == e.From {
			b.end = at
		}
	}
	onList := slices.ContainsFunc(r.bars, func(b *bar) bool { return b.end < 0 && b.list == e.To })
	if (e.To == "rdllist" || e.To == "txlist") && !onList {
		r.bars = append(r.bars, &bar{e.To, at, -1})
	}
}

func (d *Drawing) epoll(name string) *epoll {
	i := slices.IndexFunc(d.epolls, func(ep *epoll) bool { return ep.name == name })
	if i < 0 {
		i = len(d.epolls)
		d.epolls = append(d.epolls, &epoll{name: name, begin: len(d.ticks), end: -1})
	}
	return d.epolls[i]
}

func (ep *epoll) row(item string) *row {
	i := slices.IndexFunc(ep.rows, func(r *row) bool { return r.item == item })
	if i < 0 {
		i = len(ep.rows)
		ep.rows = append(ep.rows, &row{item: item})
	}
	return ep.rows[i]
}
