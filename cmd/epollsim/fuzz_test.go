package main

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// Whatever is typed behind run, the flags are read, or refused in words, without a panic.
func FuzzRunFlags(f *testing.F) {
	for _, s := range []string{
		"--until=3 --json", "--until=-7", "--until=99999999999999999999", "--schedule=random --seed=7", "--schedule=pct:0", "--schedule=pct:99",
		"--schedule=s1AAAA", "--schedule=s1\x00", "--schedule=", "--kernel=6.18.y", "--kernel=banana", "--trace=none --state", "--max-tasks=-1",
		"--max-memory=0x10", "--max-steps=18446744073709551615", "--times --accesses", "--", "-o", "--nope", "--svg",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		var flags runFlags
		set := pflag.NewFlagSet("run", pflag.ContinueOnError)
		set.SetOutput(io.Discard)
		flags.define(set)
		if err := set.Parse(strings.Fields(line)); err != nil {
			if text := plainUsage(newRun(), err); strings.Contains(text, "strconv") || !strings.Contains(text, "usage: ") {
				t.Fatalf("%q: %s", line, text)
			}
			return
		}
		_, errStrategy := flags.strategy()
		for _, err := range []error{flags.viewFlags.check(), flags.limits.check(), errStrategy} {
			if exit := (exitError{}); err != nil && (!errors.As(err, &exit) || exit.code != exitUsage || exit.text == "") {
				t.Fatalf("%q: %v", line, err)
			}
		}
		if flags.kernel != "" {
			kernelVersion(flags.kernel, nil)
		}
	})
}

// Whatever is asked for, explain answers or says that it cannot; and whatever its text, it can be taken apart.
func FuzzExplain(f *testing.F) {
	for _, name := range []string{"EAGAIN", "epollet", "ep_poll_callback", "epoll_wait", "", "11", "E", "\x00", "a: b\nc"} {
		f.Add(name, "EAGAIN: et-more-data\ntext")
	}
	f.Add("A", "A B: \n\n\n: x\n\nA")
	f.Fuzz(func(t *testing.T, name, text string) {
		var out strings.Builder
		if explain(&out, name) != (out.Len() > 0) {
			t.Fatalf("%q: %q", name, out.String())
		}
		for _, e := range parseExplanations(text) {
			if strings.ContainsAny(strings.Join(e.names, ""), " \n\t") {
				t.Fatalf("%q: %q", text, e.names)
			}
		}
	})
}
