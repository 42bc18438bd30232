package scenario

import (
	"encoding/binary"
	"fmt"
	"math"

	"go.starlark.net/starlark"
)

var fileRows = []row{
	{sig: "eventfd(initval=0, flags=0)", result: "fd", help: "open a counter; flags: EFD_NONBLOCK, EFD_SEMAPHORE, EFD_CLOEXEC", fn: eventfd},
	{sig: "eventfd_read(fd)", result: "int", help: "read 8 bytes as a number, from whatever fd is", fn: eventfdRead},
	{sig: "eventfd_write(fd, n)", result: "0", help: "write n as 8 bytes, to whatever fd is", fn: eventfdWrite},
	{sig: "pipe()", result: "(read end, write end)", help: "open a pipe", fn: pipe},
	{sig: "pipe2(flags=0)", result: "(read end, write end)", help: "open a pipe; flags: O_NONBLOCK, O_CLOEXEC, O_DIRECT", fn: pipe2},
	{sig: "open(name, flags)", result: "fd", help: "open a file of the run's private directory, or /dev/null", fn: open},
	{sig: "read(fd, n)", result: "bytes", help: `read up to n bytes, b"" at the end of the file`, fn: read},
	{sig: "write(fd, data)", result: "count", help: "write bytes", fn: write},
	{sig: "close(fd)", result: "0", help: "close a file descriptor", fn: closeFd},
	{sig: "close_range(first, last=-1, flags=0)", result: "0",
		help: "close every fd from first to last, -1: all; flags: CLOSE_RANGE_CLOEXEC to mark them close-on-exec instead", fn: closeRange},
	{sig: "lseek(fd, offset, whence=0)", result: "int", help: "move the position in a file; whence: SEEK_SET, SEEK_CUR, SEEK_END", fn: lseek},
	{sig: "dup(fd)", result: "fd", help: "duplicate fd to the lowest free number", fn: dup},
	{sig: "dup2(oldfd, newfd)", result: "fd", help: "duplicate oldfd to newfd, which is closed before", fn: dup2},
	{sig: "dup3(oldfd, newfd, flags=0)", result: "fd", help: "dup2 that refuses equal numbers; flags: O_CLOEXEC", fn: dup3},
	{sig: "fcntl(fd, cmd, arg=0)", result: "int", help: "F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD, F_SETPIPE_SZ, …", fn: fcntl},
	{sig: "ioctl(fd, request, arg=0)", result: "int", help: "FIONREAD, FIONBIO, …: a number in or out", fn: ioctl},
	{sig: "setrlimit(resource, n)", result: "0", help: "set the soft limit; resource: RLIMIT_NOFILE", fn: setrlimit},
}

func eventfd(c *call) (starlark.Value, error) {
	initval, flags := c.mask(), c.flags()
	if c.err != nil {
		return nil, c.err
	}
	return c.int(c.calls.Eventfd2(initval, flags))
}

func eventfdRead(c *call) (starlark.Value, error) {
	fd := c.cint()
	if c.err != nil {
		return nil, c.err
	}
	buf := c.takeBytes(8)
	n, err := c.calls.Read(fd, buf)
	value := binary.LittleEndian.Uint64(buf)
	c.putBytes(buf)
	if err == nil && n != len(buf) {
		return nil, fmt.Errorf("%s: fd %d gave %d bytes, want the 8 of a counter", c.builtin.name, fd, n)
	}
	return c.result(starlark.MakeUint64(value), err)
}

func eventfdWrite(c *call) (starlark.Value, error) {
	fd, value := c.cint(), c.unsigned()
	if c.err != nil {
		return nil, c.err
	}
	buf := c.takeBytes(8)
	binary.LittleEndian.PutUint64(buf, value)
	n, err := c.calls.Write(fd, buf)
	c.putBytes(buf)
	if err == nil && n != len(buf) {
		return nil, fmt.Errorf("%s: fd %d took %d bytes, want the 8 of a counter", c.builtin.name, fd, n)
	}
	return c.zero(err)
}

