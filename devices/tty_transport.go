package devices

import (
	"github.com/epollsim/epollsim/sim"
)

var (
	classTransport = sim.NewClass("tty.buf")
	classBufLock   = sim.NewClass("tty.buf.lock")
	classPortLock  = sim.NewClass("tty.port.lock")

	fieldMemUsed = sim.NewField("mem_used")
	fieldCommit  = sim.NewField("commit")
	fieldWork    = sim.NewField("work")
)

const (
	transportLimit = 8192 // of memory; the buffer that passes it is allowed still
	bufferAlign    = 256  // sizes are multiples
	mostPerBuffer  = 1792 // what one step of an insertion asks for: half a page, less a header
	bufferSizes    = mostPerBuffer/bufferAlign + 1
)

// transport carries bytes to one end, models struct tty_bufhead and its worker. Its limit counts memory, not bytes: a
// buffer holds twice its size, and an insertion that does not fit in what is left of the last one leaves that unused.
type transport struct {
	m  *sim.Machine
	id sim.ID
	to *Tty

	insertion sim.Spinlock // port.lock; guards tail
	tail      *ttyBuffer
	memUsed   int // changed by both sides, read without a lock

	lock   sim.Mutex // buf.lock; guards head
	head   *ttyBuffer
	queued bool // the worker has been asked for

	empty ttyBuffer               // stands at the head before the first
	spare [bufferSizes]*ttyBuffer // those of size 256 the kernel keeps, too, and gives out without looking at the limit
}

// ttyBuffer is a piece of a transport, models struct tty_buffer.
type ttyBuffer struct {
	next      *ttyBuffer
	size      int
	data      []byte // of 2*size bytes
	used      int    // up to here inserted
	commit    int    // … and to be seen by the worker
	read      int    // … and taken by it
	lookahead int    // … and searched for ^S and ^Q
}

func (b *transport) init(to *Tty) {
	b.m, b.to = to.m, to
	b.id = to.m.NewID(classTransport)
	b.insertion.Init(to.m, classPortLock)
	b.lock.Init(to.m, classBufLock)
	b.head, b.tail = &b.empty, &b.empty
}

// room is how much memory is left: tty_buffer_space_avail.
func (b *transport) room() int {
	b.m.Read(b.id, fieldMemUsed)
	return max(0, transportLimit-b.memUsed)
}

// insert takes what fits of p and asks for the worker: tty_insert_flip_string_and_push_buffer.
func (b *transport) insert(p []byte) int {
	b.insertion.Lock()
	n := 0
	for n < len(p) {
		space := b.requestRoom(min(len(p)-n, mostPerBuffer))
		if space == 0 {
			break
		}
		b.tail.used += copy(b.tail.data[b.tail.used:], p[n:n+space])
		n += space
	}
	if n > 0 {
		b.m.Write(b.id, fieldCommit)
		b.tail.commit = b.tail.used
	}
	b.insertion.Unlock()
	b.queueWork()
	return n
}

// requestRoom returns how much of size fits into the last buffer, which is a new one if it does not all fit:
// __tty_buffer_request_room.
func (b *transport) requestRoom(size int) int {
	left := 2*b.tail.size - b.tail.used
	if left >= size {
		return size
	}
	next := b.alloc(size)
	if next == nil {
		return left
	}
	b.m.Write(b.id, fieldCommit)
	b.tail.commit, b.tail.next = b.tail.used, next
	b.tail = next
	return size
}

// alloc returns an empty buffer, nil if the limit is passed: tty_buffer_alloc.
func (b *transport) alloc(size int) *ttyBuffer {
	class := (size + bufferAlign - 1) / bufferAlign
	kept := class <= 1 && b.spare[class] != nil
	if !kept {
		b.m.Read(b.id, fieldMemUsed)
		if b.memUsed > transportLimit {
			return nil
		}
		b.to.sys.Counters.Allocations++
	}
	n := b.spare[class]
	if n == nil {
		n = &ttyBuffer{size: class * bufferAlign, data: make([]byte, 2*class*bufferAlign)}
	} else {
		b.spare[class] = n.next
		*n = ttyBuffer{size: n.size, data: n.data}
	}
	b.m.Write(b.id, fieldMemUsed)
	b.memUsed += n.size
	return n
}

// free takes back a buffer that was read: tty_buffer_free.
func (b *transport) free(old *ttyBuffer) {
	if old.size == 0 {
		return
	}
	b.m.Write(b.id, fieldMemUsed)
	b.memUsed -= old.size
	class := old.size / bufferAlign
	old.next = b.spare[class]
	b.spare[class] = old
}

// queueWork asks for the worker: queue_work.
func (b *transport) queueWork() {
	b.m.Write(b.id, fieldWork)
	if !b.queued {
		b.queued = true
		b.to.pty.works = append(b.to.pty.works, b)
	}
}

// flushWork makes sure that the worker, if it was asked for, has done its work: flush_work.
func (b *transport) flushWork() {
	b.m.Read(b.id, fieldWork)
	if !b.queued {
		return
	}
	b.work()
}

// runWorks is the worker: it runs before a call that asked for it returns or sleeps.
func (p *Pty) runWorks() {
	for len(p.works) > 0 {
		b := p.works[0]
		copy(p.works, p.works[1:])
		p.works = p.works[:len(p.works)-1]
		if b.queued {
			b.work()
		}
	}
}

// work hands to the line discipline what it takes; what it does not take stays until a read asks for the worker again.
// Models flush_to_ldisc.
func (b *transport) work() {
	m := b.m
	b.lock.Lock()
	m.Write(b.id, fieldWork)
	b.queued = false
	if m.Tracing() {
		m.EnterOn(b.id, "flush_to_ldisc", "")
	}
	for {
		m.Read(b.id, fieldCommit)
		head := b.head
		next, count := head.next, head.commit-head.read
		if count == 0 {
			if next == nil {
				break
			}
			b.head = next
			b.free(head)
			continue
		}
		n := b.to.receive(head.data[head.read : head.read+count])
		head.read += n
		if n < count {
			b.lookAhead()
		}
		if n == 0 {
			break
		}
	}
	leave(m, "flush_to_ldisc")
	b.lock.Unlock()
}

// lookAhead lets ^S and ^Q act that stand behind what the line discipline does not take: lookahead_bufs.
func (b *transport) lookAhead() {
	for head := b.head; head != nil; head = head.next {
		head.lookahead = max(head.lookahead, head.read)
		if n := head.commit - head.lookahead; n > 0 {
			b.to.lookAhead(head.data[head.lookahead:head.commit])
			head.lookahead = head.commit
		}
	}
}

// drop forgets what the worker has not taken: tty_buffer_flush.
func (b *transport) drop() {
	b.lock.Lock()
	b.m.Read(b.id, fieldCommit)
	for next := b.head.next; next != nil; next = b.head.next {
		old := b.head
		b.head = next
		b.free(old)
	}
	b.head.read = b.head.commit
	b.head.lookahead = b.head.read
	b.lock.Unlock()
}

// bytes counts what is on the way.
func (b *transport) bytes() int {
	n := 0
	for head := b.head; head != nil; head = head.next {
		n += head.commit - head.read
	}
	return n
}
