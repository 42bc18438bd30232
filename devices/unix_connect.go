package devices

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

// Listen makes u take connections. A larger backlog lets all blocked connects look again. Models unix_listen.
func (u *Unix) Listen(_ *vfs.File, backlog int) abi.Errno {
	if uint32(backlog) > somaxconn {
		backlog = somaxconn
	}
	if u.kind == abi.SOCK_DGRAM {
		return abi.EOPNOTSUPP
	}
	u.m.Read(u.id, fieldAddr)
	if u.addr == "" {
		return abi.EINVAL
	}
	u.lock.Lock()
	defer u.lock.Unlock()
	if u.state != unixClose && u.state != unixListen {
		return abi.EINVAL
	}
	u.initPeers()
	if backlog > int(u.backlog) {
		u.peers.wait.WakeUpInterruptibleAll()
	}
	u.m.Write(u.id, fieldBacklog)
	u.backlog = int32(backlog)
	u.setState(unixListen)
	u.peerPid = currentTgid(u.m)
	return 0
}

// waitFlags are MSG_DONTWAIT for a description that does not block.
func waitFlags(f *vfs.File) int {
	if f.NonBlocking() {
		return abi.MSG_DONTWAIT
	}
	return 0
}

// Connect makes a connection, or gives a datagram socket a peer.
func (u *Unix) Connect(f *vfs.File, addr abi.Sockaddr) (errno abi.Errno) {
	if u.kind == abi.SOCK_DGRAM {
		enter(u.m, "unix_dgram_connect")
		errno = u.connectDgram(addr)
		leave(u.m, "unix_dgram_connect")
	} else {
		enter(u.m, "unix_stream_connect")
		errno = u.connectStream(f, addr)
		leave(u.m, "unix_stream_connect")
	}
	return errno
}

// connectStream makes the other end of the connection, connects u to it, and queues it at the listener; nobody has to
// accept. With more than backlog in the queue already it sleeps. Nothing wakes who watches u. Models unix_stream_connect.
func (u *Unix) connectStream(f *vfs.File, addr abi.Sockaddr) abi.Errno {
	if errno := validUnixAddr(addr); errno != 0 {
		return errno
	}
	deadline := socketDeadline(u.m, waitFlags(f), u.sndtimeo())
	end := u.net.newUnix(u.kind)
	s := end.charged(0, skbCost(1, 0))
	errno, again := abi.Errno(0), true
	for again {
		errno, again = u.connectOnce(addr, end, s, deadline)
	}
	if errno != 0 {
		u.net.release(s)
		end.dead = true // nobody has seen it
		end.put()
	}
	return errno
}

// connectOnce looks for the listener and connects; again: the listener has died, or had no room for a while.
func (u *Unix) connectOnce(addr abi.Sockaddr, end *Unix, s *unixMessage, deadline int64) (errno abi.Errno, again bool) {
	other, errno := u.net.find(addr, u.kind)
	if errno != 0 {
		return errno, false
	}
	defer other.put()
	other.lock.Lock()
	switch {
	case other.dead:
		again = true
	case other.state != unixListen || other.shutdown&rcvShutdown != 0:
		errno = abi.ECONNREFUSED
	case other.full():
		if mayWait(u.m, deadline) {
			u.waitForPeer(other, deadline)
			if u.m.Current().SignalPending() {
				return interruptedWait(deadline), false
			}
			return 0, true
		}
		errno = abi.EAGAIN
	default:
		errno = u.establish(other, end)
	}
	if errno != 0 || again {
		other.lock.Unlock()
		return errno, again
	}
	other.pushLocking(s)
	other.lock.Unlock()
	other.dataReady()
	return 0, false
}

// establish makes u and end, the future socket of the listener's side, peers. The caller holds the listener's lock.
func (u *Unix) establish(other, end *Unix) abi.Errno {
	if errno := u.readState().busy(); errno != 0 {
		return errno
	}
	u.lock.Lock()
	defer u.lock.Unlock()
	if errno := u.state.busy(); errno != 0 {
		return errno
	}
	u.hold()
	end.peer, end.state = u, unixEstablished
	end.listener, end.addr = other, other.addr
	end.peerPid, u.peerPid = currentTgid(u.m), other.peerPid
	u.setState(unixEstablished)
	end.hold()
	u.setPeer(end)
	return 0
}

// busy is why a socket of this state cannot connect, or 0.
func (s unixState) busy() abi.Errno {
	switch s {
	case unixEstablished:
		return abi.EISCONN
	case unixListen:
		return abi.EINVAL
	}
	return 0
}

// connectDgram gives u another peer, or none if the family is AF_UNSPEC. Messages of an old peer are thrown away. Models
// unix_dgram_connect.
func (u *Unix) connectDgram(addr abi.Sockaddr) abi.Errno {
	var other *Unix
	if addr.Family == abi.AF_UNSPEC {
		u.lock.Lock()
	} else {
		var errno abi.Errno
		if other, errno = u.lockNewPeer(addr); errno != 0 {
			return errno
		}
		u.setState(unixEstablished)
		other.setState(unixEstablished)
	}
	old := u.peer
	u.setPeer(other)
	if old == nil {
		unlockBoth(u, other)
		return 0
	}
	if other == nil {
		u.setState(unixClose)
	}
	u.peerWakeDisconnectWakeup(old)
	unlockBoth(u, other)
	if other != old {
		u.disconnected(old)
		old.lock.Lock()
		if old.peer == nil {
			old.setState(unixClose)
		}
		old.lock.Unlock()
	}
	old.put()
	return 0
}

// lockNewPeer returns the socket of that name, both locked, with a reference.
func (u *Unix) lockNewPeer(addr abi.Sockaddr) (*Unix, abi.Errno) {
	if errno := validUnixAddr(addr); errno != 0 {
		return nil, errno
	}
	for {
		other, errno := u.net.find(addr, u.kind)
		if errno != 0 {
			return nil, errno
		}
		lockBoth(u, other)
		dead, taken := other.dead, other.peer != nil && other.peer != u
		if !dead && !taken {
			return other, 0
		}
		unlockBoth(u, other)
		other.put()
		if !dead {
			return nil, abi.EPERM
		}
	}
}

// Accept takes the oldest connection, sleeping for one, first come, first served; a listener shut for reading has no
// more. One blocked connect may go on. Models unix_accept.
func (u *Unix) Accept(f *vfs.File, flags int) (*vfs.File, abi.Errno) {
	if u.kind == abi.SOCK_DGRAM {
		return nil, abi.EOPNOTSUPP
	}
	if u.readState() != unixListen {
		return nil, abi.EINVAL
	}
	deadline := socketDeadline(u.m, waitFlags(f), u.rcvtimeo())
	s, errno := u.tryRecv(0)
	for s == nil {
		again := errno == abi.EAGAIN && mayWait(u.m, deadline)
		if again {
			again, errno = u.waitForMore(u.queue.last, deadline)
		}
		if !again {
			if errno == 0 {
				errno = abi.EINVAL
			}
			return nil, errno
		}
		s, errno = u.tryRecv(0)
	}
	end := s.from
	u.net.release(s)
	u.peers.wait.WakeUp(sim.Interruptible, 1, false, 0)
	end.lock.Lock()
	end.listener = nil
	end.lock.Unlock()
	return u.net.file(end, flags), 0
}
