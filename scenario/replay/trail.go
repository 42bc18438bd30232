package replay

import (
	"maps"

	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

// trail is what an execution leaves behind: what each call was about, and when it was made. Of a long log only the last part is kept.
type trail struct {
	steps  map[int]step         // by index of the call
	made   int                  // calls begun
	orders map[sim.ID]fileOrder // of the calls on each file
	folded uint64               // the orders of files that nobody has touched for long
	ends   map[sim.ID]*vfs.File // other ends of pipes and the like
}

type step struct {
	turn    int
	at      int // the moment of the log at which it began
	things  []sim.ID
	brought []sim.ID // what a wait reports
}

// fileOrder is the calls on a file as a sum in which their order counts.
type fileOrder struct {
	sum  uint64
	last int // index of the last one
}

func newTrail() trail {
	return trail{steps: map[int]step{}, orders: map[sim.ID]fileOrder{}, ends: map[sim.ID]*vfs.File{}}
}

const fnvPrime = 1099511628211

// note adds a call about things, which reports brought. Of files the order is kept.
func (t *trail) note(o *op, at int, things, brought []sim.ID, files ...*vfs.File) {
	t.made++
	t.steps[o.index] = step{t.made, at, things, brought}
	for _, f := range files {
		if f == nil {
			continue
		}
		id := f.ID()
		t.orders[id] = fileOrder{t.orders[id].sum*fnvPrime + uint64(o.index) + 1, o.index}
	}
}

// touched gives what a call was about; nil if it has not been made.
func (t *trail) touched(o *op) []sim.ID { return t.steps[o.index].things }

// concerns reports whether a call was about some of the things, or reports them.
func (t *trail) concerns(o *op, things []sim.ID) bool {
	s := t.steps[o.index]
	return share(s.things, things) || share(s.brought, things)
}

// turn is the place of a call in the order in which they were made, 0 if it was not.
func (t *trail) turn(o *op) int { return t.steps[o.index].turn }

// couple notes that two files are the ends of one thing.
func (t *trail) couple(a, b *vfs.File) { t.ends[a.ID()], t.ends[b.ID()] = b, a }

// forget drops the calls before one.
func (t *trail) forget(before int) {
	maps.DeleteFunc(t.steps, func(index int, _ step) bool { return index < before })
	maps.DeleteFunc(t.ends, func(_ sim.ID, other *vfs.File) bool { return other.Count() == 0 })
	for id, order := range t.orders {
		if order.last < before {
			t.folded += (order.sum ^ uint64(id)) * fnvPrime // in whatever order they come
			delete(t.orders, id)
		}
	}
}

// sameOrder reports whether two executions made the calls on each file in the same order.
func (t *trail) sameOrder(other *trail) bool {
	return t.folded == other.folded && maps.Equal(t.orders, other.orders)
}
