package kerneltest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/kernel/kerneltest"
)

// pool is an event loop as a server would have it: workers share an epoll; each connection is armed for one event at a time; an eventfd
// that nobody reads, level-triggered, tells all of them to stop.
type pool struct {
	ep, stop int
	handled  map[int][]byte // by descriptor
	busy     map[int]bool
	careless bool // arm a connection again before it is read
}

const stopData = 1 << 40

func newPool(t require.TestingT, c kernel.Calls) *pool {
	p := &pool{handled: map[int][]byte{}, busy: map[int]bool{}}
	var err error
	p.ep, err = c.EpollCreate1(0)
	require.NoError(t, err)
	p.stop, err = c.Eventfd2(0, abi.EFD_NONBLOCK)
	require.NoError(t, err)
	require.NoError(t, c.EpollCtl(p.ep, abi.EPOLL_CTL_ADD, p.stop, &abi.EpollEvent{Events: abi.EPOLLIN, Data: stopData}))
	return p
}

func (p *pool) arm(c kernel.Calls, op, fd int) error {
	return c.EpollCtl(p.ep, op, fd, &abi.EpollEvent{Events: abi.EPOLLIN | abi.EPOLLONESHOT, Data: uint64(fd)})
}

func (p *pool) run(t require.TestingT, c kernel.Calls) {
	events := make([]abi.EpollEvent, 1)
	for {
		n, err := c.EpollWait(p.ep, events, 1, -1)
		require.NoError(t, err)
		if n == 0 || events[0].Data == stopData {
			return
		}
		p.serve(t, c, int(events[0].Data))
	}
}

func (p *pool) serve(t require.TestingT, c kernel.Calls, fd int) {
	assert.False(t, p.busy[fd], "two workers serve one connection")
	p.busy[fd] = true
	if p.careless {
		p.busy[fd] = false
		require.NoError(t, p.arm(c, abi.EPOLL_CTL_MOD, fd))
		p.busy[fd] = true
	}
	buf := make([]byte, 8)
	n, err := c.Read(fd, buf)
	if err != abi.EAGAIN {
		require.NoError(t, err)
		p.handled[fd] = append(p.handled[fd], buf[:max(n, 0)]...)
	}
	p.busy[fd] = false
	if !p.careless {
		require.NoError(t, p.arm(c, abi.EPOLL_CTL_MOD, fd))
	}
}

// serving is a program of the pool: workers threads, and what is sent on each connection.
func serving(workers int, sent []string, careless bool) func(*kerneltest.Run) {
	return func(r *kerneltest.Run) {
		p := newPool(r, r)
		p.careless = careless
		var ours []int
		for range sent {
			pair, err := r.Socketpair(abi.AF_UNIX, abi.SOCK_STREAM|abi.SOCK_NONBLOCK, 0)
			require.NoError(r, err)
			require.NoError(r, p.arm(r, abi.EPOLL_CTL_ADD, pair[0]))
			ours = append(ours, pair[0])
			_, err = r.Write(pair[1], []byte(sent[len(ours)-1]))
			require.NoError(r, err)
		}
		var tids []int
		for i := range workers {
			tids = append(tids, r.Go(fmt.Sprint("worker ", i), func(c kernel.Calls) { p.run(r, c) }))
		}
		for _, fd := range ours {
			for len(p.handled[fd]) == 0 {
				r.Nanosleep(1e6)
			}
		}
		_, err := r.Write(p.stop, []byte{1, 0, 0, 0, 0, 0, 0, 0})
		require.NoError(r, err)
		for _, tid := range tids {
			r.Join(tid)
		}
		for i, fd := range ours {
			assert.Equal(r, sent[i], string(p.handled[fd]))
		}
	}
}

// Whatever is sent, every worker stops, nothing is lost and no connection is served by two at once.
func TestGeneratedPool(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		workers := rapid.IntRange(1, 2).Draw(t, "workers")
		sent := rapid.SliceOfN(rapid.StringOfN(rapid.RuneFrom([]rune("xy")), 1, 4, 4), 1, 1).Draw(t, "sent")
		kerneltest.Explore(t, serving(workers, sent, false), kerneltest.Preemptions(1), kerneltest.Within(10*time.Second))
	})
}

// A connection that is armed before it is read is served by two.
func TestCarelessPool(t *testing.T) {
	bad, log := judge(t, serving(2, []string{"x"}, true), kerneltest.Preemptions(1))
	assert.True(t, bad)
	assert.Contains(t, log, "two workers serve one connection")
}
