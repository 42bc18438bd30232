package sim

import "github.com/google/btree"

// instant is when a timer fires: timers of one time fire in the order they were started.
type instant struct {
	expiry int64
	seq    uint64
}

func (a instant) before(b instant) bool {
	return a.expiry < b.expiry || a.expiry == b.expiry && a.seq < b.seq
}

// timerQueue has the timers of a machine in the order of their places. Most timers are stopped or put off before they
// fire, so neither moves one: it keeps its place, which is never behind its time, until that comes to the front.
type timerQueue struct {
	tree  *btree.BTreeG[*Timer]
	armed int      // of those in tree
	kept  []*Timer // for a sweep
}

// staleTimers is how many timers may stand in the tree that were stopped, at least.
const staleTimers = 64

func placeBefore(a, b *Timer) bool { return a.place.before(b.place) }

// add arms tm, which is not armed, for tm.when.
func (q *timerQueue) add(tm *Timer) {
	tm.armed = true
	q.armed++
	if tm.placed && !tm.when.before(tm.place) {
		return
	}
	if q.tree == nil {
		q.tree = btree.NewG(8, placeBefore)
	}
	if tm.placed {
		q.tree.Delete(tm)
	}
	q.put(tm)
}

func (q *timerQueue) put(tm *Timer) {
	tm.place, tm.placed = tm.when, true
	q.tree.ReplaceOrInsert(tm)
}

// drop disarms tm.
func (q *timerQueue) drop(tm *Timer) {
	tm.armed = false
	if q.armed--; q.tree.Len() > 2*q.armed+staleTimers {
		q.sweep()
	}
}

// sweep takes the timers out that were stopped.
func (q *timerQueue) sweep() {
	q.tree.Ascend(func(tm *Timer) bool {
		if tm.placed = tm.armed; tm.armed {
			q.kept = append(q.kept, tm)
		}
		return true
	})
	q.tree.Clear(true)
	for _, tm := range q.kept {
		q.tree.ReplaceOrInsert(tm)
	}
	clear(q.kept)
	q.kept = q.kept[:0]
}

// take disarms tm and takes it out: it fires.
func (q *timerQueue) take(tm *Timer) {
	tm.armed, tm.placed = false, false
	q.armed--
	q.tree.Delete(tm)
}

// first returns the timer that fires first, nil if none is armed.
func (q *timerQueue) first() *Timer {
	if q.armed == 0 {
		return nil
	}
	for {
		tm, _ := q.tree.Min()
		switch {
		case tm.armed && tm.place == tm.when:
			return tm
		case tm.armed:
			q.tree.DeleteMin()
			q.put(tm)
		default:
			q.tree.DeleteMin()
			tm.placed = false
		}
	}
}
