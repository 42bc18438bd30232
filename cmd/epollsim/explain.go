package main

import (
	_ "embed"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/scenario"
)

// explanations is the text behind explain: entries separated by empty lines. The first line of an entry is its
// names, separated by blanks, and behind a colon the case that shows it.
//
//go:embed explain.txt
var explanations string

// explanation is one entry.
type explanation struct {
	names  []string
	caseID string
	text   string
}

func parseExplanations(text string) []explanation {
	var all []explanation
	for entry := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		head, body, _ := strings.Cut(entry, "\n")
		names, id, _ := strings.Cut(head, ": ")
		all = append(all, explanation{strings.Fields(names), strings.TrimSpace(id), strings.TrimSpace(body)})
	}
	return all
}

func newExplain() *cobra.Command {
	return &cobra.Command{
		Use:   "explain ERRNO|FLAG|FUNCTION",
		Short: "Say in a few sentences what a name means, and which case shows it",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := strings.TrimRight(args[0], "()")
			if explain(cmd.OutOrStdout(), name) {
				return nil
			}
			if near := scenario.Nearest(strings.ToUpper(name), explained()); near != "" {
				return usagef("nothing is known of %s; near: %s", args[0], near)
			}
			if near := scenario.Nearest(strings.ToLower(name), explained()); near != "" {
				return usagef("nothing is known of %s; near: %s", args[0], near)
			}
			return usagef("nothing is known of %s; try an errno (EEXIST), a flag (EPOLLET), a function (ep_poll_callback) or a builtin (epoll_wait)", args[0])
		},
	}
}

// explained lists the names that explain knows.
func explained() (names []string) {
	for _, e := range abi.Errnos() {
		names = append(names, e.Name())
	}
	for _, c := range abi.Constants() {
		names = append(names, c.Name)
	}
	for _, e := range parseExplanations(explanations) {
		names = append(names, e.names...)
	}
	return append(names, scenario.Builtins()...)
}

// explain prints all that is known of a name: the entry, the value of a constant, the row of a builtin.
func explain(out io.Writer, name string) bool {
	known := false
	e, ok := abi.ErrnoByName(strings.ToUpper(name))
	if n, err := strconv.Atoi(name); err == nil {
		i := slices.Index(abi.Errnos(), abi.Errno(n))
		if ok = i >= 0; ok {
			e, name = abi.Errnos()[i], abi.Errnos()[i].Name()
		}
	}
	if ok {
		fmt.Fprintf(out, "%s (%d): %s\n", e.Name(), int(e), e)
		known = true
	}
	for _, c := range abi.Constants() {
		if strings.EqualFold(c.Name, name) {
			fmt.Fprintf(out, "%s = %#x\n", c.Name, c.Value)
			known = true
		}
	}
	if row, ok := scenario.Help(name); ok {
		fmt.Fprintln(out, row)
		known = true
	}
	for _, e := range parseExplanations(explanations) {
		for _, n := range e.names {
			if !strings.EqualFold(n, name) {
				continue
			}
			fmt.Fprintln(out, e.text)
			if e.caseID != "" {
				fmt.Fprintf(out, "See: epollsim show %s\n", e.caseID)
			}
			return true
		}
	}
	return known
}

func newBuiltins() *cobra.Command {
	return &cobra.Command{
		Use:   "builtins",
		Short: "The builtins of scenarios: what they take and return (also: epollsim help builtins)",
		Long:  "The builtins of scenarios. A failed call returns an errno.\n\n" + scenario.Reference(),
		Args:  cobra.NoArgs,
		Run: func(cmd *cobra.Command, _ []string) {
			fmt.Fprint(cmd.OutOrStdout(), scenario.Reference())
		},
	}
}
