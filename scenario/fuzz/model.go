package fuzz

import (
	"pgregory.net/rapid"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/eventpoll"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/sim"
)

// model makes programs, and runs them on the model while it does.
type model struct {
	gen     generator
	prog    program
	pool    sim.Pool
	version kernel.Version
	cover   eventpoll.Coverage
	slots   []*op          // of sequential programs
	kernel  *kernel.Kernel // of the run
}

func newModel(v kernel.Version) *model {
	return &model{gen: generator{runner: newRunner()}, version: v, slots: sequentialSlots}
}

// run boots a kernel, ignores SIGPIPE and handles signals as the host's worker does, and runs fn.
func (m *model) run(strategy sim.Strategy, fn func(c kernel.Calls)) error {
	k := kernel.Boot(kernel.Options{Version: m.version, Machine: sim.Options{Pool: &m.pool, Strategy: strategy, MaxSteps: maxSteps}})
	k.Cover(&m.cover)
	m.kernel = k
	return k.Run(func(c kernel.Calls) {
		c.Sigaction(abi.SIGPIPE, kernel.SigAction{Handler: kernel.HandlerIgnore})
		for _, sig := range handled {
			c.Sigaction(sig, kernel.SigAction{Handler: kernel.HandlerFunc, Func: func(abi.Signal) {}})
		}
		fn(c)
	})
}

// maxSteps ends a model that runs in circles.
const maxSteps = 10_000_000

// sequential makes the program of some random numbers. The error is the model's: it must not fail.
func (m *model) sequential(words []uint64, calls int) (*program, error) {
	err := m.run(nil, func(c kernel.Calls) {
		m.gen.begin(&m.prog, c, calls)
		m.gen.sequential(words, m.slots)
	})
	return &m.prog, err
}

// words draws what a program of n calls is made of: two numbers a row. Some make several calls, some none.
func words(n int) *rapid.Generator[[]uint64] {
	n = 2 * (n + n/4)
	return rapid.SliceOfN(rapid.Uint64(), n, n)
}
