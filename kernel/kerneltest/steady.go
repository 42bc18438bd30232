package kerneltest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/epollsim/epollsim/scenario/strace"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/sim/explore"
)

// How thoroughly a program is asked to do the same again before it is explored: an exploration notices only what changes who can
// run. A test that explores thousands of programs is not asked each time.
const (
	repeats    = 8
	repeatTime = 100 * time.Millisecond
	askAlways  = 16
	askThen    = 32
)

// explorations counts those of each test, by its name.
var explorations sync.Map // of *atomic.Uint64

// unsteady runs the default schedule several times and tells where two of the runs differ, nil if they do not.
func (o *options) unsteady(p explore.Program) error {
	count, _ := explorations.LoadOrStore(o.t.Name(), new(atomic.Uint64))
	if n := count.(*atomic.Uint64).Add(1); n > askAlways && n%askThen != 0 {
		return nil
	}
	begun := time.Now()
	var first *explore.Table
	for range repeats {
		table, err := explore.Interleaving(p, sim.DefaultToken, strace.Words())
		switch {
		case err != nil:
			return err
		case first == nil:
			first = table
		default:
			if err := different(first, table); err != nil {
				return err
			}
		}
		if o.misused() || time.Since(begun) > repeatTime {
			break
		}
	}
	return nil
}

// different is the first difference of two interleavings.
func different(a, b *explore.Table) error {
	for i := range max(len(a.Rows), len(b.Rows)) {
		once, then := row(a, i), row(b, i)
		if once != then {
			return fmt.Errorf("at line %d of its first interleaving, once %s, then %s", i+1, once, then)
		}
	}
	return nil
}

func row(t *explore.Table, i int) string {
	if i >= len(t.Rows) {
		return "nothing"
	}
	r := t.Rows[i]
	return fmt.Sprintf("%s: %s", t.Columns[r.Column], r.Text)
}
