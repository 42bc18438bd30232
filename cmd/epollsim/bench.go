package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/epollsim/epollsim/scenario/bench"
)

func newBench() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure on this machine",
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { return usagef("bench: say what: core or multiplex") },
	}
	var asJSON bool
	core := &cobra.Command{
		Use:   "core",
		Short: "The core of the model beside the host's kernel: ten rounds in turn, the best of each",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			rows, err := bench.Core(1)
			if err != nil {
				return usagef("bench: %v", err)
			}
			out := cmd.OutOrStdout()
			if asJSON {
				enc := json.NewEncoder(out)
				for _, r := range rows {
					if err := enc.Encode(r); err != nil {
						return usagef("writing to standard output: %v", err)
					}
				}
				return nil
			}
			fmt.Fprintf(out, "%-8s %10s %10s %7s %10s %12s  %s\n", "name", "model ns", "host ns", "ratio", "allocs/op", "bytes/watch", "what")
			for _, r := range rows {
				fmt.Fprintf(out, "%-8s %10.1f %10.1f %7.3f %10.3f %12.0f  %s\n", r.Name, r.ModelNS, r.HostNS, r.Ratio, r.AllocsPerOp, r.BytesPerWatch, r.What)
			}
			return nil
		},
	}
	core.Flags().BoolVar(&asJSON, "json", false, "print a JSON object per row")
	cmd.AddCommand(core, newBenchMultiplex())
	return cmd
}
