package devices

import "net/netip"

// transmit sends a copy of s with what t acknowledges: as one packet, if the loopback carries it. Models
// __tcp_transmit_skb, and the segmentation in validate_xmit_skb.
func (t *Tcp) transmit(s *tcpSkb) {
	if s.len() <= gsoMaxPayload {
		t.transmitPart(s, 0, s.len())
		return
	}
	t.net.bhDisable()
	for at, mss := 0, int(t.mss); at < s.len(); at += mss {
		t.transmitPart(s, at, min(at+mss, s.len()))
	}
	t.net.bhEnable()
}

// transmitPart sends the bytes of s between two places.
func (t *Tcp) transmitPart(s *tcpSkb, from, to int) {
	p := t.packet(flagAck)
	p.seq, p.end = s.seq+int64(from), s.end
	last := to == s.len()
	if s.len() > 0 {
		p.skb = t.net.clone(s)
	}
	if from > 0 || !last {
		c := p.skb
		c.frags = s.fragsOf(to - from)
		c.seq, c.from, c.to, c.cost, c.gso, c.own = p.seq, s.from+from, s.from+to, tcpSkbCost+int32(to-from), 0, true
		if !last {
			p.end = s.seq + int64(to)
		}
		c.end = p.end
	}
	if s.fin && last {
		p.flags |= flagFin
	}
	if s.psh && last || p.skb != nil && p.skb.gso > 0 {
		p.flags |= flagPsh
	}
	if s.syn {
		p.flags |= flagSyn
		if t.state == inetSynSent {
			p.flags &^= flagAck
		}
	}
	if t.sndUp != t.sndUna && p.seq < t.sndUp {
		p.urgPtr = t.sndUp
	}
	if p.flags&flagAck != 0 {
		t.ackSent()
	}
	if s.len() > 0 {
		t.dataSent()
	}
	t.net.send(p)
}

// packet is an empty one with the addresses, what t acknowledges, and its window.
func (t *Tcp) packet(flags uint8) *tcpPacket {
	return t.net.newPacket(&tcpPacket{
		src: netip.AddrPortFrom(t.source, t.local.Port()), dst: t.remote, from: t, to: t.peer, flags: flags,
		seq: t.sndNxt, end: t.sndNxt, ack: t.rcvNxt, window: t.selectWindow(flags&flagSyn != 0), stamp: t.stampNow(), echo: t.tsRecent,
	})
}

// sendAck sends an acknowledgement without data: tcp_send_ack.
func (t *Tcp) sendAck() {
	if t.state == inetClose {
		return
	}
	p := t.packet(flagAck)
	if t.sndUp > t.sndNxt {
		p.urgPtr = t.sndUp
	}
	t.ackSent()
	t.net.send(p)
}

// sendFin sends the end of the stream, with the last segment if that waits. Models tcp_send_fin.
func (t *Tcp) sendFin() {
	s := t.writeQueue.last
	if s == nil {
		s = t.net.newSkb(t.writeSeq, 0)
		t.addWmem(s.cost)
		t.writeQueue.push(s)
	}
	s.fin = true
	s.end++
	t.m.Write(t.id, fieldSndNxt)
	t.writeSeq++
	t.held = false
	t.pushPending(nagleOff)
}

// sendActiveReset ends the connection from this side: tcp_send_active_reset.
func (t *Tcp) sendActiveReset() {
	p := t.packet(flagAck | flagRst)
	t.net.send(p)
}

// purgeWriteQueue forgets what was not acknowledged: tcp_write_queue_purge.
func (t *Tcp) purgeWriteQueue() {
	t.writeQueue.purge(t.net)
	t.rtxQueue.purge(t.net)
	t.packets = 0
	t.addWmem(-t.wmemQueued)
}
