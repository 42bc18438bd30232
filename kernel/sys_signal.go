package kernel

import (
	"github.com/epollsim/epollsim/abi"
)

// Kill is kill(2) for one process.
func (t *Thread) Kill(pid int, sig abi.Signal) error {
	t.begin("kill", pid, int(sig))
	if sig < 0 || sig > abi.SIGRTMAX {
		return t.done(abi.EINVAL)
	}
	p := t.k.process(pid)
	if p == nil {
		return t.done(abi.ESRCH)
	}
	if sig != 0 {
		p.send(sig, SignalInfo{Sig: sig, Sender: t.proc.pid}, nil)
	}
	return t.done(0)
}

// Tgkill is tgkill(2).
func (t *Thread) Tgkill(tgid, tid int, sig abi.Signal) error {
	t.begin("tgkill", tgid, tid, int(sig))
	if sig < 0 || sig > abi.SIGRTMAX || tgid <= 0 || tid <= 0 {
		return t.done(abi.EINVAL)
	}
	p := t.k.process(tgid)
	if p == nil {
		return t.done(abi.ESRCH)
	}
	other := p.thread(tid)
	if other == nil {
		return t.done(abi.ESRCH)
	}
	if sig != 0 {
		p.send(sig, SignalInfo{Sig: sig, Sender: t.proc.pid, Thread: true}, other)
	}
	return t.done(0)
}

// Sigaction is rt_sigaction(2). Setting a disposition that ignores the signal drops pending ones.
func (t *Thread) Sigaction(sig abi.Signal, act SigAction) error {
	t.begin("rt_sigaction", int(sig), act)
	if sig < 1 || sig > abi.SIGRTMAX || sig == abi.SIGKILL || sig == abi.SIGSTOP {
		return t.done(abi.EINVAL)
	}
	p := t.proc
	p.k.m.Write(userSignalID(p), fieldPending)
	p.handlers[sig] = act
	if p.ignores(sig) {
		p.pending.drop(sig)
		for _, other := range p.threads {
			other.pending.drop(sig)
		}
	}
	return t.done(0)
}

func (s *sigPending) drop(sig abi.Signal) {
	for s.set.Has(sig) {
		s.remove(sig)
	}
}

// Sigprocmask is rt_sigprocmask(2); SIGKILL and SIGSTOP cannot be blocked. A signal that becomes unblocked
// is taken before the call returns.
func (t *Thread) Sigprocmask(how int, set abi.SigSet) (abi.SigSet, error) {
	old := t.blocked
	t.begin("rt_sigprocmask", how, &set, &old)
	switch how {
	case abi.SIG_BLOCK:
		t.blocked |= set
	case abi.SIG_UNBLOCK:
		t.blocked &^= set
	case abi.SIG_SETMASK:
		t.blocked = set
	default:
		return old, t.done(abi.EINVAL)
	}
	t.blocked &^= unblockable
	t.recalc()
	return old, t.done(0)
}

// setMask replaces the signal mask for the time of a call: set_user_sigmask.
func (t *Thread) setMask(mask *abi.SigSet) {
	if mask == nil {
		return
	}
	t.saved, t.restoreMask = t.blocked, true
	t.blocked = *mask &^ unblockable
	t.recalc()
}

// unsetMask restores the mask unless the call was interrupted: restore_saved_sigmask_unless.
func (t *Thread) unsetMask(interrupted bool) {
	if t.restoreMask && !interrupted {
		t.restoreMask = false
		t.blocked = t.saved
		t.recalc()
	}
}
