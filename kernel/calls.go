package kernel

import "github.com/epollsim/epollsim/abi"

// Calls is what a thread can ask of a kernel: every system call under its man-page name in Go's casing, with
// C's arguments. *Thread is the model; kernel/host is the running kernel. Errors are abi.Errno. A buffer
// that is nil, or shorter than its length argument says, is memory that cannot be accessed: EFAULT where
// the kernel would touch it.
type Calls interface {
	// EpollCreate opens an epoll: epoll_create(2). size must be positive and means nothing else.
	EpollCreate(size int) (fd int, err error)
	// EpollCreate1 opens an epoll: epoll_create1(2). flags: EPOLL_CLOEXEC.
	EpollCreate1(flags int) (fd int, err error)
	// EpollCtl adds, changes or removes what epfd watches of fd: epoll_ctl(2). event may be nil for EPOLL_CTL_DEL.
	EpollCtl(epfd, op, fd int, event *abi.EpollEvent) error
	// EpollWait waits up to timeout milliseconds, for ever if negative, for at most maxevents events: epoll_wait(2).
	EpollWait(epfd int, events []abi.EpollEvent, maxevents, timeout int) (n int, err error)
	// EpollPwait is EpollWait under the signal mask sigmask, nil: its own; epoll_pwait(2).
	EpollPwait(epfd int, events []abi.EpollEvent, maxevents, timeout int, sigmask *abi.SigSet) (n int, err error)
	// EpollPwait2 is EpollPwait with a timeout in nanoseconds, nil for ever: epoll_pwait2(2).
	EpollPwait2(epfd int, events []abi.EpollEvent, maxevents int, timeout *abi.Timespec, sigmask *abi.SigSet) (n int, err error)

	// Eventfd2 opens an eventfd: eventfd2(2). flags: EFD_SEMAPHORE, EFD_NONBLOCK, EFD_CLOEXEC.
	Eventfd2(initval uint32, flags int) (fd int, err error)
	// Pipe2 opens a pipe, the read end first: pipe2(2). flags: O_NONBLOCK, O_CLOEXEC, O_DIRECT.
	Pipe2(flags int) (fds [2]int, err error)
	// Open opens a name of the private directory of the run, which O_CREAT may make, or one of a few devices: open(2).
	Open(name string, flags int) (fd int, err error)
	// Read reads up to len(p) bytes: read(2). 0 is the end of the file.
	Read(fd int, p []byte) (n int, err error)
	// Write writes up to len(p) bytes: write(2).
	Write(fd int, p []byte) (n int, err error)
	// Lseek moves the position of a regular file: lseek(2). Others: ESPIPE, or 0.
	Lseek(fd int, offset int64, whence int) (pos int64, err error)
	// Close gives the number fd back: close(2).
	Close(fd int) error
	// CloseRange closes the numbers from first to last, or with CLOSE_RANGE_CLOEXEC marks them: close_range(2).
	CloseRange(first, last uint32, flags int) error
	// Dup gives the file of fd the lowest free number too: dup(2).
	Dup(fd int) (newfd int, err error)
	// Dup2 gives the file of oldfd the number newfd too, closing what that was: dup2(2).
	Dup2(oldfd, newfd int) (fd int, err error)
	// Dup3 is Dup2 with O_CLOEXEC in flags; two equal numbers are EINVAL: dup3(2).
	Dup3(oldfd, newfd, flags int) (fd int, err error)
	// Fcntl passes an integer in and out: fcntl(2). cmd: F_GETFL, F_SETFL, F_GETFD, F_SETFD, F_DUPFD, F_SETPIPE_SZ and so on.
	Fcntl(fd, cmd, arg int) (result int, err error)
	// Ioctl passes an integer in and out (FIONREAD, FIONBIO), or a struct of up to 8 bytes as one
	// (EPIOCSPARAMS).
	Ioctl(fd int, request uint, arg int64) (result int64, err error)
	// Poll waits up to timeout milliseconds, for ever if negative, and stores Revents: poll(2).
	Poll(fds []abi.PollFd, timeout int) (n int, err error)
	// Select tests the fds below n whose bit is set; the sets come back changed. timeout is in milliseconds,
	// negative: for ever. The glibc wrapper's view: no remaining time.
	Select(n int, in, out, ex *abi.FdSet, timeout int) (count int, err error)
	VectorCalls
	SpliceCalls
	PollCalls
	TimerCalls
	SignalfdCalls
	PidfdCalls
	FifoCalls
	DirCalls
	InotifyCalls
	SocketCalls
	TtyCalls
	// Setrlimit sets the soft limit of RLIMIT_NOFILE: setrlimit(2). Other resources are EINVAL.
	Setrlimit(resource int, soft uint64) error

	// Getpid is the number of the process: getpid(2).
	Getpid() int
	// Gettid is the number of the thread: gettid(2).
	Gettid() int
	// Clone starts a thread of this process; it shares everything.
	Clone(name string, fn func(Calls)) (tid int, err error)
	// Fork starts a process with a copy of the fd table.
	Fork(name string, fn func(Calls)) (pid int, err error)
	// Join waits until thread tid of this process has ended: pthread_join(3), not interrupted by signals.
	Join(tid int) error
	// Wait4 waits until child pid has ended and reaps it.
	Wait4(pid, options int) (wpid int, status int, err error)
	// Kill sends sig to a process of the run: kill(2). Process groups are not modelled, pid <= 0 is ESRCH.
	Kill(pid int, sig abi.Signal) error
	// Tgkill sends sig to one thread: tgkill(2).
	Tgkill(tgid, tid int, sig abi.Signal) error
	// Sigaction says what sig does to the process: sigaction(2).
	Sigaction(sig abi.Signal, act SigAction) error
	// Sigprocmask changes the signal mask of the thread and returns what it was: pthread_sigmask(3).
	Sigprocmask(how int, set abi.SigSet) (old abi.SigSet, err error)
	// Nanosleep sleeps for ns nanoseconds of CLOCK_MONOTONIC: clock_nanosleep(2). EINTR if a handler has run.
	Nanosleep(ns int64) error
	// ClockGettime returns the time of a clock in nanoseconds: clock_gettime(2).
	ClockGettime(clock int) (ns int64, err error)
	// SchedYield offers the processor to other threads: sched_yield(2).
	SchedYield() error
	// Exit ends the calling thread: exit(2). It does not return.
	Exit(code int)
	// ExitGroup ends the process of the calling thread: exit_group(2). It does not return.
	ExitGroup(code int)
}
