package devices

import "github.com/epollsim/epollsim/abi"

// doRcv handles a packet for t, whose spinlock the caller holds, or which it owns. Models tcp_v4_do_rcv.
func (t *Tcp) doRcv(p *tcpPacket) {
	enter(t.m, "tcp_v4_do_rcv")
	t.refresh()
	switch {
	case t.fastPath(p):
		t.rcvFast(p)
	case t.state == inetClose, t.state == inetListen:
		// It became so after the packet had found it: dropped.
	case t.state == inetSynSent:
		t.rcvSynSent(p)
	default:
		t.rcvState(p)
	}
	t.net.freePacket(p)
	leave(t.m, "tcp_v4_do_rcv")
}

// rcvState handles a packet of a connection. Models tcp_rcv_established and tcp_rcv_state_process.
func (t *Tcp) rcvState(p *tcpPacket) {
	if !t.validate(p) {
		return
	}
	if t.state == inetSynRecv {
		if p.flags&flagAck == 0 || !t.establishChild(p) {
			return
		}
	}
	if p.flags&flagAck == 0 {
		return
	}
	t.storeStamp(p)
	t.ack(p)
	if t.closing(p) {
		return
	}
	if t.state == inetEstablished {
		t.measureEcho(p)
	}
	t.urg(p)
	if t.state.in(inetEstablished, inetFinWait1, inetFinWait2) || p.seq < t.rcvNxt {
		if t.state != inetEstablished && t.shutdown&rcvShutdown != 0 && p.end-fin(p) > t.rcvNxt {
			t.reset() // nobody will read it
			t.net.sendReset(p)
			return
		}
		t.dataQueue(p)
	}
	if t.state != inetClose {
		t.dataSndCheck()
		t.ackSndCheck()
	}
}

// fastPath reports whether p is data that comes as expected: nothing urgent, no FIN, the same window, and memory for it is
// charged already. Models the prediction of tcp_rcv_established.
func (t *Tcp) fastPath(p *tcpPacket) bool {
	return t.state == inetEstablished && !t.unforeseen && p.skb != nil && p.flags&^flagPsh == flagAck && p.urgPtr == 0 && t.urgData == 0 &&
		t.early.first == nil && p.window == t.sndWnd && p.seq == t.rcvNxt && t.rcvWnd > 0 && p.skb.cost <= -(t.wmemQueued+t.rmem)&(pageSize-1)
}

// rcvFast takes such data. What waits to be sent is looked at only if p acknowledges something.
func (t *Tcp) rcvFast(p *tcpPacket) {
	s := p.skb
	p.skb = nil
	t.storeStamp(p)
	t.measureEcho(p)
	s.fin, s.psh = false, p.flags&flagPsh != 0
	t.queueRcv(s, p.end)
	if p.ack != t.sndUna {
		t.ack(p)
		t.dataSndCheck()
	}
	t.ackSndCheck()
	t.dataReady()
}

// fin is how much a FIN counts.
func fin(p *tcpPacket) int64 {
	if p.flags&flagFin != 0 {
		return 1
	}
	return 0
}

// validate looks for packets that are not what the connection expects: a reset, and what was received before. Models
// tcp_validate_incoming.
func (t *Tcp) validate(p *tcpPacket) bool {
	switch {
	case p.flags&flagRst != 0 && t.state == inetSynRecv && t.parent != nil:
		t.forget()
		return false
	case p.flags&flagRst != 0:
		if p.seq <= t.rcvNxt+t.receiveWindow() {
			t.reset()
		}
		return false
	case p.flags&flagProbe != 0, p.flags&flagSyn != 0 && t.state != inetSynRecv:
		t.sendAck() // a challenge, or the answer to a probe
		return false
	}
	return true
}

