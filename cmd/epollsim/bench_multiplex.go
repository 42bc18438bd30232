package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/epollsim/epollsim/scenario/bench"
)

func newBenchMultiplex() *cobra.Command {
	w := bench.Multiplex{}.Default()
	var asJSON bool
	var svg string
	cmd := &cobra.Command{
		Use:   "multiplex",
		Short: "What a call of select, poll and epoll costs, counted in the model",
		Long: `Run the workload with which libevent's authors compared multiplexers in the model: pipes in a chain, whose readers pass a
byte on to the next, beside others that are watched and never have anything. Printed is what a call of select, poll, epoll
level-triggered and epoll edge-triggered costs: calls of a file's ->poll, entries put on wait queues, bytes copied between
kernel and program, allocations of the kernel, and time of this machine in the model. All but the time is the same in
every run. Three scenes: more and more idle files; all active; long ready lists. select ends at FD_SETSIZE (1024).`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return benchMultiplex(cmd, w, asJSON, svg) },
	}
	flags := cmd.Flags()
	flags.IntVar(&w.Idle, "idle", w.Idle, "idle pipes, at most: powers of ten up to this are measured")
	flags.IntVar(&w.Active, "active", w.Active, "active pipes beside them")
	flags.IntVar(&w.Writes, "writes", w.Writes, "bytes to pass on")
	flags.StringVar(&svg, "svg", "", "draw a chart into this `file`")
	flags.BoolVar(&asJSON, "json", false, "print a JSON object per row")
	return cmd
}

func benchMultiplex(cmd *cobra.Command, w bench.Multiplex, asJSON bool, svg string) error {
	if err := w.Check(); err != nil {
		return usagef("%v", err)
	}
	chart := output{"--svg", svg}
	if err := checkOutputs("", nil, chart); err != nil {
		return err
	}
	var rows []bench.Cost
	enc := json.NewEncoder(cmd.OutOrStdout())
	enc.SetEscapeHTML(false)
	var errOut error
	err := w.Run(func(c bench.Cost) {
		rows = append(rows, c)
		if asJSON && errOut == nil {
			errOut = enc.Encode(c)
		}
	})
	if err != nil {
		return usagef("bench: %v", err)
	}
	if svg != "" {
		if err := chart.write([]byte(bench.Chart(rows))); err != nil {
			return err
		}
	}
	if !asJSON && errOut == nil {
		_, errOut = fmt.Fprint(cmd.OutOrStdout(), bench.Table(rows))
	}
	if errOut != nil {
		return usagef("writing to standard output: %v", errOut)
	}
	return nil
}
