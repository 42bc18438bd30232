package bench

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
)

// multiplexer is a way to wait for many files.
type multiplexer struct {
	name string
	most int // files
	// open prepares to wait for all pipes; the result waits and returns which active ones are ready.
	open func(t *kernel.Thread, p *pipes) func(timeout int) []int
}

// most of select: an fd_set of libc has FD_SETSIZE bits, and 0 to 2 are taken. The kernel itself takes as many as the fd
// table has places for.
const mostSelect = abi.FdSetSize - 4

var multiplexers = []multiplexer{
	{"select", mostSelect, openSelect},
	{"poll", MostPipes, openPoll},
	{"epoll LT", MostPipes, openEpoll(0)},
	{"epoll ET", MostPipes, openEpoll(abi.EPOLLET)},
}

func openSelect(t *kernel.Thread, p *pipes) func(int) []int {
	var all abi.FdSet
	highest := 0
	for _, fd := range p.all {
		all.Set(fd)
		highest = max(highest, fd)
	}
	ready := make([]int, 0, len(p.from))
	return func(timeout int) []int {
		ready = ready[:0]
		set := all
		must(t.Select(highest+1, &set, nil, nil, timeout))
		for _, fd := range p.all {
			if set.Has(fd) {
				ready = append(ready, p.active[fd])
			}
		}
		return ready
	}
}

func openPoll(t *kernel.Thread, p *pipes) func(int) []int {
	fds := make([]abi.PollFd, len(p.all))
	for i, fd := range p.all {
		fds[i] = abi.PollFd{Fd: int32(fd), Events: int16(abi.EPOLLIN)}
	}
	ready := make([]int, 0, len(p.from))
	return func(timeout int) []int {
		ready = ready[:0]
		must(t.Poll(fds, timeout))
		for i := range fds {
			if fds[i].Revents != 0 {
				ready = append(ready, p.active[int(fds[i].Fd)])
			}
		}
		return ready
	}
}

func openEpoll(mode abi.Events) func(*kernel.Thread, *pipes) func(int) []int {
	return func(t *kernel.Thread, p *pipes) func(int) []int {
		ep := must(t.EpollCreate1(0))
		for _, fd := range p.all {
			must(0, t.EpollCtl(ep, abi.EPOLL_CTL_ADD, fd, &abi.EpollEvent{Events: abi.EPOLLIN | mode, Data: uint64(fd)}))
		}
		events := make([]abi.EpollEvent, len(p.from))
		ready := make([]int, 0, len(p.from))
		return func(timeout int) []int {
			ready = ready[:0]
			n := must(t.EpollWait(ep, events, len(events), timeout))
			for _, e := range events[:n] {
				ready = append(ready, p.active[int(e.Data)])
			}
			return ready
		}
	}
}
