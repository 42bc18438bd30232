// Command epollsim runs programs on a user-space model of Linux eventpoll and shows what happens.
//
//	epollsim run FILE.star        run it, print the trace
//	epollsim verify FILE.star     run it on the host's kernel too, compare
//	epollsim fuzz --against=host  random programs on both
//	epollsim explore FILE.star    every interleaving
//	epollsim versions [diff A B]  how kernel versions differ
//	epollsim replay FILE.strace   replay the log of a real program
//	epollsim list | show CASE     the casebook
//	epollsim explain NAME         an errno, a flag, a function
//	epollsim bench core|multiplex figures of this machine, and what calls cost
//	epollsim export FILE.star     a scenario as a C program or JSON, a log as a scenario
//	epollsim help builtins        what scenarios can call
//	epollsim version
//
// Exit codes: 0 all well; 1 a check or condition failed, or a deadlock; 2 bad usage; 3 an input that does not
// parse, or a scenario error; 4 a divergence from the host; 5 a limit was reached, the result is inconclusive; 130 interrupted.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/spf13/cobra"

	"github.com/epollsim/epollsim/kernel/host"
	"github.com/epollsim/epollsim/scenario"
)

// Exit codes besides those of package scenario.
const (
	exitUsage       = 2
	exitInterrupted = 130
)

// exitError ends the command with a code; what it had to say is said already if text is empty.
type exitError struct {
	code int
	text string
}

func (e exitError) Error() string { return e.text }

// usagef is a mistake in the command line.
func usagef(format string, args ...any) error {
	return exitError{exitUsage, fmt.Sprintf(format, args...)}
}

func main() { os.Exit(Main()) }

// Main runs the command and returns its exit code; it stands apart from main for the script tests.
func Main() int {
	interrupt := make(chan os.Signal, 1)
	signal.Notify(interrupt, os.Interrupt)
	go func() {
		<-interrupt
		if stop := exploring.Load(); stop != nil { // it ends by itself and says what it has found
			stop.Store(true)
			<-interrupt
		}
		if h := cleanup.Load(); h != nil {
			(*h).Abort()
		}
		fuzzing.abort()
		fmt.Fprintln(os.Stderr, "epollsim: interrupted")
		os.Exit(exitInterrupted)
	}()
	root := newRoot(os.Stdin, os.Stdout, os.Stderr)
	cmd, err := root.ExecuteC()
	if err == nil {
		return 0
	}
	var exit exitError
	if !errors.As(err, &exit) {
		exit = exitError{exitUsage, plainUsage(cmd, err)}
	}
	switch {
	case exit.text == "":
	case exit.code == scenario.ExitScenario: // begins with file:line:column
		fmt.Fprintln(os.Stderr, exit.text)
	default:
		fmt.Fprintln(os.Stderr, "epollsim:", exit.text)
	}
	return exit.code
}

// plainUsage is an error of cobra, such as an unknown flag, in our words, and the line that tells what is expected.
func plainUsage(cmd *cobra.Command, err error) string {
	text := strings.TrimSpace(err.Error())
	var number *strconv.NumError
	if errors.As(err, &number) {
		expected := "a number"
		if number.Func == "ParseBool" {
			expected = "true or false"
		}
		text = strings.ReplaceAll(text, number.Error(), "expected "+expected+" ("+number.Err.Error()+")")
	} else if before, _, ok := strings.Cut(text, ": strconv."); ok {
		text = before
	} else if before, _, ok := strings.Cut(text, ": time: "); ok {
		text = before + ": expected a time such as 40s or 2m"
	}
	return plainArgs(cmd, text) + "\nusage: " + cmd.UseLine()
}

// plainArgs says what a command takes where cobra counts arguments.
func plainArgs(cmd *cobra.Command, text string) string {
	_, takes, _ := strings.Cut(cmd.Use, " ")
	var want, got int
	var word string
	switch {
	case !cmd.HasParent() && strings.HasPrefix(text, "unknown command"):
		return text + "\nepollsim --help lists the commands"
	case scan(text, "requires at least %d arg(s), only received %d", &want, &got) && got == 0,
		scan(text, "accepts %d arg(s), received %d", &want, &got) && got == 0:
		return cmd.Name() + ": expected " + takes
	case scan(text, "accepts %d arg(s), received %d", &want, &got):
		return fmt.Sprintf("%s: expected %s, got %d arguments", cmd.Name(), takes, got)
	case cmd.HasParent() && scan(text, "unknown command %q", &word):
		return fmt.Sprintf("%s: takes no argument, got %q", cmd.Name(), word)
	}
	return text
}

func scan(text, format string, into ...any) bool {
	n, err := fmt.Sscanf(text, format, into...)
	return err == nil && n == len(into)
}

// exploring is what an exploration looks at to see whether it was interrupted.
var exploring atomic.Pointer[atomic.Bool]

// cleanup is the host that must be ended when the command is interrupted.
var cleanup atomic.Pointer[*host.Host]

func newRoot(stdin io.Reader, stdout, stderr io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use:           "epollsim",
		Short:         "A user-space model of Linux eventpoll, one lock and one list operation at a time",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.AddCommand(newRun(), newVerify(), newFuzz(), newExplore(), newReplay(), newList(), newShow(), newExplain(), newBuiltins(), newBench(), newExport(), newVersions(), newVersion())
	root.InitDefaultHelpCmd()
	if help, _, err := root.Find([]string{"help"}); err == nil {
		help.Args = func(_ *cobra.Command, args []string) error {
			if _, _, err := root.Find(args); err != nil {
				return usagef("help: no command is called %s", strings.Join(args, " "))
			}
			return nil
		}
	}
	return root
}
