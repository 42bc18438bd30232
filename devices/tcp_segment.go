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
	gso      int32 // how long each of them is, if they are several: gso_size
	frags    int32 // stretches of memory
	begin    int64 // of the first of them
	place    int64 // behind the last of them, while it is written to
	merged   bool  // it went into the one before it in the receive queue
	own      bool  // it is not the sender's too: a segment was cut into packets on its way
	fin, psh bool
	syn      bool
	eor      bool // MSG_EOR: nothing is added
}

func (s *tcpSkb) len() int { return s.to - s.from }

// setPackets says how many packets s is under way as: tcp_set_skb_tso_segs.
func (s *tcpSkb) setPackets(mss int) {
	s.packets, s.gso = 1, 0
	if s.len() > mss {
		s.packets, s.gso = int32((s.len()+mss-1)/mss), int32(mss)
	}
}

// bytes are those of the segment.
func (s *tcpSkb) bytes() []byte { return s.data.b[s.from:s.to] }

// tcpBytes is memory that segments share.
type tcpBytes struct {
	b     []byte
	parts []tcpPart // stretches of memory, in order
	refs  int32
	class int8
	next  *tcpBytes
}

// tcpPart is where in the bytes a stretch begins, and its place on Linux: those of one stretch have places one behind the other.
type tcpPart struct {
	at    int
	place int64
}

// eachPart calls fn for each stretch of the bytes between two places, and once for those that lie one behind the other.
func (b *tcpBytes) eachPart(from, to int, fn func(from, to int, place int64)) {
	if len(b.parts) == 0 && from < to {
		fn(from, to, 0)
	}
	for i := 0; i < len(b.parts) && from < to; i++ {
		p, end := b.parts[i], to
		for i+1 < len(b.parts) {
			next := b.parts[i+1]
			if end = min(to, next.at); next.place != p.place+int64(next.at-p.at) {
				break
			}
			end = to
			i++
		}
		if from < end {
			fn(from, end, p.place+int64(from-p.at))
			from = end
		}
	}
}

// addParts notes that the bytes of more between two places lie at a place of b, too.
func (b *tcpBytes) addParts(at int, more *tcpBytes, from, to int) {
	more.eachPart(from, to, func(f, _ int, place int64) {
		b.parts = append(b.parts, tcpPart{at + f - from, place})
	})
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
	stamp    int32 // its time stamp: when it was sent, ms
	echo     int32 // the time stamp that it sends back
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

// append puts the bytes of a segment behind those of s, which has its memory alone or shares it with that.
func (n *InetNet) append(s, more *tcpSkb) {
	s.gso = max(s.mss(), more.mss())
	s.cost += more.cost - tcpSkbCost
	s.frags += more.frags
	if s.data == more.data && s.to == more.from {
		s.to = more.to
		return
	}
	b := n.pool.newBytes(s.len() + more.len())
	copy(b.b[copy(b.b, s.bytes()):], more.bytes())
	b.addParts(0, s.data, s.from, s.to)
	b.addParts(s.len(), more.data, more.from, more.to)
	n.pool.freeBytes(s.data)
	s.data, s.from, s.to = b, 0, s.len()+more.len()
}

// mss is how long the packets are that s came as.
func (s *tcpSkb) mss() int32 {
	if s.gso > 0 {
		return s.gso
	}
	return int32(s.len())
}

// room makes room for more bytes at the end of s, which nobody shares. Where they will lie may be noted already.
func (n *InetNet) room(s *tcpSkb, more int) {
	if s.to+more <= len(s.data.b) {
		return
	}
	b := n.pool.newBytes(2 * (s.len() + more))
	b.addParts(0, s.data, s.from, s.to+more)
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
		b.parts = b.parts[:0]
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
