package scenario

import "go.starlark.net/starlark"

var fifoRows = []row{
	{sig: "mkfifo(name)", result: "0", help: "make a FIFO in the run's private directory, for open", fn: mkfifo},
}

func mkfifo(c *call) (starlark.Value, error) {
	name := c.text()
	if c.err != nil {
		return nil, c.err
	}
	return c.zero(c.calls.Mkfifo(name))
}
