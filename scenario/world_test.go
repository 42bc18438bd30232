package scenario_test

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/eventpoll"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/sim"
)

// fakeWorld is just enough of a kernel for the builtins: eventfds, pipes and level-triggered epolls that are
// polled every virtual millisecond. It runs on the machine, so threads really interleave. log has a line per call.
type fakeWorld struct {
	m     *sim.Machine
	log   []string
	procs []*fakeProc
	ids   int
}

type fakeProc struct {
	pid, code int
	files     map[int]*fakeFile
	actions   map[abi.Signal]kernel.SigAction
	threads   []*fakeThread
	dying     bool
	waiters   []*sim.Task
}

type fakeFile struct {
	kind    string
	count   uint64
	data    *[]byte
	watches []fakeWatch
}

type fakeWatch struct {
	fd    int
	event abi.EpollEvent
}

type fakeThread struct {
	kernel.Calls // nil: what a later device adds is not faked
	w            *fakeWorld
	p            *fakeProc
	t            *sim.Task
	tid          int
	ended        bool
	pending      []abi.Signal
}

type fakeExit struct{}

func newFakeWorld(opts sim.Options) *fakeWorld { return &fakeWorld{m: sim.New(opts)} }

func (w *fakeWorld) Run(main func(kernel.Calls)) error {
	defer w.m.Close()
	w.start("main", w.process(nil), main)
	return w.m.Run()
}

func (w *fakeWorld) Current() kernel.Calls { return w.m.Current().Owner.(kernel.Calls) }

func (w *fakeWorld) Stop(err error) { w.m.Stop(err) }

func (w *fakeWorld) process(parent *fakeProc) *fakeProc {
	w.ids++
	p := &fakeProc{pid: w.ids, files: map[int]*fakeFile{}, actions: map[abi.Signal]kernel.SigAction{}}
	for fd := range 3 {
		p.files[fd] = &fakeFile{kind: "tty"}
	}
	if parent != nil {
		maps.Copy(p.files, parent.files)
		maps.Copy(p.actions, parent.actions)
	}
	w.procs = append(w.procs, p)
	return p
}

func (w *fakeWorld) start(name string, p *fakeProc, fn func(kernel.Calls)) *fakeThread {
	th := &fakeThread{w: w, p: p, tid: p.pid}
	if len(p.threads) > 0 {
		w.ids++
		th.tid = w.ids
	}
	p.threads = append(p.threads, th)
	th.t = w.m.Go(name, th, func(*sim.Task) {
		defer func() {
			th.ended = true
			for _, t := range p.waiters {
				t.WakeUp(sim.Normal)
			}
			if v := recover(); v != nil && v != (fakeExit{}) {
				panic(v)
			}
		}()
		fn(th)
	})
	return th
}

// enter begins a system call.
func (th *fakeThread) enter(format string, args ...any) {
	th.alive()
	th.w.log = append(th.w.log, fmt.Sprintf(format, args...))
}

func (th *fakeThread) alive() {
	if th.p.dying {
		panic(fakeExit{})
	}
}

// nap sleeps for a virtual millisecond, up to deadline; false: interrupted.
func (th *fakeThread) nap(deadline int64) error {
	th.t.SleepUntil(min(deadline, th.w.m.Now()+1e6), "nap")
	th.alive()
	return th.signals()
}

func (th *fakeThread) signals() error {
	err := error(nil)
	for len(th.pending) > 0 {
		sig := th.pending[0]
		th.pending = th.pending[1:]
		th.t.SetSignal(len(th.pending) > 0, false)
		switch act := th.p.actions[sig]; act.Handler {
		case kernel.HandlerFunc:
			act.Func(sig)
			err = abi.EINTR
		case kernel.HandlerDefault:
			th.w.m.Stop(fmt.Errorf("killed by %s", sig))
		}
	}
	return err
}

// wait polls ready until timeout ms have passed.
func (th *fakeThread) wait(timeout int, ready func() bool) error {
	deadline := th.w.m.Now() + int64(timeout)*1e6
	for i := 0; !ready() && (timeout < 0 || th.w.m.Now() < deadline); i++ {
		if timeout < 0 {
			deadline = sim.Forever
		}
		if timeout < 0 && i > 5000 {
			th.t.SetState(sim.Uninterruptible)
			th.t.Schedule("nothing", 0)
		}
		if err := th.nap(deadline); err != nil {
			return err
		}
	}
	return nil
}

