// Package waitqueue models kernel/sched/wait.c of Linux 6.18: queues of entries whose wake functions are
// called, one after the other under the queue's lock, when something happens.
//
// It is the only way anything in the model learns of anything: a pipe with data wakes its queue, and on
// the queue sit sleeping readers, pollers, and the hooks of epoll items.
//
// Left out: page-wait flags, the woken protocol. The sync hint of a wake-up is carried but means nothing without CPU
// placement.
//
//	Head ── lock
//	  └ list ──> Entry (flags, Func, Private) ──> Entry ──> …
//	    non-exclusive entries go to the front (behind PRIORITY ones), exclusive ones to the tail;
//	    AddExclusiveHead, which epoll_wait uses, puts an exclusive one to the front: last in, first out
//
// Lock order: a Head's lock is taken inside the mutexes of its file and outside ep.lock:
//
//	source Head.lock
//	  ep.lock
//	    ep.wq.lock
//	  ep.poll_wait.lock (after ep.lock is released)
//	    outer ep.lock …
//
// Kernel names and ours:
//
//	wait_queue_head_t              Head
//	wait_queue_entry_t             Entry
//	add_wait_queue                 Head.Add
//	add_wait_queue_exclusive       Head.AddExclusive
//	__add_wait_queue_exclusive     Head.AddExclusiveHead
//	remove_wait_queue              Head.Remove
//	prepare_to_wait_event          Head.PrepareToWait
//	finish_wait                    Head.FinishWait
//	__wake_up_common               Head.walk
//	default_wake_function          DefaultWake
//	autoremove_wake_function       AutoremoveWake
//	wake_up_pollfree               Head.WakeUpPollFree
//
// Read entry.go, head.go, wake_up.go in this order; then vfs/poll_table.go.
package waitqueue

// Files:
//
//	head.go entry.go wake_up.go queues, entries, wake-ups
//	bookmark.go                 wake-ups in batches, as other versions had them
//	trace.go                    what traces show
