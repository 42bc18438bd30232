package scenario

import (
	"encoding/binary"
	"fmt"
	"math"

	"go.starlark.net/starlark"
)

var signalfdRows = []row{
	{sig: "signalfd(signals, flags=0, fd=-1)", result: "fd",
		help: "open a file that reads those signals of the list that are pending; fd: change the list of that one; flags: SFD_NONBLOCK, SFD_CLOEXEC", fn: signalfd},
	{sig: "signalfd_read(fd)", result: "signal", help: "read the record of one signal", fn: signalfdRead},
}

var pidfdRows = []row{
	{sig: "pidfd_open(task, flags=0)", result: "fd",
		help: "open a file that is readable when the process, or the process of a number, has ended; flags: PIDFD_NONBLOCK, PIDFD_THREAD", fn: pidfdOpen},
}

func signalfd(c *call) (starlark.Value, error) {
	set := c.signals()
	if set == nil {
		c.wrong("got None, want a list of signals")
	}
	flags, fd := c.flags(), c.cint()
	if c.err != nil {
		return nil, c.err
	}
	return c.int(c.calls.Signalfd4(fd, set, flags))
}

// sizeofSiginfo is the size of struct signalfd_siginfo, which begins with the number of the signal.
const sizeofSiginfo = 128

func signalfdRead(c *call) (starlark.Value, error) {
	fd := c.cint()
	if c.err != nil {
		return nil, c.err
	}
	buf := c.takeBytes(sizeofSiginfo)
	n, err := c.calls.Read(fd, buf)
	sig := binary.LittleEndian.Uint32(buf)
	c.putBytes(buf)
	if err == nil && n != len(buf) {
		return nil, fmt.Errorf("%s: fd %d gave %d bytes, want the %d of a signal", c.builtin.name, fd, n, sizeofSiginfo)
	}
	return c.int(int(sig), err)
}

func pidfdOpen(c *call) (starlark.Value, error) {
	const want = "what spawn or fork returned, or the number of a process"
	pid := 0
	switch t := c.next().(type) {
	case *task:
		pid = t.tid
	case *process:
		pid = t.pid
	case starlark.Int:
		pid = int(c.number(t, math.MinInt32, math.MaxInt32, want))
	default:
		c.wrong("got %s, want %s", given(t), want)
	}
	flags := c.flags()
	if c.err != nil {
		return nil, c.err
	}
	return c.int(c.calls.PidfdOpen(pid, flags))
}
