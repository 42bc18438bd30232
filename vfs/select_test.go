package vfs_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/vfs"
)

func TestSelectCosts(t *testing.T) {
	for _, c := range []struct{ n, bytes, allocations int }{{1, 8, 0}, {64, 8, 0}, {65, 16, 0}, {320, 40, 0}, {321, 48, 1}, {1024, 128, 1}} {
		one(t, func(w *world, th *thread) {
			d := w.thing(1)
			d.mask = abi.EPOLLIN
			w.open(d)
			_, errno := w.table.Replace(0, 1000, false)
			require.Zero(t, errno)
			before := w.sys.Counters
			n, errno := w.selects(th, c.n, vfs.Sets{In: fdSet(0), Ex: fdSet()}, 0)
			require.Zero(t, errno)
			require.Equal(t, 1, n)
			now := w.sys.Counters
			require.EqualValues(t, 2*c.bytes, now.BytesIn-before.BytesIn, "n %d", c.n)
			require.EqualValues(t, 2*c.bytes, now.BytesOut-before.BytesOut)
			require.EqualValues(t, c.allocations, now.Allocations-before.Allocations)
			require.EqualValues(t, 1, now.PollCalls-before.PollCalls)
		})
	}
}

func TestSelectMasks(t *testing.T) {
	const in = abi.EPOLLRDNORM | abi.EPOLLRDBAND | abi.EPOLLIN | abi.EPOLLHUP | abi.EPOLLERR | abi.EPOLLNVAL
	const out = abi.EPOLLWRNORM | abi.EPOLLWRBAND | abi.EPOLLOUT | abi.EPOLLERR | abi.EPOLLNVAL
	const ex = abi.EPOLLPRI | abi.EPOLLNVAL
	one(t, func(w *world, th *thread) {
		d := w.thing(1)
		fd := w.open(d)
		for bit := abi.Events(1); bit <= abi.EPOLLRDHUP; bit <<= 1 {
			d.mask = bit
			r, wr, x := fdSet(fd), fdSet(fd), fdSet(fd)
			n, errno := w.selects(th, fd+1, vfs.Sets{In: r, Out: wr, Ex: x}, 0)
			require.Zero(t, errno)
			want := 0
			for _, c := range []struct {
				mask abi.Events
				set  *abi.FdSet
			}{{in, r}, {out, wr}, {ex, x}} {
				require.Equal(t, bit&c.mask != 0, c.set.Has(fd), "%s", bit)
				if bit&c.mask != 0 {
					want++
				}
			}
			require.Equal(t, want, n, "an fd counts once for each set")
			require.Equal(t, in|out|ex, d.key)
		}
		_, _ = w.selects(th, fd+1, vfs.Sets{In: fdSet(fd)}, 0)
		require.Equal(t, in|ex, d.key, "PRI is always asked for")
		_, _ = w.selects(th, fd+1, vfs.Sets{Ex: fdSet(fd)}, 0)
		require.Equal(t, ex, d.key)
	})
}

func TestSelectChecks(t *testing.T) {
	one(t, func(w *world, th *thread) {
		d := w.thing(1)
		d.mask = abi.EPOLLIN
		fd := w.open(d)
		_, errno := w.selects(th, -1, vfs.Sets{In: fdSet(40)}, 0)
		require.Equal(t, abi.EINVAL, errno, "before EBADF")

		in := fdSet(fd, 63)
		_, errno = w.selects(th, 64, vfs.Sets{In: in}, 0)
		require.Equal(t, abi.EBADF, errno)
		require.Equal(t, fdSet(fd, 63), in, "unchanged")
		n, errno := w.selects(th, 63, vfs.Sets{In: in}, 0)
		require.Zero(t, errno, "the bit is not below n")
		require.Equal(t, 1, n)
		require.Equal(t, fdSet(fd), in, "and is cleared: its word is copied back")

		in = fdSet(fd, 64, 300)
		n, errno = w.selects(th, 1024, vfs.Sets{In: in}, 0)
		require.Zero(t, errno, "the table has room for 64")
		require.Equal(t, 1, n)
		require.Equal(t, fdSet(fd, 64, 300), in, "numbers beyond are ignored and left set")
		_, errno = w.table.Replace(fd, 100, false)
		require.Zero(t, errno)
		_, errno = w.selects(th, 1024, vfs.Sets{In: in}, 0)
		require.Equal(t, abi.EBADF, errno, "now 64 is inside")

		n, errno = w.selects(th, 0, vfs.Sets{In: in}, 0)
		require.Zero(t, errno)
		require.Zero(t, n)
		n, errno = w.selects(th, 1024, vfs.Sets{}, 1e6)
		require.Zero(t, errno)
		require.Zero(t, n)
		require.EqualValues(t, 1e6, w.m.Now())
	})
}

func TestSelectTimesOut(t *testing.T) {
	one(t, func(w *world, th *thread) {
		d := w.thing(1)
		in := fdSet(w.open(d))
		n, errno := w.selects(th, 1, vfs.Sets{In: in}, 1e6)
		require.Zero(t, n)
		require.Zero(t, errno)
		require.Empty(t, in.Fds())
		require.Equal(t, 2, d.polls)
	})
}
