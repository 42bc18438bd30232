package vfs

import "github.com/epollsim/epollsim/sim"

// System is what all files of one booted kernel share.
type System struct {
	M        *sim.Machine
	Rules    Rules
	Counters Counters

	lastIno uint64
}

// Rules are the behaviours of fs/select.c that changed over time, each named for what it does where it differs
// from Linux 6.18, which is the zero value.
type Rules struct {
	NoKeys            bool // wake-ups do not say what happened, so no poller is passed over
	SelectSkipsClosed bool // select does not look at a number that was closed while it waited
	HooksLate         bool // the hook of a poller on a socket is visible only after ->poll has looked
}

// Counters add up what calls cost, in units that do not depend on the machine.
type Counters struct {
	PollCalls       uint64 // calls of a file's ->poll
	QueueInsertions uint64 // entries added to wait queues
	Callbacks       uint64 // ep_poll_callback runs
	BytesIn         uint64 // copied from user space
	BytesOut        uint64 // copied to user space
	Allocations     uint64 // objects the kernel would allocate
	Syscalls        uint64
}

// NextIno numbers a new inode of an anonymous file.
func (s *System) NextIno() uint64 {
	s.lastIno++
	return s.lastIno
}
