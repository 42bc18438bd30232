package kernel_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/abi"
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
	pairs, most := 10_000, int64(20_000_000)
	if long {
		pairs, most = 10*pairs, 10*most
	}
	k := kernel.Boot(kernel.Options{MaxUserWatches: 4 * 100_000})
	require.NoError(t, k.RunThread(func(th *kernel.Thread) {
		before := heap()
		watchedPairs(th, pairs)
		bytes := heap() - before
		t.Logf("%d bytes a pair, %d in all", bytes/int64(pairs), bytes)
		require.Less(t, bytes, most)
	}))
}
