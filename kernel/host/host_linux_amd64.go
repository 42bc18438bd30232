package host

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
)

// Host runs scenarios on the kernel of this machine, one after the other.
type Host struct {
	opts     Options
	terminal *terminal
	dir      string // private directory of the run

	// big is held by the thread that is in the program, and released around each system call: Starlark
	// values are shared, and only one thread may interpret at a time.
	big       sync.Mutex
	inProgram *Thread

	mu      sync.Mutex // guards all below
	procs   map[int]*process
	threads []*Thread
	running sync.WaitGroup
	err     error
	ended   chan struct{} // of the run, closed when it is over
	guard   *time.Timer   // when it counts as stuck; nil: it is over
	seen    uint64        // calls that had ended when guard last fired
	patient int           // how often it was set again

	calls atomic.Uint64 // that have ended
}

// New prepares for runs: a terminal for 0, 1 and 2.
func New(opts Options) (*Host, error) {
	if opts.Timeout == 0 {
		opts.Timeout = DefaultTimeout
	}
	term, err := openTerminal()
	if err != nil {
		return nil, err
	}
	return &Host{opts: opts, terminal: term}, nil
}

// Close gives the terminal back.
func (h *Host) Close() { h.terminal.close() }

// Release returns the release of the running kernel, as uname -r prints it.
func Release() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return ""
	}
	return unix.ByteSliceToString(u.Release[:])
}

// Run runs main as thread main of a process with an empty directory and fds 0, 1, 2, and returns when every
// process it started has ended: nil, *StuckError, *RefusedError, *KilledError, or what kept it from starting.
// Nothing is left behind.
func (h *Host) Run(main func(kernel.Calls)) error {
	ended := make(chan struct{})
	defer close(ended) // when all else is done
	dir, err := os.MkdirTemp("", "epollsim-")
	if err != nil {
		return fmt.Errorf("private directory: %w", err)
	}
	defer os.RemoveAll(dir)
	h.mu.Lock()
	h.dir, h.procs, h.threads, h.err = dir, map[int]*process{}, nil, nil
	h.ended = ended
	h.mu.Unlock()

	// The first task dies with the thread that made it, so this thread must stay until the end.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	first, err := newTask()
	if err != nil {
		return err
	}
	if err := first.start(); err != nil {
		return err
	}
	p := h.newProcess(first.tid, nil)
	t := h.newThread(p, first, "main")
	if err := t.becomeProgram(); err != nil {
		unix.Kill(first.tid, unix.SIGKILL)
		t.finish()
		h.reap(first.tid)
		return err
	}
	h.mu.Lock()
	h.seen, h.patient = h.calls.Load(), 0
	h.guard = time.AfterFunc(h.opts.Timeout, h.stuck)
	h.mu.Unlock()
	t.start(nil, func(t *Thread) { main(t) })
	h.running.Wait()
	h.mu.Lock()
	h.guard.Stop()
	h.guard = nil
	h.mu.Unlock()
	status := h.reap(first.tid)
	for _, t := range h.threads {
		t.task.free()
	}
	if h.err == nil && status.Signaled() {
		return &KilledError{abi.Signal(status.Signal())}
	}
	return h.err
}

// Abort ends a run from outside, as an interrupt of the command does, and removes its directory.
func (h *Host) Abort() {
	h.fail(errAborted)
	h.mu.Lock()
	ended := h.ended
	h.mu.Unlock()
	if ended == nil {
		return // no run has begun
	}
	select {
	case <-ended:
	case <-time.After(time.Second):
	}
}

var errAborted = errors.New("interrupted")

// reap waits for a direct child, which is no SIGCHLD one.
func (h *Host) reap(pid int) unix.WaitStatus {
	var status unix.WaitStatus
	for {
		_, err := unix.Wait4(pid, &status, unix.WALL, nil)
		if !errors.Is(err, unix.EINTR) {
			return status
		}
	}
}

// A run whose time is over gets a little more while its calls still end: the whole machine may have stood still.
const (
	more     = 250 * time.Millisecond
	mostMore = 8
)

// stuck ends a run whose time is over, unless it is still moving.
func (h *Host) stuck() {
	var where []string
	h.mu.Lock()
	if h.guard == nil {
		h.mu.Unlock()
		return
	}
	if calls := h.calls.Load(); calls != h.seen && h.patient < mostMore {
		h.seen = calls
		h.patient++
		h.guard.Reset(more)
		h.mu.Unlock()
		return
	}
	for _, t := range h.threads {
		if t.task.alive() {
			where = append(where, fmt.Sprintf("%s in %s", t.name, t.current()))
		}
	}
	h.mu.Unlock()
	h.fail(&StuckError{h.opts.Timeout, where})
}

