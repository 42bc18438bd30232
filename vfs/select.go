package vfs

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
)

// The bits that make an fd a member of a result set (fs/select.c).
const (
	selectIn  = abi.EPOLLRDNORM | abi.EPOLLRDBAND | abi.EPOLLIN | abi.EPOLLHUP | abi.EPOLLERR | abi.EPOLLNVAL
	selectOut = abi.EPOLLWRNORM | abi.EPOLLWRBAND | abi.EPOLLOUT | abi.EPOLLERR | abi.EPOLLNVAL
	selectEx  = abi.EPOLLPRI | abi.EPOLLNVAL
)

// selectOnStack is the size in bytes up to which the six bit maps need no allocation.
const selectOnStack = 256

// Sets are the three sets of select(2); nil ones are not looked at.
type Sets struct{ In, Out, Ex *abi.FdSet }

func (s Sets) each(fn func(*abi.FdSet)) {
	for _, set := range [...]*abi.FdSet{s.In, s.Out, s.Ex} {
		if set != nil {
			fn(set)
		}
	}
}

// Select waits until an fd below n is ready for a set it is in, deadline (absolute ns) has come, or a
// signal is pending; now says not to wait. The sets come back with the ready members and the result
// counts them; after an error they are as before. Numbers beyond the table's capacity are neither checked
// nor cleared. Models core_sys_select and do_select.
func (t *FdTable) Select(p *PollWqueues, task *sim.Task, n int, sets Sets, deadline int64, now bool) (int, abi.Errno) {
	if n < 0 {
		return 0, abi.EINVAL
	}
	n = min(n, t.Capacity(), abi.FdSetSize)
	mapBytes := (n + 63) / 64 * 8
	s := t.sys
	if 6*mapBytes > selectOnStack {
		s.Counters.Allocations++
	}
	var bad bool
	sets.each(func(set *abi.FdSet) {
		s.Counters.BytesIn += uint64(mapBytes)
		for fd := range n {
			if set.Has(fd) && t.LookupRaw(fd) == nil {
				bad = true
			}
		}
	})
	if bad {
		return 0, abi.EBADF
	}
	p.begin(s, task)
	var res [3]abi.FdSet
	count := t.selectLoop(p, n, sets, &res, deadline, now)
	p.end()
	// Only a call that has found nothing is interrupted, one that has not waited or whose time is over too.
	if count == 0 && task.SignalPending() {
		return 0, abi.ERESTARTNOHAND
	}
	for i, set := range [...]*abi.FdSet{sets.In, sets.Out, sets.Ex} {
		if set == nil {
			continue
		}
		s.Counters.BytesOut += uint64(mapBytes)
		copy(set[:mapBytes/8], res[i][:mapBytes/8])
	}
	return count, 0
}

func (t *FdTable) selectLoop(p *PollWqueues, n int, sets Sets, res *[3]abi.FdSet, deadline int64, now bool) int {
	if now {
		p.PT.Queue = nil
	}
	for timedOut := now; ; {
		count := 0
		for fd := range n {
			in, out, ex := sets.In.Has(fd), sets.Out.Has(fd), sets.Ex.Has(fd)
			if !in && !out && !ex {
				continue
			}
			mask := t.selectFd(p, fd, in, out)
			for i, hit := range [...]bool{in && mask&selectIn != 0, out && mask&selectOut != 0, ex && mask&selectEx != 0} {
				if hit {
					res[i].Set(fd)
					count++
					p.PT.Queue = nil
				}
			}
		}
		p.PT.Queue = nil
		if count > 0 || timedOut || p.task.SignalPending() {
			return count
		}
		timedOut = p.sleep(deadline, "select")
		*res = [3]abi.FdSet{}
	}
}

// selectFd asks one fd: a number closed meanwhile is ready in every set it is in (5.17, 68514dacf271).
func (t *FdTable) selectFd(p *PollWqueues, fd int, in, out bool) abi.Events {
	f := t.Get(fd)
	if f == nil {
		if t.sys.Rules.SelectSkipsClosed {
			return 0
		}
		return abi.EPOLLNVAL
	}
	p.PT.Key = selectEx
	if in {
		p.PT.Key |= selectIn
	}
	if out {
		p.PT.Key |= selectOut
	}
	mask := f.PollHooking(&p.PT)
	f.Return()
	return mask
}
