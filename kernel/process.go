package kernel

import (
	"slices"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/internal/list"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
	"github.com/epollsim/epollsim/waitqueue"
)

var (
	classProcess  = sim.NewClass("process")
	classSiglock  = sim.NewClass("siglock")
	classTasklist = sim.NewClass("tasklist_lock")
	classChldWait = sim.NewClass("wait_chldexit")
	classJoinWait = sim.NewClass("futex")
	fieldChildren = sim.NewField("children")
	fieldThreads  = sim.NewField("nr_threads")
)

// Process is a thread group: an fd table, signal handlers, threads.
type Process struct {
	k       *Kernel
	pid     int
	parent  *Process // nil: nobody reaps it
	link    list.Node[Process]
	files   *vfs.FdTable
	threads []*Thread // that have not ended; in room at first
	room    [4]*Thread
	leader  *Thread // the first one, ended or not

	siglock  sim.Spinlock // guards what follows, signal masks, and who takes a signal
	handlers *handlers    // nil: all SIG_DFL, as they were at the beginning
	pending  sigPending
	target   *Thread // that took a signal for the process last, besides the leader

	signalfdWqh waitqueue.Head // who waits for signals of the process: a part of sighand

	exiting bool
	code    int
	signal  abi.Signal // that kills it
	fatal   SignalInfo // the same, and who was to take it
	victim  *Thread
	sender  int // pid that sent the fatal signal

	stopped    bool
	stopSignal abi.Signal
	stopTold   bool       // the parent knows
	tell       SignalCode // what a thread has to tell the parent, or 0

	id       sim.ID // of the children and their ends
	zombie   bool
	reaped   bool
	chldWait waitqueue.Head // its threads in wait4
	pidRef   *devices.Pid   // nil: there is no pidfd of it
}

var processes = sim.NewCache(func(p *Process) {
	*p = Process{pending: sigPending{queue: p.pending.queue[:0]}}
})

func (k *Kernel) newProcess(pid int, parent *Thread) *Process {
	p := processes.New(k.m)
	p.k, p.pid, p.id = k, pid, k.m.NewID(classProcess)
	p.threads = p.room[:0]
	p.siglock.Init(k.m, classSiglock)
	p.chldWait.InitClass(k.m, classChldWait)
	p.signalfdWqh.InitClass(k.m, classSignalfdWqh)
	if parent != nil {
		p.parent, p.files = parent.proc, parent.files.Copy()
		if h := parent.proc.handlers; h != nil {
			p.handlers = handlerTables.New(k.m)
			*p.handlers = *h
		}
	} else {
		p.files = k.sys.NewFdTable()
		c := k.consoleFile()
		for fd := range 3 {
			c.Get()
			p.files.Put(fd, c)
		}
	}
	p.files.Users = 0
	k.procs.PushBack(&p.link, p)
	return p
}

// handlers are what signals do to a process, by number: models struct sighand_struct.
type handlers [abi.SIGRTMAX + 1]SigAction

var handlerTables = sim.NewCache[handlers](nil)

// action returns what sig does to p.
func (p *Process) action(sig abi.Signal) SigAction {
	if p.handlers == nil {
		return SigAction{}
	}
	return p.handlers[sig]
}

func (p *Process) setAction(sig abi.Signal, act SigAction) {
	if p.handlers == nil {
		p.handlers = handlerTables.New(p.k.m)
	}
	p.handlers[sig] = act
}

// leave takes a thread that has ended off p. Who goes through the threads meanwhile still finds those that were there. seen says
// that it matters which of them is last.
func (p *Process) leave(t *Thread, seen bool) {
	switch i := slices.Index(p.threads, t); i {
	case -1:
	case 0:
		p.threads = p.threads[1:]
	default:
		p.threads = append(p.threads[:i:i], p.threads[i+1:]...)
	}
	if seen {
		p.k.m.Touch(sim.Access{ID: p.id, Field: fieldThreads, Write: true})
	}
	p.k.m.CountDown(p.id, fieldThreads, len(p.threads))
}

// Pid returns the process id.
func (p *Process) Pid() int { return p.pid }

