package vfs

import (
	"strconv"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/waitqueue"
)

// Hooks per call on the kernel's stack, and per page beyond (select-poll facts, Linux 6.18).
const (
	inlineHooks  = 9
	hooksPerPage = 63
)

var (
	classPoller    = sim.NewClass("poll_wqueues")
	fieldTriggered = sim.NewField("triggered")
)

// PollWqueues is the state of one poll(2) or select(2), models struct poll_wqueues. A thread keeps one and
// uses it for every call.
type PollWqueues struct {
	PT PollTable

	sys       *System
	id        sim.ID
	task      *sim.Task
	triggered bool // a hook was woken since the last sleep attempt
	n         int
	inline    [inlineHooks]pollTableEntry
	pages     []*[hooksPerPage]pollTableEntry
}

// pollTableEntry is one hook, models struct poll_table_entry. It keeps its file alive.
type pollTableEntry struct {
	poller *PollWqueues
	file   *File
	key    abi.Events
	wait   waitqueue.Entry
	head   *waitqueue.Head
}

// begin is poll_initwait.
func (p *PollWqueues) begin(s *System, t *sim.Task) {
	if p.sys == nil {
		p.sys, p.id = s, s.M.NewID(classPoller)
	}
	p.task, p.triggered, p.n = t, false, 0
	p.PT.Queue = p
}

// QueueProc hooks the poller to h: __pollwait.
func (p *PollWqueues) QueueProc(f *File, h *waitqueue.Head) {
	e := p.entry()
	f.Lend()
	e.poller, e.file, e.key, e.head = p, f, p.PT.Key, h
	e.wait.Func, e.wait.Private = pollWake, e
	p.sys.Counters.QueueInsertions++
	h.Add(&e.wait)
}

func (p *PollWqueues) entry() *pollTableEntry {
	i := p.n
	p.n++
	if i < inlineHooks {
		return &p.inline[i]
	}
	i -= inlineHooks
	if i/hooksPerPage == len(p.pages) {
		p.pages = append(p.pages, new([hooksPerPage]pollTableEntry))
	}
	if i%hooksPerPage == 0 {
		p.sys.Counters.Allocations++
	}
	return &p.pages[i/hooksPerPage][i%hooksPerPage]
}

// pollWake is the wake function of a hook: a key that is not wanted changes nothing, anything else sets
// the latch and wakes the poller. Models pollwake.
func pollWake(w *waitqueue.Entry, _ sim.State, _ bool, key abi.Events) int {
	e := w.Private.(*pollTableEntry)
	p := e.poller
	if key != 0 && key&e.key == 0 && !p.sys.Rules.NoKeys {
		return 0
	}
	m := p.sys.M
	m.EnterOn(p.id, "pollwake", "")
	m.Write(p.id, fieldTriggered)
	p.triggered = true
	woken := 0
	if p.task.WakeUp(sim.Normal) {
		woken = 1
	}
	if m.Tracing() {
		m.LeaveWith("pollwake", strconv.Itoa(woken))
	}
	return woken
}

// String names the hook of a poll(2) or select(2) in traces and snapshots.
func (e *pollTableEntry) String() string { return e.poller.task.String() + " in poll" }

// sleep waits until a hook is woken, a signal is pending, or the deadline (ns) has come, and reports the
// last. The latch closes the window between looking and sleeping. Models poll_schedule_timeout.
func (p *PollWqueues) sleep(deadline int64, what string) (timedOut bool) {
	m := p.sys.M
	p.task.SetState(sim.Interruptible)
	m.Read(p.id, fieldTriggered)
	if !p.triggered {
		timedOut = p.task.ScheduleTimeout(deadline, what, p.id)
	}
	p.task.SetState(sim.Running)
	m.Write(p.id, fieldTriggered)
	p.triggered = false
	return timedOut
}

// end removes every hook: poll_freewait.
func (p *PollWqueues) end() {
	for i := range p.n {
		e := &p.inline[min(i, inlineHooks-1)]
		if i >= inlineHooks {
			e = &p.pages[(i-inlineHooks)/hooksPerPage][(i-inlineHooks)%hooksPerPage]
		}
		e.head.Remove(&e.wait)
		e.file.Return()
		e.file, e.head = nil, nil
	}
	p.n = 0
}
