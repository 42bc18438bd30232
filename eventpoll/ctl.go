package eventpoll

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/vfs"
)

// Ctl adds, changes or removes the watch of target, open as fd, in the epoll of f. event may be nil for
// EPOLL_CTL_DEL only. mayWakeup says whether the caller may block suspend (CAP_BLOCK_SUSPEND). The checks
// come in the kernel's order: EPERM (target cannot be polled), EINVAL (not an epoll, the same file, EXCLUSIVE rules), ELOOP,
// EEXIST or ENOENT or EINVAL (unknown op), ENOSPC, EINVAL (too many wake-up paths).
//
// Models do_epoll_ctl from where both files are looked up. See epoll_ctl(2).
func (s *Statics) Ctl(f, target *vfs.File, op, fd int, event *abi.EpollEvent, mayWakeup bool) abi.Errno {
	if !target.CanPoll() {
		s.reach(ctlUnpollable)
		return abi.EPERM
	}
	var ev abi.EpollEvent
	if op != abi.EPOLL_CTL_DEL {
		ev = *event
		if (!s.PMSleep || !mayWakeup) && !s.Rules.NoWakeup {
			ev.Events &^= abi.EPOLLWAKEUP
		}
	}
	ep := Of(f)
	if f == target || ep == nil {
		s.reach(ctlNoEpoll)
		return abi.EINVAL
	}
	if ev.Events&abi.EPOLLEXCLUSIVE != 0 && !s.Rules.NoExclusive {
		if op == abi.EPOLL_CTL_MOD {
			s.reach(ctlExclusiveMod)
			return abi.EINVAL
		}
		if op == abi.EPOLL_CTL_ADD && (Of(target) != nil || ev.Events&^exclusiveOK != 0) {
			s.reach(ctlExclusiveMask)
			return abi.EINVAL
		}
	}
	ep.mtx.Lock()
	if op == abi.EPOLL_CTL_ADD && ep.needsFullCheck(target) {
		return s.ctlNested(ep, target, fd, &ev)
	}
	errno := ep.ctl(op, target, fd, &ev, false)
	ep.mtx.Unlock()
	return errno
}

// needsFullCheck reports whether an ADD could make a loop or lengthen a wake-up path; ep.mtx is held.
func (ep *Eventpoll) needsFullCheck(target *vfs.File) bool {
	switch r := &ep.rules; {
	case r.AcceptsLoops:
		return false
	case r.NoPathLimits:
		return Of(target) != nil
	case r.EveryAddIsChecked:
		return true
	}
	if ep.file.Watchers() != nil || Of(target) != nil {
		return true
	}
	if ep.rules.IgnoresChecksUnderWay {
		return false
	}
	ep.m.Read(ep.id, fieldGen)
	ep.m.Read(ep.statics.id, fieldCheckGen)
	return ep.gen == ep.statics.loopCheckGen // a nested check that visited ep is under way
}

// ctlNested is an ADD under epnested_mutex, which comes before ep.mtx: the latter, held on entry, is
// released and taken again, and both are released on return.
func (s *Statics) ctlNested(ep *Eventpoll, target *vfs.File, fd int, ev *abi.EpollEvent) abi.Errno {
	ep.mtx.Unlock()
	s.reach(ctlFullCheck)
	s.nested.Lock()
	s.nextGen()
	var errno abi.Errno
	if inner := Of(target); inner != nil && !s.loopCheck(ep, inner) {
		s.reach(ctlLoop)
		errno = abi.ELOOP
	} else {
		ep.mtx.Lock()
		errno = ep.ctl(abi.EPOLL_CTL_ADD, target, fd, ev, !s.Rules.NoPathLimits)
		ep.mtx.Unlock()
	}
	if errno != abi.ELOOP || !s.Rules.LoopLeavesCheckList {
		s.clearCheckList()
	}
	s.nextGen()
	s.nested.Unlock()
	return errno
}

func (s *Statics) nextGen() {
	s.Sys.M.Write(s.id, fieldCheckGen)
	s.loopCheckGen++
}

// ctl looks the item up and does op; ep.mtx is held.
func (ep *Eventpoll) ctl(op int, target *vfs.File, fd int, ev *abi.EpollEvent, fullCheck bool) abi.Errno {
	s := ep.statics
	epi := ep.find(target, fd)
	switch op {
	case abi.EPOLL_CTL_ADD:
		if epi != nil {
			s.reach(ctlExists)
			return abi.EEXIST
		}
		ev.Events |= abi.EPOLLERR | abi.EPOLLHUP
		ep.enter("ep_insert")
		errno := ep.insert(target, fd, ev, fullCheck)
		leaveWith(ep.m, "ep_insert", 0, errno)
		return errno
	case abi.EPOLL_CTL_DEL:
		if epi == nil {
			s.reach(ctlAbsent)
			return abi.ENOENT
		}
		// The caller's references keep the file and the epoll alive, so the item is removed here and
		// the count does not reach 0.
		if ep.remove(epi) {
			ep.put()
		}
		return 0
	case abi.EPOLL_CTL_MOD:
		if epi == nil {
			s.reach(ctlAbsent)
			return abi.ENOENT
		}
		if epi.event.Events&abi.EPOLLEXCLUSIVE != 0 && !ep.rules.NoExclusive {
			s.reach(ctlModOfExclusive)
			return abi.EINVAL
		}
		ev.Events |= abi.EPOLLERR | abi.EPOLLHUP
		ep.modify(epi, ev)
		return 0
	}
	s.reach(ctlBadOp)
	return abi.EINVAL
}
