package kernel

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
)

// PidfdCalls are the system calls of pidfds. See pidfd_open(2).
type PidfdCalls interface {
	PidfdOpen(pid, flags int) (fd int, err error)
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