// ack takes what the packet acknowledges off the retransmit queue, and notes the peer's window. Models tcp_ack.
func (t *Tcp) ack(p *tcpPacket) {
	if p.ack > t.sndNxt || p.ack < t.sndUna {
		return
	}
	advanced := p.ack > t.sndUna
	if advanced || p.seq > t.sndWl1 || p.seq == t.sndWl1 && (p.window > t.sndWnd || p.window == 0) {
		t.unforeseen = t.unforeseen && p.window == t.sndWnd
		t.sndWl1, t.sndWnd = p.seq, p.window
		if p.window > t.maxWindow {
			t.maxWindow = p.window
			t.syncMss()
		}
	}
	if !advanced {
		return
	}
	if t.sndUp >= t.sndUna && t.sndUp <= p.ack {
		t.sndUp = p.ack
	}
	t.m.Write(t.id, fieldSndNxt)
	t.sndUna = p.ack
	acked := int32(0)
	for s := t.rtxQueue.first; s != nil && s.end <= p.ack; s = t.rtxQueue.first {
		t.rtxQueue.pop()
		t.addWmem(-s.cost)
		acked += s.packets
		t.net.freeSkb(s)
	}
	if s := t.rtxQueue.first; s != nil && p.ack > s.seq && s.packets > 1 {
		acked += t.trim(s, int(p.ack-s.seq))
	}
	t.packets -= acked
	t.growCwnd(acked)
}

// growCwnd lets more packets be under way after an acknowledgement of some, until ten were acknowledged, or while there are
// fewer than the way could hold: a short one, three packets and what three segments as long as possible are sent as. Models
// bbr_set_cwnd and bbr_quantization_budget.
func (t *Tcp) growCwnd(acked int32) {
	target := (3 + 3*max(gsoMaxSize/t.mss, 2) + 1) &^ 1
	if t.delivered += acked; t.delivered < tcpInitCwnd || t.cwnd < target {
		t.cwnd += acked
	}
}

// storeStamp notes the time stamp to send back: that of the packet behind what was acknowledged last, not of the last one.
// Models tcp_replace_ts_recent.
func (t *Tcp) storeStamp(p *tcpPacket) {
	if p.seq <= t.rcvWup {
		t.tsRecent = p.stamp
	}
}

// trim takes the first n bytes off a segment whose packets are acknowledged in part, and returns how many are. Models
// tcp_tso_acked.
func (t *Tcp) trim(s *tcpSkb, n int) int32 {
	before := s.packets
	s.seq += int64(n)
	s.from += n
	s.cost -= int32(n)
	t.addWmem(-int32(n))
	s.setPackets(int(t.mss))
	return max(before-s.packets, 0)
}

// dataSndCheck sends what was waiting for the acknowledgement, and tells who waits for room. Models tcp_data_snd_check.
func (t *Tcp) dataSndCheck() {
	if t.writeQueue.first != nil {
		t.pushPending(t.nagle)
	}
	t.checkSpace()
}

// closing does what the acknowledgement of the own FIN means; true: the packet has ended the connection.
func (t *Tcp) closing(p *tcpPacket) bool {
	if t.sndUna != t.writeSeq {
		return false
	}
	switch t.state {
	case inetFinWait1:
		t.setState(inetFinWait2)
		t.setShutdown(t.shutdown | sendShutdown)
		if !t.dead {
			t.stateChange() // a lingering close, too
			return false
		}
		if p.end-fin(p) > t.rcvNxt || t.finTime() < 0 {
			t.doneSock()
			t.net.sendReset(p)
			return true
		}
		if p.flags&flagFin == 0 && !t.owned {
			t.timeWaitFor(inetFinWait2)
			return true
		}
	case inetClosing:
		t.timeWaitFor(inetTimeWait)
		return true
	case inetLastAck:
		t.doneSock()
		return true
	}
	return false
}

// dataQueue takes the bytes of a packet, its FIN, and what had come before it. Models tcp_data_queue.
func (t *Tcp) dataQueue(p *tcpPacket) {
	if p.seq == p.end {
		return
	}
	if p.seq != t.rcvNxt || t.receiveWindow() == 0 && p.skb != nil {
		t.quick, t.pingpong = max(t.quick, maxQuickAcks), 0
		t.ackPending |= ackSched | ackNow
		if p.seq > t.rcvNxt {
			t.keepEarly(p)
		}
		return
	}
	t.takeData(p)
	for p := t.early.first; p != nil && p.seq <= t.rcvNxt; p = t.early.first {
		t.early.pop()
		if p.seq == t.rcvNxt {
			t.takeData(p)
		}
		t.net.freePacket(p)
	}
	if !t.dead {
		t.dataReady()
	}
}

// keepEarly keeps a packet that has overtaken another: two processors may send for one socket. Models
// tcp_data_queue_ofo.
func (t *Tcp) keepEarly(p *tcpPacket) {
	q := t.net.newPacket(p)
	p.skb = nil
	at := &t.early.first
	for *at != nil && (*at).seq < q.seq {
		at = &(*at).next
	}
	if q.next = *at; q.next == nil {
		t.early.last = q
	}
	*at = q
}

