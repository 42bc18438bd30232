package devices_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

// The tables of unix-sockets.md that are not about edges; conform_unix_test.go has those.

var unixKinds = []int{abi.SOCK_STREAM, abi.SOCK_SEQPACKET, abi.SOCK_DGRAM}

// unixWorld is a machine with a name space of sockets.
type unixWorld struct {
	*devices.UnixNet
	s *vfs.System
}

func newUnixWorld(t testing.TB, opts sim.Options) *unixWorld {
	s := newSystem(t, opts)
	return &unixWorld{unixNet(s), s}
}

func (w *unixWorld) pair(t testing.TB, typ int) (a, b *vfs.File) {
	a, b, errno := w.NewPair(typ, 0)
	require.Zero(t, errno)
	return a, b
}

func (w *unixWorld) open(t testing.TB, typ int, name string) *vfs.File {
	f, errno := w.NewSocket(typ, 0)
	require.Zero(t, errno)
	if name != "" {
		require.Zero(t, sock(f).Bind(f, abi.UnixAddr(name)))
	}
	return f
}

// listener listens at @l.
func (w *unixWorld) listener(t testing.TB, typ, backlog int) *vfs.File {
	l := w.open(t, typ, "@l")
	require.Zero(t, sock(l).Listen(l, backlog))
	return l
}

func sock(f *vfs.File) devices.Socket { return f.Ops.(devices.Socket) }

// connect, accept, shut, send and recv return a count or minus the errno.
func connect(f *vfs.File, name string) int { return -int(sock(f).Connect(f, abi.UnixAddr(name))) }
func shut(f *vfs.File, how int) int        { return -int(sock(f).Shutdown(f, how)) }

func accept(f *vfs.File, flags int) (*vfs.File, int) {
	s, errno := sock(f).Accept(f, flags)
	return s, -int(errno)
}

func sendFlags(f *vfs.File, data string, flags int) int {
	n, errno := sock(f).Send(f, &devices.Msg{Data: []byte(data), Flags: flags})
	return orMinus(n, errno)
}

func recvFlags(f *vfs.File, n, flags int) (string, int) {
	p := make([]byte, n)
	got, errno := sock(f).Recv(f, &devices.Msg{Data: p, Flags: flags})
	return string(p[:min(got, n)]), orMinus(got, errno)
}

// text is a read as a line: the bytes, or the errno.
func text(f *vfs.File, n, flags int) string {
	data, got := recvFlags(f, n, flags)
	if got < 0 {
		return abi.Errno(-got).Name()
	}
	return data
}

func orMinus(n int, errno abi.Errno) int {
	if errno != 0 {
		return -int(errno)
	}
	return n
}

func option(f *vfs.File, name, value int) int {
	return -int(sock(f).Setsockopt(f, abi.SOL_SOCKET, name, devices.OptionValue{A: value}))
}

func getOption(f *vfs.File, name int) int {
	return orMinus(sock(f).Getsockopt(f, abi.SOL_SOCKET, name))
}

func errorName(n int) string {
	if n >= 0 {
		return "ok"
	}
	return abi.Errno(-n).Name()
}

// plain is a mask without the twins.
func plain(f *vfs.File) string {
	return (mask(f) &^ (abi.EPOLLRDNORM | abi.EPOLLWRNORM | abi.EPOLLWRBAND)).Short()
}

