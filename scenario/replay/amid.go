package replay

import (
	"slices"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
)

// What becomes ready while an epoll_wait looks through the ready list goes to its front, before what that wait has reported and
// listed again. Where the log has two items in another order than whole calls leave them in, this is what may have happened.

// amidst gives the call that the plan has in the middle of the wait of o, if it is under way and has not been made.
func (x *exec) amidst(o *op) (other *thread, planned bool) {
	if o == nil || len(x.plan.amid) == 0 {
		return nil, false
	}
	first, ok := x.plan.amid[o.index]
	if !ok {
		return nil, false
	}
	th := x.threads[first.task]
	if th == nil || th.cur == nil || th.cur.index != first.index || th.begun || x.lost(th) {
		return nil, x.at < first.moment
	}
	return th, true
}

// awaits reports whether the wait of o is to be held up until the call begins that the plan has in the middle of it.
func (x *exec) awaits(o *op) bool {
	other, planned := x.amidst(o)
	return planned && other == nil
}

// runAmid lets the wait of th run until it has scanned what is ready, then the other, then goes on.
func (x *exec) runAmid(th, other *thread) {
	ep, t := x.epoll(th.cur), th.k.Task()
	if ep == nil {
		return
	}
	for !ep.EndsScan(t.Next()) {
		if !x.advanceOne(th) {
			return
		}
	}
	x.begin(other)
	for !other.finished && !x.lost(other) {
		// It wants a lock that the wait has at this point, and for a few more.
		if _, owner, ok := other.k.Task().Wants(); !ok || owner != t || !x.advanceOne(th) {
			break
		}
		x.grant(other.k.Task())
	}
	x.grant(t)
}

// advanceOne lets th run to its next point; false if it sleeps now, or its call is over.
func (x *exec) advanceOne(th *thread) bool {
	x.steer.points = 1
	x.grant(th.k.Task())
	x.steer.points = 0
	return !th.finished && x.runnable(th)
}

// disorder gives the plans that make calls in the middle of earlier waits because the failed one has things in another order: those
// about an item that the log has in front of another, in the last waits that have reported that one.
func (x *exec) disorder(p *plan, calls []*op) []*plan {
	ep := x.epoll(x.failed)
	th := x.threads[x.failed.task]
	if ep == nil || !x.failed.row.isEpollWait() || th == nil {
		return nil
	}
	var list []*plan
	for i, e := range x.failed.want.events {
		f, _ := x.itemOf(ep, e.Data)
		if f == nil || !x.overtakes(th.got.events, i) {
			continue
		}
		things := x.things(f)
		for _, wait := range x.waits(ep.ID()) {
			for _, o := range calls {
				if changes(o) && !o.row.isEpollWait() && o.begin.Seq < wait.end.Seq && wait.begin.Seq < o.end.Seq && share(x.touched(o), things) {
					list = append(list, p.during(wait, o))
				}
			}
		}
	}
	return list
}

// overtakes reports whether the i-th event of the failed wait comes too late in the model, or not at all.
func (x *exec) overtakes(got []abi.EpollEvent, i int) bool {
	want := x.failed.want.events
	at := func(data uint64) int {
		return slices.IndexFunc(got, func(e abi.EpollEvent) bool { return e.Data == data })
	}
	own := at(want[i].Data)
	if own < 0 {
		return true
	}
	for _, e := range got[:own] {
		if j := slices.IndexFunc(want, func(w abi.EpollEvent) bool { return w.Data == e.Data }); j < 0 || j > i {
			return true
		}
	}
	return false
}

// lastWaits is how many waits of an epoll are looked at.
const lastWaits = 4

// waits gives the last waits for events of an epoll before the failed one.
func (x *exec) waits(ep sim.ID) []*op {
	var list []*op
	for i := x.at; i >= max(x.log.first, x.at-closeBy) && len(list) < lastWaits; i-- {
		e := x.log.at(i)
		o := e.op
		if e.kind != eventEnter && e.kind != eventCall || o.row == nil || o == x.failed || !o.row.isEpollWait() || o.want.ret <= 0 {
			continue
		}
		if w := x.epoll(o); w != nil && w.ID() == ep {
			list = append(list, o)
		}
	}
	return list
}
