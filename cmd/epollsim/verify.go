package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/kernel/host"
	"github.com/epollsim/epollsim/scenario"
	"github.com/epollsim/epollsim/scenario/verify"
	"github.com/epollsim/epollsim/sim/explore"
)

// exitDiverged says that the model and the host, or a log, differ.
const exitDiverged = 4

// verifyFlags are the flags of verify.
type verifyFlags struct {
	limits
	schedules int
	repeat    int
	seed      uint64
	explore   bool
	duration  time.Duration
}

func newVerify() *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "verify FILE.star…",
		Short: "Run scenarios on the host's kernel too, and compare every result",
		Long: `Run a scenario on the model and on the kernel of this machine and compare what each thread's calls returned.
Agreement of a program with several threads: the host's results equal those of the model's default schedule, or of
one of --schedules others: half of them keep to the order in which the host's threads made their calls, the rest are random.
Not compared: pids and times. A run in which the host was late by more than a tenth of the smallest time in the scenario shows
nothing and is repeated, up to ten times. Needs Linux on amd64.

With --explore, all interleavings of the model are visited first; then everything that the host shows in --repeat runs must be
among what they show. What the model can do and the host never did is listed. A run in which the host was late is discarded
there only if the model does not show it. Where not all interleavings could be visited, --schedules others are tried for what
none of them shows.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	flags := cmd.Flags()
	flags.IntVar(&f.schedules, "schedules", verify.DefaultSchedules, "schedules of the model to try if the default one disagrees")
	flags.IntVar(&f.repeat, "repeat", 0, "run the host this many times with random delays between calls, and report every distinct outcome")
	flags.Uint64Var(&f.seed, "seed", 1, "seed of the random delays")
	flags.BoolVar(&f.explore, "explore", false, "look each host run up among all interleavings of the model; 100 runs unless --repeat says otherwise")
	flags.DurationVar(&f.duration, "max-duration", 40*time.Second, "time to spend on the interleavings of a scenario, with --explore")
	f.limits.flags(flags)
	return cmd
}

func (f *verifyFlags) run(cmd *cobra.Command, args []string) error {
	files, _, err := scenarioFiles(args)
	if err != nil {
		return err
	}
	if err := f.limits.check(); err != nil {
		return err
	}
	if f.repeat < 0 || f.schedules < 0 {
		return usagef("--repeat and --schedules cannot be negative")
	}
	if host.Release() == "" {
		return usagef("verify: %v", host.ErrUnsupported)
	}
	f.watch()
	out := bufio.NewWriter(cmd.OutOrStdout())
	defer out.Flush()
	fmt.Fprintf(out, "KTAP version 1\n# comparing the model with Linux %s\n1..%d\n", host.Release(), len(files))
	worst, calls, modelOnly := 0, 0, 0
	for i, file := range files {
		code, n, err := f.one(cmd, out, i+1, file)
		if err != nil {
			return err
		}
		if n < 0 {
			modelOnly++
		}
		calls += max(n, 0)
		if rank(code) > rank(worst) {
			worst = code
		}
		out.Flush()
	}
	fmt.Fprintf(out, "# %d scenarios, %d calls compared, %d model only\n", len(files), calls, modelOnly)
	if worst != 0 {
		return exitError{code: worst}
	}
	return nil
}

// one compares a scenario and prints its result; n is how many calls were compared, -1 for model only.
func (f *verifyFlags) one(cmd *cobra.Command, out io.Writer, number int, file string) (code, n int, err error) {
	p, err := compile(cmd, file)
	if err == nil {
		_, err = kernelVersion("", p)
	}
	if err != nil {
		var exit exitError
		errors.As(err, &exit)
		fmt.Fprintf(out, "not ok %d %s\n", number, file)
		fmt.Fprintln(cmd.ErrOrStderr(), exit.text)
		return exit.code, 0, nil
	}
	opts := verify.Options{
		Schedules: f.schedules, MaxSteps: f.steps, MaxStarlark: f.starlark, MaxTasks: f.tasks, Started: endWithUs,
	}
	_, only := p.ModelOnly()
	if f.explore && !only {
		return f.explored(out, number, file, p, opts)
	}
	if f.repeat > 0 && !only {
		return f.repeated(out, number, file, p, opts)
	}
	r, err := verify.File(p, opts)
	if err != nil {
		return 0, 0, usagef("verify: %v", err)
	}
	return f.report(out, number, file, r)
}

func (f *verifyFlags) report(out io.Writer, number int, file string, r *verify.Report) (code, n int, err error) {
	switch r.Verdict {
	case verify.ModelOnly:
		fmt.Fprintf(out, "ok %d %s # SKIP model only: %s\n", number, file, r.Why)
		return 0, -1, nil
	case verify.Wrong:
		fmt.Fprintf(out, "not ok %d %s\n# %s\n", number, file, r.Why)
		return scenario.ExitScenario, 0, nil
	case verify.Inconclusive:
		fmt.Fprintf(out, "not ok %d %s\n# %s\n", number, file, r.Why)
		return scenario.ExitLimit, 0, nil
	case verify.Differs:
		fmt.Fprintf(out, "not ok %d %s\n", number, file)
		difference(out, r)
		fmt.Fprintf(out, "# run it again: epollsim verify %s\n", file)
		return exitDiverged, r.Calls, nil
	}
	code = r.Model.ExitCode()
	if code == 0 {
		code = r.Host.ExitCode()
	}
	status := "ok"
	if code != 0 {
		status = "not ok"
	}
	fmt.Fprintf(out, "%s %d %s # %d calls agree", status, number, file, r.Calls)
	if r.Schedule != "default" {
		fmt.Fprintf(out, ", schedule: %s", r.Schedule)
	}
	if r.Late > 0 {
		fmt.Fprintf(out, ", host run %d: it was late in those before", r.Late+1)
	}
	fmt.Fprintln(out)
	for _, fail := range r.Model.Failed {
		fmt.Fprintf(out, "# on both: %s\n", fail)
	}
	if code != 0 {
		var more strings.Builder
		(&report{w: &more, again: "epollsim run " + file}).result(r.Model)
		if !strings.HasPrefix(more.String(), "run it again:") {
			fmt.Fprintln(out, "# on the model:")
		}
		fmt.Fprint(&commented{w: out}, more.String())
	}
	return code, r.Calls, nil
}

// difference prints where a report's two sides part, as comments.
func difference(out io.Writer, r *verify.Report) {
	w := &commented{w: out}
	if r.Difference != nil {
		r.Difference.Print(w)
	}
	if r.Ends != "" {
		fmt.Fprintln(w, r.Ends)
	}
	if r.Why != "" {
		fmt.Fprintln(w, r.Why)
	}
	if r.Host == nil {
		return
	}
	for _, fail := range r.Host.Failed {
		fmt.Fprintf(w, "on the host: %s\n", fail)
	}
}

// commented puts "# " before each line.
type commented struct {
	w   io.Writer
	mid bool
}

func (c *commented) Write(p []byte) (int, error) {
	for _, b := range p {
		if !c.mid {
			io.WriteString(c.w, "# ")
		}
		c.mid = b != '\n'
		if _, err := c.w.Write([]byte{b}); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

func (f *verifyFlags) repeated(out io.Writer, number int, file string, p *scenario.Program, opts verify.Options) (code, n int, err error) {
	rep, err := verify.Repeat(p, f.repeat, f.seed, opts)
	if err != nil {
		return 0, 0, usagef("verify: %v", err)
	}
	if rep.Runs == 0 { // the model's own run shows nothing to compare
		return f.report(out, number, file, rep.Outcomes[0].Report)
	}
	differs := 0
	for _, o := range rep.Outcomes {
		if o.Report.Verdict != verify.Agrees {
			differs++
		} else if code == 0 {
			code = o.Report.Model.ExitCode()
		}
		n += o.Report.Calls
	}
	status := "ok"
	if code != 0 {
		status = "not ok"
	}
	if differs > 0 {
		status, code = "not ok", exitDiverged
	}
	fmt.Fprintf(out, "%s %d %s # %d host runs, %d discarded, %d distinct outcomes, delays below %v\n",
		status, number, file, rep.Runs, rep.Discarded, len(rep.Outcomes), rep.MaxDelay)
	for i, o := range rep.Outcomes {
		agreement := "agrees with schedule: " + o.Report.Schedule
		if o.Report.Verdict != verify.Agrees {
			agreement = "no schedule of the model shows it"
		}
		fmt.Fprintf(out, "# outcome %d: %d times, %s\n", i+1, o.Count, agreement)
		if o.Report.Verdict != verify.Agrees {
			difference(out, o.Report)
		}
	}
	stuck(out, rep, f.repeat)
	return discarded(out, rep.Runs, rep.Discarded, code), n, nil
}

// stuck says why there were fewer runs than asked for.
func stuck(out io.Writer, rep *verify.Repetition, asked int) {
	if rep.Runs < asked {
		fmt.Fprintf(out, "# no more than %d of %d host runs: in %d threads waited for ever, which takes seconds each\n", rep.Runs, asked, rep.Stuck)
	}
}

// discarded is the exit code of a comparison in which no run was left to compare, else code.
func discarded(out io.Writer, runs, discarded, code int) int {
	if discarded < runs || code != 0 {
		return code
	}
	fmt.Fprintln(out, "# every run was discarded: the machine is too busy for the scenario's timeouts")
	return scenario.ExitLimit
}

// runsToExplore is how often the host runs with --explore alone.
const runsToExplore = 100

func (f *verifyFlags) explored(out io.Writer, number int, file string, p *scenario.Program, opts verify.Options) (code, n int, err error) {
	runs := f.repeat
	if runs == 0 {
		runs = runsToExplore
	}
	e, err := verify.Explore(p, runs, f.seed, opts, explore.Options{MaxDuration: f.duration})
	var mistake *scenario.Error
	switch {
	case errors.As(err, &mistake):
		fmt.Fprintf(out, "not ok %d %s\n# %s\n", number, file, mistake)
		return scenario.ExitScenario, 0, nil
	case err != nil:
		return 0, 0, usagef("verify: %v", err)
	}
	e.Stamp(stamp(p.Source(), kernel.Baseline))
	complete := e.Complete()
	status := "ok"
	switch {
	case !e.Sound() && complete:
		status, code = "not ok", exitDiverged
	case !e.Sound():
		status, code = "not ok", scenario.ExitLimit
	}
	fmt.Fprintf(out, "%s %d %s # %d host runs, %d discarded, %d distinct outcomes of %d possible; %s, %d interleavings\n",
		status, number, file, e.Runs, e.Discarded, len(e.Outcomes), len(e.Possible), e.Model.Verdict(), e.Model.Interleavings())
	for _, q := range e.Possible {
		if q.Host > 0 {
			fmt.Fprintf(out, "# %5d times: %s  --schedule=%s\n", q.Host, q.Calls, q.Witness.Token)
		}
	}
	for _, q := range e.Unseen() {
		fmt.Fprintf(out, "# not seen on the host: %s  --schedule=%s\n", q.Calls, q.Witness.Token)
	}
	for _, o := range e.Outcomes {
		n += o.Report.Calls
		if o.Beyond {
			fmt.Fprintf(out, "# %5d times: %s  (in none of the interleavings visited; the model shows it with schedule: %s)\n", o.Count, o.Calls, o.Report.Schedule)
		}
		if o.Report.Verdict == verify.Agrees {
			continue
		}
		fmt.Fprintf(out, "# %5d times, in none of the interleavings visited: %s\n# beside the default schedule:\n", o.Count, o.Calls)
		difference(out, o.Report)
		if !complete {
			fmt.Fprintln(out, "# not all interleavings were visited: raise --max-duration, or make the scenario smaller")
		}
	}
	stuck(out, e.Repetition, runs)
	return discarded(out, e.Runs, e.Discarded, code), n, nil
}

// endWithUs makes an interrupt of the command end what runs on the host.
func endWithUs(h *host.Host) {
	cleanup.Store(&h)
}
