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
	{sig: "waitid(idtype, id, options=WEXITED)", result: "(code, status)",
		help: "wait until a child has ended: P_PIDFD and a pidfd, P_PID and a process, P_ALL; code: 1 exited, 2 killed, 0 none yet (WNOHANG)", fn: waitid},
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
	pid, flags := c.pid("what spawn or fork returned, or the number of a process"), c.flags()
	if c.err != nil {
		return nil, c.err
	}
	return c.int(c.calls.PidfdOpen(pid, flags))
}

// pid takes the number of a thread or process.
func (c *call) pid(want string) int {
	switch t := c.next().(type) {
	case *task:
		return t.tid
	case *process:
		return t.pid
	case starlark.Int:
		return int(c.number(t, math.MinInt32, math.MaxInt32, want))
	default:
		c.wrong("got %s, want %s", given(t), want)
	}
	return 0
}

func waitid(c *call) (starlark.Value, error) {
	idtype, id, options := c.cint(), c.pid("what fork returned, a pidfd, or the number of a process"), c.flags()
	if c.err != nil {
		return nil, c.err
	}
	child, err := c.calls.Waitid(idtype, id, options)
	return c.result(starlark.Tuple{starlark.MakeInt(int(child.Code)), starlark.MakeInt(child.Status)}, err)
}
