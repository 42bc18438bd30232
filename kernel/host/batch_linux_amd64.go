package host

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/epollsim/epollsim/abi"
)

// EpollCreate is epoll_create(2).
func (b *Batch) EpollCreate(size int) (int, error) {
	return result(b.sys(unix.SYS_EPOLL_CREATE, arg(size)))
}

// EpollCreate1 is epoll_create1(2).
func (b *Batch) EpollCreate1(flags int) (int, error) {
	return result(b.sys(unix.SYS_EPOLL_CREATE1, arg(flags)))
}

// EpollCtl is epoll_ctl(2).
func (b *Batch) EpollCtl(epfd, op, fd int, event *abi.EpollEvent) error {
	var p []byte
	if event != nil {
		p = packEvent(nil, *event)
	}
	return done(b.sys(unix.SYS_EPOLL_CTL, arg(epfd), arg(op), arg(fd), b.in(p)))
}

// EpollWait is epoll_wait(2).
func (b *Batch) EpollWait(epfd int, events []abi.EpollEvent, maxevents, timeout int) (int, error) {
	buf, addr := b.out(len(events)*abi.SizeofEpollEvent, events != nil)
	n, errno := b.sys(unix.SYS_EPOLL_WAIT, arg(epfd), addr, arg(maxevents), arg(timeout))
	unpackEvents(events, buf, n)
	return result(n, errno)
}

func (b *Batch) sigmask(mask *abi.SigSet) uintptr {
	if mask == nil {
		return 0
	}
	return b.in(binary.LittleEndian.AppendUint64(nil, uint64(*mask)))
}

func (b *Batch) timespec(ts *abi.Timespec) uintptr {
	if ts == nil {
		return 0
	}
	p := binary.LittleEndian.AppendUint64(nil, uint64(ts.Sec))
	return b.in(binary.LittleEndian.AppendUint64(p, uint64(ts.Nsec)))
}

// EpollPwait is epoll_pwait(2).
func (b *Batch) EpollPwait(epfd int, events []abi.EpollEvent, maxevents, timeout int, sigmask *abi.SigSet) (int, error) {
	buf, addr := b.out(len(events)*abi.SizeofEpollEvent, events != nil)
	n, errno := b.sys(unix.SYS_EPOLL_PWAIT, arg(epfd), addr, arg(maxevents), arg(timeout), b.sigmask(sigmask), sigsetSize)
	unpackEvents(events, buf, n)
	return result(n, errno)
}

// EpollPwait2 is epoll_pwait2(2).
func (b *Batch) EpollPwait2(epfd int, events []abi.EpollEvent, maxevents int, timeout *abi.Timespec, sigmask *abi.SigSet) (int, error) {
	buf, addr := b.out(len(events)*abi.SizeofEpollEvent, events != nil)
	n, errno := b.sys(sysEpollPwait2, arg(epfd), addr, arg(maxevents), b.timespec(timeout), b.sigmask(sigmask), sigsetSize)
	unpackEvents(events, buf, n)
	return result(n, errno)
}

// Eventfd2 is eventfd2(2).
func (b *Batch) Eventfd2(initval uint32, flags int) (int, error) {
	return result(b.sys(unix.SYS_EVENTFD2, uintptr(initval), arg(flags)))
}

// Pipe2 is pipe2(2).
func (b *Batch) Pipe2(flags int) ([2]int, error) {
	buf, addr := b.out(8, true)
	_, errno := b.sys(unix.SYS_PIPE2, addr, arg(flags))
	if errno != 0 || buf == nil {
		return [2]int{-1, -1}, errno
	}
	fds := (*[2]int32)(unsafe.Pointer(&buf[0]))
	return [2]int{int(fds[0]), int(fds[1])}, nil
}

// Open is open(2); the names are the caller's business.
func (b *Batch) Open(name string, flags int) (int, error) {
	at := abi.AT_FDCWD
	return result(b.sys(unix.SYS_OPENAT, uintptr(at), b.in(append([]byte(name), 0)), arg(flags), 0o600))
}

// Read is read(2).
func (b *Batch) Read(fd int, p []byte) (int, error) {
	buf, addr := b.out(len(p), p != nil)
	n, errno := b.sys(unix.SYS_READ, arg(fd), addr, uintptr(len(p)))
	if n > 0 {
		copy(p, buf[:n])
	}
	return result(n, errno)
}

// Write is write(2).
func (b *Batch) Write(fd int, p []byte) (int, error) {
	return result(b.sys(unix.SYS_WRITE, arg(fd), b.in(p), uintptr(len(p))))
}

// Lseek is lseek(2).
func (b *Batch) Lseek(fd int, offset int64, whence int) (int64, error) {
	n, err := result(b.sys(unix.SYS_LSEEK, arg(fd), uintptr(offset), arg(whence)))
	return int64(n), err
}

