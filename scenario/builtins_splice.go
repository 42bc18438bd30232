package scenario

import (
	"math"

	"go.starlark.net/starlark"
)

var spliceRows = []row{
	{sig: "sendfile(out_fd, in_fd, offset, count)", result: "count",
		help: "move bytes from a file at an offset, None: its position, to any file; or from what can be spliced to a pipe", fn: sendfile},
	{sig: "splice(fd_in, off_in, fd_out, off_out, size, flags=0)", result: "count",
		help: "move bytes from or to a pipe; offsets in the other file, None: its position; flags: SPLICE_F_NONBLOCK, SPLICE_F_MORE", fn: splice},
	{sig: "tee(fd_in, fd_out, size, flags=0)", result: "count", help: "put bytes of a pipe into another one too; flags: SPLICE_F_NONBLOCK", fn: tee},
}

// offset takes a place in a file; nil if None was given.
func (c *call) offset() *int64 {
	v := c.next()
	if v == starlark.None {
		return nil
	}
	n := int64(c.number(v, math.MinInt64, math.MaxInt64, "an int of 64 bits, or None"))
	return &n
}

func sendfile(c *call) (starlark.Value, error) {
	out, in, offset, count := c.cint(), c.cint(), c.offset(), c.long()
	if c.err != nil {
		return nil, c.err
	}
	return c.int(c.calls.Sendfile(out, in, offset, count))
}

func splice(c *call) (starlark.Value, error) {
	in, inOffset, out, outOffset, size, flags := c.cint(), c.offset(), c.cint(), c.offset(), c.long(), c.flags()
	if c.err != nil {
		return nil, c.err
	}
	return c.int(c.calls.Splice(in, inOffset, out, outOffset, size, flags))
}

func tee(c *call) (starlark.Value, error) {
	in, out, size, flags := c.cint(), c.cint(), c.long(), c.flags()
	if c.err != nil {
		return nil, c.err
	}
	return c.int(c.calls.Tee(in, out, size, flags))
}
