package replay

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
)

func signalRows() []row {
	return []row{
		row{name: "kill", parse: parseWith(func(o *op, a *args) { o.a[0], o.a[1] = int64(a.int32(0)), a.num(1) }), run: runKill},
		row{name: "tkill", parse: parseWith(func(o *op, a *args) { o.a[0], o.a[1], o.a[2] = int64(a.int32(0)), a.num(1), 1 }), run: runKill},
		row{name: "tgkill", parse: parseWith(func(o *op, a *args) { o.a[0], o.a[1], o.a[2] = int64(a.int32(1)), a.num(2), 1 }), run: runKill},
		row{
			name: "rt_sigaction",
			parse: parseWith(func(o *op, a *args) {
				act, ok := a.at(1).(kernel.SigAction)
				a.ok = ok && !o.want.failed()
				o.a[0], o.a[1] = a.num(0), int64(act.Flags&abi.SA_NOCLDWAIT)
				o.handle = act.Handler
			}),
			run: runSigaction,
		},
		row{
			name: "rt_sigprocmask",
			parse: parseWith(func(o *op, a *args) {
				o.a[0], o.sigs = a.num(0), a.sigs(1)
				a.ok = a.ok && o.sigs != nil && !o.want.failed()
			}),
			run: func(x *exec, o *op) outcome {
				_, err := x.calls(o).Sigprocmask(int(o.a[0]), *o.sigs)
				return errOutcome(err)
			},
		},
		row{
			name: "signalfd4",
			parse: parseWith(func(o *op, a *args) {
				o.fd, o.sigs, o.a[0] = a.int32(0), a.sigs(1), a.numOr(3, 0)
				a.ok = a.ok && o.sigs != nil
			}),
			run:   func(x *exec, o *op) outcome { return outcomeOf(x.calls(o).Signalfd4(o.fd, o.sigs, int(o.a[0]))) },
			ready: readySignalfd, help: helpSignalfd,
		},
	}
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

func runSigaction(x *exec, o *op) outcome {
	sig := abi.Signal(o.a[0])
	act := kernel.SigAction{Flags: uint32(o.a[1])}
	switch {
	case o.handle == kernel.HandlerIgnore:
		act.Handler = kernel.HandlerIgnore
	case o.handle == kernel.HandlerFunc || kills(sig):
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

func readySignalfd(x *exec, o *op) bool { return o.fd >= 0 || readyAlloc(x, o) }
func helpSignalfd(x *exec, o *op) bool  { return o.fd < 0 && helpAlloc(x, o) }
