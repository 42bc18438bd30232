// Package form says which form the tests run in. The short one is go test by hand: it ends within a minute on two
// processors, so it takes some cases of each kind and draws fewer random programs. The long one, asked for by
// EPOLLSIM_LONG in the environment as .ci/run does, takes all. Go's own -short asks for less than either.
//
// A package whose tests draw many random programs imports this one, which sets how many rapid draws; RAPID_CHECKS and
// -rapid.checks decide where they are given.
package form

import (
	"flag"
	"os"
	"strconv"

	"pgregory.net/rapid"
)

// Long reports the long form.
var Long = os.Getenv("EPOLLSIM_LONG") != ""

// checks is how many programs of each property are drawn in the short form, a fifth of what rapid does by itself.
const checks = 20

var _ rapid.TB // whose flag it is

func init() {
	if !Long && os.Getenv("RAPID_CHECKS") == "" {
		set("rapid.checks", checks)
	}
}

// Of is short, or long in the long form.
func Of[T any](short, long T) T {
	if Long {
		return long
	}
	return short
}

// Sample reports whether case i of many is taken: all in the long form, one of each in the short.
func Sample(i, each int) bool { return Long || i%each == 0 }

// Waiting lets n parallel tests run at a time, for tests that sleep more than they work. It is called by TestMain;
// -parallel decides where it is given.
func Waiting(n int) { set("test.parallel", n) }

func set(name string, n int) {
	if err := flag.Set(name, strconv.Itoa(n)); err != nil {
		panic(err)
	}
}
