// Package abi says what Linux calls its numbers: errnos, event masks, flags, commands, signals and the structs around
// epoll, with the text that strace prints for them. It is the same on every platform, since the numbers are those of
// x86-64 and are written out here.
//
// Models the uapi headers of Linux 6.18 (include/uapi, arch/x86/include/uapi) as far as the calls of the house use
// them, and the words of strace 6.1. Two names are younger than that strace and printed nevertheless: PIDFD_THREAD and
// EPIOC[SG]PARAMS.
//
// Leaves out the layout of structs in memory, which no simulated program sees (SizeofEpollEvent is the exception that
// maxevents needs), options below SOL_IP and SOL_IPV6, and ioctls and levels that have nothing to do with waiting; those
// print as the number that strace shows for what it does not know.
//
// # Who points at whom
//
// Each name and value stands once, in a row beside its Go constant. Everything else is read off the rows.
//
//	fd.go fcntl.go ioctl.go socket.go           group.go                      text.go
//	sockopt.go process.go signal.go
//	events.go
//	 const O_CREAT = 0x40                       groups                        Flags("O", 0x42)
//	 openRows = []row{            ◄──────────── │ EPOLL ─► eventRows    ◄──── Enum("F", 4)
//	   {"O_CREAT", O_CREAT, plain}              │ O ─────► accessRows
//	   …                                        │          openRows     ◄──── ParseFlags("O_RDWR|O_CREAT")
//	                                            │ F ─────► fcntlRows    ◄──── Constants()
//	 errnos = {EPERM: {"EPERM", "…"}, …}        │ …
//	   ◄─ Error, Name, Errnos, ErrnoByName      SIG ─────► signalRows   ◄──── Signal, SigSet
//
// # Lock order
//
//	(none here)    nothing changes after the package is initialised
//
// # Names
//
//	kernel                                 here
//	__poll_t, EPOLL*                       Events and its constants
//	EPOLL_URING_WAKE, POLLFREE             EPOLLURINGWAKE, POLLFREE: no program sees them
//	struct epoll_event                     EpollEvent
//	struct pollfd                          PollFd
//	struct __kernel_timespec               Timespec
//	struct __kernel_old_timeval            Timeval
//	fd_set, FD_SETSIZE                     FdSet, FdSetSize
//	sigset_t                               SigSet
//	errno, ERESTARTSYS and its like        Errno
//	all other constants                    the same name, untyped
//	strace: printflags, printxval          Flags, Enum
//
// # What to read next
//
// events.go for the one type that every other package uses, then group.go. A new constant is a line in a const block and
// a row below it; the tests insist on both. Next door: package vfs, where masks and errnos first mean something.
package abi

// Files:
//
//	errno.go, errno_text.go     errnos; what strerror says
//	events.go                   the event mask
//	fcntl.go fd.go ioctl.go     flags and commands, by call
//	process.go signal.go
//	socket.go sockopt.go        families and flags; options
//	inetopt.go sockaddr.go      options of IP; addresses
//	termios.go                  modes of a terminal
//	struct.go fdset.go          structures that calls pass
//	group.go text.go            the groups; numbers as strace spells them

// For the maintainer:
//
//   - Rows stand in strace's order, which is mostly that of the numbers. Where it is not (O_SYNC, W*, the CLOEXEC and
//     NONBLOCK of each family), the order was taken from strace by running it, and must not be tidied.
//   - strace orders the bits of an event mask by value: EPOLLIN|EPOLLERR|EPOLLRDNORM, not the input bits first.
//   - Numbers above 1<<31 do not fit an int on 32 bits. They are untyped or uint32 here and int64 in [Constant].
//   - headers_test.go asks the C compiler of the machine for every value and every strerror text. A name that its
//     headers do not know yet is skipped, so that new constants need not wait for a new distribution.
