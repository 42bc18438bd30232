package kernel_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/kernel/host"
)

// unixThresholds sends messages of a size until EAGAIN and receives until OUT is back, and tells all that a program sees on
// the way: what each send said, the bytes after which OUT was lost, what was charged (SIOCOUTQ), the bytes received until
// the edge of OUT, and how many edges there were.
func unixThresholds(c kernel.Calls, kind, size, sndbuf int) string {
	fds := must(c.Socketpair(abi.AF_UNIX, kind|abi.SOCK_NONBLOCK, 0))
	defer c.Close(fds[0])
	defer c.Close(fds[1])
	if sndbuf > 0 {
		must(0, c.Setsockopt(fds[0], abi.SOL_SOCKET, abi.SO_SNDBUF, kernel.SockOpt{A: sndbuf}))
	}
	ep := must(c.EpollCreate1(0))
	defer c.Close(ep)
	must(0, c.EpollCtl(ep, abi.EPOLL_CTL_ADD, fds[0], &abi.EpollEvent{Events: abi.EPOLLOUT | abi.EPOLLET}))
	events, p := make([]abi.EpollEvent, 4), make([]byte, size)
	edges := func() int { return must(c.EpollWait(ep, events, 4, 0)) }
	writable := func() bool {
		return must(c.Poll([]abi.PollFd{{Fd: int32(fds[0]), Events: abi.POLLOUT}}, 0)) == 1
	}
	text := fmt.Sprintf("%s of %d, sndbuf %d: %d at the ADD", abi.Flags("SOCK", int64(kind)), size, must(c.Getsockopt(fds[0], abi.SOL_SOCKET, abi.SO_SNDBUF)), edges())
	sent, sends, lost := 0, 0, -1
	for {
		n, err := c.Write(fds[0], p)
		if err != nil {
			text += fmt.Sprintf("; %d sends of %d bytes, then %v", sends, sent, err)
			break
		}
		sends, sent = sends+1, sent+n
		if lost < 0 && !writable() {
			lost = sent
		}
	}
	text += fmt.Sprintf(", OUT lost after %d, charged %d, %d edges", lost, must(c.Ioctl(fds[0], abi.TIOCOUTQ, 0)), edges())
	got, reads, first := 0, 0, -1
	count := 0
	for {
		n, err := c.Read(fds[1], p)
		if err != nil {
			break
		}
		reads, got = reads+1, got+n
		if e := edges(); e > 0 {
			if count += e; first < 0 {
				first = got
			}
		}
	}
	return text + fmt.Sprintf("; %d reads of %d bytes, OUT after %d, %d edges", reads, got, first, count)
}

// TestUnixThresholdsLikeHost: for buffers of the default size, and some others, the bytes at which OUT and EAGAIN come and go
// are exactly the running kernel's.
func TestUnixThresholdsLikeHost(t *testing.T) {
	sizes := []int{1, 100, 192, 193, 704, 705, 1000, 1728, 1729, 3776, 3777, 4096, 5000, 8192, 16064, 16065, 16384, 32768, 36544, 36545, 65536, 85697, 106432, 200000, 212960}
	probe := func(list *[]string) func(kernel.Calls) {
		return func(c kernel.Calls) {
			for _, kind := range []int{abi.SOCK_STREAM, abi.SOCK_DGRAM, abi.SOCK_SEQPACKET} {
				for _, size := range sizes {
					*list = append(*list, unixThresholds(c, kind, size, 0))
				}
				for _, sndbuf := range []int{1, 4096, 30000, 1 << 20} {
					*list = append(*list, unixThresholds(c, kind, 1000, sndbuf))
				}
			}
		}
	}
	var want, got []string
	h, err := host.New(host.Options{Timeout: 60 * time.Second})
	if errors.Is(err, host.ErrUnsupported) {
		t.Skip(err)
	}
	require.NoError(t, err)
	defer h.Close()
	require.NoError(t, h.Run(probe(&want)))
	require.NoError(t, kernel.Boot(kernel.Options{}).Run(probe(&got)))
	require.Equal(t, want, got)
	t.Log(want[0])
}
