package main

import (
	"fmt"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"time"

	"github.com/spf13/pflag"

	"github.com/epollsim/epollsim/scenario"
	"github.com/epollsim/epollsim/sim"
)

// limits are the bounds of a run; reaching one is exit code 5.
type limits struct {
	steps    uint64
	starlark uint64
	tasks    int
	memory   int64 // bytes
}

func (l *limits) flags(f *pflag.FlagSet) {
	f.Uint64Var(&l.steps, "max-steps", sim.DefaultMaxSteps, "kernel steps of a run")
	f.Uint64Var(&l.starlark, "max-starlark-steps", scenario.DefaultMaxSteps, "Starlark steps of a run")
	f.IntVar(&l.tasks, "max-tasks", sim.DefaultMaxTasks, "threads alive at once")
	f.Int64Var(&l.memory, "max-memory", 2<<30, "bytes of memory of the whole command")
}

// defaults gives a command other limits of a run than those of run; its help names them.
func (l *limits) defaults(f *pflag.FlagSet, steps, starlark uint64) {
	l.steps, l.starlark = steps, starlark
	f.Lookup("max-steps").DefValue = strconv.FormatUint(steps, 10)
	f.Lookup("max-starlark-steps").DefValue = strconv.FormatUint(starlark, 10)
}

// check refuses limits that let nothing run.
func (l *limits) check() error {
	for _, limit := range []struct {
		flag string
		ok   bool
	}{
		{"--max-steps", l.steps > 0},
		{"--max-starlark-steps", l.starlark > 0},
		{"--max-tasks", l.tasks > 0},
		{"--max-memory", l.memory > 0},
	} {
		if !limit.ok {
			return usagef("%s: expected a number from 1 on", limit.flag)
		}
	}
	return nil
}

// watch ends the command when it uses more memory than allowed. It looks from the side, because a value that
// doubles leaves no step at which to look.
func (l *limits) watch() {
	debug.SetMemoryLimit(l.memory)
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	go func() {
		for range time.Tick(20 * time.Millisecond) {
			metrics.Read(sample)
			if sample[0].Value.Uint64() > uint64(l.memory) {
				fmt.Fprintf(os.Stderr, "epollsim: limit reached: %d bytes of memory (raise it with --max-memory)\n", l.memory)
				os.Exit(scenario.ExitLimit)
			}
		}
	}()
}
