package host

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/epollsim/epollsim/abi"
)

// Pipe2 is pipe2(2).
func (t *Thread) Pipe2(flags int) ([2]int, error) {
	t.task.reset()
	buf, addr := t.task.alloc(8)
	_, errno := t.sys("pipe2", unix.SYS_PIPE2, addr, arg(flags))
	if errno != 0 {
		return [2]int{-1, -1}, errno
	}
	fds := (*[2]int32)(unsafe.Pointer(&buf[0]))
	return [2]int{int(fds[0]), int(fds[1])}, nil
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

// Open is open(2) in the private directory, and of the devices that the model has. Other names are refused.
func (t *Thread) Open(name string, flags int) (int, error) {
	switch name {
	case "/dev/null", "/dev/zero", "/dev/full", "/dev/ptmx", "/proc/mounts", "/proc/self/mounts":
	default:
		inside(t, "open", name)
	}
	t.task.reset()
	at := abi.AT_FDCWD
	return result(t.sys("openat", unix.SYS_OPENAT, uintptr(at), t.task.cstring(name), arg(flags), 0o600))
}

// Read is read(2).
func (t *Thread) Read(fd int, p []byte) (int, error) {
	t.task.reset()
	var buf []byte
	var addr uintptr
	if p != nil {
		buf, addr = t.task.alloc(len(p))
	}
	n, errno := t.sys("read", unix.SYS_READ, arg(fd), addr, uintptr(len(p)))
	if n > 0 {
		copy(p, buf[:n])
	}
	return result(n, errno)
}

// Write is write(2).
func (t *Thread) Write(fd int, p []byte) (int, error) {
	t.task.reset()
	return result(t.sys("write", unix.SYS_WRITE, arg(fd), t.task.bytes(p), uintptr(len(p))))
}

// Lseek is lseek(2).
func (t *Thread) Lseek(fd int, offset int64, whence int) (int64, error) {
	n, errno := t.sys("lseek", unix.SYS_LSEEK, arg(fd), uintptr(offset), arg(whence))
	if errno != 0 {
		return -1, errno
	}
	return int64(n), nil
}

// Close is close(2).
func (t *Thread) Close(fd int) error { return done(t.sys("close", unix.SYS_CLOSE, arg(fd))) }

// CloseRange is close_range(2).
func (t *Thread) CloseRange(first, last uint32, flags int) error {
	return done(t.sys("close_range", unix.SYS_CLOSE_RANGE, uintptr(first), uintptr(last), arg(flags)))
}

// Dup is dup(2).
func (t *Thread) Dup(fd int) (int, error) { return result(t.sys("dup", unix.SYS_DUP, arg(fd))) }

// Dup2 is dup2(2).
func (t *Thread) Dup2(oldfd, newfd int) (int, error) {
	return result(t.sys("dup2", unix.SYS_DUP2, arg(oldfd), arg(newfd)))
}

// Dup3 is dup3(2).
func (t *Thread) Dup3(oldfd, newfd, flags int) (int, error) {
	return result(t.sys("dup3", unix.SYS_DUP3, arg(oldfd), arg(newfd), arg(flags)))
}

// Fcntl is fcntl(2) with an int argument. Commands that take a pointer, or reach other processes, are
// refused.
func (t *Thread) Fcntl(fd, cmd, value int) (int, error) {
	switch cmd {
	case abi.F_GETLK, abi.F_SETLK, abi.F_SETLKW, abi.F_OFD_GETLK, abi.F_OFD_SETLK, abi.F_OFD_SETLKW, abi.F_CANCELLK, abi.F_SETOWN,
		abi.F_SETSIG, abi.F_SETOWN_EX, abi.F_GETOWN_EX, abi.F_GETOWNER_UIDS, abi.F_SETLEASE, abi.F_GETLEASE, abi.F_NOTIFY,
		abi.F_ADD_SEALS, abi.F_GET_SEALS:
		t.refuse("fcntl", "%s is not part of the model", abi.Enum("F", int64(cmd)))
	}
	return result(t.sys("fcntl", unix.SYS_FCNTL, arg(fd), arg(cmd), uintptr(value)))
}

// Ioctl is ioctl(2) of a request that takes a pointer to at most 8 bytes.
func (t *Thread) Ioctl(fd int, request uint, value int64) (int64, error) {
	t.task.reset()
	buf, addr := t.task.alloc(64)
	clear(buf)
	binary.LittleEndian.PutUint64(buf, uint64(value))
	if ioctlByValue(request) {
		addr = uintptr(value)
	}
	n, errno := t.sys("ioctl", unix.SYS_IOCTL, arg(fd), uintptr(uint32(request)), addr)
	if errno != 0 {
		return -1, errno
	}
	switch request {
	case abi.EPIOCGPARAMS:
		return int64(binary.LittleEndian.Uint64(buf)), nil
	case abi.FIONREAD, abi.TIOCOUTQ, abi.SIOCOUTQNSD, abi.SIOCATMARK, abi.TIOCGPTN:
		return int64(int32(binary.LittleEndian.Uint32(buf))), nil
	}
	return int64(n), nil
}

// Setrlimit sets the soft limit of RLIMIT_NOFILE; other resources are EINVAL here.
func (t *Thread) Setrlimit(resource int, soft uint64) error {
	if resource != abi.RLIMIT_NOFILE {
		return abi.EINVAL
	}
	t.task.reset()
	old, oldAddr := t.task.alloc(16)
	if _, errno := t.sys("prlimit64", unix.SYS_PRLIMIT64, 0, unix.RLIMIT_NOFILE, 0, oldAddr); errno != 0 {
		return errno
	}
	hard := max(soft, binary.LittleEndian.Uint64(old[8:]))
	b := binary.LittleEndian.AppendUint64(nil, soft)
	addr := t.task.bytes(binary.LittleEndian.AppendUint64(b, hard))
	return done(t.sys("prlimit64", unix.SYS_PRLIMIT64, 0, unix.RLIMIT_NOFILE, addr, 0))
}
