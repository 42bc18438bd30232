package kernel

import (
	"math"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/vfs"
)

// VectorCalls move data to or from several buffers at once, or at a place of the file. See readv(2), pread(2).
type VectorCalls interface {
	// Readv reads into buffers one behind the other: readv(2). n is what came in all.
	Readv(fd int, iov [][]byte) (n int, err error)
	// Writev writes buffers one behind the other: writev(2). What goes in at once or not at all is all of them.
	Writev(fd int, iov [][]byte) (n int, err error)
	// Pread64 reads at offset and leaves the position of the file alone: pread(2).
	Pread64(fd int, p []byte, offset int64) (n int, err error)
	// Pwrite64 writes at offset and leaves the position of the file alone: pwrite(2).
	Pwrite64(fd int, p []byte, offset int64) (n int, err error)
}

// maxIovecs is UIO_MAXIOV.
const maxIovecs = 1024

// Readv is readv(2).
func (t *Thread) Readv(fd int, iov [][]byte) (int, error) {
	t.begin("readv", fd, iov, len(iov))
	return t.transferring(func() (int, abi.Errno) { return t.readv(fd, iov) })
}

// Writev is writev(2).
func (t *Thread) Writev(fd int, iov [][]byte) (int, error) {
	t.begin("writev", fd, iov, len(iov))
	return t.transferring(func() (int, abi.Errno) { return t.writev(fd, iov) })
}

// transferring ends a call that reads or writes: one that a signal interrupts before anything was moved is made again where a
// handler allows it.
func (t *Thread) transferring(move func() (int, abi.Errno)) (int, error) {
	for {
		n, errno := move()
		if errno < abi.ERESTARTSYS {
			if errno != 0 {
				n = -1
			}
			return t.result(n, errno)
		}
		if !t.interrupted(-1, errno) {
			return -1, abi.EINTR
		}
	}
}

// readv is vfs_readv: a file with ->read_iter fills all buffers as if they were one.
func (t *Thread) readv(fd int, iov [][]byte) (n int, errno abi.Errno) {
	f, counted := t.fdget(fd)
	if f == nil {
		return -1, abi.EBADF
	}
	defer fdput(f, counted)
	alone, _ := vfs.EachAlone(f)
	switch size := room(iov); {
	case !f.Readable():
		return -1, abi.EBADF
	case !vfs.CanRead(f), len(iov) > maxIovecs:
		return -1, abi.EINVAL
	case size == 0:
	case alone:
		n, errno = eachOf(iov, func(p []byte) (int, abi.Errno) { return f.Ops.Read(f, p) })
	default:
		t.vector = grown(t.vector, size)
		if n, errno = f.Ops.Read(f, t.vector); errno == 0 {
			scatter(iov, t.vector[:n])
		}
	}
	if errno == 0 {
		t.k.sys.Counters.BytesOut += uint64(n)
		f.NotifyAccess() // of nothing, too, unlike read
	}
	return n, errno
}

// writev is vfs_writev.
func (t *Thread) writev(fd int, iov [][]byte) (n int, errno abi.Errno) {
	f, counted := t.fdget(fd)
	if f == nil {
		return -1, abi.EBADF
	}
	defer fdput(f, counted)
	_, alone := vfs.EachAlone(f)
	switch size := room(iov); {
	case !f.Writable():
		return -1, abi.EBADF
	case !vfs.CanWrite(f), len(iov) > maxIovecs:
		return -1, abi.EINVAL
	case size == 0:
		return 0, 0
	case alone:
		n, errno = eachOf(iov, func(p []byte) (int, abi.Errno) { return f.Ops.Write(f, p) })
	default:
		t.vector = grown(t.vector, size)[:0]
		for _, p := range iov {
			t.vector = append(t.vector, p...)
		}
		n, errno = f.Ops.Write(f, t.vector)
	}
	if errno == 0 {
		t.hasWritten(f, n)
	}
	return n, errno
}

// room is the size of all buffers.
func room(iov [][]byte) (n int) {
	for _, p := range iov {
		n += len(p)
	}
	return n
}

// grown gives a buffer of a size.
func grown(p []byte, size int) []byte {
	if cap(p) < size {
		return make([]byte, size)
	}
	return p[:size]
}

// scatter puts data into buffers.
func scatter(iov [][]byte, data []byte) {
	for _, p := range iov {
		data = data[copy(p, data):]
	}
}

// eachOf moves buffer by buffer until one is not full: do_loop_readv_writev.
func eachOf(iov [][]byte, move func(p []byte) (int, abi.Errno)) (done int, errno abi.Errno) {
	for i, p := range iov {
		if len(p) == 0 && i > 0 {
			continue
		}
		n, errno := move(p)
		if errno != 0 && done == 0 {
			return 0, errno
		}
		if errno != 0 {
			return done, 0
		}
		if done += n; n != len(p) {
			break
		}
	}
	return done, 0
}

// Pread64 is pread64(2).
func (t *Thread) Pread64(fd int, p []byte, offset int64) (int, error) {
	t.begin("pread64", fd, p, len(p), offset)
	return t.result(t.pread64(fd, p, offset))
}

// Pwrite64 is pwrite64(2).
func (t *Thread) Pwrite64(fd int, p []byte, offset int64) (int, error) {
	t.begin("pwrite64", fd, p, len(p), offset)
	return t.result(t.pwrite64(fd, p, offset))
}

// pread64 is ksys_pread64.
func (t *Thread) pread64(fd int, p []byte, offset int64) (int, abi.Errno) {
	f, counted, errno := t.placed(fd, offset)
	if errno != 0 {
		return -1, errno
	}
	defer fdput(f, counted)
	at, ok := f.Ops.(vfs.Placed)
	switch {
	case !ok:
		return -1, abi.ESPIPE
	case !f.Readable():
		return -1, abi.EBADF
	case !vfs.CanRead(f), beyond(p, offset):
		return -1, abi.EINVAL
	}
	n, errno := at.ReadAt(f, p, offset)
	if errno != 0 {
		return -1, errno
	}
	t.hasRead(f, n)
	return n, 0
}

// pwrite64 is ksys_pwrite64.
func (t *Thread) pwrite64(fd int, p []byte, offset int64) (int, abi.Errno) {
	f, counted, errno := t.placed(fd, offset)
	if errno != 0 {
		return -1, errno
	}
	defer fdput(f, counted)
	at, ok := f.Ops.(vfs.Placed)
	switch {
	case !ok || !at.WritesAt():
		return -1, abi.ESPIPE
	case !f.Writable():
		return -1, abi.EBADF
	case !vfs.CanWrite(f), beyond(p, offset):
		return -1, abi.EINVAL
	}
	n, errno := at.WriteAt(f, p, offset)
	if errno != 0 {
		return -1, errno
	}
	t.hasWritten(f, n)
	return n, 0
}

// placed is fdget of a call that names a place, which is looked at first.
func (t *Thread) placed(fd int, offset int64) (f *vfs.File, counted bool, errno abi.Errno) {
	if offset < 0 {
		return nil, false, abi.EINVAL
	}
	if f, counted = t.fdget(fd); f == nil {
		return nil, false, abi.EBADF
	}
	return f, counted, 0
}

// beyond reports whether p at offset ends behind the last place there is.
func beyond(p []byte, offset int64) bool { return offset > math.MaxInt64-int64(len(p)) }
