package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/scenario"
	"github.com/epollsim/epollsim/scenario/casebook"
	"github.com/epollsim/epollsim/sim"
)

func newList() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the cases that come with the command",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			out := bufio.NewWriter(cmd.OutOrStdout())
			for _, c := range casebook.All() {
				fmt.Fprintf(out, "%-24s %s%s\n", c.ID, c.Claim, marks(c))
			}
			return out.Flush()
		},
	}
}

// marks are what a list says about a case behind its claim.
func marks(c casebook.Case) string {
	var m []string
	if c.Expect != "" {
		m = append(m, "explore: "+c.Expect)
	}
	if c.Myth != "" {
		m = append(m, "refutes a myth")
	}
	if versions := shown(c); versions != "" {
		m = append(m, versions)
	}
	if c.ModelOnly != "" {
		m = append(m, "model only")
	}
	if len(m) == 0 {
		return ""
	}
	return " [" + strings.Join(m, ", ") + "]"
}

// shown are the versions at which a case shows something else than at the next, in short.
func shown(c casebook.Case) string {
	var at []string
	for _, x := range c.At {
		if !c.History() {
			at = append(at, x.Version)
		} else if x.Want != casebook.None {
			at = append(at, x.Version+" ("+x.Want+")")
		}
	}
	if len(at) == 0 {
		return ""
	}
	return "at " + strings.Join(at, ", ")
}

func newShow() *cobra.Command {
	return &cobra.Command{
		Use:   "show CASE",
		Short: "Show a case: its claim, drawing, program, and what a run says",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := findCase(args[0])
			if err != nil {
				return err
			}
			out := bufio.NewWriter(cmd.OutOrStdout())
			code := show(out, c)
			if err := out.Flush(); err != nil {
				return usagef("writing to standard output: %v", err)
			}
			if code != 0 {
				return exitError{code: code}
			}
			return nil
		},
	}
}

// maxNear is how many cases a message names.
const maxNear = 8

func findCase(id string) (casebook.Case, error) {
	c, ok := casebook.Find(id)
	if ok {
		return c, nil
	}
	if near := casebook.Nearest(id); len(near) > 0 {
		if more := len(near) - maxNear; more > 0 {
			near = append(near[:maxNear], fmt.Sprintf("… %d more (epollsim list)", more))
		}
		return c, usagef("no case is called %s; near: %s", id, strings.Join(near, ", "))
	}
	var ids []string
	for _, c := range casebook.All() {
		ids = append(ids, c.ID)
	}
	if near := scenario.Nearest(strings.ToLower(id), ids); near != "" {
		return c, usagef("no case is called %s; near: %s", id, near)
	}
	return c, usagef("no case is called %s; epollsim list shows them", id)
}

// show prints a case and the verdict of a run; for a myth, the trace is the evidence.
func show(out io.Writer, c casebook.Case) int {
	fmt.Fprintf(out, "%s: %s\n", c.ID, c.Claim)
	if c.Myth != "" {
		fmt.Fprintf(out, "Myth: %s\n", c.Myth)
	}
	if c.ModelOnly != "" {
		fmt.Fprintf(out, "Model only: %s\n", c.ModelOnly)
	}
	fmt.Fprintf(out, "\n%s\n\nProgram:\n", c.Prose)
	fmt.Fprint(out, indent(c.Program()))
	p, err := scenario.Compile(c.File, []byte(c.Source))
	if err != nil {
		fmt.Fprintln(out, err)
		return scenario.ExitScenario
	}
	version, err := kernelVersion("", p)
	if err != nil {
		fmt.Fprintln(out, err)
		return scenario.ExitScenario
	}
	k := kernel.Boot(kernel.Options{Version: version, Check: true, Machine: sim.Options{Recorder: recorded}})
	checks := 0
	res := scenario.Run(k, p, scenario.Options{OnCall: func(scenario.Call) { checks++ }})
	if code := res.ExitCode(); code != 0 {
		fmt.Fprintf(out, "\nVerdict: does not hold on the model of Linux %s\n", version)
		(&report{w: out, again: "epollsim run " + c.ID}).result(res)
		return code
	}
	fmt.Fprintf(out, "\nVerdict: holds on the model of Linux %s (%d system calls)\n", version, checks)
	if c.Expect != "" {
		fmt.Fprintf(out, "Over all schedules: %s; see epollsim explore %s\n", c.Expect, c.ID)
	}
	for _, at := range c.At {
		if c.History() {
			fmt.Fprintf(out, "Explored at %s: %s; see epollsim explore --kernel=%s %s\n", at.Version, at.Want, at.Version, c.ID)
		} else {
			fmt.Fprintf(out, "At %s: %s\n", at.Version, at.Want)
		}
	}
	if c.Trace != "" {
		title := "Trace"
		if c.Myth != "" {
			title = "Evidence"
		}
		fmt.Fprintf(out, "\n%s:\n%s", title, indent(c.Trace))
	}
	return 0
}
