package scenario

import (
	"math"

	"go.starlark.net/starlark"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
)

var signalRows = []row{
	{sig: "kill(t, sig)", result: "0", help: "send a signal to a thread, a process, or the process of a number", fn: kill},
	{sig: "signal(sig, handler, flags=0)", result: "0",
		help: "what sig does to this process: SIG_IGN, SIG_DFL, or a call of handler(sig) in the thread that takes it; flags: SA_RESTART, SA_RESETHAND", fn: signal},
	{sig: "sigprocmask(how, signals)", result: "0",
		help: "change which signals of the list this thread blocks; how: SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK", fn: sigprocmask},
}

func kill(c *call) (starlark.Value, error) {
	const want = "what spawn or fork returned, or the number of a process"
	target := c.next()
	pid := 0
	switch t := target.(type) {
	case *task:
	case *process:
		pid = t.pid
	case starlark.Int:
		pid = int(c.number(t, math.MinInt32, math.MaxInt32, want))
	default:
		c.wrong("got %s, want %s", given(t), want)
	}
	sig := abi.Signal(c.cint())
	if c.err != nil {
		return nil, c.err
	}
	if t, ok := target.(*task); ok {
		if t.proc == c.proc {
			c.resolve()
		}
		return c.zero(c.calls.Tgkill(t.proc.pid, t.tid, sig))
	}
	return c.zero(c.calls.Kill(pid, sig))
}

const wantHandler = "SIG_IGN, SIG_DFL or a function"

func signal(c *call) (starlark.Value, error) {
	sig := abi.Signal(c.cint())
	act := c.action()
	if act.Flags = c.mask(); act.Flags&^(abi.SA_RESTART|abi.SA_RESETHAND) != 0 {
		c.wrong("got %s, want SA_RESTART, SA_RESETHAND or both", abi.Flags("SA", int64(act.Flags)))
	}
	if c.err != nil {
		return nil, c.err
	}
	return c.zero(c.calls.Sigaction(sig, act))
}

// action takes what a signal does.
func (c *call) action() kernel.SigAction {
	switch v := c.next().(type) {
	case starlark.Int:
		switch c.number(v, abi.SIG_DFL, abi.SIG_IGN, wantHandler) {
		case abi.SIG_DFL:
			return kernel.SigAction{Handler: kernel.HandlerDefault}
		case abi.SIG_IGN:
			return kernel.SigAction{Handler: kernel.HandlerIgnore}
		}
	case starlark.Callable:
		return kernel.SigAction{Handler: kernel.HandlerFunc, Func: c.run.handler(v)}
	default:
		c.wrong("got %s, want %s", given(v), wantHandler)
	}
	return kernel.SigAction{}
}

// handler returns what the kernel calls when a signal is taken that fn handles.
func (r *run) handler(fn starlark.Callable) func(abi.Signal) {
	r.handlers = append(r.handlers, fn)
	return func(sig abi.Signal) {
		handle := func(t *thread) error {
			if r.opts.OnCall != nil {
				t.handled = append(t.handled, sig)
			}
			t.handling++
			defer func() { t.handling-- }()
			_, err := starlark.Call(t.star, fn, starlark.Tuple{starlark.MakeInt(int(sig))}, nil)
			return err
		}
		if t := r.current(); t != nil {
			if err := handle(t); err != nil {
				t.fail(err)
			}
			return
		}
		t := r.newThread("signal handler", &group{}, r.prog.first)
		t.begin(r.world.Current())
		defer t.end()
		if err := handle(t); err != nil {
			t.fail(err)
		}
	}
}

// current returns the thread that is in the program now, nil if it has not called its function yet, or has returned.
func (r *run) current() *thread {
	now := r.world.Current()
	for _, t := range r.live {
		if t.calls == now {
			return t
		}
	}
	return nil
}

func sigprocmask(c *call) (starlark.Value, error) {
	how, set := c.cint(), c.signals()
	if set == nil {
		c.wrong("got None, want a list of signals")
	}
	if c.err != nil {
		return nil, c.err
	}
	_, err := c.calls.Sigprocmask(how, *set)
	return c.zero(err)
}
