// Package eventpoll models fs/eventpoll.c of Linux 6.18 (late stable), step by step: what is taken, moved,
// asked and woken, in which order and under which lock. Written from observed and published facts, never
// from the kernel's text.
//
// Left out: busy polling (its parameters are stored), io_uring's non-blocking callers, compat structures,
// page faults (a buffer that is too short stands for unmapped memory), allocation failures, priority
// inheritance. Sequential consistency replaces the kernel's barriers.
//
//	File ── f_ep ──> epitemsHead ── epitems ──> epitem ──> epitem         one per (file, fd) and epoll
//	                                              │ ep
//	   wait queue of the file                     v
//	   └ pollEntry ── base ──────────────> epitem ──────> Eventpoll
//	     (a hook, wakes pollCallback)        on rbr always    rbr       tree by (file, fd)
//	                                         on rdllist       rdllist   ready, oldest first
//	                                         or on txlist     txlist    of the scan that runs
//	                                         and on ovflist   ovflist   fired during a scan, newest first
//	                                                          wq        sleepers in epoll_wait, newest first
//	                                                          pollWait  who polls the epoll itself
//
// One event: a file wakes its queue → pollCallback lists the item and wakes a Waiter → Wait → sendEvents asks
// the file again and copies what is true now.
//
// Lock order:
//
//	epnested_mutex (Statics.nested)
//	  ep.mtx, the outer epoll's before the inner's
//	    File.Lock (f_lock)
//	    lock of a file's wait queue
//	      ep.lock
//	    inner ep.poll_wait lock (after ep.lock is released), then the outer ep.lock
//
// The callback never takes ep.mtx, and nobody takes a file's queue lock inside ep.lock.
//
// Read without the lock that guards them, hence points wherever they are touched: rdllist, ovflist, seq, the
// mask and ws of an item, dying, whead, the lists of items that watch a file, gen, the refcount, the watch
// count. What only holders of a lock touch is Guarded, which also finds a touch of what was freed.
//
//	struct eventpoll       Eventpoll                ep_poll_callback       pollCallback
//	struct epitem          epitem                   ep_poll                Eventpoll.Wait
//	struct eppoll_entry    pollEntry                ep_send_events         Eventpoll.sendEvents
//	struct epitems_head    epitemsHead              ep_item_poll           Eventpoll.itemPoll
//	do_epoll_ctl           Statics.Ctl              ep_start_scan          Eventpoll.startScan
//	ep_insert              Eventpoll.insert         ep_done_scan           Eventpoll.doneScan
//	ep_modify              Eventpoll.modify         ep_poll_safewake       Eventpoll.wakePollers
//	ep_remove              Eventpoll.remove         ep_loop_check          Statics.loopCheck
//	ep_clear_and_put       Eventpoll.Release        reverse_path_check     Statics.reversePathCheck
//	eventpoll_release_file epitemsHead.ReleaseFile  ep_events_available    Eventpoll.available
//
// What other kernels did otherwise is a switch in rules.go, which package kernel sets by its table of versions; their
// epoll_wait is wait_queued.go, their check list check_list_files.go, their guard of nested calls nested_calls.go.
//
// Read eventpoll.go and epitem.go for who points at whom, then follow one byte: poll_callback.go, wait.go,
// send_events.go, scan.go. The rest is ctl.go with insert.go, modify.go, remove.go, and loop_check.go.
package eventpoll

// Files:
//
//	eventpoll.go epitem.go      the structures; file.go: an epoll as a file, state.go: as plain data, statics.go: what all epolls share
//	ctl.go insert.go modify.go  epoll_ctl and its operations; attach.go: the list of a file's items, and the file's end
//	remove.go
//	poll_callback.go wait.go    from a wake-up to the caller
//	scan.go send_events.go
//	loop_check.go               limits of nesting; check_list_files.go, nested_calls.go: as other versions had them
//	rules.go wait_queued.go     what other versions did
//	wakeup_source.go            EPOLLWAKEUP
//	check.go properties.go      invariants of the structures; of every program
//	coverage.go trace.go        which branches were reached; what traces show
