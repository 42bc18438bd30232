package devices

import (
	"fmt"
	"net/netip"

	"github.com/epollsim/epollsim/sim"
)

// datagram is what one send has made, models struct sk_buff.
type datagram struct {
	next     *datagram
	data     []byte
	cost     int32 // truesize
	peeks    int   // who looks at it without taking it
	from, to netip.AddrPort
}

// udpQueue is a list of datagrams, models struct sk_buff_head.
type udpQueue struct {
	lock        sim.Spinlock
	first, last *datagram
}

// push puts d at the tail; the caller holds the lock.
func (q *udpQueue) push(u *Udp, d *datagram) {
	u.m.Write(u.id, u.field(q))
	if q.last != nil {
		q.last.next = d
	} else {
		q.first = d
	}
	q.last = d
}

// pop takes the first one, nil if there is none; the caller holds the lock.
func (q *udpQueue) pop(u *Udp) *datagram {
	d := q.first
	if d == nil {
		return nil
	}
	u.m.Write(u.id, u.field(q))
	if q.first = d.next; q.first == nil {
		q.last = nil
	}
	d.next = nil
	return d
}

// field is what q is to others.
func (u *Udp) field(q *udpQueue) sim.Field {
	if q == &u.reader {
		return fieldReader
	}
	return fieldQueue
}

// splice moves what senders have put into receive to reader; the caller holds the lock of reader.
func (u *Udp) splice() {
	u.receive.lock.Lock()
	if u.receive.first != nil {
		u.m.Write(u.id, fieldQueue)
		u.m.Write(u.id, fieldReader)
		if u.reader.last != nil {
			u.reader.last.next = u.receive.first
		} else {
			u.reader.first = u.receive.first
		}
		u.reader.last = u.receive.last
		u.receive.first, u.receive.last = nil, nil
	}
	u.receive.lock.Unlock()
}

// firstLength is the size of the first datagram, -1 if there is none. Models first_packet_length.
func (u *Udp) firstLength() int {
	u.reader.lock.Lock()
	defer u.reader.lock.Unlock()
	if u.reader.first == nil {
		u.m.Read(u.id, fieldQueue)
		if u.receive.first == nil {
			return -1
		}
		u.splice()
	}
	if u.reader.first == nil {
		return -1
	}
	return len(u.reader.first.data)
}

// enqueue puts d into the queue of u and wakes a reader, or drops it: if it does not fit, but into an empty queue any
// fits. Models __udp_enqueue_schedule_skb.
func (u *Udp) enqueue(d *datagram) bool {
	enter(u.m, "udp_queue_rcv_skb")
	defer leave(u.m, "udp_queue_rcv_skb")
	u.m.Read(u.id, fieldRmem)
	if rmem := u.rmem; rmem > 0 && rmem+d.cost > u.rcvbuf {
		if u.m.Tracing() {
			u.m.Note(u.id, fmt.Sprintf("dropped: %d + %d > %d", rmem, d.cost, u.rcvbuf))
		}
		return false
	}
	u.receive.lock.Lock()
	u.receive.push(u, d)
	u.m.Write(u.id, fieldRmem)
	changed(u.m, u.id, "rmem", uint64(u.rmem), uint64(u.rmem+d.cost))
	u.rmem += d.cost
	u.receive.lock.Unlock()
	u.dataReady()
	return true
}

// giveBack returns the memory of a datagram that was read: only when there is a quarter of the buffer to return, or
// nothing left in the queue of the readers, which it then fills up. The lock of reader is held. Models udp_rmem_release.
func (u *Udp) giveBack(cost int32) {
	u.deficit += cost
	if u.deficit < u.threshold && u.reader.first != nil {
		return
	}
	u.m.Write(u.id, fieldRmem)
	changed(u.m, u.id, "rmem", uint64(u.rmem), uint64(u.rmem-u.deficit))
	u.rmem -= u.deficit
	u.deficit = 0
	u.splice() // what has come meanwhile spares the next reader the lock
}

// What sending a datagram takes: the headers of IP and UDP, room for that of the device, and what fits into one piece
// beside it. All is exact on x86-64 with pages of 4096 bytes.
const (
	udpHeader       = 8
	ipHeader        = 20
	ip6Header       = 40
	fragHeader      = 8       // of IPv6, reserved
	deviceRoom      = 16 + 15 // hh_len and alignment, of IPv4
	device6Room     = 16
	smallHead       = 576 // SKB_SMALL_HEAD_CACHE_SIZE
	cacheLine       = 64
	maxUdp4, maxUdp = 65507, 65527
	maxUnfragmented = 65488 // of IPv6, in the MTU of the loopback
	fragmentCost    = 66312 // of the first fragment of a larger one
)

// udpCost is the truesize of a datagram of n bytes. Models __ip_append_data and __ip6_append_data.
func udpCost(n int, v6 bool) int32 {
	overhead := udpHeader + ipHeader + deviceRoom
	if v6 {
		overhead = udpHeader + ip6Header + fragHeader + device6Room
	}
	if v6 && n > maxUnfragmented {
		return int32(fragmentCost + skbSize + smallHead)
	}
	if n+overhead >= skbMaxAlloc {
		return int32(skbSize + headBlock(overhead) + n) // the data in pages
	}
	return int32(skbSize + headBlock(n+overhead))
}

// headBlock is the block that holds n bytes and struct skb_shared_info: kmalloc_reserve.
func headBlock(n int) int {
	n = (n+cacheLine-1)&^(cacheLine-1) + skbSharedInfo
	if n <= smallHead {
		return smallHead
	}
	size := 1024
	for size < n {
		size *= 2
	}
	return size
}

// getDatagram returns one with room for n bytes; putDatagram keeps it for the next. The kernel has slab caches.
func (n *InetNet) getDatagram(size int) *datagram {
	d := n.spare
	if d == nil {
		d = &datagram{}
	} else {
		n.spare, d.next = d.next, nil
		n.spares--
	}
	if cap(d.data) < size {
		d.data = make([]byte, size)
	}
	d.data = d.data[:size]
	return d
}

// keepDatagrams is how many are kept, keepSize how large they may be.
const (
	keepDatagrams = 64
	keepSize      = 4096
)

func (n *InetNet) putDatagram(d *datagram) {
	if d.peeks > 0 || n.spares == keepDatagrams || cap(d.data) > keepSize {
		return
	}
	*d = datagram{data: d.data[:0], next: n.spare}
	n.spare = d
	n.spares++
}
