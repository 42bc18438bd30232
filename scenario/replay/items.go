package replay

import (
	"maps"
	"slices"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/eventpoll"
	"github.com/epollsim/epollsim/vfs"
)

// items finds the items of epolls by what the log shows of them. What it says is verified: items go with their files.
type items struct {
	places   map[itemData]place
	shared   map[itemData]bool                // data that several items have had
	external map[*eventpoll.Eventpoll][]place // of files of which only the log knows
}

type itemData struct {
	ep   *eventpoll.Eventpoll
	data uint64
}

type place struct {
	file *vfs.File
	fd   int
}

func newItems() items {
	return items{places: map[itemData]place{}, shared: map[itemData]bool{}, external: map[*eventpoll.Eventpoll][]place{}}
}

// added notes that ep watches f.
func (it *items) added(ep *eventpoll.Eventpoll, f *vfs.File, fd int, data uint64) {
	at := itemData{ep, data}
	if old, ok := it.places[at]; ok && old != (place{f, fd}) {
		if e, _, ok := ep.Item(old.file, old.fd); ok && e.Data == data {
			it.shared[at] = true
		}
	}
	it.places[at] = place{f, fd}
	if p := (place{f, fd}); externalOf(f) != nil && !slices.Contains(it.external[ep], p) {
		it.external[ep] = append(it.external[ep], p)
	}
}

// itemOf gives the file and the mask of an item with this data.
func (it *items) itemOf(ep *eventpoll.Eventpoll, data uint64) (file *vfs.File, mask abi.Events) {
	p, ok := it.places[itemData{ep, data}]
	if ok {
		if e, _, ok := ep.Item(p.file, p.fd); ok && e.Data == data {
			return p.file, e.Events
		}
	}
	ep.EachItem(func(f *vfs.File, fd int, item abi.EpollEvent) bool {
		if item.Data == data {
			file, mask = f, item.Events
			it.added(ep, f, fd, data)
		}
		return file == nil
	})
	return file, mask
}

// only gives the item with this data, if there is no more than one.
func (it *items) only(ep *eventpoll.Eventpoll, data uint64) (file *vfs.File, mask abi.Events, listed, ok bool) {
	at := itemData{ep, data}
	p, known := it.places[at]
	if !known || it.shared[at] {
		return nil, 0, false, false
	}
	e, listed, ok := ep.Item(p.file, p.fd)
	return p.file, e.Events, listed, ok && e.Data == data
}

// hasExternal reports whether ep watches a file of which only the log knows.
func (it *items) hasExternal(ep *eventpoll.Eventpoll) bool {
	list := slices.DeleteFunc(it.external[ep], func(p place) bool {
		_, _, ok := ep.Item(p.file, p.fd)
		return !ok
	})
	if len(list) == 0 {
		delete(it.external, ep)
		return false
	}
	it.external[ep] = list
	return true
}

// forget drops what is not there any more.
func (it *items) forget() {
	maps.DeleteFunc(it.places, func(at itemData, p place) bool {
		e, _, ok := at.ep.Item(p.file, p.fd)
		return !ok || e.Data != at.data
	})
	maps.DeleteFunc(it.shared, func(at itemData, _ bool) bool { return at.ep.Items() == 0 })
	maps.DeleteFunc(it.external, func(ep *eventpoll.Eventpoll, _ []place) bool { return ep.Items() == 0 })
}

// listed reports whether an item with this data is in the ready list of ep.
func (it *items) listed(ep *eventpoll.Eventpoll, data uint64) bool {
	p, ok := it.places[itemData{ep, data}]
	if !ok {
		return false
	}
	e, listed, ok := ep.Item(p.file, p.fd)
	return ok && listed && e.Data == data
}
