package devices

import "github.com/epollsim/epollsim/waitqueue"

// ReadWait and WriteWait are the queues of an end, reached without a poll.
func (t *Tty) ReadWait() *waitqueue.Head  { return &t.readWait }
func (t *Tty) WriteWait() *waitqueue.Head { return &t.writeWait }

// Spoil changes what Check looks at.
func (t *Tty) Spoil(readTail, memUsed, count int) {
	t.readTail -= readTail * 1000
	t.buf.memUsed += memUsed
	t.count += count
}
