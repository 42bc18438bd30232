package fuzz

import (
	"encoding/binary"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/kernel/host"
)

// Rows of signals, signalfds and pidfds. The signals that are sent have a handler that does nothing, so that a wait is
// interrupted and nobody dies; SIGPIPE, which a send raises for its thread alone, is ignored unless it is blocked, and so
// is SIGCHLD. Who sent a signal is nobody's business: numbers of processes are not the same.

// handled are the signals with a handler.
var handled = []abi.Signal{abi.SIGUSR1, abi.SIGUSR2, 40}

// sets of signals, each a list.
var signalSets = [][]abi.Signal{
	{abi.SIGUSR1}, {abi.SIGUSR1, abi.SIGUSR2}, {abi.SIGUSR1, abi.SIGUSR2, abi.SIGPIPE, abi.SIGCHLD, 40}, {abi.SIGUSR2}, {40}, {abi.SIGPIPE}, {abi.SIGCHLD, abi.SIGUSR1}, {},
	{abi.SIGKILL, abi.SIGUSR2},
}

const handlers = "for sig in [SIGUSR1, SIGUSR2, 40]:\n    signal(sig, lambda sig: None)\n"

const endedChildText = `def ended_child(flags):
    child = fork(lambda: None)
    waitid(P_PID, child, WEXITED | WNOWAIT)
    return pidfd_open(child, flags)
`

var signalfdFlags = []int64{abi.SFD_NONBLOCK, abi.SFD_NONBLOCK, 0, abi.SFD_NONBLOCK | abi.SFD_CLOEXEC, 1}

// set returns one of signalSets.
func (r *runner) set(i int64) abi.SigSet {
	var set abi.SigSet
	for _, sig := range signalSets[i] {
		set.Add(sig)
	}
	return set
}

func (g *generator) signals() int64 { return int64(g.pick(len(signalSets))) }

var signalRows = []*op{
	{
		name: "kill", weight: 7, alone: true, prelude: handlers, form: "kill(getpid(), {0:SIG})",
		choose: func(g *generator) bool {
			return g.args([]int64{int64(abi.SIGUSR1), int64(abi.SIGUSR1), int64(abi.SIGUSR2), 40, 40, 0, 65}[g.pick(7)])
		},
		run: func(r *runner, a []int64) { r.zero(r.Kill(r.Getpid(), abi.Signal(a[0]))) },
	},
	{
		name: "sigprocmask", weight: 5, alone: true, form: "sigprocmask({0:SIGPROCMASK}, {1:signals})",
		choose: func(g *generator) bool {
			return g.args([]int64{abi.SIG_BLOCK, abi.SIG_BLOCK, abi.SIG_UNBLOCK, abi.SIG_SETMASK, abi.SIG_BLOCK, 3}[g.pick(6)], g.signals())
		},
		run: func(r *runner, a []int64) {
			_, err := r.Sigprocmask(int(a[0]), r.set(a[1]))
			r.zero(err)
		},
	},
	{
		name: "signalfd", weight: 4, alone: true, form: "signalfd({0:signals}, {1:SFD})",
		choose: func(g *generator) bool {
			return g.args(g.signals(), signalfdFlags[g.pick(len(signalfdFlags))])
		},
		run: func(r *runner, a []int64) {
			set := r.set(a[0])
			r.int(r.Signalfd4(-1, &set, int(a[1])))
		},
		effect: opens(signalfd),
	},
	{
		name: "signalfd of another set", weight: 3, alone: true, form: "signalfd({1:signals}, {2:SFD}, fd={0:fd})",
		choose: func(g *generator) bool {
			fd := g.fd(kinds(signalfd))
			return fd >= 0 && g.args(fd, g.signals(), []int64{0, abi.SFD_NONBLOCK, 1}[g.pick(3)])
		},
		run: func(r *runner, a []int64) {
			set := r.set(a[1])
			r.int(r.Signalfd4(int(a[0]), &set, int(a[2])))
		},
	},
	{
		name: "signalfd_read", weight: 6, alone: true, blocks: true, form: "signalfd_read({0:fd})",
		choose: func(g *generator) bool {
			fd := g.fd(kinds(signalfd))
			return g.kindOf(fd) == signalfd && g.args(fd)
		},
		run: func(r *runner, a []int64) {
			p := r.buffer(sizeofSiginfo)
			_, err := r.Read(int(a[0]), p)
			r.int(int(binary.LittleEndian.Uint32(p)), err)
		},
	},
	{name: "watched signalfd", weight: 4, alone: true, expand: watchedSignalfd},
	{
		name: "pidfd_open", weight: 2, form: "pidfd_open(getpid(), {0:PIDFD})",
		choose: func(g *generator) bool {
			return g.args([]int64{0, abi.PIDFD_NONBLOCK, 0, abi.PIDFD_THREAD, 1}[g.pick(5)])
		},
		run:    func(r *runner, a []int64) { r.int(r.PidfdOpen(r.Getpid(), int(a[0]))) },
		effect: opens(pidfd),
	},
	{
		name: "ended child", weight: 2, alone: true, prelude: endedChildText, form: "ended_child({0:PIDFD})",
		choose: func(g *generator) bool {
			g.children++
			return g.children <= host.MostChildren && g.args([]int64{0, 0, abi.PIDFD_NONBLOCK, 1}[g.pick(4)])
		},
		run:    func(r *runner, a []int64) { r.int(endedChild(r, int(a[0]))) },
		effect: opens(pidfd),
	},
	{
		name: "waitid", weight: 4, alone: true, form: "waitid(P_PIDFD, {0:fd}, {1:W})",
		choose: func(g *generator) bool {
			options := []int64{abi.WEXITED, abi.WEXITED | abi.WNOHANG, abi.WEXITED | abi.WNOWAIT, 0, abi.WEXITED | 1<<10}[g.pick(5)]
			fd := g.fd(kinds(pidfd))
			return fd >= 0 && g.args(fd, options)
		},
		run: func(r *runner, a []int64) { r.child(r.Waitid(abi.P_PIDFD, int(a[0]), int(a[1]))) },
	},
	{name: "watched child", weight: 3, alone: true, expand: watchedChild},
}

