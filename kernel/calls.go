package kernel

import "github.com/epollsim/epollsim/abi"

// Calls is what a thread can ask of a kernel: every system call under its man-page name in Go's casing, with
// C's arguments. *Thread is the model; kernel/host is the running kernel. Errors are abi.Errno. A buffer
// that is nil, or shorter than its length argument says, is memory that cannot be accessed: EFAULT where
// the kernel would touch it.
type Calls interface {
	EpollCreate(size int) (fd int, err error)
	EpollCreate1(flags int) (fd int, err error)
	EpollCtl(epfd, op, fd int, event *abi.EpollEvent) error
	// EpollWait waits up to timeout milliseconds, for ever if negative, for at most maxevents events.
	EpollWait(epfd int, events []abi.EpollEvent, maxevents, timeout int) (n int, err error)
	EpollPwait(epfd int, events []abi.EpollEvent, maxevents, timeout int, sigmask *abi.SigSet) (n int, err error)
	EpollPwait2(epfd int, events []abi.EpollEvent, maxevents int, timeout *abi.Timespec, sigmask *abi.SigSet) (n int, err error)

	Eventfd2(initval uint32, flags int) (fd int, err error)
	Pipe2(flags int) (fds [2]int, err error)
	Open(name string, flags int) (fd int, err error)
	Read(fd int, p []byte) (n int, err error)
	Write(fd int, p []byte) (n int, err error)
	Lseek(fd int, offset int64, whence int) (pos int64, err error)
	Close(fd int) error
	// CloseRange closes the numbers from first to last, or with CLOSE_RANGE_CLOEXEC marks them.
	CloseRange(first, last uint32, flags int) error
	Dup(fd int) (newfd int, err error)
	Dup2(oldfd, newfd int) (fd int, err error)
	Dup3(oldfd, newfd, flags int) (fd int, err error)
	Fcntl(fd, cmd, arg int) (result int, err error)
	// Ioctl passes an integer in and out (FIONREAD, FIONBIO), or a struct of up to 8 bytes as one
	// (EPIOCSPARAMS).
	Ioctl(fd int, request uint, arg int64) (result int64, err error)
	// Poll waits up to timeout milliseconds, for ever if negative.
	Poll(fds []abi.PollFd, timeout int) (n int, err error)
	// Select tests the fds below n whose bit is set; the sets come back changed. timeout is in milliseconds,
	// negative: for ever. The glibc wrapper's view: no remaining time.
	Select(n int, in, out, ex *abi.FdSet, timeout int) (count int, err error)
	PollCalls
	TimerCalls
	SignalfdCalls
	PidfdCalls
	FifoCalls
	DirCalls
	InotifyCalls
	SocketCalls
	TtyCalls
	Setrlimit(resource int, soft uint64) error

	Getpid() int
	Gettid() int
	// Clone starts a thread of this process; it shares everything.
	Clone(name string, fn func(Calls)) (tid int, err error)
	// Fork starts a process with a copy of the fd table.
	Fork(name string, fn func(Calls)) (pid int, err error)
	// Join waits until thread tid of this process has ended: pthread_join(3), not interrupted by signals.
	Join(tid int) error
	// Wait4 waits until child pid has ended and reaps it.
	Wait4(pid, options int) (wpid int, status int, err error)
	Kill(pid int, sig abi.Signal) error
	Tgkill(tgid, tid int, sig abi.Signal) error
	Sigaction(sig abi.Signal, act SigAction) error
	Sigprocmask(how int, set abi.SigSet) (old abi.SigSet, err error)
	// Nanosleep sleeps for ns nanoseconds.
	Nanosleep(ns int64) error
	// ClockGettime returns nanoseconds.
	ClockGettime(clock int) (ns int64, err error)
	SchedYield() error
	// Exit ends the calling thread, ExitGroup its process; neither returns.
	Exit(code int)
	ExitGroup(code int)
}
