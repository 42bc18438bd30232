package fuzz

import (
	"flag"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// checker is a rapid.TB outside of tests: rapid.Check shrinks what fails, and ends by a panic of ours.
type checker struct{ failed bool }

// failNow unwinds rapid.Check.
type failNow struct{}

func (c *checker) Helper()               {}
func (c *checker) Name() string          { return "epollsim-fuzz" }
func (c *checker) Logf(string, ...any)   {}
func (c *checker) Log(...any)            {}
func (c *checker) Skipf(string, ...any)  { panic(failNow{}) }
func (c *checker) Skip(...any)           { panic(failNow{}) }
func (c *checker) SkipNow()              { panic(failNow{}) }
func (c *checker) Errorf(string, ...any) { c.failed = true }
func (c *checker) Error(...any)          { c.failed = true }
func (c *checker) Fatalf(string, ...any) { c.FailNow() }
func (c *checker) Fatal(...any)          { c.FailNow() }
func (c *checker) Fail()                 { c.failed = true }
func (c *checker) Failed() bool          { return c.failed }

func (c *checker) FailNow() {
	c.failed = true
	panic(failNow{})
}

// rapid's flags belong to the process.
var rapidFlags sync.Mutex

// shrink draws what the generator drew for seed, and less and less of it as long as fails says that it still
// fails. fails sees the smallest one last.
func shrink(gen *rapid.Generator[[]uint64], seed uint64, limit time.Duration, fails func([]uint64) bool) {
	rapidFlags.Lock()
	defer rapidFlags.Unlock()
	defer setFlags(map[string]string{
		"rapid.seed": strconv.FormatUint(seed, 10), "rapid.checks": "1", "rapid.nofailfile": "true", "rapid.shrinktime": limit.String(),
	})()
	defer func() {
		if v := recover(); v != nil && v != (failNow{}) {
			panic(v)
		}
	}()
	rapid.Check(&checker{}, func(t *rapid.T) {
		if fails(gen.Draw(t, "program")) {
			t.Fatalf("the kernels differ")
		}
	})
}

// setFlags sets rapid's flags and returns what sets them back. Outside of a test they are made known first, and
// rapid is told that flags have been read.
func setFlags(values map[string]string) (restore func()) {
	testing.Init()
	if !flag.Parsed() {
		_ = flag.CommandLine.Parse(nil)
	}
	old := map[string]string{}
	for name, v := range values {
		f := flag.Lookup(name)
		if f == nil {
			panic("rapid has no flag " + name)
		}
		old[name] = f.Value.String()
		if err := flag.Set(name, v); err != nil {
			panic(fmt.Sprintf("flag %s: %v", name, err))
		}
	}
	return func() {
		for name, v := range old {
			_ = flag.Set(name, v)
		}
	}
}
