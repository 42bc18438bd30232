package host

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
)

// Thread is a thread of a scenario on the host. Its methods are the system calls.
type Thread struct {
	h    *Host
	proc *process
	task *task
	name string
	done chan struct{}

	killed  bool // when done: it has not ended by itself
	refused bool // it asked for what reaches beyond the scenario

	taskLate  *lateness // nil unless Options.Late asks
	selfLate  *lateness // of the thread that the goroutine is locked to then
	startLate time.Duration
	returned  time.Time // from its last call; a program that the model knows takes no time until the next

	inCall   atomic.Pointer[string]
	blocked  abi.SigSet // signals whose Go handler runs
	deferred []abi.Signal
}

var _ kernel.Calls = (*Thread)(nil)

// threadExit unwinds the goroutine of a thread whose task has ended.
type threadExit struct{}

func (t *Thread) current() string {
	if s := t.inCall.Load(); s != nil {
		return *s
	}
	return "no call"
}

// main is the goroutine of a thread; which has entered the program.
func (t *Thread) main(fn func(*Thread)) {
	defer t.finish()
	func() {
		defer func() {
			if v := recover(); v != nil {
				if _, ok := v.(threadExit); !ok {
					t.leave()
					panic(v)
				}
			}
		}()
		fn(t)
	}()
	t.leave()
	if t.killed = !t.task.alive(); !t.killed {
		t.task.call(unix.SYS_EXIT, 0)
	}
}

// finish counts the end of a thread.
func (t *Thread) finish() {
	t.h.mu.Lock()
	t.proc.threads--
	t.h.mu.Unlock()
	t.taskLate.close()
	t.selfLate.close()
	close(t.done)
	t.h.running.Done()
}

// start runs fn in the goroutine of a new thread.
func (t *Thread) start(prepare func(), fn func(*Thread)) {
	asked := time.Now()
	go func() {
		if t.h.opts.Late != nil {
			t.startLate = time.Since(asked)
			runtime.LockOSThread() // for good: the goroutine ends with t
			t.taskLate, t.selfLate = newLateness(t.task.tid), newLateness(unix.Gettid())
		}
		if prepare != nil {
			prepare()
		}
		t.enter()
		t.main(fn)
	}()
}

// sys makes one system call for the thread.
func (t *Thread) sys(name string, nr uintptr, args ...uintptr) (int, abi.Errno) {
	t.takeSignals()
	t.inCall.Store(&name)
	t.leave()
	late := t.userTime()
	late = max(late, t.delay())
	ret, dead := t.task.call(nr, args...)
	t.h.calls.Add(1)
	t.enter()
	if t.h.opts.Late != nil {
		t.h.opts.Late(max(late, t.startLate, t.taskLate.since(), t.selfLate.since()))
		t.startLate, t.returned = 0, time.Now()
	}
	t.inCall.Store(nil)
	if dead {
		panic(threadExit{})
	}
	t.takeSignals()
	if ret < 0 && ret >= -4095 {
		return -1, abi.Errno(-ret)
	}
	return ret, 0
}

// userTime is how long the thread has been in the program, which takes no time in the model.
func (t *Thread) userTime() time.Duration {
	if t.returned.IsZero() {
		return 0
	}
	return time.Since(t.returned)
}

// delay waits a while before a call and returns how much longer it took than asked.
func (t *Thread) delay() time.Duration {
	if t.h.opts.Delay == nil {
		return 0
	}
	asked, start := t.h.opts.Delay(), time.Now()
	time.Sleep(asked)
	return time.Since(start) - asked
}

// result ends a call that returns a number.
func result(n int, errno abi.Errno) (int, error) {
	if errno != 0 {
		return -1, errno
	}
	return n, nil
}

func done(_ int, errno abi.Errno) error {
	if errno != 0 {
		return errno
	}
	return nil
}

// Current returns the thread that is in the program now.
func (h *Host) Current() kernel.Calls { return h.inProgram }

// Stop ends the run with err. It is called by the thread that is in the program and does not return.
func (h *Host) Stop(err error) {
	h.fail(err)
	panic(threadExit{})
}

// enter waits until no other thread is in the program; leave lets another one in.
func (t *Thread) enter() {
	t.h.big.Lock()
	t.h.inProgram = t
}

func (t *Thread) leave() {
	t.h.inProgram = nil
	t.h.big.Unlock()
}

// takeSignals runs the Go handlers of signals that the task took. A signal whose handler runs already waits
// until that is done, as it would in the kernel.
func (t *Thread) takeSignals() {
	taken := atomic.LoadUint64(&t.task.rec.signals)
	for t.task.seen < taken {
		sig := abi.Signal(t.task.rec.ring[t.task.seen&63])
		t.task.seen++
		t.deferred = append(t.deferred, sig)
	}
	for i := 0; i < len(t.deferred); {
		sig := t.deferred[i]
		if t.blocked.Has(sig) {
			i++
			continue
		}
		t.deferred = append(t.deferred[:i], t.deferred[i+1:]...)
		act := t.proc.handlers[sig]
		if act.Handler != kernel.HandlerFunc {
			continue
		}
		old := t.blocked
		t.blocked |= act.Mask
		t.blocked.Add(sig)
		act.Func(sig)
		t.blocked = old
		i = 0
	}
}

// refuse ends the run: a call would have reached beyond the scenario.
func (t *Thread) refuse(call, format string, args ...any) {
	t.refused = true
	t.h.fail(&RefusedError{call, fmt.Sprintf(format, args...)})
	panic(threadExit{})
}

// Refused reports whether a call of t has ended the run because it would have reached beyond the scenario.
func (t *Thread) Refused() bool { return t.refused }
