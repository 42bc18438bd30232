package host

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
)

// Worker is a process of one or two threads that runs lists of calls, one program after the other: what a
// comparison of many small programs needs. Its fd table is that of a program that begins.
type Worker struct {
	h      *Host
	first  *Thread // stays as it was made; every process is a copy of it
	pid    int     // 0: none
	tasks  [2]*task
	child  *task // what a child that ends at once runs
	two    bool  // threads
	signal []abi.Signal
	quit   chan struct{}
	ended  chan error
	closed bool
}

// NewWorker starts a worker of one or two threads that handles signals by doing nothing. Close ends it.
func NewWorker(threads int, handled ...abi.Signal) (*Worker, error) {
	h, err := New(Options{Timeout: 1000 * time.Hour})
	if err != nil {
		return nil, err
	}
	w := &Worker{h: h, two: threads == 2, signal: handled, quit: make(chan struct{}), ended: make(chan error, 1)}
	ready := make(chan *Thread)
	go func() {
		w.ended <- h.Run(func(c kernel.Calls) {
			ready <- c.(*Thread)
			<-w.quit
		})
	}()
	select {
	case w.first = <-ready:
	case err := <-w.ended:
		h.Close()
		return nil, err
	}
	for i := range w.tasks {
		if w.tasks[i], err = newTask(); err != nil {
			return nil, errors.Join(err, w.Close())
		}
	}
	if w.child, err = newTask(); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	w.child.calls[0] = request{nr: unix.SYS_EXIT_GROUP}
	w.child.rec.count, w.child.rec.state = 1, stateRequest
	if err := w.Renew(); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// Host returns what Abort ends.
func (w *Worker) Host() *Host { return w.h }

// Close ends the worker and everything it started.
func (w *Worker) Close() error {
	if w.closed {
		return nil
	}
	w.closed = true
	w.kill()
	close(w.quit)
	err := <-w.ended
	w.h.Close()
	for _, t := range append(w.tasks[:], w.child) {
		if t != nil {
			t.free()
		}
	}
	return err
}

// kill ends the process of the worker.
func (w *Worker) kill() {
	if w.pid == 0 {
		return
	}
	unix.Kill(w.pid, unix.SIGKILL)
	_, _ = w.byFirst("wait4", unix.SYS_WAIT4, uintptr(w.pid), 0, 0, 0)
	w.h.mu.Lock()
	delete(w.h.procs, w.pid)
	w.h.mu.Unlock()
	w.pid = 0
}

// byFirst makes a system call in the first process; that may have been ended from outside.
func (w *Worker) byFirst(name string, nr uintptr, args ...uintptr) (n int, err error) {
	defer func() {
		if v := recover(); v != nil {
			if _, ok := v.(threadExit); !ok {
				panic(v)
			}
			err = errAborted
		}
	}()
	n, errno := w.first.sys(name, nr, args...)
	return n, done(n, errno)
}

// Renew replaces the process by a new one: a small fd table, no files, default signals but an ignored
// SIGPIPE and those that are handled, an empty directory, a network without connections.
func (w *Worker) Renew() error {
	w.kill()
	if err := w.emptyDir(); err != nil {
		return err
	}
	t := w.tasks[0]
	t.renew()
	pid, err := w.byFirst("clone", unix.SYS_CLONE, unix.CLONE_VM|unix.CLONE_CHILD_CLEARTID|uintptr(unix.SIGCHLD), t.stack(), 0, t.cleartid())
	if err != nil {
		return fmt.Errorf("clone of a worker: %w", err)
	}
	w.pid, t.tid = pid, pid
	w.h.newProcess(pid, w.first.proc)
	t.reset()
	act, addr := t.alloc(32)
	clear(act)
	act[0] = abi.SIG_IGN
	t.call(unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL))
	t.call(unix.SYS_RT_SIGACTION, uintptr(unix.SIGPIPE), addr, 0, sigsetSize)
	handler, restorer := handlerAddresses()
	binary.LittleEndian.PutUint64(act, uint64(handler))
	binary.LittleEndian.PutUint64(act[8:], abi.SA_RESTORER)
	binary.LittleEndian.PutUint64(act[16:], uint64(restorer))
	for _, sig := range w.signal {
		t.call(unix.SYS_RT_SIGACTION, uintptr(sig), addr, 0, sigsetSize)
	}
	t.ownNetwork()
	if !w.two {
		return nil
	}
	other := w.tasks[1]
	other.renew()
	tid, dead := t.call(unix.SYS_CLONE, threadFlags, other.stack(), 0, other.cleartid())
	if dead || tid < 0 {
		return fmt.Errorf("clone of a worker's thread: %w", abi.Errno(-tid))
	}
	other.tid = tid
	return nil
}

