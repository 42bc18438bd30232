package devices

import (
	"net/netip"

	"github.com/epollsim/epollsim/sim"
)

// softnet is the queue of packets that a processor has received, models struct softnet_data.
type softnet struct {
	task    *sim.Task
	packets packetQueue
	softirq bool // packets are being handled
	off     int  // local_bh_disable
}

// cpu is the processor of the running task.
func (n *InetNet) cpu() *softnet {
	cur := n.sys.M.Current()
	var idle *softnet
	for _, c := range n.cpus {
		if c.task == cur {
			return c
		}
		if c.task == nil {
			idle = c
		}
	}
	if idle == nil {
		idle = &softnet{}
		n.cpus = append(n.cpus, idle)
	}
	idle.task = cur
	return idle
}

// done gives the processor back if nothing is left to do there.
func (c *softnet) done() {
	if !c.softirq && c.off == 0 && c.packets.first == nil {
		c.task = nil
	}
}

// send puts a packet on the loopback. It is handled at once, unless that is being done already or the caller has
// disabled softirqs. Models loopback_xmit and the softirq at the end of __dev_queue_xmit.
func (n *InetNet) send(p *tcpPacket) {
	c := n.cpu()
	c.packets.push(p)
	n.run(c)
}

// run handles what has come: net_rx_action.
func (n *InetNet) run(c *softnet) {
	if c.softirq || c.off > 0 {
		return
	}
	c.softirq = true
	for p := c.packets.pop(); p != nil; p = c.packets.pop() {
		n.receive(p)
	}
	c.softirq = false
	c.done()
}

// bhDisable keeps packets that the running task sends waiting until bhEnable. Both nest.
func (n *InetNet) bhDisable() { n.cpu().off++ }

func (n *InetNet) bhEnable() {
	c := n.cpu()
	c.off--
	n.run(c)
}

// tuple is the name of a connection as a packet for it has it.
type tuple struct {
	src, dst         [16]byte
	srcPort, dstPort uint16
}

func tupleOf(src, dst netip.AddrPort) tuple {
	return tuple{src.Addr().As16(), dst.Addr().As16(), src.Port(), dst.Port()}
}

// tupleOfSock is what packets for t say.
func (s *inetSock) tuple() tuple {
	return tupleOf(s.remote, netip.AddrPortFrom(s.source, s.local.Port()))
}

// hash makes t the receiver of packets of its connection; false: there is one already. A TIME_WAIT of a connection that
// was longer ago does not count. Models inet_ehash_insert and __inet_check_established.
func (t *Tcp) hash() bool {
	n := t.net
	n.ehash.Lock()
	defer n.ehash.Unlock()
	key := t.tuple()
	if n.established[key] != nil {
		return false
	}
	if n.established == nil {
		n.established = map[tuple]*inetSock{}
	}
	t.m.Write(t.id, fieldHash)
	n.established[key] = &t.inetSock
	t.hashed = true
	return true
}

// isHashed is a point: packets find their socket without a lock.
func (t *Tcp) isHashed() bool {
	t.m.Read(t.id, fieldHash)
	return t.hashed
}

// unhash takes t off again: inet_unhash.
func (t *Tcp) unhash() {
	if !t.hashed {
		return
	}
	t.net.ehash.Lock()
	t.m.Write(t.id, fieldHash)
	delete(t.net.established, t.tuple())
	t.hashed = false
	t.net.ehash.Unlock()
}

// receive handles a packet: the socket of its connection, or a listener, or nobody. Models tcp_v4_rcv and tcp_v6_rcv.
func (n *InetNet) receive(p *tcpPacket) {
	if t := p.to; t != nil && t.isHashed() && t.peer == p.from {
		t.deliver(p)
		return
	}
	n.ehash.Lock()
	s := n.established[tupleOf(p.src, p.dst)]
	n.ehash.Unlock()
	switch {
	case s == nil:
	case s.state == inetTimeWait:
		s.timeWait.receive(p)
		return
	default:
		s.tcp.deliver(p)
		return
	}
	if l := n.findListener(p); l != nil {
		l.receiveSyn(p)
		return
	}
	n.sendReset(p)
	n.freePacket(p)
}

// findListener returns the listener that a packet is for: the one with the most exact address, of several that share it
// one that the peer's port decides. Models inet_lookup_listener and reuseport_select_sock.
func (n *InetNet) findListener(p *tcpPacket) *Tcp {
	var best *Tcp
	var score, shared int
	n.tcp.lock.Lock()
	defer n.tcp.lock.Unlock()
	n.tcp.lookup(p.dst.Port())
	port := n.tcp.byPort[p.dst.Port()]
	if port == nil {
		return nil
	}
	for _, s := range port.listeners {
		mine := s.listenerScore(p.dst.Addr())
		switch {
		case mine == 0:
		case mine > score:
			best, score, shared = s, mine, 1
		case mine == score:
			if shared++; int(p.src.Port()>>1)%shared == 0 {
				best = s
			}
		}
	}
	if shared > 1 && n.ListenerFor != nil {
		return n.ListenerFor(p.src, bestListeners(port.listeners, p.dst.Addr(), score))
	}
	return best
}

