package explore

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/epollsim/epollsim/internal/form"
	"github.com/epollsim/epollsim/sim"
)

// dependencies are the rules without any one of which the explorer misses outcomes of some of the programs.
func dependencies() map[string]func(*rules) {
	all := map[string]func(*rules){
		"failure":    func(r *rules) { r.failure = false },
		"pending":    func(r *rules) { r.pending = false },
		"everything": func(r *rules) { r.everything = false },
		"waited":     func(r *rules) { r.waited = false },
		"disturbed":  func(r *rules) { r.disturbed = false },
	}
	for k := range sim.Kinds {
		all[fmt.Sprint("accesses of kind ", k)] = func(r *rules) { r.kinds[k] = false }
	}
	for name, both := range map[string]mode{"read and write": read | write, "write and write": write, "read and add": read | add, "write and add": write | add} {
		all[name] = func(r *rules) { r.modes[both] = false }
	}
	return all
}

// underBound are those that are needed under a bound.
var underBound = map[string]func(*rules){
	"arrival": func(r *rules) { r.arrival = false },
	"handing": func(r *rules) { r.handing = false },
	"frees":   func(r *rules) { r.frees = false },
}

// orders are the rules without which the explorer shows the same and tries more in vain.
var orders = map[string]func(*rules){
	"wake":     func(r *rules) { r.wake = false },
	"time":     func(r *rules) { r.time = false },
	"released": func(r *rules) { r.released = false },
	"last":     func(r *rules) { r.last = false },
	"always":   func(r *rules) { r.always = false },
}

// savings are the rules without which it does the same, and looks at more.
var savings = map[string]func(*rules){"alone": func(r *rules) { r.alone = false }}

// Without any one rule of dependency the explorer misses outcomes of some of the programs.
func TestEachRuleIsNeeded(t *testing.T) {
	if testing.Short() {
		t.Skip("many runs of one goroutine at a time")
	}
	for name, off := range dependencies() {
		t.Run(name, func(t *testing.T) { needed(t, drawProgram, -1, off) })
	}
	for name, off := range underBound {
		t.Run(name, func(t *testing.T) { needed(t, drawLockProgram, 1, off) })
	}
}

// No rule is left out here.
func TestEachRuleIsTested(t *testing.T) {
	tested := map[string]bool{}
	for _, all := range []map[string]func(*rules){dependencies(), underBound, orders, savings} {
		for _, off := range all {
			r := allRules()
			off(&r)
			for name := range on(allRules()) {
				tested[name] = tested[name] || !on(r)[name]
			}
		}
	}
	for name := range on(allRules()) {
		require.True(t, tested[name], "no test switches the rule %s off", name)
	}
}

// on names the rules of r that hold. Modes of more than two accesses are made of those of two.
func on(r rules) map[string]bool {
	all := map[string]bool{}
	v := reflect.ValueOf(r)
	for i := range v.NumField() {
		if name, f := v.Type().Field(i).Name, v.Field(i); f.Kind() == reflect.Bool {
			all[name] = f.Bool()
		} else {
			for j := range f.Len() {
				all[fmt.Sprint(name, " ", j)] = f.Index(j).Bool()
			}
		}
	}
	maps.DeleteFunc(all, func(name string, holds bool) bool {
		var m mode
		n, _ := fmt.Sscanf(name, "modes %d", &m)
		return !holds || n == 1 && (m&(last|free) != 0 || m == read|add|write || m == 0)
	})
	return all
}

// needed fails t unless a program shows less without a rule.
func needed(t *testing.T, draw func(*rapid.T) [][]op, bound int, off func(*rules)) {
	programs := rapid.Custom(draw)
	for seed := range form.Of(2000, 20_000) {
		prog := programs.Example(seed)
		s := newSearch(bound)
		off(&s.rules)
		got, _, _ := reduced(prog, s)
		all, _, _ := reduced(prog, newSearch(bound))
		if !maps.Equal(got, all) {
			want, _ := enumerate(prog, bound, 30_000)
			if want != nil {
				require.Equal(t, slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(all)))
				return
			}
		}
	}
	if !form.Long {
		t.Skip("it takes more programs to see")
	}
	t.Fatal("nothing is missed without it")
}

// Without the orders that nobody can change the explorer shows the same and tries more in vain.
func TestOrdersSaveRuns(t *testing.T) {
	for name, off := range orders {
		programs, bound := rapid.Custom(drawProgram), -1
		switch name {
		case "always":
			programs, bound = rapid.Custom(drawLeaveProgram), 1
		case "last":
			programs = rapid.Custom(drawLeaveProgram)
		case "released":
			programs = rapid.Custom(func(t *rapid.T) [][]op { return drawOps(t, []string{"lock", "unlock", "new"}, 2, 1, 4) })
		}
		with, without := 0, 0
		for seed := range 1000 {
			prog := programs.Example(seed)
			s := newSearch(bound)
			off(&s.rules)
			got, more, _ := reduced(prog, s)
			want, runs, _ := reduced(prog, newSearch(bound))
			require.Equal(t, want, got, name)
			with, without = with+runs, without+more
		}
		require.Greater(t, without, with, name)
	}
}

// What a task does that is alone, and behind all that was, is in no race: nobody looks at it, and the runs are the same.
func TestNobodyMissesWhatIsDoneAlone(t *testing.T) {
	for _, bound := range []int{-1, 0, 1, 2} {
		rapid.Check(t, func(rt *rapid.T) {
			prog := drawProgram(rt)
			s := newSearch(bound)
			savings["alone"](&s.rules)
			want, runs, redundant := reduced(prog, s)
			got, n, vain := reduced(prog, newSearch(bound))
			require.Equal(rt, want, got)
			require.Equal(rt, []int{runs, redundant}, []int{n, vain})
		})
	}
}
