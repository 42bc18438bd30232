package replay

import (
	"errors"

	"github.com/epollsim/epollsim/abi"
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
	stops     int         // calls that were stopped inside
	running   *op         // the last one that was begun
	rewired   int         // calls that were begun and may have changed what others are about
	newcomers []newcomer  // tasks whose origin was guessed
	born      []newcomer  // tasks that were forked off in front of a call, as it seems
	loaded    map[int]int // by Serial: the call before which it has begun a program unseen

	world
	doings
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

// table is what is known of an fd table besides what the model keeps.
type table struct {
	inherited bool // it was there before the log, with numbers of which nothing is known
	first     int  // Serial of the task that had it then
	known     map[int]bool
	limited   bool        // the log told the limit
	makers    map[int]int // the tasks that got its numbers, where there are newcomers
	leaks     bool        // it lost numbers by calls that the log does not have
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
		loaded: map[int]int{}, world: newWorld(), doings: newDoings(), items: newItems(), trail: newTrail(), tally: tally{foreignFiles: map[*vfs.File]bool{}},
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
		if x.plan.draw != nil {
			x.draws()
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
		case eventSignal:
			x.taken(e)
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
	x.bear(e)
	if e.kind == eventEnter && e.op.want.errno != abi.EBADF && !x.lost(th) {
		x.inherit(th, e.op) // before others get numbers
	}
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
