package kernel

import (
	"slices"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
)

// stop begins to stop every thread of p; t runs, siglock is held. Models do_signal_stop.
func (p *Process) stop(t *Thread, sig abi.Signal) {
	p.stopped, p.stopSignal, p.stopTold = true, sig, false
	for _, other := range p.threads {
		if other != t {
			other.wakeForSignal()
		}
	}
}

// stop releases siglock and sleeps until SIGCONT or SIGKILL. The last thread to stop tells the parent.
func (t *Thread) stop() {
	p := t.proc
	t.task.SetState(sim.Stopped)
	t.stopped = true
	if p.stopComplete(); p.tell != 0 {
		p.tellParent()
	} else {
		p.siglock.Unlock()
	}
	t.task.Schedule("SIGCONT", 0)
	t.stopped = false
	t.task.SetState(sim.Running)
}

// stopComplete makes the stop known once all threads that have not ended have stopped.
func (p *Process) stopComplete() {
	running := func(t *Thread) bool { return !t.ended && !t.stopped }
	if p.stopped && !p.stopTold && !slices.ContainsFunc(p.threads, running) {
		p.stopTold, p.tell = true, ChildStopped
	}
}

// resume ends a stop. Told of it, the parent also learns of a stop that was not complete yet, by the first
// thread that gets that far. siglock is held.
func (p *Process) resume(tell bool) {
	if !p.stopped {
		return
	}
	p.stopped = false
	if tell && p.stopTold {
		p.tell = ChildContinued
	} else if tell {
		p.tell = ChildStopped
	}
	for _, t := range p.threads {
		t.task.WakeUp(sim.Stopped)
	}
}

// tellParent releases siglock and sends SIGCHLD for a stop or its end: do_notify_parent_cldstop.
func (p *Process) tellParent() {
	code, parent := p.tell, p.parent
	p.tell = 0
	status := int(p.stopSignal)<<8 | 0x7f
	if code == ChildContinued {
		status = 0xffff
	}
	p.siglock.Unlock()
	if parent == nil {
		return
	}
	if act := parent.action(abi.SIGCHLD); act.Handler != HandlerIgnore && act.Flags&abi.SA_NOCLDSTOP == 0 {
		parent.send(SignalInfo{Sig: abi.SIGCHLD, Code: code, Sender: p.pid, Status: status}, parent.leader)
	}
}
