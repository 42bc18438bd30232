package host

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
)

// TimerfdCreate is timerfd_create(2).
func (t *Thread) TimerfdCreate(clock, flags int) (int, error) {
	return result(t.sys("timerfd_create", unix.SYS_TIMERFD_CREATE, arg(clock), arg(flags)))
}

const sizeofItimerspec = 32

func packItimerspec(it abi.Itimerspec) []byte {
	var b []byte
	for _, n := range [...]int64{it.Interval.Sec, it.Interval.Nsec, it.Value.Sec, it.Value.Nsec} {
		b = binary.LittleEndian.AppendUint64(b, uint64(n))
	}
	return b
}

func unpackItimerspec(b []byte) abi.Itimerspec {
	n := func(i int) int64 { return int64(binary.LittleEndian.Uint64(b[8*i:])) }
	return abi.Itimerspec{Interval: abi.Timespec{Sec: n(0), Nsec: n(1)}, Value: abi.Timespec{Sec: n(2), Nsec: n(3)}}
}

// TimerfdSettime is timerfd_settime(2).
func (t *Thread) TimerfdSettime(fd, flags int, new, old *abi.Itimerspec) error {
	t.task.reset()
	var newAddr, oldAddr uintptr
	var buf []byte
	if new != nil {
		newAddr = t.task.bytes(packItimerspec(*new))
	}
	if old != nil {
		buf, oldAddr = t.task.alloc(sizeofItimerspec)
	}
	_, errno := t.sys("timerfd_settime", unix.SYS_TIMERFD_SETTIME, arg(fd), arg(flags), newAddr, oldAddr)
	if errno == 0 && old != nil {
		*old = unpackItimerspec(buf)
	}
	return done(0, errno)
}

// TimerfdGettime is timerfd_gettime(2).
func (t *Thread) TimerfdGettime(fd int, now *abi.Itimerspec) error {
	t.task.reset()
	var addr uintptr
	var buf []byte
	if now != nil {
		buf, addr = t.task.alloc(sizeofItimerspec)
	}
	_, errno := t.sys("timerfd_gettime", unix.SYS_TIMERFD_GETTIME, arg(fd), addr)
	if errno == 0 && now != nil {
		*now = unpackItimerspec(buf)
	}
	return done(0, errno)
}

// Signalfd4 is signalfd4(2).
func (t *Thread) Signalfd4(fd int, mask *abi.SigSet, flags int) (int, error) {
	t.task.reset()
	return result(t.sys("signalfd4", unix.SYS_SIGNALFD4, arg(fd), t.sigmask(mask), sigsetSize, arg(flags)))
}

const sysPidfdOpen = 434

// PidfdOpen is pidfd_open(2) of a process of this run, or of a thread; one that is gone is ESRCH without asking, for its
// number may be somebody else's by now.
func (t *Thread) PidfdOpen(pid, flags int) (int, error) {
	if pid > 0 {
		p, other := t.h.process(pid), t.h.thread(pid)
		switch {
		case p == nil && other == nil:
			t.refuse("pidfd_open", "process %d is not of this scenario", pid)
		case p != nil && p.reaped, p == nil && !other.task.alive():
			return -1, abi.ESRCH
		}
	}
	return result(t.sys("pidfd_open", sysPidfdOpen, arg(pid), arg(flags)))
}

// Waitid is waitid(2) of a child of this run, or of any.
func (t *Thread) Waitid(idtype, id, options int) (kernel.ChildStatus, error) {
	if idtype == abi.P_PID && id > 0 && t.h.process(id) == nil {
		t.refuse("waitid", "process %d is not of this scenario", id)
	}
	t.task.reset()
	buf, addr := t.task.alloc(sizeofSiginfo)
	clear(buf)
	if _, errno := t.sys("waitid", unix.SYS_WAITID, arg(idtype), arg(id), addr, arg(options), 0); errno != 0 {
		return kernel.ChildStatus{}, errno
	}
	child := unpackChild(buf)
	if p := t.h.process(child.Pid); p != nil && options&abi.WNOWAIT == 0 {
		t.h.mu.Lock()
		p.reaped = true
		t.h.mu.Unlock()
	}
	return child, nil
}

