package host

import (
	"encoding/binary"
	"time"

	"golang.org/x/sys/unix"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
)

// Getpid is getpid(2).
func (t *Thread) Getpid() int { return t.proc.pid }

// Gettid is gettid(2).
func (t *Thread) Gettid() int { return t.task.tid }

const threadFlags = unix.CLONE_VM | unix.CLONE_FS | unix.CLONE_FILES | unix.CLONE_SIGHAND | unix.CLONE_THREAD |
	unix.CLONE_SYSVSEM | unix.CLONE_CHILD_CLEARTID

// Clone starts a thread of this process.
func (t *Thread) Clone(name string, fn func(kernel.Calls)) (int, error) {
	child, tid, errno := t.clone(name, threadFlags)
	if errno != 0 {
		return -1, errno
	}
	child.start(nil, func(c *Thread) { fn(c) })
	return tid, nil
}

// Fork starts a process with a copy of the fd table.
func (t *Thread) Fork(name string, fn func(kernel.Calls)) (int, error) {
	child, pid, errno := t.clone(name, unix.CLONE_VM|unix.CLONE_CHILD_CLEARTID|uintptr(unix.SIGCHLD))
	if errno != 0 {
		return -1, errno
	}
	child.start(func() { child.armDeath() }, func(c *Thread) { fn(c) })
	return pid, nil
}

func (t *Thread) clone(name string, flags uintptr) (*Thread, int, abi.Errno) {
	task, err := newTask()
	if err != nil {
		return nil, -1, abi.ENOMEM
	}
	tid, errno := t.sys("clone", unix.SYS_CLONE, flags, task.stack(), 0, task.cleartid())
	if errno != 0 {
		task.free()
		return nil, -1, errno
	}
	task.tid = tid
	p := t.proc
	if flags&unix.CLONE_THREAD == 0 {
		p = t.h.newProcess(tid, t.proc)
	}
	return t.h.newThread(p, task, name), tid, 0
}

// Join waits until a thread of this process has ended. Handlers run meanwhile.
func (t *Thread) Join(tid int) error {
	other := t.h.thread(tid)
	if other == nil {
		return nil
	}
	name := "pthread_join"
	t.inCall.Store(&name)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		t.leave()
		select {
		case <-other.done:
			t.enter()
			if other.killed { // with the whole process
				panic(threadExit{})
			}
			t.inCall.Store(nil)
			t.takeSignals()
			return nil
		case <-tick.C:
		}
		t.enter()
		if !t.task.alive() {
			panic(threadExit{})
		}
		t.takeSignals()
	}
}

func (h *Host) thread(tid int) *Thread {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, t := range h.threads {
		if t.task.tid == tid {
			return t
		}
	}
	return nil
}

// Wait4 is wait4(2) for one child of this run.
func (t *Thread) Wait4(pid, options int) (int, int, error) {
	p := t.h.process(pid)
	if p == nil {
		t.refuse("wait4", "process %d is not of this scenario", pid)
	}
	t.task.reset()
	buf, addr := t.task.alloc(8)
	clear(buf)
	n, errno := t.sys("wait4", unix.SYS_WAIT4, uintptr(pid), addr, arg(options), 0)
	if errno != 0 {
		return -1, 0, errno
	}
	if n == pid {
		t.h.mu.Lock()
		p.reaped = true
		t.h.mu.Unlock()
	}
	return n, int(binary.LittleEndian.Uint32(buf)), nil
}

const sysPidfdOpen = 434

// PidfdOpen is pidfd_open(2) of a process of this run, or of a thread; one that is gone is ESRCH without asking, for its
// number may be somebody else's by now.
func (t *Thread) PidfdOpen(pid, flags int) (int, error) {
	if pid > 0 {
		p, other := t.h.process(pid), t.h.thread(pid)
		switch {
		case p == nil && other == nil:
			t.refuse("pidfd_open", "process %d is not of this scenario", pid)
		case p != nil && p.reaped, p == nil && !other.task.alive():
			return -1, abi.ESRCH
		}
	}
	return result(t.sys("pidfd_open", sysPidfdOpen, arg(pid), arg(flags)))
}

// Waitid is waitid(2) of a child of this run, or of any.
func (t *Thread) Waitid(idtype, id, options int) (kernel.ChildStatus, error) {
	if idtype == abi.P_PID && id > 0 && t.h.process(id) == nil {
		t.refuse("waitid", "process %d is not of this scenario", id)
	}
	t.task.reset()
	buf, addr := t.task.alloc(sizeofSiginfo)
	clear(buf)
	if _, errno := t.sys("waitid", unix.SYS_WAITID, arg(idtype), arg(id), addr, arg(options), 0); errno != 0 {
		return kernel.ChildStatus{}, errno
	}
	child := unpackChild(buf)
	if p := t.h.process(child.Pid); p != nil && options&abi.WNOWAIT == 0 {
		t.h.mu.Lock()
		p.reaped = true
		t.h.mu.Unlock()
	}
	return child, nil
}

const sizeofSiginfo = 128

// unpackChild reads the siginfo_t of a child.
func unpackChild(b []byte) kernel.ChildStatus {
	n := func(at int) int { return int(int32(binary.LittleEndian.Uint32(b[at:]))) }
	return kernel.ChildStatus{Pid: n(12), Code: kernel.SignalCode(n(8)), Status: n(24)}
}

func (h *Host) process(pid int) *process {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.procs[pid]
}

// SchedYield is sched_yield(2).
func (t *Thread) SchedYield() error { return done(t.sys("sched_yield", unix.SYS_SCHED_YIELD)) }

// Exit ends the thread: exit(2).
func (t *Thread) Exit(code int) {
	t.sys("exit", unix.SYS_EXIT, arg(code))
}

// ExitGroup ends the process: exit_group(2).
func (t *Thread) ExitGroup(code int) {
	t.sys("exit_group", unix.SYS_EXIT_GROUP, arg(code))
}
