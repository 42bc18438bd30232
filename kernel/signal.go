package kernel

import (
	"math/bits"

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

// take removes the lowest signal that is not in blocked, oldest first.
func (s *sigPending) take(blocked abi.SigSet) (SignalInfo, bool) {
	ready := s.set &^ blocked
	if ready == 0 {
		return SignalInfo{}, false
	}
	sig := abi.Signal(bits.TrailingZeros64(uint64(ready)) + 1)
	return s.remove(sig), true
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

const unblockable = abi.SigSet(1<<(abi.SIGKILL-1) | 1<<(abi.SIGSTOP-1))

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

// send queues a signal to thread t, or to the process if t is nil, and wakes a thread to take it. Models
// send_signal_locked and complete_signal.
func (p *Process) send(sig abi.Signal, info SignalInfo, t *Thread) {
	if p.zombie {
		return
	}
	p.k.m.Write(userSignalID(p), fieldPending)
	if sig == abi.SIGCONT || sig == abi.SIGKILL {
		p.resumeStopped()
	}
	target := p.wants(sig, t)
	if target == nil && p.ignores(sig) && !p.blockedBy(sig, t) {
		return
	}
	pending := &p.pending
	if t != nil {
		pending = &t.pending
	}
	if sig < abi.SIGRTMIN && pending.set.Has(sig) {
		return
	}
	if p.ignores(sig) && !p.blockedBy(sig, t) {
		return
	}
	pending.add(info)
	if target == nil {
		return
	}
	act := p.handlers[sig]
	if sig == abi.SIGKILL || act.Handler == HandlerDefault && actionOf(sig) == actTerm && target.blocked&(1<<(sig-1)) == 0 {
		p.sender = info.Sender
		p.exitGroup(0, sig)
		return
	}
	target.task.SetSignal(true, false)
	target.task.WakeUp(sim.Interruptible)
}

// wants picks the thread that takes sig: t itself, or the first thread that does not block it.
func (p *Process) wants(sig abi.Signal, t *Thread) *Thread {
	if t != nil {
		if t.ended || t.blocked.Has(sig) {
			return nil
		}
		return t
	}
	for _, t := range p.threads {
		if !t.ended && !t.blocked.Has(sig) {
			return t
		}
	}
	return nil
}

func (p *Process) blockedBy(sig abi.Signal, t *Thread) bool {
	if t == nil {
		if len(p.threads) == 0 {
			return false
		}
		t = p.threads[0]
	}
	return t.blocked.Has(sig)
}

// recalc sets whether a signal waits for t: recalc_sigpending.
func (t *Thread) recalc() {
	if t.proc.exiting {
		return
	}
	pending := (t.pending.set|t.proc.pending.set)&^t.blocked != 0 || t.proc.stopped
	if pending != t.task.HasSignal() {
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

// takeSignals handles what is pending on the way to user mode; errno is the result of the call that ends.
// It reports nothing: whether an interrupted call is restarted is decided in restart. Models get_signal and
// handle_signal.
func (t *Thread) takeSignals(errno abi.Errno) {
	for {
		if t.proc.exiting {
			panic(threadExit{})
		}
		if t.proc.stopped {
			t.stop()
			continue
		}
		info, ok := t.next()
		if !ok {
			break
		}
		t.take(info)
	}
	if t.restoreMask {
		t.restoreMask = false
		t.blocked = t.saved
		t.recalc()
		if t.task.HasSignal() {
			t.takeSignals(errno)
		}
		return
	}
	t.recalc()
}

// take does what one signal does.
func (t *Thread) take(info SignalInfo) {
	p := t.proc
	act := p.handlers[info.Sig]
	if t.k.traced {
		info.Tid = t.tid
		t.k.m.Emit(TraceSignal, &info)
	}
	switch act.Handler {
	case HandlerIgnore:
		return
	case HandlerDefault:
		switch actionOf(info.Sig) {
		case actStop:
			p.stopped = true
			for _, other := range p.threads {
				if other != t {
					other.task.SetSignal(true, false)
					other.task.WakeUp(sim.Interruptible)
				}
			}
		case actTerm:
			p.sender = info.Sender
			p.exitGroup(0, info.Sig)
		}
		return
	}
	old := t.blocked
	if t.restoreMask {
		old, t.restoreMask = t.saved, false
	}
	t.blocked |= act.Mask
	if act.Flags&abi.SA_NODEFER == 0 {
		t.blocked.Add(info.Sig)
	}
	if act.Flags&abi.SA_RESETHAND != 0 {
		p.handlers[info.Sig] = SigAction{}
	}
	t.handled, t.handledRestart = true, act.Flags&abi.SA_RESTART != 0
	t.recalc()
	handled, again := t.handled, t.handledRestart
	act.Func(info.Sig)
	t.handled, t.handledRestart = handled, again
	t.blocked = old
	t.recalc()
}

// stop sleeps until SIGCONT or SIGKILL.
func (t *Thread) stop() {
	t.task.SetState(sim.Stopped)
	if t.proc.stopped && !t.proc.exiting {
		t.task.Schedule("SIGCONT", 0)
	}
	t.task.SetState(sim.Running)
}

func (p *Process) resumeStopped() {
	if !p.stopped {
		return
	}
	p.stopped = false
	for _, t := range p.threads {
		t.task.WakeUp(sim.Stopped)
	}
}

var (
	classSignals = sim.NewClass("signals")
	fieldPending = sim.NewField("pending")
)

func userSignalID(p *Process) sim.ID { return sim.ID(classSignals)<<48 | sim.ID(p.pid) }

// interrupted ends an interruptible call that returned errno, one of ERESTART*, and reports whether it is
// made again: always for ERESTARTNOINTR, with SA_RESTART for ERESTARTSYS, and whenever no handler ran.
func (t *Thread) interrupted(ret int64, errno abi.Errno) (again bool) {
	call := t.call
	t.handled = false
	t.leave(ret, errno)
	again = !t.handled || errno == abi.ERESTARTNOINTR || errno == abi.ERESTARTSYS && t.handledRestart
	if again && call != nil {
		t.call = &Call{Tid: call.Tid, Pid: call.Pid, Name: call.Name, Args: call.Args}
		t.k.m.Emit(TraceEnter, t.call)
	}
	return again
}

// restartable runs an interruptible call to its end.
func (t *Thread) restartable(op func() (int, abi.Errno)) (int, error) {
	for {
		n, errno := op()
		if errno < abi.ERESTARTSYS {
			return t.result(n, errno)
		}
		if !t.interrupted(int64(n), errno) {
			return n, abi.EINTR
		}
	}
}
