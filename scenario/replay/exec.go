package replay

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

// exec is one execution of a log on the model.
type exec struct {
	log   *Log
	opts  *Options
	k     *kernel.Kernel
	m     *sim.Machine
	steer *steer
	pilot *kernel.Thread

	plan *plan
	at   int // the moment of the log that is being followed

	threads   map[int]*thread // by Serial of the task
	byTid     map[int]*thread // the last one with the number
	alive     []*thread       // in the order in which they appear
	open      []*thread       // whose call is under way in the log, in order of entry
	tables    map[*vfs.FdTable]*table
	stops     int        // calls that were stopped inside
	running   *op        // the last one that was begun
	newcomers []newcomer // tasks whose origin was guessed

	world
	items
	trail // kept where calls overlap
	tally

	told      bool             // somebody is told what happens
	mute      int              // depth of looks that nobody shall see
	events    []abi.EpollEvent // memory of foresee
	script    *star            // that is made of the log, or nil
	onChecked func(*exec, *op) // told of each call that was checked
	mutable   map[*op]bool     // for tests

	err      error // that ended the run
	diverged *Divergence
	failed   *op
	misfit   int      // how far its events are from those of the log
	mismatch []sim.ID // what the events are about that the failed wait was to report
}

// thread is a task of the log on the model.
type thread struct {
	tid     int
	task    int  // Serial of the task of the log
	claimed bool // by that
	k       *kernel.Thread

	cur      *op // the call that the log has it in
	begun    bool
	next     *op  // to be begun by the thread
	pending  bool // a signal is there before its call begins
	finished bool
	points   int  // until it is stopped inside its call, 0: it is not
	stopped  bool // inside its call
	ended    bool // in the log
	got      outcome
	eventBuf []abi.EpollEvent
	buf      []byte
}

func (th *thread) name() string { return fmt.Sprint(th.tid) }

// table is what is known of an fd table besides what the model keeps.
type table struct {
	inherited bool // it was there before the log, with numbers of which nothing is known
	known     map[int]bool
	limited   bool        // the log told the limit
	makers    map[int]int // the tasks that got its numbers, where there are newcomers
	shared    bool        // several threads take its numbers, or took those that it was made with
}

var errDone = errors.New("the log has ended")

// maxTimeWait bounds what a server that has served for long keeps of connections that are over. Where a log has no times, no
// minute passes.
const maxTimeWait = 1024

// execute runs the log once. It stops at the first divergence.
func execute(log *Log, opts *Options, p *plan, trace func(sim.Event), onChecked func(*exec, *op), script ...*star) *exec {
	x := &exec{
		log: log, opts: opts, plan: p, steer: &steer{}, onChecked: onChecked, mutable: map[*op]bool{},
		threads: map[int]*thread{}, byTid: map[int]*thread{}, tables: map[*vfs.FdTable]*table{},
		world: newWorld(), items: newItems(), trail: newTrail(), tally: tally{foreignFiles: map[*vfs.File]bool{}},
	}
	mo := sim.Options{Strategy: x.steer, MaxSteps: opts.MaxSteps, MaxTasks: opts.MaxTasks}
	if len(script) > 0 {
		x.script = script[0]
		x.script.x = x
		mo.Trace = x.script.event
	}
	if x.told = trace != nil; x.told {
		mo.Trace = func(e sim.Event) {
			if x.mute == 0 && x.at >= opts.from {
				trace(e)
			}
		}
	}
	x.k = kernel.Boot(kernel.Options{Machine: mo, Version: opts.Version, Check: opts.Check, PortFor: x.portFor, ListenerFor: x.listenerFor, ReceiverFor: x.receiverFor, MaxTimeWait: maxTimeWait})
	x.m = x.k.Machine()
	x.err = x.k.RunThread(func(t *kernel.Thread) {
		x.pilot = t
		x.steer.pilot = t.Task()
		t.Files().Limit = 1 << 20
		x.follow()
		x.k.Stop(errDone)
	})
	if x.err != nil && !errors.Is(x.err, errDone) && x.diverged == nil {
		x.diverged = x.broken(x.err)
	}
	return x
}