// Close is close(2).
func (b *Batch) Close(fd int) error { return done(b.sys(unix.SYS_CLOSE, arg(fd))) }

// Dup is dup(2).
func (b *Batch) Dup(fd int) (int, error) { return result(b.sys(unix.SYS_DUP, arg(fd))) }

// Dup2 is dup2(2).
func (b *Batch) Dup2(oldfd, newfd int) (int, error) {
	return result(b.sys(unix.SYS_DUP2, arg(oldfd), arg(newfd)))
}

// Dup3 is dup3(2).
func (b *Batch) Dup3(oldfd, newfd, flags int) (int, error) {
	return result(b.sys(unix.SYS_DUP3, arg(oldfd), arg(newfd), arg(flags)))
}

// Fcntl is fcntl(2) with an int argument.
func (b *Batch) Fcntl(fd, cmd, value int) (int, error) {
	return result(b.sys(unix.SYS_FCNTL, arg(fd), arg(cmd), uintptr(value)))
}

// Ioctl is ioctl(2) of a request that takes a pointer to at most 8 bytes.
func (b *Batch) Ioctl(fd int, request uint, value int64) (int64, error) {
	p := make([]byte, 64)
	binary.LittleEndian.PutUint64(p, uint64(value))
	buf, addr := b.inOut(p)
	if ioctlByValue(request) {
		addr = uintptr(value)
	}
	n, errno := b.sys(unix.SYS_IOCTL, arg(fd), uintptr(uint32(request)), addr)
	switch {
	case errno != 0:
		return -1, errno
	case buf == nil:
	case request == abi.TIOCGPTPEER:
		return int64(n), nil
	case request == abi.EPIOCGPARAMS:
		return int64(binary.LittleEndian.Uint64(buf)), nil
	case request == abi.FIONREAD || request == abi.TIOCOUTQ || request == abi.SIOCATMARK:
		return int64(int32(binary.LittleEndian.Uint32(buf))), nil
	}
	return 0, nil
}

// Poll is poll(2).
func (b *Batch) Poll(fds []abi.PollFd, timeout int) (int, error) {
	p := make([]byte, 0, len(fds)*sizeofPollFd)
	for _, f := range fds {
		p = binary.LittleEndian.AppendUint32(p, uint32(f.Fd))
		p = binary.LittleEndian.AppendUint16(p, uint16(f.Events))
		p = binary.LittleEndian.AppendUint16(p, 0)
	}
	buf, addr := b.inOut(p)
	n, errno := b.sys(unix.SYS_POLL, addr, uintptr(len(fds)), arg(timeout))
	for i := range fds {
		if buf != nil {
			fds[i].Revents = int16(binary.LittleEndian.Uint16(buf[i*sizeofPollFd+6:]))
		}
	}
	return result(n, errno)
}

// Select is select(2).
func (b *Batch) Select(n int, in, out, ex *abi.FdSet, timeout int) (int, error) {
	var addrs [3]uintptr
	var bufs [3][]byte
	sets := [3]*abi.FdSet{in, out, ex}
	for i, set := range sets {
		if set != nil {
			bufs[i], addrs[i] = b.inOut((*[len(set) * 8]byte)(unsafe.Pointer(set))[:])
		}
	}
	var tv uintptr
	if timeout >= 0 {
		tv = b.timespec(&abi.Timespec{Sec: int64(timeout / 1000), Nsec: int64(timeout % 1000 * 1000)}) // µs
	}
	count, errno := b.sys(unix.SYS_SELECT, arg(n), addrs[0], addrs[1], addrs[2], tv)
	for i, set := range sets {
		if set != nil && bufs[i] != nil && errno == 0 {
			*set = *(*abi.FdSet)(unsafe.Pointer(&bufs[i][0]))
		}
	}
	return result(count, errno)
}

// Setrlimit sets the soft limit of RLIMIT_NOFILE.
func (b *Batch) Setrlimit(resource int, soft uint64) error {
	p := binary.LittleEndian.AppendUint64(nil, soft)
	addr := b.in(binary.LittleEndian.AppendUint64(p, max(soft, b.hardLimit())))
	return done(b.sys(unix.SYS_PRLIMIT64, 0, arg(resource), addr, 0))
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

// Nanosleep is clock_nanosleep(2) of CLOCK_MONOTONIC.
func (b *Batch) Nanosleep(ns int64) error {
	ts := b.timespec(&abi.Timespec{Sec: ns / 1e9, Nsec: ns % 1e9})
	return done(b.sys(unix.SYS_CLOCK_NANOSLEEP, unix.CLOCK_MONOTONIC, 0, ts, 0))
}

// SchedYield is sched_yield(2).
func (b *Batch) SchedYield() error { return done(b.sys(unix.SYS_SCHED_YIELD)) }
