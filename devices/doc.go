// Package devices models the files that an epoll watches, one file of Go for each of Linux 6.18's: pipes and FIFOs,
// eventfds, timerfds, signalfds, pidfds, inotify, pseudo-terminals, sockets of unix, UDP and TCP, and those that cannot be
// watched at all (regular files, directories, /dev/null and its kin). Each is a vfs.Operations with what it keeps, the queues it wakes, and the mask it shows.
//
// The caller makes a device with New… and gets the open file description; who may read or write it (EBADF), descriptor
// numbers and the return to user mode are the business of the floors around it. A sleep that a signal interrupts ends
// with ERESTARTSYS.
//
// Left out: page faults, vmsplice and pages that a splice shares, notification pipes, SIGIO, the limits per user (fs.pipe-user-pages-*),
// CAP_SYS_RESOURCE, asynchronous signallers of eventfds (the only way to a count of 2⁶⁴-1), and suspend, for which the
// timers of the ALARM clocks are.
//
//	File r ── pipeFile ──> Pipe <── pipeFile ── File w          File ──> Eventfd
//	                        │ mutex                                        │ count
//	                        │ bufs[tail … head)  slots with bytes          └ wqh      blocked readers and writers,
//	                        │ readers, writers   open descriptions                    at the tail, not exclusive;
//	                        ├ rd_wait   blocked readers, exclusive, FIFO              pollers, at the front
//	                        │           pollers of r, at the front
//	                        └ wr_wait   blocked writers, exclusive, FIFO
//	                                    pollers of w, at the front
//
// A pipe wakes with IN|RDNORM on rd_wait and OUT|WRNORM on wr_wait, and with no key on both when an end closes; of the
// exclusive sleepers one at a time, which passes the turn on. A FIFO is a name for a pipe that is there while somebody has
// it open; who waits in an open sleeps on rd_wait. An eventfd has one queue: IN after every write, OUT after every read. A
// timerfd has one: IN at an expiry.
//
// A signalfd has none. It asks the task that polls or reads it, through Signaled, and hooks to the queue of that task's
// process, which is woken with no key by every signal. A pidfd hooks to the queue of the Pid it refers to, which the floor
// above tells of the end (IN|RDNORM, all) and of the reaping (no key, all).
//
// An inotify has one: no key, whenever an event has really been queued. Package vfs tells its watches what happens to an
// inode; who changes names in directories is the floor above.
//
// A pseudo-terminal is two ttys, each with two queues, and any watcher of one hooks to both. Writers and readers stand on
// them for the whole of a call, not exclusively. tty.go has the drawing, the lock order, and what is left out.
//
// A unix socket has one queue for all who wait for it, and datagram receivers and listeners a hidden one for those who wait
// for room there. What it has sent is charged to it until it is read: OUT up to a quarter of its buffer, EAGAIN at all of
// it. unix.go has the drawing, the lock order, and what is left out.
//
// A UDP socket has one queue for all who wait for it. Each send over the loopback is an edge for its sender, OUT, and one
// for its receiver, IN, unless that has no room; a datagram that nobody receives comes back as ERR. udp.go has the
// drawing, the lock order, and what is left out.
//
// A TCP socket has one queue too. A segment is handled within the call that sends it; acknowledgements, windows and the
// timers of a connection decide when there is room. tcp.go has the drawing, the lock order, and what is left out.
//
// Lock order:
//
//	pipe.mutex
//	  pipe.rd_wait, pipe.wr_wait (locks of the queues)
//	    ep.lock …
//	eventfd.wqh, timerfd.wqh (guard the count, the timer and its ticks too)
//	  ep.lock …
//	siglock of a process
//	  signalfd_wqh
//	    ep.lock …
//	pid.wait_pidfd
//	inotify.mark_mutex (guards which inodes are watched)
//	inotify.notification_lock (guards the events)
//	inotify.notification_waitq
//	  ep.lock …
//	inode.i_lock of a FIFO (guards which pipe it is)
//	i_rwsem of a regular file
//
// ->poll takes no lock but that of the queue it hooks to: it reads head_tail, max_usage, readers, writers, count and
// exit_state while others change them. That of a timerfd takes its queue's lock to read the ticks, that of a signalfd the
// siglock, that of an inotify its notification_lock, and that of a tty may wait for the worker that brings the input.
//
// Kernel names and ours:
//
//	struct pipe_inode_info  Pipe                struct eventfd_ctx   Eventfd
//	struct pipe_buffer      pipeBuffer          eventfd_read         Eventfd.Read
//	alloc_pipe_info         newPipe             eventfd_write        Eventfd.Write
//	get_pipe_info           PipeOf              eventfd_poll         Eventfd.Poll
//	anon_pipe_read          Pipe.read           eventfd_release      Eventfd.Release
//	anon_pipe_write         Pipe.write          eventfd_show_fdinfo  Eventfd.Fdinfo
//	pipe_poll               pipeFile.Poll       do_wait_intr_irq     sleepLocked
//	pipe_release            pipeFile.Release    null_fops            null
//	pipe_ioctl, pipe_fcntl  pipeFile.Ioctl …    zero_fops            zero
//	pipe_resize_ring        Pipe.resize         full_fops            full
//	pipe_readable           readable            pipe_writable        writable
//	fifo_open               Fifo.Open           wait_for_partner     Pipe.waitForPartner
//	splice_file_to_pipe     SpliceToPipe        splice_to_socket     Pipe.spliceToSocket
//	splice_pipe_to_pipe     Pipe.Splice         link_pipe            Pipe.Tee
//	do_splice_direct        SpliceDirect        iter_file_splice_write Pipe.spliceInto
//	struct timerfd_ctx      Timerfd             timerfd_triggered    timerfdTriggered
//	do_timerfd_settime      Timerfd.Settime     do_timerfd_gettime   Timerfd.Gettime
//	timerfd_read_iter       Timerfd.Read        hrtimer_forward_now  Timerfd.forward
//	struct signalfd_ctx     Signalfd            signalfd_dequeue     Signalfd.dequeue
//	do_signalfd4            NewSignalfd, …      struct pid           Pid
//	pidfd_poll              pidfd.Poll          do_notify_pidfd      Pid.Exit
//	struct unix_sock        Unix                struct sk_buff       unixMessage
//	unix_poll               Unix.pollStream     unix_dgram_poll      Unix.pollDgram
//	unix_write_space        Unix.writeSpace     sock_wfree           UnixNet.release
//	unix_release_sock       Unix.releaseSock    unix_gc              UnixNet.collect
//	struct fsnotify_group   Inotify             fsnotify_insert_event Inotify.add
//	inotify_read            Inotify.Read        inotify_update_watch Inotify.AddWatch
//	struct udp_sock         Udp                 struct net           InetNet
//	udp_sendmsg             Udp.send4           udp_recvmsg          Udp.Recv
//	udp_poll                Udp.Poll            __udp4_lib_lookup    InetNet.lookupUdp
//	udp_rmem_release        Udp.giveBack        __udp_enqueue_schedule_skb Udp.enqueue
//	struct tty_struct       Tty                 struct n_tty_data    nTty
//	struct tty_bufhead      transport           flush_to_ldisc       transport.work
//	n_tty_poll              ttyFile.Poll        n_tty_receive_buf    Tty.receive
//	n_tty_read              ttyFile.readLine    n_tty_write          ttyFile.writeLine
//	pty_close, __tty_hangup Tty.close, hangUp   n_tty_set_termios    Tty.setTermios
//
// Read eventfd.go first, the smallest device with everything in it; then pipe.go, pipe_ring.go, pipe_write.go,
// pipe_read.go, pipe_poll.go. pipe_rules.go tells what other versions did. Every device passes the suite of devicetest.
// Next door: package eventpoll.
package devices

