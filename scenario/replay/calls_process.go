package replay

import (
	"strings"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/scenario/strace"
)

func processRows() []row {
	return []row{
		row{name: "clone", parse: parseClone, run: runClone},
		row{
			name: "execve",
			parse: parseWith(func(o *op, a *args) {
				o.text = a.at(0).Text
				a.ok = !o.want.failed()
			}),
			run: func(x *exec, o *op) outcome {
				x.execve(x.thread(o))
				return outcome{}
			},
		},
		row{
			name: "exit", ends: true,
			parse: parseWith(func(o *op, a *args) { o.a[0] = a.numOr(0, 0) }),
			run: func(x *exec, o *op) outcome {
				x.calls(o).Exit(int(o.a[0]))
				return outcome{}
			},
		},
		row{
			name: "exit_group", ends: true,
			parse: parseWith(func(o *op, a *args) { o.a[0] = a.numOr(0, 0) }),
			run: func(x *exec, o *op) outcome {
				x.calls(o).ExitGroup(int(o.a[0]))
				return outcome{}
			},
		},
		row{
			name: "wait4", looks: true,
			parse: parseWith(func(o *op, a *args) {
				o.a[0], o.a[1] = int64(a.int32(0)), a.numOr(2, 0)
				a.ok = a.ok && o.want.ret > 0 && !strings.Contains(a.at(1).Text, "WIFSTOPPED") && !stopped(a.at(1))
			}),
			run: runWait4, ready: readyWait4, help: helpWait4,
		},
		row{
			name: "waitid", looks: true,
			parse: parseWith(func(o *op, a *args) {
				flags := a.at(3).Text
				pid := a.at(2).Field("si_pid")
				if pid == nil || o.want.failed() || strings.Contains(flags, "WNOWAIT") {
					a.ok = false
					return
				}
				n, _ := pid.Number()
				o.a[2] = n
				if code := a.at(2).Field("si_code"); n == 0 || code != nil && (code.Text == "CLD_STOPPED" || code.Text == "CLD_CONTINUED") {
					a.ok = false
				}
			}),
			run: runWait4, ready: readyWait4, help: helpWait4,
		},
		row{name: "kill", parse: parseWith(func(o *op, a *args) { o.a[0], o.a[1] = int64(a.int32(0)), a.num(1) }), run: runKill},
		row{name: "tkill", parse: parseWith(func(o *op, a *args) { o.a[0], o.a[1], o.a[2] = int64(a.int32(0)), a.num(1), 1 }), run: runKill},
		row{name: "tgkill", parse: parseWith(func(o *op, a *args) { o.a[0], o.a[1], o.a[2] = int64(a.int32(1)), a.num(2), 1 }), run: runKill},
		row{name: "rt_sigaction", parse: parseSigaction, run: runSigaction},
		row{
			name: "rt_sigprocmask",
			parse: parseWith(func(o *op, a *args) {
				o.a[0], o.sigs = a.num(0), sigset(a.at(1))
				a.ok = a.ok && o.sigs != nil && !o.want.failed()
			}),
			run: func(x *exec, o *op) outcome {
				_, err := x.calls(o).Sigprocmask(int(o.a[0]), *o.sigs)
				return errOutcome(err)
			},
		},
		row{
			name: "unshare",
			parse: parseWith(func(o *op, a *args) {
				a.ok = a.at(0).Has("CLONE_FILES") && !o.want.failed()
			}),
			run: func(x *exec, o *op) outcome {
				x.unshare(x.thread(o).k)
				return outcome{}
			},
		},
		row{name: "prlimit64", parse: parseLimit(1, 2), run: runLimit},
		row{name: "setrlimit", parse: parseLimit(0, 1), run: runLimit},
		row{
			name: "signalfd4",
			parse: parseWith(func(o *op, a *args) {
				o.fd, o.sigs, o.a[0] = a.int32(0), sigset(a.at(1)), a.numOr(3, 0)
				a.ok = a.ok && o.sigs != nil
			}),
			run:   func(x *exec, o *op) outcome { return outcomeOf(x.calls(o).Signalfd4(o.fd, o.sigs, int(o.a[0]))) },
			ready: readySignalfd, help: helpSignalfd,
		},
		row{
			name: "pidfd_open", allocates: true,
			parse: parseWith(func(o *op, a *args) { o.a[0], o.a[1] = int64(a.int32(0)), a.num(1) }),
			run: func(x *exec, o *op) outcome {
				n, err := x.calls(o).PidfdOpen(int(o.a[0]), int(o.a[1]))
				if err != nil && errnoOf(err) == abi.ESRCH && !o.want.failed() {
					return x.installExternal(o, "pidfd:", abi.O_CLOEXEC, true)
				}
				return outcomeOf(n, err)
			},
		},
	}
}

func stopped(v *strace.Value) bool {
	for i := range v.List {
		if t := v.List[i].Text; strings.HasPrefix(t, "WIFSTOPPED") || strings.HasPrefix(t, "WIFCONTINUED") {
			return true
		}
	}
	return false
}

// The bits of o.a[0] of a clone.
const (
	cloneThread = 1 << iota
	cloneFiles
	clonePidfd
)

func parseClone(o *op, c *strace.Call) bool {
	if o.want.ret <= 0 {
		return false
	}
	for i := range c.Args {
		v := before(&c.Args[i])
		if f := v.Field("flags"); f != nil {
			v = f
		} else if v.Name != "flags" {
			continue
		}
		if v.Has("CLONE_THREAD") {
			o.a[0] |= cloneThread
		}
		if v.Has("CLONE_FILES") {
			o.a[0] |= cloneFiles
		}
		if v.Has("CLONE_PIDFD") {
			o.a[0] |= clonePidfd
		}
	}
	return true
}

