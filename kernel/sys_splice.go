package kernel

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/vfs"
)

// SpliceCalls move data between files without user memory. An offset is where in its file a call reads or writes, and is
// moved by it; nil: the position of the description.
type SpliceCalls interface {
	// Sendfile moves up to count bytes from a file with positions to any file, or from a file that can be spliced to a
	// pipe: sendfile(2).
	Sendfile(out, in int, offset *int64, count int) (n int, err error)
	// Splice moves up to size bytes, one of the two files being a pipe: splice(2). flags: SPLICE_F_NONBLOCK,
	// SPLICE_F_MORE; SPLICE_F_MOVE and SPLICE_F_GIFT mean nothing.
	Splice(in int, inOffset *int64, out int, outOffset *int64, size, flags int) (n int, err error)
	// Tee puts up to size bytes of a pipe into another one too: tee(2). flags: SPLICE_F_NONBLOCK.
	Tee(in, out, size, flags int) (n int, err error)
}

const (
	spliceFlags = abi.SPLICE_F_MOVE | abi.SPLICE_F_NONBLOCK | abi.SPLICE_F_MORE | abi.SPLICE_F_GIFT
	mostBytes   = 0x7ffff000 // MAX_RW_COUNT
)

// Offset is an offset as a call was given it, and as it left it.
type Offset struct{ Before, After int64 }

// Sendfile is sendfile(2).
func (t *Thread) Sendfile(out, in int, offset *int64, count int) (int, error) {
	at := offsetArg(offset)
	t.begin("sendfile", out, in, at, count)
	return t.transferring(func() (int, abi.Errno) {
		n, errno := t.sendfile(out, in, offset, count)
		at.left(offset)
		return n, errno
	})
}

// offsetArg is an offset for the record of a call.
func offsetArg(offset *int64) *Offset {
	if offset == nil {
		return nil
	}
	return &Offset{*offset, *offset}
}

// left notes what the call has made of it.
func (o *Offset) left(offset *int64) {
	if o != nil {
		o.After = *offset
	}
}

// SendfileFrom is sendfile(2) from a file that the caller has by another way than a number.
func (t *Thread) SendfileFrom(out int, in *vfs.File, offset *int64, count int) (int, error) {
	t.begin("sendfile", out, -1, offsetArg(offset), count)
	return t.transferring(func() (int, abi.Errno) { return t.sendFrom(out, in, offset, count) })
}

// sendfile is do_sendfile.
func (t *Thread) sendfile(outFd, inFd int, offset *int64, count int) (n int, errno abi.Errno) {
	in, counted := t.fdget(inFd)
	if in == nil {
		return -1, abi.EBADF
	}
	defer fdput(in, counted)
	return t.sendFrom(outFd, in, offset, count)
}

// sendFrom is the rest of it, with the file that is read.
func (t *Thread) sendFrom(outFd int, in *vfs.File, offset *int64, count int) (n int, errno abi.Errno) {
	if !in.Readable() {
		return -1, abi.EBADF
	}
	pos := in.Pos
	if offset != nil {
		if _, ok := in.Ops.(vfs.Placed); !ok {
			return -1, abi.ESPIPE
		}
		pos = *offset
	}
	if errno := verifyArea(pos, count); errno != 0 {
		return -1, errno
	}
	count = min(count, mostBytes)
	out, outCounted := t.fdget(outFd)
	if out == nil {
		return -1, abi.EBADF
	}
	defer fdput(out, outCounted)
	if !out.Writable() {
		return -1, abi.EBADF
	}
	outPos := out.Pos
	if p := devices.PipeOf(out); p != nil {
		flags := 0
		if out.NonBlocking() {
			flags = abi.SPLICE_F_NONBLOCK
		}
		n, errno = devices.SpliceToPipe(in, p, &pos, count, flags)
	} else if errno = verifyArea(outPos, count); errno == 0 {
		n, errno = devices.SpliceDirect(in, &pos, out, &outPos, count)
	}
	if n <= 0 || errno != 0 {
		return n, errno
	}
	t.spliced(n)
	in.NotifyAccess()
	out.NotifyModify()
	out.Pos = outPos
	if offset != nil {
		*offset = pos
	} else {
		in.Pos = pos
	}
	return n, 0
}

func (t *Thread) spliced(n int) {
	t.k.sys.Counters.BytesOut += uint64(n)
	t.k.sys.Counters.BytesIn += uint64(n)
}

// verifyArea is rw_verify_area.
func verifyArea(pos int64, count int) abi.Errno {
	if count < 0 || pos < 0 || pos+int64(count) < 0 {
		return abi.EINVAL
	}
	return 0
}

// Splice is splice(2).
func (t *Thread) Splice(in int, inOffset *int64, out int, outOffset *int64, size, flags int) (int, error) {
	inAt, outAt := offsetArg(inOffset), offsetArg(outOffset)
	t.begin("splice", in, inAt, out, outAt, size, flags)
	if size == 0 {
		return t.result(0, 0)
	}
	if flags&^spliceFlags != 0 {
		return t.result(-1, abi.EINVAL)
	}
	return t.transferring(func() (int, abi.Errno) {
		n, errno := t.splice(in, inOffset, out, outOffset, size, flags)
		inAt.left(inOffset)
		outAt.left(outOffset)
		return n, errno
	})
}

