package host

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// Calls that move data between files, of a thread and of a batch.

// offsetRef passes an offset, which may be none, and returns what takes over what became of it.
func offsetRef(c caller, offset *int64) (addr uintptr, update func()) {
	if offset == nil {
		return 0, func() {}
	}
	p := make([]byte, 8)
	binary.LittleEndian.PutUint64(p, uint64(*offset))
	buf, addr := c.inOut(p)
	return addr, func() {
		if buf != nil {
			*offset = int64(binary.LittleEndian.Uint64(buf))
		}
	}
}

func sendfileOf(c caller, out, in int, offset *int64, count int) (int, error) {
	addr, update := offsetRef(c, offset)
	n, errno := c.socketCall("sendfile", unix.SYS_SENDFILE, arg(out), arg(in), addr, uintptr(count))
	update()
	return result(n, errno)
}

func spliceOf(c caller, in int, inOffset *int64, out int, outOffset *int64, size, flags int) (int, error) {
	inAddr, inUpdate := offsetRef(c, inOffset)
	outAddr, outUpdate := offsetRef(c, outOffset)
	n, errno := c.socketCall("splice", unix.SYS_SPLICE, arg(in), inAddr, arg(out), outAddr, uintptr(size), arg(flags))
	inUpdate()
	outUpdate()
	return result(n, errno)
}

func teeOf(c caller, in, out, size, flags int) (int, error) {
	return result(c.socketCall("tee", unix.SYS_TEE, arg(in), arg(out), uintptr(size), arg(flags)))
}

// Sendfile is sendfile(2).
func (t *Thread) Sendfile(out, in int, offset *int64, count int) (int, error) {
	t.task.reset()
	return sendfileOf(t, out, in, offset, count)
}

// Splice is splice(2).
func (t *Thread) Splice(in int, inOffset *int64, out int, outOffset *int64, size, flags int) (int, error) {
	t.task.reset()
	return spliceOf(t, in, inOffset, out, outOffset, size, flags)
}

// Tee is tee(2).
func (t *Thread) Tee(in, out, size, flags int) (int, error) {
	t.task.reset()
	return teeOf(t, in, out, size, flags)
}

// Sendfile is sendfile(2).
func (b *Batch) Sendfile(out, in int, offset *int64, count int) (int, error) {
	return sendfileOf(b, out, in, offset, count)
}

// Splice is splice(2).
func (b *Batch) Splice(in int, inOffset *int64, out int, outOffset *int64, size, flags int) (int, error) {
	return spliceOf(b, in, inOffset, out, outOffset, size, flags)
}

// Tee is tee(2).
func (b *Batch) Tee(in, out, size, flags int) (int, error) { return teeOf(b, in, out, size, flags) }