func (th *fakeThread) file(fd int) (*fakeFile, error) {
	if f := th.p.files[fd]; f != nil {
		return f, nil
	}
	return nil, abi.EBADF
}

func (th *fakeThread) install(f *fakeFile) int {
	for fd := 0; ; fd++ {
		if th.p.files[fd] == nil {
			th.p.files[fd] = f
			return fd
		}
	}
}

func (th *fakeThread) ready(fd int) abi.Events {
	f := th.p.files[fd]
	if f == nil {
		return abi.POLLNVAL
	}
	if f.count > 0 || f.data != nil && len(*f.data) > 0 {
		return abi.EPOLLIN
	}
	return 0
}

func (th *fakeThread) EpollCreate(size int) (int, error) {
	th.enter("epoll_create(%d)", size)
	if size <= 0 {
		return 0, abi.EINVAL
	}
	return th.install(&fakeFile{kind: "epoll"}), nil
}

func (th *fakeThread) EpollCreate1(flags int) (int, error) {
	th.enter("epoll_create1(%#x)", flags)
	if flags&^abi.EPOLL_CLOEXEC != 0 {
		return 0, abi.EINVAL
	}
	return th.install(&fakeFile{kind: "epoll"}), nil
}

func (th *fakeThread) EpollCtl(epfd, op, fd int, event *abi.EpollEvent) error {
	if event == nil {
		th.enter("epoll_ctl(%d, %d, %d, NULL)", epfd, op, fd)
	} else {
		th.enter("epoll_ctl(%d, %d, %d, {%s, %#x})", epfd, op, fd, event.Events, event.Data)
	}
	ep, err := th.file(epfd)
	if err != nil {
		return err
	}
	if ep.kind != "epoll" {
		return abi.EINVAL
	}
	i := slices.IndexFunc(ep.watches, func(w fakeWatch) bool { return w.fd == fd })
	switch {
	case op == abi.EPOLL_CTL_ADD && i < 0:
		ep.watches = append(ep.watches, fakeWatch{fd, *event})
	case op == abi.EPOLL_CTL_ADD:
		return abi.EEXIST
	case i < 0:
		return abi.ENOENT
	case op == abi.EPOLL_CTL_DEL:
		ep.watches = slices.Delete(ep.watches, i, i+1)
	case op == abi.EPOLL_CTL_MOD:
		ep.watches[i].event = *event
	default:
		return abi.EINVAL
	}
	return nil
}

func (th *fakeThread) EpollWait(epfd int, events []abi.EpollEvent, maxevents, timeout int) (int, error) {
	th.enter("epoll_wait(%d, [%d], %d, %d)", epfd, len(events), maxevents, timeout)
	ep, err := th.file(epfd)
	if err != nil {
		return 0, err
	}
	if maxevents <= 0 || ep.kind != "epoll" {
		return 0, abi.EINVAL
	}
	n := 0
	err = th.wait(timeout, func() bool {
		for _, w := range ep.watches {
			if got := th.ready(w.fd) & w.event.Events; got != 0 && n < len(events) {
				events[n] = abi.EpollEvent{Events: got, Data: w.event.Data}
				n++
			}
		}
		return n > 0
	})
	return n, err
}

func (th *fakeThread) EpollPwait(epfd int, events []abi.EpollEvent, maxevents, timeout int, sigmask *abi.SigSet) (int, error) {
	th.enter("epoll_pwait(%d, %d, %d, %v)", epfd, maxevents, timeout, sigmask)
	return 0, nil
}

func (th *fakeThread) EpollPwait2(epfd int, events []abi.EpollEvent, maxevents int, timeout *abi.Timespec, sigmask *abi.SigSet) (int, error) {
	th.enter("epoll_pwait2(%d, %d, %v, %v)", epfd, maxevents, timeout, sigmask)
	return 0, nil
}

func (th *fakeThread) Eventfd2(initval uint32, flags int) (int, error) {
	th.enter("eventfd2(%d, %#x)", initval, flags)
	return th.install(&fakeFile{kind: "eventfd", count: uint64(initval)}), nil
}

func (th *fakeThread) Pipe2(flags int) ([2]int, error) {
	th.enter("pipe2(%#x)", flags)
	data := new([]byte)
	return [2]int{th.install(&fakeFile{kind: "pipe", data: data}), th.install(&fakeFile{kind: "pipe", data: data})}, nil
}

func (th *fakeThread) Open(name string, flags int) (int, error) {
	th.enter("open(%q, %#x)", name, flags)
	if name != "/dev/null" {
		return 0, abi.ENOENT
	}
	return th.install(&fakeFile{kind: "null"}), nil
}

