package kernel_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
)

// udpPair is two sockets that are connected to each other.
func udpPair(t kernel.Calls) [2]int {
	addr := [2]abi.Sockaddr{
		abi.InetAddr(netip.MustParseAddrPort("127.0.0.1:1")), abi.InetAddr(netip.MustParseAddrPort("127.0.0.1:2")),
	}
	var fds [2]int
	for i := range fds {
		fds[i] = must(t.Socket(abi.AF_INET, abi.SOCK_DGRAM|abi.SOCK_NONBLOCK, 0))
		must(0, t.Bind(fds[i], addr[i]))
	}
	for i := range fds {
		must(0, t.Connect(fds[i], addr[1-i]))
	}
	return fds
}

// A datagram of 64 bytes there and one back, each a write, an epoll_wait and a read.
func BenchmarkUdpPingPong(b *testing.B) {
	run(b, func(t *kernel.Thread) {
		fds, ep := udpPair(t), must(t.EpollCreate1(0))
		for _, fd := range fds {
			must(0, add(t, ep, fd, abi.EPOLLIN))
		}
		data, events := make([]byte, 64), make([]abi.EpollEvent, 8)
		b.ReportAllocs()
		for b.Loop() {
			for i, fd := range fds {
				must(t.Write(fd, data))
				if must(t.EpollWait(ep, events, 8, -1)) != 1 || must(t.Read(fds[1-i], data)) != len(data) {
					b.Fatal("lost")
				}
			}
		}
	})
}

func TestUdpPingPongAllocatesNothing(t *testing.T) {
	run(t, func(th *kernel.Thread) {
		fds, ep := udpPair(th), must(th.EpollCreate1(0))
		must(0, add(th, ep, fds[1], abi.EPOLLIN))
		data, events := make([]byte, 3000), make([]abi.EpollEvent, 8)
		cycle := func() {
			must(th.Write(fds[0], data))
			must(th.Sendto(fds[0], data, 0, nil))
			must(th.EpollWait(ep, events, 8, -1))
			must(th.Read(fds[1], data))
			must(th.Recvfrom(fds[1], data, 0, nil))
		}
		cycle()
		require.Zero(t, testing.AllocsPerRun(100, cycle))
	})
}
