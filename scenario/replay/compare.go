package replay

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/scenario/strace"
)

// Divergence is a call of which the log says something else than the model.
type Divergence struct {
	Pos   strace.Pos // of the line with the result
	Tid   int
	Call  string
	Log   string
	Model string
	State string   // of everything, as the model has it
	Calls []string // the last ones that touched the file
	Steps []string // the last ones of the model
	Limit bool     // a limit of the model ended the run: it says nothing about the log
}

// String is the place, the call and both results, on one line.
func (d *Divergence) String() string {
	return fmt.Sprintf("%s: %d: %s: the log says %s, the model %s", d.Pos, d.Tid, d.Call, d.Log, d.Model)
}

// compare looks whether the call of th came to what the log says.
func (x *exec) compare(th *thread) {
	o := th.cur
	x.tally.calls++
	switch {
	case o.want.none:
		return
	case o.want.ret == exitGroup && x.leaver(th) != nil: // strace found the number of the call in which another thread ends them all
		return
	case x.lost(th):
		x.diverge(th, "nothing: the thread has ended")
	case !th.finished:
		x.diverge(th, "nothing: it blocks")
	case !same(o, &th.got):
		x.diverge(th, th.got.text(o))
	default:
		return
	}
}

// exitGroup is the number of exit_group on x86-64.
const exitGroup = 231

// same reports whether two outcomes are.
func same(o *op, got *outcome) bool {
	want := &o.want
	switch {
	case want.interrupted() && got.interrupted():
		return true
	case want.errno == unknownErrno:
		return got.failed()
	case want.errno != got.errno || want.ret != got.ret:
		return false
	case want.failed():
		return true
	case o.row.isEpollWait():
		return sameEvents(got.events, want)
	case o.row.name == "poll" || o.row.name == "ppoll":
		return samePolls(got.polls, want)
	case o.row.parseIsWait():
		for i := range want.sets {
			if got.ret > 0 && !slices.Equal(want.sets[i].Fds(), got.sets[i].Fds()) {
				return false
			}
		}
	}
	if got.fds != nil && want.fds != nil && !slices.EqualFunc(got.fds, want.fds, func(a, b int) bool { return a == b || b < 0 }) {
		return false
	}
	return len(got.value) != 8 || len(want.value) != 8 || bytes.Equal(got.value, want.value)
}

func (x *exec) diverge(th *thread, model string) {
	o := th.cur
	if x.diverged != nil {
		return
	}
	x.diverged = &Divergence{Pos: o.end.Pos, Tid: th.tid, Call: o.spelled(), Log: o.want.text(o), Model: model}
	if x.told {
		x.diverged.State = x.k.Snapshot().String()
	}
	x.failed, x.misfit = o, x.missed(th)
	for _, f := range x.reported(o, o.want.events, th.got.events) {
		x.mismatch = append(x.mismatch, x.things(f)...)
	}
}

// missed tells how far the events of a wait are from those of the log: fewer, others, or in another order.
func (x *exec) missed(th *thread) int {
	o := th.cur
	if !o.row.isEpollWait() {
		return 0
	}
	const absent, changed = 4, 2
	miss := absent * max(len(th.got.events)-len(o.want.events), 0)
	var places []int
	for _, want := range o.want.events {
		i := slices.IndexFunc(th.got.events, func(e abi.EpollEvent) bool { return e.Data == want.Data })
		switch {
		case i < 0:
			miss += absent
			continue
		case th.got.events[i].Events != want.Events:
			miss += changed
		}
		for _, before := range places {
			if before > i {
				miss++
			}
		}
		places = append(places, i)
	}
	return miss
}

// broken is a run that could not go on.
func (x *exec) broken(err error) *Divergence {
	d := &Divergence{Model: err.Error()}
	if len(x.log.list) > 0 {
		e := x.log.at(x.at)
		d.Pos, d.Tid = e.mark.Pos, e.tid
		if e.op != nil {
			d.Call, x.failed = e.op.name, e.op
		}
	}
	return d
}

// spelled names a call with what it works on.
func (o *op) spelled() string {
	if o.fd >= 0 {
		return fmt.Sprintf("%s(%d, …)", o.name, o.fd)
	}
	return o.name + "(…)"
}

// text spells an outcome.
func (out *outcome) text(o *op) string {
	var b strings.Builder
	switch {
	case out.errno == unknownErrno:
		return "an error"
	case out.failed():
		return "-1 " + out.errno.Name()
	case o.row.isEpollWait():
		fmt.Fprintf(&b, "%d %s", out.ret, eventsText(out.events))
		return b.String()
	case out.polls != nil:
		fmt.Fprintf(&b, "%d [", out.ret)
		for i, p := range out.polls {
			if i > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, "{fd=%d, revents=%s}", p.Fd, abi.Flags("POLL", int64(uint16(p.Revents))))
		}
		b.WriteString("]")
		return b.String()
	case out.fds != nil:
		return fmt.Sprintf("%d %v", out.ret, out.fds)
	case out.ret <= -1000:
		return fmt.Sprintf("another value: %d", -1000-out.ret)
	case len(out.value) == 8:
		return fmt.Sprintf("%d %q", out.ret, out.value)
	}
	for i, s := range out.sets {
		if s != nil {
			fmt.Fprintf(&b, " %s %v", [...]string{"in", "out", "except"}[i], s.Fds())
		}
	}
	return fmt.Sprint(out.ret) + b.String()
}

func eventsText(events []abi.EpollEvent) string {
	var b strings.Builder
	b.WriteString("[")
	for i, e := range events {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "{%s, %#x}", e.Events, e.Data)
	}
	return b.String() + "]"
}
