package kernel_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/internal/form"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/kernel/host"
	"github.com/epollsim/epollsim/sim"
)

// The same random program of timers, signals, processes, FIFOs, polls and selects on the running kernel and on the model:
// every result, every mask, every event in its order. Nothing in it depends on how long anything takes.

// prober makes the calls of one program. Its choices depend on the seed and on results alone.
type prober struct {
	rng      *rand.Rand
	log      []string
	fds      []int // open, of this program
	epolls   []int
	fifos    []int
	timers   []int
	sigfds   []int
	pidfds   []int
	children []int        // that have not been reaped
	wall     map[int]bool // fds of timers on the wall clock
	depth    int          // of forks
}

// note logs a call and its result.
func (p *prober) note(format string, args ...any) {
	p.log = append(p.log, strings.Repeat("  ", p.depth)+fmt.Sprintf(format, args...))
}

func pick[T any](p *prober, list ...T) T { return list[p.rng.IntN(len(list))] }

// some picks from a list that may be empty; now and then anything that is open, or was.
func (p *prober) some(list []int) int {
	switch {
	case p.rng.IntN(40) == 0:
		return pick(p, -1, 99)
	case len(list) == 0 || p.rng.IntN(30) == 0:
		if len(p.fds) == 0 {
			return 77
		}
		return pick(p, p.fds...)
	}
	return pick(p, list...)
}

// opened remembers an fd.
func (p *prober) opened(list *[]int, fd int, err error) {
	if err != nil {
		return
	}
	for _, l := range []*[]int{&p.fds, &p.epolls, &p.fifos, &p.timers, &p.sigfds, &p.pidfds} {
		for i, old := range *l {
			if old == fd {
				*l = append((*l)[:i:i], (*l)[i+1:]...)
				break
			}
		}
	}
	delete(p.wall, fd)
	p.fds = append(p.fds, fd)
	if list != nil {
		*list = append(*list, fd)
	}
}

var watched = []abi.Signal{abi.SIGUSR1, abi.SIGUSR2, abi.SIGCHLD, abi.SIGTERM, abi.SIGWINCH, 40, 41}

func (p *prober) sigset() abi.SigSet {
	var set abi.SigSet
	for range 1 + p.rng.IntN(3) {
		set.Add(pick(p, watched...))
	}
	return set
}

// sigmask is nil, or what a wait leaves blocked.
func (p *prober) sigmask() *abi.SigSet {
	if p.rng.IntN(2) == 0 {
		return nil
	}
	all := ^abi.SigSet(0)
	set := all &^ p.sigset()
	return &set
}

// action is one kind of call; p.run draws them by weight.
type action struct {
	name   string
	weight int
	do     func(p *prober, c kernel.Calls)
}

const hour = int64(3600)

var actions []action

