package replay

import (
	"fmt"
	"hash/fnv"
	"math"
	"slices"
)

// What a search learns. An execution that fails shows in which order the calls made that could have to do with it. Another result
// needs another order of two of them at least that are about the same thing and were under way at the same time: a race, which the
// next execution decides the other way. Of each execution that failed the order is kept: one that comes to an order that failed before
// leads nowhere new, and is not gone on from. So are the races that cannot be decided the other way, because the results of other
// calls do not let them, and those on which the failed result does not depend: these come last, wherever that result fails again. It is
// always the execution that came furthest which is gone on from, however long ago it was: the calls between are not tried one by one.

// Bounds of it.
const (
	nearRace = 24  // calls before the failure whose order is decided
	reversed = 240 // executions
)

// race is two calls that were made in one order and could have been in the other.
type race struct {
	late    earlier // to be made first
	early   int
	changes bool // the late one
}

func (r race) pair() [2]int { return [2]int{r.late.index, r.early} }

// failure is an execution that came to another result than the log, and what may be tried from there.
type failure struct {
	plan   *plan
	at     int // as far as it came
	misfit int
	result string // of the failed call
	races  []race
	depth  int
}

// learned is what a search knows by now.
type learned struct {
	orders map[uint64]bool            // that have failed
	fixed  map[[2]int]bool            // pairs that stay as they are
	idle   map[string]map[[2]int]bool // pairs on which a failed result does not depend
}

func newLearned() *learned {
	return &learned{orders: map[uint64]bool{}, fixed: map[[2]int]bool{}, idle: map[string]map[[2]int]bool{}}
}

// races gives the pairs of calls near the failure that can be decided the other way, those first that are close to it.
func (x *exec) races(calls []*op) []race {
	var list []race
	made := slices.Clone(calls)
	slices.SortStableFunc(made, func(a, b *op) int { return x.place(b) - x.place(a) })
	for i, late := range made {
		for _, early := range made[i+1:] {
			if late.task != early.task && late.begin.Seq < early.end.Seq && (x.sameThings(late, early) || x.renumbers(late, early) || x.renumbers(early, late)) {
				list = append(list, race{late.place(), early.index, changes(late) && !late.row.waits})
			}
		}
	}
	return list
}

// place is that of a call in the order in which they were made; of those that were not, the last one.
func (x *exec) place(o *op) int {
	if turn := x.turn(o); turn > 0 {
		return turn
	}
	return math.MaxInt32
}

// order is the order of the calls near a failure, and what they led to.
func (l *learned) order(x *exec, calls []*op) uint64 {
	h := fnv.New64a()
	made := slices.Clone(calls)
	slices.SortStableFunc(made, func(a, b *op) int { return x.place(a) - x.place(b) })
	for _, o := range made {
		fmt.Fprint(h, o.index, " ")
	}
	fmt.Fprint(h, x.outcome())
	return h.Sum64()
}

// outcome names the failed call and its result in the model.
func (x *exec) outcome() string {
	if x.failed == nil {
		return ""
	}
	return fmt.Sprint(x.failed.index, " ", x.diverged.Model)
}

// fails takes an execution in, unless its order is known to fail.
func (l *learned) fails(x *exec, p *plan, depth int) *failure {
	if x.stuck() {
		return nil
	}
	calls := x.nearby(nearRace)
	if sum := l.order(x, calls); !l.orders[sum] {
		l.orders[sum] = true
		return &failure{plan: p, at: x.at, misfit: x.misfit, result: x.outcome(), races: x.races(calls), depth: depth}
	}
	return nil
}

// reverse decides races the other way, one at a time, from the execution that came furthest.
func (f *found) reverse(try func(*plan) (*exec, bool)) (further, gaveUp bool) {
	l := newLearned()
	open := []*failure{}
	if first := l.fails(f.x, f.plan, 0); first != nil {
		open = append(open, first)
	}
	for range reversed {
		from, r, ok := l.next(open)
		if !ok {
			return false, false
		}
		p := from.plan.inFront(r.late, r.early)
		if r.changes {
			p.late[r.late.index] = false
		}
		x, further := try(p)
		if x == nil || further {
			return further, x == nil
		}
		same := x.outcome() == from.result
		switch fail := l.fails(x, p, from.depth+1); {
		case fail != nil:
			open = append(open, fail)
		case same:
			l.fixed[r.pair()] = true
		}
		if same {
			if l.idle[from.result] == nil {
				l.idle[from.result] = map[[2]int]bool{}
			}
			l.idle[from.result][r.pair()] = true
		}
	}
	return false, false
}

// next takes the race that is to be decided now.
func (l *learned) next(open []*failure) (*failure, race, bool) {
	for _, idle := range [2]bool{false, true} {
		var best *failure
		at := -1
		for _, fail := range open {
			if best != nil && !fail.before(best) {
				continue
			}
			i := slices.IndexFunc(fail.races, func(r race) bool {
				return !l.fixed[r.pair()] && (idle || !l.idle[fail.result][r.pair()])
			})
			if i >= 0 {
				best, at = fail, i
			}
		}
		if best != nil {
			r := best.races[at]
			best.races = slices.Delete(best.races, at, at+1)
			return best, r, true
		}
	}
	return nil, race{}, false
}

// before reports whether a failure is to be gone on from rather than another one.
func (a *failure) before(b *failure) bool {
	switch {
	case a.at != b.at:
		return a.at > b.at
	case a.misfit != b.misfit:
		return a.misfit < b.misfit
	}
	return a.depth < b.depth
}
