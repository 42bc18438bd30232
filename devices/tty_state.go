package devices

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/vfs"
	"github.com/epollsim/epollsim/waitqueue"
)

// TtyState is one end of a pseudo-terminal as plain data.
type TtyState struct {
	ID          string
	Name        string
	Canonical   bool
	Lines       int // for readers, canonical
	Bytes       int // for readers, marks of ^D included
	Typed       int // of the line that is being typed
	Transport   int // bytes on their way here
	MemUsed     int // memory that they hold
	Echoes      int // bytes that wait for room
	Opens       int
	Stopped     bool
	OtherClosed bool
	Packet      bool
	ReadWait    []string // who waits, in wake-up order
	WriteWait   []string
}

// TtyOf returns the end that f is a description of, or nil.
func TtyOf(f *vfs.File) *Tty {
	if end := endOf(f); end != nil {
		return end.Tty
	}
	return nil
}

// State returns what t looks like now. It takes no lock: the machine stands still.
func (t *Tty) State() *TtyState {
	s := &TtyState{
		ID: t.id.String(), Name: t.name(), Canonical: t.lflag(abi.ICANON),
		Transport: t.buf.bytes(), MemUsed: t.buf.memUsed, Echoes: t.echoHead - t.echoTail, Opens: t.count,
		Stopped: t.stopped, OtherClosed: t.otherClosed, Packet: t.packet,
		ReadWait: waiters(&t.readWait), WriteWait: waiters(&t.writeWait),
	}
	head := t.commitHead
	if s.Canonical {
		head = t.canonHead
		for i := t.readTail; i < head; i++ {
			if t.endsLine(i) {
				s.Lines++
			}
		}
	}
	s.Bytes, s.Typed = head-t.readTail, t.readHead-head
	return s
}

// FileState is what a snapshot shows of an end.
func (f ptyFile) FileState() vfs.FileState {
	t := f.Tty
	s := t.State()
	mode := "raw"
	if s.Canonical {
		mode = "canonical"
	}
	return vfs.FileState{Struct: "tty_struct", ID: s.ID, Fields: []vfs.FieldState{
		{Name: "name", Value: s.Name},
		{Name: "mode", Value: mode},
		{Name: "input", Value: fmt.Sprintf("%d bytes, %d lines, %d typed", s.Bytes, s.Lines, s.Typed)},
		{Name: "buf", Value: fmt.Sprintf("%d bytes, %d of memory", s.Transport, s.MemUsed)},
		{Name: "count", Value: strconv.Itoa(s.Opens)},
		{Name: "stopped", Value: strconv.FormatBool(s.Stopped)},
		{Name: "TTY_OTHER_CLOSED", Value: strconv.FormatBool(s.OtherClosed)},
	}, Queues: []waitqueue.State{t.readWait.State("read_wait"), t.writeWait.State("write_wait")}}
}

// Check reports every broken invariant of t. It may run between any two steps.
func (t *Tty) Check() error {
	var all []error
	bad := func(format string, args ...any) {
		all = append(all, fmt.Errorf(t.id.String()+": "+format, args...))
	}
	if !t.readWait.Check() || !t.writeWait.Check() {
		bad("a queue has a broken link")
	}
	if t.gone && (t.readWait.ActiveLocked() || t.writeWait.ActiveLocked()) {
		bad("gone, but %v and %v wait for it", waiters(&t.readWait), waiters(&t.writeWait))
	}
	if n := t.readHead - t.readTail; t.termiosSem.readers == 0 && !t.termiosSem.writer && (n < 0 || n > inputSize) {
		bad("read_head %d, read_tail %d in a buffer of %d", t.readHead, t.readTail, inputSize)
	}
	if t.commitHead-t.readTail > inputSize || t.canonHead-t.readTail > inputSize {
		bad("commit_head %d, canon_head %d, read_tail %d", t.commitHead, t.canonHead, t.readTail)
	}
	if n := t.count - len(t.ends); t.lock.Owner() == nil && (n < 0 || n > 1) {
		bad("count %d with %d descriptions", t.count, len(t.ends))
	}
	if n := t.echoHead - t.echoTail; n < 0 {
		bad("%d echoes wait", n)
	}
	mem := 0
	for b := t.buf.head; b != nil; b = b.next {
		mem += b.size
		if b.read > b.commit || b.commit > b.used || b.used > 2*b.size {
			bad("a buffer of 2*%d bytes: read %d, commit %d, used %d", b.size, b.read, b.commit, b.used)
		}
	}
	if t.buf.lock.Owner() == nil && t.buf.insertion.Owner() == nil && mem != t.buf.memUsed {
		bad("mem_used is %d, the buffers have %d", t.buf.memUsed, mem)
	}
	return errors.Join(all...)
}