// newThread starts a thread that runs body and uses these descriptors.
func (p *Process) newThread(tid int, name string, files *vfs.FdTable, body body) *Thread {
	t := threads.New(p.k.m)
	t.k, t.proc, t.tid, t.name, t.files, t.body = p.k, p, tid, name, files, body
	t.task = p.k.m.Go(name, t, threadMain)
	t.waiter.Init(p.k.epoll, t.task)
	t.joinWait.InitClass(p.k.m, classJoinWait)
	files.Users++
	files.Shared = files.Shared || files.Users > 1
	p.threads = append(p.threads, t)
	if p.leader == nil {
		p.leader, p.target = t, t
	}
	if p.exiting || p.stopped {
		t.task.SetSignal(true, p.exiting)
	}
	return t
}

// exitGroup makes every thread of p end: do_group_exit. sig is what kills it, 0 for exit_group(2). siglock is
// held.
func (p *Process) exitGroup(code int, sig abi.Signal) {
	if p.exiting {
		return
	}
	p.exiting, p.code, p.signal = true, code, sig
	for _, t := range p.threads {
		t.task.SetSignal(true, true)
		t.task.WakeUp(sim.Interruptible | sim.Stopped)
	}
}

// quiet reports that nothing about signals is under way.
func (p *Process) quiet() bool { return p.pending.set == 0 && !p.exiting && !p.stopped && p.tell == 0 }

// ended is called by the last thread: the process becomes a zombie until its parent reaps it, which cannot be before all
// who wait have been told. Models exit_notify.
func (p *Process) ended() {
	if p.k.procs.Front() != p || p.k.procs.Next(&p.link) != nil { // the last process is alone with the list
		p.k.tasklist.Lock()
		defer p.k.tasklist.Unlock()
	}
	if p.parent != nil {
		p.k.m.Write(p.parent.id, fieldChildren)
	}
	p.zombie = true
	if p.signal != 0 && (p.sender == 0 || p.sender == p.pid) && p.k.killed == nil {
		p.k.killed = &KilledError{p.pid, p.signal}
	}
	if p.pidRef != nil {
		p.pidRef.Exit()
	}
	p.k.orphan(p)
	parent := p.parent
	if parent == nil || parent.exiting {
		p.reap()
		return
	}
	// An ignored SIGCHLD is not even sent, and nobody needs to wait for the child: do_notify_parent.
	act := parent.action(abi.SIGCHLD)
	if act.Handler == HandlerIgnore || act.Flags&abi.SA_NOCLDWAIT != 0 {
		p.reap()
	}
	if act.Handler != HandlerIgnore {
		code, _ := p.exitCode()
		parent.send(SignalInfo{Sig: abi.SIGCHLD, Code: code, Sender: p.pid, Status: p.status()}, parent.leader)
	}
	parent.chldWait.WakeUp(sim.Interruptible, waitqueue.All, false, 0)
}

// orphan hands the children of a process that ends to nobody, who reaps them at once.
func (k *Kernel) orphan(p *Process) {
	for c := range k.procs.All() {
		if c.parent == p {
			c.parent = nil
			if c.zombie {
				c.reap()
			}
		}
	}
}

// reap makes p, which has ended, one that never was; tasklist is held. Models release_task.
func (p *Process) reap() {
	p.reaped = true
	p.link.Unlink()
	if p.pidRef != nil {
		p.pidRef.Reap()
	}
	p.endSighand()
}

// status is the exit status as wait4 stores it.
func (p *Process) status() int {
	if p.signal != 0 {
		return int(p.signal)
	}
	return p.code & 0xff << 8
}

// exitCode is si_code and si_status of a process that has ended.
func (p *Process) exitCode() (SignalCode, int) {
	if p.signal != 0 {
		return ChildKilled, int(p.signal)
	}
	return ChildExited, p.code & 0xff
}

// thread returns the thread of a process that is not reaped, by its id; the main thread also if it has ended.
func (k *Kernel) thread(tid int) *Thread {
	for p := range k.procs.All() {
		if p.pid == tid {
			return p.leader
		}
		if t := p.thread(tid); t != nil {
			return t
		}
	}
	return nil
}
