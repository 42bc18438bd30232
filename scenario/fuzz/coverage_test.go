package fuzz

import (
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/scenario"
)

// withoutRows are the builtins that no row makes, and why.
var withoutRows = map[string]string{
	"pipe":           "pipe2 without flags",
	"openpty":        "what it does is rows of its own: /dev/ptmx, TIOCSPTLCK, TIOCGPTPEER",
	"clock_gettime":  "its result is the machine's",
	"clock_settime":  "it would set the machine's clock",
	"now":            "its result is the machine's",
	"getpid":         "its result is the machine's",
	"sched_yield":    "it does nothing that can be seen",
	"signal":         "every program has its handlers from the start",
	"spawn":          "a program has one thread or two from the start",
	"join":           "so",
	"exit":           "it would end the worker that is used again",
	"fork":           "an ended child is a row; running ones are for the comparison of package kernel",
	"print":          "no system call",
	"check":          "no system call",
	"exists":         "no system call",
	"forall":         "no system call",
	"never":          "no system call",
	"outcome":        "no system call",
	"kernel":         "model only",
	"inspect":        "model only",
	"fdinfo":         "model only",
	"configure":      "model only",
	"mounts_changed": "model only",
	"counters":       "model only",
}

// Every builtin is made by a row, under whatever name, or there is a reason why not.
func TestEachBuiltinHasItsRow(t *testing.T) {
	called := regexp.MustCompile(`[a-z_0-9]+\(`)
	var made []string
	for _, o := range table {
		for _, text := range []string{o.form, o.prelude} {
			for _, name := range called.FindAllString(text, -1) {
				made = append(made, name[:len(name)-1])
			}
		}
	}
	var missing []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_0-9]+)\\(").FindAllStringSubmatch(scenario.Reference(), -1) {
		name := m[1]
		has, reason := slices.Contains(made, name), withoutRows[name]
		if !has && reason == "" {
			missing = append(missing, name)
		}
		if has && reason != "" && name != "fork" && name != "signal" && name != "getpid" {
			t.Errorf("%s has a row, and a reason why not: %s", name, reason)
		}
	}
	require.Empty(t, missing, "builtins that no random program calls: give each a row, or a reason in withoutRows")
}