// listenerScore is how exact the address of a listener is for a packet to an address, 0 if it is not for it. Models
// compute_score.
func (t *Tcp) listenerScore(to netip.Addr) int {
	if !t.receives(to) {
		return 0
	}
	score := 1
	if !t.local.Addr().IsUnspecified() {
		score += 2
	}
	if t.local.Addr().Is4() {
		score++
	}
	return score
}

func bestListeners(list []*Tcp, to netip.Addr, score int) []*Tcp {
	var group []*Tcp
	for _, t := range list {
		if t.listenerScore(to) == score {
			group = append(group, t)
		}
	}
	return group
}

// deliver handles a packet for t, or leaves it to the owner of t. Models the end of tcp_v4_rcv.
func (t *Tcp) deliver(p *tcpPacket) {
	t.slock.Lock()
	t.m.Read(t.id, fieldOwned)
	if t.owned {
		t.m.Write(t.id, fieldBacklogQ)
		t.addBacklog(p)
		t.slock.Unlock()
		return
	}
	t.doRcv(p)
	t.slock.Unlock()
}

// lockSock makes the running task the owner of t: lock_sock.
func (t *Tcp) lockSock() {
	t.lock.Lock()
	t.slock.Lock()
	t.m.Write(t.id, fieldOwned)
	t.owned = true
	t.slock.Unlock()
}

// releaseSock handles what has come meanwhile, and what was put off until now. Models release_sock and tcp_release_cb.
func (t *Tcp) releaseSock() {
	t.slock.Lock()
	if t.m.Write(t.id, fieldBacklogQ); t.backlog.first != nil {
		t.flushBacklogLocked()
	}
	sends := t.deferred != 0
	if sends {
		t.net.bhDisable()
		t.releaseCb()
	}
	t.m.Write(t.id, fieldOwned)
	t.owned = false
	t.slock.Unlock()
	if sends {
		t.net.bhEnable()
	}
	t.lock.Unlock()
}

// flushBacklog handles what has come, and keeps the lock: sk_flush_backlog.
func (t *Tcp) flushBacklog() {
	if t.backlog.first == nil {
		return
	}
	t.slock.Lock()
	t.m.Write(t.id, fieldBacklogQ)
	t.flushBacklogLocked()
	t.slock.Unlock()
}

// flushBacklogLocked lets go of the spinlock while it handles what has come until now; more may come. The caller has the
// point of the backlog before it. Models __release_sock.
func (t *Tcp) flushBacklogLocked() {
	for t.backlog.first != nil {
		come := t.backlog
		t.backlog = packetQueue{}
		t.slock.Unlock()
		for p := come.pop(); p != nil; p = come.pop() {
			t.doRcv(p)
		}
		t.slock.Lock()
		t.m.Write(t.id, fieldBacklogQ)
	}
	t.backlogLen = 0
}

// addBacklog leaves a packet to the owner. One that follows an acknowledgement without data, or data that is not the
// sender's too and has room for its pieces, becomes one with that if both were sent in the same millisecond, which is what
// their time stamps tell: of the window that the first one offered nobody hears. Models tcp_add_to_backlog.
func (t *Tcp) addBacklog(p *tcpPacket) {
	const alone = flagSyn | flagRst | flagProbe
	last := t.backlog.last
	if last == nil || !last.takes(p.skb) || last.end != p.seq || last.stamp != p.stamp || last.echo != p.echo ||
		(last.flags|p.flags)&alone != 0 || last.flags&p.flags&flagAck == 0 || last.urgPtr != 0 || p.urgPtr != 0 {
		t.backlog.push(p)
		t.backlogLen += p.cost()
		return
	}
	if s := p.skb; s != nil {
		t.backlogLen += s.cost - tcpSkbCost
		if last.skb != nil {
			t.net.append(last.skb, s)
		} else {
			last.skb, p.skb = s, nil
		}
	}
	last.end, last.flags = p.end, last.flags|p.flags
	if p.ack >= last.ack {
		last.ack, last.window = p.ack, p.window
	}
	t.net.freePacket(p)
}

// takes reports whether the bytes of s can go behind those of p. Models what skb_try_coalesce asks for.
func (p *tcpPacket) takes(s *tcpSkb) bool {
	return p.skb == nil || p.skb.own && (s == nil || p.skb.frags+s.frags <= tcpMaxFrags)
}

// What release has to do.
const (
	deferAck = 1 << iota
	deferDelack
	deferWriteTimer
)

func (t *Tcp) releaseCb() {
	todo := t.deferred
	t.deferred = 0
	if todo&deferWriteTimer != 0 {
		t.writeTimer()
	}
	if todo&deferDelack != 0 {
		t.delackTimer()
	}
	if todo&deferAck != 0 && t.ackPending&ackSched != 0 {
		t.sendAck()
	}
}
