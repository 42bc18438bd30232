package fuzz

import (
	"encoding/binary"
	"math"

	"github.com/epollsim/epollsim/abi"
)

// Rows of timers, FIFOs and ppoll. What depends on how long anything takes is left out: a timer is far away, stopped, or
// for a time that is over, and then it is waited for. Signals and processes are in the comparison of package kernel,
// since a list of calls that is made in one go cannot name a process.
var (
	timerClocks = []int64{abi.CLOCK_REALTIME, abi.CLOCK_REALTIME, abi.CLOCK_MONOTONIC, abi.CLOCK_BOOTTIME, abi.CLOCK_REALTIME_ALARM, abi.CLOCK_MONOTONIC_RAW, -1}
	timerFlags  = []int64{abi.TFD_NONBLOCK, abi.TFD_NONBLOCK, abi.TFD_NONBLOCK | abi.TFD_CLOEXEC, 0, 1}
	timerValues = []int64{0, 0, 3_600_000_000_000_000, -1}
	fifoFlags   = []int64{
		abi.O_RDONLY | abi.O_NONBLOCK, abi.O_WRONLY | abi.O_NONBLOCK, abi.O_RDWR | abi.O_NONBLOCK, abi.O_RDONLY | abi.O_NONBLOCK | abi.O_CLOEXEC,
		abi.O_WRONLY | abi.O_NONBLOCK | abi.O_TRUNC, // no O_DIRECT: of a file that took the name it is up to the file system
	}
)

// timevals are over at once, or refused.
var timevals = [][2]int64{
	{0, 0}, {-1, 1_000_000}, {1, -1_000_000}, {3, -3_000_000}, {1, -1}, {-1, 0}, {0, -1}, {-1, 999_999}, {-1, -1_000_000},
	{math.MinInt64, 1_000_000}, {math.MaxInt64, 1_000_000}, {0, math.MinInt64}, {-9223372036854, math.MaxInt64 / 1_000_000 * 1_000_000},
}

// timerStateText tells of a timer what does not depend on when it is asked.
const timerStateText = `def timer_state(fd):
    at = timerfd_gettime(fd)
    return (at[0] != 0, at[1]) if at else at
`

