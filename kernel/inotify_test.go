package kernel_test

import (
	"errors"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/kernel/host"
)

// onBoth runs fn on the model, and on the host's kernel where that is Linux.
func onBoth(t *testing.T, fn func(t *testing.T, c kernel.Calls)) {
	t.Run("model", func(t *testing.T) {
		require.NoError(t, kernel.Boot(kernel.Options{}).Run(func(c kernel.Calls) { fn(t, c) }))
	})
	t.Run("host", func(t *testing.T) {
		h, err := host.New(host.Options{})
		if errors.Is(err, host.ErrUnsupported) {
			t.Skipf("no host kernel to compare with on %s/%s", runtime.GOOS, runtime.GOARCH)
		}
		require.NoError(t, err)
		defer h.Close()
		require.NoError(t, h.Run(func(c kernel.Calls) { fn(t, c) }))
	})
}

// After 16384 events comes one that tells of an overflow, and no more.
func TestInotifyOverflow(t *testing.T) {
	const most = 16384
	onBoth(t, func(t *testing.T, c kernel.Calls) {
		i := must(c.InotifyInit1(abi.IN_NONBLOCK))
		must(c.InotifyAddWatch(i, ".", abi.IN_OPEN))
		ep := must(c.EpollCreate1(0))
		must(0, add(c, ep, i, abi.EPOLLIN|abi.EPOLLET))
		queued := func() int64 { return must(c.Ioctl(i, abi.FIONREAD, 0)) }
		for n := range most + 3 {
			fd := must(c.Open([]string{"a", "b"}[n%2], abi.O_RDONLY|abi.O_CREAT))
			must(0, c.Close(fd))
			if n < most-1 {
				continue
			}
			want := []int{i}
			if n > most {
				want = nil
			}
			require.Equal(t, want, harvest(c, ep, 1), "event %d", n)
			require.EqualValues(t, most*32+min(n-most+1, 1)*16, queued())
		}
		p := make([]byte, 32)
		for range most {
			require.Equal(t, 32, must(c.Read(i, p)))
		}
		require.Equal(t, 16, must(c.Read(i, p)))
		require.Equal(t, "\xff\xff\xff\xff\x00\x40\x00\x00", string(p[:8]), "wd -1, IN_Q_OVERFLOW")
		_, err := c.Read(i, p)
		require.Equal(t, abi.EAGAIN, err)
		must(c.Open("c", abi.O_RDONLY|abi.O_CREAT))
		require.EqualValues(t, 32, queued(), "and then it goes on")
	})
}
