package host

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/epollsim/epollsim/abi"
)

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

// Mkfifo is mkfifo(3); the names are the caller's business.
func (b *Batch) Mkfifo(name string) error {
	at := abi.AT_FDCWD
	return done(b.sys(unix.SYS_MKNODAT, uintptr(at), b.in(append([]byte(name), 0)), unix.S_IFIFO|0o600, 0))
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

// CloseRange is close_range(2).
func (b *Batch) CloseRange(first, last uint32, flags int) error {
	return done(b.sys(unix.SYS_CLOSE_RANGE, uintptr(first), uintptr(last), arg(flags)))
}

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
	case request == abi.FIONREAD || request == abi.TIOCOUTQ || request == abi.SIOCOUTQNSD || request == abi.SIOCATMARK:
		return int64(int32(binary.LittleEndian.Uint32(buf))), nil
	}
	return 0, nil
}

// Setrlimit sets the soft limit of RLIMIT_NOFILE.
func (b *Batch) Setrlimit(resource int, soft uint64) error {
	p := binary.LittleEndian.AppendUint64(nil, soft)
	addr := b.in(binary.LittleEndian.AppendUint64(p, max(soft, b.hardLimit())))
	return done(b.sys(unix.SYS_PRLIMIT64, 0, arg(resource), addr, 0))
}
