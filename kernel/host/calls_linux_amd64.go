package host

import (
	"encoding/binary"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
)

// arg passes a C int: its 32 bits.
func arg(n int) uintptr { return uintptr(uint32(int32(n))) }

// EpollCreate is epoll_create(2).
func (t *Thread) EpollCreate(size int) (int, error) {
	return result(t.sys("epoll_create", unix.SYS_EPOLL_CREATE, arg(size)))
}

// EpollCreate1 is epoll_create1(2).
func (t *Thread) EpollCreate1(flags int) (int, error) {
	return result(t.sys("epoll_create1", unix.SYS_EPOLL_CREATE1, arg(flags)))
}

// EpollCtl is epoll_ctl(2).
func (t *Thread) EpollCtl(epfd, op, fd int, event *abi.EpollEvent) error {
	t.task.reset()
	var addr uintptr
	if event != nil {
		addr = t.task.bytes(packEvent(nil, *event))
	}
	return done(t.sys("epoll_ctl", unix.SYS_EPOLL_CTL, arg(epfd), arg(op), arg(fd), addr))
}

// packEvent appends an event in the packed form of x86-64.
func packEvent(b []byte, e abi.EpollEvent) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(e.Events))
	return binary.LittleEndian.AppendUint64(b, e.Data)
}

// eventBuffer makes room for as many events as the caller has.
func (t *Thread) eventBuffer(events []abi.EpollEvent) ([]byte, uintptr) {
	if events == nil {
		return nil, 0
	}
	return t.task.alloc(len(events) * abi.SizeofEpollEvent)
}

func unpackEvents(events []abi.EpollEvent, buf []byte, n int) {
	for i := range min(n, len(events)) {
		b := buf[i*abi.SizeofEpollEvent:]
		events[i] = abi.EpollEvent{Events: abi.Events(binary.LittleEndian.Uint32(b)), Data: binary.LittleEndian.Uint64(b[4:])}
	}
}

// EpollWait is epoll_wait(2).
func (t *Thread) EpollWait(epfd int, events []abi.EpollEvent, maxevents, timeout int) (int, error) {
	t.task.reset()
	buf, addr := t.eventBuffer(events)
	n, errno := t.sys("epoll_wait", unix.SYS_EPOLL_WAIT, arg(epfd), addr, arg(maxevents), arg(timeout))
	unpackEvents(events, buf, n)
	return result(n, errno)
}

// sigmask copies a signal mask for a call; its size follows.
func (t *Thread) sigmask(mask *abi.SigSet) uintptr {
	if mask == nil {
		return 0
	}
	return t.task.bytes(binary.LittleEndian.AppendUint64(nil, uint64(*mask)))
}

const sigsetSize = 8

// EpollPwait is epoll_pwait(2).
func (t *Thread) EpollPwait(epfd int, events []abi.EpollEvent, maxevents, timeout int, sigmask *abi.SigSet) (int, error) {
	t.task.reset()
	buf, addr := t.eventBuffer(events)
	n, errno := t.sys("epoll_pwait", unix.SYS_EPOLL_PWAIT, arg(epfd), addr, arg(maxevents), arg(timeout), t.sigmask(sigmask), sigsetSize)
	unpackEvents(events, buf, n)
	return result(n, errno)
}

// EpollPwait2 is epoll_pwait2(2).
func (t *Thread) EpollPwait2(epfd int, events []abi.EpollEvent, maxevents int, timeout *abi.Timespec, sigmask *abi.SigSet) (int, error) {
	t.task.reset()
	buf, addr := t.eventBuffer(events)
	var ts uintptr
	if timeout != nil {
		ts = t.timespec(*timeout)
	}
	n, errno := t.sys("epoll_pwait2", sysEpollPwait2, arg(epfd), addr, arg(maxevents), ts, t.sigmask(sigmask), sigsetSize)
	unpackEvents(events, buf, n)
	return result(n, errno)
}

const sysEpollPwait2 = 441

func (t *Thread) timespec(ts abi.Timespec) uintptr {
	b := binary.LittleEndian.AppendUint64(nil, uint64(ts.Sec))
	return t.task.bytes(binary.LittleEndian.AppendUint64(b, uint64(ts.Nsec)))
}

// Eventfd2 is eventfd2(2).
func (t *Thread) Eventfd2(initval uint32, flags int) (int, error) {
	return result(t.sys("eventfd2", unix.SYS_EVENTFD2, uintptr(initval), arg(flags)))
}

// Pipe2 is pipe2(2).
func (t *Thread) Pipe2(flags int) ([2]int, error) {
	t.task.reset()
	buf, addr := t.task.alloc(8)
	_, errno := t.sys("pipe2", unix.SYS_PIPE2, addr, arg(flags))
	if errno != 0 {
		return [2]int{-1, -1}, errno
	}
	fds := (*[2]int32)(unsafe.Pointer(&buf[0]))
	return [2]int{int(fds[0]), int(fds[1])}, nil
}