// renew makes the memory of a task that is gone ready for another.
func (t *task) renew() {
	t.rec.signals, t.seen = 0, 0
	atomic.StoreUint32(&t.rec.state, stateDone)
	*(**record)(unsafe.Pointer(&t.block[blockSize-64])) = t.rec
	t.reset()
}

func (w *Worker) emptyDir() error {
	names, err := os.ReadDir(w.h.dir)
	for _, n := range names {
		if err == nil {
			err = os.RemoveAll(filepath.Join(w.h.dir, n.Name()))
		}
	}
	return err
}

// Reset makes the worker ready for another program: no files, the limit of 1024, no signal blocked or pending, none of the
// MostChildren children left, an empty directory if files says that there may be some. What else a program changed – room
// in the fd table, what signals do – only Renew undoes.
func (w *Worker) Reset(files bool) error {
	if files {
		if err := w.emptyDir(); err != nil {
			return err
		}
	}
	b := w.Batch(0)
	b.begin()
	limit := binary.LittleEndian.AppendUint64(nil, 1024)
	b.sys(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_NOFILE, b.in(binary.LittleEndian.AppendUint64(limit, b.hardLimit())), 0)
	b.sys(unix.SYS_CLOSE_RANGE, 3, uintptr(maxFd), 0)
	b.sys(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, b.in(make([]byte, sigsetSize)), 0, sigsetSize)
	for range MostChildren {
		b.sys(unix.SYS_WAIT4, anyChild, 0, unix.WNOHANG, 0)
	}
	b.Start()
	if !b.Wait(10 * time.Second) {
		return errors.New("a worker of the host is stuck or dead")
	}
	return nil
}

// MostChildren is how many children a program may leave behind.
const MostChildren = 8

const anyChild = ^uintptr(0)

// Batch returns the list of calls of thread 0 or 1. One that is under way must not be used.
func (w *Worker) Batch(thread int) *Batch {
	return &Batch{prefix: abstractPrefix(w.h.dir), task: w.tasks[thread], child: w.child, pid: w.pid}
}

// Batch is a list of calls that a thread makes in one go. The calls are told to it twice by the same code: the
// first time it notes them, the second time it answers with their results. It has the calls that a random
// program makes; the others are nil and panic.
type Batch struct {
	kernel.Calls
	task      *task
	child     *task
	pid       int
	prefix    string // of abstract names
	recording bool
	full      bool
	n         int // requests noted
	at        int // next result

	// Stamps asks for the time before each call and after the last one; Replay stores it in Times (ns).
	Stamps bool
	Times  []int64
}

// ErrBatchSize says that the calls do not fit.
var ErrBatchSize = errors.New("the calls do not fit into one batch")

// Run makes n calls, as many at a time as fit, and returns how many were made: fewer if one of them does not
// end within timeout. call is asked to make call i twice; only what it gets the last time is a result.
func (b *Batch) Run(n int, timeout time.Duration, call func(i int, c kernel.Calls)) (int, error) {
	for from := 0; from < n; {
		to := b.Record(from, n, call)
		if to == from {
			return from, ErrBatchSize
		}
		b.Start()
		b.Wait(timeout)
		if from = b.Replay(from, to, call); from < to {
			return from, nil
		}
	}
	return n, nil
}

// Record notes the calls from … n-1, or those of them that fit, and returns the first that is not noted.
func (b *Batch) Record(from, n int, call func(i int, c kernel.Calls)) int {
	b.begin()
	for i := from; i < n; i++ {
		requests := b.n
		b.stamp()
		call(i, b)
		if b.full {
			b.n = requests
			return i
		}
	}
	b.stamp()
	return n
}

