package kernel_test

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/internal/form"
	"github.com/epollsim/epollsim/kernel"
)

// An operation is a message there and one back over a stream pair, each a write, an epoll_wait and a read; the host's,
// beside it on Linux, is the same six system calls.
//
//	go test -run '^$' -bench UnixPingPong ./kernel

func BenchmarkUnixPingPong(b *testing.B) {
	for _, c := range []struct {
		name      string
		kind, len int
	}{{"stream", abi.SOCK_STREAM, 64}, {"stream/4096", abi.SOCK_STREAM, 4096}, {"dgram", abi.SOCK_DGRAM, 64}, {"seqpacket", abi.SOCK_SEQPACKET, 64}} {
		b.Run("model/"+c.name, func(b *testing.B) {
			run(b, func(t *kernel.Thread) { pingPong(b, t, c.kind, c.len) })
		})
		b.Run("host/"+c.name, func(b *testing.B) { hostPingPong(b, c.kind, c.len) })
	}
}

func pingPong(b *testing.B, t *kernel.Thread, kind, size int) {
	ep := must(t.EpollCreate1(0))
	fds := must(t.Socketpair(abi.AF_UNIX, kind|abi.SOCK_NONBLOCK, 0))
	for _, fd := range fds {
		must(0, t.EpollCtl(ep, abi.EPOLL_CTL_ADD, fd, &abi.EpollEvent{Events: abi.EPOLLIN, Data: uint64(fd)}))
	}
	data, events := make([]byte, size), make([]abi.EpollEvent, 8)
	b.ReportAllocs()
	for b.Loop() {
		for i, fd := range fds {
			must(t.Write(fd, data))
			if must(t.EpollWait(ep, events, 8, -1)) != 1 || must(t.Read(fds[1-i], data)) != size {
				b.Fatal("lost")
			}
		}
	}
}

func TestUnixPingPongAllocatesNothing(t *testing.T) {
	for _, kind := range []int{abi.SOCK_STREAM, abi.SOCK_DGRAM, abi.SOCK_SEQPACKET} {
		run(t, func(th *kernel.Thread) {
			fds := must(th.Socketpair(abi.AF_UNIX, kind, 0))
			ep := must(th.EpollCreate1(0))
			must(0, th.EpollCtl(ep, abi.EPOLL_CTL_ADD, fds[1], &abi.EpollEvent{Events: abi.EPOLLIN}))
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
}

// watchedPairs opens n connected pairs and watches both ends of each in one epoll.
func watchedPairs(t *kernel.Thread, n int) {
	must(0, t.Setrlimit(abi.RLIMIT_NOFILE, 1<<20))
	ep := must(t.EpollCreate1(0))
	for range n {
		for _, fd := range must(t.Socketpair(abi.AF_UNIX, abi.SOCK_STREAM, 0)) {
			must(0, t.EpollCtl(ep, abi.EPOLL_CTL_ADD, fd, &abi.EpollEvent{Events: abi.EPOLLIN, Data: uint64(fd)}))
		}
	}
}

// TestUnixPairsFit: 10⁵ connected pairs, both ends watched in one epoll, fit in 200 MB. The short run has a tenth of them.
func TestUnixPairsFit(t *testing.T) {
	pairs := form.Of(10_000, 100_000)
	most := int64(pairs) * 2000
	k := kernel.Boot(kernel.Options{MaxUserWatches: 4 * 100_000})
	require.NoError(t, k.RunThread(func(th *kernel.Thread) {
		before := heap()
		watchedPairs(th, pairs)
		bytes := heap() - before
		t.Logf("%d bytes a pair, %d in all", bytes/int64(pairs), bytes)
		require.Less(t, bytes, most)
	}))
}

// An operation is an echo: a request and its answer over a TCP connection on the loopback, each a send, an epoll_wait and
// a read.
//
//	go test -run '^$' -bench TcpEcho ./kernel

func BenchmarkTcpEcho(b *testing.B) {
	for _, size := range []int{64, 4096} {
		name := strconv.Itoa(size)
		b.Run("model/"+name, func(b *testing.B) {
			run(b, func(t *kernel.Thread) {
				c, s, ep := tcpEcho(t)
				data, events := make([]byte, size), make([]abi.EpollEvent, 8)
				b.ReportAllocs()
				for b.Loop() {
					echo(t, ep, c, s, data, events)
				}
			})
		})
		b.Run("host/"+name, func(b *testing.B) { hostTcpEcho(b, size) })
	}
}

// tcpEcho connects two sockets and watches both.
func tcpEcho(t *kernel.Thread) (c, s, ep int) {
	l := must(t.Socket(abi.AF_INET, abi.SOCK_STREAM, 0))
	must(0, t.Listen(l, 5))
	c = must(t.Socket(abi.AF_INET, abi.SOCK_STREAM, 0))
	must(0, t.Connect(c, must(t.Getsockname(l))))
	s = must(t.Accept(l))
	ep = must(t.EpollCreate1(0))
	for _, fd := range []int{c, s} {
		must(0, t.EpollCtl(ep, abi.EPOLL_CTL_ADD, fd, &abi.EpollEvent{Events: abi.EPOLLIN, Data: uint64(fd)}))
	}
	return c, s, ep
}

func echo(t *kernel.Thread, ep, c, s int, data []byte, events []abi.EpollEvent) {
	for _, way := range [2][2]int{{c, s}, {s, c}} {
		must(t.Write(way[0], data))
		if must(t.EpollWait(ep, events, 8, -1)) != 1 || must(t.Read(way[1], data)) != len(data) {
			panic("lost")
		}
	}
}

func TestTcpEchoAllocatesNothing(t *testing.T) {
	for _, size := range []int{1, 64, 3000, 20000} {
		run(t, func(th *kernel.Thread) {
			c, s, ep := tcpEcho(th)
			data, events := make([]byte, size), make([]abi.EpollEvent, 8)
			for range 30 { // beyond the quick acknowledgements
				echo(th, ep, c, s, data, events)
			}
			require.Zero(t, testing.AllocsPerRun(100, func() { echo(th, ep, c, s, data, events) }))
		})
	}
}

// TestTcpConnectionsFit: 10⁵ idle connections, both ends watched in one epoll, fit in 300 MB.
func TestTcpConnectionsFit(t *testing.T) {
	const perListener, most = 10_000, 3000 // bytes a connection
	connections := form.Of(1, 10) * perListener
	k := kernel.Boot(kernel.Options{MaxUserWatches: 4 * connections})
	require.NoError(t, k.RunThread(func(th *kernel.Thread) {
		must(0, th.Setrlimit(abi.RLIMIT_NOFILE, 1<<20))
		before := heap()
		ep := must(th.EpollCreate1(0))
		for range connections / perListener {
			l := must(th.Socket(abi.AF_INET, abi.SOCK_STREAM, 0))
			must(0, th.Listen(l, 5))
			addr := must(th.Getsockname(l))
			for range perListener {
				c := must(th.Socket(abi.AF_INET, abi.SOCK_STREAM, 0))
				must(0, th.Connect(c, addr))
				for _, fd := range []int{c, must(th.Accept(l))} {
					must(0, th.EpollCtl(ep, abi.EPOLL_CTL_ADD, fd, &abi.EpollEvent{Events: abi.EPOLLIN, Data: uint64(fd)}))
				}
			}
		}
		bytes := heap() - before
		t.Logf("%d bytes a connection, %d MB in all", bytes/int64(connections), bytes>>20)
		require.Less(t, bytes, int64(most*connections))
	}))
}
