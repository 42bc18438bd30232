package replay

import (
	"hash/fnv"
	"slices"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/eventpoll"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

// What a call is about. Two calls whose order may matter are about the same thing: a file, both ends of a pipe or a connection, a
// port at which somebody listens.

var (
	classConnection = sim.NewClass("connection")
	classPort       = sim.NewClass("port")
	classUdpPort    = sim.NewClass("port of UDP")
	className       = sim.NewClass("name of a socket")
)

const classShift = 48 // of a sim.ID

func connectionThing(a, b uint16) sim.ID {
	return sim.ID(classConnection)<<classShift | sim.ID(min(a, b))<<16 | sim.ID(max(a, b))
}

func portThing(port uint16) sim.ID { return sim.ID(classPort)<<classShift | sim.ID(port) }

func udpThing(port uint16) sim.ID { return sim.ID(classUdpPort)<<classShift | sim.ID(port) }

// nameThing stands for a unix socket by its name.
func nameThing(path string) sim.ID {
	h := fnv.New64a()
	_, _ = h.Write([]byte(path))
	return sim.ID(className)<<classShift | sim.ID(h.Sum64()&(1<<classShift-1))
}

// things gives what a file stands for.
func (x *exec) things(f *vfs.File) []sim.ID {
	list := []sim.ID{f.ID()}
	if other := x.ends[f.ID()]; other != nil {
		list = append(list, other.ID())
	}
	if u := devices.UnixOf(f); u != nil {
		list = append(list, u.Related()...)
		if name, _ := u.Sockname(f); name.Path != "" {
			list = append(list, nameThing(name.Path))
		}
		return list
	}
	if u := devices.UdpOf(f); u != nil {
		if local, _ := u.Sockname(f); local.Inet.Port() != 0 {
			list = append(list, udpThing(local.Inet.Port()))
		}
		if peer, errno := u.Peername(f); errno == 0 {
			list = append(list, udpThing(peer.Inet.Port()))
		}
		return list
	}
	t := devices.TcpOf(f)
	if t == nil {
		return list
	}
	local, _ := t.Sockname(f)
	if peer, errno := t.Peername(f); errno == 0 {
		return append(list, connectionThing(local.Inet.Port(), peer.Inet.Port()))
	}
	if port := local.Inet.Port(); port != 0 {
		list = append(list, portThing(port))
	}
	return list
}

// thingsOf gives what a call is about.
func (x *exec) thingsOf(o *op) []sim.ID {
	var list []sim.ID
	for _, fd := range [2]int{o.fd, o.fd2} {
		if f := x.file(o, fd); f != nil {
			list = append(list, x.things(f)...)
		}
	}
	switch {
	case o.addr == nil || !o.connects() && !o.row.sends():
	case o.addr.Family == abi.AF_UNIX:
		list = append(list, nameThing(x.remoteAddr(o).Path))
	case o.connects() && anyInet(o.addr):
		list = append(list, portThing(x.connectAddr(*o.addr).Inet.Port()))
	case anyInet(o.addr):
		list = append(list, udpThing(x.sendAddr(o).Inet.Port()))
	}
	return list
}

// share reports whether two lists have something in common.
func share(a, b []sim.ID) bool {
	return slices.ContainsFunc(a, func(id sim.ID) bool { return slices.Contains(b, id) })
}

// subject gives what a call changes: of epoll_ctl the file that is watched, not the epoll.
func (x *exec) subject(o *op) []sim.ID {
	if f := x.file(o, o.fd2); o.row.name == "epoll_ctl" && f != nil {
		return x.things(f)
	}
	return x.thingsOf(o)
}

// precede lets those calls under way go before o of whose files the log tells before it tells of those of o: a wait gets what is ready
// in the order in which it became so.
func (x *exec) precede(o *op) {
	if !changes(o) || !slices.ContainsFunc(x.open, func(th *thread) bool { return x.waiting(th, o) }) {
		return
	}
	own := x.subject(o)
	before := x.reportedBefore(own, o)
	again := false
	for _, f := range before {
		for _, th := range slices.Clone(x.open) {
			if !x.waiting(th, o) || x.plan.atEnd(th.cur) || !x.canForce(th) {
				continue
			}
			if subject := x.subject(th.cur); share(subject, x.things(f)) && !share(subject, own) {
				x.begin(th)
				again = true
			}
		}
	}
	if again {
		x.settle()
	}
}

// changes reports whether a call may make something ready.
func changes(o *op) bool { return !o.row.looks && !o.row.ends }

// waiting reports whether the call of th, another one than o, has not been made.
func (x *exec) waiting(th *thread, o *op) bool {
	return th.cur != nil && th.cur != o && !th.begun && changes(th.cur) && !x.lost(th)
}

// close by is how many moments ahead a wait is that tells of an order.
const closeBy = 256

// rival reports whether another wait that ends before o tells of the same item: what is there now is rather for that one.
func (x *exec) rival(o *op) bool {
	if !o.row.isEpollWait() || len(o.want.events) == 0 || x.plan.atOnce(o) {
		return false
	}
	moments := 0
	return x.log.next(x.at-1, func(w *op) lookahead { // the one that is being finished too
		if moments++; w == o || moments > closeBy {
			return lookNo
		}
		if w.row.isEpollWait() && len(w.want.events) > 0 && x.threads[w.task] != nil && x.epoll(w) == x.epoll(o) && slices.ContainsFunc(w.want.events, func(e abi.EpollEvent) bool {
			return slices.ContainsFunc(o.want.events, func(own abi.EpollEvent) bool { return own.Data == e.Data })
		}) {
			return lookYes
		}
		return lookOn
	})
}

// reportedBefore gives the files that waits of an epoll report before one reports any of these things: waits that are under way, and
// that one itself. Those that are listed already are left out.
func (x *exec) reportedBefore(own []sim.ID, o *op) []*vfs.File {
	type report struct {
		ep   *eventpoll.Eventpoll
		file *vfs.File
	}
	var reports []report
	var before []*vfs.File
	moments := 0
	x.log.next(x.at, func(w *op) lookahead {
		if moments++; moments > closeBy {
			return lookNo
		}
		th := x.threads[w.task]
		if w == o || !w.row.isEpollWait() || th == nil {
			return lookOn
		}
		ep := x.epoll(w)
		if ep == nil {
			return lookOn
		}
		own, files := x.reportedIn(ep, w, own)
		if own || th.cur == w { // one that comes later tells nothing
			for _, f := range files {
				reports = append(reports, report{ep, f})
			}
		}
		if !own {
			return lookOn
		}
		for _, r := range reports {
			if r.ep == ep { // what another one reports when tells nothing
				before = append(before, r.file)
			}
		}
		return lookYes
	})
	return before
}

// reportedIn gives the files that w reports before one of own, or all, without those that are listed already; found is whether it
// reports one.
func (x *exec) reportedIn(ep *eventpoll.Eventpoll, w *op, own []sim.ID) (found bool, files []*vfs.File) {
	for _, e := range w.want.events {
		f, _ := x.itemOf(ep, e.Data)
		if f != nil && share(x.things(f), own) {
			return true, files
		}
		if f != nil && !x.listed(ep, e.Data) {
			files = append(files, f)
		}
	}
	return false, files
}
