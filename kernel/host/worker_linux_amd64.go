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
