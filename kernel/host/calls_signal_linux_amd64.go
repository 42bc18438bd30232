package host

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
)

// Kill is kill(2) of a process of this run; one that was reaped is ESRCH without asking, for its number may
// be somebody else's by now.
func (t *Thread) Kill(pid int, sig abi.Signal) error {
	p := t.h.process(pid)
	if p == nil {
		t.refuse("kill", "process %d is not of this scenario", pid)
	}
	if p.reaped {
		return abi.ESRCH
	}
	return done(t.sys("kill", unix.SYS_KILL, uintptr(pid), arg(int(sig))))
}

// Tgkill is tgkill(2) of a thread of this run.
func (t *Thread) Tgkill(tgid, tid int, sig abi.Signal) error {
	p := t.h.process(tgid)
	if p == nil || t.h.thread(tid) == nil {
		t.refuse("tgkill", "thread %d of process %d is not of this scenario", tid, tgid)
	}
	if p.reaped {
		return abi.ESRCH
	}
	return done(t.sys("tgkill", unix.SYS_TGKILL, uintptr(tgid), uintptr(tid), arg(int(sig))))
}

// Sigaction is rt_sigaction(2).
func (t *Thread) Sigaction(sig abi.Signal, act kernel.SigAction) error {
	t.task.reset()
	buf, addr := t.task.alloc(32) // struct kernel_sigaction
	clear(buf)
	handler, restorer := handlerAddresses()
	switch act.Handler {
	case kernel.HandlerDefault:
		handler = abi.SIG_DFL
	case kernel.HandlerIgnore:
		handler = abi.SIG_IGN
	}
	binary.LittleEndian.PutUint64(buf, uint64(handler))
	binary.LittleEndian.PutUint64(buf[8:], uint64(act.Flags)|abi.SA_RESTORER)
	binary.LittleEndian.PutUint64(buf[16:], uint64(restorer))
	binary.LittleEndian.PutUint64(buf[24:], uint64(act.Mask))
	if sig >= 1 && sig <= abi.SIGRTMAX {
		old := t.proc.handlers[sig]
		t.proc.handlers[sig] = act
		_, errno := t.sys("rt_sigaction", unix.SYS_RT_SIGACTION, arg(int(sig)), addr, 0, sigsetSize)
		if errno != 0 {
			t.proc.handlers[sig] = old
		}
		return done(0, errno)
	}
	return done(t.sys("rt_sigaction", unix.SYS_RT_SIGACTION, arg(int(sig)), addr, 0, sigsetSize))
}

// Sigprocmask is rt_sigprocmask(2).
func (t *Thread) Sigprocmask(how int, set abi.SigSet) (abi.SigSet, error) {
	t.task.reset()
	addr := t.sigmask(&set)
	old, oldAddr := t.task.alloc(8)
	_, errno := t.sys("rt_sigprocmask", unix.SYS_RT_SIGPROCMASK, arg(how), addr, oldAddr, sigsetSize)
	if errno != 0 {
		return 0, errno
	}
	return abi.SigSet(binary.LittleEndian.Uint64(old)), nil
}

// sigmask copies a signal mask for a call; its size follows.
func (t *Thread) sigmask(mask *abi.SigSet) uintptr {
	if mask == nil {
		return 0
	}
	return t.task.bytes(binary.LittleEndian.AppendUint64(nil, uint64(*mask)))
}

const sigsetSize = 8

// Signalfd4 is signalfd4(2).
func (t *Thread) Signalfd4(fd int, mask *abi.SigSet, flags int) (int, error) {
	t.task.reset()
	return result(t.sys("signalfd4", unix.SYS_SIGNALFD4, arg(fd), t.sigmask(mask), sigsetSize, arg(flags)))
}
