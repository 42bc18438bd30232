package host

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// Calls with several buffers, and with an offset, of a thread and of a batch.

// iovec passes an array of struct iovec, whose buffers hold what iov holds, and gives the buffers.
func iovec(c caller, iov [][]byte) (bufs [][]byte, addr uintptr) {
	var array []byte
	for _, p := range iov {
		buf, at := c.inOut(p)
		bufs = append(bufs, buf)
		array = binary.LittleEndian.AppendUint64(array, uint64(at))
		array = binary.LittleEndian.AppendUint64(array, uint64(len(p)))
	}
	if array == nil {
		array = []byte{}
	}
	return bufs, c.in(array)
}

func readvOf(c caller, fd int, iov [][]byte) (int, error) {
	room := make([][]byte, len(iov))
	for i, p := range iov {
		room[i] = make([]byte, len(p))
	}
	bufs, addr := iovec(c, room)
	n, errno := c.socketCall("readv", unix.SYS_READV, arg(fd), addr, uintptr(len(iov)))
	left := n
	for i, p := range iov {
		if left > 0 && bufs[i] != nil {
			left -= copy(p[:min(len(p), left)], bufs[i])
		}
	}
	return result(n, errno)
}

func writevOf(c caller, fd int, iov [][]byte) (int, error) {
	_, addr := iovec(c, iov)
	return result(c.socketCall("writev", unix.SYS_WRITEV, arg(fd), addr, uintptr(len(iov))))
}

func pread64Of(c caller, fd int, p []byte, offset int64) (int, error) {
	buf, addr := c.inOut(make([]byte, len(p)))
	n, errno := c.socketCall("pread64", unix.SYS_PREAD64, arg(fd), addr, uintptr(len(p)), uintptr(offset))
	if n > 0 && buf != nil {
		copy(p, buf[:n])
	}
	return result(n, errno)
}

func pwrite64Of(c caller, fd int, p []byte, offset int64) (int, error) {
	return result(c.socketCall("pwrite64", unix.SYS_PWRITE64, arg(fd), c.in(p), uintptr(len(p)), uintptr(offset)))
}

// Readv is readv(2).
func (t *Thread) Readv(fd int, iov [][]byte) (int, error) { t.task.reset(); return readvOf(t, fd, iov) }

// Writev is writev(2).
func (t *Thread) Writev(fd int, iov [][]byte) (int, error) {
	t.task.reset()
	return writevOf(t, fd, iov)
}

// Pread64 is pread64(2).
func (t *Thread) Pread64(fd int, p []byte, offset int64) (int, error) {
	t.task.reset()
	return pread64Of(t, fd, p, offset)
}

// Pwrite64 is pwrite64(2).
func (t *Thread) Pwrite64(fd int, p []byte, offset int64) (int, error) {
	t.task.reset()
	return pwrite64Of(t, fd, p, offset)
}

// Readv is readv(2).
func (b *Batch) Readv(fd int, iov [][]byte) (int, error) { return readvOf(b, fd, iov) }

// Writev is writev(2).
func (b *Batch) Writev(fd int, iov [][]byte) (int, error) { return writevOf(b, fd, iov) }

// Pread64 is pread64(2).
func (b *Batch) Pread64(fd int, p []byte, offset int64) (int, error) {
	return pread64Of(b, fd, p, offset)
}

// Pwrite64 is pwrite64(2).
func (b *Batch) Pwrite64(fd int, p []byte, offset int64) (int, error) {
	return pwrite64Of(b, fd, p, offset)
}
