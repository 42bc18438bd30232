package devices_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

const always = rdn | wrn

func seek(f *vfs.File, offset int64, whence int) int64 {
	pos, errno := f.Ops.(vfs.Seeker).Seek(f, offset, whence)
	if errno != 0 {
		return -int64(errno)
	}
	return pos
}

func TestMemoryDevices(t *testing.T) {
	s := newSystem(t, sim.Options{})
	for _, c := range []struct {
		f                   *vfs.File
		read, write, write0 int
	}{
		{devices.NewNull(s, abi.O_RDWR), 0, 5, 0},
		{devices.NewZero(s, abi.O_RDWR), 5, 5, 0},
		{devices.NewFull(s, abi.O_RDWR), 5, -int(abi.ENOSPC), -int(abi.ENOSPC)},
	} {
		b := []byte("abcde")
		require.Equal(t, c.read, read(c.f, b), c.f.Name)
		if c.read > 0 {
			require.Equal(t, make([]byte, 5), b)
		}
		require.Equal(t, c.write, write(c.f, b), c.f.Name)
		require.Equal(t, c.write0, write(c.f, nil), c.f.Name)
		require.Zero(t, seek(c.f, 7, 1))
		require.False(t, c.f.CanPoll(), "EPERM")
		require.Equal(t, always, mask(c.f))
		require.Equal(t, abi.EINVAL, c.f.SetFlags(abi.O_DIRECT))
		_, ioctls := c.f.Ops.(vfs.Ioctler)
		require.False(t, ioctls, "ENOTTY")
		c.f.Put()
	}
}

func TestRegular(t *testing.T) {
	s := newSystem(t, sim.Options{})
	file := devices.NewRegular(s, "file")
	f := file.Open(abi.O_RDWR | abi.O_CREAT | abi.O_TRUNC)
	require.Equal(t, abi.O_RDWR, f.Flags())
	require.False(t, f.CanPoll())
	require.Equal(t, always, mask(f))
	b := make([]byte, 10)

	require.Equal(t, 0, read(f, b), "end of file, not EAGAIN")
	require.Equal(t, 5, write(f, []byte("hello")))
	require.Equal(t, 0, read(f, b))
	require.EqualValues(t, 1, seek(f, 1, 0))
	left, _ := f.Ops.(vfs.Ioctler).Ioctl(f, abi.FIONREAD, 0)
	require.EqualValues(t, 4, left)
	require.Equal(t, 4, read(f, b))
	require.Equal(t, "ello", string(b[:4]))
	require.EqualValues(t, 8, seek(f, 3, 2))
	require.Equal(t, 1, write(f, []byte("!")))
	left, _ = f.Ops.(vfs.Ioctler).Ioctl(f, abi.FIONREAD, 0)
	require.Zero(t, left)
	require.EqualValues(t, einval, seek(f, -1, 0))
	require.EqualValues(t, einval, seek(f, 0, 5))
	_, errno := f.Ops.(vfs.Ioctler).Ioctl(f, abi.TCGETS, 0)
	require.Equal(t, abi.ENOTTY, errno)

	again := file.Open(abi.O_RDWR | abi.O_APPEND)
	require.Equal(t, 9, read(again, b))
	require.Equal(t, "hello\x00\x00\x00!", string(b[:9]))
	seek(again, 0, 0)
	require.Equal(t, 2, write(again, []byte("??")))
	require.EqualValues(t, 11, again.Pos)
	require.Equal(t, f.Ino, again.Ino)

	seek(f, 1<<40, 0)
	require.Equal(t, -int(abi.ENOSPC), write(f, []byte("x")), "the bound of the model")
	require.Equal(t, 0, write(f, nil))
	require.Zero(t, f.SetFlags(abi.O_DIRECT))
	f.Put()
	again.Put()
	require.Equal(t, 10, read(file.Open(abi.O_RDONLY), b), "the content stays")
}

func TestDirectory(t *testing.T) {
	s := newSystem(t, sim.Options{})
	f, errno := devices.NewDirectory(s, "dir", abi.O_RDONLY)
	require.Zero(t, errno)
	require.Equal(t, -int(abi.EISDIR), read(f, make([]byte, 1)))
	require.Equal(t, -int(abi.EBADF), write(f, nil))
	require.EqualValues(t, 5, seek(f, 5, 0))
	require.EqualValues(t, 7, seek(f, 2, 1))
	require.EqualValues(t, einval, seek(f, -9, 1))
	require.EqualValues(t, einval, seek(f, 0, 2))
	require.Equal(t, always, mask(f))
	f.Put()
	for _, flags := range []int{abi.O_WRONLY, abi.O_RDWR, abi.O_CREAT} {
		_, errno = devices.NewDirectory(s, "dir", flags)
		require.Equal(t, abi.EISDIR, errno)
	}
}