func init() {
	actions = []action{
		{"epoll_create1", 3, func(p *prober, c kernel.Calls) {
			fd, err := c.EpollCreate1(0)
			p.note("epoll_create1 = %d %v", fd, err)
			p.opened(&p.epolls, fd, err)
		}},
		{"epoll_ctl", 20, func(p *prober, c kernel.Calls) {
			ep, fd, op := p.some(p.epolls), p.some(p.fds), pick(p, 1, 1, 1, 1, 3, 2)
			mask := pick(p, in|et, 0x3fff|et, out|et, in, in|et, 0x3fff|et, in|oneshot, et, abi.EPOLLRDNORM|et, in|out)
			err := c.EpollCtl(ep, op, fd, &abi.EpollEvent{Events: mask, Data: uint64(fd)})
			p.note("epoll_ctl %d %d %d %s: %v", ep, op, fd, mask, err)
		}},
		{"epoll_wait", 22, func(p *prober, c kernel.Calls) {
			ep, buf := p.some(p.epolls), make([]abi.EpollEvent, 16)
			n, err := c.EpollWait(ep, buf, len(buf), 0)
			p.note("epoll_wait %d = %d %v %v", ep, n, err, buf[:max(n, 0)])
		}},
		{"epoll_pwait", 2, func(p *prober, c kernel.Calls) {
			ep, buf, mask := p.some(p.epolls), make([]abi.EpollEvent, 16), p.sigmask()
			p.note("epoll_pwait %d %v …", ep, mask)
			n, err := c.EpollPwait(ep, buf, len(buf), 0, mask)
			p.note("epoll_pwait %d = %d %v %v", ep, n, err, buf[:max(n, 0)])
		}},
		{"poll", 10, func(p *prober, c kernel.Calls) {
			fds := p.pollFds()
			n, err := c.Poll(fds, 0)
			p.note("poll %v = %d %v", fds, n, err)
		}},
		{"ppoll", 6, func(p *prober, c kernel.Calls) {
			fds, ts, mask := p.pollFds(), p.zeroTime(), p.sigmask()
			p.note("ppoll %v …", mask)
			n, err := c.Ppoll(fds, ts, mask)
			p.note("ppoll %v %v = %d %v", fds, *ts, n, err)
		}},
		{"select", 4, func(p *prober, c kernel.Calls) {
			n, r, w, x := p.sets()
			count, err := c.Select(n, r, w, x, 0)
			p.note("select %d = %d %v %v %v %v", n, count, err, r.Fds(), w.Fds(), x.Fds())
		}},
		{"pselect6", 6, func(p *prober, c kernel.Calls) {
			n, r, w, x := p.sets()
			ts, mask := p.zeroTime(), p.sigmask()
			p.note("pselect6 %d %v …", n, mask)
			count, err := c.Pselect6(n, r, w, x, ts, mask)
			p.note("pselect6 %v = %d %v %v %v %v", *ts, count, err, r.Fds(), w.Fds(), x.Fds())
		}},
		{"read", 14, func(p *prober, c kernel.Calls) {
			fd := p.some(p.fds)
			size := pick(p, 8, 128, 300, 1, 4096, 7, 127, 0, 65536)
			buf := make([]byte, size)
			n, err := c.Read(fd, buf)
			if n > 0 && n%128 == 0 && buf[0] != 0 { // signals; pids and times differ
				for i := 0; i+128 <= n; i += 128 {
					p.note("  signal %d code %d status %d", buf[i], int8(buf[i+8]), buf[i+40])
				}
				buf = nil
			}
			p.note("read %d %d = %d %v %.20q", fd, size, n, err, buf[:min(max(n, 0), len(buf))])
		}},
		{"write", 8, func(p *prober, c kernel.Calls) {
			fd, size := p.some(p.fifos), pick(p, 1, 1, 4096, 5000, 65536, 8, 0)
			n, err := c.Write(fd, make([]byte, size))
			p.note("write %d %d = %d %v", fd, size, n, err)
		}},
		{"close", 6, func(p *prober, c kernel.Calls) {
			fd := p.some(p.fds)
			if fd >= 0 && fd < 3 {
				return
			}
			err := c.Close(fd)
			p.note("close %d: %v", fd, err)
			p.opened(nil, fd, nil)
			p.fds = p.fds[:len(p.fds)-1]
		}},
		{"dup", 2, func(p *prober, c kernel.Calls) {
			fd := p.some(p.fds)
			n, err := c.Dup(fd)
			p.note("dup %d = %d %v", fd, n, err)
			p.opened(nil, n, err)
			if err == nil && p.wall[fd] {
				p.wall[n] = true
			}
		}},
		{"fcntl", 2, func(p *prober, c kernel.Calls) {
			fd, cmd := p.some(p.fds), pick(p, abi.F_GETFD, abi.F_GETFL)
			n, err := c.Fcntl(fd, cmd, 0)
			if fd > 2 {
				p.note("fcntl %d %d = %#o %v", fd, cmd, n, err)
			}
		}},
		{"lseek", 1, func(p *prober, c kernel.Calls) {
			if fd := p.some(p.fds); fd > 2 {
				n, err := c.Lseek(fd, 5, pick(p, 0, 1, 2))
				p.note("lseek %d = %d %v", fd, n, err)
			}
		}},
		{"ioctl", 3, func(p *prober, c kernel.Calls) {
			fd, request, arg := p.some(p.fds), pick[uint](p, abi.FIONREAD, abi.TFD_IOC_SET_TICKS, abi.TFD_IOC_SET_TICKS, 0x5499), pick[int64](p, 0, 1, 5)
			if fd > 2 {
				n, err := c.Ioctl(fd, request, arg)
				p.note("ioctl %d %#x %d = %d %v", fd, request, arg, n, err)
			}
		}},

		{"timerfd_create", 4, func(p *prober, c kernel.Calls) {
			clock := pick(p, 0, 1, 7, 0, 1, 8, 9, 0, 2, 4, 5, 11, -1)
			flags := pick(p, abi.TFD_NONBLOCK, abi.TFD_NONBLOCK, abi.TFD_NONBLOCK|abi.TFD_CLOEXEC, abi.TFD_NONBLOCK|1)
			fd, err := c.TimerfdCreate(clock, flags)
			p.note("timerfd_create %d %#x = %d %v", clock, flags, fd, err)
			p.opened(&p.timers, fd, err)
			if err == nil && (clock == abi.CLOCK_REALTIME || clock == abi.CLOCK_REALTIME_ALARM) {
				p.wall[fd] = true
			}
		}},
		{"timerfd_settime", 6, func(p *prober, c kernel.Calls) {
			p.settime(c, p.some(p.timers), pick(p, 0, 0, 1, 2, 3, 4, 8), abi.Itimerspec{
				Value:    abi.Timespec{Sec: pick[int64](p, 0, 1e10, 1e10, 9e18, -1), Nsec: pick[int64](p, 0, 0, 0, 1e9, -1)},
				Interval: abi.Timespec{Sec: pick[int64](p, 0, 0, hour, 9e18, -1), Nsec: pick[int64](p, 0, 0, 5, 1e9)},
			})
		}},
		// A time that is over: how many intervals ago is the same everywhere.
		{"expire", 10, func(p *prober, c kernel.Calls) {
			fd := p.some(p.timers)
			now, _ := c.ClockGettime(abi.CLOCK_REALTIME)
			ok := p.settime(c, fd, abi.TFD_TIMER_ABSTIME|pick(p, 0, abi.TFD_TIMER_CANCEL_ON_SET), abi.Itimerspec{
				Value: abi.Timespec{Sec: now/1e9 - 100*hour}, Interval: abi.Timespec{Sec: pick(p, 0, 30*hour, 1000*hour)},
			})
			if ok && p.wall[fd] { // it takes a moment
				for n := 0; n == 0; {
					n, _ = c.Poll([]abi.PollFd{{Fd: int32(fd), Events: abi.POLLIN}}, 0)
				}
			}
		}},
		{"timerfd_gettime", 5, func(p *prober, c kernel.Calls) {
			fd := p.some(p.timers)
			var now abi.Itimerspec
			err := c.TimerfdGettime(fd, &now)
			p.note("timerfd_gettime %d = %v %v %v", fd, now.Value != abi.Timespec{}, now.Interval, err)
		}},

		{"kill", 14, func(p *prober, c kernel.Calls) {
			sig := pick(p, watched...)
			p.note("kill %d …", sig)
			p.note("kill %d: %v", sig, c.Kill(c.Getpid(), sig))
		}},
		{"tgkill", 4, func(p *prober, c kernel.Calls) {
			sig := pick(p, watched...)
			p.note("tgkill %d …", sig)
			p.note("tgkill %d: %v", sig, c.Tgkill(c.Getpid(), c.Gettid(), sig))
		}},
		{"signalfd", 6, func(p *prober, c kernel.Calls) {
			set, flags := p.sigset(), pick(p, abi.SFD_NONBLOCK, abi.SFD_NONBLOCK, abi.SFD_NONBLOCK|abi.SFD_CLOEXEC, abi.SFD_NONBLOCK|1)
			fd, err := c.Signalfd4(-1, &set, flags)
			p.note("signalfd %s %#x = %d %v", set, flags, fd, err)
			p.opened(&p.sigfds, fd, err)
		}},
		{"signalfd mask", 5, func(p *prober, c kernel.Calls) {
			fd, set := p.some(p.sigfds), p.sigset()|1<<(abi.SIGKILL-1)
			if fd == -1 {
				return
			}
			n, err := c.Signalfd4(fd, &set, pick(p, 0, abi.SFD_NONBLOCK))
			p.note("signalfd %d %s = %d %v", fd, set, n, err)
		}},
		{"sigprocmask", 4, func(p *prober, c kernel.Calls) {
			how, set := pick(p, abi.SIG_BLOCK, abi.SIG_UNBLOCK, abi.SIG_SETMASK), p.sigset()
			if how == abi.SIG_SETMASK {
				set = ^abi.SigSet(0)
			}
			p.note("sigprocmask %d %s …", how, set)
			_, err := c.Sigprocmask(how, set)
			p.note("sigprocmask: %v", err)
		}},
		{"sigaction", 2, func(p *prober, c kernel.Calls) {
			sig := pick(p, watched...)
			act := kernel.SigAction{Handler: kernel.HandlerIgnore}
			if p.rng.IntN(2) == 0 {
				act = p.handler()
			}
			p.note("sigaction %d %d: %v", sig, act.Handler, c.Sigaction(sig, act))
		}},

		{"fork", 3, func(p *prober, c kernel.Calls) {
			if p.depth > 0 {
				return
			}
			pid, err := c.Fork("child", func(c kernel.Calls) {
				p.depth++
				fds := append([]int(nil), p.fds...)
				p.run(c, 1+p.rng.IntN(8))
				p.fds = fds
				p.depth--
				if p.rng.IntN(2) == 0 {
					c.ExitGroup(7)
				}
			})
			if err != nil {
				p.note("fork: %v", err)
				return
			}
			_, status, err := c.Wait4(pid, 0)
			p.note("wait4 = %#x %v", status, err)
		}},
		{"fork sleeper", 2, func(p *prober, c kernel.Calls) {
			if p.depth > 0 || len(p.children) > 2 {
				return
			}
			pid, err := c.Fork("sleeper", func(c kernel.Calls) { c.Nanosleep(1e12) })
			if err == nil {
				p.children = append(p.children, pid)
			}
		}},
		{"pidfd_open", 4, func(p *prober, c kernel.Calls) {
			pid := c.Getpid()
			if len(p.children) > 0 {
				pid = pick(p, p.children...)
			}
			flags := pick(p, 0, 0, abi.PIDFD_NONBLOCK, abi.PIDFD_THREAD, 1)
			fd, err := c.PidfdOpen(pid, flags)
			p.note("pidfd_open %#x = %d %v", flags, fd, err)
			p.opened(&p.pidfds, fd, err)
		}},
		{"kill sleeper", 2, func(p *prober, c kernel.Calls) {
			if p.depth > 0 || len(p.children) == 0 {
				return
			}
			pid := pick(p, p.children...)
			fd, err := c.PidfdOpen(pid, 0)
			if err != nil { // it was ignored, and is gone
				p.note("pidfd_open of a sleeper: %v", err)
				return
			}
			must(0, c.Kill(pid, abi.SIGKILL))
			fds := []abi.PollFd{{Fd: int32(fd), Events: abi.POLLIN}}
			for {
				if _, err := c.Poll(fds, 1000); err == nil {
					break
				}
			}
			must(0, c.Close(fd))
			p.note("killed a sleeper")
		}},
		{"wait4", 2, func(p *prober, c kernel.Calls) {
			if p.depth > 0 || len(p.children) == 0 {
				return
			}
			i := p.rng.IntN(len(p.children))
			n, status, err := c.Wait4(p.children[i], abi.WNOHANG)
			p.note("wait4 = %v %#x %v", n != 0, status, err)
			if n == p.children[i] {
				p.children = append(p.children[:i:i], p.children[i+1:]...)
			}
		}},

		{"mkfifo", 2, func(p *prober, c kernel.Calls) {
			name := pick(p, "f", "g", "f", ".", "")
			p.note("mkfifo %q: %v", name, c.Mkfifo(name))
		}},
		{"open", 12, func(p *prober, c kernel.Calls) {
			name, flags := pick(p, "f", "f", "g"), abi.O_NONBLOCK|pick(p, 0, 0, 1, 1, 2, 0, 1, 0|abi.O_CLOEXEC, 1|abi.O_TRUNC, 2|abi.O_DIRECT, 3, 0|abi.O_DIRECT)
			if p.rng.IntN(30) == 0 {
				name, flags = "h", flags&^abi.O_DIRECT|abi.O_CREAT|abi.O_EXCL
			}
			fd, err := c.Open(name, flags)
			p.note("open %s %#o = %d %v", name, flags, fd, err)
			p.opened(&p.fifos, fd, err)
		}},
		{"F_SETPIPE_SZ", 1, func(p *prober, c kernel.Calls) {
			fd, size := p.some(p.fifos), pick(p, 4096, 8192, 65536)
			n, err := c.Fcntl(fd, abi.F_SETPIPE_SZ, size)
			p.note("F_SETPIPE_SZ %d %d = %d %v", fd, size, n, err)
		}},
	}
}