// TestUnixThresholds is the table of measured thresholds: writes until EAGAIN, the bytes after which OUT is lost, and the
// reads after which it is back.
func TestUnixThresholds(t *testing.T) {
	for _, c := range []struct {
		kind, chunk, sndbuf        int
		writes, bytes, lost, reads int
	}{
		{abi.SOCK_STREAM, 1, 0, 278, 278, 70, 209},
		{abi.SOCK_STREAM, 1000, 0, 93, 93000, 24000, 70},
		{abi.SOCK_STREAM, 4096, 0, 44, 180224, 45056, 34},
		{abi.SOCK_STREAM, 8192, 0, 24, 196608, 49152, 19},
		{abi.SOCK_STREAM, 16384, 0, 13, 212992, 65536, 10},
		{abi.SOCK_STREAM, 65536, 0, 4, 233152, 65536, 3},
		{abi.SOCK_STREAM, 1 << 20, 0, 1, 219264, 219264, 1},
		{abi.SOCK_DGRAM, 1, 0, 278, 278, 70, 209},
		{abi.SOCK_DGRAM, 4096, 0, 26, 106496, 28672, 20},
		{abi.SOCK_DGRAM, 16384, 0, 11, 180224, 49152, 9},
		{abi.SOCK_DGRAM, 65536, 0, 4, 262144, 65536, 4},
		{abi.SOCK_SEQPACKET, 1, 0, 278, 278, 70, 209},
		{abi.SOCK_SEQPACKET, 65536, 0, 4, 262144, 65536, 4},
		{abi.SOCK_STREAM, 1, 1, 6, 6, 2, 5},
	} {
		name := fmt.Sprintf("%s by %d", abi.Flags("SOCK", int64(c.kind)), c.chunk)
		w := newUnixWorld(t, sim.Options{})
		a, b := w.pair(t, c.kind|abi.SOCK_NONBLOCK)
		if c.sndbuf > 0 {
			require.Zero(t, option(a, abi.SO_SNDBUF, c.sndbuf))
			require.Equal(t, 4608, getOption(a, abi.SO_SNDBUF))
		}
		writes, bytes, lost := 0, 0, 0
		for data := make([]byte, c.chunk); ; writes++ {
			n := write(a, data)
			if n == again {
				break
			}
			if bytes += n; lost == 0 && mask(a)&out == 0 {
				lost = bytes
			}
		}
		require.Equal(t, []int{c.writes, c.bytes, c.lost}, []int{writes, bytes, lost}, name)
		reads := 0
		for ; mask(a)&out == 0; reads++ {
			require.Positive(t, read(b, make([]byte, c.chunk)), name)
		}
		require.Equal(t, c.reads, reads, name)
		require.NoError(t, w.Check())
	}
}

// TestUnixCosts is the table of what one message is charged.
func TestUnixCosts(t *testing.T) {
	for size, want := range map[int][2]int{
		1: {768, 768}, 192: {768, 768}, 193: {1280, 1280}, 704: {1280, 1280}, 705: {2304, 2304}, 1728: {2304, 2304}, 1729: {4352, 4352},
		3776: {4352, 4352}, 4096: {4864, 8448}, 5000: {6400, 8448}, 8192: {8960, 16640}, 16384: {17152, 20736}, 32768: {33536, 37120},
		36544: {37120, 37120}, 65536: {67072, 69888}, 106432: {108288, 135424}, 200000: {204288, 200960},
	} {
		for i, kind := range []int{abi.SOCK_STREAM, abi.SOCK_DGRAM} {
			w := newUnixWorld(t, sim.Options{})
			a, _ := w.pair(t, kind|abi.SOCK_NONBLOCK)
			require.Equal(t, size, write(a, make([]byte, size)))
			outq, _ := a.Ops.(vfs.Ioctler).Ioctl(a, abi.TIOCOUTQ, 0)
			require.Equal(t, want[i], int(outq), "%d bytes, kind %d", size, kind)
		}
	}
}

func TestUnixCreation(t *testing.T) {
	w := newUnixWorld(t, sim.Options{})
	for _, c := range []struct {
		typ, proto int
		errno      abi.Errno
	}{
		{abi.SOCK_STREAM, 1, 0}, {abi.SOCK_RAW, 0, 0}, {abi.SOCK_STREAM, 2, abi.EPROTONOSUPPORT}, {abi.SOCK_RDM, 0, abi.ESOCKTNOSUPPORT},
		{abi.SOCK_PACKET, 0, abi.ESOCKTNOSUPPORT}, {abi.SOCK_PACKET, 2, abi.EPROTONOSUPPORT},
	} {
		_, errno := w.NewSocket(c.typ, c.proto)
		require.Equal(t, c.errno, errno, "%+v", c)
		_, _, errno = w.NewPair(c.typ, c.proto)
		require.Equal(t, c.errno, errno, "%+v", c)
	}
	raw := w.open(t, abi.SOCK_RAW, "")
	require.Equal(t, abi.SOCK_DGRAM, getOption(raw, abi.SO_TYPE))
}