// follow goes through the events of the log.
func (x *exec) follow() {
	x.log.rewind()
	for x.at = 0; x.diverged == nil && x.log.reach(x.at); x.at++ {
		if x.at%x.log.stride == 0 {
			x.sweep()
		}
		e := x.log.at(x.at)
		if e.op != nil && e.op.row == nil {
			continue
		}
		switch e.kind {
		case eventCall:
			x.enter(e)
			x.exit(e)
		case eventEnter:
			x.enter(e)
			x.settle()
		case eventExit:
			x.exit(e)
		case eventEnd:
			x.end(e)
		}
	}
}

// enter notes that a call begins.
func (x *exec) enter(e *logEvent) {
	th := x.claim(e.task, e.tid)
	if th.cur != nil {
		x.drop(th)
	}
	th.cur, th.begun, th.finished = e.op, false, false
	x.open = append(x.open, th)
}

// exit makes the call that ends here come to an end on the model, and compares.
func (x *exec) exit(e *logEvent) {
	th := x.claim(e.task, e.tid)
	o := e.op
	if th.cur != o || o == nil {
		return
	}
	if x.lost(th) {
		x.drop(th)
		return
	}
	if !o.row.ends && !o.never {
		inferred, injected := x.tally.inferred, x.tally.injected
		x.finish(th)
		if x.diverged == nil {
			x.compare(th)
		}
		if x.tally.inferred == inferred && x.tally.injected == injected && !o.want.none && !x.outside(o) {
			x.tally.checked++
			if x.onChecked != nil {
				x.onChecked(x, o)
			}
		}
	} else if o.row.ends {
		return // it goes on to the end of the task
	}
	x.drop(th)
	for len(x.orphans) > 0 && x.diverged == nil {
		fd := x.orphans[0]
		x.orphans = x.orphans[1:]
		_ = x.pilot.Close(fd)
	}
	if x.diverged == nil {
		x.settle()
	}
}

// drop forgets the call of th.
func (x *exec) drop(th *thread) {
	th.cur, th.begun, th.finished = nil, false, false
	for i, other := range x.open {
		if other == th {
			x.open = append(x.open[:i], x.open[i+1:]...)
			return
		}
	}
}

// lost reports whether the model has no such thread any more.
func (x *exec) lost(th *thread) bool { return th.k == nil || th.k.Task().Ended() }

// end lets a task end.
func (x *exec) end(e *logEvent) {
	th := x.claim(e.task, e.tid)
	th.ended = true
	if th.k == nil || e.end.Execve != 0 {
		x.drop(th)
		return
	}
	o := th.cur
	if !x.lost(th) && !th.k.Process().Exiting() {
		leaver := x.leaver(th)
		switch {
		case leaver != nil:
			x.begin(leaver)
		case e.end.Signal != 0:
			x.kill(th, e.end.Signal)
		case o != nil && o.row.ends && !th.begun:
			x.begin(th)
		case !x.log.seen["exit"] && !x.log.seen["exit_group"]: // of a log without calls that end tasks
			x.drop(th)
			th.cur = &op{index: -1, row: rows["exit"], name: "exit", task: e.task, tid: e.tid, begin: e.mark, end: e.mark, fd: -1, fd2: -1}
			x.begin(th)
		case o == nil || !o.row.ends:
			x.kill(th, abi.SIGKILL)
		}
	}
	files := th.k.Files()
	if !x.lost(th) {
		x.run(th)
	}
	x.drop(th)
	x.bury()
	if x.script != nil {
		x.script.over(th, files)
	}
	x.settle()
}

// leaver gives the thread of th's process that is in exit_group, nil if there is none.
func (x *exec) leaver(th *thread) *thread {
	for _, other := range x.open {
		if o := other.cur; o.row.name == "exit_group" && !other.begun && !x.lost(other) && other.k.Process() == th.k.Process() {
			return other
		}
	}
	return nil
}

// bury lets the threads of processes that are about to end come to their ends.
func (x *exec) bury() {
	for _, th := range slices.Clone(x.alive) {
		if !x.lost(th) && th.k.Process().Exiting() {
			x.run(th)
		}
	}
}

// kill ends the process of th.
func (x *exec) kill(th *thread, sig abi.Signal) {
	th.k.SignalProcess(abi.SIGKILL, x.pilot.Getpid())
}

