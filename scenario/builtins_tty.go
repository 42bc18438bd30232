package scenario

import "go.starlark.net/starlark"

var ttyRows = []row{
	{sig: "openpty()", result: "(master, slave)", help: "open a pseudo-terminal: canonical, with echo", fn: openpty},
	{sig: "tcsetraw(fd)", result: "0", help: "turn a terminal, given by either end, raw: cfmakeraw and tcsetattr", fn: tcsetraw},
}

func openpty(c *call) (starlark.Value, error) {
	master, slave, err := c.calls.Openpty()
	return c.pair([2]int{master, slave}, err)
}

func tcsetraw(c *call) (starlark.Value, error) {
	fd := c.cint()
	if c.err != nil {
		return nil, c.err
	}
	return c.zero(c.calls.Tcsetraw(fd))
}
