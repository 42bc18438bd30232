package vfs_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

func TestLowestFreeNumber(t *testing.T) {
	w := newWorld(t, sim.Options{})
	for want := range 5 {
		require.Equal(t, want, w.open(plain{}))
	}
	w.close(1)
	w.close(3)
	require.Equal(t, 1, w.open(plain{}))
	fd, errno := w.table.Reserve(4, true)
	require.Zero(t, errno)
	require.Equal(t, 5, fd, "from a start on")
	require.True(t, w.table.Cloexec(fd))
	require.Nil(t, w.table.Lookup(fd), "reserved is not open")
	_, errno = w.table.Close(fd)
	require.Equal(t, abi.EBADF, errno)
	w.table.Unreserve(fd)
	require.Equal(t, 3, w.open(plain{}), "the numbers above a start do not hide those below")
	require.Equal(t, 5, w.open(plain{}))
	require.False(t, w.table.Cloexec(5))
	require.NoError(t, w.table.Check())
}

func TestLimit(t *testing.T) {
	w := newWorld(t, sim.Options{})
	w.table.Limit = 3
	for range 3 {
		w.open(plain{})
	}
	_, errno := w.table.Reserve(0, false)
	require.Equal(t, abi.EMFILE, errno)
	w.table.Limit = 1
	require.NotNil(t, w.table.Lookup(2), "open numbers beyond the limit keep working")
	w.close(2)
	_, errno = w.table.Reserve(0, false)
	require.Equal(t, abi.EMFILE, errno)
	for _, n := range []int{-1, 1, 7} {
		_, errno = w.table.Replace(0, n, false)
		require.Equal(t, abi.EBADF, errno, n)
	}
}

// Measured on 6.18: 64 numbers, then the next power of two above the highest one ever asked for; a copy has
// room for the highest open one.
func TestCapacity(t *testing.T) {
	for _, c := range []struct{ fd, capacity int }{
		{10, 64}, {63, 64}, {64, 128}, {127, 128}, {128, 256}, {200, 256}, {256, 512}, {511, 512}, {512, 1024}, {1000, 1024},
	} {
		w := newWorld(t, sim.Options{})
		w.open(plain{})
		_, errno := w.table.Replace(0, c.fd, false)
		require.Zero(t, errno)
		require.Equal(t, c.capacity, w.table.Capacity(), "fd %d", c.fd)
		require.Equal(t, c.capacity, w.table.Copy().Capacity(), "fd %d", c.fd)
		w.close(c.fd)
		require.Equal(t, c.capacity, w.table.Capacity(), "never shrinks")
		require.Equal(t, 64, w.table.Copy().Capacity(), "a copy does")
	}
	w := newWorld(t, sim.Options{})
	_, errno := w.table.Replace(7, 300, false)
	require.Equal(t, abi.EBADF, errno)
	require.Equal(t, 512, w.table.Capacity(), "dup2 of a closed number makes room first")
}

func TestReplace(t *testing.T) {
	w := newWorld(t, sim.Options{})
	a, b := w.open(plain{}), w.open(plain{})
	fa, fb := w.table.Lookup(a), w.table.Lookup(b)
	old, errno := w.table.Replace(a, b, true)
	require.Zero(t, errno)
	require.Same(t, fb, old)
	require.Same(t, fa, w.table.Lookup(b))
	require.Equal(t, 2, fa.Count())
	require.True(t, w.table.Cloexec(b))
	require.False(t, w.table.Cloexec(a))

	fd, _ := w.table.Reserve(0, false)
	_, errno = w.table.Replace(a, fd, false)
	require.Equal(t, abi.EBUSY, errno, "reserved and not installed yet")
	require.Equal(t, 2, fa.Count())
	old, errno = w.table.Replace(a, 70, false)
	require.Zero(t, errno)
	require.Nil(t, old)
	require.Equal(t, []int{0, 1, 70}, w.table.Open())
	require.NoError(t, w.table.Check())
}

func TestCopy(t *testing.T) {
	w := newWorld(t, sim.Options{})
	for range 3 {
		w.open(plain{})
	}
	w.close(1)
	w.table.SetCloexec(2, true)
	w.table.Limit = 77
	reserved, _ := w.table.Reserve(0, false)
	c := w.table.Copy()
	require.Equal(t, []int{0, 2}, c.Open())
	require.Same(t, w.table.Lookup(2), c.Lookup(2))
	require.Equal(t, 2, c.Lookup(2).Count())
	require.True(t, c.Cloexec(2))
	require.Equal(t, 77, c.Limit)
	fd, _ := c.Reserve(0, false)
	require.Equal(t, reserved, fd, "a number reserved in the parent is free in the child")
	require.NoError(t, c.Check())
}