// TestUnixMasks is the table of situations.
func TestUnixMasks(t *testing.T) {
	for _, kind := range unixKinds[:2] {
		w := newUnixWorld(t, sim.Options{})
		f := w.open(t, kind|abi.SOCK_NONBLOCK, "")
		require.Equal(t, "OUT|HUP", plain(f))
		shut(f, abi.SHUT_RDWR)
		require.Equal(t, "IN|OUT|HUP|RDHUP", plain(f))
		l := w.listener(t, kind|abi.SOCK_NONBLOCK, 5)
		require.Equal(t, "0", plain(l))
		c := w.open(t, kind|abi.SOCK_NONBLOCK, "")
		require.Zero(t, connect(c, "@l"))
		require.Equal(t, "IN", plain(l))
		require.Equal(t, "OUT", plain(c))
		s, _ := accept(l, abi.SOCK_NONBLOCK)
		require.Equal(t, "0", plain(l))
		require.Equal(t, "OUT", plain(s))
		shut(l, abi.SHUT_RD)
		require.Equal(t, "IN|RDHUP", plain(l))
		shut(l, abi.SHUT_RDWR)
		require.Equal(t, "IN|HUP|RDHUP", plain(l))
	}
	w := newUnixWorld(t, sim.Options{})
	d := w.open(t, abi.SOCK_DGRAM|abi.SOCK_NONBLOCK, "")
	require.Equal(t, "OUT", plain(d))
	shut(d, abi.SHUT_RD)
	require.Equal(t, "IN|OUT|RDHUP", plain(d))
	require.Equal(t, "EAGAIN", text(d, 1, 0), "though poll says IN")
	shut(d, abi.SHUT_WR)
	require.Equal(t, "IN|OUT|HUP|RDHUP", plain(d))
}

// TestUnixShutdownTable: A acts; what then A and B read and write, and their masks.
func TestUnixShutdownTable(t *testing.T) {
	rd, wr, rdwr := func(a *vfs.File) { shut(a, abi.SHUT_RD) }, func(a *vfs.File) { shut(a, abi.SHUT_WR) }, func(a *vfs.File) { shut(a, abi.SHUT_RDWR) }
	for _, kind := range unixKinds[:2] {
		for _, c := range []struct {
			name         string
			do           func(a *vfs.File)
			aMask, bMask string
			aRead, aW    string
			bRead, bW    string
		}{
			{"RD", rd, "IN|OUT|RDHUP", "OUT", "x,,", "ok", "EAGAIN", "EPIPE"},
			{"WR", wr, "IN|OUT", "IN|OUT|RDHUP", "x,EAGAIN,EAGAIN", "EPIPE", "", "ok"},
			{"RDWR", rdwr, "IN|OUT|HUP|RDHUP", "IN|OUT|HUP|RDHUP", "x,,", "EPIPE", "", "EPIPE"},
		} {
			w := newUnixWorld(t, sim.Options{})
			a, b := w.pair(t, kind|abi.SOCK_NONBLOCK)
			write(b, []byte("x"))
			c.do(a)
			require.Equal(t, strings.Replace(c.aMask, "OUT", "OUT", 1), plain(a), c.name)
			require.Equal(t, c.bMask, plain(b), c.name)
			require.Equal(t, c.bW, errorName(sendFlags(b, "y", abi.MSG_NOSIGNAL)), "%s: B write", c.name)
			first := text(a, 1, 0)
			if c.bW == "ok" {
				text(a, 1, 0)
			}
			require.Equal(t, c.aRead, first+","+text(a, 1, 0)+","+text(a, 1, 0), "%s: A read", c.name)
			require.Equal(t, c.bRead, text(b, 1, 0), "%s: B read", c.name)
			require.Equal(t, c.aW, errorName(sendFlags(a, "z", abi.MSG_NOSIGNAL)), "%s: A write", c.name)
		}
	}
}