// claim gives the thread of a task of the log; a new one is looked for among those that a clone is about to make.
func (x *exec) claim(task, tid int) *thread {
	if th := x.threads[task]; th != nil {
		return th
	}
	th := x.byTid[tid]
	if th == nil || th.claimed {
		th = nil
		for _, parent := range x.open {
			if o := parent.cur; o != nil && o.row.name == "clone" || o != nil && o.row.name == "clone3" || o != nil && o.row.name == "vfork" || o != nil && o.row.name == "fork" {
				if int(o.want.ret) == tid && !parent.begun {
					x.begin(parent)
					th = x.byTid[tid]
				}
			}
		}
	}
	if th == nil {
		th = x.adopt(task, tid)
	}
	th.claimed, th.task = true, task
	x.threads[task] = th
	x.alive = append(x.alive, th)
	return th
}

func (x *exec) newThread(tid int) *thread {
	th := &thread{tid: tid}
	x.byTid[tid] = th
	return th
}

// loop is what every thread of the log does: the call it is given, then it waits for the next.
func (x *exec) loop(th *thread) {
	ready := func() bool { return th.next != nil }
	for {
		th.k.Idle(ready)
		o := th.next
		th.next = nil
		if th.pending {
			th.pending = false
			th.k.InterruptNext()
		}
		th.got = x.perform(th, o)
		th.finished = true
	}
}

// grant lets a task run until it sleeps, or its call is over.
func (x *exec) grant(t *sim.Task) {
	x.steer.granted = t
	x.pilot.Task().Yield()
	x.steer.granted = nil
}

// begin makes th begin its call, and lets it run as far as it comes.
func (x *exec) begin(th *thread) {
	o := th.cur
	th.begun, th.points, th.stopped = true, x.plan.inside[o.index], false
	if first, ok := x.plan.before[o.index]; ok {
		if other := x.threads[first.task]; other != nil && other.cur != nil && other.cur.index == first.index && !other.begun && !x.lost(other) {
			x.begin(other)
		}
	}
	x.precede(o)
	th.next = o
	x.inherit(th, o)
	x.datagramTo(o)
	x.note(o)
	if o.row.waits && o.begin.Time > 0 {
		x.catchUp(o.begin.Time)
	}
	if th.k.Task().Runnable() {
		x.run(th)
		if th.finished || th.next == nil {
			return
		}
	}
	th.k.WakeUp()
	x.run(th)
}

// note adds o to the order of the calls on its files.
func (x *exec) note(o *op) {
	if x.log.overlaps == 0 && x.opts.Trace == nil {
		return
	}
	x.trail.note(o, x.at, x.thingsOf(o), x.file(o, o.fd), x.file(o, o.fd2))
}

// run lets th run to the end of its call, to where it sleeps, or to where it is to be stopped.
func (x *exec) run(th *thread) {
	x.steer.points = th.points
	x.grant(th.k.Task())
	if th.points > 0 && x.steer.points == 1 && !th.finished {
		th.stopped = true
		x.stops++
		x.steer.points = 0
	}
	th.points, x.steer.points = x.steer.points, 0
}

// catchUp moves the clock to a time of the log.
func (x *exec) catchUp(t int64) {
	if now := t - x.log.start; now > x.m.Now() {
		x.m.AdvanceTo(now)
		x.network()
	}
}

// network takes the interrupts that are due and are nobody's to decide: those of neither sleepers nor timerfds.
func (x *exec) network() {
	if x.m.Interrupts() == 0 {
		return
	}
	for _, t := range x.m.Tasks() {
		if !t.Interrupt() {
			continue
		}
		switch t.Owner.(type) {
		case *sim.Task, *devices.Timerfd:
		default:
			x.grant(t)
		}
	}
}

// later lets the time pass up to the next timer of the network; false if there is none soon.
func (x *exec) later() bool {
	before := x.m.Now()
	for range 100 {
		next := x.m.NextExpiry()
		if next == sim.Forever || next > before+int64(time.Second) {
			return false
		}
		steps := x.m.Steps
		x.m.AdvanceTo(next)
		if x.network(); x.m.Steps != steps {
			return true
		}
	}
	return false
}

// expire lets time pass until a timer fires, if it is armed.
func (x *exec) expire(tm *sim.Timer) bool {
	if !tm.Armed() {
		return false
	}
	if tm.Due() == nil {
		x.m.AdvanceTo(tm.Expiry())
	}
	irq := tm.Due()
	if irq == nil {
		return false
	}
	x.grant(irq)
	return true
}
