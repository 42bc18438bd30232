package scenario

import (
	"go.starlark.net/starlark"
)

var vectorRows = []row{
	{sig: "readv(fd, sizes)", result: "list of bytes", help: "read into buffers of these sizes, one behind the other: what each got", fn: readv, lists: true},
	{sig: "writev(fd, buffers)", result: "count", help: "write several bytes values as one", fn: writev},
	{sig: "pread(fd, n, offset)", result: "bytes", help: "read up to n bytes at a place of the file; its position stays", fn: pread},
	{sig: "pwrite(fd, data, offset)", result: "count", help: "write bytes at a place of the file; its position stays", fn: pwrite},
}

// readv gives a value for each buffer, b"" for those that got nothing.
func readv(c *call) (starlark.Value, error) {
	fd, sizes := c.cint(), c.sizes()
	if c.err != nil {
		return nil, c.err
	}
	iov := make([][]byte, len(sizes))
	for i, n := range sizes {
		iov[i] = make([]byte, n)
	}
	n, err := c.calls.Readv(fd, iov)
	got := make([]starlark.Value, len(iov))
	for i, p := range iov {
		k := min(max(n, 0), len(p))
		got[i] = starlark.Bytes(p[:k])
		n -= k
	}
	return c.result(starlark.NewList(got), err)
}

// sizes takes a list of sizes of buffers.
func (c *call) sizes() []int {
	v := c.next()
	var sizes []int
	total := uint64(0)
	for _, item := range c.sequence(v, "a list of sizes") {
		n := c.number(item, 0, mostBytes, "an int from 0 to 64 MiB")
		if total += n; total > mostBytes {
			c.wrong("more than 64 MiB in all")
			return nil
		}
		sizes = append(sizes, int(n))
	}
	return sizes
}

func writev(c *call) (starlark.Value, error) {
	fd, iov := c.cint(), c.buffers()
	if c.err != nil {
		return nil, c.err
	}
	return c.int(c.calls.Writev(fd, iov))
}

// buffers takes a list of bytes values.
func (c *call) buffers() [][]byte {
	v := c.next()
	var iov [][]byte
	total := 0
	for _, item := range c.sequence(v, "a list of bytes values") {
		p, ok := item.(starlark.Bytes)
		if !ok {
			c.wrong("got %s, want a list of bytes values", given(item))
			return nil
		}
		if total += len(p); total > mostBytes {
			c.wrong("more than 64 MiB in all")
			return nil
		}
		iov = append(iov, []byte(p))
	}
	return iov
}

func pread(c *call) (starlark.Value, error) {
	fd, size, offset := c.cint(), c.integer(0, mostBytes, "an int from 0 to 64 MiB"), int64(c.long())
	if c.err != nil {
		return nil, c.err
	}
	buf := c.takeBytes(int(size))
	n, err := c.calls.Pread64(fd, buf, offset)
	var data starlark.Bytes
	if err == nil {
		data = starlark.Bytes(buf[:n])
	}
	c.putBytes(buf)
	return c.result(data, err)
}

func pwrite(c *call) (starlark.Value, error) {
	fd, buf, offset := c.cint(), c.buffer(), int64(c.long())
	if c.err != nil {
		return nil, c.err
	}
	n, err := c.calls.Pwrite64(fd, buf, offset)
	c.putBytes(buf)
	return c.int(n, err)
}