// Open is open(2) in the private directory, and of the devices that the model has. Other names are refused.
func (t *Thread) Open(name string, flags int) (int, error) {
	switch name {
	case "/dev/null", "/dev/zero", "/dev/full", "/dev/ptmx", "/proc/mounts", "/proc/self/mounts":
	default:
		inside(t, "open", name)
	}
	t.task.reset()
	at := abi.AT_FDCWD
	return result(t.sys("openat", unix.SYS_OPENAT, uintptr(at), t.task.cstring(name), arg(flags), 0o600))
}

// Read is read(2).
func (t *Thread) Read(fd int, p []byte) (int, error) {
	t.task.reset()
	var buf []byte
	var addr uintptr
	if p != nil {
		buf, addr = t.task.alloc(len(p))
	}
	n, errno := t.sys("read", unix.SYS_READ, arg(fd), addr, uintptr(len(p)))
	if n > 0 {
		copy(p, buf[:n])
	}
	return result(n, errno)
}

// Write is write(2).
func (t *Thread) Write(fd int, p []byte) (int, error) {
	t.task.reset()
	return result(t.sys("write", unix.SYS_WRITE, arg(fd), t.task.bytes(p), uintptr(len(p))))
}

// Lseek is lseek(2).
func (t *Thread) Lseek(fd int, offset int64, whence int) (int64, error) {
	n, errno := t.sys("lseek", unix.SYS_LSEEK, arg(fd), uintptr(offset), arg(whence))
	if errno != 0 {
		return -1, errno
	}
	return int64(n), nil
}

// Close is close(2).
func (t *Thread) Close(fd int) error { return done(t.sys("close", unix.SYS_CLOSE, arg(fd))) }

// Dup is dup(2).
func (t *Thread) Dup(fd int) (int, error) { return result(t.sys("dup", unix.SYS_DUP, arg(fd))) }

// Dup2 is dup2(2).
func (t *Thread) Dup2(oldfd, newfd int) (int, error) {
	return result(t.sys("dup2", unix.SYS_DUP2, arg(oldfd), arg(newfd)))
}

// Dup3 is dup3(2).
func (t *Thread) Dup3(oldfd, newfd, flags int) (int, error) {
	return result(t.sys("dup3", unix.SYS_DUP3, arg(oldfd), arg(newfd), arg(flags)))
}

// Fcntl is fcntl(2) with an int argument. Commands that take a pointer, or reach other processes, are
// refused.
func (t *Thread) Fcntl(fd, cmd, value int) (int, error) {
	switch cmd {
	case abi.F_GETLK, abi.F_SETLK, abi.F_SETLKW, abi.F_SETOWN, abi.F_SETSIG, abi.F_SETLEASE, abi.F_NOTIFY:
		t.refuse("fcntl", "command %d is not part of the model", cmd)
	}
	return result(t.sys("fcntl", unix.SYS_FCNTL, arg(fd), arg(cmd), uintptr(value)))
}

// Ioctl is ioctl(2) of a request that takes a pointer to at most 8 bytes.
func (t *Thread) Ioctl(fd int, request uint, value int64) (int64, error) {
	t.task.reset()
	buf, addr := t.task.alloc(64)
	clear(buf)
	binary.LittleEndian.PutUint64(buf, uint64(value))
	if ioctlByValue(request) {
		addr = uintptr(value)
	}
	n, errno := t.sys("ioctl", unix.SYS_IOCTL, arg(fd), uintptr(uint32(request)), addr)
	if errno != 0 {
		return -1, errno
	}
	switch request {
	case abi.EPIOCGPARAMS:
		return int64(binary.LittleEndian.Uint64(buf)), nil
	case abi.FIONREAD, abi.TIOCOUTQ, abi.SIOCATMARK, abi.TIOCGPTN:
		return int64(int32(binary.LittleEndian.Uint32(buf))), nil
	}
	return int64(n), nil
}

const sizeofPollFd = 8

// Poll is poll(2).
func (t *Thread) Poll(fds []abi.PollFd, timeout int) (int, error) {
	t.task.reset()
	buf, addr := t.task.alloc(len(fds) * sizeofPollFd)
	for i, f := range fds {
		b := buf[i*sizeofPollFd:]
		binary.LittleEndian.PutUint32(b, uint32(f.Fd))
		binary.LittleEndian.PutUint16(b[4:], uint16(f.Events))
		binary.LittleEndian.PutUint16(b[6:], 0)
	}
	n, errno := t.sys("poll", unix.SYS_POLL, addr, uintptr(len(fds)), arg(timeout))
	for i := range fds {
		fds[i].Revents = int16(binary.LittleEndian.Uint16(buf[i*sizeofPollFd+6:]))
	}
	return result(n, errno)
}

