package replay

import (
	"errors"
	"io"
	"slices"

	"github.com/epollsim/epollsim/scenario/strace"
)

// logEvent is a moment of the log at which something is to be done.
type logEvent struct {
	kind eventKind
	task int // Serial
	tid  int
	op   *op
	end  strace.End
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

// intake makes moments of the records of a log. A call that ends on another line is one op at two moments: of what is known at its
// end, the moment of its begin has to know already, so one reads ahead.
type intake struct {
	log    *Log
	src    strace.Source
	survey bool
	begun  bool
	under  map[*strace.Call]*op // calls under way
	lonely *op                  // the only one of them that has had no other beside it
	last   map[int]*op          // the last call of each task
	ops    int
	at     int // moments so far
	ports  ports
}

// next gives the next moment, io.EOF behind the last one.
func (in *intake) next() (logEvent, error) {
	for {
		rec, err := in.src.Next()
		if errors.Is(err, io.EOF) {
			in.end()
		}
		if err != nil {
			return logEvent{}, err
		}
		if rec.Task == nil {
			continue
		}
		if !in.begun {
			in.begun = true
			in.log.begin(&rec)
		}
		if in.survey {
			in.log.relate(&rec)
		}
		if in.survey && in.log.attached {
			in.log.sharing.appears(rec.Task.Serial, rec.Seq)
			in.log.given.appears(rec.Task.Serial, rec.Seq)
		}
		if in.survey && (rec.Kind == strace.RecordCall || rec.Kind == strace.RecordExit) && rec.Call.Result.Failed {
			in.log.failures++
		}
		if in.survey && rec.Kind == strace.RecordSignal {
			in.log.bereave(&rec, in.at)
		}
		if e, ok := in.moment(&rec); ok {
			in.at++
			return e, nil
		}
	}
}

// moment makes a moment of a record; false if nothing is to be done.
func (in *intake) moment(rec *strace.Record) (logEvent, bool) {
	e := logEvent{task: rec.Task.Serial, tid: rec.Task.Tid, mark: rec.Mark}
	if e.tid == 0 {
		e.tid = firstTid
	}
	switch rec.Kind {
	case strace.RecordCall:
		e.kind, e.op = eventCall, in.op(rec.Call, &e)
		if e.op == nil {
			return e, false
		}
		in.meets(e.op, false)
		in.fill(e.op, rec.Call)
		in.relate(e.op)
		return e, e.op.row != nil
	case strace.RecordEnter:
		e.kind, e.op = eventEnter, in.op(rec.Call, &e)
		if e.op == nil {
			return e, false
		}
		in.meets(e.op, true)
		in.under[rec.Call] = e.op
		if in.survey && in.log.attached {
			in.log.sharing.begins(e.task, rec.Call)
			in.log.given.begins(e.task, rec.Call)
		}
	case strace.RecordExit:
		e.kind, e.op = eventExit, in.under[rec.Call]
		if e.op == nil { // it is not replayed, or the log begins in the middle of it
			return e, false
		}
		delete(in.under, rec.Call)
		if in.lonely == e.op {
			in.lonely = nil
		}
		in.fill(e.op, rec.Call)
		in.relate(e.op)
	case strace.RecordSignal:
		if o := in.last[e.task]; o != nil && o.want.interrupted() && rec.Signal.Sig > 0 {
			o.caught |= 1 << (rec.Signal.Sig - 1)
		}
		if in.survey {
			in.log.sharing.signal(e.tid, &rec.Signal)
			in.log.given.signal(e.tid, &rec.Signal)
		}
		e.kind = eventSignal
	case strace.RecordEnd:
		e.kind, e.end = eventEnd, rec.End
		in.cutOff(e.task)
		in.ports.ended(e.task)
	default:
		return e, false
	}
	return e, true
}

// op begins a call; nil if no row is for it.
func (in *intake) op(c *strace.Call, e *logEvent) *op {
	if in.survey {
		in.log.seen[c.Name] = true
	}
	if rowOf(c.Name) == nil || c.Headless {
		in.skip(c.Name)
		return nil
	}
	index := in.ops
	in.ops++
	if o := in.log.long[index]; o != nil && !in.survey {
		return o
	}
	return &op{index: index, outside: in.log.outside[index], moment: in.at, name: c.Name, task: e.task, tid: e.tid, begin: c.Begin, fd: -1, fd2: -1}
}

// cutOff is for a task whose process ended while it was in a call: that did not come back, but strace shows the number of exit_group
// as its result.
func (in *intake) cutOff(task int) {
	if o := in.last[task]; o != nil && o.want.ret == exitGroup && o.row.looks {
		o.never, o.want = true, outcome{none: true}
	}
	delete(in.last, task)
}

func (in *intake) skip(name string) {
	if in.survey {
		in.log.skipped[name]++
	}
}

// meets notes which calls have others beside them.
func (in *intake) meets(o *op, goesOn bool) {
	if in.under == nil {
		in.under = map[*strace.Call]*op{}
	}
	if len(in.under) == 0 {
		if goesOn {
			in.lonely = o
		}
		return
	}
	o.free = true
	if goesOn && in.survey {
		in.log.overlaps++
	}
	if in.lonely != nil {
		in.lonely.free, in.lonely = true, nil
	}
}

// fill takes over what the log says of a call, now that it is complete.
func (in *intake) fill(o *op, c *strace.Call) {
	if o.row != nil { // the survey has filled it
		in.ports.see(in, o)
		return
	}
	o.end = c.End
	o.never = c.State != strace.CallDone
	o.row = rowOf(c.Name)
	o.want = result(c)
	if o.never && !o.row.ends {
		o.want.none = true
	}
	typed, _ := c.Typed() // what the model has no type for is in it as it stands in the log
	if c.Result.Injected || !o.row.parse(o, typed) {
		o.row = nil
		in.skip(o.name)
		return
	}
	if in.last == nil {
		in.last = map[int]*op{}
	}
	in.last[o.task] = o
	in.late(o)
	in.ports.see(in, o)
	if in.survey && o.text != "" && o.row.opens() && !o.want.failed() {
		in.log.opened(o)
	}
}

// relate finds out who shares descriptors with whom, where the log does not show how tasks came to be.
func (in *intake) relate(o *op) {
	if in.survey && o.row != nil && !in.log.attached {
		in.log.holes.sees(o)
	}
	if in.survey && in.log.attached {
		in.log.sharing.sees(o)
		in.log.given.sees(o)
	}
}

// late keeps a call of which something new is known if its begin is too far behind.
func (in *intake) late(o *op) {
	if in.survey && in.at-o.moment > in.log.ahead {
		in.log.long[o.index] = o
	}
}

// end is for the calls that never came back.
func (in *intake) end() {
	var list []*strace.Call
	for c := range in.under {
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b *strace.Call) int { return in.under[a].index - in.under[b].index })
	for _, c := range list {
		in.fill(in.under[c], c)
	}
	in.under = nil
}