var eventRows = []*op{
	{
		name: "timerfd_create", weight: 4, form: "timerfd_create({0}, {1:TFD})",
		choose: func(g *generator) bool {
			return g.args(timerClocks[g.pick(len(timerClocks))], timerFlags[g.pick(len(timerFlags))])
		},
		run:    func(r *runner, a []int64) { r.int(r.TimerfdCreate(int(a[0]), int(a[1]))) },
		effect: opens(timerfd),
	},
	{
		name: "timerfd_settime", weight: 4, form: "timerfd_settime({0:fd}, {1:TFD}, {2}, {3})",
		choose: func(g *generator) bool {
			flags := []int64{0, 0, abi.TFD_TIMER_CANCEL_ON_SET, 4}[g.pick(4)]
			return g.args(g.fd(isTimerfd), flags, timerValues[g.pick(4)], timerValues[g.pick(4)])
		},
		run: func(r *runner, a []int64) { r.zero(r.TimerfdSettime(int(a[0]), int(a[1]), r.timer(a[2], a[3]), nil)) },
	},
	{
		name: "timerfd_gettime", weight: 3, prelude: timerStateText, form: "timer_state({0:fd})",
		choose: func(g *generator) bool { return g.args(g.fd(isTimerfd)) },
		run: func(r *runner, a []int64) {
			var now abi.Itimerspec
			err := r.TimerfdGettime(int(a[0]), &now)
			r.ret = 0
			if r.failed(err) {
				return
			}
			r.text = append(r.text, '(')
			r.text = append(r.text, map[bool]string{true: "True", false: "False"}[now.Value != abi.Timespec{}]...)
			r.text = append(r.text, ", "...)
			r.number(now.Interval.Sec*1e9 + now.Interval.Nsec)
			r.text = append(r.text, ')')
		},
	},
	{
		name: "timerfd_read", weight: 3, blocks: true, form: "timerfd_read({0:fd})",
		choose: func(g *generator) bool {
			fd := g.fd(isTimerfd)
			return g.kindOf(fd) == timerfd && g.args(fd)
		},
		run: func(r *runner, a []int64) {
			p := r.buffer(8)
			_, err := r.Read(int(a[0]), p)
			r.unsigned(binary.LittleEndian.Uint64(p), err)
		},
	},
	{
		name: "ioctl TFD_IOC_SET_TICKS", weight: 5, form: "ioctl({0:fd}, TFD_IOC_SET_TICKS, {1})",
		choose: func(g *generator) bool {
			fd := g.fd(isTimerfd)
			return g.kindOf(fd) != tty && g.args(fd, int64(g.pick(3)))
		},
		run: func(r *runner, a []int64) { r.long(r.Ioctl(int(a[0]), abi.TFD_IOC_SET_TICKS, a[1])) },
	},
	{name: "expired timer", weight: 5, expand: expiredTimer},
	{
		name: "mkfifo", weight: 2, form: `mkfifo("p")`,
		choose: func(g *generator) bool { return g.args() },
		run:    func(r *runner, _ []int64) { r.zero(r.Mkfifo("p")) },
		effect: func(g *generator, _ []int64, _ *runner) { g.prog.files, g.fifos = true, true },
	},
	{
		name: "open fifo", weight: 8, form: `open("p", {0:O})`,
		choose: func(g *generator) bool { return g.args(fifoFlags[g.pick(len(fifoFlags))]) },
		run:    func(r *runner, a []int64) { r.int(r.Open("p", int(a[0]))) },
		effect: opens(fifo),
	},
	{name: "watched fifo", weight: 4, expand: watchedFifo},
	{
		name: "ppoll", weight: 4, form: "ppoll([{*2:(fd, POLL)}], timeout_ns={0}, sigmask={1:sigmask})",
		choose: func(g *generator) bool {
			args := append(g.take(), []int64{0, 0, 0, -1}[g.pick(4)], g.sigmask())
			for range 1 + g.pick(4) {
				args = append(args, g.fd(isAny), pollMasks[g.pick(len(pollMasks))])
			}
			return g.args(args...)
		},
		run: func(r *runner, a []int64) {
			fds := r.pollFds(a[2:])
			r.ts = abi.Timespec{Sec: a[0] / 1e9, Nsec: a[0] % 1e9}
			n, err := r.Ppoll(fds, &r.ts, r.sigmask(a[1]))
			r.polled(fds, n, err)
		},
	},
	{
		name: "pselect", weight: 5, form: "pselect({1:set}, {2:set}, {3:set}, timeout_ns={0}, sigmask={4:sigmask})",
		choose: func(g *generator) bool {
			args := append(g.take(), []int64{0, 0, 0, -1, -2_000_000_000}[g.pick(5)], 0, 0, 0, 0)
			for i := 1; i <= 3; i++ {
				args[i] = g.fdSet()
			}
			args[4] = g.sigmask()
			return g.args(args...)
		},
		run: func(r *runner, a []int64) {
			r.ts = abi.Timespec{Sec: a[0] / 1e9, Nsec: a[0] % 1e9}
			sets, n := r.fdSets(a[1:4])
			n, err := r.Pselect6(n, sets[0], sets[1], sets[2], &r.ts, r.sigmask(a[4]))
			r.selected(sets, n, err)
		},
	},
	{
		name: "select timeval", weight: 2, form: "select({1:set}, {2:set}, {3:set}, timeout=({0}, {4}))",
		choose: func(g *generator) bool {
			tv := timevals[g.pick(len(timevals))]
			args := append(g.take(), tv[0], 0, 0, 0, tv[1])
			for i := 1; i <= 3; i++ {
				args[i] = g.fdSet()
			}
			return g.args(args...)
		},
		run: func(r *runner, a []int64) {
			sets, n := r.fdSets(a[1:4])
			n, err := r.SelectTimeval(n, sets[0], sets[1], sets[2], &abi.Timeval{Sec: a[0], Usec: a[4]})
			r.selected(sets, n, err)
		},
	},
	{
		name: "select below n", weight: 2, hidden: true, form: "select({4}, {1:set}, {2:set}, {3:set}, timeout={0})",
		choose: func(g *generator) bool {
			args := append(g.take(), 0, 0, 0, 0, 0)
			for i := 1; i <= 3; i++ {
				args[i] = g.fdSet()
			}
			args[4] = []int64{5, 8, 64, 1024, 0, 3, 7, 63, 65, 1000, -1, 1 << 20, math.MaxInt32}[g.pick(13)]
			return g.args(args...)
		},
		run: func(r *runner, a []int64) {
			sets, _ := r.fdSets(a[1:4])
			n, err := r.Select(int(a[4]), sets[0], sets[1], sets[2], int(a[0]))
			r.selected(sets, n, err)
		},
	},
}

// timer is what timerfd_settime takes, of two numbers of ns.
func (r *runner) timer(value, interval int64) *abi.Itimerspec {
	ns := func(n int64) abi.Timespec { return abi.Timespec{Sec: n / 1e9, Nsec: n % 1e9} }
	return &abi.Itimerspec{Value: ns(value), Interval: ns(interval)}
}

// expiredTimer is a timer for a time that is over, watched, and waited for: it takes the kernel a moment.
func expiredTimer(g *generator) {
	ep := g.anEpoll()
	fd := g.call("timerfd_create", abi.CLOCK_REALTIME, abi.TFD_NONBLOCK)
	if g.pick(2) == 0 {
		g.call("epoll_ctl", ep, abi.EPOLL_CTL_ADD, fd, g.mask(), fd)
	}
	if g.call("timerfd_settime", fd, abi.TFD_TIMER_ABSTIME, 1, []int64{0, 1 << 62}[g.pick(2)]); g.runner.err == nil {
		g.call("poll", 1000, fd, abi.POLLIN)
	}
}

// watchedFifo opens both sides of a FIFO and watches them.
func watchedFifo(g *generator) {
	ep := g.anEpoll()
	g.call("mkfifo")
	for _, flags := range [...]int64{abi.O_RDONLY, abi.O_WRONLY} {
		fd := g.call("open fifo", flags|abi.O_NONBLOCK)
		g.call("epoll_ctl", ep, abi.EPOLL_CTL_ADD, fd, g.mask(), fd)
	}
}
