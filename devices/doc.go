// Package devices models the files that an epoll watches, one file of Go for each of Linux 6.18's: pipes, eventfds,
// and those that cannot be watched at all (regular files, directories, /dev/null and its kin). Each is a vfs.Operations
// with what it keeps, the queues it wakes, and the mask it shows.
//
// The caller makes a device with New… and gets the open file description; who may read or write it (EBADF), descriptor
// numbers and the return to user mode are the business of the floors around it. A sleep that a signal interrupts ends
// with ERESTARTSYS.
//
// Left out: page faults, splice and tee, notification pipes, SIGIO, the limits per user (fs.pipe-user-pages-*),
// CAP_SYS_RESOURCE, asynchronous signallers of eventfds (the only way to a count of 2⁶⁴-1), and FIFOs, whose open
// comes with a later file; the counters that it needs are here.
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
// exclusive sleepers one at a time, which passes the turn on. An eventfd has one queue: IN after every write, OUT after
// every read.
//
// Lock order:
//
//	pipe.mutex
//	  pipe.rd_wait, pipe.wr_wait (locks of the queues)
//	    ep.lock …
//	eventfd.wqh (guards the count too)
//	  ep.lock …
//	i_rwsem of a regular file
//
// ->poll takes no lock but that of the queue it hooks to: it reads head_tail, max_usage, readers, writers and count while
// others change them.
//
// Kernel names and ours:
//
//	struct pipe_inode_info  Pipe                struct eventfd_ctx   Eventfd
//	struct pipe_buffer      pipeBuffer          eventfd_read         Eventfd.Read
//	alloc_pipe_info         newPipe             eventfd_write        Eventfd.Write
//	get_pipe_info           PipeOf              eventfd_poll         Eventfd.Poll
//	anon_pipe_read          Pipe.read           eventfd_release      Eventfd.Release
//	anon_pipe_write         Pipe.write          eventfd_show_fdinfo  Eventfd.Fdinfo
//	pipe_poll               pipeFile.Poll       do_wait_intr_irq     Eventfd.wait
//	pipe_release            pipeFile.Release    null_fops            null
//	pipe_ioctl, pipe_fcntl  pipeFile.Ioctl …    zero_fops            zero
//	pipe_resize_ring        Pipe.resize         full_fops            full
//	pipe_readable           readable            pipe_writable        writable
//
// Read eventfd.go first, the smallest device with everything in it; then pipe.go, pipe_ring.go, pipe_write.go,
// pipe_read.go, pipe_poll.go. pipe_rules.go tells what other versions did. Next door: package eventpoll.
package devices

// For the maintainer:
//
//   - host_linux_test.go runs random calls on the running kernel and on the model and compares every result, every mask
//     and every edge. Change a device, run it with -rapid.checks=10000.
//   - A point stands before the access it names, and everything up to the next point happens with it. Fields that ->poll
//     reads have one; bufs has none, since only holders of pipe.mutex look at it.
//   - head and tail share the field head_tail: the kernel loads both at once, and writers of either must conflict with
//     that load.
