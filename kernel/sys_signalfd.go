package kernel

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/waitqueue"
)

// SignalfdCalls are the system calls of signalfds. See signalfd(2).
type SignalfdCalls interface {
	// Signalfd4 opens a signalfd if fd is -1, else it replaces the set of fd.
	Signalfd4(fd int, mask *abi.SigSet, flags int) (newfd int, err error)
}

// Signalfd4 is signalfd4(2).
func (t *Thread) Signalfd4(fd int, mask *abi.SigSet, flags int) (int, error) {
	t.begin("signalfd4", fd, mask, flags)
	if mask == nil {
		return t.result(-1, abi.EFAULT)
	}
	if errno := devices.CheckSignalfdFlags(flags); errno != 0 {
		return t.result(-1, errno)
	}
	if fd == -1 {
		return t.result(t.install(devices.NewSignalfd(t.k.sys, *mask, flags), 0, flags&abi.SFD_CLOEXEC != 0))
	}
	f, counted := t.fdget(fd)
	if f == nil {
		return t.result(-1, abi.EBADF)
	}
	errno := abi.EINVAL
	if sf := devices.SignalfdOf(f); sf != nil {
		sf.SetMask(*mask)
		errno = 0
	}
	fdput(f, counted)
	return t.result(fd, errno)
}

var classSignalfdWqh = sim.NewClass("signalfd_wqh")

// A thread is what a signalfd asks for signals.
var _ devices.Signaled = (*Thread)(nil)

// Siglock guards what is pending for t and its process.
func (t *Thread) Siglock() *sim.Spinlock { return &t.proc.siglock }

// SignalfdQueue is where those wait who want to know of signals of t's process.
func (t *Thread) SignalfdQueue() *waitqueue.Head { return &t.proc.signalfdWqh }

// HasPending reports whether a signal of set waits for t or its process, blocked or not; siglock is held.
func (t *Thread) HasPending(set abi.SigSet) bool { return (t.pending.set|t.proc.pending.set)&set != 0 }

// DequeueSignal takes the next signal of set, those for t before those for its process; siglock is held. Models
// dequeue_signal.
func (t *Thread) DequeueSignal(set abi.SigSet) (devices.Siginfo, bool) {
	info, ok := t.pending.take(^set)
	if !ok {
		info, ok = t.proc.pending.take(^set)
	}
	if !ok {
		return devices.Siginfo{}, false
	}
	t.recalc()
	return devices.Siginfo{Signo: info.Sig, Code: int(info.Code), Pid: info.Sender, Status: info.childStatus()}, true
}

// childStatus is si_status of a signal of a child: Status is as wait4 stores it.
func (info SignalInfo) childStatus() int {
	switch info.Code {
	case ChildExited:
		return info.Status >> 8
	case ChildKilled:
		return info.Status & 0x7f
	case ChildStopped:
		return info.Status >> 8
	case ChildContinued:
		return int(abi.SIGCONT)
	}
	return 0
}

// notifySignalfd wakes who waits for signals of p, of whatever number; siglock is held. Models signalfd_notify.
func (p *Process) notifySignalfd() {
	if p.signalfdWqh.Active() {
		p.signalfdWqh.WakeUp(sim.Normal, 1, false, 0)
	}
}

// endSighand takes the queue of p away from the pollers of other processes, who must not find it again: it is freed
// when the last of them who has seen it looks away. Models __cleanup_sighand.
func (p *Process) endSighand() {
	id := p.signalfdWqh.ID()
	if p.k.rules.NoPollFree {
		p.k.m.Free(id)
		return
	}
	p.signalfdWqh.WakeUpPollFree()
	p.k.m.FreeRCU(id)
}
