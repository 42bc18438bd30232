package kernel

import (
	"math/bits"
	"slices"

	"github.com/epollsim/epollsim/abi"
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
	switch act := p.action(sig); act.Handler {
	case HandlerIgnore:
		return true
	case HandlerDefault:
		a := actionOf(sig)
		return a == actIgnore || a == actContinue
	}
	return false
}

// recalc sets whether a signal waits for t; siglock is held. Models recalc_sigpending.
func (t *Thread) recalc() {
	p := t.proc
	pending := (t.pending.set|p.pending.set)&^t.blocked != 0 || p.stopped || p.tell != 0 || t.poked
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
		if p.exiting || t.replaced {
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
		if t.poked {
			t.poked = false
			if !t.handled {
				t.handled, t.handledRestart = true, false
			}
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
	act := p.action(info.Sig)
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
		p.setAction(info.Sig, SigAction{})
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
