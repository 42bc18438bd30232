package devices

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/vfs"
)

// Shutdown shuts one direction or both, and the other side's opposite ones if there is a connection. Everybody is woken
// each time, though nothing may have changed. It needs no connection. Models unix_shutdown.
func (u *Unix) Shutdown(_ *vfs.File, how int) abi.Errno {
	if how < abi.SHUT_RD || how > abi.SHUT_RDWR {
		return abi.EINVAL
	}
	enter(u.m, "unix_shutdown")
	mode := uint8(how + 1)
	u.lock.Lock()
	u.setShutdown(mode)
	other := u.peer
	if other != nil {
		other.hold()
	}
	u.lock.Unlock()
	u.stateChange()
	if other != nil {
		if u.kind != abi.SOCK_DGRAM {
			other.lock.Lock()
			other.setShutdown(mode>>1 | mode<<1&shutdownMask)
			other.lock.Unlock()
			other.stateChange()
		}
		other.put()
	}
	leave(u.m, "unix_shutdown")
	return 0
}

// Release closes the socket.
func (u *Unix) Release(*vfs.File) {
	enter(u.m, "unix_release")
	m, net := u.m, u.net
	u.releaseSock(false)
	net.collect()
	leave(m, "unix_release")
}

// releaseSock ends u: its name and its peer are gone, who waits for room here is woken, the peer learns that both
// directions are shut – and of messages that it sent and nobody has read, or, where the listener closes before it
// accepts (embryo), that nobody ever will. Then what is unread is thrown away: connections in the queue of a listener the
// same way. Models unix_release_sock.
func (u *Unix) releaseSock(embryo bool) {
	u.unbind()
	u.lock.Lock()
	u.m.Write(u.id, fieldWq)
	u.dead = true
	u.setShutdown(shutdownMask)
	state := u.state
	u.setState(unixClose)
	peer := u.peer
	u.setPeer(nil)
	u.lock.Unlock()

	u.setOob(nil)
	if u.peers != nil {
		u.peers.wait.WakeUpInterruptibleAll()
	}
	if peer != nil {
		if u.kind != abi.SOCK_DGRAM {
			u.hangUp(peer, embryo)
		}
		u.peerWakeDisconnect(peer)
		peer.put()
	}
	for s := u.pop(); s != nil; s = u.pop() {
		if state == unixListen {
			s.from.releaseSock(true)
		}
		u.net.release(s)
	}
	if u.dentry != nil {
		u.dentry.Put()
	}
	u.put()
}

// hangUp tells the peer of u.
func (u *Unix) hangUp(peer *Unix, embryo bool) {
	u.m.Read(u.id, fieldQueue)
	unread := u.queue.first
	if unread != nil && unread.left() == 0 { // an out-of-band byte that was taken; or, by mistake, an empty record
		unread = unread.next
	}
	peer.lock.Lock()
	peer.setShutdown(shutdownMask)
	if unread != nil || embryo {
		peer.setErr(abi.ECONNRESET)
	}
	peer.lock.Unlock()
	peer.stateChange()
}
