package kernel

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/eventpoll"
	"github.com/epollsim/epollsim/sim"
)

// EpollCreate is epoll_create(2); size must be positive and means nothing else.
func (t *Thread) EpollCreate(size int) (int, error) {
	t.begin("epoll_create", size)
	if size <= 0 {
		return t.result(-1, abi.EINVAL)
	}
	return t.result(t.epollCreate(0))
}

// EpollCreate1 is epoll_create1(2).
func (t *Thread) EpollCreate1(flags int) (int, error) {
	t.begin("epoll_create1", flags)
	if flags&^abi.EPOLL_CLOEXEC != 0 {
		return t.result(-1, abi.EINVAL)
	}
	return t.result(t.epollCreate(flags))
}

func (t *Thread) epollCreate(flags int) (int, abi.Errno) {
	if !t.k.epoll.MayCreate(t.k.user) {
		return -1, abi.EMFILE
	}
	fd, errno := t.files.Reserve(0, flags&abi.EPOLL_CLOEXEC != 0)
	if errno != 0 {
		return -1, errno
	}
	t.files.Install(fd, t.k.epoll.Create(t.k.user))
	return fd, 0
}

// EpollCtl is epoll_ctl(2).
func (t *Thread) EpollCtl(epfd, op, fd int, event *abi.EpollEvent) error {
	if t.k.traced {
		t.begin("epoll_ctl", epfd, op, fd, event)
	} else {
		t.enterAtPoint()
	}
	errno := t.epollCtl(epfd, op, fd, event)
	t.leave(0, errno)
	if errno != 0 {
		return errno
	}
	return nil
}

func (t *Thread) epollCtl(epfd, op, fd int, event *abi.EpollEvent) abi.Errno {
	if op != abi.EPOLL_CTL_DEL {
		if event == nil {
			return abi.EFAULT
		}
		t.k.sys.Counters.BytesIn += abi.SizeofEpollEvent
	}
	f, counted := t.fdget(epfd)
	if f == nil {
		return abi.EBADF
	}
	target, targetCounted := t.fdget(fd)
	if target == nil {
		fdput(f, counted)
		return abi.EBADF
	}
	errno := t.k.epoll.Ctl(f, target, op, fd, event, t.mayBlockSuspend())
	fdput(target, targetCounted)
	fdput(f, counted)
	return errno
}

// mayBlockSuspend is capable(CAP_BLOCK_SUSPEND): the model's user is root.
func (t *Thread) mayBlockSuspend() bool { return true }

// EpollWait is epoll_wait(2): timeout in milliseconds, negative: for ever.
func (t *Thread) EpollWait(epfd int, events []abi.EpollEvent, maxevents, timeout int) (int, error) {
	if t.k.traced {
		t.begin("epoll_wait", epfd, events, maxevents, timeout)
	} else {
		t.enterAtPoint()
	}
	n, errno := t.epollWait(epfd, events, maxevents, t.deadline(int64(timeout), 1e6), timeout == 0)
	t.leave(int64(n), errno)
	if errno != 0 {
		return n, errno
	}
	return n, nil
}

func (t *Thread) epollWait(epfd int, events []abi.EpollEvent, maxevents int, deadline int64, now bool) (int, abi.Errno) {
	f, counted := t.fdget(epfd)
	if f == nil {
		return -1, abi.EBADF
	}
	n, errno := -1, abi.EINVAL
	if !now && t.k.rules.TickTimeouts {
		deadline = t.tickDeadline(deadline)
	}
	if ep := eventpoll.Of(f); ep != nil && maxevents > 0 && maxevents <= eventpoll.MaxEvents {
		if n, errno = ep.Wait(&t.waiter, events, maxevents, deadline, now); errno != 0 {
			n = -1
		}
	}
	fdput(f, counted)
	return n, errno
}

// tickDeadline is when a wait ended that was measured in ticks: as many whole ticks behind the last one as its time
// needs.
func (t *Thread) tickDeadline(deadline int64) int64 {
	if deadline == sim.Forever {
		return deadline
	}
	now := t.k.m.Now()
	return (now/tick + (deadline-now+tick-1)/tick) * tick
}

// EpollPwait is epoll_pwait(2): sigmask, if not nil, is the signal mask of the wait.
func (t *Thread) EpollPwait(epfd int, events []abi.EpollEvent, maxevents, timeout int, sigmask *abi.SigSet) (int, error) {
	t.begin("epoll_pwait", epfd, events, maxevents, timeout, sigmask)
	return t.pwait(epfd, events, maxevents, t.deadline(int64(timeout), 1e6), timeout == 0, sigmask)
}

// EpollPwait2 is epoll_pwait2(2): timeout nil is for ever.
func (t *Thread) EpollPwait2(epfd int, events []abi.EpollEvent, maxevents int, timeout *abi.Timespec, sigmask *abi.SigSet) (int, error) {
	t.begin("epoll_pwait2", epfd, events, maxevents, timeout, sigmask)
	if t.k.rules.NoPwait2 {
		return t.result(-1, abi.ENOSYS)
	}
	deadline, now := sim.Forever, false
	if timeout != nil {
		if timeout.Sec < 0 || timeout.Nsec < 0 || timeout.Nsec > 999999999 {
			return t.result(-1, abi.EINVAL)
		}
		deadline, now = t.timespecDeadline(*timeout), *timeout == abi.Timespec{}
	}
	return t.pwait(epfd, events, maxevents, deadline, now, sigmask)
}

// pwait waits with another signal mask. It stays replaced if the wait was interrupted, so that the handler
// runs with it; otherwise the old one is back before anything is delivered.
func (t *Thread) pwait(epfd int, events []abi.EpollEvent, maxevents int, deadline int64, now bool, sigmask *abi.SigSet) (int, error) {
	t.setMask(sigmask)
	n, errno := t.epollWait(epfd, events, maxevents, deadline, now)
	t.unsetMask(errno == abi.EINTR)
	return t.result(n, errno)
}
