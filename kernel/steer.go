package kernel

import (
	"net/netip"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

// What a program needs that makes processes do what a log says: it puts them in place, tells them when to go on, and does
// for them what no call of the model does.

// NextPid makes nr the number of the next process or thread: ns_last_pid of /proc/sys/kernel. It is not looked whether
// the number is taken.
func (k *Kernel) NextPid(nr int) { k.lastPid = nr - 1 }

// System returns what makes files.
func (k *Kernel) System() *vfs.System { return k.sys }

// Adopt starts a process that was there before everything: it has nobody's fd table, no number open, and nobody who
// waits for it. parent may be nil.
func (k *Kernel) Adopt(pid int, name string, parent *Thread, fn func(*Thread)) *Thread {
	p := processes.New(k.m)
	p.k, p.pid, p.id, p.files = k, pid, k.m.NewID(classProcess), k.sys.NewFdTable()
	if parent != nil {
		p.parent = parent.proc
	}
	p.threads = p.room[:0]
	p.siglock.Init(k.m, classSiglock)
	p.chldWait.InitClass(k.m, classChldWait)
	p.signalfdWqh.InitClass(k.m, classSignalfdWqh)
	p.files.Users = 0
	k.procs.PushBack(&p.link, p)
	return p.newThread(pid, name, p.files, body{fn: fn})
}

// AdoptThread starts another thread of t's process.
func (t *Thread) AdoptThread(tid int, name string, fn func(*Thread)) *Thread {
	return t.proc.newThread(tid, name, t.files, body{fn: fn})
}

// Thread returns the thread of a process that has not been reaped, nil if there is none with this number.
func (k *Kernel) Thread(tid int) *Thread { return k.thread(tid) }

// Files returns the fd table t uses.
func (t *Thread) Files() *vfs.FdTable { return t.files }

// Process returns the process of t.
func (t *Thread) Process() *Process { return t.proc }

// Zombie reports whether p has ended.
func (p *Process) Zombie() bool { return p.zombie }

// Exiting reports whether p is about to end.
func (p *Process) Exiting() bool { return p.exiting }

// Handler returns what sig does to p.
func (p *Process) Handler(sig abi.Signal) Handler { return p.action(sig).Handler }

// SetHandler is Sigaction from outside.
func (p *Process) SetHandler(sig abi.Signal, act SigAction) { p.setAction(sig, act) }

// Blocked returns the signal mask of t.
func (t *Thread) Blocked() abi.SigSet { return t.blocked }

// SetBlocked stores the mask of a thread that has not run yet.
func (t *Thread) SetBlocked(set abi.SigSet) { t.blocked = set }

// Idle keeps t in user mode until ready holds. Signals that come are taken; they may end t. Who makes ready true calls
// WakeUp.
func (t *Thread) Idle(ready func() bool) {
	for {
		if t.task.HasSignal() {
			t.takeSignals()
		}
		t.task.SetState(sim.Interruptible)
		if ready() {
			t.task.SetState(sim.Running)
			return
		}
		t.task.Schedule("user mode", t.task.Identity())
	}
}

// WakeUp wakes t, whatever it sleeps for, as a signal would that is gone when t looks. Sleepers look again for what they
// wait for.
func (t *Thread) WakeUp() bool { return t.task.WakeUp(sim.Interruptible) }

// Signal sends sig to t alone: tgkill(2) of the process sender.
func (t *Thread) Signal(sig abi.Signal, sender int) {
	t.proc.send(SignalInfo{Sig: sig, Code: SignalTkill, Sender: sender, Thread: true}, t)
}

// SignalProcess sends sig to the process of t: kill(2) of the process sender.
func (t *Thread) SignalProcess(sig abi.Signal, sender int) {
	t.proc.send(SignalInfo{Sig: sig, Sender: sender}, t)
}

// Interrupt ends the call that t sleeps in, as a signal does for which there is a handler without SA_RESTART.
func (t *Thread) Interrupt() {
	t.poked = true
	t.wakeForSignal()
}

// InterruptNext is Interrupt for the call that t makes next: the signal comes when that has begun, before it looks for
// what it waits for. The machine is one that is observed.
func (t *Thread) InterruptNext() { t.pokeNext = true }

// Exec is what execve(2) does to what the model keeps: the process goes on as the calling thread alone, under the
// number of the process, with a table of its own, without the numbers that have FD_CLOEXEC, and without handlers. The
// other threads have been told to end. Models begin_new_exec.
func (t *Thread) Exec() {
	p := t.proc
	p.siglock.Lock()
	for _, other := range p.threads {
		if other != t {
			other.replaced = true
			other.task.SetSignal(true, true)
			other.task.WakeUp(sim.Interruptible | sim.Stopped)
		}
	}
	if h := p.handlers; h != nil {
		for i := range h {
			if h[i].Handler == HandlerFunc {
				h[i] = SigAction{}
			}
		}
	}
	p.siglock.Unlock()
	p.leader, t.tid = t, p.pid
	t.Unshare()
	p.files = t.files
	for _, fd := range t.files.Open() {
		if t.files.Cloexec(fd) {
			f, _ := t.files.Close(fd)
			f.Put()
		}
	}
	t.runFputs()
}

// Unshare gives t a table of its own with the same numbers: unshare(CLONE_FILES). What the process is said to have open is what
// its first thread has.
func (t *Thread) Unshare() {
	if t.files.Users == 1 {
		return
	}
	own := t.files.Copy()
	t.files.Users--
	t.files = own
	if t.proc.leader == t {
		t.proc.files = own
	}
}

// ShareFiles lets t use the table of other in place of its own: what clone(2) does with CLONE_FILES for another process.
func (t *Thread) ShareFiles(other *Thread) {
	if t.files == other.files {
		return
	}
	t.files.Leave(true)
	t.files = other.files
	t.files.Users++
	t.proc.files = other.files
}

// PutFile makes fd refer to f, whose reference the table takes over. What fd referred to before is forgotten.
func (k *Kernel) PutFile(files *vfs.FdTable, fd int, f *vfs.File) { files.Put(fd, f) }

// CloseIn closes fd of a table, for which t does the work: what the table's own tasks do when they end, one number at a
// time.
func (t *Thread) CloseIn(files *vfs.FdTable, fd int) {
	if f, errno := files.Close(fd); errno == 0 {
		f.Put()
		t.runFputs()
	}
}

// NewEpoll makes an epoll that no number refers to.
func (k *Kernel) NewEpoll() *vfs.File { return k.epoll.Create(k.user) }

// Parent returns the process that waits for p, nil if there is none.
func (p *Process) Parent() *Process { return p.parent }

// Watch makes an epoll watch target as fd, as EPOLL_CTL_ADD does.
func (k *Kernel) Watch(epoll, target *vfs.File, fd int, e abi.EpollEvent) abi.Errno {
	return k.epoll.Ctl(epoll, target, abi.EPOLL_CTL_ADD, fd, &e, true)
}

// Receiving reports whether a UDP socket gets what is sent to addr.
func (k *Kernel) Receiving(addr netip.AddrPort) bool { return k.inet.Receiving(addr) }

// Listening reports whether a TCP socket listens for connects to addr.
func (k *Kernel) Listening(addr netip.AddrPort) bool { return k.inet.Listening(addr) }
