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
		case e.Kind == sim.EventMove:
			log = append(log, e.What+" "+e.From+" → "+e.To)
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
			write pipe.mutex#1.owner
			write pipe#1.head_tail
			read file#1.f_flags
			bytes 1 → 5001
			write pipe.mutex#1.owner
			read pipe.mutex#1.last touch
			read pipe#1.poll_usage
			__wake_up
			write pipe.rd_wait#1.owner
			read pipe.rd_wait#1.wait_queue
			write pipe.rd_wait#1.owner`},
		{"read(pipe) that frees a slot of a full ring", onPipe(1, func(p *pipe) { p.read(1) }), `
			write pipe.mutex#1.owner
			write pipe#1.head_tail
			bytes 1 → 0
			write pipe.mutex#1.owner
			read pipe.mutex#1.last touch
			__wake_up
			write pipe.wr_wait#1.owner
			read pipe.wr_wait#1.wait_queue
			write pipe.wr_wait#1.owner`},
		{"->poll of both ends", onPipe(1, func(p *pipe) { mask(p.r); mask(p.w) }), `
			pipe_poll
			read pipe#1.poll_usage
			read pipe#1.head_tail
			read pipe#1.writers
			pipe_poll
			read pipe#1.poll_usage
			read pipe#1.head_tail
			read pipe#1.max_usage
			read pipe#1.readers`},
		{"write(eventfd) and read(eventfd)", func(s *vfs.System) func() {
			f := newEventfd(t, s, 0, 0)
			watch(f, in)
			return func() { put(f, 3); take(f) }
		}, `
			write eventfd.wqh#1.owner
			write eventfd#1.count
			count 0 → 3
			__wake_up_locked_key
			read eventfd.wqh#1.wait_queue
			write eventfd.wqh#1.owner
			write eventfd.wqh#1.owner
			write eventfd#1.count
			count 3 → 0
			__wake_up_locked_key
			read eventfd.wqh#1.wait_queue
			write eventfd.wqh#1.owner`},
		{"an expiry that is due when the timer is set, ->poll and read", func(s *vfs.System) func() {
			f, tf := newTimerfd(t, s, abi.CLOCK_REALTIME, abi.TFD_NONBLOCK)
			watch(f, in)
			return func() {
				tf.Settime(abi.TFD_TIMER_ABSTIME, abi.Itimerspec{Value: abi.Timespec{Sec: 1}})
				mask(f)
				take(f)
			}
		}, `
			timerfd_settime
			write timerfd.wqh#1.owner
			read clocks#1.wall_to_monotonic
			write timerfd.wqh#1.owner
			timerfd_triggered
			write timerfd.wqh#1.owner
			ticks 0 → 1
			__wake_up_locked_key
			read timerfd.wqh#1.wait_queue
			write timerfd.wqh#1.owner
			timerfd_poll
			write timerfd.wqh#1.owner
			write timerfd.wqh#1.owner
			write timerfd.wqh#1.owner
			read file#1.f_flags
			ticks 1 → 0
			write timerfd.wqh#1.owner`},
		{"->poll(pidfd) and its end", func(s *vfs.System) func() {
			p := devices.NewPid(s, 7, devices.PidAlive)
			f := devices.NewPidfd(s, p, 0)
			watch(f, in)
			return func() { mask(f); p.Exit() }
		}, `
			pidfd_poll
			read pid#1.exit_state
			write pid#1.exit_state
			pid 7 alive → zombie
			__wake_up
			write pid.wait_pidfd#1.owner
			read pid.wait_pidfd#1.wait_queue
			write pid.wait_pidfd#1.owner`},
		{"->poll(eventfd)", func(s *vfs.System) func() {
			f := newEventfd(t, s, 0, 0)
			return func() { mask(f) }
		}, `
			eventfd_poll
			read eventfd#1.count`},
	} {
		want := strings.ReplaceAll(strings.TrimSpace(c.want), "\t", "")
		require.Equal(t, want, steps(t, c.setup), c.call)
	}
}
