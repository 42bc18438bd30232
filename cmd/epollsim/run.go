package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/scenario"
	"github.com/epollsim/epollsim/sim"
)

// runFlags are the flags of run.
type runFlags struct {
	limits
	viewFlags
	schedule string
	seed     uint64
	kernel   string
	output   string
	verify   bool
}

func newRun() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run FILE.star…",
		Short: "Run scenarios and print the trace of their system calls",
		Long: `Run a scenario on the model and print its system calls as strace -f prints them. Several files, or a folder,
print one KTAP line each instead, and the exit code is that of the worst. "-" is standard input.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	f.define(cmd.Flags())
	return cmd
}

func (f *runFlags) define(flags *pflag.FlagSet) {
	flags.StringVar(&f.schedule, "schedule", "", "run-to-block (default), random, pct, pct:DEPTH, or the token of a recorded schedule")
	flags.Uint64Var(&f.seed, "seed", 1, "seed of random and pct schedules")
	flags.StringVar(&f.kernel, "kernel", "", "kernel version to model, such as 5.10 (default: what the scenario says, or 6.18.y)")
	f.viewFlags.flags(flags)
	flags.StringVarP(&f.output, "output", "o", "", "write the trace to this file instead of standard output")
	flags.BoolVar(&f.verify, "check", true, "verify the invariants of every structure after every step")
	f.limits.flags(flags)
}

func (f *runFlags) run(cmd *cobra.Command, args []string) error {
	files, many, err := scenarioFiles(args)
	if err != nil {
		return err
	}
	if err := f.viewFlags.check(); err != nil {
		return err
	}
	if _, err := f.strategy(); err != nil {
		return err
	}
	if err := f.limits.check(); err != nil {
		return err
	}
	f.watch()
	if many {
		if f.output != "" {
			return usagef("-o takes the trace of one scenario; there are %d", len(files))
		}
		if name := f.single(); name != "" {
			return usagef("%s is for one scenario; there are %d", name, len(files))
		}
		return f.runAll(cmd, files)
	}
	return f.runOne(cmd, files[0])
}

// strategy makes the strategy that the flags name; one that draws is new for every run.
func (f *runFlags) strategy() (sim.Strategy, error) {
	name, arg, hasArg := strings.Cut(f.schedule, ":")
	switch {
	case f.schedule == "" || f.schedule == "run-to-block":
		return sim.RunToBlock{}, nil
	case f.schedule == "random":
		return sim.NewRandom(f.seed), nil
	case name == "pct":
		depth := 3
		if hasArg {
			n, err := strconv.Atoi(arg)
			if err != nil || n < 1 {
				return nil, usagef("--schedule=%s: the depth after pct: must be a number from 1 on", f.schedule)
			}
			depth = n
		}
		return sim.NewPCT(depth, pctDecisions, f.seed), nil
	}
	replay, err := sim.NewReplay(f.schedule)
	if err != nil {
		return nil, usagef("--schedule: %v; expected run-to-block, random, pct, pct:DEPTH, or a token", err)
	}
	return replay, nil
}

// pctDecisions is how long a run PCT places its change points in: about a hundred calls.
const pctDecisions = 2000

// recorded is how many of the last steps a report of a broken invariant shows.
const recorded = 20

// boot makes the kernel of one run.
func (f *runFlags) boot(p *scenario.Program, trace func(sim.Event), afterStep func()) (*kernel.Kernel, sim.Strategy, error) {
	version, err := kernelVersion(f.kernel, p)
	if err != nil {
		return nil, nil, err
	}
	strategy, err := f.strategy()
	if err != nil {
		return nil, nil, err
	}
	k := kernel.Boot(kernel.Options{
		Version:    version,
		Check:      f.verify,
		TraceState: f.state,
		Machine: sim.Options{
			Strategy: strategy, MaxSteps: f.steps, MaxTasks: f.tasks, Recorder: recorded, Trace: trace, AfterStep: afterStep,
		},
	})
	return k, strategy, nil
}

// runOne runs a scenario with its trace.
func (f *runFlags) runOne(cmd *cobra.Command, file string) error {
	p, err := compile(cmd, file)
	if err != nil {
		return err
	}
	if err := f.warnStranger(cmd.ErrOrStderr(), p); err != nil {
		return err
	}
	if err := checkOutputs("scenario", []string{file}, output{"-o", f.output}, output{"--svg", f.svg}); err != nil {
		return err
	}
	stdout := bufio.NewWriter(cmd.OutOrStdout())
	out, closeOut, err := f.traceFile(stdout)
	if err != nil {
		return err
	}
	view, draw := f.view(out), f.drawing()
	prints := io.Writer(stdout)
	if view != nil && f.output == "" {
		prints = flushing{view, stdout}
	}
	stop := &stopper{step: f.until}
	k, strategy, err := f.boot(p, f.tracer(view, draw), stop.hook())
	if err != nil {
		return err
	}
	stop.k = k
	rep := &report{w: cmd.ErrOrStderr(), again: f.again(file)}
	res := scenario.Run(k, p, scenario.Options{Stdout: prints, MaxSteps: f.starlark, OnCheck: rep.onCheck(k)})
	if view != nil {
		if err := view.Close(); err != nil {
			return usagef("writing the trace: %v", err)
		}
	}
	if err := draw.write(); err != nil {
		return err
	}
	errStop := stop.show(stdout, f.json)
	if err := stdout.Flush(); err != nil {
		return usagef("writing to standard output: %v", err)
	}
	if err := closeOut(); err != nil {
		return usagef("%v", plainPathError(err))
	}
	if stoppedHere(res.Err) {
		res = &scenario.Result{Failed: res.Failed, MoreFailed: res.MoreFailed} // the rest is not over yet
	}
	rep.result(res)
	code := res.ExitCode()
	if code == 0 && errStop != nil {
		return errStop
	}
	if r, ok := strategy.(*sim.Replay); ok && r.Err() != nil {
		fmt.Fprintf(rep.w, "epollsim: %v\n", r.Err())
		if code == 0 {
			code = exitUsage
		}
	}
	if code != 0 {
		return exitError{code: code}
	}
	return nil
}

// flushing lets the lines of the trace that are complete go before what the scenario prints.
type flushing struct {
	trace view
	w     io.Writer
}

func (f flushing) Write(p []byte) (int, error) {
	if err := f.trace.Flush(); err != nil {
		return 0, err
	}
	return f.w.Write(p)
}

// traceFile opens what -o names.
func (f *runFlags) traceFile(stdout io.Writer) (io.Writer, func() error, error) {
	if f.output == "" || f.output == "-" {
		return stdout, func() error { return nil }, nil
	}
	w, err := os.Create(f.output)
	if err != nil {
		return nil, nil, usagef("%v", plainPathError(err))
	}
	return w, w.Close, nil
}

// again is the command line that runs a scenario as this one did.
func (f *runFlags) again(file string) string {
	var b strings.Builder
	b.WriteString("epollsim run")
	if f.schedule != "" {
		fmt.Fprintf(&b, " --schedule=%s", f.schedule)
	}
	if f.schedule == "random" || strings.HasPrefix(f.schedule, "pct") {
		fmt.Fprintf(&b, " --seed=%d", f.seed)
	}
	if f.kernel != "" {
		fmt.Fprintf(&b, " --kernel=%s", f.kernel)
	}
	if !f.verify {
		b.WriteString(" --check=false")
	}
	return b.String() + " " + file
}

// runAll runs many scenarios and prints a KTAP line each.
func (f *runFlags) runAll(cmd *cobra.Command, files []string) error {
	out := bufio.NewWriter(cmd.OutOrStdout())
	defer out.Flush()
	fmt.Fprintf(out, "KTAP version 1\n1..%d\n", len(files))
	worst := 0
	for i, file := range files {
		var text bytes.Buffer
		code := f.runQuiet(cmd, file, &text)
		status := "ok"
		if code != 0 {
			status = "not ok"
		}
		fmt.Fprintf(out, "%s %d %s\n", status, i+1, file)
		for line := range strings.Lines(text.String()) {
			fmt.Fprintf(out, "# %s\n", strings.TrimRight(line, "\n"))
		}
		if rank(code) > rank(worst) {
			worst = code
		}
	}
	if worst != 0 {
		return exitError{code: worst}
	}
	return nil
}

// runQuiet runs one of many: what it prints and reports goes to text.
func (f *runFlags) runQuiet(cmd *cobra.Command, file string, text *bytes.Buffer) int {
	p, err := compile(cmd, file)
	var k *kernel.Kernel
	if err == nil {
		err = f.warnStranger(cmd.ErrOrStderr(), p)
	}
	if err == nil {
		k, _, err = f.boot(p, nil, nil)
	}
	if err != nil {
		fmt.Fprintln(text, err)
		return err.(exitError).code
	}
	rep := &report{w: text, again: f.again(file)}
	res := scenario.Run(k, p, scenario.Options{Stdout: text, MaxSteps: f.starlark, OnCheck: rep.onCheck(k)})
	rep.result(res)
	return res.ExitCode()
}

// rank orders exit codes from well to worst: a failure says more than a limit, and a program that is wrong
// says nothing about the rest.
func rank(code int) int {
	switch code {
	case scenario.ExitOK:
		return 0
	case scenario.ExitLimit:
		return 1
	case scenario.ExitFailed:
		return 2
	case exitUsage:
		return 3
	}
	return 4
}