// sizeofSiginfo is the size of struct signalfd_siginfo.
const sizeofSiginfo = 128

// endedChild makes a child that has ended but is there, and a pidfd of it. A list of calls that is made in one go knows the
// number of a child in just these calls.
func endedChild(c kernel.Calls, flags int) (fd int, err error) {
	pid, err := c.Fork("child", func(kernel.Calls) {})
	if err == nil {
		_, err = c.Waitid(abi.P_PID, pid, abi.WEXITED|abi.WNOWAIT)
	}
	if err != nil {
		return -1, err
	}
	return c.PidfdOpen(pid, flags)
}

// child writes the pair of what waitid tells.
func (r *runner) child(c kernel.ChildStatus, err error) {
	if r.failed(err) {
		return
	}
	r.text = append(r.text, '(')
	r.number(int64(c.Code))
	r.text = append(r.text, ", "...)
	r.number(int64(c.Status))
	r.text = append(r.text, ')')
}

// watchedSignalfd blocks what it reads.
func watchedSignalfd(g *generator) {
	ep, set := g.anEpoll(), g.signals()
	g.call("sigprocmask", abi.SIG_BLOCK, set)
	fd := g.call("signalfd", set, abi.SFD_NONBLOCK)
	g.watch(ep, fd)
	for range g.pick(3) {
		g.call("kill", int64(handled[g.pick(len(handled))]))
	}
	g.call("epoll_wait", ep, 64, 0)
}

// watchedChild looks on while a child is reaped.
func watchedChild(g *generator) {
	if g.children >= host.MostChildren {
		return
	}
	g.children++
	ep := g.anEpoll()
	fd := g.call("ended child", 0)
	g.watch(ep, fd)
	g.call("epoll_wait", ep, 64, 0)
	g.call("waitid", fd, abi.WEXITED|[]int64{0, abi.WNOWAIT}[g.pick(2)])
	g.call("epoll_wait", ep, 64, 0)
}