// purgeReceiveQueue throws away what was not read.
func (t *Tcp) purgeReceiveQueue() {
	t.receiveQueue.purge(t.net)
	for p := t.early.pop(); p != nil; p = t.early.pop() {
		t.net.freePacket(p)
	}
	t.rmem = 0
}

// takeData takes the bytes of the packet that comes next, and its FIN.
func (t *Tcp) takeData(p *tcpPacket) {
	if s := p.skb; s != nil {
		s.fin, s.psh = p.flags&flagFin != 0, p.flags&flagPsh != 0
		t.queueRcv(s, p.end)
		p.skb, t.unforeseen = nil, false
	} else {
		t.queueFin(p.end)
	}
	if p.flags&flagFin != 0 {
		t.fin()
	}
}

// queueFin puts a FIN without data at the end of the receive queue: into the last segment, or as one of its own.
func (t *Tcp) queueFin(end int64) {
	if last := t.receiveQueue.last; last != nil && t.ownsAlone(last) {
		last.fin, last.end = true, end
	} else {
		s := t.net.newSkb(t.rcvNxt, 0)
		s.fin, s.end = true, end
		t.receiveQueue.push(s)
		t.rmem += s.cost
	}
	t.m.Write(t.id, fieldRcvNxt)
	t.rcvNxt = end
}

// ownsAlone reports whether the last segment, or the one that it went into, is no longer the sender's too.
func (t *Tcp) ownsAlone(s *tcpSkb) bool {
	return s.merged || s.own || t.peer != nil && t.peer.sndUna >= s.end
}

// queueRcv puts a segment at the end of the receive queue. It costs less if it could go into the last one: that has room for
// its pieces, and is no longer the sender's too. Models tcp_queue_rcv with tcp_try_coalesce.
func (t *Tcp) queueRcv(s *tcpSkb, end int64) {
	cost := s.cost
	last := t.receiveQueue.last
	s.merged = last != nil && !last.fin && last.frags+s.frags <= tcpMaxFrags && t.ownsAlone(last)
	if s.merged {
		cost -= tcpSkbCost
		s.frags += last.frags
	}
	s.end = end
	t.receiveQueue.push(s)
	t.rmem += cost
	t.m.Write(t.id, fieldRcvNxt)
	t.rcvNxt = end
	t.dataReceived(s)
	s.cost = cost
}

// fin: the peer will send no more. Models tcp_fin.
func (t *Tcp) fin() {
	t.ackPending |= ackSched
	t.setShutdown(t.shutdown | rcvShutdown)
	t.done, t.hidden = true, false
	switch t.state {
	case inetSynRecv, inetEstablished:
		t.setState(inetCloseWait)
		t.pingpong = max(t.pingpong, 1)
	case inetFinWait1:
		t.sendAck()
		t.setState(inetClosing)
	case inetFinWait2:
		t.sendAck()
		t.timeWaitFor(inetTimeWait)
	}
	if !t.dead {
		t.stateChange()
	}
}

// reset: the peer has ended the connection, or refuses it. Models tcp_reset.
func (t *Tcp) reset() {
	switch t.state {
	case inetSynSent:
		t.setErr(abi.ECONNREFUSED)
	case inetCloseWait:
		t.setErr(abi.EPIPE)
	case inetClose:
		return
	default:
		t.setErr(abi.ECONNRESET)
	}
	t.doneWithError()
}

// doneWithError models the end of tcp_done_with_error; err is set.
func (t *Tcp) doneWithError() {
	t.purgeWriteQueue()
	t.doneSock()
	if !t.dead {
		t.reportErr()
	}
}

// doneSock ends the connection: tcp_done.
func (t *Tcp) doneSock() {
	t.stopTimers()
	t.setState(inetClose)
	t.setShutdown(shutdownMask)
	if !t.dead {
		t.stateChange()
	} else {
		t.destroy()
	}
}

// sendReset answers a packet that no connection wants: tcp_v4_send_reset.
func (n *InetNet) sendReset(p *tcpPacket) {
	if p.flags&flagRst != 0 {
		return
	}
	n.send(n.newPacket(&tcpPacket{
		src: p.dst, dst: p.src, to: p.from, flags: flagRst | flagAck, seq: p.ack, end: p.ack, ack: p.end,
	}))
}