const (
	in      = abi.EPOLLIN
	out     = abi.EPOLLOUT
	et      = abi.EPOLLET
	oneshot = abi.EPOLLONESHOT
)

// settime logs a call and what the timer was before.
func (p *prober) settime(c kernel.Calls, fd, flags int, new abi.Itimerspec) bool {
	var old abi.Itimerspec
	err := c.TimerfdSettime(fd, flags, &new, &old)
	if flags&abi.TFD_TIMER_ABSTIME != 0 {
		new.Value = abi.Timespec{} // the time of day differs
	}
	p.note("timerfd_settime %d %d %v: %v, was %v %v", fd, flags, new, err, old.Value != abi.Timespec{}, old.Interval)
	return err == nil
}

func (p *prober) pollFds() []abi.PollFd {
	var fds []abi.PollFd
	for range 1 + p.rng.IntN(4) {
		fds = append(fds, abi.PollFd{Fd: int32(p.some(p.fds)), Events: pick[int16](p, 1, 0x3fff, 4, 0x40, 0)})
	}
	return fds
}

// zeroTime is no time at all, or no time.
func (p *prober) zeroTime() *abi.Timespec {
	return &abi.Timespec{Sec: pick[int64](p, 0, 0, 0, 0, -1), Nsec: pick[int64](p, 0, 0, 0, 0, 1e9)}
}