// splice is do_splice.
func (t *Thread) splice(inFd int, inOffset *int64, outFd int, outOffset *int64, size, flags int) (int, abi.Errno) {
	return t.between(inFd, outFd, func(in, out *vfs.File) (int, abi.Errno) {
		return t.spliceFiles(in, inOffset, out, outOffset, size, flags)
	})
}

// between calls move with the descriptions of two numbers.
func (t *Thread) between(inFd, outFd int, move func(in, out *vfs.File) (int, abi.Errno)) (int, abi.Errno) {
	in, counted := t.fdget(inFd)
	if in == nil {
		return -1, abi.EBADF
	}
	defer fdput(in, counted)
	out, outCounted := t.fdget(outFd)
	if out == nil {
		return -1, abi.EBADF
	}
	defer fdput(out, outCounted)
	return move(in, out)
}

// SpliceFiles is splice(2) of files that the caller has by another way than their numbers.
func (t *Thread) SpliceFiles(in *vfs.File, inOffset *int64, out *vfs.File, outOffset *int64, size, flags int) (int, error) {
	t.begin("splice", -1, offsetArg(inOffset), -1, offsetArg(outOffset), size, flags)
	return t.transferring(func() (int, abi.Errno) { return t.spliceFiles(in, inOffset, out, outOffset, size, flags) })
}

// spliceFiles is the rest of it, with both files.
func (t *Thread) spliceFiles(in *vfs.File, inOffset *int64, out *vfs.File, outOffset *int64, size, flags int) (n int, errno abi.Errno) {
	from, to := devices.PipeOf(in), devices.PipeOf(out)
	switch {
	case from != nil && inOffset != nil, to != nil && outOffset != nil:
		return -1, abi.ESPIPE
	case !in.Readable() || !out.Writable():
		return -1, abi.EBADF
	case from == nil && to == nil, from == to:
		return -1, abi.EINVAL
	}
	if from != nil && in.NonBlocking() || to != nil && out.NonBlocking() {
		flags |= abi.SPLICE_F_NONBLOCK
	}
	switch {
	case from != nil && to != nil:
		n, errno = from.Splice(to, unsignedSize(size), flags)
	case from != nil:
		n, errno = t.spliceOut(from, out, outOffset, size, flags)
	default:
		n, errno = t.spliceIn(in, inOffset, to, size, flags)
	}
	if n > 0 && errno == 0 {
		t.spliced(n)
		out.NotifyModify()
		in.NotifyAccess()
	}
	return n, errno
}

// unsignedSize is a size_t: a negative one is more than there can be.
func unsignedSize(size int) int {
	if size < 0 {
		return mostBytes
	}
	return size
}

// spliceOut is the case of a pipe and another file.
func (t *Thread) spliceOut(p *devices.Pipe, out *vfs.File, offset *int64, size, flags int) (int, abi.Errno) {
	pos := &out.Pos
	if offset != nil {
		if at, ok := out.Ops.(vfs.Placed); !ok || !at.WritesAt() {
			return -1, abi.EINVAL
		}
		pos = offset
	}
	if out.Flags()&abi.O_APPEND != 0 {
		return -1, abi.EINVAL
	}
	if errno := verifyArea(*pos, size); errno != 0 {
		return -1, errno
	}
	return devices.SpliceFromPipe(p, out, pos, size, flags)
}

// spliceIn is the case of another file and a pipe.
func (t *Thread) spliceIn(in *vfs.File, offset *int64, p *devices.Pipe, size, flags int) (int, abi.Errno) {
	pos := &in.Pos
	if offset != nil {
		if _, ok := in.Ops.(vfs.Placed); !ok {
			return -1, abi.EINVAL
		}
		pos = offset
	}
	if errno := verifyArea(*pos, size); errno != 0 {
		return -1, errno
	}
	return devices.SpliceToPipe(in, p, pos, size, flags)
}

// Tee is tee(2).
func (t *Thread) Tee(in, out, size, flags int) (int, error) {
	t.begin("tee", in, out, size, flags)
	if flags&^spliceFlags != 0 {
		return t.result(-1, abi.EINVAL)
	}
	if size == 0 {
		return t.result(0, 0)
	}
	return t.transferring(func() (int, abi.Errno) {
		return t.between(in, out, func(in, out *vfs.File) (int, abi.Errno) { return t.tee(in, out, size, flags) })
	})
}

// tee is do_tee.
func (t *Thread) tee(in, out *vfs.File, size, flags int) (int, abi.Errno) {
	if !in.Readable() || !out.Writable() {
		return -1, abi.EBADF
	}
	from, to := devices.PipeOf(in), devices.PipeOf(out)
	if from == nil || to == nil || from == to {
		return -1, abi.EINVAL
	}
	if in.NonBlocking() || out.NonBlocking() {
		flags |= abi.SPLICE_F_NONBLOCK
	}
	n, errno := from.Tee(to, unsignedSize(size), flags)
	if n > 0 && errno == 0 {
		t.spliced(n)
		in.NotifyAccess()
		out.NotifyModify()
	}
	return n, errno
}