// stamp asks for the time, or stores the answer.
func (b *Batch) stamp() {
	if !b.Stamps || !b.recording && (b.at >= b.n || b.task.calls[b.at].ret == notMade) {
		return
	}
	now, addr := b.memory(16)
	b.sys(unix.SYS_CLOCK_GETTIME, unix.CLOCK_MONOTONIC, addr)
	if !b.recording {
		b.Times = append(b.Times, int64(binary.LittleEndian.Uint64(now))*1e9+int64(binary.LittleEndian.Uint64(now[8:])))
	}
}

func (b *Batch) begin() {
	b.task.reset()
	b.recording, b.full, b.n = true, false, 0
}

// Replay answers the calls from … to-1 that were recorded, and returns the first that has not ended.
func (b *Batch) Replay(from, to int, call func(i int, c kernel.Calls)) int {
	b.task.reset()
	b.recording, b.at, b.Times = false, 0, b.Times[:0]
	for i := from; i < to; i++ {
		b.stamp()
		if b.task.calls[b.at].ret == notMade {
			return i
		}
		call(i, b)
	}
	b.stamp()
	return to
}

// notMade is the result of a request that has not ended.
const notMade = 1 << 40

// Start lets the thread make the calls.
func (b *Batch) Start() {
	b.recording = false
	if b.n == 0 {
		return
	}
	b.task.rec.count = uintptr(b.n)
	if atomic.CompareAndSwapUint32(&b.task.rec.state, stateDone, stateRequest) {
		futex(&b.task.rec.state, futexWake, 1)
	}
}

// Wait waits for the end of the calls; false if the time is over, or the thread dead.
func (b *Batch) Wait(timeout time.Duration) bool {
	end := time.Now().Add(timeout)
	for {
		switch s := atomic.LoadUint32(&b.task.rec.state); s {
		case stateDone:
			return true
		case stateDead:
			return false
		default:
			left := time.Until(end)
			if left <= 0 {
				return false
			}
			futexTimed(&b.task.rec.state, s, left)
		}
	}
}

func futexTimed(addr *uint32, val uint32, d time.Duration) {
	ts := unix.NsecToTimespec(int64(d))
	_, _, _ = unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(addr)), futexWait, uintptr(val), uintptr(unsafe.Pointer(&ts)), 0, 0)
}

// sys notes a request, or returns its result.
func (b *Batch) sys(nr uintptr, args ...uintptr) (int, abi.Errno) {
	if b.recording {
		if b.n == maxCalls {
			b.full = true
			return 0, 0
		}
		r := &b.task.calls[b.n]
		*r = request{nr: nr, ret: notMade}
		copy(r.args[:], args)
		b.n++
		return 0, 0
	}
	ret := b.task.calls[b.at].ret
	b.at++
	if ret < 0 && ret >= -4095 {
		return -1, abi.Errno(-ret)
	}
	return ret, 0
}

// memory returns n bytes that the thread can reach: the same ones both times.
func (b *Batch) memory(n int) ([]byte, uintptr) {
	p, addr := b.task.alloc(n)
	if p == nil {
		b.full = true
	}
	return p, addr
}

// in passes p to the kernel; nil is a bad address.
func (b *Batch) in(p []byte) uintptr {
	_, addr := b.inOut(p)
	return addr
}

// inOut passes p and shows, the second time, what the kernel made of it.
func (b *Batch) inOut(p []byte) ([]byte, uintptr) {
	if p == nil {
		return nil, 0
	}
	mem, addr := b.memory(len(p))
	if b.recording {
		copy(mem, p)
	}
	return mem, addr
}

// out is room for what the kernel stores; 0 is a bad address.
func (b *Batch) out(n int, ok bool) ([]byte, uintptr) {
	if !ok {
		return nil, 0
	}
	return b.memory(n)
}

// hardLimit is the hard RLIMIT_NOFILE, which nobody changes.
func (b *Batch) hardLimit() uint64 {
	var now unix.Rlimit
	_ = unix.Getrlimit(unix.RLIMIT_NOFILE, &now)
	return max(now.Max, 1024)
}
