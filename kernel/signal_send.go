package kernel

import (
	"slices"
	"strconv"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
)

// send queues a signal – to t alone with info.Thread, else to the process, of which t is asked first – and
// wakes a thread to take it. Models send_signal_locked.
func (p *Process) send(info SignalInfo, t *Thread) {
	m := p.k.m
	if m.Tracing() {
		m.EnterOn(p.id, "send_signal_locked", info.Sig.String()+" to "+sendTarget(info, t))
		defer m.Leave("send_signal_locked")
	}
	p.siglock.Lock()
	defer p.siglock.Unlock()
	sig := info.Sig
	if p.exiting || p.zombie {
		return
	}
	p.prepare(sig)
	if p.ignores(sig) && !t.blocked.Has(sig) {
		return
	}
	pending := &p.pending
	if info.Thread {
		pending = &t.pending
	}
	if sig < abi.SIGRTMIN && pending.set.Has(sig) {
		return
	}
	pending.add(info)
	p.notifySignalfd()
	p.complete(info, t)
}

// sendTarget names who a signal is for.
func sendTarget(info SignalInfo, t *Thread) string {
	if info.Thread {
		return t.task.String()
	}
	return "process " + strconv.Itoa(t.proc.pid)
}

// prepare lets SIGCONT and the stop signals take each other back, and ends a stop: prepare_signal.
func (p *Process) prepare(sig abi.Signal) {
	switch {
	case stopping.Has(sig):
		p.drop(bit(abi.SIGCONT))
	case sig == abi.SIGCONT:
		p.drop(stopping)
		p.resume(true)
	case sig == abi.SIGKILL:
		p.resume(false)
	}
}

// drop removes pending signals of p and its threads.
func (p *Process) drop(set abi.SigSet) {
	p.pending.drop(set)
	for _, t := range p.threads {
		t.pending.drop(set)
	}
}

// complete makes a thread take the signal that was queued: t if it may, or for the process, from the last
// one chosen on, the first that may. If nobody may, it stays pending. A signal that kills begins to do so at
// once. Models complete_signal.
func (p *Process) complete(info SignalInfo, t *Thread) {
	sig := info.Sig
	target := t
	if !t.wants(sig) {
		if target = nil; !info.Thread {
			target = p.nextTarget(sig)
		}
		if target == nil {
			return
		}
	}
	if sig == abi.SIGKILL || p.action(sig).Handler == HandlerDefault && actionOf(sig) == actTerm {
		p.sender, p.fatal, p.victim = info.Sender, info, target
		p.exitGroup(0, sig)
		return
	}
	target.wakeForSignal()
}

// nextTarget goes round the threads from p.target on.
func (p *Process) nextTarget(sig abi.Signal) *Thread {
	first := max(slices.Index(p.threads, p.target), 0)
	for i := range p.threads {
		if t := p.threads[(first+i)%len(p.threads)]; t.wants(sig) {
			p.target = t
			return t
		}
	}
	return nil
}

// wants reports whether t should be the one to take sig. A thread that sleeps and has a signal already is not,
// and of a stopped one only SIGKILL is heard. Models wants_signal.
func (t *Thread) wants(sig abi.Signal) bool {
	switch {
	case t.ended || t.blocked.Has(sig):
		return false
	case sig == abi.SIGKILL:
		return true
	}
	return !t.stopped && (t.task.Runnable() || !t.task.HasSignal())
}

// wakeForSignal is signal_wake_up.
func (t *Thread) wakeForSignal() {
	t.task.SetSignal(true, false)
	t.task.WakeUp(sim.Interruptible)
}

// setBlocked changes the signal mask of the running thread. Signals for the process that it was to take and
// blocks now are for the others. Models __set_task_blocked.
func (t *Thread) setBlocked(set abi.SigSet) {
	p := t.proc
	p.siglock.Lock()
	lost := p.pending.set & set &^ t.blocked
	t.blocked = set
	if lost != 0 && !p.exiting {
		p.retarget(t, lost)
	}
	t.recalc()
	p.siglock.Unlock()
}

// retarget makes other threads than from take what is pending for the process: retarget_shared_pending.
func (p *Process) retarget(from *Thread, set abi.SigSet) {
	for _, t := range p.threads {
		if t == from || t.ended || set&^t.blocked == 0 {
			continue
		}
		set &= t.blocked
		if !t.task.HasSignal() {
			t.wakeForSignal()
		}
	}
}
