package kernel

import (
	"math/bits"
	"slices"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
)

// sigPending are signals that wait to be taken, models struct sigpending. Standard signals are there once,
// real-time ones queue.
type sigPending struct {
	set   abi.SigSet
	queue []SignalInfo
}

func (s *sigPending) add(info SignalInfo) {
	s.set.Add(info.Sig)
	s.queue = append(s.queue, info)
}

// take removes the next signal that is not in blocked: those of a fault first, then the lowest number, oldest
// first. Models next_signal.
func (s *sigPending) take(blocked abi.SigSet) (SignalInfo, bool) {
	ready := s.set &^ blocked
	if ready&synchronous != 0 {
		ready &= synchronous
	}
	if ready == 0 {
		return SignalInfo{}, false
	}
	sig := abi.Signal(bits.TrailingZeros64(uint64(ready)) + 1)
	return s.remove(sig), true
}

// drop removes every pending signal of set: flush_sigqueue_mask.
func (s *sigPending) drop(set abi.SigSet) {
	s.set &^= set
	s.queue = slices.DeleteFunc(s.queue, func(i SignalInfo) bool { return set.Has(i.Sig) })
}

func (s *sigPending) remove(sig abi.Signal) SignalInfo {
	var info SignalInfo
	kept := s.queue[:0]
	found, more := false, false
	for _, i := range s.queue {
		switch {
		case i.Sig != sig:
			kept = append(kept, i)
		case !found:
			info, found = i, true
		default:
			kept = append(kept, i)
			more = true
		}
	}
	s.queue = kept
	if !more {
		s.set.Del(sig)
	}
	return info
}

func bit(sig abi.Signal) abi.SigSet { return 1 << (sig - 1) }

var (
	unblockable = bit(abi.SIGKILL) | bit(abi.SIGSTOP)
	synchronous = bit(abi.SIGSEGV) | bit(abi.SIGBUS) | bit(abi.SIGILL) | bit(abi.SIGTRAP) | bit(abi.SIGFPE) | bit(abi.SIGSYS)
	stopping    = bit(abi.SIGSTOP) | bit(abi.SIGTSTP) | bit(abi.SIGTTIN) | bit(abi.SIGTTOU)
)

// defaultAction is what SIG_DFL means: signal(7).
type defaultAction uint8

const (
	actTerm defaultAction = iota
	actIgnore
	actStop
	actContinue
)

func actionOf(sig abi.Signal) defaultAction {
	switch sig {
	case abi.SIGCHLD, abi.SIGURG, abi.SIGWINCH:
		return actIgnore
	case abi.SIGSTOP, abi.SIGTSTP, abi.SIGTTIN, abi.SIGTTOU:
		return actStop
	case abi.SIGCONT:
		return actContinue
	}
	return actTerm
}

// ignores reports whether sig would have no effect on p. A blocked signal is kept nevertheless.
func (p *Process) ignores(sig abi.Signal) bool {
	switch act := p.handlers[sig]; act.Handler {
	case HandlerIgnore:
		return true
	case HandlerDefault:
		a := actionOf(sig)
		return a == actIgnore || a == actContinue
	}
	return false
}

