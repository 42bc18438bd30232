package kernel

import (
	"slices"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/eventpoll"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
	"github.com/epollsim/epollsim/waitqueue"
)

// Thread is a thread of a process. Its methods are the system calls; only the thread itself may call them.
type Thread struct {
	k     *Kernel
	proc  *Process
	task  *sim.Task
	tid   int
	name  string
	files *vfs.FdTable

	waiter eventpoll.Waiter
	polls  *vfs.PollWqueues // nil: it has not called poll(2) or select(2) yet
	vector []byte           // of readv and writev: all buffers as one
	msg    devices.Msg      // of the call under way on a socket
	fputs  []*vfs.File      // descriptions whose last reference this call dropped
	spare  []*vfs.File      // room for those that such an end drops

	blocked        abi.SigSet
	saved          abi.SigSet // to restore, while a call has replaced the mask
	restoreMask    bool
	handled        bool // a handler ran since the last call began to end, and the SA_RESTART of the first
	handledRestart bool
	pending        sigPending
	stopped        bool // sleeps until SIGCONT

	call     *Call        // under way, when traced
	pidRef   *devices.Pid // nil: there is no pidfd of it with PIDFD_THREAD, or it leads its process
	replaced bool         // by an execve of another thread
	poked    bool         // by Interrupt
	pokeNext bool         // by InterruptNext
	ended    bool
	joinWait waitqueue.Head
	body     body
}

// body is what a thread runs: one of the two.
type body struct {
	fn    func(*Thread)
	calls func(Calls)
}

var threads = sim.NewCache(func(t *Thread) {
	*t = Thread{fputs: t.fputs[:0], spare: t.spare[:0], pending: sigPending{queue: t.pending.queue[:0]}}
})

var _ Calls = (*Thread)(nil)

var fieldEnded = sim.NewField("ended")

// threadExit unwinds a thread that ends in the middle of its function.
type threadExit struct{ code int }

// Name returns the thread's name.
func (t *Thread) Name() string { return t.name }

// Task returns the task that runs t.
func (t *Thread) Task() *sim.Task { return t.task }

// Kernel returns the kernel t runs on.
func (t *Thread) Kernel() *Kernel { return t.k }

func threadMain(task *sim.Task) { task.Owner.(*Thread).main() }

func (t *Thread) main() {
	code := 0
	func() {
		defer func() {
			if v := recover(); v != nil {
				e, ok := v.(threadExit)
				if !ok {
					panic(v)
				}
				code = e.code
			}
		}()
		if t.task.HasSignal() {
			t.takeSignals()
		}
		t.userMode()
		if t.body.fn != nil {
			t.body.fn(t)
		} else {
			t.body.calls(t)
		}
		t.enterAtPoint()
		t.exitTrace("exit", 0)
	}()
	t.exit(code)
}

// exit is do_exit: the thread takes no more signals, lets those go on who join it, gives up the fd table,
// then runs the delayed fputs, then is gone.
func (t *Thread) exit(code int) {
	p := t.proc
	var joined bool
	// With no signal about, siglock would do nothing but order threads that end, which nobody can see.
	if t.k.m.Observed() && p.siglock.Pass(p.quiet) {
		joined = t.setEnded()
	} else {
		joined = t.takesNoMoreSignals()
	}
	if joined {
		t.joinWait.WakeUp(sim.Normal, waitqueue.All, false, 0)
	}
	seen := t.pidRef != nil || code != p.code && !p.exiting // whether it is this thread that is last
	t.files.Leave(seen)
	t.runFputs()
	p.leave(t, seen)
	if p.exiting {
		code = p.code
	}
	if t.k.traced {
		t.k.m.Emit(TraceEnd, &ThreadEnd{Tid: t.tid, Pid: p.pid, Code: code, Signal: p.signal})
	}
	t.endThreadPid()
	if len(p.threads) == 0 {
		p.code = code // of the last thread, whichever that is
		p.ended()
	}
}

// setEnded lets those who join t from now on go on at once, and reports whether somebody waits: futex_wake takes no lock for
// nobody.
func (t *Thread) setEnded() (joined bool) {
	t.ended = true
	t.k.m.Touch(sim.Access{ID: t.joinWait.ID(), Field: fieldEnded, Write: true})
	return !t.joinWait.Idle()
}

