package devices

// PipeRules are the behaviours of fs/pipe.c that changed over time, each named for what it does. The zero value is
// Linux 6.18.
type PipeRules struct {
	WakeReaders WakeReaders
	WakeWriters WakeWriters
	// SplitIndices: head and tail are read one after the other without the mutex, so that a sleeper can see a full pipe
	// that is not. The lost wake-up of 6.14-rc1 … rc5, exposed by aaec5a95d596, fixed by 3d252160b818.
	SplitIndices bool
	// PollSamplesFirst: ->poll looks at the pipe before it hooks the poller, and an event in between is lost. Only in
	// 5.5-rc1; fixed by ad910e36da4c.
	PollSamplesFirst bool
}

// WakeReaders says when a write wakes the queue of the readers.
type WakeReaders uint8

// The rules of a write that is about to return. One that is about to sleep wakes if the pipe was empty (up to 5.4: if
// it has written).
const (
	// WakeReadersIfEmptyOrPolled: if the pipe was empty, or has ever been polled. Since 5.14 (3b844826b6c6).
	WakeReadersIfEmptyOrPolled WakeReaders = iota
	// WakeReadersAlways: also when nothing was written. Release candidates of 5.14 (3a34b13a88ca).
	WakeReadersAlways
	// WakeReadersIfEmpty: an ET watcher of a readable pipe sees no further edge. 5.5 … 5.13 (1b6b26ae7053).
	WakeReadersIfEmpty
	// WakeReadersIfWritten: every write that has written something. Up to 5.4.
	WakeReadersIfWritten
)

// before is whether a write wakes readers before it sleeps.
func (r WakeReaders) before(wasEmpty, written bool) bool {
	if r == WakeReadersIfWritten {
		return written
	}
	return wasEmpty
}

// WakeWriters says when a read wakes the queue of the writers.
type WakeWriters uint8

// The rules of a read that returns.
const (
	// WakeWritersIfFreedWhileFull: if it emptied a slot of a full pipe. Since 6.14 (aaec5a95d596).
	WakeWritersIfFreedWhileFull WakeWriters = iota
	// WakeWritersIfWasFull: if the pipe was full when it began, even if no slot got free. 5.5 … 6.13 (f467a6a66419).
	WakeWritersIfWasFull
	// WakeWritersIfFreed: if it emptied a slot. Up to 5.4.
	WakeWritersIfFreed
)

// after is whether a read wakes writers.
func (r WakeWriters) after(wasFull, freed, freedWhileFull bool) bool {
	switch r {
	case WakeWritersIfWasFull:
		return wasFull
	case WakeWritersIfFreed:
		return freed
	}
	return freedWhileFull
}