func (p *prober) sets() (n int, r, w, x *abi.FdSet) {
	for i, set := range []**abi.FdSet{&r, &w, &x} {
		if p.rng.IntN(3) == i {
			continue
		}
		*set = &abi.FdSet{}
		for range p.rng.IntN(4) {
			fd := p.some(p.fds)
			(*set).Set(fd)
			n = max(n, fd+1)
		}
	}
	return pick(p, n, n, n, n, n-1, 1024, -1), r, w, x
}

func (p *prober) handler() kernel.SigAction {
	return kernel.SigAction{Handler: kernel.HandlerFunc, Func: func(sig abi.Signal) { p.note("  handler of %d", sig) }}
}

// run makes n calls.
func (p *prober) run(c kernel.Calls, n int) {
	for range n {
		total := 0
		for _, a := range actions {
			total += a.weight
		}
		at := p.rng.IntN(total)
		for _, a := range actions {
			if at -= a.weight; at < 0 {
				a.do(p, c)
				break
			}
		}
	}
}

// probe is a whole program.
func probe(seed uint64, calls int) (*prober, func(kernel.Calls)) {
	p := &prober{rng: rand.New(rand.NewPCG(seed, 1)), wall: map[int]bool{}}
	body := func(c kernel.Calls) {
		for _, sig := range watched {
			must(0, c.Sigaction(sig, p.handler()))
		}
		must(0, c.Sigaction(abi.SIGPIPE, kernel.SigAction{Handler: kernel.HandlerIgnore}))
		_, err := c.Sigprocmask(abi.SIG_SETMASK, ^abi.SigSet(0))
		must(0, err)
		must(0, c.Mkfifo("f"))
		for range 2 {
			fd, err := c.EpollCreate1(0)
			p.opened(&p.epolls, fd, err)
		}
		p.run(c, calls)
		for _, pid := range p.children {
			c.Kill(pid, abi.SIGKILL)
			c.Wait4(pid, 0)
		}
	}
	return p, func(c kernel.Calls) {
		// A child has an fd table of the smallest size, whatever this process has inherited.
		pid, err := c.Fork("program", body)
		must(0, err)
		_, _, err = c.Wait4(pid, 0)
		must(0, err)
	}
}

