package eventpoll

import (
	"errors"
	"fmt"
)

// Check walks ep and reports every broken invariant. It may run between any two steps: what a holder of
// ep.mtx is changing is not judged until the mutex is free.
func (ep *Eventpoll) Check() error {
	var all []error
	bad := func(format string, args ...any) {
		all = append(all, fmt.Errorf(ep.id.String()+": "+format, args...))
	}
	if !ep.rdllist.Check() || !ep.txlist.Check() || !ep.wq.Check() {
		bad("a list has a broken link")
	}
	if err := ep.rbr.Check(); err != nil {
		bad("%w", err)
	}
	if ep.refcount < 0 || ep.freed && ep.refcount != 0 {
		bad("refcount %d", ep.refcount)
	}
	on := map[*epitem]string{}
	for epi := range ep.rdllist.All() {
		on[epi] = "rdllist"
	}
	for epi := range ep.txlist.All() {
		if where := on[epi]; where != "" {
			bad("%s is on txlist and on %s", epi, where)
		}
		on[epi] = "txlist"
	}
	for epi := range on {
		if epi.ep != ep {
			bad("%s of another epoll is on %s", epi, on[epi])
		}
	}
	all = append(all, ep.checkOvflist())
	if ep.mtx.Owner() == nil && !ep.freed {
		all = append(all, ep.checkItems())
	}
	return errors.Join(all...)
}

// checkOvflist: the chain exists only during a scan, ends, and names each item once.
func (ep *Eventpoll) checkOvflist() error {
	if ep.ovflist == inactive {
		return nil
	}
	seen := map[*epitem]bool{}
	for epi := ep.ovflist; epi != nil; epi = epi.next {
		if epi == inactive {
			return fmt.Errorf("%s: ovflist runs into an item that is not on it", ep.id)
		}
		if seen[epi] {
			return fmt.Errorf("%s: %s is on ovflist twice", ep.id, epi)
		}
		seen[epi] = true
	}
	return nil
}

// checkItems holds while nobody has ep.mtx.
func (ep *Eventpoll) checkItems() error {
	var all []error
	bad := func(format string, args ...any) {
		all = append(all, fmt.Errorf(ep.id.String()+": "+format, args...))
	}
	if !ep.txlist.Empty() || ep.scanning && ep.ovflist == inactive {
		bad("txlist has items though no scan runs")
	}
	items := 0
	for epi := range ep.rbr.All() {
		items++
		if !epi.fllink.Linked() {
			bad("%s is in no list of its file", epi)
		}
		if w, _ := epi.file.WatchersNow().(*epitemsHead); w == nil {
			bad("f_ep of %s is nil though %s watches it", epi.file.ID(), epi)
		}
		if epi.ovflistLinked() && ep.ovflist == inactive {
			bad("%s is on ovflist though no scan runs", epi)
		}
	}
	file := 0
	if ep.file.Count() > 0 || !ep.released {
		file = 1
	}
	// A file's end drops the item's share after ep.mtx, so the count may run behind.
	if ep.refcount < items+file {
		bad("refcount %d, with %d items and %d for the file", ep.refcount, items, file)
	}
	return errors.Join(all...)
}

func (epi *epitem) ovflistLinked() bool { return epi.next != inactive }
