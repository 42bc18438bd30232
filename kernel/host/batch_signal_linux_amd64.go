package host

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
)

// Getpid is the number of the worker's process.
func (b *Batch) Getpid() int { return b.pid }

// Kill is kill(2) of the worker itself.
func (b *Batch) Kill(pid int, sig abi.Signal) error {
	if pid != b.pid {
		panic(&RefusedError{"kill", fmt.Sprintf("process %d is not the worker", pid)})
	}
	return done(b.sys(unix.SYS_KILL, arg(pid), arg(int(sig))))
}

// forked stands for the number of a child that nobody knows yet.
const forked = 1 << 30

// Fork makes a child that ends at once, whatever it is to do. Its number is known to the next two calls only, where the
// kernel stores it: Waitid of P_PID, and PidfdOpen.
func (b *Batch) Fork(string, func(kernel.Calls)) (int, error) {
	const flags = unix.CLONE_VM | unix.CLONE_VFORK | unix.CLONE_PARENT_SETTID | unix.CLONE_CHILD_SETTID | uintptr(unix.SIGCHLD)
	var first, second uintptr
	if b.recording && b.n+2 < maxCalls {
		first = uintptr(unsafe.Pointer(&b.task.calls[b.n+1].args[1])) // waitid
		second = uintptr(unsafe.Pointer(&b.task.calls[b.n+2].args[0]))
	}
	_, errno := b.sys(unix.SYS_CLONE, flags, b.child.stack(), first, second)
	return forked, done(0, errno)
}

// Waitid is waitid(2).
func (b *Batch) Waitid(idtype, id, options int) (kernel.ChildStatus, error) {
	buf, addr := b.out(sizeofSiginfo, true)
	if b.recording {
		clear(buf)
	}
	_, errno := b.sys(unix.SYS_WAITID, arg(idtype), arg(id), addr, arg(options), 0)
	if errno != 0 || buf == nil {
		return kernel.ChildStatus{}, done(0, errno)
	}
	return unpackChild(buf), nil
}

// PidfdOpen is pidfd_open(2) of the worker, or of a child.
func (b *Batch) PidfdOpen(pid, flags int) (int, error) {
	if pid != b.pid && pid != forked && pid > 0 {
		panic(&RefusedError{"pidfd_open", fmt.Sprintf("process %d is not the worker", pid)})
	}
	return result(b.sys(sysPidfdOpen, arg(pid), arg(flags)))
}

// Sigprocmask is rt_sigprocmask(2).
func (b *Batch) Sigprocmask(how int, set abi.SigSet) (abi.SigSet, error) {
	addr := b.sigmask(&set)
	old, oldAddr := b.out(8, true)
	_, errno := b.sys(unix.SYS_RT_SIGPROCMASK, arg(how), addr, oldAddr, sigsetSize)
	if errno != 0 || old == nil {
		return 0, done(0, errno)
	}
	return abi.SigSet(binary.LittleEndian.Uint64(old)), nil
}

func (b *Batch) sigmask(mask *abi.SigSet) uintptr {
	if mask == nil {
		return 0
	}
	return b.in(binary.LittleEndian.AppendUint64(nil, uint64(*mask)))
}

// Signalfd4 is signalfd4(2).
func (b *Batch) Signalfd4(fd int, mask *abi.SigSet, flags int) (int, error) {
	return result(b.sys(unix.SYS_SIGNALFD4, arg(fd), b.sigmask(mask), sigsetSize, arg(flags)))
}