// Select is select(2).
func (t *Thread) Select(n int, in, out, ex *abi.FdSet, timeout int) (int, error) {
	t.task.reset()
	var addrs [3]uintptr
	var bufs [3][]byte
	sets := [3]*abi.FdSet{in, out, ex}
	for i, set := range sets {
		if set != nil {
			bufs[i], addrs[i] = t.task.alloc(len(set) * 8)
			*(*abi.FdSet)(unsafe.Pointer(&bufs[i][0])) = *set
		}
	}
	var tv uintptr
	if timeout >= 0 {
		tv = t.timespec(abi.Timespec{Sec: int64(timeout / 1000), Nsec: int64(timeout % 1000 * 1000)}) // µs
	}
	count, errno := t.sys("select", unix.SYS_SELECT, arg(n), addrs[0], addrs[1], addrs[2], tv)
	if errno == 0 {
		for i, set := range sets {
			if set != nil {
				*set = *(*abi.FdSet)(unsafe.Pointer(&bufs[i][0]))
			}
		}
	}
	return result(count, errno)
}

// Setrlimit sets the soft limit of RLIMIT_NOFILE; other resources are EINVAL here.
func (t *Thread) Setrlimit(resource int, soft uint64) error {
	if resource != abi.RLIMIT_NOFILE {
		return abi.EINVAL
	}
	t.task.reset()
	old, oldAddr := t.task.alloc(16)
	if _, errno := t.sys("prlimit64", unix.SYS_PRLIMIT64, 0, unix.RLIMIT_NOFILE, 0, oldAddr); errno != 0 {
		return errno
	}
	hard := max(soft, binary.LittleEndian.Uint64(old[8:]))
	b := binary.LittleEndian.AppendUint64(nil, soft)
	addr := t.task.bytes(binary.LittleEndian.AppendUint64(b, hard))
	return done(t.sys("prlimit64", unix.SYS_PRLIMIT64, 0, unix.RLIMIT_NOFILE, addr, 0))
}

// Getpid is getpid(2).
func (t *Thread) Getpid() int { return t.proc.pid }

// Gettid is gettid(2).
func (t *Thread) Gettid() int { return t.task.tid }

const threadFlags = unix.CLONE_VM | unix.CLONE_FS | unix.CLONE_FILES | unix.CLONE_SIGHAND | unix.CLONE_THREAD |
	unix.CLONE_SYSVSEM | unix.CLONE_CHILD_CLEARTID

// Clone starts a thread of this process.
func (t *Thread) Clone(name string, fn func(kernel.Calls)) (int, error) {
	child, tid, errno := t.clone(name, threadFlags)
	if errno != 0 {
		return -1, errno
	}
	child.start(nil, func(c *Thread) { fn(c) })
	return tid, nil
}

// Fork starts a process with a copy of the fd table.
func (t *Thread) Fork(name string, fn func(kernel.Calls)) (int, error) {
	child, pid, errno := t.clone(name, unix.CLONE_VM|unix.CLONE_CHILD_CLEARTID|uintptr(unix.SIGCHLD))
	if errno != 0 {
		return -1, errno
	}
	child.start(func() { child.armDeath() }, func(c *Thread) { fn(c) })
	return pid, nil
}

func (t *Thread) clone(name string, flags uintptr) (*Thread, int, abi.Errno) {
	task, err := newTask()
	if err != nil {
		return nil, -1, abi.ENOMEM
	}
	tid, errno := t.sys("clone", unix.SYS_CLONE, flags, task.stack(), 0, task.cleartid())
	if errno != 0 {
		task.free()
		return nil, -1, errno
	}
	task.tid = tid
	p := t.proc
	if flags&unix.CLONE_THREAD == 0 {
		p = t.h.newProcess(tid, t.proc)
	}
	return t.h.newThread(p, task, name), tid, 0
}

// Join waits until a thread of this process has ended. Handlers run meanwhile.
func (t *Thread) Join(tid int) error {
	other := t.h.thread(tid)
	if other == nil {
		return nil
	}
	name := "pthread_join"
	t.inCall.Store(&name)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		t.leave()
		select {
		case <-other.done:
			t.enter()
			t.inCall.Store(nil)
			t.takeSignals()
			return nil
		case <-tick.C:
		}
		t.enter()
		if !t.task.alive() {
			panic(threadExit{})
		}
		t.takeSignals()
	}
}

func (h *Host) thread(tid int) *Thread {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, t := range h.threads {
		if t.task.tid == tid {
			return t
		}
	}
	return nil
}

