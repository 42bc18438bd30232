package host

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/epollsim/epollsim/abi"
)

// TimerfdCreate is timerfd_create(2).
func (b *Batch) TimerfdCreate(clock, flags int) (int, error) {
	return result(b.sys(unix.SYS_TIMERFD_CREATE, arg(clock), arg(flags)))
}

// TimerfdSettime is timerfd_settime(2).
func (b *Batch) TimerfdSettime(fd, flags int, new, old *abi.Itimerspec) error {
	var p []byte
	if new != nil {
		p = packItimerspec(*new)
	}
	newAddr := b.in(p)
	buf, oldAddr := b.out(sizeofItimerspec, old != nil)
	_, errno := b.sys(unix.SYS_TIMERFD_SETTIME, arg(fd), arg(flags), newAddr, oldAddr)
	if errno == 0 && buf != nil {
		*old = unpackItimerspec(buf)
	}
	return done(0, errno)
}

// TimerfdGettime is timerfd_gettime(2).
func (b *Batch) TimerfdGettime(fd int, now *abi.Itimerspec) error {
	buf, addr := b.out(sizeofItimerspec, now != nil)
	_, errno := b.sys(unix.SYS_TIMERFD_GETTIME, arg(fd), addr)
	if errno == 0 && buf != nil {
		*now = unpackItimerspec(buf)
	}
	return done(0, errno)
}

// Signalfd4 is signalfd4(2).
func (b *Batch) Signalfd4(fd int, mask *abi.SigSet, flags int) (int, error) {
	return result(b.sys(unix.SYS_SIGNALFD4, arg(fd), b.sigmask(mask), sigsetSize, arg(flags)))
}

// Mkfifo is mkfifo(3); the names are the caller's business.
func (b *Batch) Mkfifo(name string) error {
	at := abi.AT_FDCWD
	return done(b.sys(unix.SYS_MKNODAT, uintptr(at), b.in(append([]byte(name), 0)), unix.S_IFIFO|0o600, 0))
}

// timeoutArg passes a timeout that the kernel changes.
func (b *Batch) timeoutArg(timeout *abi.Timespec) (addr uintptr, back func()) {
	if timeout == nil {
		return 0, func() {}
	}
	p := binary.LittleEndian.AppendUint64(nil, uint64(timeout.Sec))
	buf, addr := b.inOut(binary.LittleEndian.AppendUint64(p, uint64(timeout.Nsec)))
	return addr, func() {
		if buf != nil && !b.recording {
			timeout.Sec = int64(binary.LittleEndian.Uint64(buf))
			timeout.Nsec = int64(binary.LittleEndian.Uint64(buf[8:]))
		}
	}
}

// Pselect6 is pselect6(2).
func (b *Batch) Pselect6(n int, in, out, ex *abi.FdSet, timeout *abi.Timespec, sigmask *abi.SigSet) (int, error) {
	var addrs [3]uintptr
	var bufs [3][]byte
	sets := [3]*abi.FdSet{in, out, ex}
	for i, set := range sets {
		if set != nil {
			bufs[i], addrs[i] = b.inOut((*[len(set) * 8]byte)(unsafe.Pointer(set))[:])
		}
	}
	ts, back := b.timeoutArg(timeout)
	pack := binary.LittleEndian.AppendUint64(nil, uint64(b.sigmask(sigmask)))
	addr := b.in(binary.LittleEndian.AppendUint64(pack, sigsetSize))
	count, errno := b.sys(unix.SYS_PSELECT6, arg(n), addrs[0], addrs[1], addrs[2], ts, addr)
	back()
	for i, set := range sets {
		if set != nil && bufs[i] != nil && errno == 0 {
			*set = *(*abi.FdSet)(unsafe.Pointer(&bufs[i][0]))
		}
	}
	return result(count, errno)
}

// Ppoll is ppoll(2).
func (b *Batch) Ppoll(fds []abi.PollFd, timeout *abi.Timespec, sigmask *abi.SigSet) (int, error) {
	p := make([]byte, 0, len(fds)*sizeofPollFd)
	for _, f := range fds {
		p = binary.LittleEndian.AppendUint32(p, uint32(f.Fd))
		p = binary.LittleEndian.AppendUint16(p, uint16(f.Events))
		p = binary.LittleEndian.AppendUint16(p, 0)
	}
	buf, addr := b.inOut(p)
	ts, back := b.timeoutArg(timeout)
	n, errno := b.sys(unix.SYS_PPOLL, addr, uintptr(len(fds)), ts, b.sigmask(sigmask), sigsetSize)
	back()
	for i := range fds {
		if buf != nil {
			fds[i].Revents = int16(binary.LittleEndian.Uint16(buf[i*sizeofPollFd+6:]))
		}
	}
	return result(n, errno)
}
