package fuzz

import "github.com/epollsim/epollsim/abi"

// Rows that bring sockets into states that single random calls would hardly reach.

// watch adds a file to an epoll.
func (g *generator) watch(ep, fd int64) {
	g.call("epoll_ctl", ep, abi.EPOLL_CTL_ADD, fd, g.mask(), fd)
}

// pair opens two connected sockets.
func (g *generator) pair(typ int64) (a, b int64) {
	a = g.call("socketpair", typ|abi.SOCK_NONBLOCK, 0)
	return a, int64(g.runner.ret2)
}

func (g *generator) socketType() int64 {
	return []int64{abi.SOCK_STREAM, abi.SOCK_DGRAM, abi.SOCK_SEQPACKET}[g.pick(3)]
}

func watchedSockets(g *generator) {
	a, b := g.pair(g.socketType())
	ep := g.anEpoll()
	g.watch(ep, a)
	if g.pick(2) == 1 {
		g.watch(ep, b)
	}
}

// fullSocket sends until nothing fits, then receives until all of it is gone, or a while: OUT is lost and comes back
// somewhere on the way.
func fullSocket(g *generator) {
	g.end += 40
	a, b := g.pair(g.socketType())
	ep := g.anEpoll()
	g.watch(ep, a)
	if g.pick(2) == 1 {
		g.call("setsockopt", a, abi.SOL_SOCKET, abi.SO_SNDBUF, optionValues[g.pick(len(optionValues))])
	}
	size := []int64{65536, 36545, 20000, 106433, 16065, 5000, 100}[g.pick(7)]
	for range 16 {
		g.call("send", a, 's', size, abi.MSG_DONTWAIT)
		if g.runner.err != nil {
			break
		}
	}
	g.call("epoll_wait", ep, 64, 0)
	for range g.pick(20) {
		g.call("recv", b, []int64{size, 300000, 1000}[g.pick(3)], 0)
		g.call("epoll_wait", ep, 64, 0)
	}
}

// crowdedListener connects more than the backlog has room for.
func crowdedListener(g *generator) {
	g.end += 24
	typ, name, backlog := []int64{abi.SOCK_STREAM, abi.SOCK_SEQPACKET}[g.pick(2)], int64(g.pick(4)), int64(g.pick(3))
	l := g.call("socket", typ|abi.SOCK_NONBLOCK, 0)
	g.call("bind", l, name)
	g.call("listen", l, backlog)
	ep := g.anEpoll()
	g.watch(ep, l)
	for range int(backlog) + g.pick(4) {
		c := g.call("socket", typ|abi.SOCK_NONBLOCK, 0)
		if g.pick(2) == 1 {
			g.watch(ep, c)
		}
		g.call("connect", c, name)
	}
	for range g.pick(3) {
		g.call("accept4", l, abi.SOCK_NONBLOCK)
	}
}

// fullDgramQueue has clients of a server that send until its queue is full; one is told to go on when the server reads.
func fullDgramQueue(g *generator) {
	g.end += 40
	name := int64(g.pick(4))
	server := g.call("socket", abi.SOCK_DGRAM|abi.SOCK_NONBLOCK, 0)
	g.call("bind", server, name)
	ep := g.anEpoll()
	for range 1 + g.pick(2) {
		c := g.call("socket", abi.SOCK_DGRAM|abi.SOCK_NONBLOCK, 0)
		g.call("connect", c, name)
		if g.pick(4) > 0 {
			g.watch(ep, c)
		}
		for range 12 {
			g.call("send", c, 'd', int64(g.pick(2)), 0)
			if g.runner.err != nil {
				break
			}
		}
		g.call("epoll_wait", ep, 64, 0)
	}
	for range g.pick(4) {
		g.call("recv", server, 100, 0)
		g.call("epoll_wait", ep, 64, 0)
	}
}

// fdsInFlight sends a watched file, closes it, and lets it live in the message only. Sometimes it is the end of another
// pair.
func fdsInFlight(g *generator) {
	g.end += 10
	a, b := g.pair(g.socketType())
	ep := g.anEpoll()
	var cargo, other int64
	switch g.pick(3) {
	case 0:
		cargo = g.call("pipe2", abi.O_NONBLOCK)
		other = int64(g.runner.ret2)
	case 1:
		cargo = g.call("eventfd", 0, abi.EFD_NONBLOCK)
		other = cargo
	default:
		cargo, other = g.pair(g.socketType())
	}
	g.watch(ep, cargo)
	g.call("send_fds", a, 'f', 1, 0, cargo)
	g.call("close", cargo)
	if other != cargo {
		g.call("write", other, 'w', 1)
	}
	g.call("epoll_wait", ep, 64, 0)
	switch g.pick(5) {
	case 0:
		g.call("recv_fds", b, 100, 0)
	case 1:
		g.call("recv", b, 100, 0)
	case 2:
		g.call("close", b)
	case 3:
		g.call("recv_fds", b, 100, abi.MSG_PEEK)
	}
	g.call("epoll_wait", ep, 64, 0)
}
