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
	tables  map[int]int          // of tasks, by number
	inside  map[int]map[int]bool // by epoll: the tasks that wait
	sets    map[int]int          // by number: the epolls that the log makes, which have numbers below 0 here
	epolls  int                  // of those
	silences
	astray []*op                // epoll_ctl that was refused, the last call of its task
	was    map[int]map[int]bool // by number: the epolls that it has been added to since it was opened
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
		full: map[int][]*watch{}, tables: map[int]int{}, inside: map[int]map[int]bool{}, sets: map[int]int{}, was: map[int]map[int]bool{}, silences: silences{keeps: map[int]bool{}, tried: map[int]bool{}, ranOut: map[int]int{}},
	}
	log.rewind()
	for i := 0; log.reach(i); i++ {
		d.event(log.at(i))
	}
	for _, o := range d.astray {
		d.outOfStep(o.end.Line)
	}
	d.unanswered()
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
		for _, tasks := range d.inside {
			delete(tasks, e.task)
		}
	}
	if o := e.op; o != nil && o.row != nil && o.row.clones() {
		d.cloned(o)
	}
	if o := e.op; o != nil && o.row != nil && !o.never {
		d.under(e)
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

// set is the epoll that o works on, whichever of its numbers is used.
func (d *doctor) set(o *op) int {
	n := d.number(o, o.fd)
	if id, known := d.sets[n]; known {
		return id
	}
	return n
}

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
	d.made(o)
	d.steps(o)
	switch {
	case o.row.name == "epoll_ctl":
		d.ctl(o)
	case o.row.isEpollWait():
		d.wait(o)
		if o.row.name == "epoll_pwait2" && o.filtered() {
			d.found("no epoll_pwait2", "it came with Linux 5.11, and old seccomp filters refuse it with EPERM: fall back to epoll_pwait", o.end.Line)
		}
	case o.row.name == "close" && !o.want.failed():
		d.closed(o)
	case o.row.isAccept():
		if o.want.errno == abi.EMFILE || o.want.errno == abi.ENFILE {
			d.found("EMFILE on accept", "the connection stays in the queue and a level-triggered listener stays ready: the loop spins "+
				"until a descriptor is free", o.end.Line)
		}
		d.touch(o)
	default:
		d.touch(o)
	}
}
