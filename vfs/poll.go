package vfs

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
)

// kernelPollChunk and pollOnStack: how poll(2) allocates its copy of the array.
const (
	pollOnStack  = 30
	pollPerChunk = 510
	sizeofPollFd = 8
)

// Poll waits until one of fds is ready, deadline (absolute ns, sim.Forever: none) has come, or a signal is
// pending; now says not to wait at all. It returns how many entries have revents. ERESTARTNOHAND stands
// for an interrupted wait; revents are written nevertheless. Models do_sys_poll and do_poll.
func (t *FdTable) Poll(p *PollWqueues, task *sim.Task, fds []abi.PollFd, deadline int64, now bool) (int, abi.Errno) {
	if len(fds) > t.Limit {
		return 0, abi.EINVAL
	}
	s := t.sys
	s.Counters.BytesIn += uint64(sizeofPollFd * len(fds))
	s.Counters.Allocations += uint64((max(len(fds)-pollOnStack, 0) + pollPerChunk - 1) / pollPerChunk)
	p.begin(s, task)
	n, errno := t.pollLoop(p, fds, deadline, now)
	p.end()
	s.Counters.BytesOut += uint64(2 * len(fds))
	return n, errno
}

func (t *FdTable) pollLoop(p *PollWqueues, fds []abi.PollFd, deadline int64, now bool) (int, abi.Errno) {
	if now {
		p.PT.Queue = nil
	}
	for timedOut := now; ; {
		count := 0
		for i := range fds {
			if t.pollFd(p, &fds[i]) {
				count++
				p.PT.Queue = nil
			}
		}
		p.PT.Queue = nil // only the first pass hooks
		if count > 0 {
			return count, 0
		}
		if p.task.SignalPending() {
			return 0, abi.ERESTARTNOHAND
		}
		if timedOut {
			return 0, 0
		}
		timedOut = p.sleep(deadline, "poll")
	}
}

// pollFd asks one entry and reports whether it is hit: do_pollfd.
func (t *FdTable) pollFd(p *PollWqueues, e *abi.PollFd) bool {
	e.Revents = 0
	if e.Fd < 0 {
		return false
	}
	f := t.Get(int(e.Fd))
	if f == nil {
		e.Revents = abi.POLLNVAL
		return true
	}
	filter := abi.Events(uint16(e.Events)) | abi.EPOLLERR | abi.EPOLLHUP
	p.PT.Key = filter
	e.Revents = int16(f.PollHooking(&p.PT) & filter)
	f.Return()
	return e.Revents != 0
}