func (th *fakeThread) Read(fd int, p []byte) (int, error) {
	th.enter("read(%d, [%d])", fd, len(p))
	f, err := th.file(fd)
	switch {
	case err != nil:
		return 0, err
	case f.kind == "eventfd" && len(p) < 8:
		return 0, abi.EINVAL
	case f.kind == "eventfd" && f.count > 0:
		binary.LittleEndian.PutUint64(p, f.count)
		f.count = 0
		return 8, nil
	case f.kind == "null":
		return 0, nil
	case f.data != nil && len(*f.data) > 0:
		n := copy(p, *f.data)
		*f.data = (*f.data)[n:]
		return n, nil
	}
	return 0, abi.EAGAIN
}

func (th *fakeThread) Write(fd int, p []byte) (int, error) {
	th.enter("write(%d, %q)", fd, p[:min(len(p), 20)])
	f, err := th.file(fd)
	switch {
	case err != nil:
		return 0, err
	case f.kind == "eventfd":
		f.count += binary.LittleEndian.Uint64(p)
	case f.data != nil:
		*f.data = append(*f.data, p...)
	}
	return len(p), nil
}

func (th *fakeThread) Lseek(fd int, offset int64, whence int) (int64, error) { return 0, abi.ESPIPE }

func (th *fakeThread) Close(fd int) error {
	th.enter("close(%d)", fd)
	if th.p.files[fd] == nil {
		return abi.EBADF
	}
	delete(th.p.files, fd)
	return nil
}

func (th *fakeThread) Dup(fd int) (int, error) {
	th.enter("dup(%d)", fd)
	f, err := th.file(fd)
	if err != nil {
		return 0, err
	}
	return th.install(f), nil
}

func (th *fakeThread) Dup2(oldfd, newfd int) (int, error) {
	th.enter("dup2(%d, %d)", oldfd, newfd)
	return newfd, nil
}

func (th *fakeThread) Dup3(oldfd, newfd, flags int) (int, error) {
	th.enter("dup3(%d, %d, %#x)", oldfd, newfd, flags)
	return newfd, nil
}

func (th *fakeThread) Fcntl(fd, cmd, arg int) (int, error) {
	th.enter("fcntl(%d, %d, %d)", fd, cmd, arg)
	return arg, nil
}

func (th *fakeThread) Ioctl(fd int, request uint, arg int64) (int64, error) {
	th.enter("ioctl(%d, %#x, %d)", fd, request, arg)
	return 7, nil
}

func (th *fakeThread) Poll(fds []abi.PollFd, timeout int) (int, error) {
	th.enter("poll(%v, %d)", fds, timeout)
	n := 0
	err := th.wait(timeout, func() bool {
		for i := range fds {
			fds[i].Revents = int16(th.ready(int(fds[i].Fd))) & (fds[i].Events | abi.POLLNVAL)
			if fds[i].Revents != 0 {
				n++
			}
		}
		return n > 0
	})
	return n, err
}

func (th *fakeThread) Select(n int, in, out, ex *abi.FdSet, timeout int) (int, error) {
	th.enter("select(%d, %t, %t, %t, %d)", n, in != nil, out != nil, ex != nil, timeout)
	for fd := range n {
		if in != nil && th.ready(fd)&abi.EPOLLIN == 0 {
			in.Clear(fd)
		}
	}
	return 0, nil
}

func (th *fakeThread) SelectTimeval(n int, in, out, ex *abi.FdSet, timeout *abi.Timeval) (int, error) {
	th.enter("select(%d, %t, %t, %t, %+v)", n, in != nil, out != nil, ex != nil, *timeout)
	return 0, nil
}

func (th *fakeThread) Setrlimit(resource int, soft uint64) error {
	th.enter("setrlimit(%d, %d)", resource, soft)
	return nil
}

func (th *fakeThread) Getpid() int {
	th.enter("getpid()")
	return th.p.pid
}

func (th *fakeThread) Gettid() int { return th.tid }

func (th *fakeThread) Clone(name string, fn func(kernel.Calls)) (int, error) {
	th.enter("clone(%s)", name)
	if len(th.p.threads) > 100 {
		return 0, abi.EAGAIN
	}
	return th.w.start(name, th.p, fn).tid, nil
}

func (th *fakeThread) Fork(name string, fn func(kernel.Calls)) (int, error) {
	th.enter("fork(%s)", name)
	if len(th.w.procs) > 20 {
		return 0, abi.EAGAIN
	}
	p := th.w.process(th.p)
	th.w.start(name, p, fn)
	return p.pid, nil
}

