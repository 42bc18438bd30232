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

// Select is select(2): timeout in milliseconds, negative: for ever. Without a handler it is made again after
// an interruption, with the time that was left then: what it spent stopped does not count.
func (t *Thread) Select(n int, in, out, ex *abi.FdSet, timeout int) (int, error) {
	t.begin("select", n, in, out, ex, timeout)
	deadline := t.deadline(int64(timeout), 1e6)
	left := deadline - t.k.m.Now()
	return t.restartable(func() (int, abi.Errno) {
		if deadline != sim.Forever {
			deadline = t.k.m.Now() + left
		}
		n, errno := t.files.Select(t.poller(), t.task, n, vfs.Sets{In: in, Out: out, Ex: ex}, deadline, left == 0)
		left = max(deadline-t.k.m.Now(), 0)
		if errno >= abi.ERESTARTSYS && deadline != sim.Forever {
			t.reargue(4, &abi.Timespec{Sec: left / 1e9, Nsec: left % 1e9})
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
