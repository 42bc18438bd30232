package fuzz

import "github.com/epollsim/epollsim/abi"

// Rows that make several calls reach what single random calls would not: full pipes, limits of depth and of
// paths, crowds.

func watchedEventfd(g *generator) {
	ep := g.anEpoll()
	fd := g.call("eventfd", initvals[g.pick(len(initvals))], eventfdFlags[g.pick(3)])
	g.call("epoll_ctl", ep, abi.EPOLL_CTL_ADD, fd, g.mask(), fd)
}

func watchedPipe(g *generator) {
	ep := g.anEpoll()
	r := g.call("pipe2", pipeFlags[g.pick(4)])
	w := int64(g.runner.ret2)
	g.call("epoll_ctl", ep, abi.EPOLL_CTL_ADD, r, g.mask(), r)
	if g.pick(2) == 1 {
		g.call("epoll_ctl", ep, abi.EPOLL_CTL_ADD, w, g.mask(), w)
	}
}

// anEpoll is one that is there, or a new one.
func (g *generator) anEpoll() int64 {
	for i := len(g.open) - 1; i >= 0; i-- {
		if g.kinds[g.open[i]] == epoll {
			return int64(g.open[i])
		}
	}
	return g.call("epoll_create1", 0)
}

func fullPipe(g *generator) {
	r := g.call("pipe2", pipeFlags[[]int{0, 3}[g.pick(2)]])
	w := int64(g.runner.ret2)
	if g.pick(2) == 1 {
		g.call("fcntl F_SETPIPE_SZ", w, pipeSizes[g.pick(4)])
	}
	if g.pick(2) == 0 {
		ep := g.anEpoll()
		g.call("epoll_ctl", ep, abi.EPOLL_CTL_ADD, w, g.mask(), w)
		g.call("epoll_ctl", ep, abi.EPOLL_CTL_ADD, r, g.mask(), r)
	}
	size := []int64{65536, 100000, 4096, 2049, 5000}[g.pick(5)]
	for range 20 {
		g.call("write", w, 'w', size)
		if g.runner.err != nil {
			break
		}
	}
}

// epollChain nests n epolls, the outermost first or last.
func epollChain(g *generator) {
	n := 2 + g.pick(5)
	up := g.pick(2)
	mask := g.mask()
	prev := g.call("epoll_create1", 0)
	for range n {
		next := g.call("epoll_create1", 0)
		if up == 1 {
			g.call("epoll_ctl", next, abi.EPOLL_CTL_ADD, prev, mask, prev)
		} else {
			g.call("epoll_ctl", prev, abi.EPOLL_CTL_ADD, next, mask, next)
		}
		prev = next
	}
}

func manyEventfds(g *generator) {
	n := 3 + g.pick(8)
	ep := g.anEpoll()
	mask := g.mask()
	initval := initvals[g.pick(4)]
	for range n {
		fd := g.call("eventfd", initval, abi.EFD_NONBLOCK)
		g.call("epoll_ctl", ep, abi.EPOLL_CTL_ADD, fd, mask, fd)
	}
}

// fanIn puts a crowd of outer epolls over one inner one, to come near the limits of wake-up paths. That takes
// more calls than other programs have.
func fanIn(g *generator) {
	leaf := g.fd(isEventfd | isPipe)
	depth := 1 + g.pick(3)
	extra := int64(g.pick(4))
	limit := []int64{0, 500, 100, 50, 10}[depth] // of paths of this depth
	if depth == 1 {
		limit = 20 // 500 is out of reach
	}
	g.end += int(2*(limit+extra)) + 20
	inner := g.call("epoll_create1", 0)
	g.call("epoll_ctl", inner, abi.EPOLL_CTL_ADD, leaf, int64(in), leaf)
	for range depth - 1 {
		next := g.call("epoll_create1", 0)
		g.call("epoll_ctl", next, abi.EPOLL_CTL_ADD, inner, int64(in), inner)
		inner = next
	}
	for range limit + extra {
		outer := g.call("epoll_create1", 0)
		g.call("epoll_ctl", outer, abi.EPOLL_CTL_ADD, inner, int64(in), inner)
		if g.runner.err != nil {
			break
		}
	}
}

// epollLoop closes a chain of n epolls to a ring.
func epollLoop(g *generator) {
	n := 1 + g.pick(4)
	first := g.call("epoll_create1", 0)
	last := first
	for range n {
		next := g.call("epoll_create1", 0)
		g.call("epoll_ctl", last, abi.EPOLL_CTL_ADD, next, int64(in), next)
		last = next
	}
	g.call("epoll_ctl", last, abi.EPOLL_CTL_ADD, first, int64(in), first)
}

// exclusivePair watches one eventfd or pipe by two epolls that want the wake-up for themselves.
func exclusivePair(g *generator) {
	mask := int64([]abi.Events{in, in | et, out, in | out, in | out | et}[g.pick(5)] | exclusive)
	fd := g.fd(isEventfd | isPipe)
	if kinds(g.kindOf(fd))&isPollable == 0 {
		fd = g.call("eventfd", 0, abi.EFD_NONBLOCK)
	}
	for range 2 {
		ep := g.call("epoll_create1", 0)
		g.call("epoll_ctl", ep, abi.EPOLL_CTL_ADD, fd, mask, fd)
	}
}
