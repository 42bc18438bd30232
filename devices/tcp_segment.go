package devices

import (
	"math/bits"
	"net/netip"
)

// tcpSkb is a segment on a queue of a socket, models struct sk_buff as it lies there. A segment that is sent is on two:
// the bytes are shared, the rest is not.
type tcpSkb struct {
	next     *tcpSkb
	seq, end int64 // end counts a FIN
	data     *tcpBytes
	from, to int // what of data
	cost     int32
	packets  int32 // that it is under way as
	frags    int32 // pieces, when it was received
	merged   bool  // it went into the one before it in the receive queue
	fin, psh bool
	syn      bool
	eor      bool // MSG_EOR: nothing is added
}

func (s *tcpSkb) len() int { return s.to - s.from }

// bytes are those of the segment.
func (s *tcpSkb) bytes() []byte { return s.data.b[s.from:s.to] }

// tcpBytes is memory that segments share.
type tcpBytes struct {
	b     []byte
	refs  int32
	class int8
	next  *tcpBytes
}

// tcpQueue is a queue of segments in order.
type tcpQueue struct {
	first, last *tcpSkb
}

func (q *tcpQueue) push(s *tcpSkb) {
	s.next = nil
	if q.last != nil {
		q.last.next = s
	} else {
		q.first = s
	}
	q.last = s
}

func (q *tcpQueue) pop() *tcpSkb {
	s := q.first
	q.first = s.next
	if q.first == nil {
		q.last = nil
	}
	s.next = nil
	return s
}

// purge frees all segments.
func (q *tcpQueue) purge(n *InetNet) {
	for q.first != nil {
		n.freeSkb(q.pop())
	}
}

// tcpPacket is a segment under way, models struct sk_buff with its headers.
type tcpPacket struct {
	next     *tcpPacket
	src, dst netip.AddrPort
	from, to *Tcp // sender, and receiver if the sender knows it
	seq, end int64
	ack      int64
	window   int64
	urgPtr   int64 // behind the urgent byte; 0: none
	skb      *tcpSkb
	flags    uint8
}

// cost is what the kernel charges for p.
func (p *tcpPacket) cost() int32 {
	if p.skb != nil {
		return p.skb.cost
	}
	return tcpSkbCost
}

// Flags of a packet.
const (
	flagFin = 1 << iota
	flagSyn
	flagRst
	flagPsh
	flagAck
	flagProbe // asks for the window: a keepalive
)

// tcpPool keeps freed segments, memory and packets for the next ones. The kernel has slab caches.
type tcpPool struct {
	skbs    *tcpSkb
	packets *tcpPacket
	bytes   [poolClasses]*tcpBytes
	count   [poolClasses]int
}

// skb returns a segment to be filled in.
func (p *tcpPool) skb() *tcpSkb {
	s := p.skbs
	if s == nil {
		return &tcpSkb{}
	}
	p.skbs = s.next
	return s
}

// newSkb returns a segment that begins at seq, with room for n bytes.
func (n *InetNet) newSkb(seq int64, room int) *tcpSkb {
	s := n.pool.skb()
	*s = tcpSkb{seq: seq, end: seq, cost: tcpSkbCost}
	if room > 0 {
		s.data = n.pool.newBytes(room)
	}
	return s
}

// clone returns a segment with the same bytes.
func (n *InetNet) clone(s *tcpSkb) *tcpSkb {
	c := n.pool.skb()
	*c = *s
	c.next = nil
	if s.data != nil {
		s.data.refs++
	}
	return c
}

// room makes room for more bytes at the end of s, which nobody shares.
func (n *InetNet) room(s *tcpSkb, more int) {
	if s.to+more <= len(s.data.b) {
		return
	}
	b := n.pool.newBytes(2 * (s.len() + more))
	s.from, s.to = 0, copy(b.b, s.bytes())
	n.pool.freeBytes(s.data)
	s.data = b
}

func (n *InetNet) freeSkb(s *tcpSkb) {
	if s.data != nil {
		n.pool.freeBytes(s.data)
	}
	s.data, s.next = nil, n.pool.skbs
	n.pool.skbs = s
}

func (p *tcpPool) newBytes(n int) *tcpBytes {
	class := 0
	if n > poolSmallest {
		class = bits.Len(uint(n-1)) - bits.Len(uint(poolSmallest-1))
	}
	if class >= poolClasses {
		return &tcpBytes{b: make([]byte, n), refs: 1, class: poolClasses}
	}
	b := p.bytes[class]
	if b == nil {
		return &tcpBytes{b: make([]byte, poolSmallest<<class), refs: 1, class: int8(class)}
	}
	p.bytes[class] = b.next
	p.count[class]--
	b.next, b.refs = nil, 1
	return b
}

func (p *tcpPool) freeBytes(b *tcpBytes) {
	if b.refs--; b.refs > 0 {
		return
	}
	if c := b.class; c < poolClasses && p.count[c]*(poolSmallest<<c) < poolKeep {
		b.next = p.bytes[c]
		p.bytes[c] = b
		p.count[c]++
	}
}

// newPacket returns a packet like p.
func (n *InetNet) newPacket(p *tcpPacket) *tcpPacket {
	q := n.pool.packets
	if q == nil {
		q = &tcpPacket{}
	} else {
		n.pool.packets = q.next
	}
	*q = *p
	return q
}

func (n *InetNet) freePacket(p *tcpPacket) {
	if p.skb != nil {
		n.freeSkb(p.skb)
	}
	p.from, p.to, p.skb, p.next = nil, nil, nil, n.pool.packets
	n.pool.packets = p
}

// packetQueue is a queue of packets in order.
type packetQueue struct{ first, last *tcpPacket }

func (q *packetQueue) push(p *tcpPacket) {
	if q.last != nil {
		q.last.next = p
	} else {
		q.first = p
	}
	q.last = p
}

// pop takes the first packet, nil if there is none.
func (q *packetQueue) pop() *tcpPacket {
	p := q.first
	if p == nil {
		return nil
	}
	if q.first = p.next; q.first == nil {
		q.last = nil
	}
	p.next = nil
	return p
}