// fail ends the run with err; the first one counts.
func (h *Host) fail(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err == nil {
		h.err = err
	}
	for pid, p := range h.procs {
		if !p.reaped {
			unix.Kill(pid, unix.SIGKILL)
		}
	}
}

// process is a process that a run started.
type process struct {
	pid      int
	threads  int // that have not ended
	handlers [abi.SIGRTMAX + 1]kernel.SigAction
	reaped   bool
}

func (h *Host) newProcess(pid int, parent *process) *process {
	p := &process{pid: pid}
	if parent != nil {
		p.handlers = parent.handlers
	}
	h.mu.Lock()
	h.procs[pid] = p
	failed := h.err != nil
	h.mu.Unlock()
	if failed {
		unix.Kill(pid, unix.SIGKILL)
	}
	return p
}

func (h *Host) newThread(p *process, task *task, name string) *Thread {
	t := &Thread{h: h, proc: p, task: task, name: name, done: make(chan struct{})}
	h.mu.Lock()
	p.threads++
	h.threads = append(h.threads, t)
	h.mu.Unlock()
	h.running.Add(1)
	return t
}

const maxFd = ^uint32(0) // of close_range(2): all from first on

// becomeProgram turns the first task, a copy of us but for the fd table, into what a C program is when main begins. Its
// own table comes from close_range with CLOSE_RANGE_UNSHARE, which makes room for the highest number that stays only: a copy
// by clone would have room for the highest that we have, and we may have inherited a large one.
func (t *Thread) becomeProgram() error {
	task := t.task
	act, addr := task.alloc(32)
	clear(act)
	for sig := 1; sig <= int(abi.SIGRTMAX); sig++ {
		task.call(unix.SYS_RT_SIGACTION, uintptr(sig), addr, 0, 8) // fails for SIGKILL and SIGSTOP
	}
	mask, maskAddr := task.alloc(8)
	clear(mask)
	limit, limitAddr := task.alloc(16)
	var now unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &now); err != nil {
		return err
	}
	hard := max(now.Max, 1024)
	*(*[2]uint64)(unsafe.Pointer(&limit[0])) = [2]uint64{1024, hard}
	slave := uintptr(t.h.terminal.slave)
	steps := []struct {
		what string
		nr   uintptr
		args []uintptr
	}{
		{"close_range", unix.SYS_CLOSE_RANGE, []uintptr{slave + 1, uintptr(maxFd), unix.CLOSE_RANGE_UNSHARE}},
		{"prctl", unix.SYS_PRCTL, []uintptr{unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL)}},
		{"setsid", unix.SYS_SETSID, nil},
		{"rt_sigprocmask", unix.SYS_RT_SIGPROCMASK, []uintptr{unix.SIG_SETMASK, maskAddr, 0, 8}},
		{"chdir", unix.SYS_CHDIR, []uintptr{task.cstring(t.h.dir)}},
		{"dup2", unix.SYS_DUP2, []uintptr{slave, 0}},
		{"dup2", unix.SYS_DUP2, []uintptr{slave, 1}},
		{"dup2", unix.SYS_DUP2, []uintptr{slave, 2}},
		{"close_range", unix.SYS_CLOSE_RANGE, []uintptr{3, uintptr(maxFd), 0}},
		{"prlimit64", unix.SYS_PRLIMIT64, []uintptr{0, unix.RLIMIT_NOFILE, limitAddr, 0}},
	}
	for _, s := range steps {
		if ret, dead := task.call(s.nr, s.args...); dead || ret < 0 {
			return fmt.Errorf("preparing a host process: %s: %w", s.what, unix.Errno(-ret))
		}
	}
	t.ownNetwork()
	return t.armDeath()
}

// armDeath makes a timer that kills the process some time after the run must be over.
func (t *Thread) armDeath() error {
	task := t.task
	event, eventAddr := task.alloc(64) // struct sigevent
	clear(event)
	*(*int32)(unsafe.Pointer(&event[8])) = int32(unix.SIGKILL)
	*(*int32)(unsafe.Pointer(&event[12])) = 0 // SIGEV_SIGNAL
	id, idAddr := task.alloc(8)
	if ret, dead := task.call(unix.SYS_TIMER_CREATE, unix.CLOCK_MONOTONIC, eventAddr, idAddr); dead || ret < 0 {
		return fmt.Errorf("preparing a host process: timer_create: %w", unix.Errno(-ret))
	}
	spec, specAddr := task.alloc(32)
	clear(spec)
	*(*int64)(unsafe.Pointer(&spec[16])) = int64(t.h.opts.Timeout/time.Second) + 5
	timer := uintptr(*(*int32)(unsafe.Pointer(&id[0])))
	if ret, dead := task.call(unix.SYS_TIMER_SETTIME, timer, 0, specAddr, 0); dead || ret < 0 {
		return fmt.Errorf("preparing a host process: timer_settime: %w", unix.Errno(-ret))
	}
	task.reset()
	return nil
}
