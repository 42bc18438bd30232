package eventpoll

import (
	"errors"
	"fmt"

	"github.com/epollsim/epollsim/internal/list"
)

// checker collects what is wrong with one epoll.
type checker struct {
	ep  *Eventpoll
	all []error
}

func (c *checker) bad(format string, args ...any) {
	c.all = append(c.all, fmt.Errorf(c.ep.id.String()+": "+format, args...))
}

// Check walks ep and reports every broken invariant. It may run between any two steps: what the holder of
// ep.mtx or ep.lock is changing is not judged until the lock is free.
func (ep *Eventpoll) Check() error {
	c := checker{ep: ep}
	if !ep.rdllist.Check() || !ep.txlist.Check() || !ep.wq.Check() || !ep.pollWait.Check() {
		c.bad("a list has a broken link")
		return c.all[0] // and is not safe to walk
	}
	if ep.freed || ep.refcount < 0 || ep.refcount == 0 && !ep.rules.DropsRefLocked {
		c.bad("refcount %d, freed %t", ep.refcount, ep.freed)
	}
	c.lists()
	if !ep.rdllist.Own(rdllink) || !ep.txlist.Own(rdllink) {
		c.twice()
	}
	if ep.lock.Owner() == nil {
		c.ovflist()
	}
	if ep.mtx.Owner() == nil {
		c.idle()
	}
	return errors.Join(c.all...)
}

func rdllink(epi *epitem) *list.Node[epitem] { return &epi.rdllink }

// lists: an item is on a list of its own epoll.
func (c *checker) lists() {
	for epi := range c.ep.rdllist.All() {
		c.listed("rdllist", epi)
	}
	for epi := range c.ep.txlist.All() {
		c.listed("txlist", epi)
	}
}

func (c *checker) listed(where string, epi *epitem) {
	if epi.ep != c.ep || !epi.rbn.Linked() && c.ep.mtx.Owner() == nil {
		c.bad("%s is on %s and not on rbr", epi, where)
	}
}

// twice tells which items are on more than one list, on one more than once, or on one by a node that is not their own.
func (c *checker) twice() {
	before, on := len(c.all), map[*epitem]string{}
	see := func(where string, epi *epitem) {
		switch was := on[epi]; {
		case was != "":
			c.bad("%s is on %s and on %s", epi, where, was)
		case epi.rdllink.Owner() != epi:
			c.bad("%s is on %s by a node that is not its own", epi, where)
		}
		on[epi] = where
	}
	for epi := range c.ep.rdllist.All() {
		see("rdllist", epi)
	}
	for epi := range c.ep.txlist.All() {
		see("txlist", epi)
	}
	if len(c.all) == before { // its own is on the list of another epoll
		c.bad("an item is on a list by a node that is not its own")
	}
}

// ovflist: the chain exists only during a scan, ends, and names each item once. Holds while ep.lock is free.
func (c *checker) ovflist() {
	ep := c.ep
	if ep.ovflist == inactive {
		return
	}
	if ep.mtx.Owner() == nil && ep.m.Observed() {
		c.bad("ovflist is active though nobody scans")
	}
	behind, n := ep.ovflist, 0 // follows at half the pace: in a ring it is met
	for epi := ep.ovflist; epi != nil; epi = epi.next {
		if epi == inactive {
			c.bad("ovflist runs into an item that is not on it")
			return
		}
		if n > 0 && epi == behind {
			c.bad("%s is on ovflist twice", epi)
			return
		}
		if epi.ep != ep {
			c.bad("%s of another epoll is on ovflist", epi)
		}
		if n++; n%2 == 0 {
			behind = behind.next
		}
	}
}

// idle is what holds while nobody has ep.mtx: no scan, the tree in order, every item whole and counted.
func (c *checker) idle() {
	ep := c.ep
	if err := ep.rbr.Check(); err != nil {
		c.bad("%w", err)
	}
	if !ep.txlist.Empty() {
		c.bad("txlist has items though no scan runs")
	}
	items := 0
	for epi := range ep.rbr.All() {
		items++
		c.item(epi)
	}
	file := 1
	if ep.released {
		file = 0
	}
	if ep.refcount != items+file+ep.owed {
		c.bad("refcount %d, with %d items, %d for the file and %d owed", ep.refcount, items, file, ep.owed)
	}
}

func (c *checker) item(epi *epitem) {
	if epi.ep != c.ep {
		c.bad("%s of another epoll is on rbr", epi)
	}
	if epi.next != inactive && c.ep.ovflist == inactive {
		c.bad("%s is on ovflist though no scan runs", epi)
	}
	if epi.dying && epi.file.Count() > 0 {
		c.bad("%s is dying though its file has references", epi)
	}
	for pwq := epi.pwqlist; pwq != nil; pwq = pwq.next {
		if pwq.base != epi || pwq.whead != nil && !pwq.wait.Queued() && pwq.whead.Lock.Owner() == nil {
			c.bad("%s has a hook that is on no queue", epi)
		}
	}
	if epi.file.Lock.Owner() == nil {
		c.watched(epi)
	}
}

// watched: the file knows the item. Holds while f_lock is free.
func (c *checker) watched(epi *epitem) {
	head, _ := epi.file.WatchersNow().(*epitemsHead)
	if head == nil {
		c.bad("f_ep of %s is nil though %s watches it", epi.file.ID(), epi)
		return
	}
	if head.first != epi && (epi.flprev == nil || epi.flprev.flnext != epi) {
		c.bad("%s is in no list of its file", epi)
	}
	if epi.flnext != nil && epi.flnext.flprev != epi {
		c.bad("the list of %s has a broken link at %s", epi.file.ID(), epi)
	}
}
