package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/scenario"
	"github.com/epollsim/epollsim/sim"
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
		Short: "Run a scenario under every schedule up to a preemption bound",
		Long: `Enumerate the schedules of a scenario: every one with at most --max-preemptions switches away from a thread
that could have gone on, one after the other. Print what the final conditions and recorded outcomes were, how
often, and for each a schedule that "epollsim run --schedule=TOKEN" replays.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0]) },
	}
	flags := cmd.Flags()
	flags.IntVar(&f.bound, "max-preemptions", 2, "preemptions of a schedule; -1: no bound")
	flags.Uint64Var(&f.schedules, "max-schedules", 1_000_000, "schedules to try")
	flags.DurationVar(&f.duration, "max-duration", 40*time.Second, "time to spend")
	flags.StringVar(&f.kernel, "kernel", "", "kernel version to model, such as 5.10 (default: what the scenario says, or 6.18.y)")
	flags.BoolVar(&f.check, "check", false, "verify the invariants of every structure after every step")
	f.limits.flags(flags)
	return cmd
}

// tally counts what a final condition or an outcome was over all schedules.
type tally struct {
	text     string
	kind     string
	positive uint64
	negative uint64
	holds    string // token of the first schedule in which it held, and in which not
	fails    string
}

// exploration is what the schedules tried so far have shown.
type exploration struct {
	runs       uint64
	failed     uint64
	deadlocks  uint64
	limited    uint64
	failure    string // report of the first failed run
	conditions []*tally
	outcomes   []*tally // in order of first appearance
}

func (f *exploreFlags) run(cmd *cobra.Command, file string) error {
	p, err := compile(cmd, file)
	if err != nil {
		return err
	}
	version, err := kernelVersion(f.kernel, p)
	if err != nil {
		return err
	}
	f.watch()
	pool := &sim.Pool{}
	defer pool.Close()
	enum := &sim.Enumeration{Bound: f.bound}
	var x exploration
	start := time.Now()
	complete := false
	for !complete && x.runs < f.schedules && time.Since(start) < f.duration {
		enum.Begin()
		k := kernel.Boot(kernel.Options{Version: version, Check: f.check, Machine: sim.Options{
			Strategy: enum, Pool: pool, MaxSteps: f.steps, MaxTasks: f.tasks,
		}})
		res := scenario.Run(k, p, scenario.Options{MaxSteps: f.starlark})
		if res.Error != nil {
			(&report{w: cmd.ErrOrStderr(), again: "epollsim run --schedule=" + k.Machine().Token() + " " + file}).result(res)
			return exitError{code: scenario.ExitScenario}
		}
		x.add(res, k.Machine().Token(), file)
		complete = !enum.Advance()
	}
	out := bufio.NewWriter(cmd.OutOrStdout())
	x.print(out, file, p.Filename())
	switch {
	case !complete:
		fmt.Fprintf(out, "Not complete: %d schedules tried, more are left (bound %s)\n", x.runs, f.boundText())
	case enum.Exhaustive():
		fmt.Fprintf(out, "Complete: exhaustive, %d schedules\n", x.runs)
	default:
		fmt.Fprintf(out, "Complete: ≤ %d preemptions, %d schedules\n", f.bound, x.runs)
	}
	if err := out.Flush(); err != nil {
		return usagef("writing to standard output: %v", err)
	}
	switch {
	case x.failed > 0:
		fmt.Fprint(cmd.ErrOrStderr(), x.failure)
		return exitError{code: scenario.ExitFailed}
	case !complete || x.limited > 0:
		return exitError{scenario.ExitLimit, "the result is inconclusive: raise --max-schedules or --max-duration, or lower --max-preemptions"}
	}
	return nil
}

func (f *exploreFlags) boundText() string {
	if f.bound < 0 {
		return "none"
	}
	return fmt.Sprintf("%d preemptions", f.bound)
}

// add counts one run.
func (x *exploration) add(res *scenario.Result, token, file string) {
	x.runs++
	switch res.ExitCode() {
	case scenario.ExitLimit:
		x.limited++
		return
	case scenario.ExitFailed:
		x.failed++
		if kernel.Deadlocked(res.Err) {
			x.deadlocks++
		}
		if x.failure == "" {
			var b strings.Builder
			rep := report{w: &b, again: "epollsim run --schedule=" + token + " " + file}
			for _, fail := range res.Failed {
				fmt.Fprintln(&b, fail)
			}
			rep.result(res)
			x.failure = b.String()
		}
	}
	for i, c := range res.Conditions {
		if i == len(x.conditions) {
			x.conditions = append(x.conditions, &tally{text: c.Text, kind: c.Kind})
		}
		x.conditions[i].count(c.Value, token)
	}
	if len(res.Outcomes) > 0 {
		var parts []string
		for _, o := range res.Outcomes {
			parts = append(parts, o.String())
		}
		x.outcome(strings.Join(parts, "; ")).count(true, token)
	}
}

func (t *tally) count(value bool, token string) {
	switch {
	case value:
		if t.positive++; t.holds == "" {
			t.holds = token
		}
	default:
		if t.negative++; t.fails == "" {
			t.fails = token
		}
	}
}

func (x *exploration) outcome(text string) *tally {
	for _, t := range x.outcomes {
		if t.text == text {
			return t
		}
	}
	t := &tally{text: text}
	x.outcomes = append(x.outcomes, t)
	return t
}

// verdict is the word of herd for how often something held.
func (t *tally) verdict() string {
	switch {
	case t.negative == 0 && t.positive > 0:
		return "Always"
	case t.positive == 0:
		return "Never"
	}
	return "Sometimes"
}

// print writes the verdict block: failures first, outcomes, then a line for each condition.
func (x *exploration) print(w io.Writer, file, name string) {
	if x.failed > 0 {
		fmt.Fprintf(w, "Failed %d of %d schedules", x.failed, x.runs)
		if x.deadlocks > 0 {
			fmt.Fprintf(w, ", %d of them deadlocks", x.deadlocks)
		}
		fmt.Fprintln(w)
	}
	if len(x.outcomes) > 0 {
		fmt.Fprintf(w, "States %d\n", len(x.outcomes))
		for _, t := range x.outcomes {
			fmt.Fprintf(w, "%8d  %s  --schedule=%s\n", t.positive, t.text, t.holds)
		}
	}
	for _, t := range x.conditions {
		fmt.Fprintf(w, "Condition %s(%s)\n", t.kind, t.text)
		if t.holds != "" {
			fmt.Fprintf(w, "  holds with --schedule=%s\n", t.holds)
		}
		if t.fails != "" {
			fmt.Fprintf(w, "  fails with --schedule=%s\n", t.fails)
		}
		fmt.Fprintf(w, "Observation %s %s %d %d\n", name, t.verdict(), t.positive, t.negative)
	}
}
