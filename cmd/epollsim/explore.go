package main

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/scenario"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/sim/explore"
)

// exploreFlags are the flags of explore.
type exploreFlags struct {
	limits
	bound     int
	schedules uint64
	duration  time.Duration
	kernel    string
	check     bool
	json      bool
	strategy  string
	seed      uint64
	table     bool
	file      string // of the checkpoint
	cores     int
	shrunk    string // where the smaller program goes

	interrupted atomic.Bool
	saved       []byte // the checkpoint as it was last written
	unsaved     error
}

func newExplore() *cobra.Command {
	var f exploreFlags
	cmd := &cobra.Command{
		Use:   "explore FILE.star",
		Short: "Run a scenario under every interleaving that can be told apart",
		Long: `Run a scenario under every interleaving that can be told apart: first those without a preemption (a switch
away from a thread that could have gone on), then those with one, two, … until nothing is left or --max-preemptions
or --max-duration is reached. Print what the final conditions and recorded outcomes were, how often, and for each a
schedule that "epollsim run --schedule=TOKEN" replays.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0]) },
	}
	flags := cmd.Flags()
	flags.IntVar(&f.bound, "max-preemptions", -1, "preemptions of a schedule; -1: no bound")
	flags.Uint64Var(&f.schedules, "max-schedules", 0, "schedules to try; 0: no limit")
	flags.DurationVar(&f.duration, "max-duration", 40*time.Second, "time to spend; 0: no limit")
	flags.StringVar(&f.kernel, "kernel", "", "kernel version to model, such as 5.10 (default: what the scenario says, or 6.18.y)")
	flags.BoolVar(&f.check, "check", true, "verify the invariants of every structure after every step")
	flags.BoolVar(&f.json, "json", false, "print the report as NDJSON")
	flags.StringVar(&f.strategy, "strategy", "", "draw schedules at random instead: random, pct or pos")
	flags.Uint64Var(&f.seed, "seed", 1, "seed of --strategy")
	flags.StringVar(&f.file, "checkpoint", "", "go on from this file if it exists, and write it every 20 s and when a limit or an interrupt ends the exploration")
	flags.IntVarP(&f.cores, "jobs", "j", 1, "cores to use; the result is the same")
	flags.StringVar(&f.shrunk, "shrink", "", "when a run fails, write to this file a smaller program that fails the same way; into a folder, one for each failure")
	flags.BoolVar(&f.table, "table", true, "print the interleaving of each witness, a column per thread")
	f.limits.flags(flags)
	f.limits.defaults(flags, exploreSteps, exploreStarlark)
	return cmd
}

func (f *exploreFlags) run(cmd *cobra.Command, file string) error {
	if err := f.limits.check(); err != nil {
		return err
	}
	if f.bound < -1 {
		return usagef("--max-preemptions=%d: expected a number from 0 on, or -1 for no bound", f.bound)
	}
	if f.cores < 1 || f.cores > maxCores {
		return usagef("-j %d: want a number from 1 to %d", f.cores, maxCores)
	}
	p, err := compile(cmd, file)
	if err != nil {
		return err
	}
	version, err := kernelVersion(f.kernel, p)
	if err != nil {
		return err
	}
	outs := []output{{"--checkpoint", f.file}}
	if !isFolder(f.shrunk) {
		outs = append(outs, output{"--shrink", f.shrunk})
	}
	if err := checkOutputs("scenario", []string{file}, outs...); err != nil {
		return err
	}
	f.watch()
	debug.SetGCPercent(400) // runs are short-lived: memory is flat all the same
	boot := f.booter(version)
	opts, err := f.options(p, version)
	if err != nil {
		return err
	}
	opts.Progress = f.progress(cmd)
	program := p.Explored(boot, scenario.Options{MaxSteps: f.starlark})
	r := f.explore(program, opts)
	if opts.Progress != nil {
		opts.Progress(explore.Progress{}) // the line goes
	}
	r.Stamp(stamp(p.Source(), version))
	if r.Err != nil {
		return f.mistake(cmd, r, file)
	}
	if err := f.write(cmd.OutOrStdout(), p, program, r); err != nil {
		return usagef("writing to standard output: %v", err)
	}
	if f.unsaved != nil {
		return f.unsaved
	}
	if r.Failed > 0 {
		f.failures(cmd, r, file)
		if err := f.shrink(cmd, p, boot, version, r); err != nil {
			return err
		}
		return exitError{code: scenario.ExitFailed}
	}
	return f.conclusive(r, file)
}

// bootFunc makes the kernel of one run.
type bootFunc = func(sim.Options) *kernel.Kernel

func (f *exploreFlags) booter(version kernel.Version) bootFunc {
	return func(machine sim.Options) *kernel.Kernel {
		machine.MaxSteps, machine.MaxTasks = f.steps, f.tasks
		return kernel.Boot(kernel.Options{Version: version, Check: f.check, Machine: machine})
	}
}

// options are what the flags say of an exploration.
func (f *exploreFlags) options(p *scenario.Program, version kernel.Version) (opts explore.Options, err error) {
	opts = explore.Options{MaxSchedules: f.schedules, MaxDuration: f.duration, Seed: f.seed, Cores: f.cores}
	if opts.Sampling, err = f.sampling(); err != nil {
		return opts, err
	}
	if f.bound >= 0 {
		opts.Bound = explore.UpTo(f.bound)
	}
	opts.Name = fmt.Sprintf("%s %x, kernel %s, --check=%t", p.Filename(), sha256.Sum256(p.Source()), version, f.check)
	return opts, f.checkpoint(&opts)
}

func (f *exploreFlags) write(w io.Writer, p *scenario.Program, program explore.Program, r *explore.Report) error {
	out := bufio.NewWriter(w)
	if f.json {
		f.tablesJSON(out, program, r)
		if err := r.WriteJSON(out, p.Filename()); err != nil {
			return err
		}
	} else {
		r.WriteText(out, p.Filename())
		f.tables(out, program, r)
	}
	return out.Flush()
}

// conclusive is the error of an exploration in which nothing failed, but which has not seen all that it was to see.
func (f *exploreFlags) conclusive(r *explore.Report, file string) error {
	covered := "not even all schedules without a preemption are covered"
	if !r.Nothing {
		covered = "all that is covered is " + r.Verdict()
	}
	switch {
	case r.Limited > 0 && !r.Complete(min(f.wanted(), enough)):
		again := f.again(explore.Brief(r.Limit.Token), fmt.Sprintf("--max-steps=%d --max-starlark-steps=%d %s", f.steps, f.starlark, file))
		return exitError{scenario.ExitLimit, fmt.Sprintf("the result is inconclusive: %d of %d schedules reached --max-steps, --max-starlark-steps or "+
			"--max-tasks, and %s; bound the loop that waits for another thread, or raise the limit (%s shows where)", r.Limited, r.Total, covered, again)}
	case f.interrupted.Load():
		return exitError{exitInterrupted, "interrupted"}
	case r.Sampled:
		return exitError{scenario.ExitLimit, fmt.Sprintf("the result is inconclusive: %d schedules were drawn and none of them failed, which says nothing of the others", r.Total)}
	case !r.Complete(min(f.wanted(), enough)):
		return exitError{scenario.ExitLimit, "the result is inconclusive: " + covered + "; raise --max-schedules or --max-duration, make the scenario " +
			"smaller (fewer threads, fewer calls in each, a bound for loops that wait for another thread), or draw schedules with --strategy=pct"}
	}
	return nil
}

// Limits of a single run unless others are asked for: what runs longer than that has a loop without a bound, or cannot be
// covered anyway.
const (
	exploreSteps    = 20_000
	exploreStarlark = 1_000_000
)

// maxCores is how many cores -j may ask for.
const maxCores = 256

// enough is the bound that an exploration has to complete to be conclusive.
const enough = 2

func (f *exploreFlags) wanted() int {
	if f.bound < 0 {
		return enough
	}
	return f.bound
}

// mistake reports what is wrong with the scenario itself.
func (f *exploreFlags) mistake(cmd *cobra.Command, r *explore.Report, file string) error {
	var mistake *scenario.Error
	if !errors.As(r.Err, &mistake) {
		return exitError{scenario.ExitScenario, r.Err.Error()}
	}
	rep := report{w: cmd.ErrOrStderr(), again: f.again(r.Token, file)}
	rep.result(&scenario.Result{Error: mistake})
	return exitError{code: scenario.ExitScenario}
}

// failures reports each kind of failure with a run that shows it.
func (f *exploreFlags) failures(cmd *cobra.Command, r *explore.Report, file string) {
	for _, o := range r.Failures {
		fmt.Fprintln(cmd.ErrOrStderr(), o.Text)
		rep := report{w: cmd.ErrOrStderr()}
		rep.runError(o.Witness.Err)
		fmt.Fprintln(cmd.ErrOrStderr(), "run it again:", f.again(o.Witness.Token, file))
	}
}

// again is the command that replays a schedule as it was explored.
func (f *exploreFlags) again(token, file string) string {
	command := "epollsim run"
	if !f.check {
		command += " --check=false"
	}
	if f.kernel != "" {
		command += " --kernel=" + f.kernel
	}
	return command + " --schedule=" + token + " " + file
}

func (f *exploreFlags) sampling() (explore.Sampling, error) {
	if f.strategy == "" {
		return explore.NoSampling, nil
	}
	s, ok := explore.Samplings[f.strategy]
	if !ok {
		return 0, usagef("--strategy=%s: want random, pct or pos", f.strategy)
	}
	return s, nil
}

// progress returns what shows how far the exploration is, on a terminal only.
func (f *exploreFlags) progress(cmd *cobra.Command) func(explore.Progress) {
	file := cmd.ErrOrStderr()
	if !isTerminal(file) {
		return nil
	}
	last := time.Duration(0)
	return func(p explore.Progress) {
		switch {
		case p.Runs == 0:
			fmt.Fprint(file, "\r\x1b[K")
		case p.Elapsed-last > 200*time.Millisecond:
			last = p.Elapsed
			bound := "no bound"
			if n, ok := p.Bound.Limit(); ok {
				bound = fmt.Sprintf("≤ %d preemptions", n)
			}
			fmt.Fprintf(file, "\r\x1b[K%s: %d schedules, %.0f/s, about %.0f%% of this bound", bound, p.Runs, float64(p.Runs)/p.Elapsed.Seconds(), 100*p.Done)
		}
	}
}