// runClone starts the thread or process that the log has under this number.
func runClone(x *exec, o *op) outcome {
	parent := x.thread(o)
	child := x.newThread(int(o.want.ret))
	x.k.NextPid(child.tid)
	loop := func(kernel.Calls) { x.loop(child) }
	var n int
	var err error
	if o.a[0]&cloneThread != 0 {
		n, err = parent.k.Clone(child.name(), loop)
	} else {
		n, err = parent.k.Fork(child.name(), loop)
	}
	if err != nil {
		return outcomeOf(n, err)
	}
	child.k = x.k.Thread(n)
	switch {
	case o.a[0]&cloneThread != 0:
		if o.a[0]&cloneFiles == 0 {
			x.unshare(child.k)
		}
	case o.a[0]&cloneFiles != 0:
		child.k.ShareFiles(parent.k)
	default:
		x.copyTable(parent.k.Files(), child.k.Files())
	}
	return outcomeOf(n, nil)
}

func (o *op) child() int {
	if o.name == "waitid" {
		return int(o.a[2])
	}
	return int(o.want.ret)
}

func runWait4(x *exec, o *op) outcome {
	pid := o.child()
	if !x.hasChild(o, pid) {
		x.tally.injected++
		return o.want
	}
	if o.row.name == "wait4" && o.a[0] > 0 {
		pid = int(o.a[0])
	}
	n, _, err := x.calls(o).Wait4(pid, abi.WNOHANG)
	if o.name == "waitid" {
		return errOutcome(err)
	}
	return outcomeOf(n, err)
}

func readyWait4(x *exec, o *op) bool {
	t := x.k.Thread(o.child())
	return t == nil || t.Process().Zombie() || !x.hasChild(o, o.child())
}

// runKill sends a signal that somebody may wait for with signalfd; all others come when the log says that they were
// taken.
func runKill(x *exec, o *op) outcome {
	sig := abi.Signal(o.a[1])
	if sig < 1 || sig > abi.SIGRTMAX || o.want.failed() || o.a[0] <= 0 {
		return o.want
	}
	target := x.k.Thread(int(o.a[0]))
	if target == nil || !target.Blocked().Has(sig) {
		return outcome{}
	}
	sender := x.thread(o).k.Getpid()
	if o.a[2] != 0 {
		target.Signal(sig, sender)
	} else {
		target.SignalProcess(sig, sender)
	}
	return outcome{}
}

// What a handler is.
const (
	handlerDefault = iota
	handlerIgnore
	handlerFunc
)

func parseSigaction(o *op, c *strace.Call) bool {
	return parseWith(func(o *op, a *args) {
		v := a.at(1)
		handler := v.Field("sa_handler")
		if handler == nil {
			handler = v.Field("sa_sigaction")
		}
		if handler == nil || o.want.failed() {
			a.ok = false
			return
		}
		o.a[0] = a.num(0)
		switch {
		case handler.Is("SIG_DFL"):
			o.handle = handlerDefault
		case handler.Is("SIG_IGN"):
			o.handle = handlerIgnore
		default:
			o.handle = handlerFunc
		}
		if flags := v.Field("sa_flags"); flags != nil && flags.Has("SA_NOCLDWAIT") {
			o.a[1] = abi.SA_NOCLDWAIT
		}
	})(o, c)
}

func runSigaction(x *exec, o *op) outcome {
	sig := abi.Signal(o.a[0])
	act := kernel.SigAction{Flags: uint32(o.a[1])}
	switch {
	case o.handle == handlerIgnore:
		act.Handler = kernel.HandlerIgnore
	case o.handle == handlerFunc || kills(sig):
		act = quiet
	}
	return errOutcome(x.calls(o).Sigaction(sig, act))
}

// quiet is a handler that lets the log say what comes of a signal. Calls are never made again by themselves: the log has
// them twice.
var quiet = kernel.SigAction{Handler: kernel.HandlerFunc, Func: func(abi.Signal) {}}

// kills reports whether sig does something to a process that has no handler for it. The log tells when it does.
func kills(sig abi.Signal) bool {
	switch sig {
	case abi.SIGCHLD, abi.SIGURG, abi.SIGWINCH, abi.SIGCONT, abi.SIGKILL, abi.SIGSTOP:
		return false
	}
	return true
}

// harden gives a process handlers for all that would kill it.
func harden(p *kernel.Process) {
	for sig := abi.SIGHUP; sig <= abi.SIGRTMAX; sig++ {
		if kills(sig) && p.Handler(sig) == kernel.HandlerDefault {
			p.SetHandler(sig, quiet)
		}
	}
}

func parseLimit(resource, limit int) func(*op, *strace.Call) bool {
	return parseWith(func(o *op, a *args) {
		cur := a.at(limit).Field("rlim_cur")
		if !a.at(resource).Is("RLIMIT_NOFILE") || cur == nil || o.want.failed() || limit == 2 && a.num(0) != 0 {
			a.ok = false
			return
		}
		n, ok := cur.Number()
		o.a[0], a.ok = n, ok
	})
}

func runLimit(x *exec, o *op) outcome {
	t := x.thread(o).k.Files()
	t.Limit = int(min(max(o.a[0], 0), 1<<20))
	x.table(t).limited = true
	return outcome{}
}

func readySignalfd(x *exec, o *op) bool { return o.fd >= 0 || readyAlloc(x, o) }
func helpSignalfd(x *exec, o *op) bool  { return o.fd < 0 && helpAlloc(x, o) }
