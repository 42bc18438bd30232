package devices

import (
	"fmt"
	"math/bits"

	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

// unixMessage is what one send has put into a queue, or a part of it; on the queue of a listener, a connection. Models
// struct sk_buff.
type unixMessage struct {
	next, prev *unixMessage
	from       *Unix // who is charged for it
	data       []byte
	consumed   int
	cost       int32
	linear     int32     // how much of it lies beside the head, not in pages
	pages      []stretch // of what was spliced
	class      int8      // of the pool
	queued     bool
	fds        []*vfs.File // in flight, a reference each
}

// left is how many bytes are unread: unix_skb_len.
func (s *unixMessage) left() int { return len(s.data) - s.consumed }

// unixQueue is what a socket has to receive, models sk_receive_queue.
type unixQueue struct {
	lock        sim.Spinlock
	first, last *unixMessage
	len         int // read without the lock, too
}

// push puts s at the tail; the caller holds the lock.
func (u *Unix) push(s *unixMessage) {
	u.m.Write(u.id, fieldQueue)
	q := &u.queue
	s.prev = q.last
	if q.last != nil {
		q.last.next = s
	} else {
		q.first = s
	}
	q.last = s
	q.len++
	u.noteQueue(q.len-1, q.len)
	s.queued = true
	u.net.transit--
}

// unlink takes s off; the caller holds the lock.
func (u *Unix) unlink(s *unixMessage) {
	u.m.Write(u.id, fieldQueue)
	q := &u.queue
	if s.prev != nil {
		s.prev.next = s.next
	} else {
		q.first = s.next
	}
	if s.next != nil {
		s.next.prev = s.prev
	} else {
		q.last = s.prev
	}
	s.next, s.prev, s.queued = nil, nil, false
	q.len--
	u.noteQueue(q.len+1, q.len)
	u.net.transit++
}

// noteQueue tells the tracer how many messages wait.
func (u *Unix) noteQueue(before, after int) {
	if u.m.Tracing() {
		u.m.Note(u.id, fmt.Sprintf("messages %d → %d", before, after))
	}
}

// pushLocking is push with the lock: skb_queue_tail.
func (u *Unix) pushLocking(s *unixMessage) {
	u.queue.lock.Lock()
	u.push(s)
	u.queue.lock.Unlock()
}

// pop takes the first message off, nil if there is none: skb_dequeue.
func (u *Unix) pop() *unixMessage {
	u.queue.lock.Lock()
	s := u.queue.first
	if s != nil {
		u.unlink(s)
	}
	u.queue.lock.Unlock()
	return s
}

// full reports, without a lock, whether more wait at u than may: unix_recvq_full_lockless.
func (u *Unix) full() bool {
	u.m.Read(u.id, fieldQueue)
	n := u.queue.len
	u.m.Read(u.id, fieldBacklog)
	return n > int(u.backlog)
}

// unixPool keeps freed messages for the next ones, by size of their memory. The kernel has slab caches.
type unixPool struct {
	free  [poolClasses]*unixMessage // linked by next
	count [poolClasses]int
}

// Memory of a message is 64 bytes << class; larger ones are not kept, nor more than half a megabyte of one class.
const (
	poolClasses  = 13
	poolSmallest = 64
	poolKeep     = 512 << 10
)

// get returns a message with room for n bytes.
func (p *unixPool) get(n int) *unixMessage {
	class := 0
	if n > poolSmallest {
		class = bits.Len(uint(n-1)) - bits.Len(uint(poolSmallest-1))
	}
	if class >= poolClasses {
		return &unixMessage{data: make([]byte, n), class: poolClasses}
	}
	s := p.free[class]
	if s == nil {
		return &unixMessage{data: make([]byte, n, poolSmallest<<class), class: int8(class)}
	}
	p.free[class] = s.next
	p.count[class]--
	s.next = nil
	s.data = s.data[:n]
	return s
}

func (p *unixPool) put(s *unixMessage) {
	c := s.class
	clear(s.fds[:cap(s.fds)])
	*s = unixMessage{data: s.data[:0], fds: s.fds[:0], pages: s.pages[:0], class: c}
	if c < poolClasses && p.count[c]*(poolSmallest<<c) < poolKeep {
		s.next = p.free[c]
		p.free[c] = s
		p.count[c]++
	}
}
