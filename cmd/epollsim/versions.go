package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/epollsim/epollsim/kernel"
)

func newVersions() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "versions",
		Short: "List how kernel versions differ, or what changes between two",
		Long: `List the behaviours that some releases show and Linux ` + kernel.Baseline.String() + ` does not: the releases, the commits that
began or ended it, and the case that shows it (epollsim show CASE, epollsim explore CASE).

--kernel of run and explore takes mainline releases from ` + kernel.Oldest.String() + ` on as they came out ("6.1" is 6.1.0), release
candidates ("6.14-rc1"), stable releases of 6.18 ("6.18.32", "6.18.y" the newest), and "mainline": 6.18.y with what is
known to have changed since. "+sb" behind a version adds its races that need a store buffer.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return write(cmd, func(w io.Writer) {
				for _, b := range kernel.Behaviours() {
					if asJSON {
						writeJSON(w, behaviourJSON(&b))
					} else {
						fmt.Fprint(w, behaviourText(&b, b.Range()))
					}
				}
			})
		},
	}
	cmd.PersistentFlags().BoolVar(&asJSON, "json", false, "one JSON object a line")
	cmd.AddCommand(&cobra.Command{
		Use:   "diff A B",
		Short: "What changes from kernel version A to B",
		Long: `What changes from kernel version A to B. A line that begins with - is what B does not do any more, one with + what
it does and A did not.`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			var v [2]kernel.Version
			for i, arg := range args {
				var err error
				if v[i], err = kernel.ParseVersion(arg); err != nil {
					return usagef("%v", err)
				}
			}
			return write(cmd, func(w io.Writer) { diff(w, v[0], v[1], asJSON) })
		},
	})
	return cmd
}

// write runs print on the command's buffered output.
func write(cmd *cobra.Command, print func(io.Writer)) error {
	out := bufio.NewWriter(cmd.OutOrStdout())
	print(out)
	if err := out.Flush(); err != nil {
		return usagef("writing to standard output: %v", err)
	}
	return nil
}

func diff(w io.Writer, a, b kernel.Version, asJSON bool) {
	changes := kernel.Diff(a, b)
	for _, c := range changes {
		if asJSON {
			line := behaviourJSON(&c.Behaviour)
			line.Change = "lost"
			if c.Gained {
				line.Change = "gained"
			}
			writeJSON(w, line)
			continue
		}
		sign := "-"
		if c.Gained {
			sign = "+"
		}
		fmt.Fprint(w, sign, " ", behaviourText(&c.Behaviour, c.Range()))
	}
	if len(changes) == 0 && !asJSON {
		fmt.Fprintf(w, "%s and %s do the same\n", a, b)
	}
}

// behaviourText is a behaviour on two lines.
func behaviourText(b *kernel.Behaviour, when string) string {
	about := []string{string(b.Kind)}
	if len(b.Commits) > 0 {
		about = append(about, strings.Join(b.Commits, " "))
	}
	switch {
	case b.Scenario != "":
		about = append(about, "case "+b.Scenario)
	default:
		about = append(about, "no case: "+b.Why)
	}
	return fmt.Sprintf("%s (%s): %s\n    %s\n", b.ID, when, b.Text, strings.Join(about, "; "))
}

// versionLine is a behaviour as JSON.
type versionLine struct {
	ID      string   `json:"id"`
	Kind    string   `json:"kind"`
	From    string   `json:"from,omitempty"` // first release that does it
	To      string   `json:"to,omitempty"`   // first one that does not any more
	Text    string   `json:"text"`
	Commits []string `json:"commits,omitempty"`
	Switch  string   `json:"switch,omitempty"`
	Case    string   `json:"case,omitempty"`
	Why     string   `json:"why,omitempty"` // there is no case
	Change  string   `json:"change,omitempty"`
}

func behaviourJSON(b *kernel.Behaviour) versionLine {
	line := versionLine{ID: b.ID, Kind: string(b.Kind), Text: b.Text, Commits: b.Commits, Switch: b.Switch, Case: b.Scenario, Why: b.Why}
	if b.From != (kernel.Version{}) {
		line.From = b.From.String()
	}
	if b.To != (kernel.Version{}) {
		line.To = b.To.String()
	}
	return line
}

func writeJSON(w io.Writer, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		panic("epollsim: " + err.Error())
	}
	fmt.Fprintf(w, "%s\n", text)
}
