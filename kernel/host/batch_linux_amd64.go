package host

import (
	"encoding/binary"
	"errors"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
)

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
