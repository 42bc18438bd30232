package replay

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/vfs"
)

// Peers that are not in the log: the pilot has the other ends of their connections, and does what results ask for at the
// last moment.

// peerEnd is the pilot's descriptor of a connection whose other end is f.
type peerEnd struct {
	fd int
	f  *vfs.File
}

// prompt makes a socket of the pilot's send at once: when something came is the log's to say, not Nagle's algorithm's.
func (x *exec) prompt(fd int) {
	_ = x.pilot.Setsockopt(fd, abi.IPPROTO_TCP, abi.TCP_NODELAY, devices.OptionValue{A: 1})
}

// quietly does something with the pilot; in traces it shows.
func (x *exec) quietly(do func() (int, error)) (int, bool) {
	n, err := do()
	return n, err == nil || errnoOf(err) == abi.EINPROGRESS
}

// peer gives the pilot's end of f's connection, -1 if the pilot has none.
func (x *exec) peer(f *vfs.File) int {
	if p, ok := x.peers[f.ID()]; ok {
		return p.fd
	}
	if len(x.listeners)+len(x.unmet) > 0 {
		x.meet(f)
		if p, ok := x.peers[f.ID()]; ok {
			return p.fd
		}
	}
	return -1
}

// worldSends lets the peer send what o reads, or end.
func (x *exec) worldSends(o *op, f *vfs.File) bool {
	if devices.UdpOf(f) != nil {
		return x.datagramFrom(o, f)
	}
	fd := x.peer(f)
	if fd < 0 && unixDatagrams(f) {
		return x.unixDatagram(o, f)
	}
	if fd < 0 {
		return x.stream(o, o.fd) && (x.drawn(o, f) || x.grow(o, f) || x.acknowledged(f))
	}
	x.before(o, f)
	if o.urgent() {
		return o.want.ret > 0 && x.peek(f)&abi.EPOLLPRI == 0 && x.sendUrgent(o, f, fd)
	}
	if held, err := x.pilot.Ioctl(fd, abi.SIOCOUTQNSD, 0); o.want.ret > 0 && err == nil && held > 0 && devices.TcpOf(f) != nil {
		return x.drawn(o, f) || x.grow(o, f) || x.later() // what it has sent waits for room
	}
	if o.want.ret > 0 {
		n := x.incoming(o, o.want.ret)
		if there, ok := x.available(f); ok && there < n {
			n -= there
		}
		return x.sendTo(o, f, fd, n)
	}
	return x.endOf(o, f, fd, false)
}

// grow makes the receive buffer of a TCP socket as large as the log shows it was: Linux measures how fast it is read.
func (x *exec) grow(o *op, f *vfs.File) bool {
	n, ok := x.available(f)
	s := devices.SocketOf(f)
	if !ok || s == nil || n == 0 || n >= o.want.ret {
		return false
	}
	for _, v := range [2]int{int(2 * min(o.want.ret, maxBuffer)), 1} {
		if s.Setsockopt(f, abi.SOL_SOCKET, abi.SO_RCVLOWAT, devices.OptionValue{A: v}) != 0 {
			return false
		}
	}
	if !x.later() {
		return false
	}
	x.inferred("the receive buffer of fd %d was larger", o.fd)
	return true
}

// before lets that happen first of which the next wait tells before it tells of f: the ready list is in the order of what
// happened.
func (x *exec) before(o *op, f *vfs.File) {
	x.log.next(x.at, func(w *op) lookahead {
		if w == o || !w.row.isEpollWait() || w.want.ret <= 0 || x.threads[w.task] == nil {
			return lookOn
		}
		ep := x.epoll(w)
		if ep == nil {
			return lookOn
		}
		var first []abi.EpollEvent
		for _, e := range w.want.events {
			file, _ := x.itemOf(ep, e.Data)
			if file == f {
				for _, e := range first {
					if g, _ := x.itemOf(ep, e.Data); g != nil && x.peek(g)&e.Events != e.Events && x.peer(g) >= 0 {
						x.worldReady(w, g, e.Events)
					}
				}
				return lookYes
			}
			first = append(first, e)
		}
		return lookOn
	})
}

// sendTo lets the peer of f, which has fd, send n bytes.
func (x *exec) sendTo(o *op, f *vfs.File, fd int, n int64) bool {
	sent, err := x.give(o, f, fd, make([]byte, min(n, maxBuffer)))
	if err != nil {
		return false
	}
	x.arrive(f)
	x.inferred("the peer of fd %d sent %d bytes", x.number(o, f), sent)
	return true
}

// sendUrgent lets the peer of f, which has fd, send an urgent byte.
func (x *exec) sendUrgent(o *op, f *vfs.File, fd int) bool {
	if _, err := x.pilot.Sendto(fd, []byte{'!'}, abi.MSG_OOB|abi.MSG_NOSIGNAL|abi.MSG_DONTWAIT, nil); err != nil {
		return false
	}
	x.arrive(f)
	x.inferred("the peer of fd %d sent an urgent byte", x.number(o, f))
	return true
}