// TestUnixCloseTable: A closes; what B still reads and writes.
func TestUnixCloseTable(t *testing.T) {
	for _, c := range []struct {
		kind   int
		unread bool
		reads  string
		writes string
	}{
		{abi.SOCK_STREAM, false, "d||", "EPIPE EPIPE"},
		{abi.SOCK_STREAM, true, "d|ECONNRESET|", "EPIPE EPIPE"},
		{abi.SOCK_SEQPACKET, false, "d||", "EPIPE EPIPE"},
		{abi.SOCK_SEQPACKET, true, "ECONNRESET|d|", "ECONNRESET EPIPE"},
		{abi.SOCK_DGRAM, false, "d|EAGAIN|EAGAIN", "ECONNREFUSED ENOTCONN"},
		{abi.SOCK_DGRAM, true, "d|EAGAIN|EAGAIN", "ECONNREFUSED ENOTCONN"},
	} {
		closed := func() *vfs.File {
			w := newUnixWorld(t, sim.Options{})
			a, b := w.pair(t, c.kind|abi.SOCK_NONBLOCK)
			write(a, []byte("d"))
			if c.unread {
				write(b, []byte("x"))
			}
			a.Put()
			return b
		}
		b := closed()
		require.Equal(t, c.reads, text(b, 9, 0)+"|"+text(b, 9, 0)+"|"+text(b, 9, 0), "%+v", c)
		b = closed()
		require.Equal(t, c.writes, errorName(sendFlags(b, "y", 0))+" "+errorName(sendFlags(b, "y", 0)), "%+v", c)
		if c.kind == abi.SOCK_DGRAM {
			require.Equal(t, "OUT", plain(b), "what was queued is gone too")
		} else if c.unread {
			b = closed()
			require.Equal(t, int(abi.ECONNRESET), getOption(b, abi.SO_ERROR))
			require.Zero(t, getOption(b, abi.SO_ERROR))
		}
	}
}

// TestUnixSigpipe: a stream raises it where nothing was sent, the others never do.
func TestUnixSigpipe(t *testing.T) {
	for _, kind := range unixKinds {
		w := newUnixWorld(t, sim.Options{})
		th := spawn(w.s, "main", func(*sim.Task) {
			a, b := w.pair(t, kind|abi.SOCK_NONBLOCK)
			shut(a, abi.SHUT_WR)
			require.Equal(t, -int(abi.EPIPE), sendFlags(a, "x", abi.MSG_NOSIGNAL))
			require.Equal(t, -int(abi.EPIPE), sendFlags(a, "x", 0))
			if kind == abi.SOCK_STREAM {
				require.Zero(t, sendFlags(b, "", 0))
			}
		})
		require.NoError(t, w.s.M.Run())
		want := 0
		if kind == abi.SOCK_STREAM {
			want = 1
		}
		require.Equal(t, want, th.sigpipes)
	}
}

func TestUnixStreamMerges(t *testing.T) {
	w := newUnixWorld(t, sim.Options{})
	a, b := w.pair(t, abi.SOCK_STREAM|abi.SOCK_NONBLOCK)
	for _, s := range []string{"ab", "cd", "ef"} {
		write(a, []byte(s))
	}
	require.Equal(t, "abc", text(b, 3, 0))
	require.Equal(t, "def", text(b, 9, abi.MSG_PEEK))
	require.Equal(t, "def", text(b, 9, 0))
	require.Zero(t, read(b, nil))
	r, q := w.pair(t, abi.SOCK_SEQPACKET|abi.SOCK_NONBLOCK)
	write(r, []byte("abc"))
	write(r, nil)
	_, n := recvFlags(q, 1, abi.MSG_PEEK|abi.MSG_TRUNC)
	require.Equal(t, 3, n)
	require.Equal(t, "ab", text(q, 2, 0))
	require.Zero(t, read(q, nil), "and an empty record stays")
	require.Equal(t, "", text(q, 2, 0))
	require.Equal(t, "EAGAIN", text(q, 2, 0))
}

