package host

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// serve, sigHandler, sigReturn: task_amd64.s.
func cloneTask(flags, stack, childTid uintptr) int
func handlerAddresses() (handler, restorer uintptr)

// The states of a task. Dead is what the kernel stores when the task is gone: the state word is its
// CLONE_CHILD_CLEARTID.
const (
	stateDead    = 0
	stateRequest = 1
	stateDone    = 2
)

// request is one system call and its result, as serve knows it.
type request struct {
	nr   uintptr
	args [6]uintptr
	ret  int
}

// record is what a task and its goroutine share; task_amd64.s knows the offsets.
type record struct {
	state   uint32
	_       uint32
	count   uintptr  // of calls
	calls   *request // in the same block
	signals uint64   // taken since the beginning; written by the task
	_       [4]uint64
	ring    [64]byte // their numbers
}

// Memory of a task: its record, room for a list of calls, room for what calls point to, and its stack.
const (
	maxCalls  = 256
	arenaSize = 4 << 20
	stackSize = 64 << 10
	blockSize = 4096 + maxCalls*64 + arenaSize + stackSize
)

// task is a bare kernel task and the memory it shares with us.
type task struct {
	block []byte
	rec   *record
	calls *[maxCalls]request
	arena []byte
	used  int // of arena
	seen  uint64
	tid   int
}

// newTask maps the memory of a task; clone makes it live.
func newTask() (*task, error) {
	block, err := unix.Mmap(-1, 0, blockSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
	if err != nil {
		return nil, fmt.Errorf("memory for a host thread: %w", err)
	}
	t := &task{block: block}
	t.rec = (*record)(unsafe.Pointer(&block[0]))
	t.calls = (*[maxCalls]request)(unsafe.Pointer(&block[4096]))
	t.arena = block[4096+maxCalls*64:][:arenaSize]
	t.rec.calls = &t.calls[0]
	t.rec.state = stateDone
	*(**record)(unsafe.Pointer(&block[blockSize-64])) = t.rec
	return t, nil
}

// stack returns the stack pointer a new task starts with; the record's address lies there.
func (t *task) stack() uintptr { return uintptr(unsafe.Pointer(&t.block[blockSize-64])) }

// cleartid is where the kernel stores 0 when the task is gone.
func (t *task) cleartid() uintptr { return uintptr(unsafe.Pointer(&t.rec.state)) }

func (t *task) free() { unix.Munmap(t.block) }

// start makes the first task of a run, a child of this process that shares its fd table at first. No signal may
// reach it before Go's handlers are gone from it, so they are blocked until it has reset them. The caller
// has locked its thread, whose death kills the task.
func (t *task) start() error {
	var old, all unix.Sigset_t
	for i := range all.Val {
		all.Val[i] = ^uint64(0)
	}
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &all, &old); err != nil {
		return err
	}
	pid := cloneTask(unix.CLONE_VM|unix.CLONE_FILES|unix.CLONE_CHILD_CLEARTID, t.stack(), t.cleartid())
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &old, nil); err != nil {
		return err
	}
	if pid < 0 {
		return fmt.Errorf("clone: %w", unix.Errno(-pid))
	}
	t.tid = pid
	return nil
}

// do makes n calls of t.calls in order and waits for them; false if the task died.
func (t *task) do(n int) bool {
	t.rec.count = uintptr(n)
	if !atomic.CompareAndSwapUint32(&t.rec.state, stateDone, stateRequest) {
		return false
	}
	futex(&t.rec.state, futexWake, 1)
	for {
		switch s := atomic.LoadUint32(&t.rec.state); s {
		case stateDone:
			return true
		case stateDead:
			return false
		default:
			futex(&t.rec.state, futexWait, s)
		}
	}
}

const (
	futexWait = 0
	futexWake = 1
)

func futex(addr *uint32, op int, val uint32) {
	_, _, _ = unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(addr)), uintptr(op), uintptr(val), 0, 0, 0)
	runtime.KeepAlive(addr)
}

// alive reports whether the task has not ended.
func (t *task) alive() bool { return atomic.LoadUint32(&t.rec.state) != stateDead }

// call makes one system call; dead says that the task is gone.
func (t *task) call(nr uintptr, args ...uintptr) (ret int, dead bool) {
	r := &t.calls[0]
	*r = request{nr: nr}
	copy(r.args[:], args)
	if !t.do(1) {
		return 0, true
	}
	return r.ret, false
}

// reset gives all of the arena back.
func (t *task) reset() { t.used = 0 }

// alloc returns n bytes that the task can reach, or an address that it cannot if there is no room.
func (t *task) alloc(n int) ([]byte, uintptr) {
	n8 := (n + 7) &^ 7
	if t.used+n8 > len(t.arena) {
		return nil, 1
	}
	b := t.arena[t.used : t.used+n : t.used+n]
	t.used += n8
	if n == 0 {
		return b, uintptr(unsafe.Pointer(&t.arena[0]))
	}
	return b, uintptr(unsafe.Pointer(&b[0]))
}

// inOut copies p to where the task can reach it and the kernel may change it.
func (t *task) inOut(p []byte) ([]byte, uintptr) {
	b, addr := t.alloc(len(p))
	copy(b, p)
	return b, addr
}

// bytes copies p to where the task can reach it; a nil p is a bad address.
func (t *task) bytes(p []byte) uintptr {
	if p == nil {
		return 0
	}
	_, addr := t.inOut(p)
	return addr
}

// cstring copies a NUL-terminated name.
func (t *task) cstring(s string) uintptr {
	return t.bytes(append([]byte(s), 0))
}
