package devices

import (
	"github.com/epollsim/epollsim/vfs"
	"github.com/epollsim/epollsim/waitqueue"
)

// RdWait and WrWait are the queues of a pipe, Wqh that of an eventfd, reached without a poll.
func (p *Pipe) RdWait() *waitqueue.Head   { return &p.rdWait }
func (p *Pipe) WrWait() *waitqueue.Head   { return &p.wrWait }
func (e *Eventfd) Wqh() *waitqueue.Head   { return &e.wqh }
func (e *Eventfd) SetCountRaw(v uint64)   { e.count = v }
func (p *Pipe) Corrupt(change func(*Raw)) { change((*Raw)(p)) }

// Raw is a pipe whose fields a test can spoil.
type Raw Pipe

func (r *Raw) Head(n uint32) { r.head += n }
func (r *Raw) Readers(n int) { r.readers = n }
func (r *Raw) Slot(i, page, offset, flags int) {
	r.bufs[i] = pipeBuffer{page: make([]byte, page), offset: offset, flags: bufFlags(flags)}
}

// Unread appends the unread bytes to dst.
func (p *Pipe) Unread(dst []byte) []byte {
	for i := p.tail; i != p.head; i++ {
		b := p.slot(i)
		dst = append(dst, b.page[b.offset:]...)
	}
	return dst
}

// Reopen makes another description of one end of a pipe, as opening /proc/self/fd/N does.
func Reopen(p *Pipe, s *vfs.System, end *vfs.File, flags int) *vfs.File {
	if end.Readable() {
		p.readers++
		p.rCounter++
	}
	if end.Writable() {
		p.writers++
		p.wCounter++
	}
	p.files++
	return s.NewFile(&pipeFile{Pipe: p}, flags, end.Name, end.Ino)
}

// Violate ends the run.
func (e *Eventfd) Violate(err error) { e.m.Violation("%v", err) }
