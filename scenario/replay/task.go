package replay

import (
	"fmt"
	"slices"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

// Tasks of the log on the model: where they come from, the calls they are given, their ends.

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
	points   int       // until it is stopped inside its call, 0: it is not
	closes   *vfs.File // by its last close
	on       *vfs.File // the epoll that it began to wait on
	stopped  bool      // inside its call
	ended    bool      // in the log
	got      outcome
	aside    aside
	eventBuf []abi.EpollEvent
	buf      []byte
}

// inWait reports whether th is in the epoll_wait o.
func (th *thread) inWait(o *op) bool {
	return th.cur == o && th.begun && !th.finished && o.row.isEpollWait()
}

func (th *thread) name() string { return fmt.Sprint(th.tid) }

func (x *exec) newThread(tid int) *thread {
	th := &thread{tid: tid}
	x.byTid[tid] = th
	return th
}

// claim gives the thread of a task of the log; a new one is looked for among those that a clone is about to make.
func (x *exec) claim(task, tid int) *thread {
	if th := x.threads[task]; th != nil {
		return th
	}
	th := x.byTid[tid]
	if th == nil || th.claimed || th.k == nil {
		th = nil
		for _, parent := range x.open {
			if o := parent.cur; o != nil && o.row.clones() {
				if int(o.want.ret) != tid || parent.finished {
					continue
				}
				if !parent.begun {
					x.begin(parent)
				}
				if parent.stopped { // its child shows: it is no longer inside
					parent.stopped = false
					x.run(parent)
				}
				th = x.byTid[tid]
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
	x.leave(th, e)
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

// leave lets th begin to end, as e tells that it does.
func (x *exec) leave(th *thread, e *logEvent) {
	o := th.cur
	if x.lost(th) || th.k.Process().Exiting() {
		return
	}
	leaver := x.leaver(th)
	switch {
	case leaver != nil:
		x.begin(leaver)
	case e.end.Signal != 0:
		x.kill(th, e.end.Signal)
	case o != nil && o.row.ends && !th.begun:
		x.begin(th)
	case x.endsUnseen():
		x.drop(th)
		th.cur = &op{index: -1, row: rows["exit"], name: "exit", task: e.task, tid: e.tid, begin: e.mark, end: e.mark, fd: -1, fd2: -1}
		x.begin(th)
	case o == nil || !o.row.ends:
		x.kill(th, abi.SIGKILL)
	}
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
	for _, first := range x.plan.before[o.index] {
		if other := x.threads[first.task]; other != nil && other.cur != nil && other.cur.index == first.index && !other.begun && !x.lost(other) {
			x.begin(other)
		}
	}
	x.precede(o)
	x.interruptFirst(o)
	if o.rewires() {
		x.rewired++
	}
	th.next, th.on = o, nil
	x.inherit(th, o)
	x.unblock(o)
	if o.connects() && !readyConnect(x, o) {
		helpConnect(x, o) // it is made before its end, for another call
	}
	th.on = x.file(o, o.fd)
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
	if x.log.overlaps == 0 && x.opts.Trace == nil && x.plan.draw == nil {
		return
	}
	var brought []sim.ID
	for _, f := range x.brought(o) {
		brought = append(brought, x.things(f)...)
	}
	x.trail.note(o, x.at, x.thingsOf(o), brought, x.file(o, o.fd), x.file(o, o.fd2))
}

// run lets th run to the end of its call, to where it sleeps, or to where it is to be stopped.
func (x *exec) run(th *thread) {
	if other, _ := x.amidst(th.cur); other != nil && other != th && x.ready(th.cur) {
		x.runAmid(th, other)
		return
	}
	x.steer.points = th.points
	x.grant(th.k.Task())
	if th.points > 0 && x.steer.points == 1 && !th.finished {
		th.stopped = true
		x.stops++
		x.steer.points = 0
	}
	th.points, x.steer.points = x.steer.points, 0
}
