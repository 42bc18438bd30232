package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/epollsim/epollsim/kernel/host"
	"github.com/epollsim/epollsim/scenario/fuzz"
)

// fuzzFlags are the flags of fuzz.
type fuzzFlags struct {
	against string
	json    bool
	opts    fuzz.Options
}

func newFuzz() *cobra.Command {
	var f fuzzFlags
	cmd := &cobra.Command{
		Use:   "fuzz --against=host",
		Short: "Compare random programs on the model and on the host's kernel",
		Long: `Make random programs of system calls, run each on the model and on the kernel of this machine, and compare every
result. A difference is made as small as possible and written as a scenario that states the host's results: "epollsim
run" fails on it, "epollsim verify" shows both sides. Exit code 4 then. Needs Linux on amd64.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.against, "against", "host", "what to compare with: host")
	flags.IntVar(&f.opts.Programs, "programs", 10_000, "programs to compare; 0: as many as --duration allows")
	flags.Uint64Var(&f.opts.Seed, "seed", 1, "seed of the first program")
	flags.DurationVar(&f.opts.Duration, "duration", 0, "time to spend; 0: no limit")
	flags.IntVar(&f.opts.Calls, "calls", 100, "calls of a program of one thread")
	flags.StringVar(&f.opts.Focus, "focus", "", `make calls more often whose kind begins so, in programs of one thread: "tcp"`)
	flags.IntVar(&f.opts.Threads, "threads", 1, "1, or 2: programs whose second thread blocks")
	flags.IntVar(&f.opts.Jobs, "jobs", 0, "programs compared at once; 0: as many as there are CPUs for their threads")
	flags.IntVar(&f.opts.Differences, "differences", 1, "differences to stop after")
	flags.DurationVar(&f.opts.Shrink, "shrink", 10*time.Second, "most time to spend on making a difference small")
	flags.StringVar(&f.opts.Out, "out", ".", "folder for the scenarios of differences")
	flags.BoolVar(&f.json, "json", false, "print the summary as JSON")
	return cmd
}

func (f *fuzzFlags) run(cmd *cobra.Command) error {
	switch {
	case f.against != "host":
		return usagef("--against=%s: expected host", f.against)
	case f.opts.Threads != 1 && f.opts.Threads != 2:
		return usagef("--threads=%d: expected 1 or 2", f.opts.Threads)
	case f.opts.Programs < 0 || f.opts.Calls < 1 || f.opts.Differences < 1 || f.opts.Jobs < 0 || f.opts.Duration < 0:
		return usagef("--programs, --calls, --differences, --jobs and --duration cannot be negative")
	case f.opts.Focus != "" && f.opts.Threads == 2:
		return usagef("--focus=%s: programs of two threads have no focus", f.opts.Focus)
	case !slices.ContainsFunc(fuzz.Kinds(), func(kind string) bool { return strings.HasPrefix(kind, f.opts.Focus) }):
		return usagef("--focus=%s: expected what one of these begins with: %s", f.opts.Focus, strings.Join(fuzz.Kinds(), ", "))
	case f.opts.Programs == 0 && f.opts.Duration == 0:
		return usagef("--programs=0: expected a --duration as well")
	}
	if info, err := os.Stat(f.opts.Out); err != nil || !info.IsDir() {
		return usagef("--out %s: expected a folder", f.opts.Out)
	}
	stderr := cmd.ErrOrStderr()
	if isTerminal(stderr) {
		f.opts.Progress = func(s fuzz.Summary) { fmt.Fprintf(stderr, "\r%s\x1b[K", progressLine(s)) }
	}
	f.opts.Started = fuzzing.add
	sum, err := fuzz.Run(f.opts)
	if f.opts.Progress != nil {
		fmt.Fprint(stderr, "\r\x1b[K")
	}
	if errors.Is(err, fuzz.ErrUnsupported) {
		return usagef("fuzz: %v", err)
	}
	if err != nil && fuzzing.wasAborted() {
		return exitError{exitInterrupted, "interrupted"}
	}
	if err != nil {
		return usagef("fuzz: the comparison could not go on: %v", err)
	}
	if err := f.report(cmd.OutOrStdout(), sum); err != nil {
		return usagef("writing to standard output: %v", err)
	}
	if len(sum.Found) > 0 {
		return exitError{code: exitDiverged}
	}
	return nil
}

// hosts are those of a comparison, to be ended when the command is interrupted.
type hosts struct {
	mu      sync.Mutex
	all     []*host.Host
	aborted bool
}

var fuzzing hosts

func (h *hosts) add(one *host.Host) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, one)
}

// abort ends what they run.
func (h *hosts) abort() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.aborted = true
	for _, one := range h.all {
		one.Abort()
	}
}

func (h *hosts) wasAborted() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.aborted
}

// isTerminal reports whether w is a terminal, or at least a device of characters.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func rate(s fuzz.Summary) float64 { return float64(s.Programs) / max(s.Elapsed.Seconds(), 1e-9) }

func progressLine(s fuzz.Summary) string {
	return fmt.Sprintf("%d programs, %d calls, %d differences, %.0f programs/s", s.Programs, s.Calls, len(s.Found), rate(s))
}

func (f *fuzzFlags) report(w io.Writer, sum *fuzz.Summary) error {
	if f.json {
		return f.reportJSON(w, sum)
	}
	fmt.Fprintf(w, "compared with Linux %s: %s, %v\n", sum.Release, progressLine(*sum), sum.Elapsed.Round(time.Millisecond))
	if f.opts.Threads == 2 {
		fmt.Fprintf(w, "not counted: %d programs that would block for ever; %d that once did what no schedule tried does, and not again in time\n",
			sum.Discarded, sum.Late)
	}
	unreached := sum.Unreached()
	fmt.Fprintf(w, "branches of the model's epoll: %d of %d reached\n", len(sum.Cover)-len(unreached), len(sum.Cover))
	for _, name := range unreached {
		fmt.Fprintf(w, "  not reached: %s\n", name)
	}
	for _, found := range sum.Found {
		fmt.Fprintf(w, "difference in program %d (seed %d), made small: %d calls\n", found.Program+1, found.Seed, found.Calls)
		if found.Err != nil {
			fmt.Fprintf(w, "  the model failed: %v\n", found.Err)
		} else {
			fmt.Fprintf(w, "  %s\n", found.Difference)
		}
		if found.File != "" {
			fmt.Fprintf(w, "  written to %s; see both sides: epollsim verify %[1]s\n", found.File)
		}
	}
	if len(sum.Found) > 0 {
		fmt.Fprintf(w, "run it again: epollsim fuzz --against=host --threads=%d --calls=%d --seed=%d --programs=%d\n",
			f.opts.Threads, f.opts.Calls, f.opts.Seed, sum.Found[0].Program+1)
	}
	return nil
}

func (f *fuzzFlags) reportJSON(w io.Writer, sum *fuzz.Summary) error {
	type finding struct {
		Program         int
		Seed            uint64
		Calls           int
		Thread, Call    string
		Index           int
		Model, Host     string
		File, ModelFail string `json:",omitempty"`
	}
	out := struct {
		Release                                 string
		Threads, Programs, Calls, Late, LeftOut int
		Seconds, ProgramsPerSecond              float64
		Branches                                int
		Unreached                               []string
		Differences                             []finding
	}{Release: sum.Release, Threads: f.opts.Threads, Programs: sum.Programs, Calls: sum.Calls, Late: sum.Late, LeftOut: sum.Discarded,
		Seconds: sum.Elapsed.Seconds(), ProgramsPerSecond: rate(*sum), Branches: len(sum.Cover), Unreached: sum.Unreached(), Differences: []finding{}}
	for _, s := range sum.Found {
		one := finding{Program: s.Program + 1, Seed: s.Seed, Calls: s.Calls, File: s.File}
		if d := s.Difference; d != nil {
			one.Thread, one.Call, one.Index, one.Model, one.Host = d.Thread, d.Call, d.Index+1, d.Model, d.Host
		}
		if s.Err != nil {
			one.ModelFail = s.Err.Error()
		}
		out.Differences = append(out.Differences, one)
	}
	return json.NewEncoder(w).Encode(out)
}