// send queues a signal – to t alone with info.Thread, else to the process, of which t is asked first – and
// wakes a thread to take it. Models send_signal_locked.
func (p *Process) send(info SignalInfo, t *Thread) {
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
	p.complete(info, t)
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
	if sig == abi.SIGKILL || p.handlers[sig].Handler == HandlerDefault && actionOf(sig) == actTerm {
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

// recalc sets whether a signal waits for t; siglock is held. Models recalc_sigpending.
func (t *Thread) recalc() {
	p := t.proc
	pending := (t.pending.set|p.pending.set)&^t.blocked != 0 || p.stopped || p.tell != 0
	if !p.exiting && pending != t.task.HasSignal() {
		t.task.SetSignal(pending, false)
	}
}

// next takes a signal: those for the thread before those for the process. Models dequeue_signal.
func (t *Thread) next() (SignalInfo, bool) {
	info, ok := t.pending.take(t.blocked)
	if !ok {
		info, ok = t.proc.pending.take(t.blocked)
	}
	return info, ok
}

// takeSignals handles what is pending on the way to user mode: it stops, dies, or runs handlers, and gives
// back the mask that a call had replaced. It reports nothing: whether an interrupted call is restarted is
// decided in interrupted. Models get_signal and handle_signal.
func (t *Thread) takeSignals() {
	p := t.proc
	for {
		p.siglock.Lock()
		if p.exiting {
			p.siglock.Unlock()
			t.die()
		}
		if p.tell != 0 {
			p.tellParent()
			continue
		}
		if p.stopped {
			t.stop()
			continue
		}
		if info, ok := t.next(); ok {
			t.take(info)
			continue
		}
		t.recalc()
		p.siglock.Unlock()
		if !t.restoreMask {
			return
		}
		t.restoreMask = false
		t.setBlocked(t.saved)
		if !t.task.HasSignal() {
			return
		}
	}
}

// die ends the thread because its process ends. The one that was to take the fatal signal shows it.
func (t *Thread) die() {
	if p := t.proc; p.victim == t && p.signal != abi.SIGKILL {
		p.victim = nil
		t.traceSignal(p.fatal)
	}
	panic(threadExit{})
}

func (t *Thread) traceSignal(info SignalInfo) {
	if t.k.traced {
		info.Tid = t.tid
		t.k.m.Emit(TraceSignal, &info)
	}
}

// take does what one signal does, and releases siglock. Before its handler runs, those of further signals do
// that the handler does not block: the kernel lays their frames on top of each other and the last one is the
// first to run.
func (t *Thread) take(info SignalInfo) {
	p := t.proc
	act := p.handlers[info.Sig]
	t.traceSignal(info)
	if act.Handler != HandlerFunc {
		if act.Handler == HandlerDefault {
			switch actionOf(info.Sig) {
			case actStop:
				p.stop(t, info.Sig)
			case actTerm:
				p.sender = info.Sender
				p.exitGroup(0, info.Sig)
			}
		}
		p.siglock.Unlock()
		return
	}
	if act.Flags&abi.SA_RESETHAND != 0 {
		p.handlers[info.Sig] = SigAction{}
	}
	p.siglock.Unlock()
	old := t.blocked
	if t.restoreMask {
		old, t.restoreMask = t.saved, false
	}
	if !t.handled { // the first of several decides about the interrupted call
		t.handled, t.handledRestart = true, act.Flags&abi.SA_RESTART != 0
	}
	blocked := t.blocked | act.Mask&^unblockable
	if act.Flags&abi.SA_NODEFER == 0 {
		blocked.Add(info.Sig)
	}
	t.setBlocked(blocked)
	handled, again := t.handled, t.handledRestart
	if t.task.HasSignal() {
		t.takeSignals()
	}
	act.Func(info.Sig)
	t.handled, t.handledRestart = handled, again
	t.setBlocked(old)
}

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
	if act := parent.handlers[abi.SIGCHLD]; act.Handler != HandlerIgnore && act.Flags&abi.SA_NOCLDSTOP == 0 {
		parent.send(SignalInfo{Sig: abi.SIGCHLD, Code: code, Sender: p.pid, Status: status}, parent.leader)
	}
}

// interrupted ends an interruptible call that returned errno, one of ERESTART*, and reports whether it is
// made again: always for ERESTARTNOINTR, with SA_RESTART for ERESTARTSYS, and whenever no handler ran. A call
// with ERESTART_RESTARTBLOCK goes on as restart_syscall(2), which a handler ends too.
func (t *Thread) interrupted(ret int64, errno abi.Errno) (again bool) {
	call := t.call
	t.handled = false
	t.leave(ret, errno)
	if t.handled && errno != abi.ERESTARTNOINTR && !(errno == abi.ERESTARTSYS && t.handledRestart) {
		return false
	}
	t.handled = false
	t.enter()
	if call != nil {
		t.call = &Call{Tid: call.Tid, Pid: call.Pid, Name: call.Name, Args: call.Args}
		if errno == abi.ERESTART_RESTARTBLOCK {
			t.call.Name, t.call.Args = "restart_syscall", nil
		}
		t.k.m.Emit(TraceEnter, t.call)
	}
	if t.handled && errno == abi.ERESTART_RESTARTBLOCK {
		t.leave(-1, abi.EINTR)
		return false
	}
	return true
}

// restartable runs an interruptible call to its end.
func (t *Thread) restartable(op func() (int, abi.Errno)) (int, error) {
	for {
		n, errno := op()
		if errno < abi.ERESTARTSYS {
			return t.result(n, errno)
		}
		if !t.interrupted(-1, errno) {
			return -1, abi.EINTR
		}
	}
}
