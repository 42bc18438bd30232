package kernel

import (
	"github.com/epollsim/epollsim/abi"
)

// Kill is kill(2) for one process, by its pid or that of one of its threads, which is asked first to take the
// signal. Process groups (pid ≤ 0) are not modelled: ESRCH.
func (t *Thread) Kill(pid int, sig abi.Signal) error {
	t.begin("kill", pid, int(sig))
	other := t.k.thread(pid)
	if other == nil {
		return t.done(abi.ESRCH)
	}
	return t.done(t.kill(other, SignalInfo{Sig: sig, Sender: t.proc.pid}))
}

func (t *Thread) kill(other *Thread, info SignalInfo) abi.Errno {
	if info.Sig < 0 || info.Sig > abi.SIGRTMAX {
		return abi.EINVAL
	}
	if info.Sig != 0 {
		other.proc.send(info, other)
	}
	return 0
}

// Tgkill is tgkill(2).
func (t *Thread) Tgkill(tgid, tid int, sig abi.Signal) error {
	t.begin("tgkill", tgid, tid, int(sig))
	if tgid <= 0 || tid <= 0 {
		return t.done(abi.EINVAL)
	}
	other := t.k.thread(tid)
	if other == nil || other.proc.pid != tgid {
		return t.done(abi.ESRCH)
	}
	return t.done(t.kill(other, SignalInfo{Sig: sig, Code: SignalTkill, Sender: t.proc.pid, Thread: true}))
}

// Sigaction is rt_sigaction(2). Setting a disposition that ignores the signal drops pending ones.
func (t *Thread) Sigaction(sig abi.Signal, act SigAction) error {
	t.begin("rt_sigaction", int(sig), act)
	if sig < 1 || sig > abi.SIGRTMAX || sig == abi.SIGKILL || sig == abi.SIGSTOP {
		return t.done(abi.EINVAL)
	}
	p := t.proc
	p.siglock.Lock()
	p.setAction(sig, act)
	if p.ignores(sig) {
		p.drop(bit(sig))
	}
	p.siglock.Unlock()
	return t.done(0)
}

// Sigprocmask is rt_sigprocmask(2); SIGKILL and SIGSTOP cannot be blocked. A signal that becomes unblocked
// is taken before the call returns.
func (t *Thread) Sigprocmask(how int, set abi.SigSet) (abi.SigSet, error) {
	old := t.blocked
	t.begin("rt_sigprocmask", how, &set, &old)
	switch how {
	case abi.SIG_BLOCK:
		set |= old
	case abi.SIG_UNBLOCK:
		set = old &^ set
	case abi.SIG_SETMASK:
	default:
		return old, t.done(abi.EINVAL)
	}
	t.setBlocked(set &^ unblockable)
	return old, t.done(0)
}

// setMask replaces the signal mask for the time of a call: set_user_sigmask.
func (t *Thread) setMask(mask *abi.SigSet) {
	if mask == nil {
		return
	}
	t.saved, t.restoreMask = t.blocked, true
	t.setBlocked(*mask &^ unblockable)
}

// unsetMask restores the mask unless the call was interrupted: restore_saved_sigmask_unless.
func (t *Thread) unsetMask(interrupted bool) {
	if t.restoreMask && !interrupted {
		t.restoreMask = false
		t.setBlocked(t.saved)
	}
}