// Files:
//
//	pipe*.go fifo.go            pipes: ring, write, read, poll, ioctl, state, other versions' rules; FIFOs
//	eventfd.go timerfd.go       one device each; clock*.go: the clocks of a kernel
//	signalfd.go pidfd.go
//	inotify.go, inotify_*.go    instances and events; what they watch
//	tty*.go, console.go         pseudo-terminals: line discipline, echoes, modes, flow, hang-up; what 0, 1 and 2 are
//	socket*.go sockopt*.go      what all sockets answer, pairs, and their options: one place, one table a level
//	unix*.go                    unix sockets: streams, datagrams, what a message costs, descriptors in flight, options
//	inet*.go                    what TCP and UDP share: addresses, ports, the loopback, options
//	udp*.go                     UDP: send, receive, queue, poll, options
//	tcp*.go                     TCP: connect, listen, input, sendmsg, output, transmit, acknowledgements, windows, timers, close, urgent data, options
//	splice*.go                  what fills a pipe and what it is emptied into, without user memory; pipe to pipe, tee
//	regular.go null.go          files that cannot be watched; blank.go: one of which nothing is known
//	mounts.go                   /proc/self/mounts
//	sleep.go trace.go           how calls sleep; what traces show

// For the maintainer:
//
//   - A new device is a file here, a file conform_NAME_test.go, and a line in conformance_test.go.
//   - host_linux_test.go runs random calls on the running kernel and on the model and compares every result, every mask
//     and every edge. Change a device, run it with -rapid.checks=10000.
//   - A point stands before the access it names, and everything up to the next point happens with it. Fields that ->poll
//     reads have one; bufs has none, since only holders of pipe.mutex look at it.
//   - head and tail share the field head_tail: the kernel loads both at once, and writers of either must conflict with
//     that load.