func TestUnixOob(t *testing.T) {
	w := newUnixWorld(t, sim.Options{})
	a, b := w.pair(t, abi.SOCK_STREAM|abi.SOCK_NONBLOCK)
	require.Equal(t, 3, sendFlags(a, "abU", abi.MSG_OOB))
	require.Equal(t, "IN|PRI|OUT", plain(b))
	require.Equal(t, "ab", text(b, 9, 0), "stops before it")
	mark, _ := b.Ops.(vfs.Ioctler).Ioctl(b, abi.SIOCATMARK, 0)
	require.EqualValues(t, 1, mark)
	require.Equal(t, "U", text(b, 9, abi.MSG_OOB|abi.MSG_PEEK))
	require.Equal(t, "U", text(b, 9, abi.MSG_OOB))
	require.Equal(t, "EINVAL", text(b, 9, abi.MSG_OOB))
	require.Equal(t, "IN|OUT", plain(b), "IN, though nothing is there")
	require.Equal(t, "EAGAIN", text(b, 9, 0))
	require.Equal(t, "OUT", plain(b))

	sendFlags(a, "1", abi.MSG_OOB)
	sendFlags(a, "2", abi.MSG_OOB) // moves the mark
	require.Equal(t, "1", text(b, 9, 0))
	write(a, []byte("c"))
	require.Equal(t, "c", text(b, 9, 0), "a read that begins with it skips it")
	unread, _ := b.Ops.(vfs.Ioctler).Ioctl(b, abi.FIONREAD, 0)
	require.EqualValues(t, 1, unread, "which FIONREAD never forgets")

	require.Zero(t, option(b, abi.SO_OOBINLINE, 1))
	sendFlags(a, "xV", abi.MSG_OOB)
	require.Equal(t, "EINVAL", text(b, 9, abi.MSG_OOB))
	require.Equal(t, "x", text(b, 9, 0))
	require.Equal(t, "V", text(b, 9, 0))
	require.Equal(t, -int(abi.EOPNOTSUPP), sendFlags(a, "", abi.MSG_OOB))
	require.NoError(t, w.Check())
}

func TestUnixNames(t *testing.T) {
	w := newUnixWorld(t, sim.Options{})
	bind := func(f *vfs.File, name string) string { return errorName(-int(sock(f).Bind(f, abi.UnixAddr(name)))) }
	long := strings.Repeat("n", 108)
	a, b, d := w.open(t, abi.SOCK_STREAM, ""), w.open(t, abi.SOCK_STREAM, ""), w.open(t, abi.SOCK_DGRAM, "")
	require.Equal(t, "EINVAL", bind(a, long+"n"))
	require.Equal(t, "EINVAL", bind(a, "@"+long))
	require.Equal(t, "ENOENT", bind(a, "no/dir"))
	require.Equal(t, "EINVAL", errorName(-int(sock(a).Bind(a, abi.Sockaddr{Family: abi.AF_INET}))))
	require.Equal(t, "ok", bind(a, "@n"))
	require.Equal(t, "EADDRINUSE", bind(b, "@n"))
	require.Equal(t, "ok", bind(d, "@n"), "types do not share names")
	require.Equal(t, "EINVAL", bind(a, "@n"), "twice")
	require.Equal(t, "EINVAL", bind(a, "path"), "the path is taken away again")
	require.Equal(t, "ok", bind(b, "path"))
	require.Equal(t, "EADDRINUSE", bind(a, "path"), "before it is found that a has a name")
	addr, _ := sock(b).Sockname(b)
	require.Equal(t, abi.UnixAddr("path"), addr)
	_, errno := sock(b).Peername(b)
	require.Equal(t, abi.ENOTCONN, errno)

	c := w.open(t, abi.SOCK_STREAM|abi.SOCK_NONBLOCK, "")
	require.Equal(t, "ECONNREFUSED", errorName(connect(c, "@n")), "not listening")
	require.Equal(t, "ECONNREFUSED", errorName(connect(c, "@other")))
	require.Equal(t, "ENOENT", errorName(connect(c, "other")))
	q := w.open(t, abi.SOCK_SEQPACKET, "")
	require.Equal(t, "EPROTOTYPE", errorName(connect(q, "path")))
	b.Put()
	require.Equal(t, "ECONNREFUSED", errorName(connect(c, "path")), "a path outlives its socket")
	a.Put()
	require.Equal(t, "ok", bind(c, "@n"), "an abstract name does not")
}