// Wait4 is wait4(2) for one child of this run.
func (t *Thread) Wait4(pid, options int) (int, int, error) {
	p := t.h.process(pid)
	if p == nil {
		t.refuse("wait4", "process %d is not of this scenario", pid)
	}
	t.task.reset()
	buf, addr := t.task.alloc(8)
	clear(buf)
	n, errno := t.sys("wait4", unix.SYS_WAIT4, uintptr(pid), addr, arg(options), 0)
	if errno != 0 {
		return -1, 0, errno
	}
	if n == pid {
		t.h.mu.Lock()
		p.reaped = true
		t.h.mu.Unlock()
	}
	return n, int(binary.LittleEndian.Uint32(buf)), nil
}

func (h *Host) process(pid int) *process {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.procs[pid]
}

// Kill is kill(2) of a process of this run; one that was reaped is ESRCH without asking, for its number may
// be somebody else's by now.
func (t *Thread) Kill(pid int, sig abi.Signal) error {
	p := t.h.process(pid)
	if p == nil {
		t.refuse("kill", "process %d is not of this scenario", pid)
	}
	if p.reaped {
		return abi.ESRCH
	}
	return done(t.sys("kill", unix.SYS_KILL, uintptr(pid), arg(int(sig))))
}

// Tgkill is tgkill(2) of a thread of this run.
func (t *Thread) Tgkill(tgid, tid int, sig abi.Signal) error {
	p := t.h.process(tgid)
	if p == nil || t.h.thread(tid) == nil {
		t.refuse("tgkill", "thread %d of process %d is not of this scenario", tid, tgid)
	}
	if p.reaped {
		return abi.ESRCH
	}
	return done(t.sys("tgkill", unix.SYS_TGKILL, uintptr(tgid), uintptr(tid), arg(int(sig))))
}

// Sigaction is rt_sigaction(2).
func (t *Thread) Sigaction(sig abi.Signal, act kernel.SigAction) error {
	t.task.reset()
	buf, addr := t.task.alloc(32) // struct kernel_sigaction
	clear(buf)
	handler, restorer := handlerAddresses()
	switch act.Handler {
	case kernel.HandlerDefault:
		handler = abi.SIG_DFL
	case kernel.HandlerIgnore:
		handler = abi.SIG_IGN
	}
	binary.LittleEndian.PutUint64(buf, uint64(handler))
	binary.LittleEndian.PutUint64(buf[8:], uint64(act.Flags)|abi.SA_RESTORER)
	binary.LittleEndian.PutUint64(buf[16:], uint64(restorer))
	binary.LittleEndian.PutUint64(buf[24:], uint64(act.Mask))
	if sig >= 1 && sig <= abi.SIGRTMAX {
		old := t.proc.handlers[sig]
		t.proc.handlers[sig] = act
		_, errno := t.sys("rt_sigaction", unix.SYS_RT_SIGACTION, arg(int(sig)), addr, 0, sigsetSize)
		if errno != 0 {
			t.proc.handlers[sig] = old
		}
		return done(0, errno)
	}
	return done(t.sys("rt_sigaction", unix.SYS_RT_SIGACTION, arg(int(sig)), addr, 0, sigsetSize))
}

// Sigprocmask is rt_sigprocmask(2).
func (t *Thread) Sigprocmask(how int, set abi.SigSet) (abi.SigSet, error) {
	t.task.reset()
	addr := t.sigmask(&set)
	old, oldAddr := t.task.alloc(8)
	_, errno := t.sys("rt_sigprocmask", unix.SYS_RT_SIGPROCMASK, arg(how), addr, oldAddr, sigsetSize)
	if errno != 0 {
		return 0, errno
	}
	return abi.SigSet(binary.LittleEndian.Uint64(old)), nil
}

// Nanosleep is clock_nanosleep(2) of CLOCK_MONOTONIC.
func (t *Thread) Nanosleep(ns int64) error {
	t.task.reset()
	ts := t.timespec(abi.Timespec{Sec: ns / 1e9, Nsec: ns % 1e9})
	return done(t.sys("clock_nanosleep", unix.SYS_CLOCK_NANOSLEEP, unix.CLOCK_MONOTONIC, 0, ts, 0))
}

// ClockGettime is clock_gettime(2); no task is needed for it.
func (t *Thread) ClockGettime(clock int) (int64, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(clock), &ts); err != nil {
		return 0, abi.EINVAL
	}
	return ts.Nano(), nil
}

// SchedYield is sched_yield(2).
func (t *Thread) SchedYield() error { return done(t.sys("sched_yield", unix.SYS_SCHED_YIELD)) }

// Exit ends the thread: exit(2).
func (t *Thread) Exit(code int) {
	t.sys("exit", unix.SYS_EXIT, arg(code))
}

// ExitGroup ends the process: exit_group(2).
func (t *Thread) ExitGroup(code int) {
	t.sys("exit_group", unix.SYS_EXIT_GROUP, arg(code))
}