// give sends with the pilot's fd, and passes what descriptors the log receives next from f: of those, only it knows.
func (x *exec) give(o *op, f *vfs.File, fd int, data []byte) (int, error) {
	rights, first := 0, 0
	if devices.UnixOf(f) != nil {
		x.log.next(x.at-1, func(other *op) lookahead {
			if !other.row.looks || !other.row.isSocketCall() || !x.sharesFiles(o, other) || x.file(other, other.fd) != f {
				return lookOn
			}
			rights, first = len(other.want.fds), int(min(max(other.want.ret, 0), int64(len(data))))
			return lookYes
		})
	}
	if rights == 0 {
		return x.pilot.Sendto(fd, data, abi.MSG_NOSIGNAL|abi.MSG_DONTWAIT, nil)
	}
	files := x.pilot.Files()
	var fds []int
	for range rights {
		free := files.NextFree(0)
		x.k.PutFile(files, free, newExternal(x.k.System(), "received", abi.O_RDWR, true))
		fds = append(fds, free)
	}
	n, err := x.pilot.SendFds(fd, data[:first], fds, abi.MSG_NOSIGNAL|abi.MSG_DONTWAIT)
	for _, fd := range fds {
		_ = x.pilot.Close(fd)
	}
	if err == nil && first < len(data) { // what is read behind them is a message of its own
		var more int
		more, err = x.pilot.Sendto(fd, data[first:], abi.MSG_NOSIGNAL|abi.MSG_DONTWAIT, nil)
		n += more
	}
	return n, err
}

// endOf lets the peer of f, which has fd, end its side, or all.
func (x *exec) endOf(o *op, f *vfs.File, fd int, reset bool) bool {
	if reset {
		_ = x.pilot.Setsockopt(fd, abi.SOL_SOCKET, abi.SO_LINGER, devices.OptionValue{A: 1, Pair: true})
		if x.pilot.Close(fd) != nil {
			return false
		}
		x.inferred("the peer of fd %d reset the connection", x.number(o, f))
		return true
	}
	if err := x.pilot.Shutdown(fd, abi.SHUT_WR); err != nil {
		return false
	}
	x.inferred("the peer of fd %d ended its side of the connection", x.number(o, f))
	return true
}

// closeOf lets the peer of f, which has fd, close it.
func (x *exec) closeOf(o *op, f *vfs.File, fd int) bool {
	if x.pilot.Close(fd) != nil {
		return false
	}
	delete(x.peers, f.ID())
	x.inferred("the peer of fd %d closed the connection", x.number(o, f))
	return true
}

// worldReady lets the peer do what makes f ready for bits.
func (x *exec) worldReady(o *op, f *vfs.File, bits abi.Events) bool {
	if devices.UdpOf(f) != nil && bits&abi.EPOLLIN != 0 && x.peek(f)&abi.EPOLLIN == 0 {
		return x.datagramFrom(o, f)
	}
	if s := devices.SocketOf(f); s != nil && x.peer(f) < 0 {
		if bits&abi.EPOLLIN != 0 && x.peek(f) == 0 && x.isListener(f) {
			return x.worldConnects(o, f)
		}
		if bits&abi.EPOLLIN != 0 && x.peek(f)&abi.EPOLLIN == 0 && unixDatagrams(f) {
			return x.unixDatagram(o, f)
		}
		return x.within(o, f, bits) // the other end is in the log: what it sent is under way
	}
	fd := x.peer(f)
	if fd < 0 {
		return false
	}
	switch {
	case bits&abi.EPOLLOUT != 0 && x.peek(f)&abi.EPOLLOUT == 0:
		return x.worldTakes(o, f) || x.relieve(f)
	case bits&abi.EPOLLERR != 0:
		n, end := x.untilEnd(o, f) // what came before stays
		if n > 0 && bits&abi.EPOLLIN != 0 {
			x.sendTo(o, f, fd, n)
		}
		if end && x.peek(f)&abi.EPOLLRDHUP == 0 {
			x.endOf(o, f, fd, false)
		}
		return x.endOf(o, f, fd, true)
	case bits&abi.EPOLLPRI != 0 && x.peek(f)&abi.EPOLLPRI == 0 && devices.TcpOf(f) != nil:
		return x.sendUrgent(o, f, fd)
	case bits&(abi.EPOLLRDHUP|abi.EPOLLHUP) != 0 && x.peek(f)&(abi.EPOLLRDHUP|abi.EPOLLHUP) == 0:
		return x.hangsUp(o, f, fd, bits)
	case bits&abi.EPOLLIN != 0 && x.peek(f)&abi.EPOLLIN == 0:
		n, errno := x.nextRead(o, f)
		switch {
		case n > 0:
			return x.sendTo(o, f, fd, n)
		case errno == abi.ECONNRESET:
			return x.endOf(o, f, fd, true)
		case n == 0 && errno == 0:
			return x.endOf(o, f, fd, false)
		}
		return x.sendTo(o, f, fd, 1)
	}
	return false
}

// hangsUp lets the peer of f, which has fd, end the connection in the way that makes f ready for bits.
func (x *exec) hangsUp(o *op, f *vfs.File, fd int, bits abi.Events) bool {
	if n, _ := x.untilEnd(o, f); n > 0 && bits&abi.EPOLLIN != 0 {
		x.sendTo(o, f, fd, n)
	}
	if devices.TcpOf(f) == nil && bits&abi.EPOLLHUP != 0 {
		x.worldTakes(o, f)
		return x.closeOf(o, f, fd)
	}
	return x.endOf(o, f, fd, false)
}

// worldTakes lets the peer read all there is.
func (x *exec) worldTakes(o *op, f *vfs.File) bool {
	fd := x.peer(f)
	if fd < 0 {
		return x.acknowledged(f)
	}
	took := 0
	buf := make([]byte, 1<<16)
	for {
		n, err := x.pilot.Recvfrom(fd, buf, abi.MSG_DONTWAIT, nil)
		if err != nil || n == 0 {
			break
		}
		took += n
	}
	if took == 0 {
		return false
	}
	x.inferred("the peer of fd %d read %d bytes", x.number(o, f), took)
	return true
}