func TestUnixConnectErrors(t *testing.T) {
	w := newUnixWorld(t, sim.Options{})
	typ := abi.SOCK_STREAM | abi.SOCK_NONBLOCK
	l := w.listener(t, typ, 1)
	require.Equal(t, "EINVAL", errorName(connect(l, "@l")))
	c := w.open(t, typ, "")
	require.Equal(t, -int(abi.EINVAL), read(c, make([]byte, 1)))
	require.Equal(t, -int(abi.ENOTCONN), write(c, []byte("x")))
	require.Zero(t, connect(c, "@l"))
	require.Equal(t, "EISCONN", errorName(connect(c, "@l")))
	require.Equal(t, 2, write(c, []byte("hi")), "before it is accepted")
	d := w.open(t, typ, "")
	require.Zero(t, connect(d, "@l"))
	e := w.open(t, typ, "")
	require.Equal(t, again, connect(e, "@l"), "one more than the backlog are in the queue")
	s, _ := accept(l, 0)
	require.Equal(t, "hi", text(s, 9, 0))
	require.False(t, s.NonBlocking(), "not inherited")
	require.Zero(t, connect(e, "@l"))
	addr, _ := sock(e).Peername(e)
	require.Equal(t, abi.UnixAddr("@l"), addr)
	shut(l, abi.SHUT_RD)
	g := w.open(t, typ, "")
	require.Equal(t, "ECONNREFUSED", errorName(connect(g, "@l")))
	for range 2 {
		_, n := accept(l, 0)
		require.Zero(t, n, "what is pending is still accepted")
	}
	_, n := accept(l, 0)
	require.Equal(t, again, n)
	_, n = accept(c, 0)
	require.Equal(t, -int(abi.EINVAL), n)
	dg := w.open(t, abi.SOCK_DGRAM, "@d")
	_, n = accept(dg, 0)
	require.Equal(t, -int(abi.EOPNOTSUPP), n)
	require.Equal(t, abi.EOPNOTSUPP, sock(dg).Listen(dg, 1))
	require.Equal(t, abi.EINVAL, sock(c).Listen(c, 1), "no name")
	require.NoError(t, w.Check())
}

func TestUnixDatagramErrors(t *testing.T) {
	w := newUnixWorld(t, sim.Options{})
	typ := abi.SOCK_DGRAM | abi.SOCK_NONBLOCK
	sendto := func(f *vfs.File, name string) string {
		addr := abi.UnixAddr(name)
		return errorName(orMinus(sock(f).Send(f, &devices.Msg{Data: []byte("x"), Name: &addr})))
	}
	s, c, d := w.open(t, typ, "@s"), w.open(t, typ, "@c"), w.open(t, typ, "")
	require.Equal(t, "ENOTCONN", errorName(sendFlags(c, "x", 0)))
	require.Equal(t, "EINVAL", sendto(c, ""))
	require.Equal(t, "ECONNREFUSED", sendto(c, "@nobody"))
	require.Equal(t, "ENOENT", sendto(c, "nobody"))
	require.Equal(t, "ok", sendto(c, "@s"))
	require.Zero(t, connect(s, "@c"))
	require.Equal(t, "EPERM", sendto(d, "@s"), "it is connected to another")
	require.Equal(t, "EPERM", errorName(connect(d, "@s")))
	require.Equal(t, "ok", sendto(c, "@s"))
	msg := devices.Msg{Data: make([]byte, 9), Name: &abi.Sockaddr{}}
	n, _ := sock(s).Recv(s, &msg)
	require.Equal(t, 1, n)
	require.Equal(t, abi.UnixAddr("@c"), *msg.Name)
	shut(s, abi.SHUT_RD)
	require.Equal(t, "EPIPE", sendto(c, "@s"))
	require.Equal(t, "EOPNOTSUPP", errorName(sendFlags(c, "x", abi.MSG_OOB)))

	// Who disconnects from a peer that still is connected, with messages unread: they are lost, and the peer is told.
	e, f := w.open(t, typ, "@e"), w.open(t, typ, "@f")
	require.Zero(t, connect(e, "@f"))
	require.Zero(t, connect(f, "@e"))
	require.Equal(t, 1, write(f, []byte("x")))
	require.Zero(t, sock(e).Connect(e, abi.Sockaddr{}))
	require.Equal(t, "OUT|ERR", plain(f))
	require.Equal(t, "OUT", plain(e))
	require.Equal(t, "ECONNRESET", errorName(write(f, []byte("x"))))
}

