package kernel

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

// PollCalls are select with the timeout of the system call, and select and poll with one in ns and a signal mask for the
// time of the call. See select(2), pselect(2), ppoll(2).
type PollCalls interface {
	// SelectTimeval takes a timeout of any two numbers: more than a second of µs are seconds, and up to 6.18 parts of
	// different signs count together. nil: for ever. What was left of it comes back, unless that was nothing.
	SelectTimeval(n int, in, out, ex *abi.FdSet, timeout *abi.Timeval) (count int, err error)
	// Pselect6 is the system call itself: timeout, nil for ever, comes back as what was left of it, unless it was zero.
	Pselect6(n int, in, out, ex *abi.FdSet, timeout *abi.Timespec, sigmask *abi.SigSet) (count int, err error)
	// Ppoll treats its timeout likewise.
	Ppoll(fds []abi.PollFd, timeout *abi.Timespec, sigmask *abi.SigSet) (n int, err error)
}

// Pselect6 is pselect6(2). After an interruption without a handler it is made again with the time that was left then.
func (t *Thread) Pselect6(n int, in, out, ex *abi.FdSet, timeout *abi.Timespec, sigmask *abi.SigSet) (int, error) {
	t.begin("pselect6", n, in, out, ex, shown(timeout), sigmask)
	return t.masked(timeout, sigmask, 4, func(deadline int64, now bool) (int, abi.Errno) {
		return t.files.Select(t.poller(), t.task, n, vfs.Sets{In: in, Out: out, Ex: ex}, deadline, now)
	})
}

// Ppoll is ppoll(2). After an interruption without a handler it is made again with the time that was left then.
func (t *Thread) Ppoll(fds []abi.PollFd, timeout *abi.Timespec, sigmask *abi.SigSet) (int, error) {
	t.begin("ppoll", fds, len(fds), shown(timeout), sigmask)
	return t.masked(timeout, sigmask, 2, func(deadline int64, now bool) (int, abi.Errno) {
		return t.files.Poll(t.poller(), t.task, fds, deadline, now)
	})
}

// shown is a timeout for the tracer, which wants to know what it was.
func shown[T any](timeout *T) *T {
	if timeout == nil {
		return nil
	}
	was := *timeout
	return &was
}

// masked runs a wait with another signal mask up to a timeout, and stores what was left of that. at is the place of the
// timeout among the arguments. Models poll_select_finish.
func (t *Thread) masked(timeout *abi.Timespec, sigmask *abi.SigSet, at int, wait func(deadline int64, now bool) (int, abi.Errno)) (int, error) {
	return t.restartable(func() (int, abi.Errno) {
		deadline, now := sim.Forever, false
		if timeout != nil {
			if timeout.Sec < 0 || timeout.Nsec < 0 || timeout.Nsec > 999999999 {
				return -1, abi.EINVAL
			}
			deadline, now = t.timespecDeadline(*timeout), *timeout == abi.Timespec{}
		}
		t.setMask(sigmask)
		n, errno := wait(deadline, now)
		t.unsetMask(errno == abi.ERESTARTNOHAND)
		if timeout != nil && !now {
			left := max(deadline-t.k.m.Now(), 0)
			*timeout = abi.Timespec{Sec: left / 1e9, Nsec: left % 1e9}
		}
		if errno >= abi.ERESTARTSYS {
			t.reargue(at, shown(timeout))
		}
		if errno != 0 {
			n = -1
		}
		return n, errno
	})
}

// reargue changes an argument of a call that is about to be made again, for the tracer.
func (t *Thread) reargue(at int, arg any) {
	if t.call != nil {
		args := append([]any(nil), t.call.Args...)
		args[at] = arg
		t.call.Args = args
	}
}
