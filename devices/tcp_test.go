package devices_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

var anyPort = abi.InetAddr(netip.MustParseAddrPort("127.0.0.1:0"))

// tcpPair returns a connected pair and its listener.
func tcpPair(n *devices.InetNet, family int) (l, c, a *vfs.File) {
	l, _ = n.NewSocket(family, abi.SOCK_STREAM|abi.SOCK_NONBLOCK, 0)
	sock(l).Listen(l, 5)
	c, _ = n.NewSocket(family, abi.SOCK_STREAM|abi.SOCK_NONBLOCK, 0)
	addr, _ := sock(l).Sockname(l)
	sock(c).Connect(c, addr)
	a, _ = sock(l).Accept(l, abi.SOCK_NONBLOCK)
	return l, c, a
}

func TestTcpConnects(t *testing.T) {
	for _, family := range []int{abi.AF_INET, abi.AF_INET6} {
		s := newSystem(t, sim.Options{})
		n := devices.NewInetNet(s)
		_, c, a := tcpPair(n, family)
		require.Equal(t, 5, write(c, []byte("hello")))
		p := make([]byte, 10)
		require.Equal(t, 5, read(a, p))
		require.Equal(t, "hello", string(p[:5]))
		require.Equal(t, -int(abi.EAGAIN), read(a, p))
		c.Put()
		require.Equal(t, 0, read(a, p))
	}
}
