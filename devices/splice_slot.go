package devices

import "github.com/epollsim/epollsim/sim"

// stretch is memory that lies in one piece, as far as a message has to know of it: how long it is, where in its page it
// begins, and the place of that for TCP, once it has taken a part.
type stretch struct {
	n, base int32
	place   int64
}

// part is the first n bytes of a slot as a slot of its own. Nothing is appended to it.
func (b *pipeBuffer) part(n int) pipeBuffer {
	return spliced(b.page[b.offset:b.offset+n], b.base+b.offset, b.flags&packet)
}

// spliced is a slot for a copy of b, which begins at base of a page.
func spliced(b []byte, base int, flags bufFlags) pipeBuffer {
	return pipeBuffer{page: append([]byte(nil), b...), base: base % pageSize, flags: flags | foreign}
}

// addSlot puts a slot behind the last one; the ring is not full.
func (p *Pipe) addSlot(b pipeBuffer) {
	p.m.Write(p.id, fieldHeadTail)
	p.m.Guarded(&p.mutex, p.id, fieldBufs)
	*p.slot(p.head) = b
	p.head++
}

func (p *Pipe) setTail(tail uint32) {
	p.m.Write(p.id, fieldHeadTail)
	p.tail = tail
}

func (p *Pipe) freeSlots() int { return max(int(p.maxUsage)-int(p.head-p.tail), 0) }

// clearSlot gives up the memory of a slot that was emptied.
func (p *Pipe) clearSlot(buf *pipeBuffer) {
	if buf.flags&foreign == 0 {
		p.putPage(buf.page)
	}
	*buf = pipeBuffer{}
}

// gather returns the first bytes of p, n at most and of so many slots at most, and the stretches that they lie in, none
// longer than a page.
func (p *Pipe) gather(n, slots int) (data []byte, pages []stretch, used int) {
	p.m.Guarded(&p.mutex, p.id, fieldBufs)
	for i := p.tail; i != p.head && len(data) < n && used < slots; i++ {
		buf := p.slot(i)
		b := buf.page[buf.offset:]
		b = b[:min(len(b), n-len(data))]
		data = append(data, b...)
		for at := buf.base + buf.offset; len(b) > 0; {
			c := min(len(b), pageSize-at%pageSize)
			pages = append(pages, stretch{n: int32(c), base: int32(at % pageSize)})
			at += c
			b = b[c:]
		}
		used++
	}
	return data, pages, used
}

// eat takes n bytes away. The tail moves once, or slot by slot. It reports whether slots got free.
func (p *Pipe) eat(n int, once bool) (freed bool) {
	tail := p.tail
	for n > 0 {
		buf := p.slot(tail)
		c := min(n, buf.len())
		buf.offset += c
		n -= c
		if buf.len() > 0 {
			break
		}
		p.clearSlot(buf)
		tail++
		if freed = true; !once {
			p.setTail(tail)
		}
	}
	if freed && once {
		p.setTail(tail)
	}
	return freed
}

// end frees a pipe that no description refers to.
func (p *Pipe) end() {
	p.bufs, p.pages, p.head, p.tail = nil, pages{}, 0, 0
	for _, id := range [...]sim.ID{p.id, p.mutex.ID(), p.rdWait.ID(), p.wrWait.ID()} {
		p.m.Free(id)
	}
}
