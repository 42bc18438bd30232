package devices_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

// opener opens a FIFO in a task of its own.
type opener struct {
	task  *sim.Task
	f     *vfs.File
	errno abi.Errno
	done  bool
}

func open(s *vfs.System, fifo *devices.Fifo, flags int) *opener {
	o := &opener{}
	s.M.Go("opener", &thread{}, func(task *sim.Task) {
		o.task = task
		o.f, o.errno = fifo.Open(flags)
		o.done = true
	})
	return o
}

// onFifo runs main on a fresh FIFO that is checked after every step.
func onFifo(t *testing.T, main func(task *sim.Task, s *vfs.System, fifo *devices.Fifo)) {
	t.Helper()
	s := newSystem(t, sim.Options{Check: true})
	fifo := devices.NewFifo(s, "f", devices.PipeRules{})
	spawn(s, "main", func(task *sim.Task) { main(task, s, fifo) })
	require.NoError(t, s.M.Run())
}

// TestFifoOpen is the table of opens.
func TestFifoOpen(t *testing.T) {
	for _, c := range []struct {
		flags   int
		partner bool
		blocks  bool
		errno   abi.Errno
	}{
		{abi.O_RDONLY, false, true, 0},
		{abi.O_RDONLY, true, false, 0},
		{abi.O_RDONLY | abi.O_NONBLOCK, false, false, 0},
		{abi.O_WRONLY, false, true, 0},
		{abi.O_WRONLY, true, false, 0},
		{abi.O_WRONLY | abi.O_NONBLOCK, false, false, abi.ENXIO},
		{abi.O_WRONLY | abi.O_NONBLOCK, true, false, 0},
		{abi.O_RDWR, false, false, 0},
		{abi.O_RDWR | abi.O_NONBLOCK, false, false, 0},
		{abi.O_ACCMODE, false, false, abi.EINVAL},
		{abi.O_RDWR | abi.O_DIRECT, false, false, abi.EINVAL},
	} {
		onFifo(t, func(task *sim.Task, s *vfs.System, fifo *devices.Fifo) {
			if c.partner {
				_, errno := fifo.Open(abi.O_RDWR)
				require.Zero(t, errno)
			}
			o := open(s, fifo, c.flags)
			settle(task)
			require.Equal(t, !c.blocks, o.done, "%#o, partner %v", c.flags, c.partner)
			if c.blocks {
				signal(o.task)
				settle(task)
				require.Equal(t, abi.ERESTARTSYS, o.errno)
				return
			}
			require.Equal(t, c.errno, o.errno, "%#o, partner %v", c.flags, c.partner)
		})
	}
}

// An open is satisfied by the event of a partner, who may be gone again.
func TestFifoPartnerComesAndGoes(t *testing.T) {
	onFifo(t, func(task *sim.Task, s *vfs.System, fifo *devices.Fifo) {
		w := open(s, fifo, abi.O_WRONLY)
		settle(task)
		r, errno := fifo.Open(abi.O_RDONLY | abi.O_NONBLOCK)
		require.Zero(t, errno)
		r.Put()
		settle(task)
		require.True(t, w.done)
		require.Equal(t, out|abi.EPOLLWRNORM|er, mask(w.f))
		require.Equal(t, -int(abi.EPIPE), write(w.f, []byte("x")))
	})
}

// Two that wait for each other's open need two, and each sees the other.
func TestFifoOpensMeet(t *testing.T) {
	onFifo(t, func(task *sim.Task, s *vfs.System, fifo *devices.Fifo) {
		readers := []*opener{open(s, fifo, abi.O_RDONLY), open(s, fifo, abi.O_RDONLY)}
		settle(task)
		w := open(s, fifo, abi.O_WRONLY)
		settle(task)
		require.True(t, readers[0].done && readers[1].done && w.done, "one writer lets all readers in")
		p := devices.PipeOf(w.f)
		require.Equal(t, p, devices.PipeOf(readers[0].f))
		require.Equal(t, [2]int{2, 1}, [2]int{p.State().Readers, p.State().Writers})
		require.NoError(t, p.Check())
		require.Equal(t, 5, write(w.f, []byte("hello")))
		for _, o := range append(readers, w) {
			o.f.Put()
		}
		f, _ := fifo.Open(abi.O_RDWR | abi.O_NONBLOCK)
		require.NotEqual(t, p, devices.PipeOf(f), "with the last close the ring is gone")
		require.Equal(t, again, read(f, make([]byte, 10)))
	})
}

// An interrupted open leaves nothing behind.
func TestFifoInterruptedOpen(t *testing.T) {
	onFifo(t, func(task *sim.Task, s *vfs.System, fifo *devices.Fifo) {
		for _, flags := range []int{abi.O_RDONLY, abi.O_WRONLY} {
			o := open(s, fifo, flags)
			settle(task)
			signal(o.task)
			settle(task)
			require.Equal(t, abi.ERESTARTSYS, o.errno)
			_, errno := fifo.Open(abi.O_WRONLY | abi.O_NONBLOCK)
			require.Equal(t, abi.ENXIO, errno)
		}
	})
}
