package replay

import (
	"errors"
	"io"
	"sort"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/scenario/strace"
)

// Log is a log, read and cut down to what a replay needs.
type Log struct {
	Name   string
	Stats  strace.Stats
	events []logEvent
	ops    []*op

	start    int64 // time of its first line
	attached bool  // it does not begin with the start of a program
	leader   *strace.Task
	serials  []int // of the tasks, in order of appearance
	skipped  map[string]int
	seen     map[string]bool  // the names of its calls
	clients  map[uint16]bool  // ports that connects of the log were given
	asked    []abi.EpollEvent // what was registered with epolls, each once
	overlaps int              // calls that were under way while another one was
}

// logEvent is a moment of the log at which something is to be done.
type logEvent struct {
	kind eventKind
	task int
	tid  int
	op   *op
	end  strace.End
	sig  strace.Signal
	mark strace.Mark
}

type eventKind uint8

const (
	eventCall eventKind = iota
	eventEnter
	eventExit
	eventEnd
	eventSignal
)

// firstTid is what the only task of a log without numbers is called.
const firstTid = 1000

// Read reads a log to its end.
func Read(src strace.Source, name string) (*Log, error) {
	log := &Log{Name: name, skipped: map[string]int{}, seen: map[string]bool{}}
	pending := map[*strace.Call]*op{}
	seen := map[int]bool{}
	for {
		rec, err := src.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if rec.Task == nil {
			continue
		}
		if log.leader == nil {
			log.leader = rec.Task
			log.attached = rec.Kind != strace.RecordCall && rec.Kind != strace.RecordEnter || rec.Call.Name != "execve"
			log.start = rec.Time
		}
		if !seen[rec.Task.Serial] {
			seen[rec.Task.Serial] = true
			log.serials = append(log.serials, rec.Task.Serial)
		}
		e := logEvent{task: rec.Task.Serial, tid: rec.Task.Tid, mark: rec.Mark}
		if e.tid == 0 {
			e.tid = firstTid
		}
		switch rec.Kind {
		case strace.RecordCall:
			e.kind, e.op = eventCall, log.newOp(rec.Call, &e)
			e.op.free = len(pending) > 0
			for _, other := range pending {
				other.free = true
			}
			log.fill(e.op, rec.Call)
		case strace.RecordEnter:
			e.kind, e.op = eventEnter, log.newOp(rec.Call, &e)
			pending[rec.Call] = e.op
			if len(pending) > 1 {
				log.overlaps++
				e.op.free = true
			}
			for _, other := range pending {
				other.free = other.free || len(pending) > 1
			}
		case strace.RecordExit:
			o := pending[rec.Call]
			if o == nil { // the log begins in the middle of the call
				continue
			}
			delete(pending, rec.Call)
			e.kind, e.op = eventExit, o
			log.fill(o, rec.Call)
		case strace.RecordEnd:
			e.kind, e.end = eventEnd, rec.End
		case strace.RecordSignal:
			e.kind, e.sig = eventSignal, rec.Signal
		default:
			continue
		}
		log.events = append(log.events, e)
		if e.op != nil && e.kind != eventExit {
			e.op.index = len(log.ops)
			log.ops = append(log.ops, e.op)
		}
	}
	for call, o := range pending {
		o.never = true
		log.fill(o, call)
	}
	log.Stats = src.Stats()
	log.prune()
	log.ports()
	log.ask()
	return log, nil
}

func (log *Log) newOp(c *strace.Call, e *logEvent) *op {
	log.seen[c.Name] = true
	return &op{name: c.Name, task: e.task, tid: e.tid, begin: c.Begin, fd: -1, fd2: -1}
}

// fill takes over what the log says of a call, now that it is complete.
func (log *Log) fill(o *op, c *strace.Call) {
	o.end = c.End
	o.never = c.State != strace.CallDone
	o.row = rows[c.Name]
	if o.row == nil || c.Headless {
		o.row = nil
		return
	}
	o.want = result(c)
	if o.never && !o.row.ends {
		o.want.none = true
	}
	if !o.row.parse(o, c) {
		o.row = nil
	}
}

// prune takes out the calls that are not replayed.
func (log *Log) prune() {
	kept := log.events[:0]
	for _, e := range log.events {
		if e.op != nil && e.op.row == nil {
			if e.kind != eventExit {
				log.skipped[e.op.name]++
			}
			if e.kind != eventExit && e.kind != eventCall {
				e.op = nil
			}
			continue
		}
		kept = append(kept, e)
	}
	log.events = kept
}

// ask collects what was registered with epolls.
func (log *Log) ask() {
	seen := map[abi.EpollEvent]bool{}
	for _, o := range log.ops {
		if o.row != nil && o.row.name == "epoll_ctl" && o.event != nil && !seen[*o.event] {
			seen[*o.event] = true
			log.asked = append(log.asked, *o.event)
		}
	}
}

// Skipped gives the calls that are not replayed, the most frequent first.
func (log *Log) Skipped() []Count {
	var list []Count
	for name, n := range log.skipped {
		list = append(list, Count{name, n})
	}
	sort.Slice(list, func(i, j int) bool {
		if list[i].N != list[j].N {
			return list[i].N > list[j].N
		}
		return list[i].Name < list[j].Name
	})
	return list
}

// Count is how often something came.
type Count struct {
	Name string `json:"name"`
	N    int    `json:"n"`
}
