package vfs

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/waitqueue"
)

// PollTable is what a poller hands to ->poll, models poll_table.
type PollTable struct {
	Queue QueueProc  // nil: only report the state
	Key   abi.Events // what the poller wants
}

// QueueProc hooks a poller to a queue that a file named: poll_queue_proc.
type QueueProc interface {
	QueueProc(f *File, h *waitqueue.Head)
}

// Wait names a queue of f that is woken when its state changes. pt may be nil. Models poll_wait.
func (pt *PollTable) Wait(f *File, h *waitqueue.Head) {
	if pt != nil && pt.Queue != nil && h != nil {
		pt.Queue.QueueProc(f, h)
	}
}

// Wants reports whether the poller asks for any of mask; without a table it asks for everything.
func (pt *PollTable) Wants(mask abi.Events) bool { return pt == nil || pt.Key&mask != 0 }
