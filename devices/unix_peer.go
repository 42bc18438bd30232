package devices

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
	"github.com/epollsim/epollsim/waitqueue"
)

// The hidden queue of a datagram receiver or listener, peer_wait. On it are blocked connects and senders, exclusive, and
// for each socket that was found not writable because of this receiver a wake of its own, which takes itself off and
// passes the news on to the socket's own queue. A socket waits at one receiver at a time.

// waitForPeer sleeps, first come, first served, while other's queue is full. The caller holds other.lock, which is
// released. Models unix_wait_for_peer.
func (u *Unix) waitForPeer(other *Unix, deadline int64) {
	h := &other.peers.wait
	e := u.net.sleeper(waitqueue.Exclusive, waitqueue.AutoremoveWake)
	prepareToWait(h, e)
	sleep := !other.dead && other.shutdown&rcvShutdown == 0 && other.full()
	other.lock.Unlock()
	if sleep {
		u.m.Current().ScheduleTimeout(deadline, "peer_wait", other.id)
	}
	u.net.endSleep(h, e)
}

// peerGet returns the peer with a reference: unix_peer_get.
func (u *Unix) peerGet() *Unix {
	u.lock.Lock()
	peer := u.peer
	if peer != nil {
		peer.hold()
	}
	u.lock.Unlock()
	return peer
}

// peerWakeMe makes u wait at other, if its queue is still full; true if u is not writable now. The caller holds u.lock.
// Models unix_dgram_peer_wake_me.
func (u *Unix) peerWakeMe(other *Unix) bool {
	connected := u.peerWakeConnect(other)
	if other.full() && !other.readDead() {
		return true
	}
	if connected {
		u.peerWakeDisconnect(other)
	}
	return false
}

// peerWakeConnect models unix_dgram_peer_wake_connect.
func (u *Unix) peerWakeConnect(other *Unix) bool {
	h := &other.peers.wait
	h.Lock.Lock()
	connected := u.peers.target == nil
	if connected {
		u.peers.target = other
		h.AddLocked(&u.peers.wake)
	}
	h.Lock.Unlock()
	return connected
}

// peerWakeDisconnect models unix_dgram_peer_wake_disconnect.
func (u *Unix) peerWakeDisconnect(other *Unix) {
	if u.peers == nil || other.peers == nil {
		return // of a stream: nobody waits there
	}
	h := &other.peers.wait
	h.Lock.Lock()
	if u.peers.target == other {
		h.RemoveLocked(&u.peers.wake)
		u.peers.target = nil
	}
	h.Lock.Unlock()
}

// peerWakeDisconnectWakeup is that and tells u to look again. Models unix_dgram_peer_wake_disconnect_wakeup.
func (u *Unix) peerWakeDisconnectWakeup(other *Unix) {
	u.peerWakeDisconnect(other)
	u.wakePlain(unixOut)
}

// relayPeerWake is the wake function of a socket that waits at another: once, then it is off. Models
// unix_dgram_peer_wake_relay.
func relayPeerWake(e *waitqueue.Entry, _ sim.State, _ bool, key abi.Events) int {
	p := e.Private.(*unixPeers)
	p.target.peers.wait.RemoveLocked(e)
	p.target = nil
	p.u.wakePlain(key)
	return 0
}

// lockBoth locks two sockets, the older one first: unix_state_double_lock. b may be nil, or a.
func lockBoth(a, b *Unix) {
	switch {
	case b == nil || a == b:
		a.lock.Lock()
	case a.id.Number() < b.id.Number():
		a.lock.Lock()
		b.lock.Lock()
	default:
		b.lock.Lock()
		a.lock.Lock()
	}
}

// unlockBoth models unix_state_double_unlock.
func unlockBoth(a, b *Unix) {
	a.lock.Unlock()
	if b != nil && b != a {
		b.lock.Unlock()
	}
}

// UnixPeers reports whether two files are the ends of one connection of unix sockets.
func UnixPeers(a, b *vfs.File) bool {
	u, ok := a.Ops.(*Unix)
	v, ok2 := b.Ops.(*Unix)
	return ok && ok2 && u.peer == v && v.peer == u
}
