package fuzz

import (
	"errors"
	"time"

	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/kernel/host"
	"github.com/epollsim/epollsim/sim"
)

// judge is the kernel that the model is compared with.
type judge interface {
	// sequential makes the calls of a program of one thread and tells their results in order.
	sequential(p *program, result func(i int, text []byte)) error
	// together makes a program of two threads.
	together(p *program) (*outcome, error)
	close() error
}

// outcome is what the threads of a program were told.
type outcome struct {
	calls, main, second, after []string
	late                       bool // a thread of the host was not in time
}

// blocked is the result of a call that does not end.
const blocked = "(blocked)"

// notMade is the result of a call behind it.
const notMade = "(not made)"

// hostJudge is the kernel of this machine.
type hostJudge struct {
	worker      *host.Worker
	runner      *runner
	spoilt      bool
	files       bool
	settle      time.Duration // after a call of a program with terminals
	connections int           // programs with connections since the last renewal
}

// renewAfter is how many programs with connections share a network: for a minute each leaves ports that are in use.
const renewAfter = 50

func newHostJudge(threads int) (*hostJudge, error) {
	w, err := host.NewWorker(threads, handled...)
	if err != nil {
		return nil, err
	}
	return &hostJudge{worker: w, runner: newRunner(), settle: settling[0]}, nil
}

func (h *hostJudge) close() error { return h.worker.Close() }

// prepare makes the worker as good as new for p.
func (h *hostJudge) prepare(p *program) error {
	err := error(nil)
	if h.spoilt {
		err = h.worker.Renew()
	} else {
		err = h.worker.Reset(h.files)
	}
	h.spoilt, h.files = p.spoil, p.files
	if p.timed {
		if h.connections++; h.connections == renewAfter {
			h.connections, h.spoilt = 0, true
		}
	}
	return err
}

// caller returns what makes call i of a list for a batch.
func (h *hostJudge) caller(list []call, result func(i int, text []byte)) func(int, kernel.Calls) {
	return func(i int, c kernel.Calls) {
		h.runner.Calls = c
		result(i, h.runner.do(list[i].op, list[i].args))
	}
}

func (h *hostJudge) sequential(p *program, result func(i int, text []byte)) error {
	if err := h.prepare(p); err != nil {
		return err
	}
	make := h.caller(p.calls, result)
	n, err := h.worker.Batch(0).Run(len(p.calls), patience+time.Duration(len(p.calls))*h.settle, func(i int, c kernel.Calls) {
		make(i, c)
		if p.settles(i) {
			c.Nanosleep(int64(h.settle))
		}
	})
	if n < len(p.calls) && err == nil {
		h.spoilt = true
		result(n, []byte(blocked))
	}
	return err
}

// settling is how long a worker of the host may take to carry bytes to the other end of a terminal. What differs is run
// again with more of it.
var settling = []time.Duration{100 * time.Microsecond, time.Millisecond, 10 * time.Millisecond, 10 * time.Millisecond, 30 * time.Millisecond}

// hasten sets how patient the judge is with terminals: step 0 is the least.
func (h *hostJudge) hasten(step int) { h.settle = settling[step] }

// patience is how long a list of calls that do not sleep may take. It is no time at which a timer of TCP comes.
const patience = 3500 * time.Millisecond

// stuckAfter is when a thread of the host is taken for blocked for ever: no call waits longer than some ms.
const stuckAfter = 300 * time.Millisecond

func (h *hostJudge) together(p *program) (*outcome, error) {
	if err := h.prepare(p); err != nil {
		return nil, err
	}
	o := &outcome{}
	main, second := h.worker.Batch(0), h.worker.Batch(1)
	o.calls = make([]string, len(p.calls))
	n, err := main.Run(len(p.calls), patience, h.caller(p.calls, into(o.calls)))
	if n < len(p.calls) || err != nil {
		h.spoilt = true
		return o, err
	}
	main.Stamps, second.Stamps = true, true
	ignore := func(int, []byte) {}
	if second.Record(0, len(p.second), h.caller(p.second, ignore)) < len(p.second) ||
		main.Record(0, len(p.main), h.caller(p.main, ignore)) < len(p.main) {
		return nil, host.ErrBatchSize
	}
	second.Start()
	main.Start()
	end := time.Now().Add(stuckAfter)
	done := second.Wait(time.Until(end))
	done = main.Wait(time.Until(end)) && done
	o.main = h.replay(main, p.main)
	o.second = h.replay(second, p.second)
	o.late = late(p, main.Times, second.Times)
	if !done {
		h.spoilt = true
		return o, nil
	}
	o.after = make([]string, len(p.after))
	_, err = main.Run(len(p.after), patience, h.caller(p.after, into(o.after)))
	return o, err
}

func into(list []string) func(int, []byte) {
	return func(i int, text []byte) { list[i] = string(text) }
}

// drift is how much later than it asked for a program may be. Its times are whole milliseconds, so that below
// this the order of what happens is that of the virtual times.
const drift = int64(700 * time.Microsecond)

// late adds up how much both threads were late.
func late(p *program, main, second []int64) bool {
	if len(main) == 0 || len(second) == 0 {
		return true
	}
	sum := main[0] - second[0]
	if sum < 0 {
		sum = -sum
	}
	return sum+overdue(p.main, main)+overdue(p.second, second) > drift
}

// overdue is how much longer than they may the calls of a list took. One that sleeps until somebody comes takes
// what it takes.
func overdue(list []call, times []int64) int64 {
	sum := int64(0)
	for i := range min(len(list), len(times)-1) {
		if most, ok := list[i].limit(); ok {
			sum += max(0, times[i+1]-times[i]-most)
		}
	}
	return sum
}

// replay reads the results of a list, up to a call that has not ended.
func (h *hostJudge) replay(b *host.Batch, list []call) []string {
	results := make([]string, len(list))
	n := b.Replay(0, len(list), h.caller(list, into(results)))
	if n < len(list) {
		results = append(results[:n], blocked)
	}
	return results
}

// together runs a program of two threads under a strategy. A deadlock is an outcome, not an error.
func (m *model) together(p *program, strategy sim.Strategy) (*outcome, error) {
	o := &outcome{}
	list := func(c kernel.Calls, calls []call, results *[]string) {
		r := newRunner()
		r.Calls = c
		for _, call := range calls {
			n := len(*results)
			*results = append(*results, blocked)
			text := string(r.do(call.op, call.args))
			if m.kernel.Machine().Now() > forEver {
				m.kernel.Stop(errForEver)
			}
			(*results)[n] = text
		}
	}
	err := m.run(strategy, func(c kernel.Calls) {
		list(c, p.calls, &o.calls)
		tid, _ := c.Clone("second", func(c kernel.Calls) { list(c, p.second, &o.second) })
		list(c, p.main, &o.main)
		c.Join(tid)
		list(c, p.after, &o.after)
	})
	if kernel.Deadlocked(err) || errors.Is(err, errForEver) {
		err = nil
	}
	return o, err
}

// forEver is the time (ns) from which on a call that still sleeps is blocked, for the host is not waited for any longer. Timers
// go that far, and virtual time does.
const forEver = int64(patience)

var errForEver = errors.New("everybody sleeps for longer than the host is waited for")

// ErrUnsupported says that there is no host to compare with.
var ErrUnsupported = host.ErrUnsupported

var errModel = errors.New("the model failed")