const sizeofSiginfo = 128

// unpackChild reads the siginfo_t of a child.
func unpackChild(b []byte) kernel.ChildStatus {
	n := func(at int) int { return int(int32(binary.LittleEndian.Uint32(b[at:]))) }
	return kernel.ChildStatus{Pid: n(12), Code: kernel.SignalCode(n(8)), Status: n(24)}
}

// Mkfifo is mkfifo(3) in the private directory.
func (t *Thread) Mkfifo(name string) error {
	if name != "/dev/null" {
		inside(t, "mkfifo", name)
	}
	t.task.reset()
	at := abi.AT_FDCWD
	return done(t.sys("mknodat", unix.SYS_MKNODAT, uintptr(at), t.task.cstring(name), unix.S_IFIFO|0o600, 0))
}

// timeoutArg passes a timeout that the kernel changes; the second result takes the change over.
func (t *Thread) timeoutArg(timeout *abi.Timespec) (addr uintptr, back func()) {
	if timeout == nil {
		return 0, func() {}
	}
	buf, addr := t.task.alloc(16)
	binary.LittleEndian.PutUint64(buf, uint64(timeout.Sec))
	binary.LittleEndian.PutUint64(buf[8:], uint64(timeout.Nsec))
	return addr, func() {
		timeout.Sec = int64(binary.LittleEndian.Uint64(buf))
		timeout.Nsec = int64(binary.LittleEndian.Uint64(buf[8:]))
	}
}

// Pselect6 is pselect6(2).
func (t *Thread) Pselect6(n int, in, out, ex *abi.FdSet, timeout *abi.Timespec, sigmask *abi.SigSet) (int, error) {
	t.task.reset()
	var addrs [3]uintptr
	var bufs [3][]byte
	sets := [3]*abi.FdSet{in, out, ex}
	for i, set := range sets {
		if set != nil {
			bufs[i], addrs[i] = t.task.alloc(len(set) * 8)
			*(*abi.FdSet)(unsafe.Pointer(&bufs[i][0])) = *set
		}
	}
	ts, back := t.timeoutArg(timeout)
	pack := binary.LittleEndian.AppendUint64(nil, uint64(t.sigmask(sigmask)))
	addr := t.task.bytes(binary.LittleEndian.AppendUint64(pack, sigsetSize))
	count, errno := t.sys("pselect6", unix.SYS_PSELECT6, arg(n), addrs[0], addrs[1], addrs[2], ts, addr)
	back()
	for i, set := range sets {
		if set != nil && errno == 0 {
			*set = *(*abi.FdSet)(unsafe.Pointer(&bufs[i][0]))
		}
	}
	return result(count, errno)
}

// Ppoll is ppoll(2).
func (t *Thread) Ppoll(fds []abi.PollFd, timeout *abi.Timespec, sigmask *abi.SigSet) (int, error) {
	t.task.reset()
	buf, addr := t.task.alloc(len(fds) * sizeofPollFd)
	for i, f := range fds {
		b := buf[i*sizeofPollFd:]
		binary.LittleEndian.PutUint32(b, uint32(f.Fd))
		binary.LittleEndian.PutUint16(b[4:], uint16(f.Events))
		binary.LittleEndian.PutUint16(b[6:], 0)
	}
	ts, back := t.timeoutArg(timeout)
	n, errno := t.sys("ppoll", unix.SYS_PPOLL, addr, uintptr(len(fds)), ts, t.sigmask(sigmask), sigsetSize)
	back()
	for i := range fds {
		fds[i].Revents = int16(binary.LittleEndian.Uint16(buf[i*sizeofPollFd+6:]))
	}
	return result(n, errno)
}
