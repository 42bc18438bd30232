package devices_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

// steps returns the accesses and notes of one call, in order.
func steps(t *testing.T, setup func(s *vfs.System) (call func())) string {
	var log []string
	s := newSystem(t, sim.Options{Trace: func(e sim.Event) {
		switch {
		case e.Task == nil:
		case e.Kind == sim.EventAccess:
			log = append(log, e.Access.String())
		case e.Kind == sim.EventNote, e.Kind == sim.EventEnter:
			log = append(log, e.What)
		}
	}})
	call := setup(s)
	s.M.Go("main", nil, func(*sim.Task) { call() })
	require.NoError(t, s.M.Run())
	return strings.Join(log, "\n")
}

// TestSteps: which fields a call touches, in which order, under which lock. A spoiled order is found here, though hardly
// any program would notice.
func TestSteps(t *testing.T) {
	onPipe := func(slots int, call func(p *pipe)) func(s *vfs.System) func() {
		return func(s *vfs.System) func() {
			p := newPipe(t, s, abi.O_NONBLOCK, devices.PipeRules{})
			p.resize(slots * 4096)
			p.write(1)
			mask(p.r)
			return func() { call(p) }
		}
	}
	for _, c := range []struct {
		call  string
		setup func(s *vfs.System) func()
		want  string
	}{
		{"write(pipe, 5000 bytes) to a readable pipe that was polled", onPipe(2, func(p *pipe) { p.write(5000) }), `
			pipe_write
			write pipe.mutex#1.owner
			write pipe#1.head_tail
			read file#1.f_flags
			bytes 1 → 5001
			write pipe.mutex#1.owner
			read pipe.mutex#1.last touch
			read pipe#1.poll_usage
			write pipe.rd_wait#1.owner
			read pipe.rd_wait#1.wait_queue
			write pipe.rd_wait#1.owner`},
		{"read(pipe) that frees a slot of a full ring", onPipe(1, func(p *pipe) { p.read(1) }), `
			pipe_read
			write pipe.mutex#1.owner
			write pipe#1.head_tail
			bytes 1 → 0
			write pipe.mutex#1.owner
			read pipe.mutex#1.last touch
			write pipe.wr_wait#1.owner
			read pipe.wr_wait#1.wait_queue
			write pipe.wr_wait#1.owner`},
		{"->poll of both ends", onPipe(1, func(p *pipe) { mask(p.r); mask(p.w) }), `
			read pipe#1.poll_usage
			read pipe#1.head_tail
			read pipe#1.writers
			read pipe#1.poll_usage
			read pipe#1.head_tail
			read pipe#1.max_usage
			read pipe#1.readers`},
		{"write(eventfd) and read(eventfd)", func(s *vfs.System) func() {
			f := newEventfd(t, s, 0, 0)
			watch(f, in)
			return func() { put(f, 3); take(f) }
		}, `
			eventfd_write
			write eventfd.wqh#1.owner
			write eventfd#1.count
			count 0 → 3
			read eventfd.wqh#1.wait_queue
			write eventfd.wqh#1.owner
			eventfd_read
			write eventfd.wqh#1.owner
			write eventfd#1.count
			count 3 → 0
			read eventfd.wqh#1.wait_queue
			write eventfd.wqh#1.owner`},
		{"->poll(eventfd)", func(s *vfs.System) func() {
			f := newEventfd(t, s, 0, 0)
			return func() { mask(f) }
		}, `
			read eventfd#1.count`},
	} {
		want := strings.ReplaceAll(strings.TrimSpace(c.want), "\t", "")
		require.Equal(t, want, steps(t, c.setup), c.call)
	}
}
