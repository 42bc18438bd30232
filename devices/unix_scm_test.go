package devices_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

// scmWorld has a pair that carries descriptors, and a pipe to send: its read end shows HUP when the write end is gone.
type scmWorld struct {
	*unixWorld
	table *vfs.FdTable
	a, b  *vfs.File
	r     *vfs.File
	w     int // the write end, open in table only
}

func newScmWorld(t *testing.T, kind int) *scmWorld {
	s := &scmWorld{unixWorld: newUnixWorld(t, sim.Options{})}
	s.table = s.s.NewFdTable()
	s.a, s.b = s.pair(t, kind|abi.SOCK_NONBLOCK)
	r, w, _ := devices.NewPipe(s.s, abi.O_NONBLOCK, devices.PipeRules{})
	s.r, s.w = r, s.add(w)
	return s
}

func (s *scmWorld) add(f *vfs.File) int {
	fd, _ := s.table.Reserve(0, false)
	s.table.Install(fd, f)
	return fd
}

func (s *scmWorld) close(fd int) {
	f, _ := s.table.Close(fd)
	f.Put()
}

func (s *scmWorld) send(from *vfs.File, data string, fds ...int) int {
	return orMinus(sock(from).Send(from, &devices.Msg{Data: []byte(data), Table: s.table, Rights: fds}))
}

func (s *scmWorld) recv(to *vfs.File, n, room, flags int) (string, *devices.Msg) {
	msg := &devices.Msg{Data: make([]byte, n), Table: s.table, Room: room, Flags: flags}
	got, errno := sock(to).Recv(to, msg)
	if errno != 0 {
		return errno.Name(), msg
	}
	return string(msg.Data[:min(got, n)]), msg
}

// alive reports whether the write end still is open somewhere.
func (s *scmWorld) alive() bool { return mask(s.r)&hup == 0 }

func TestUnixRightsKeepAlive(t *testing.T) {
	for _, kind := range unixKinds {
		for name, drop := range map[string]func(s *scmWorld){
			"plain read":        func(s *scmWorld) { text(s.b, 9, 0) },
			"no room":           func(s *scmWorld) { s.recv(s.b, 9, 0, 0) },
			"receiver closes":   func(s *scmWorld) { s.b.Put() },
			"received, closed":  func(s *scmWorld) { _, msg := s.recv(s.b, 9, 5, 0); s.close(msg.Rights[0]) },
			"peeked, then read": func(s *scmWorld) { _, msg := s.recv(s.b, 9, 5, abi.MSG_PEEK); s.close(msg.Rights[0]); text(s.b, 9, 0) },
		} {
			s := newScmWorld(t, kind)
			require.Equal(t, 1, s.send(s.a, "m", s.w))
			s.close(s.w)
			require.True(t, s.alive(), "in flight")
			require.NoError(t, s.Check())
			drop(s)
			require.False(t, s.alive(), "%s of kind %d", name, kind)
			require.NoError(t, s.Check())
		}
	}
}

func TestUnixRightsOfStreams(t *testing.T) {
	s := newScmWorld(t, abi.SOCK_STREAM)
	for range 2 {
		s.send(s.a, "xy")
	}
	s.send(s.a, "fd", s.w, s.w)
	s.send(s.a, "zz")
	data, msg := s.recv(s.b, 100, 5, 0)
	require.Equal(t, "xyxyfd", data, "not beyond the message with descriptors")
	require.Len(t, msg.Rights, 2)
	require.Same(t, s.table.At(s.w), s.table.At(msg.Rights[0]), "the same description")
	require.Equal(t, "zz", text(s.b, 100, 0))

	require.Zero(t, s.send(s.a, "", s.w), "nothing goes with no bytes")
	require.Equal(t, -int(abi.EBADF), s.send(s.a, "x", s.w, 99))
	require.Equal(t, -int(abi.EINVAL), s.send(s.a, "x", make([]int, 254)...))
	require.Equal(t, "EAGAIN", text(s.b, 1, 0))

	s.send(s.a, "f", s.w, s.w, s.w)
	_, msg = s.recv(s.b, 1, 2, abi.MSG_CMSG_CLOEXEC)
	require.Len(t, msg.Rights, 2)
	require.Equal(t, abi.MSG_CTRUNC, msg.OutFlags)
	require.True(t, s.table.Cloexec(msg.Rights[0]))

	s.table.Limit = 0 // no number is free
	s.send(s.a, "f", s.w)
	data, msg = s.recv(s.b, 1, 5, 0)
	require.Equal(t, "f", data)
	require.Equal(t, abi.MSG_CTRUNC, msg.OutFlags)
}

// TestUnixCycles: sockets that only messages refer to, which lie in queues of such sockets, are thrown away when another
// socket closes; those that somebody can still reach are not.
func TestUnixCycles(t *testing.T) {
	s := newScmWorld(t, abi.SOCK_STREAM)
	closeOne := func() { s.open(t, abi.SOCK_DGRAM, "").Put() }
	a, b := s.pair(t, abi.SOCK_STREAM)
	fa, fb := s.add(a), s.add(b)
	s.send(a, "1", fb, s.w) // b in its own queue
	s.send(b, "2", fa)      // and a in its own
	s.close(s.w)
	s.close(fa)
	closeOne()
	require.True(t, s.alive(), "b is open")
	s.close(fb)
	require.True(t, s.alive(), "nobody has looked yet")
	closeOne()
	require.False(t, s.alive())
	require.NoError(t, s.Check())

	// What lies in the queue of a socket that is reachable stays, and what that has in its queue.
	s = newScmWorld(t, abi.SOCK_STREAM)
	a, b = s.pair(t, abi.SOCK_STREAM)
	fa, fb = s.add(a), s.add(b)
	s.send(a, "1", s.w)
	s.send(s.a, "2", fb)
	for _, fd := range []int{fa, fb, s.w} {
		s.close(fd)
	}
	closeOne()
	require.True(t, s.alive())
	_, msg := s.recv(s.b, 1, 5, 0)
	_, msg = s.recv(s.table.At(msg.Rights[0]), 1, 5, 0)
	s.close(msg.Rights[0])
	require.False(t, s.alive())

	// A connection that nobody accepts belongs to its listener.
	s = newScmWorld(t, abi.SOCK_STREAM)
	l := s.listener(t, abi.SOCK_STREAM, 5)
	fl := s.add(l)
	c := s.open(t, abi.SOCK_STREAM, "")
	require.Zero(t, connect(c, "@l"))
	s.send(c, "1", fl, s.w)
	s.close(s.w)
	s.close(fl)
	closeOne()
	require.False(t, s.alive(), "the listener was in flight to itself")
}
