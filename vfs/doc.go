// Package vfs models what Linux 6.18 keeps between a file descriptor and a device: the open file description
// (struct file), the table of numbers that refer to it (fs/file.c), the poll table by which a poller hooks
// itself to wait queues, and poll(2) and select(2) themselves (fs/select.c).
//
// An epoll item belongs to the description, not to the number; most surprises of epoll come from there.
//
// Left out: paths and inodes beyond a name and a number, signals of O_ASYNC, file locks. Descriptions are
// ordered by creation number where the kernel compares addresses.
//
//	FdTable ── slot fd ──> File (flags, count, f_lock) ──> Operations (a device)
//	                         │ Ep (f_ep)                     └ wait queues <── hooks of pollers
//	                         └──> the items that watch it        PollTable.Wait adds them
//
// Lock order:
//
//	FdTable.lock
//	File.Lock (f_lock)
//	Head.Lock of a wait queue
//
// Kernel names and ours:
//
//	struct file                File            fget, fput          File.Get, File.Put
//	struct files_struct        FdTable         alloc_fd            FdTable.Reserve
//	__fput                     File.release    fd_install          FdTable.Install
//	vfs_poll                   File.Poll       file_can_poll       File.CanPoll
//	poll_table, poll_wait      PollTable, PollTable.Wait
//	struct poll_wqueues        PollWqueues     __pollwait          PollWqueues.Queue
//	pollwake                   pollWake        do_poll, do_select  Poll, Select
//
// Read file.go, fdtable.go, poll_table.go, then poll.go and select.go.
package vfs

// Files:
//
//	system.go                   what all files of a kernel share
//	file.go fdtable.go          descriptions, and numbers
//	path_file.go                descriptions of names alone, O_PATH
//	poll_table.go               how pollers hook themselves in; poll_wqueues.go: those of poll and select
//	poll.go select.go           the calls
//	vector.go                   what readv, writev, pread and pwrite ask of a file
//	fsnotify.go                 what watchers of inodes are told
//	trace.go                    what traces show
