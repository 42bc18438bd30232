package kernel

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/waitqueue"
)

// Getpid is getpid(2).
func (t *Thread) Getpid() int {
	t.begin("getpid")
	t.leave(int64(t.proc.pid), 0)
	return t.proc.pid
}

// Gettid is gettid(2).
func (t *Thread) Gettid() int {
	t.begin("gettid")
	t.leave(int64(t.tid), 0)
	return t.tid
}

// threadFlags are the clone(2) flags of pthread_create.
const threadFlags = abi.CLONE_VM | abi.CLONE_FS | abi.CLONE_FILES | abi.CLONE_SIGHAND | abi.CLONE_THREAD |
	abi.CLONE_SYSVSEM | abi.CLONE_SETTLS | abi.CLONE_PARENT_SETTID | abi.CLONE_CHILD_CLEARTID

// Clone starts a thread of this process: clone3(2) as pthread_create(3) calls it.
func (t *Thread) Clone(name string, fn func(Calls)) (int, error) {
	t.begin("clone3", threadFlags, 0)
	t.k.lastPid++
	tid := t.k.lastPid
	child := t.proc.newThread(tid, name, t.files, body{calls: fn})
	child.blocked = t.blocked
	t.leave(int64(tid), 0)
	return tid, nil
}

// Fork starts a process with a copy of the fd table: fork(2).
func (t *Thread) Fork(name string, fn func(Calls)) (int, error) {
	t.begin("clone", abi.CLONE_CHILD_CLEARTID|abi.CLONE_CHILD_SETTID|int(abi.SIGCHLD))
	t.k.lastPid++
	pid := t.k.lastPid
	p := t.k.newProcess(pid, t)
	child := p.newThread(pid, name, p.files, body{calls: fn})
	child.blocked = t.blocked
	t.leave(int64(pid), 0)
	return pid, nil
}

// Join waits until thread tid of this process has ended, whatever signals come: pthread_join(3). ESRCH if
// there is no such thread any more counts as ended.
func (t *Thread) Join(tid int) error {
	other := t.proc.thread(tid)
	if other == nil || other.ended {
		return nil
	}
	t.begin("futex", tid)
	_, err := t.restartable(func() (int, abi.Errno) {
		errno := t.waitFor(&other.joinWait, "pthread_join", func() bool {
			t.k.m.Read(other.joinWait.ID(), fieldEnded)
			return other.ended
		})
		if errno != 0 {
			errno = abi.ERESTARTNOINTR
		}
		return 0, errno
	})
	return err
}

// waitFor sleeps interruptibly on a queue until cond holds, or a signal is pending: wait_event_interruptible.
func (t *Thread) waitFor(h *waitqueue.Head, what string, cond func() bool) abi.Errno {
	e := waitqueue.Entry{Func: waitqueue.AutoremoveWake, Private: t.task}
	defer h.FinishWait(&e)
	for {
		errno := h.PrepareToWait(&e, sim.Interruptible)
		if cond() {
			return 0
		}
		if errno != 0 {
			return errno
		}
		t.task.Schedule(what, h.ID())
	}
}

func (p *Process) thread(tid int) *Thread {
	for _, t := range p.threads {
		if t.tid == tid {
			return t
		}
	}
	return nil
}

// Wait4 waits until child pid, or any child if pid is -1, has ended and reaps it: wait4(2). options may be
// WNOHANG; stops are not reported, so that other options are EINVAL.
func (t *Thread) Wait4(pid, options int) (int, int, error) {
	status := 0
	t.begin("wait4", pid, &status, options, nil)
	if options&^abi.WNOHANG != 0 {
		n, err := t.result(-1, abi.EINVAL)
		return n, 0, err
	}
	n, err := t.restartable(func() (int, abi.Errno) {
		p, errno := t.waitChild("wait4", pid, options&abi.WNOHANG != 0, false)
		switch {
		case errno != 0:
			return -1, errno
		case p == nil:
			return 0, 0
		}
		status = p.status()
		return p.pid, 0
	})
	return n, status, err
}

// waitChild waits until child pid, or any if pid is -1, has ended, and reaps it unless it is to be left; nil with
// nohang if none has, yet. Models do_wait.
func (t *Thread) waitChild(what string, pid int, nohang, leave bool) (p *Process, errno abi.Errno) {
	left := false
	found := func() bool {
		t.k.tasklist.Lock()
		defer t.k.tasklist.Unlock()
		t.k.m.Write(t.proc.id, fieldChildren)
		if p, left = t.proc.endedChild(pid); p != nil && !leave {
			p.reap()
		}
		return p != nil || !left || nohang
	}
	if errno := t.waitFor(&t.proc.chldWait, what, found); errno != 0 {
		return nil, errno
	}
	if p == nil && !left {
		return nil, abi.ECHILD
	}
	return p, 0
}

// endedChild returns a zombie among the children that pid names, and whether there are any. Models
// do_wait_thread.
func (p *Process) endedChild(pid int) (zombie *Process, left bool) {
	for c := range p.k.procs.All() {
		if c.parent != p || pid != -1 && c.pid != pid {
			continue
		}
		left = true
		if c.zombie {
			return c, true
		}
	}
	return nil, left
}

// Exit ends the calling thread: exit(2). It does not return.
func (t *Thread) Exit(code int) {
	t.enter()
	t.exitTrace("exit", code)
	panic(threadExit{code})
}

// ExitGroup ends the process: exit_group(2). It does not return.
func (t *Thread) ExitGroup(code int) {
	t.enter()
	t.exitTrace("exit_group", code)
	t.proc.siglock.Lock()
	t.proc.exitGroup(code, 0)
	t.proc.siglock.Unlock()
	panic(threadExit{})
}
