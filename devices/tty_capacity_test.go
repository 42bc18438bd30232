package devices_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/vfs"
	"github.com/epollsim/epollsim/waitqueue"
)

// fillTty writes until EAGAIN and returns how much fitted.
func fillTty(f *vfs.File, chunk int) (total int) {
	p := []byte(strings.Repeat("x", chunk))
	for n := write(f, p); n > 0; n = write(f, p) {
		total += n
	}
	return total
}

// TestTtyCapacity: what the sheet measured. Where that varies, with the worker, the model is within it.
func TestTtyCapacity(t *testing.T) {
	p := still(t)
	p.modes(rawModes)
	require.Equal(t, 20480, fillTty(p.slave, 1), "raw, bytewise")
	require.Equal(t, again, write(p.slave, []byte("x")))
	require.Equal(t, none, mask(p.slave))
	require.Equal(t, 4095, read(p.master, p.readBuf), "one buffer per read")
	require.NoError(t, p.check())

	p = still(t)
	p.modes(rawModes)
	n := fillTty(p.slave, 4096)
	require.GreaterOrEqual(t, n, 11776)
	require.LessOrEqual(t, n, 15872)
	total := 0
	for n := read(p.master, p.readBuf); n > 0; n = read(p.master, p.readBuf) {
		require.LessOrEqual(t, n, 4095)
		total += n
	}
	require.Equal(t, n, total)
	require.Zero(t, devices.TtyOf(p.master).State().Transport)

	// The sheet has about 9737 for canonical output, where the worker has not kept up. In steps that it has kept up with,
	// Linux takes as much as the model (TestTtyLikeHost); the bound is by memory here.
	p = still(t)
	n = fillTty(p.slave, 4096)
	require.GreaterOrEqual(t, n, 9737)
	require.LessOrEqual(t, n, 15872)
}

// TestTtyFilled is the row of the edge table about a full transport.
func TestTtyFilled(t *testing.T) {
	p := still(t)
	p.modes(rawModes)
	fillTty(p.slave, 4096)
	ms, ss := watchAll(p.master), watchAll(p.slave)
	ms.harvest()
	ss.harvest()
	require.Equal(t, again, write(p.slave, []byte("x")))
	require.Equal(t, "- / - / -", ss.harvest(), "the write is told of, but there is no room")
	read(p.master, p.readBuf[:1000])
	require.Equal(t, "- / - / -", ss.harvest(), "more than 128 bytes are left")
	require.Equal(t, "IN|OUT / IN / -", ms.harvest(), "refilled")
	read(p.master, p.readBuf[:4095])
	require.Equal(t, "IN|OUT / IN / -", ms.harvest(), "refilled")
	require.Equal(t, "OUT / - / OUT", ss.harvest())
}

// TestTtyOverflow: a line beyond the buffer loses what comes last, and can still be ended.
func TestTtyOverflow(t *testing.T) {
	p := still(t)
	p.modes(noEcho)
	log := record(map[string]*waitqueue.Head{"m": devices.TtyOf(p.master).WriteWait()})
	require.Equal(t, 5000, write(p.master, []byte(strings.Repeat("a", 4094)+strings.Repeat("b", 906))))
	require.Equal(t, []string{"m OUT interruptible one", "m OUT interruptible one"}, *log, "of the write, and pty_unthrottle")
	require.Equal(t, none, mask(p.slave)&in)
	require.NotZero(t, mask(p.master)&out)
	require.Equal(t, 1, write(p.master, []byte("\n")))
	require.Equal(t, 4096, read(p.slave, p.readBuf))
	require.Equal(t, "ab\n", string(p.readBuf[4093:4096]))
	require.NoError(t, p.check())
}

// TestTtyLookahead: ^S and ^Q act although what stands before them has no room.
func TestTtyLookahead(t *testing.T) {
	p := still(t)
	p.modes(noEcho)
	write(p.master, []byte("a\n"+strings.Repeat("x", 4200)))
	require.NotZero(t, devices.TtyOf(p.slave).State().Transport)
	write(p.master, []byte("\x13"))
	require.True(t, devices.TtyOf(p.slave).State().Stopped)
	write(p.master, []byte("\x11"))
	require.False(t, devices.TtyOf(p.slave).State().Stopped)
	ttyIoctl(p.slave, abi.TCXONC, abi.TCOOFF)
	read(p.slave, p.readBuf)
	require.True(t, devices.TtyOf(p.slave).State().Stopped, "the ^S and ^Q that are read now have been obeyed")
}
