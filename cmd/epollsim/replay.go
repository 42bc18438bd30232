package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/scenario/replay"
	"github.com/epollsim/epollsim/scenario/steps"
	"github.com/epollsim/epollsim/scenario/strace"
	"github.com/epollsim/epollsim/sim"
)

// replayFlags are the flags of replay.
type replayFlags struct {
	limits
	kernel string
	trace  string
	json   bool
	doctor bool
	output string
	tries  int
	check  bool
}

func newReplay() *cobra.Command {
	var f replayFlags
	cmd := &cobra.Command{
		Use:   "replay FILE.strace…",
		Short: "Replay the log of a real program and report the first divergence",
		Long: `Run a log of "strace -f -o FILE PROGRAM" on the model. Each result must be one that the model comes to, in some order of
the calls that overlap; the first one that cannot be explained is shown with the state of everything (exit code 4).
--trace=steps prints the log with what happened inside each call. docs/replay.md says how to record a log, what is
checked, and what is taken from the log. "-" is standard input. The files of "strace -ff -ttt" (FILE.1, FILE.2 …) are one log.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.kernel, "kernel", "", "kernel version to model, such as 5.10 (default: 6.18.y)")
	flags.StringVar(&f.trace, "trace", "none", "none, steps or strace: what the model did")
	flags.BoolVar(&f.json, "json", false, "report as lines of JSON on standard output (docs/replay.md)")
	flags.BoolVar(&f.doctor, "doctor", false, "add notes on known patterns of trouble")
	flags.StringVarP(&f.output, "output", "o", "", "write the trace to this file instead of standard output")
	flags.IntVar(&f.tries, "tries", replay.DefaultTry, "executions in search of an order of the calls")
	flags.BoolVar(&f.check, "check", false, "verify the invariants of every structure after every step")
	f.limits.flags(flags)
	return cmd
}

func (f *replayFlags) run(cmd *cobra.Command, files []string) error {
	switch f.trace {
	case "none", "steps", "strace":
	default:
		return usagef("--trace=%s: expected none, steps or strace", f.trace)
	}
	if f.output != "" && f.trace == "none" {
		return usagef("-o takes the trace; there is none without --trace")
	}
	if f.json && f.trace != "none" && f.output == "" {
		return usagef("--json and --trace both write to standard output; send the trace elsewhere with -o")
	}
	version := kernel.Baseline
	if f.kernel != "" {
		v, err := kernel.ParseVersion(f.kernel)
		if err != nil {
			return usagef("--kernel: %v", err)
		}
		version = v
	}
	f.watch()
	stdout := bufio.NewWriter(cmd.OutOrStdout())
	defer stdout.Flush()
	trace := io.Writer(stdout)
	if err := checkOutputs("log", files, output{"-o", f.output}); err != nil {
		return err
	}
	if f.output != "" && f.output != "-" {
		out, err := os.Create(f.output)
		if err != nil {
			return usagef("%v", plainPathError(err))
		}
		defer out.Close()
		trace = out
	}
	worst := 0
	for _, log := range logGroups(files) {
		code, err := f.one(cmd, log, version, trace, stdout)
		if err != nil {
			return err
		}
		if worst == 0 || code == replay.ExitDiverged {
			worst = code
		}
	}
	if worst != 0 {
		return exitError{code: worst}
	}
	return nil
}

// stepsOfCall is how much longer a replay may be for each call of its log, unless --max-steps says how long.
const stepsOfCall = 1000

// one replays one log.
func (f *replayFlags) one(cmd *cobra.Command, files []string, version kernel.Version, trace, stdout io.Writer) (int, error) {
	log, err := readLog(files, cmd.InOrStdin())
	if err != nil {
		return 0, err
	}
	defer log.Close()
	steps := f.steps
	if !cmd.Flags().Changed("max-steps") {
		steps += stepsOfCall * uint64(log.Stats.Calls)
	}
	view, show := f.view(trace)
	r := replay.Run(log, replay.Options{
		Version: version, Check: f.check, Inferences: true, MaxSteps: steps, MaxTasks: f.tasks, Tries: f.tries,
		Doctor: f.doctor, Trace: show,
	})
	if view != nil {
		if err := view.Close(); err != nil {
			return 0, usagef("writing the trace: %v", err)
		}
	}
	if f.json {
		if err := r.JSON(stdout); err != nil {
			return 0, usagef("writing to standard output: %v", err)
		}
	} else {
		r.Text(cmd.ErrOrStderr())
	}
	if code := r.ExitCode(); code != 0 {
		if !f.json {
			fmt.Fprintf(cmd.ErrOrStderr(), "run it again: epollsim replay --trace=steps %s\n", strings.Join(files, " "))
		}
		return code, nil
	}
	return 0, nil
}

func (f *replayFlags) view(out io.Writer) (view, func(sim.Event)) {
	switch f.trace {
	case "steps":
		v := steps.New(out, steps.Options{})
		return v, v.Event
	case "strace":
		v := &straceView{strace.New(out, strace.Options{}), out}
		return v, v.Event
	}
	return nil, nil
}
