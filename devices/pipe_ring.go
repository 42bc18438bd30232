package devices

import (
	"math/bits"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

const (
	pageSize     = abi.PIPE_BUF // of x86-64, where both are 4096
	defaultSlots = 16
	maxPipeSize  = 1 << 20 // fs.pipe-max-size
)

// pipeBuffer is one slot, models struct pipe_buffer. Its page has as many bytes as were ever written to it, so the
// unread ones are page[offset:]. What was spliced begins somewhere in a page, and may be longer than one.
type pipeBuffer struct {
	page   []byte
	offset int
	base   int // where in its page page[0] lies
	flags  bufFlags
}

type bufFlags uint8

const (
	canMerge bufFlags = 1 << iota // PIPE_BUF_FLAG_CAN_MERGE
	packet                        // PIPE_BUF_FLAG_PACKET
	foreign                       // spliced: its memory is not for the next write
)

func (b *pipeBuffer) len() int { return len(b.page) - b.offset }

// pages keeps emptied pages for the next write. A page grows to what is written to it, up to pageSize.
type pages struct {
	free [][]byte
	tmp  int // how many of them the kernel would keep: tmp_page
}

const tmpPages = 2

func (p *Pipe) getPage() []byte {
	if p.pages.tmp > 0 {
		p.pages.tmp--
	} else {
		p.sys.Counters.Allocations++
	}
	n := len(p.pages.free)
	if n == 0 {
		return nil
	}
	page := p.pages.free[n-1]
	p.pages.free = p.pages.free[:n-1]
	return page[:0]
}

func (p *Pipe) putPage(page []byte) {
	p.pages.tmp = min(p.pages.tmp+1, tmpPages)
	p.pages.free = append(p.pages.free, page)
}

// slot returns the buffer of a ring index: pipe_buf.
func (p *Pipe) slot(i uint32) *pipeBuffer { return &p.bufs[i&uint32(len(p.bufs)-1)] }

// isEmpty and isFull are for holders of the mutex; others take the indices from index.
func (p *Pipe) isEmpty() bool { return p.head == p.tail }
func (p *Pipe) isFull() bool  { return p.head-p.tail >= p.maxUsage }

// index reads head and tail without the mutex: one load of head_tail.
func (p *Pipe) index() (head, tail uint32) {
	p.m.Read(p.id, fieldHeadTail)
	head = p.head
	if p.rules.SplitIndices {
		p.m.Read(p.id, fieldHeadTail)
	}
	return head, p.tail
}

// readable is what a reader sleeps for, without the mutex: pipe_readable.
func readable(p *Pipe) bool {
	head, tail := p.index()
	p.m.Read(p.id, fieldWriters)
	return head != tail || p.writers == 0
}

// writable is what a writer sleeps for: pipe_writable.
func writable(p *Pipe) bool {
	head, tail := p.index()
	p.m.Read(p.id, fieldMaxUsage)
	if head-tail < p.maxUsage {
		return true
	}
	p.m.Read(p.id, fieldReaders)
	return p.readers == 0
}

// UnreadBytes is what FIONREAD tells, for who may not wait for the lock of the pipe.
func (p *Pipe) UnreadBytes() int { return p.bytes() }

// bytes counts what is unread.
func (p *Pipe) bytes() int {
	n := 0
	for i := p.tail; i != p.head; i++ {
		n += p.slot(i).len()
	}
	return n
}

// merge appends to the last slot the part of b that exceeds whole pages, if there is a slot that takes it – even in a
// full ring. What was read from the front of the page is not room.
func (p *Pipe) merge(b []byte) int {
	chars := len(b) % pageSize
	if chars == 0 || p.isEmpty() {
		return 0
	}
	p.m.Guarded(&p.mutex, p.id, fieldBufs)
	buf := p.slot(p.head - 1)
	if buf.flags&canMerge == 0 || len(buf.page)+chars > pageSize {
		return 0
	}
	buf.page = append(buf.page, b[:chars]...)
	return chars
}

// fill puts up to a page of b into the next slot, which is free. head moves before the slot knows whether it is a
// packet.
func (p *Pipe) fill(f *vfs.File, b []byte) int {
	n := min(len(b), pageSize)
	page := append(p.getPage(), b[:n]...)
	p.m.Write(p.id, fieldHeadTail)
	p.m.Guarded(&p.mutex, p.id, fieldBufs)
	buf := p.slot(p.head)
	p.head++
	*buf = pipeBuffer{page: page}
	if f.Flags()&abi.O_DIRECT != 0 {
		buf.flags = packet
	} else {
		buf.flags = canMerge
	}
	return n
}

// drain moves bytes to b, slot by slot, until b is full, the ring is empty, or a packet was read, whose rest is lost. It
// reports whether it freed slots, and whether one of them in a full ring.
func (p *Pipe) drain(b []byte) (n int, freed, wasFull bool) {
	for n < len(b) && !p.isEmpty() {
		p.m.Guarded(&p.mutex, p.id, fieldBufs)
		buf := p.slot(p.tail)
		c := copy(b[n:], buf.page[buf.offset:])
		n += c
		buf.offset += c
		isPacket := buf.flags&packet != 0
		if isPacket {
			buf.offset = len(buf.page)
		}
		if buf.len() == 0 {
			freed = true
			wasFull = wasFull || p.isFull()
			p.clearSlot(buf)
			p.setTail(p.tail + 1)
		}
		if isPacket {
			break
		}
	}
	return n, freed, wasFull
}

// setSize makes the ring size bytes large, rounded up to a power of two pages: pipe_set_size.
func (p *Pipe) setSize(size uint32) abi.Errno {
	if size > 1<<31 {
		return abi.EINVAL
	}
	slots := uint32(1)
	if size > pageSize {
		slots = 1 << bits.Len32((size-1)/pageSize)
	}
	if slots > p.maxUsage && slots > maxPipeSize/pageSize {
		return abi.EPERM
	}
	return p.resize(slots)
}

// resize moves the used slots to the beginning of a new ring, under the lock of the readers' queue too. It stores tail
// before head, so that a ->poll in between shows IN for an empty pipe (on 6.18, 60 of 7 million polls). Always wakes a
// writer, with no key. Models pipe_resize_ring.
func (p *Pipe) resize(slots uint32) abi.Errno {
	m := p.m
	p.sys.Counters.Allocations++
	bufs := make([]pipeBuffer, slots)
	p.rdWait.Lock.Lock()
	used := p.head - p.tail
	if slots < used {
		p.rdWait.Lock.Unlock()
		return abi.EBUSY
	}
	m.Guarded(&p.mutex, p.id, fieldBufs)
	for i := range used {
		bufs[i] = *p.slot(p.tail + i)
	}
	p.bufs, p.resizing = bufs, true
	if slots < p.maxUsage {
		m.Write(p.id, fieldMaxUsage)
		p.maxUsage = slots
	}
	m.Write(p.id, fieldHeadTail)
	p.tail = 0
	m.Write(p.id, fieldHeadTail)
	p.head = used
	if slots > p.maxUsage {
		m.Write(p.id, fieldMaxUsage)
		p.maxUsage = slots
	}
	p.resizing = false
	p.rdWait.Lock.Unlock()
	p.wrWait.WakeUp(sim.Interruptible, 1, false, 0)
	return 0
}
