package replay

import (
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

// Options of a replay.
type Options struct {
	Version    kernel.Version
	Check      bool // verify every structure after every step
	Inferences bool // list them
	MaxSteps   uint64
	MaxTasks   int
	Tries      int  // executions in search of an order; 0: DefaultTry
	Doctor     bool // look for known patterns
	Trace      func(sim.Event)
	from       int // the moment from which on it is told
}

// Inference is something that must have happened outside of the log.
type Inference struct {
	Line int    `json:"line"`
	What string `json:"what"`
}

// tally is what an execution counts.
type tally struct {
	calls, checked, made, injected, inferred, rechecked, timeouts int
	inferences                                                    []Inference
	foreignFiles                                                  map[*vfs.File]bool
}