func pipe(c *call) (starlark.Value, error) { return c.pair(c.calls.Pipe2(0)) }

func pipe2(c *call) (starlark.Value, error) {
	flags := c.flags()
	if c.err != nil {
		return nil, c.err
	}
	return c.pair(c.calls.Pipe2(flags))
}

// pair is the result of a call that opens two files.
func (c *call) pair(fds [2]int, err error) (starlark.Value, error) {
	return c.result(starlark.Tuple{starlark.MakeInt(fds[0]), starlark.MakeInt(fds[1])}, err)
}

func open(c *call) (starlark.Value, error) {
	name, flags := c.text(), c.flags()
	if c.err != nil {
		return nil, c.err
	}
	return c.int(c.calls.Open(name, flags))
}

// mostBytes bounds the buffer of a read: more than any file of the kernel holds.
const mostBytes = 64 << 20

func read(c *call) (starlark.Value, error) {
	fd, size := c.cint(), c.integer(0, mostBytes, "an int from 0 to 64 MiB")
	if c.err != nil {
		return nil, c.err
	}
	buf := c.takeBytes(int(size))
	n, err := c.calls.Read(fd, buf)
	var data starlark.Bytes
	if err == nil {
		data = starlark.Bytes(buf[:n])
	}
	c.putBytes(buf)
	return c.result(data, err)
}

func write(c *call) (starlark.Value, error) {
	fd, buf := c.cint(), c.buffer()
	if c.err != nil {
		return nil, c.err
	}
	n, err := c.calls.Write(fd, buf)
	c.putBytes(buf)
	return c.int(n, err)
}

func closeFd(c *call) (starlark.Value, error) {
	fd := c.cint()
	if c.err != nil {
		return nil, c.err
	}
	return c.zero(c.calls.Close(fd))
}

func closeRange(c *call) (starlark.Value, error) {
	first, last, flags := c.mask(), c.mask(), c.flags()
	if c.err != nil {
		return nil, c.err
	}
	return c.zero(c.calls.CloseRange(first, last, flags))
}

func lseek(c *call) (starlark.Value, error) {
	fd, offset, whence := c.cint(), int64(c.long()), c.cint()
	if c.err != nil {
		return nil, c.err
	}
	pos, err := c.calls.Lseek(fd, offset, whence)
	return c.result(starlark.MakeInt64(pos), err)
}

func dup(c *call) (starlark.Value, error) {
	fd := c.cint()
	if c.err != nil {
		return nil, c.err
	}
	return c.int(c.calls.Dup(fd))
}

func dup2(c *call) (starlark.Value, error) {
	oldfd, newfd := c.cint(), c.cint()
	if c.err != nil {
		return nil, c.err
	}
	return c.int(c.calls.Dup2(oldfd, newfd))
}

func dup3(c *call) (starlark.Value, error) {
	oldfd, newfd, flags := c.cint(), c.cint(), c.flags()
	if c.err != nil {
		return nil, c.err
	}
	return c.int(c.calls.Dup3(oldfd, newfd, flags))
}

func fcntl(c *call) (starlark.Value, error) {
	fd, cmd, arg := c.cint(), c.cint(), c.long()
	if c.err != nil {
		return nil, c.err
	}
	return c.int(c.calls.Fcntl(fd, cmd, arg))
}

func ioctl(c *call) (starlark.Value, error) {
	fd, request, arg := c.cint(), c.integer(0, math.MaxUint32, "an int of 32 bits such as FIONREAD"), int64(c.long())
	if c.err != nil {
		return nil, c.err
	}
	n, err := c.calls.Ioctl(fd, uint(request), arg)
	return c.result(starlark.MakeInt64(n), err)
}

func setrlimit(c *call) (starlark.Value, error) {
	resource, n := c.cint(), c.unsigned()
	if c.err != nil {
		return nil, c.err
	}
	return c.zero(c.calls.Setrlimit(resource, n))
}
