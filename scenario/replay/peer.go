package replay

import (
	"net/netip"
	"slices"

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

// worldConnects connects to a listener.
func (x *exec) worldConnects(o *op, f *vfs.File) bool {
	s := devices.SocketOf(f)
	if s == nil {
		return false
	}
	addr, errno := s.Sockname(f)
	if errno != 0 {
		return false
	}
	if anyInet(&addr) && addr.Inet.Addr().IsUnspecified() {
		ip := netip.AddrFrom4([4]byte{127, 0, 0, 1})
		if addr.Inet.Addr().Is6() {
			ip = netip.IPv6Loopback()
		}
		addr = inetAddr(netip.AddrPortFrom(ip, addr.Inet.Port()))
	}
	fd, ok := x.quietly(func() (int, error) {
		fd, err := x.pilot.Socket(addr.Family, abi.SOCK_STREAM|abi.SOCK_NONBLOCK, 0)
		if err != nil {
			return fd, err
		}
		if anyInet(o.addr) {
			x.making = &op{port: o.addr.Inet.Port()}
			defer func() { x.making = nil }()
		}
		x.prompt(fd)
		x.aim = f
		defer func() { x.aim = nil }()
		return fd, x.pilot.Connect(fd, addr)
	})
	if !ok {
		return false
	}
	if defers(f) {
		x.speaksFirst(f, fd)
	}
	x.queued[f.ID()] = append(x.queued[f.ID()], fd)
	x.arrive(f)
	x.inferred("a peer connected to fd %d", x.number(o, f))
	return true
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

// accepted finds the peer of a connection that was just accepted.
func (x *exec) accepted(o *op, fd int) {
	listener, f := x.file(o, o.fd), x.file(o, fd)
	if listener == nil || f == nil {
		return
	}
	waiting := x.queued[listener.ID()]
	for i, peer := range waiting {
		if x.connected(x.pilot.Files().At(peer), f) {
			x.peers[f.ID()] = peerEnd{peer, f}
			x.queued[listener.ID()] = append(waiting[:i:i], waiting[i+1:]...)
			return
		}
	}
}

// connected reports whether two sockets are the ends of one connection that a has made: of TCP, the port of a tells.
func (x *exec) connected(a, b *vfs.File) bool {
	if a == nil || b == nil {
		return false
	}
	sa, sb := devices.SocketOf(a), devices.SocketOf(b)
	if sa == nil || sb == nil {
		return false
	}
	if devices.TcpOf(a) == nil {
		return devices.UnixPeers(a, b)
	}
	local, errno := sa.Sockname(a)
	remote, errno2 := sb.Peername(b)
	return errno == 0 && errno2 == 0 && anyInet(&local) && anyInet(&remote) &&
		local.Inet.Port() == remote.Inet.Port() && local.Inet.Addr().Unmap() == remote.Inet.Addr().Unmap()
}

// readyConnect needs somebody who listens, if the log has it that somebody does.
func readyConnect(x *exec, o *op) bool {
	if o.addr == nil || o.want.failed() && o.want.errno != abi.EINPROGRESS && o.want.errno != abi.ECONNREFUSED {
		return true
	}
	f := x.file(o, o.fd)
	addr := x.connectAddr(*o.addr)
	switch {
	case f == nil:
		return true
	case x.refusedLater(o):
		return x.listener(addr) < 0 && (addr.Family != abi.AF_UNIX || addr.Path == "" || addr.Abstract() || x.names[addr.Path])
	case devices.TcpOf(f) != nil && anyInet(&addr):
		return x.k.Listening(target(addr))
	case addr.Family == abi.AF_UNIX && addr.Path != "":
		return x.names[addr.Path]
	}
	return true
}

// target is where a connect to a wildcard leads.
func target(addr abi.Sockaddr) netip.AddrPort {
	ip := addr.Inet.Addr()
	switch {
	case ip.IsUnspecified() && ip.Is4():
		ip = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	case ip.IsUnspecified():
		ip = netip.IPv6Loopback()
	}
	return netip.AddrPortFrom(ip, addr.Inet.Port())
}

// refusedLater reports whether the log tells of a connect that nobody listened to: by an error on the same number before
// that is closed.
func (x *exec) refusedLater(o *op) bool {
	if o.want.errno != abi.EINPROGRESS {
		return o.want.errno == abi.ECONNREFUSED
	}
	return x.log.next(x.at, func(other *op) lookahead {
		switch {
		case other.task != o.task && !x.sharesFiles(o, other) || other.fd != o.fd && !other.mentions(o.fd):
			return lookOn
		case other.row.name == "getsockopt" && other.a[1] == abi.SO_ERROR:
			if len(other.fds) == 1 && other.fds[0] == int(abi.ECONNREFUSED) {
				return lookYes
			}
			return lookNo
		case other.want.errno == abi.ECONNREFUSED:
			return lookYes
		case other.row.name == "close", other.row.name == "connect" && !other.want.failed():
			return lookNo
		}
		for _, e := range other.want.polls {
			if int(e.Fd) == o.fd && e.Revents&(abi.POLLERR|abi.POLLHUP) != 0 {
				return lookYes
			}
		}
		return lookOn
	})
}

// mentions reports whether a poll asks for fd.
func (o *op) mentions(fd int) bool {
	for _, p := range o.polls {
		if int(p.Fd) == fd {
			return true
		}
	}
	return false
}

// sharesFiles reports whether two calls work on the same table.
func (x *exec) sharesFiles(a, b *op) bool {
	ta, tb := x.known(a), x.known(b)
	return ta != nil && tb != nil && ta.k != nil && tb.k != nil && ta.k.Files() == tb.k.Files()
}

// known gives the thread that makes o, also one that has made nothing yet.
func (x *exec) known(o *op) *thread {
	if th := x.threads[o.task]; th != nil {
		return th
	}
	if th := x.byTid[o.tid]; th != nil && !th.claimed {
		return th
	}
	return nil
}

// worksOn reports whether other, which comes later, is about f, with a number of the table of o. Of a task that is not known yet it is
// supposed to be a thread of that process, if the log does not show where tasks come from.
func (x *exec) worksOn(other *op, f *vfs.File, o *op) bool {
	th := x.known(other)
	if th == nil && x.log.attached && !x.log.clones() {
		th = x.known(o)
	}
	return other.fd >= 0 && th != nil && th.k != nil && th.k.Files() == x.thread(o).k.Files() && th.k.Files().At(other.fd) == f
}

// pilotBacklog lets as many wait as connect.
const pilotBacklog = 4096

// helpConnect listens where the log connects to.
func helpConnect(x *exec, o *op) bool {
	if o.addr == nil || readyConnect(x, o) {
		return false
	}
	addr := x.connectAddr(*o.addr)
	if x.refusedLater(o) {
		return x.stopListening(addr) || x.leaveBehind(addr)
	}
	if anyInet(&addr) {
		addr = inetAddr(target(addr))
	}
	fd, ok := x.quietly(func() (int, error) {
		fd, err := x.pilot.Socket(addr.Family, abi.SOCK_STREAM|abi.SOCK_NONBLOCK, 0)
		if err == nil {
			err = x.pilot.Bind(fd, addr)
		}
		if err == nil {
			err = x.pilot.Listen(fd, pilotBacklog)
		}
		return fd, err
	})
	if !ok {
		return false
	}
	if addr.Family == abi.AF_UNIX {
		x.names[addr.Path] = true
	}
	x.listeners = append(x.listeners, fd)
	x.inferred("a server listened where fd %d connects to", o.fd)
	return true
}

// listener gives the pilot's listener at an address, -1 if it has none there.
func (x *exec) listener(addr abi.Sockaddr) int {
	if anyInet(&addr) {
		addr = inetAddr(target(addr))
	}
	for _, fd := range x.listeners {
		if at, err := x.pilot.Getsockname(fd); err == nil && at == addr {
			return fd
		}
	}
	return -1
}

// stopListening closes the pilot's listener at an address: the log has it that a connect was refused there.
func (x *exec) stopListening(addr abi.Sockaddr) bool {
	fd := x.listener(addr)
	if fd < 0 {
		return false
	}
	x.answer(fd) // who waits there would be reset
	if x.pilot.Close(fd) != nil {
		return false
	}
	x.listeners = slices.DeleteFunc(x.listeners, func(l int) bool { return l == fd })
	x.inferred("the server at %s was gone", addrText(addr))
	return true
}

// leaveBehind makes a path at which a socket was bound that is there no more.
func (x *exec) leaveBehind(addr abi.Sockaddr) bool {
	if addr.Family != abi.AF_UNIX || x.names[addr.Path] {
		return false
	}
	fd, err := x.pilot.Socket(abi.AF_UNIX, abi.SOCK_STREAM, 0)
	if err != nil || x.pilot.Bind(fd, addr) != nil || x.pilot.Close(fd) != nil {
		return false
	}
	x.names[addr.Path] = true
	x.inferred("a server had left its socket at %s", addr.Path)
	return true
}

// answer accepts what waits in the pilot's listener l.
func (x *exec) answer(l int) {
	for {
		fd, err := x.pilot.Accept4(l, abi.SOCK_NONBLOCK)
		if err != nil {
			return
		}
		x.prompt(fd)
		x.unmet = append(x.unmet, fd)
	}
}

// meet finds the pilot's end of a connection that the log's side has made.
func (x *exec) meet(f *vfs.File) {
	for _, l := range x.listeners {
		x.answer(l)
	}
	for i, fd := range x.unmet {
		if x.connected(f, x.pilot.Files().At(fd)) {
			x.peers[f.ID()] = peerEnd{fd, f}
			x.unmet = append(x.unmet[:i:i], x.unmet[i+1:]...)
			return
		}
	}
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
	if fd < 0 {
		return x.stream(o, o.fd) && (x.grow(o, f) || x.later())
	}
	x.before(o, f)
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

// incoming is how much o's file gets at once: what the log reads until it waits again, or finds nothing more.
func (x *exec) incoming(o *op, n int64) int64 {
	f := x.file(o, o.fd)
	var in inflow
	in.add(o, n)
	x.log.next(x.at, func(other *op) lookahead {
		switch {
		case other == o:
			return lookOn
		case (other.row.parseIsWait() || x.lets(other, f)) && x.sharesFiles(o, other):
			return lookNo
		case other.fd != o.fd || !x.worksOn(other, f, o) || !other.row.looks:
			return lookOn
		case other.want.failed() || other.want.ret <= 0:
			return lookNo
		}
		in.add(other, other.want.ret)
		return lookOn
	})
	return in.most
}

// inflow is how much reads take together. One that peeks takes nothing.
type inflow struct{ taken, most int64 }

func (in *inflow) add(o *op, n int64) {
	in.most = max(in.most, in.taken+n)
	if !o.row.isSocketCall() || o.a[1]&abi.MSG_PEEK == 0 {
		in.taken += n
	}
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
		return devices.TcpOf(f) != nil && x.later() // the other end is in the log: what it sent is under way
	}
	fd := x.peer(f)
	if fd < 0 {
		return false
	}
	switch {
	case bits&abi.EPOLLOUT != 0 && x.peek(f)&abi.EPOLLOUT == 0:
		return x.worldTakes(o, f)
	case bits&abi.EPOLLERR != 0:
		return x.endOf(o, f, fd, true)
	case bits&(abi.EPOLLRDHUP|abi.EPOLLHUP) != 0 && x.peek(f)&(abi.EPOLLRDHUP|abi.EPOLLHUP) == 0:
		n, _ := x.nextRead(o, f)
		if n > 0 && bits&abi.EPOLLIN != 0 {
			x.sendTo(o, f, fd, n)
		}
		if devices.TcpOf(f) == nil && bits&abi.EPOLLHUP != 0 {
			x.worldTakes(o, f)
			return x.closeOf(o, f, fd)
		}
		return x.endOf(o, f, fd, false)
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

func (x *exec) isListener(f *vfs.File) bool {
	s := devices.SocketOf(f)
	n, errno := s.Getsockopt(f, abi.SOL_SOCKET, abi.SO_ACCEPTCONN)
	return errno == 0 && n == 1
}

// nextRead tells what the log reads from f next, all at once; -1 and EAGAIN if nothing.
func (x *exec) nextRead(o *op, f *vfs.File) (n int64, errno abi.Errno) {
	n, errno = -1, abi.EAGAIN
	x.log.next(x.at, func(other *op) lookahead {
		if other == o || !x.worksOn(other, f, o) {
			return lookOn
		}
		switch {
		case x.lets(other, f):
			return lookNo
		case !other.row.looks || other.row.parseIsWait():
			return lookOn
		case other.want.failed():
			errno = other.want.errno
			return lookNo
		}
		n, errno = other.want.ret, 0
		return lookYes
	})
	if n > 0 {
		var in inflow
		seen := false
		x.log.next(x.at, func(other *op) lookahead {
			switch {
			case other == o:
				return lookOn
			case seen && other.row.parseIsWait() && x.sharesFiles(o, other), x.lets(other, f) && x.sharesFiles(o, other):
				return lookNo
			case !x.worksOn(other, f, o) || !other.row.looks || other.row.parseIsWait():
				return lookOn
			case other.want.failed() || other.want.ret <= 0:
				return lookNo
			}
			seen = true
			in.add(other, other.want.ret)
			return lookOn
		})
		n = max(n, in.most)
	}
	return n, errno
}

// lets reports whether o takes f from its number: what comes later under that is of another file.
func (x *exec) lets(o *op, f *vfs.File) bool {
	switch o.row.name {
	case "close":
		return x.file(o, o.fd) == f
	case "dup2", "dup3":
		return x.file(o, o.fd2) == f
	}
	return false
}

// worldTakes lets the peer read all there is.
func (x *exec) worldTakes(o *op, f *vfs.File) bool {
	fd := x.peer(f)
	if fd < 0 {
		return false
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