// The table against a slice of files.
func TestFdTableModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, sim.Options{})
		w.table.Limit = 130
		var model [130]*vfs.File
		free := func(start int) int {
			for fd := start; fd < len(model); fd++ {
				if model[fd] == nil {
					return fd
				}
			}
			return -1
		}
		number := rapid.OneOf(rapid.IntRange(0, 3), rapid.IntRange(0, 129))
		rt.Repeat(map[string]func(*rapid.T){
			"open": func(t *rapid.T) {
				start := number.Draw(t, "start")
				fd, errno := w.table.Reserve(start, false)
				if want := free(start); want < 0 {
					require.Equal(t, abi.EMFILE, errno)
				} else {
					require.Equal(t, want, fd)
					model[fd] = w.sys.NewFile(plain{}, 0, "", 0)
					w.table.Install(fd, model[fd])
				}
			},
			"close": func(t *rapid.T) {
				fd := number.Draw(t, "fd")
				f, errno := w.table.Close(fd)
				require.Same(t, model[fd], f)
				require.Equal(t, f == nil, errno == abi.EBADF)
				model[fd] = nil
			},
			"dup2": func(t *rapid.T) {
				from, to := number.Draw(t, "from"), number.Draw(t, "to")
				if from == to {
					t.Skip()
				}
				old, errno := w.table.Replace(from, to, false)
				if model[from] == nil {
					require.Equal(t, abi.EBADF, errno)
					return
				}
				require.Same(t, model[to], old)
				model[to] = model[from]
			},
			"": func(t *rapid.T) {
				var open []int
				for fd, f := range model {
					if f != nil {
						open = append(open, fd)
					}
				}
				require.Equal(t, open, w.table.Open())
				for _, fd := range open {
					require.Same(t, model[fd], w.table.Lookup(fd))
				}
			},
		})
	})
}

// The end of a description waits for the return to user mode, and several of one call run last in, first
// out: an exit closes in ascending order and releases in descending order.
func TestDelayedFput(t *testing.T) {
	one(t, func(w *world, th *thread) {
		var order []int
		for i := range 3 {
			d := w.thing(0)
			d.released = func() { order = append(order, i) }
			w.open(d)
		}
		w.close(0)
		require.Empty(t, order)
		require.Equal(t, 0, w.open(plain{}), "the number is free at once")
		th.leave()
		require.Equal(t, []int{0}, order)
		w.table.CloseAll()
		require.Empty(t, w.table.Open())
		require.Equal(t, []int{0}, order)
		th.leave()
		require.Equal(t, []int{0, 2, 1}, order)
	})
}

func TestReferences(t *testing.T) {
	one(t, func(w *world, th *thread) {
		d := w.thing(0)
		ended := 0
		d.released = func() { ended++ }
		fd := w.open(d)
		f := w.table.Get(fd)
		require.Equal(t, 2, f.Count())
		w.close(fd)
		th.leave()
		require.Zero(t, ended, "a call in progress keeps it")
		f.Put()
		require.False(t, f.TryGet(), "a dying file gets no new reference")
		th.leave()
		require.Equal(t, 1, ended)
		require.Nil(t, w.table.Get(fd))
		require.Nil(t, w.table.Get(-1))
		require.Nil(t, w.table.Get(1<<30))
	})
}

func TestPutTooOften(t *testing.T) {
	w := newWorld(t, sim.Options{})
	w.spawn("main", func(th *thread) {
		fd := w.open(plain{})
		f := w.table.Lookup(fd)
		w.close(fd)
		f.Put()
	})
	require.ErrorContains(t, w.run(), "below zero")
}

// dup2 replaces in one step: nobody sees the number closed, though the old description dies under the look-up.
func TestDup2NeverLooksClosed(t *testing.T) {
	for seed := range uint64(300) {
		w := newWorld(t, sim.Options{Strategy: sim.NewRandom(seed)})
		a, b := w.open(plain{}), w.open(plain{})
		w.spawn("dup2", func(th *thread) {
			old, _ := w.table.Replace(a, b, false)
			old.Put()
		})
		var f *vfs.File
		w.spawn("get", func(*thread) {
			if f = w.table.Get(b); f != nil {
				f.Put()
			}
		})
		require.NoError(t, w.run())
		require.NotNil(t, f, "seed %d", seed)
	}
}

// The description of oldfd stays alive between look-up and installation, whoever closes oldfd.
func TestDup2AgainstClose(t *testing.T) {
	outcomes := map[bool]int{}
	for seed := range uint64(300) {
		w := newWorld(t, sim.Options{Strategy: sim.NewRandom(seed)})
		a := w.open(plain{})
		var errno abi.Errno
		w.spawn("dup2", func(*thread) { _, errno = w.table.Replace(a, 5, false) })
		w.spawn("close", func(*thread) { w.close(a) })
		require.NoError(t, w.run(), "seed %d", seed)
		require.NoError(t, w.table.Check(), "seed %d", seed)
		require.Equal(t, errno == 0, slices.Contains(w.table.Open(), 5))
		outcomes[errno == 0]++
	}
	require.Len(t, outcomes, 2)
}

func TestSetFlags(t *testing.T) {
	w := newWorld(t, sim.Options{})
	f := w.sys.NewFile(plain{}, abi.O_RDWR|abi.O_CLOEXEC, "", 0)
	require.Equal(t, abi.O_RDWR, f.Flags(), "FD_CLOEXEC is of the number")
	require.Zero(t, f.SetFlags(abi.O_WRONLY|abi.O_CREAT|abi.O_NONBLOCK|abi.O_APPEND|abi.O_ASYNC))
	require.Equal(t, abi.O_RDWR|abi.O_NONBLOCK|abi.O_APPEND, f.Flags(), "access mode and creation flags are ignored, O_ASYNC without ->fasync")
	require.Equal(t, abi.EINVAL, f.SetFlags(abi.O_DIRECT))
	require.True(t, f.NonBlocking())
	f.SetNonBlocking(false)
	require.Equal(t, abi.O_RDWR|abi.O_APPEND, f.Flags())
	require.Zero(t, f.SetFlags(0))
	require.Equal(t, abi.O_RDWR, f.Flags())
	require.True(t, f.Readable() && f.Writable())
}
