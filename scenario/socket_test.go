package scenario_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/scenario"
)

// The builtins of sockets and what they return.
func TestSocketCalls(t *testing.T) {
	r := onModel(compile(t, `
s = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC)
check(fcntl(s, F_GETFD) == FD_CLOEXEC and getsockname(s) == "")
check(bind(s, "@name") == 0 and listen(s) == 0)
c = socket(AF_UNIX, SOCK_STREAM)
check(connect(c, "@name") == 0 and getpeername(c) == "@name")
a = accept4(s, SOCK_CLOEXEC)
check(fcntl(a, F_GETFD) == FD_CLOEXEC)
check(send(c, b"hello") == 5 and recv(a, 2, MSG_PEEK) == b"he" and recv(a, 9) == b"hello")
check(accept(s) == EAGAIN)
check(setsockopt(a, SOL_SOCKET, SO_LINGER, (1, 5)) == 0 and getsockopt(a, SOL_SOCKET, SO_LINGER) == 1)
check(setsockopt(a, SOL_SOCKET, SO_RCVTIMEO, (0, 20000)) == 0)
t0 = now()
check(recv(a, 1) == EAGAIN and now() - t0 == 20000000)
check(getsockopt(c, SOL_SOCKET, SO_PEERCRED) == getpid())
d, e = socketpair(type = SOCK_DGRAM | SOCK_NONBLOCK)
check(bind(d, "d") == 0)
check(send(d, b"datagram") == 8 and recvfrom(e, 4) == (b"data", "d"))
check(sendto(e, b"x", "d") == 1 and recvfrom(d, 9) == (b"x", ""))
check(sendto(d, b"y", None) == 1 and recv(e, 9, MSG_TRUNC) == b"y")
check(connect(d, None) == 0 and send(d, b"z") == ENOTCONN)
x, y = socketpair()
check(send_fds(x, b"two", [s, d]) == 3)
data, fds = recv_fds(y, 9)
check(data == b"two" and len(fds) == 2 and getsockname(fds[1]) == "d")
check(shutdown(x, SHUT_WR) == 0 and recv_fds(y, 9) == (b"", []))
`), kernel.Options{Check: true})
	require.Nil(t, r.Error, "%v", r.Error)
	require.NoError(t, r.Err)
	assert.Empty(t, r.Failed)
	assert.Empty(t, r.Unlooked)
}

func TestSocketMistakes(t *testing.T) {
	const addr = `want an address: "name", "@abstract", ("127.0.0.1", port) or ("::1", port)`
	for src, want := range map[string]string{
		`bind(3, 5)`:                            "bind: addr: got int 5, " + addr,
		`bind(3, None)`:                         "bind: addr: got None, " + addr,
		`connect(3, ("localhost", 80))`:         `connect: addr: got ("localhost", 80), ` + addr,
		`connect(3, ("127.0.0.1", 70000))`:      "connect: addr: 70000 does not fit, want a port",
		`sendto(3, "x", None)`:                  `sendto: data: got string "x", want bytes: write b"…"`,
		`send_fds(3, b"x", None)`:               "send_fds: fds: got None, want a list of fds",
		`send_fds(3, b"x", ["a"])`:              `send_fds: fds: got string "a", want fds of 32 bits in the list`,
		`recv(3, -1)`:                           "recv: n: -1 does not fit, want an int from 0 to 64 MiB",
		`setsockopt(3, 1, SO_LINGER, (1,))`:     "setsockopt: value: got tuple of 1, want an int of 32 bits, or a pair of ints",
		`setsockopt(3, 1, SO_SNDBUF, "big")`:    `setsockopt: value: got string "big", want an int of 32 bits, or a pair of ints`,
		`setsockopt(3, 1, SO_LINGER, (1, "s"))`: `setsockopt: value: got string "s", want an int of 32 bits, or a pair of ints`,
	} {
		r := onModel(compile(t, src), kernel.Options{})
		require.NotNil(t, r.Error, src)
		assert.Equal(t, "t.star:1:1: "+want, r.Error.Error())
	}
}

// What the model leaves out ends the run, by name.
func TestSocketsNotModelled(t *testing.T) {
	for src, want := range map[string]string{
		`socket(AF_INET6, SOCK_RAW)`:                              "AF_INET6",
		`setsockopt(socketpair()[0], SOL_SOCKET, SO_PASSCRED, 1)`: "SO_PASSCRED",
		`setsockopt(socketpair()[0], SOL_SOCKET, SO_PEEK_OFF, 0)`: "SO_PEEK_OFF",
		`bind(socket(AF_UNIX, SOCK_STREAM), "")`:                  "a name that the kernel chooses",
	} {
		r := onModel(compile(t, src), kernel.Options{})
		require.ErrorContains(t, r.Err, want, src)
		require.ErrorContains(t, r.Err, "not modelled", src)
		require.ErrorContains(t, r.Err, "t.star:1:1: ", src)
		require.Equal(t, scenario.ExitScenario, r.ExitCode(), src)
	}
}