func (th *fakeThread) await(p *fakeProc, over func() bool) {
	p.waiters = append(p.waiters, th.t)
	for !over() {
		th.t.SetState(sim.Uninterruptible)
		th.t.Schedule("join", 0)
	}
	th.alive()
}

func (th *fakeThread) Join(tid int) error {
	th.enter("join(%d)", tid)
	i := slices.IndexFunc(th.p.threads, func(o *fakeThread) bool { return o.tid == tid })
	if i < 0 {
		return abi.ESRCH
	}
	other := th.p.threads[i]
	th.await(th.p, func() bool { return other.ended })
	return nil
}

func (th *fakeThread) Wait4(pid, options int) (int, int, error) {
	th.enter("wait4(%d, %d)", pid, options)
	i := slices.IndexFunc(th.w.procs, func(p *fakeProc) bool { return p.pid == pid })
	if i < 0 || pid == th.p.pid {
		return 0, 0, abi.ECHILD
	}
	p := th.w.procs[i]
	th.await(p, func() bool {
		return !slices.ContainsFunc(p.threads, func(t *fakeThread) bool { return !t.ended })
	})
	return pid, p.code << 8, nil
}

func (th *fakeThread) Kill(pid int, sig abi.Signal) error {
	th.enter("kill(%d, %s)", pid, sig)
	for _, p := range th.w.procs {
		if p.pid == pid {
			return th.send(p.threads[0], sig)
		}
	}
	return abi.ESRCH
}

func (th *fakeThread) Tgkill(tgid, tid int, sig abi.Signal) error {
	th.enter("tgkill(%d, %d, %s)", tgid, tid, sig)
	for _, p := range th.w.procs {
		for _, t := range p.threads {
			if p.pid == tgid && t.tid == tid && !t.ended {
				return th.send(t, sig)
			}
		}
	}
	return abi.ESRCH
}

func (th *fakeThread) send(to *fakeThread, sig abi.Signal) error {
	to.pending = append(to.pending, sig)
	if to == th {
		_ = th.signals()
		return nil
	}
	to.t.SetSignal(true, false)
	to.t.WakeUp(sim.Interruptible)
	return nil
}

func (th *fakeThread) Sigaction(sig abi.Signal, act kernel.SigAction) error {
	th.enter("sigaction(%s, %d)", sig, act.Handler)
	if sig == abi.SIGKILL {
		return abi.EINVAL
	}
	th.p.actions[sig] = act
	return nil
}

func (th *fakeThread) Sigprocmask(how int, set abi.SigSet) (abi.SigSet, error) {
	th.enter("sigprocmask(%d, %s)", how, set)
	return 0, nil
}

func (th *fakeThread) Nanosleep(ns int64) error {
	th.enter("nanosleep(%d)", ns)
	if ns < 0 {
		return abi.EINVAL
	}
	th.t.SleepUntil(th.w.m.Now()+ns, "sleep")
	th.alive()
	return th.signals()
}

func (th *fakeThread) ClockGettime(clock int) (int64, error) {
	th.enter("clock_gettime(%d)", clock)
	return th.w.m.Now(), nil
}

func (th *fakeThread) SchedYield() error {
	th.enter("sched_yield()")
	th.t.Yield()
	th.alive()
	return nil
}

func (th *fakeThread) Exit(code int) { panic(fakeExit{}) }

func (th *fakeThread) ExitGroup(code int) {
	th.p.dying, th.p.code = true, code
	for _, t := range th.p.threads {
		t.t.WakeUp(sim.Normal)
	}
	panic(fakeExit{})
}

// modelWorld answers inspect and counters.
type modelWorld struct{ *fakeWorld }

func (modelWorld) Inspect(_ kernel.Calls, epfd int) (*eventpoll.State, error) {
	if epfd < 0 {
		return nil, abi.EBADF
	}
	item := eventpoll.ItemState{Fd: 4, Events: abi.EPOLLIN | abi.EPOLLET, Data: 1 << 63, Ready: true, ItemID: "item#1"}
	return &eventpoll.State{Rbr: []eventpoll.ItemState{item}, Rdllist: []int{4}, PollWait: []string{"task 1"}}, nil
}

func (modelWorld) Counters() []kernel.Counter {
	return []kernel.Counter{{Name: "syscalls", Value: 3}, {Name: "wakeups", Value: 0}}
}
