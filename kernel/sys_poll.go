package kernel

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

// Poll is poll(2): timeout in milliseconds, negative: for ever. Without a handler it is continued after an
// interruption, with the same deadline.
func (t *Thread) Poll(fds []abi.PollFd, timeout int) (int, error) {
	t.begin("poll", fds, len(fds), timeout)
	deadline := t.deadline(int64(timeout), 1e6)
	return t.restartable(func() (int, abi.Errno) {
		n, errno := t.files.Poll(t.poller(), t.task, fds, deadline, timeout == 0)
		if errno == abi.ERESTARTNOHAND {
			errno = abi.ERESTART_RESTARTBLOCK
		}
		return n, errno
	})
}

// Select is select(2): timeout in milliseconds, negative: for ever.
func (t *Thread) Select(n int, in, out, ex *abi.FdSet, timeout int) (int, error) {
	t.begin("select", n, in, out, ex, timeout)
	if timeout < 0 {
		return t.kernSelect(n, vfs.Sets{In: in, Out: out, Ex: ex}, nil)
	}
	tv := abi.Timeval{Sec: int64(timeout / 1000), Usec: int64(timeout % 1000 * 1000)}
	return t.kernSelect(n, vfs.Sets{In: in, Out: out, Ex: ex}, &tv)
}

// SelectTimeval is select(2) as the system call takes its time.
func (t *Thread) SelectTimeval(n int, in, out, ex *abi.FdSet, timeout *abi.Timeval) (int, error) {
	t.begin("select", n, in, out, ex, shown(timeout))
	return t.kernSelect(n, vfs.Sets{In: in, Out: out, Ex: ex}, timeout)
}

// kernSelect stores in tv what was left of it. Without a handler the call is made again after an interruption, with the
// time that was left then: what it spent stopped does not count. Models kern_select and poll_select_finish.
func (t *Thread) kernSelect(n int, sets vfs.Sets, tv *abi.Timeval) (int, error) {
	return t.restartable(func() (int, abi.Errno) {
		deadline, now := sim.Forever, false
		if tv != nil {
			ts := tv.Timespec()
			if ts.Sec < 0 || ts.Nsec < 0 || t.k.rules.SelectRefusesNegative && (tv.Sec < 0 || tv.Usec < 0) {
				return -1, abi.EINVAL
			}
			deadline, now = t.timespecDeadline(ts), ts == abi.Timespec{}
		}
		n, errno := t.files.Select(t.poller(), t.task, n, sets, deadline, now)
		if tv != nil && !now {
			left := max(deadline-t.k.m.Now(), 0)
			*tv = abi.Timeval{Sec: left / 1e9, Usec: left % 1e9 / 1e3}
		}
		if errno >= abi.ERESTARTSYS && tv != nil {
			t.reargue(4, shown(tv))
		}
		return n, errno
	})
}

var pollers = sim.NewCache[vfs.PollWqueues](nil)

// poller is the state of the polls of t, one at a time.
func (t *Thread) poller() *vfs.PollWqueues {
	if t.polls == nil {
		t.polls = pollers.New(t.k.m)
	}
	return t.polls
}