// TestUnixOptions: what is stored is read back, and what has no meaning is refused.
func TestUnixOptions(t *testing.T) {
	w := newUnixWorld(t, sim.Options{})
	a, _ := w.pair(t, abi.SOCK_STREAM)
	for _, c := range []struct{ name, set, get int }{
		{abi.SO_SNDBUF, 5000, 10000}, {abi.SO_SNDBUF, 1, 4608}, {abi.SO_SNDBUF, -1, 8388608}, {abi.SO_RCVBUF, 1, 2304}, {abi.SO_RCVBUF, 5000, 10000},
		{abi.SO_RCVLOWAT, 0, 1}, {abi.SO_RCVLOWAT, -1, 1<<31 - 1}, {abi.SO_KEEPALIVE, 7, 1}, {abi.SO_OOBINLINE, 1, 1},
	} {
		require.Zero(t, option(a, c.name, c.set))
		require.Equal(t, c.get, getOption(a, c.name), "%+v", c)
	}
	for name, errno := range map[int]abi.Errno{
		abi.SO_TYPE: abi.ENOPROTOOPT, abi.SO_SNDLOWAT: abi.ENOPROTOOPT, abi.SO_LINGER: abi.EINVAL, abi.SO_RCVTIMEO: abi.EINVAL, abi.SO_REUSEPORT: abi.EOPNOTSUPP,
	} {
		require.Equal(t, -int(errno), option(a, name, 1))
	}
	timeval := func(sec, usec int) abi.Errno {
		return sock(a).Setsockopt(a, abi.SOL_SOCKET, abi.SO_RCVTIMEO, devices.OptionValue{A: sec, B: usec, Pair: true})
	}
	require.Equal(t, abi.EDOM, timeval(1, 1_000_000))
	require.Zero(t, timeval(3, 5))
	require.Equal(t, 3, getOption(a, abi.SO_RCVTIMEO))
	require.Equal(t, abi.EOPNOTSUPP, sock(a).Setsockopt(a, abi.SOL_TCP, 1, devices.OptionValue{}))

	// What the model leaves out ends the run, by name.
	w = newUnixWorld(t, sim.Options{})
	spawn(w.s, "main", func(*sim.Task) {
		a, _ := w.pair(t, abi.SOCK_STREAM)
		option(a, abi.SO_PASSCRED, 1)
	})
	var refused *devices.NotModelledError
	require.True(t, errors.As(w.s.M.Run(), &refused))
	require.ErrorContains(t, refused, "SO_PASSCRED")
}

func TestUnixCheckFindsWhatIsWrong(t *testing.T) {
	for name, spoil := range map[string]func(r *devices.RawUnix){
		"charge":   func(r *devices.RawUnix) { r.Outq(1) },
		"length":   func(r *devices.RawUnix) { r.Length(1) },
		"consumed": func(r *devices.RawUnix) { r.Consume(99) },
		"inflight": func(r *devices.RawUnix) { r.Inflight(1) },
		"refs":     func(r *devices.RawUnix) { r.Refs(-9) },
		"oob":      func(r *devices.RawUnix) { r.ForeignOob() },
	} {
		w := newUnixWorld(t, sim.Options{})
		a, b := w.pair(t, abi.SOCK_STREAM)
		write(a, []byte("x"))
		require.NoError(t, w.Check())
		spoil((*devices.RawUnix)(devices.UnixOf(b)))
		require.Error(t, w.Check(), name)
	}
}

func TestUnixState(t *testing.T) {
	w := newUnixWorld(t, sim.Options{})
	a, b := w.pair(t, abi.SOCK_STREAM)
	write(a, []byte("xy"))
	shut(b, abi.SHUT_WR)
	require.Equal(t, &devices.UnixState{
		ID: "unix#2", Kind: "SOCK_STREAM", State: "ESTABLISHED", Peer: "unix#1", Shutdown: "WR", Sndbuf: 212992, Backlog: 10,
		Queue: []devices.UnixMessage{{From: "unix#1", Unread: 2, Cost: 768}}, Wq: []string{},
	}, devices.UnixOf(b).State())
}

func TestUnixAllocatesNothing(t *testing.T) {
	for _, kind := range unixKinds {
		w := newUnixWorld(t, sim.Options{})
		a, b := w.pair(t, kind|abi.SOCK_NONBLOCK)
		watch(b, in)
		p := make([]byte, 5000)
		cycle := func() {
			for range 10 {
				write(a, p)
			}
			for read(b, p) > 0 {
			}
		}
		cycle()
		require.Zero(t, testing.AllocsPerRun(100, cycle))
	}
}
