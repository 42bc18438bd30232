package devices_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/vfs"
)

// A change is PRI and ERR once for each description: who looks takes it. Measured on Linux 6.18.
func TestMounts(t *testing.T) {
	inTask(t, func(s *vfs.System) {
		n := devices.NewMounts(s)
		f, g := n.NewMountsFile(abi.O_RDONLY), n.NewMountsFile(abi.O_RDWR)
		const idle, changed = rdn, rdn | abi.EPOLLPRI | abi.EPOLLERR
		require.True(t, f.CanPoll())
		require.Equal(t, idle, mask(f))
		n.Changed()
		require.Equal(t, changed, mask(f))
		require.Equal(t, idle, mask(f))
		require.Equal(t, changed, mask(g), "of its own")
		n.Changed()
		n.Changed()
		require.Equal(t, changed, mask(f))
		require.Equal(t, idle, mask(f))
		require.Equal(t, idle, mask(n.NewMountsFile(abi.O_RDONLY)), "opened later")
		b := make([]byte, 100)
		size := read(f, b)
		require.Equal(t, "rootfs / rootfs rw 0 0\n", string(b[:size]))
		require.Zero(t, read(f, b))
		require.EqualValues(t, 7, seek(f, 7, 0))
		require.Equal(t, size-7, read(f, b))
		require.EqualValues(t, size-2, seek(f, -2, 1))
		require.EqualValues(t, einval, seek(f, -1, 0))
		require.EqualValues(t, einval, seek(f, 0, 2))
		require.Equal(t, einval, write(g, b))
		_, errno := g.Ops.(vfs.Ioctler).Ioctl(g, abi.TCGETS, 0)
		require.Equal(t, abi.ENOTTY, errno)
	})
}
