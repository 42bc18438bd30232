package replay

import (
	"maps"
	"slices"
)

// plan is what one execution does in another way than by default. Calls are named by their place in the log: a log that is read
// again has others.
type plan struct {
	eager  bool              // all that change something at once
	late   map[int]bool      // not before its end comes; false: as soon as it begins
	inside map[int]int       // it is stopped at this point inside
	before map[int][]earlier // others go first: it is held up until they are made, or its end comes
	amid   map[int]earlier   // another one is made while this wait scans its ready list

	draw    *draw           // chooses what comes next, of files without times
	origins map[int]origin  // of tasks whose making the log does not have
	births  map[int][]child // those of them that are forked off in front of a call, by Mark.Seq of that
}

type earlier struct{ index, task, moment int }

// with is the plan with one more call made late, or at once.
func (p *plan) with(o *op, late bool) *plan {
	n := p.copy()
	n.late[o.index] = late
	return n
}

// inFront is the plan in which one call is made before another, if both are under way then.
func (p *plan) inFront(first earlier, second int) *plan {
	n := p.copy()
	delete(n.late, first.index)
	undo := func(e earlier) bool { return e.index == second }
	n.before[first.index] = slices.DeleteFunc(slices.Clone(n.before[first.index]), undo)
	n.before[second] = append(slices.Clone(n.before[second]), first)
	return n
}

// place tells which call o is.
func (o *op) place() earlier { return earlier{o.index, o.task, o.moment} }

// during is the plan in which o is made while wait scans what is ready.
func (p *plan) during(wait, o *op) *plan {
	n := p.copy()
	delete(n.late, o.index)
	n.amid[wait.index] = o.place()
	return n
}

// stopped is the plan in which o begins at once and is stopped at a point inside.
func (p *plan) stopped(o *op, point int) *plan {
	n := p.copy()
	delete(n.late, o.index)
	n.inside[o.index] = point
	return n
}

func (p *plan) copy() *plan {
	n := &plan{eager: p.eager, origins: p.origins, births: p.births, late: map[int]bool{}, inside: map[int]int{}, before: map[int][]earlier{}, amid: map[int]earlier{}}
	maps.Copy(n.late, p.late)
	maps.Copy(n.before, p.before)
	maps.Copy(n.amid, p.amid)
	maps.Copy(n.inside, p.inside)
	return n
}

func (p *plan) atEnd(o *op) bool { return p.late[o.index] }

func (p *plan) atOnce(o *op) bool {
	late, told := p.late[o.index]
	return told && !late || p.inside[o.index] > 0 && (changes(o) || o.row.allocates) || p.eager && !told && !o.row.looks && !o.row.waits && !o.row.ends
}
