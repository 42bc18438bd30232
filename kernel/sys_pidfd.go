package kernel

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
)

// PidfdCalls are the system calls of pidfds. See pidfd_open(2).
type PidfdCalls interface {
	// PidfdOpen opens a descriptor of a process, or with PIDFD_THREAD of a thread: pidfd_open(2). Others: PIDFD_NONBLOCK.
	PidfdOpen(pid, flags int) (fd int, err error)
	// Waitid waits until the child that idtype and id name has ended, and reaps it unless options has WNOWAIT. A
	// Pid of 0 says that none has, with WNOHANG.
	Waitid(idtype, id, options int) (child ChildStatus, err error)
}

// ChildStatus is what siginfo_t tells waitid(2) of a child.
type ChildStatus struct {
	Pid    int
	Code   SignalCode // ChildExited, ChildKilled
	Status int        // exit code, or number of the signal
}

// PidfdOpen is pidfd_open(2). The number of a thread that does not lead its process needs PIDFD_THREAD: ENOENT, as of
// 6.15 (before: EINVAL).
func (t *Thread) PidfdOpen(pid, flags int) (int, error) {
	t.begin("pidfd_open", pid, flags)
	if flags&^(abi.PIDFD_NONBLOCK|abi.PIDFD_THREAD) != 0 || pid <= 0 {
		return t.result(-1, abi.EINVAL)
	}
	p, errno := t.k.pid(pid, flags&abi.PIDFD_THREAD != 0)
	if errno != 0 {
		return t.result(-1, errno)
	}
	return t.result(t.install(devices.NewPidfd(t.k.sys, p, flags), 0, true))
}

// pid returns what pidfds of a process or thread refer to.
func (k *Kernel) pid(nr int, thread bool) (*devices.Pid, abi.Errno) {
	k.tasklist.Lock()
	defer k.tasklist.Unlock()
	t := k.thread(nr)
	switch {
	case t == nil:
		return nil, abi.ESRCH
	case t == t.proc.leader:
		return t.proc.groupPid(), 0
	case !thread:
		return nil, abi.ENOENT
	}
	return t.threadPid(), 0
}

// Waitid is waitid(2) of P_ALL, P_PID and P_PIDFD with WEXITED; stops are not reported. A pidfd with PIDFD_NONBLOCK does
// not wait: EAGAIN.
func (t *Thread) Waitid(idtype, id, options int) (ChildStatus, error) {
	var info ChildStatus
	t.begin("waitid", idtype, id, &info, options, nil)
	if errno := checkWaitid(idtype, id, options); errno != 0 {
		return ChildStatus{}, t.done(errno)
	}
	again := false
	switch {
	case idtype == abi.P_ALL:
		id = -1
	case idtype == abi.P_PIDFD:
		f, counted := t.fdget(id)
		if f == nil {
			return ChildStatus{}, t.done(abi.EBADF)
		}
		p := devices.PidOf(f)
		again = f.NonBlocking() && options&abi.WNOHANG == 0
		fdput(f, counted)
		if p == nil {
			return ChildStatus{}, t.done(abi.EBADF)
		}
		id = p.Nr()
	}
	_, err := t.restartable(func() (int, abi.Errno) {
		p, errno := t.waitChild("waitid", id, again || options&abi.WNOHANG != 0, options&abi.WNOWAIT != 0)
		switch {
		case p != nil:
			code, status := p.exitCode()
			info = ChildStatus{p.pid, code, status}
		case errno == 0 && again:
			errno = abi.EAGAIN
		}
		return 0, errno
	})
	return info, err
}

// checkWaitid is the beginning of kernel_waitid_prepare.
func checkWaitid(idtype, id, options int) abi.Errno {
	const known = abi.WNOHANG | abi.WNOWAIT | abi.WEXITED | abi.WSTOPPED | abi.WCONTINUED
	switch {
	case options&^known != 0, options&(abi.WEXITED|abi.WSTOPPED|abi.WCONTINUED) == 0:
		return abi.EINVAL
	case idtype == abi.P_ALL:
		return 0
	case idtype == abi.P_PID && id <= 0, idtype == abi.P_PIDFD && id < 0, idtype != abi.P_PID && idtype != abi.P_PIDFD:
		return abi.EINVAL
	}
	return 0
}

// groupPid and threadPid return what pidfds of a process or thread refer to. It is made for the first of them. The thread
// that leads a process counts as the whole process, with PIDFD_THREAD too.
func (p *Process) groupPid() *devices.Pid {
	if p.pidRef == nil {
		state := devices.PidAlive
		if p.zombie {
			state = devices.PidZombie
		}
		p.pidRef = devices.NewPid(p.k.sys, p.pid, state)
	}
	return p.pidRef
}

func (t *Thread) threadPid() *devices.Pid {
	if t.pidRef == nil {
		t.pidRef = devices.NewPid(t.k.sys, t.tid, devices.PidAlive)
	}
	return t.pidRef
}

// endThreadPid tells the pidfds of a thread that does not lead that it has ended; nobody has to wait for it. Models
// exit_notify and release_task of such a thread.
func (t *Thread) endThreadPid() {
	if t.pidRef == nil {
		return
	}
	t.k.tasklist.Lock()
	t.pidRef.Exit()
	t.pidRef.Reap()
	t.k.tasklist.Unlock()
}