// takesNoMoreSignals is setEnded, and leaves what is pending to the others: exit_signals.
func (t *Thread) takesNoMoreSignals() (joined bool) {
	p := t.proc
	p.siglock.Lock()
	joined = t.setEnded()
	if !p.exiting {
		p.retarget(t, p.pending.set&^t.blocked)
		p.stopComplete()
	}
	if p.tell != 0 {
		p.tellParent()
	} else {
		p.siglock.Unlock()
	}
	return joined
}

// enter begins a system call. Signals that came while the thread was in user mode are taken first.
func (t *Thread) enter() {
	t.k.sys.Counters.Syscalls++
	if t.task.HasSignal() {
		t.takeSignals()
	}
	if !t.k.m.Observed() {
		return
	}
	switch {
	case !t.k.memory.private: // else what was done since userMode may as well be part of the step that takes the signals
		t.k.m.Boundary()
		if t.task.HasSignal() {
			t.takeSignals()
		}
	case t.k.m.Calm():
		t.k.m.Boundary()
	}
	if t.pokeNext {
		t.pokeNext = false
		t.Interrupt()
	}
}

// enterAtPoint is enter for a call that begins with a point, as one does that looks a descriptor up. Where user code is
// private and nobody sends signals, all from the end of the call before up to that is one step.
func (t *Thread) enterAtPoint() {
	if !t.k.m.Calm() || !t.k.memory.private || t.pokeNext {
		t.enter()
		return
	}
	t.k.sys.Counters.Syscalls++
	t.k.m.Pass()
}

// begin is enter for a traced call.
func (t *Thread) begin(name string, args ...any) {
	t.enter()
	if t.k.traced {
		t.call = &Call{Tid: t.tid, Pid: t.proc.pid, Name: name, Args: slices.Clone(args)} // so that args needs no memory if nobody traces
		t.k.m.Emit(TraceEnter, t.call)
	}
}

// leave ends a system call and returns to user mode: delayed fputs, then signals.
func (t *Thread) leave(ret int64, errno abi.Errno) {
	if len(t.fputs) > 0 {
		t.runFputs()
	}
	if t.call != nil {
		t.call.Ret, t.call.Err, t.call.Done = ret, errno, true
		t.k.m.Emit(TraceExit, t.call)
		t.call = nil
		if t.k.states {
			t.k.m.Emit(TraceState, t.k.Snapshot())
		}
	}
	if t.task.HasSignal() || t.restoreMask {
		t.takeSignals()
	}
	t.userMode()
}

// userMode is the point behind which user code runs.
func (t *Thread) userMode() {
	memory := &t.k.memory
	switch {
	case memory.touch == nil && !memory.private:
		t.k.m.Write(userID, fieldUser)
		return
	case memory.private && t.k.m.Calm():
		return // the next call has that point, if it needs one
	}
	t.k.m.Boundary()
	if memory.touch != nil && t.k.m.Collecting() {
		memory.touch(t)
	}
}

// result ends a call that returns a number.
func (t *Thread) result(n int, errno abi.Errno) (int, error) {
	t.leave(int64(n), errno)
	if errno != 0 {
		return -1, userErrno(errno)
	}
	return n, nil
}

// done ends a call that returns 0.
func (t *Thread) done(errno abi.Errno) error {
	_, err := t.result(0, errno)
	return err
}

// userErrno is what the program sees of an errno that only the kernel and its tracers know.
func userErrno(errno abi.Errno) abi.Errno {
	if errno >= abi.ERESTARTSYS {
		return abi.EINTR
	}
	return errno
}

// DelayFput queues the end of a description until the thread returns to user mode: task_work_add.
func (t *Thread) DelayFput(f *vfs.File) { t.fputs = append(t.fputs, f) }

// runFputs runs the queued ends, the last queued first, as task_work_run does. What they queue themselves comes in
// another round.
func (t *Thread) runFputs() {
	for len(t.fputs) > 0 {
		round := t.fputs
		t.fputs, t.spare = t.spare[:0], nil // lent: a run that is stopped here leaves both to the next one
		for i := len(round) - 1; i >= 0; i-- {
			round[i].Fput()
		}
		clear(round)
		t.spare = round[:0]
	}
}

// exitTrace shows a thread that ends by itself as the call it is.
func (t *Thread) exitTrace(name string, code int) {
	if t.k.traced {
		t.k.m.Emit(TraceEnter, &Call{Tid: t.tid, Pid: t.proc.pid, Name: name, Args: []any{code}})
	}
}

// SendSigpipe is what a write to a pipe or socket without a reader does to the writer.
func (t *Thread) SendSigpipe() {
	t.proc.send(SignalInfo{Sig: abi.SIGPIPE, Sender: t.proc.pid, Thread: true}, t)
}
