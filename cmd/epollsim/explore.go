package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
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
	flags.DurationVar(&f.duration, "max-duration", 40*time.Second, "time to spend")
	flags.StringVar(&f.kernel, "kernel", "", "kernel version to model, such as 5.10 (default: what the scenario says, or 6.18.y)")
	flags.BoolVar(&f.check, "check", false, "verify the invariants of every structure after every step")
	f.limits.flags(flags)
	return cmd
}

func (f *exploreFlags) run(cmd *cobra.Command, file string) error {
	if err := f.limits.check(); err != nil {
		return err
	}
	p, err := compile(cmd, file)
	if err != nil {
		return err
	}
	version, err := kernelVersion(f.kernel, p)
	if err != nil {
		return err
	}
	f.watch()
	boot := func(machine sim.Options) *kernel.Kernel {
		machine.MaxSteps, machine.MaxTasks = f.steps, f.tasks
		return kernel.Boot(kernel.Options{Version: version, Check: f.check, Machine: machine})
	}
	opts := explore.Options{MaxSchedules: f.schedules, MaxDuration: f.duration}
	if f.bound >= 0 {
		opts.Bound = explore.UpTo(f.bound)
	}
	r := explore.Explore(p.Explored(boot, scenario.Options{MaxSteps: f.starlark}), opts)
	if r.Err != nil {
		return f.mistake(cmd, r, file)
	}
	out := bufio.NewWriter(cmd.OutOrStdout())
	printExplored(out, r, p.Filename())
	if err := out.Flush(); err != nil {
		return usagef("writing to standard output: %v", err)
	}
	switch {
	case r.Failed > 0:
		f.failures(cmd, r, file)
		return exitError{code: scenario.ExitFailed}
	case r.Limited > 0:
		return exitError{scenario.ExitLimit, fmt.Sprintf("the result is inconclusive: %d of %d schedules reached --max-steps, "+
			"--max-starlark-steps or --max-tasks; raise it (epollsim run %s shows which, and where)", r.Limited, r.Runs, file)}
	case !r.Complete(min(f.wanted(), enough)):
		return exitError{scenario.ExitLimit, "the result is inconclusive: raise --max-schedules or --max-duration, or make the scenario smaller"}
	}
	return nil
}

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
		return r.Err
	}
	rep := report{w: cmd.ErrOrStderr(), again: "epollsim run --schedule=" + r.Token + " " + file}
	rep.result(&scenario.Result{Error: mistake})
	return exitError{code: scenario.ExitScenario}
}

// failures reports each kind of failure with a run that shows it.
func (f *exploreFlags) failures(cmd *cobra.Command, r *explore.Report, file string) {
	for _, o := range r.Failures {
		fmt.Fprintln(cmd.ErrOrStderr(), o.Text)
		rep := report{w: cmd.ErrOrStderr()}
		rep.runError(o.Witness.Err)
		fmt.Fprintf(cmd.ErrOrStderr(), "run it again: epollsim run --schedule=%s %s\n", o.Witness.Token, file)
	}
}

// printExplored writes the verdict block: failures first, outcomes, then a line for each condition.
func printExplored(w io.Writer, r *explore.Report, name string) {
	if r.Failed > 0 {
		fmt.Fprintf(w, "Failed %d of %d schedules\n", r.Failed, r.Runs)
	}
	if len(r.States) > 0 {
		fmt.Fprintf(w, "States %d\n", len(r.States))
		for _, o := range r.States {
			fmt.Fprintf(w, "%8d  %s  --schedule=%s\n", o.Count, o.Text, o.Witness.Token)
		}
	}
	for _, t := range r.Conditions {
		fmt.Fprintf(w, "Condition %s\n", t.Text)
		if t.Positive.Count > 0 {
			fmt.Fprintf(w, "  holds with --schedule=%s\n", t.Positive.Witness.Token)
		}
		if t.Negative.Count > 0 {
			fmt.Fprintf(w, "  fails with --schedule=%s\n", t.Negative.Witness.Token)
		}
		fmt.Fprintf(w, "Observation %s %s %d %d\n", name, t.Observation(), t.Positive.Count, t.Negative.Count)
	}
	fmt.Fprintf(w, "Complete: %s, %d schedules\n", r.Verdict(), r.Runs)
}