// onModel and onHost run a program and return its log.
func onModel(seed uint64, calls int) ([]string, error) {
	p, fn := probe(seed, calls)
	err := kernel.Boot(kernel.Options{Check: seed%10 == 0, Machine: sim.Options{}}).Run(fn)
	return p.log, err
}

func onHost(h *host.Host, seed uint64, calls int) ([]string, error) {
	p, fn := probe(seed, calls)
	err := h.Run(fn)
	return p.log, err
}

func TestEventsLikeHost(t *testing.T) {
	programs := form.Of(60, 5000)
	if testing.Short() {
		programs = 30
	}
	if n, err := strconv.Atoi(os.Getenv("EPOLLSIM_PROGRAMS")); err == nil {
		programs = n
	}
	first := uint64(1)
	if n, err := strconv.Atoi(os.Getenv("EPOLLSIM_SEED")); err == nil {
		first, programs = uint64(n), 1
	}
	h, err := host.New(host.Options{Timeout: 10 * time.Second})
	if errors.Is(err, host.ErrUnsupported) {
		t.Skip(err)
	}
	require.NoError(t, err)
	defer h.Close()
	if !strings.HasPrefix(host.Release(), "6.18") {
		t.Skip("the model is 6.18, this kernel is ", host.Release())
	}
	calls := 0
	for seed := first; seed < first+uint64(programs); seed++ {
		const most = 60
		model, modelErr := onModel(seed, most)
		real, hostErr := onHost(h, seed, most)
		require.NoError(t, modelErr, "seed %d: %s", seed, strings.Join(model, "\n"))
		require.NoError(t, hostErr, "seed %d: %s", seed, strings.Join(real, "\n"))
		for i := range max(len(model), len(real)) {
			if i >= len(model) || i >= len(real) || model[i] != real[i] {
				end := func(l []string) string { return strings.Join(l[max(0, i-40):min(len(l), i+1)], "\n") }
				t.Fatalf("EPOLLSIM_SEED=%d: call %d differs\nmodel:\n%s\n\nhost:\n%s", seed, i, end(model), end(real))
			}
		}
		calls += len(model)
	}
	t.Logf("%d programs, %d results", programs, calls)
}
