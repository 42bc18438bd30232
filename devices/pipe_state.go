package devices

import (
	"errors"
	"fmt"
	"math/bits"
	"strconv"

	"github.com/epollsim/epollsim/vfs"
	"github.com/epollsim/epollsim/waitqueue"
)

// PipeState is a pipe as plain data.
type PipeState struct {
	ID       string
	Slots    int          // capacity
	Buffers  []PipeBuffer // used slots, oldest first
	Bytes    int          // unread
	Readers  int
	Writers  int
	RCounter int
	WCounter int
	Polled   bool
	RdWait   []string // who waits, in wake-up order
	WrWait   []string
	Mutex    string // its owner, or ""
}

// PipeBuffer is one used slot as plain data.
type PipeBuffer struct {
	Offset, Len int
	Packet      bool
}

// State returns what p looks like now. It takes no lock: the machine stands still.
func (p *Pipe) State() *PipeState {
	s := &PipeState{
		ID: p.id.String(), Slots: int(p.maxUsage),
		Readers: p.readers, Writers: p.writers, RCounter: p.rCounter, WCounter: p.wCounter, Polled: p.pollUsage,
		RdWait: waiters(&p.rdWait), WrWait: waiters(&p.wrWait),
	}
	if !p.resizing {
		for i := p.tail; i != p.head; i++ {
			b := p.slot(i)
			s.Buffers = append(s.Buffers, PipeBuffer{b.offset, b.len(), b.flags&packet != 0})
			s.Bytes += b.len()
		}
	}
	if o := p.mutex.Owner(); o != nil {
		s.Mutex = o.String()
	}
	return s
}

// FileState is what a snapshot shows of p.
func (p *Pipe) FileState() vfs.FileState {
	s := p.State()
	return vfs.FileState{Struct: "pipe_inode_info", ID: s.ID, Fields: []vfs.FieldState{
		{Name: "bytes", Value: strconv.Itoa(s.Bytes)},
		{Name: "slots", Value: fmt.Sprintf("%d of %d", len(s.Buffers), s.Slots)},
		{Name: "readers", Value: strconv.Itoa(s.Readers)},
		{Name: "writers", Value: strconv.Itoa(s.Writers)},
		{Name: "poll_usage", Value: strconv.FormatBool(s.Polled)},
	}, Queues: []waitqueue.State{p.rdWait.State("rd_wait"), p.wrWait.State("wr_wait")}}
}

// Check reports every broken invariant of p. It may run between any two steps: a slot that the holder of the mutex is
// filling or emptying is not judged until the mutex is free.
func (p *Pipe) Check() error {
	var all []error
	bad := func(format string, args ...any) {
		all = append(all, fmt.Errorf(p.id.String()+": "+format, args...))
	}
	if p.readers < 0 || p.writers < 0 || p.files < 0 {
		bad("readers %d, writers %d, files %d", p.readers, p.writers, p.files)
	}
	if p.readers > p.rCounter || p.writers > p.wCounter {
		bad("readers %d of %d ever, writers %d of %d ever", p.readers, p.rCounter, p.writers, p.wCounter)
	}
	if !p.rdWait.Check() || !p.wrWait.Check() {
		bad("a queue has a broken link")
	}
	if p.files > 0 && !p.resizing {
		p.checkRing(bad)
	}
	return errors.Join(all...)
}

func (p *Pipe) checkRing(bad func(string, ...any)) {
	slots := len(p.bufs)
	if bits.OnesCount(uint(slots)) != 1 || int(p.maxUsage) != slots {
		bad("ring of %d slots, capacity %d", slots, p.maxUsage)
		return
	}
	used := p.head - p.tail
	if int(used) > slots {
		bad("head %d, tail %d in a ring of %d slots", p.head, p.tail, slots)
		return
	}
	busy := p.mutex.Owner() != nil
	for i := range uint32(slots) {
		b := p.slot(p.tail + i)
		switch {
		case i >= used && (b.page != nil || b.flags != 0):
			bad("free slot %d has a page or flags %b", p.tail+i, b.flags)
		case len(b.page) > pageSize && b.flags&foreign == 0 || b.offset < 0 || b.offset > len(b.page):
			bad("slot %d: offset %d, page of %d bytes", p.tail+i, b.offset, len(b.page))
		case i < used && !busy && b.len() == 0:
			bad("slot %d is used but empty", p.tail+i)
		case i < used && !busy && b.flags != packet && b.flags != canMerge && b.flags&^packet != foreign:
			bad("slot %d has flags %b", p.tail+i, b.flags)
		}
	}
}
