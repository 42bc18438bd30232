package replay

import (
	"encoding/binary"
	"slices"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/eventpoll"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

// What the log does not show but tells by its results: files and numbers from before, time that passed, what untraced
// peers did.

// inherit puts in place what o works on and the log has not opened.
func (x *exec) inherit(th *thread, o *op) {
	if o.want.errno == abi.EBADF {
		return
	}
	t := x.table(th.k.Files())
	if !t.inherited {
		return
	}
	files := th.k.Files()
	missing := func(fd int, epoll bool) {
		if fd < 0 || fd >= 1<<20 || t.known[fd] || files.At(fd) != nil {
			return
		}
		t.known[fd] = true
		f := newExternal(x.k.System(), "inherited", abi.O_RDWR, true)
		if epoll {
			f = x.k.NewEpoll()
			x.foreign(f)
		}
		x.k.PutFile(files, fd, f)
		x.inferred("fd %d of process %d was open before the log began", fd, th.k.Process().Pid())
	}
	missing(o.fd, o.row.isEpollWait() || o.row.name == "epoll_ctl")
	if o.row.name == "epoll_ctl" || o.row.name == "splice" || o.row.name == "sendfile" {
		missing(o.fd2, false)
	}
	for _, p := range o.polls {
		missing(int(p.Fd), false)
	}
	for _, s := range o.sets {
		for _, fd := range s.Fds() {
			missing(fd, false)
		}
	}
	if o.row.name == "epoll_ctl" {
		x.suit(files, o)
	}
}

// suit makes an external file one that can be watched, or not, as the log has it.
func (x *exec) suit(files *vfs.FdTable, o *op) {
	f := files.At(o.fd2)
	if externalOf(f) == nil || o.a[0] != abi.EPOLL_CTL_ADD {
		return
	}
	refused := o.want.errno == abi.EPERM
	if o.want.failed() && !refused || f.CanPoll() != refused {
		return
	}
	other := newExternal(x.k.System(), f.Name, abi.O_RDWR, !refused)
	x.k.PutFile(files, o.fd2, other)
}

// table is what is known of an fd table.
func (x *exec) table(files *vfs.FdTable) *table {
	t := x.tables[files]
	if t == nil {
		t = &table{known: map[int]bool{}}
		x.tables[files] = t
	}
	return t
}

// copyTable notes that the table to is a copy of from.
func (x *exec) copyTable(from, to *vfs.FdTable) {
	old := x.table(from)
	t := &table{inherited: old.inherited, limited: old.limited, known: make(map[int]bool, len(old.known))}
	for fd := range old.known {
		t.known[fd] = true
	}
	x.tables[to] = t
}

// helpAlloc takes numbers that must have been taken before the log began, and finds out the limit.
func helpAlloc(x *exec, o *op) bool {
	files := x.thread(o).k.Files()
	free := files.NextFree(o.lowest())
	if o.want.errno == abi.EMFILE {
		if t := x.table(files); !t.limited && free < files.Limit {
			t.limited = true
			files.Limit = free
			x.inferred("RLIMIT_NOFILE of process %d is %d", x.thread(o).k.Process().Pid(), free)
			return true
		}
		return false
	}
	if o.want.failed() || o.want.ret < 0 {
		return false
	}
	return x.fillBelow(o, free, int(o.want.ret))
}

// fillBelow makes numbers from free up to want taken if nothing is known of them.
func (x *exec) fillBelow(o *op, free, want int) bool {
	files := x.thread(o).k.Files()
	t := x.table(files)
	if want < free {
		return x.vanished(files, want, o)
	}
	if !t.inherited || free >= want || want-free > 1<<16 {
		return false
	}
	for fd := free; fd < want; fd++ {
		if files.At(fd) == nil && (t.known[fd] || !x.log.attached && x.usedLater(o, fd)) {
			return false
		}
	}
	for fd := free; fd < want; fd++ {
		if files.At(fd) == nil {
			x.k.PutFile(files, fd, newExternal(x.k.System(), "inherited", abi.O_RDWR, true))
			t.known[fd] = true
		}
	}
	x.inferred("fds %d to %d of process %d were open before the log began", free, want-1, x.thread(o).k.Process().Pid())
	return true
}

// vanished closes a number from before the log that has become free again: by a call that the log does not have, such as
// close_range where only calls on descriptors were traced.
func (x *exec) vanished(files *vfs.FdTable, fd int, o *op) bool {
	if f := files.At(fd); externalOf(f) == nil || f.Name != "inherited" {
		return false
	}
	x.pilot.CloseIn(files, fd)
	x.inferred("fd %d of process %d was closed by a call that the log does not have", fd, x.thread(o).k.Process().Pid())
	return true
}

// usedLater reports whether the log uses a number before it gives it out: of a program that the log has from its start,
// a number below one that is given out is rather the one that should have been.
func (x *exec) usedLater(o *op, fd int) bool {
	return x.log.next(x.at, func(other *op) lookahead {
		switch {
		case !x.sharesFiles(o, other):
			return lookOn
		case other.fd == fd, other.row.name == "epoll_ctl" && other.fd2 == fd:
			return lookYes
		case numbers(other) && !other.want.failed() && other.row.name != "close" && (other.want.ret == int64(fd) || slices.Contains(other.want.fds, fd)):
			return lookNo
		}
		return lookOn
	})
}

// helpNumbers is helpAlloc for two.
func helpNumbers(x *exec, o *op) bool {
	if len(o.want.fds) != 2 {
		return false
	}
	files := x.thread(o).k.Files()
	if first := files.NextFree(0); first != o.want.fds[0] {
		return x.fillBelow(o, first, o.want.fds[0])
	}
	return x.fillBelow(o, files.NextFree(o.want.fds[0]+1), o.want.fds[1])
}

// installExternal opens a file that the model does not have.
func (x *exec) installExternal(o *op, name string, flags int, polls bool) outcome {
	files := x.thread(o).k.Files()
	fd, errno := files.Reserve(0, flags&abi.O_CLOEXEC != 0)
	if errno != 0 {
		return outcome{ret: -1, errno: errno}
	}
	files.Install(fd, newExternal(x.k.System(), name, flags&^abi.O_CLOEXEC, polls))
	if name == "socket:" {
		x.tally.injected++
	}
	return outcome{ret: int64(fd)}
}

// externalPair opens two.
func (x *exec) externalPair(o *op) outcome {
	flags := socketFlags(int(o.a[1]))
	a, b := x.installExternal(o, "socket:", flags, true), x.installExternal(o, "socket:", flags, true)
	return outcome{fds: []int{int(a.ret), int(b.ret)}}
}

// helpWait makes the files of expected events ready as the log has it, those of which the world decides.
func helpWait(x *exec, o *op) bool {
	ep := x.epoll(o)
	if ep == nil || o.want.failed() {
		return false
	}
	for _, e := range o.want.events {
		found, changed := x.helpItem(o, ep, e)
		if changed {
			return true
		}
		if !found && x.foreignFiles[x.file(o, o.fd)] && x.addUnknown(o, ep, e) {
			return true
		}
	}
	return x.calm(ep, o) || x.arrange(o, ep)
}

// arrange puts items that are ready in the order of the log, if that is only a matter of when external files became ready.
func (x *exec) arrange(o *op, ep *eventpoll.Eventpoll) bool {
	got := slices.Clone(x.foresee(ep, int(o.a[0])))
	if len(got) != len(o.want.events) || slices.Equal(got, o.want.events) {
		return false
	}
	type place struct {
		f    *vfs.File
		fd   int
		free bool
		at   int
	}
	var ready []place
	ep.EachReady(func(f *vfs.File, fd int, item abi.EpollEvent) bool {
		bits := x.peek(f) & item.Events
		if bits == 0 {
			return true
		}
		at := slices.Index(o.want.events, abi.EpollEvent{Events: bits, Data: item.Data})
		if at < 0 {
			at = len(o.want.events)
		}
		ready = append(ready, place{f, fd, externalOf(f) != nil, at})
		return true
	})
	last := -1
	for _, p := range ready {
		if !p.free && p.at < last {
			return false // not the world's to decide
		}
		if !p.free {
			last = p.at
		}
	}
	slices.SortStableFunc(ready, func(a, b place) int { return a.at - b.at })
	for _, p := range ready {
		ep.Requeue(p.f, p.fd)
	}
	return true
}

// helpItem lets the item that e is of become ready.
func (x *exec) helpItem(o *op, ep *eventpoll.Eventpoll, e abi.EpollEvent) (found, changed bool) {
	var file *vfs.File
	var mask abi.Events
	listed := false
	ep.EachItem(func(f *vfs.File, _ int, item abi.EpollEvent) bool {
		if item.Data != e.Data {
			return true
		}
		found = true
		if x.peek(f)&item.Events != e.Events {
			file, mask = f, item.Events
			return false
		}
		file, mask = f, item.Events
		return true
	})
	if !found {
		return false, false
	}
	ep.EachReady(func(f *vfs.File, _ int, item abi.EpollEvent) bool {
		if f == file && item.Data == e.Data {
			listed = true
		}
		return !listed
	})
	bits := x.peek(file) & mask
	if bits == e.Events && listed {
		return true, false
	}
	return true, x.makeReady(o, file, e.Events, mask)
}

// makeReady lets the world make a file ready for bits, of those in mask.
func (x *exec) makeReady(o *op, f *vfs.File, bits, mask abi.Events) bool {
	if e := externalOf(f); e != nil && f.CanPoll() {
		const known = abi.EPOLLIN | abi.EPOLLOUT | abi.EPOLLPRI | abi.EPOLLERR | abi.EPOLLHUP | abi.EPOLLRDHUP |
			abi.EPOLLRDNORM | abi.EPOLLWRNORM | abi.EPOLLRDBAND | abi.EPOLLWRBAND | abi.EPOLLMSG
		e.become(normal(bits&known), normal(mask&known))
		x.inferred("%s became ready for %s", f.Name, bits)
		return true
	}
	if ep := eventpoll.Of(f); ep != nil {
		return x.makeNested(o, ep)
	}
	if tf := devices.TimerfdOf(f); tf != nil && bits&abi.EPOLLIN != 0 && x.peek(f)&abi.EPOLLIN == 0 {
		return x.expire(tf.Timer())
	}
	return x.worldReady(o, f, bits)
}

// makeNested lets something that an inner epoll watches become ready.
func (x *exec) makeNested(o *op, ep *eventpoll.Eventpoll) bool {
	changed := false
	ep.EachItem(func(f *vfs.File, _ int, item abi.EpollEvent) bool {
		if x.peek(f)&item.Events == 0 && item.Events&abi.EPOLLIN != 0 {
			changed = x.makeReady(o, f, abi.EPOLLIN, item.Events)
		}
		return !changed
	})
	return changed
}

// calm takes readiness away from external files of which the log does not report it.
func (x *exec) calm(ep *eventpoll.Eventpoll, o *op) bool {
	changed := false
	ep.EachReady(func(f *vfs.File, _ int, item abi.EpollEvent) bool {
		e := externalOf(f)
		bits := x.peek(f) & item.Events
		if e == nil || bits == 0 {
			return true
		}
		for _, want := range o.want.events {
			if want.Data == item.Data {
				return true
			}
		}
		if int(o.want.ret) >= int(o.a[0]) {
			return true // there may have been no room for it
		}
		e.bits &^= bits
		changed = true
		return true
	})
	return changed
}

// addUnknown adds an item that an epoll from before the log must have had.
func (x *exec) addUnknown(o *op, ep *eventpoll.Eventpoll, e abi.EpollEvent) bool {
	fd := int(int32(uint32(e.Data)))
	if x.file(o, fd) == nil || x.item(ep, x.file(o, fd), fd) != nil {
		fd = x.spareFd(o)
	}
	if fd < 0 {
		return false
	}
	mask := e.Events&^(abi.EPOLLERR|abi.EPOLLHUP) | abi.EPOLLIN
	return x.addItem(o, ep, fd, abi.EpollEvent{Events: mask, Data: e.Data})
}

// spareFd gives a number far up that stands for a file from before the log.
func (x *exec) spareFd(o *op) int {
	files := x.thread(o).k.Files()
	for fd := 1 << 18; fd < 1<<18+1000; fd++ {
		if files.At(fd) == nil {
			x.k.PutFile(files, fd, newExternal(x.k.System(), "inherited", abi.O_RDWR, true))
			return fd
		}
	}
	return -1
}

// addItem registers fd as it must have been before the log began.
func (x *exec) addItem(o *op, ep *eventpoll.Eventpoll, fd int, e abi.EpollEvent) bool {
	f := x.file(o, fd)
	if f == nil || !f.CanPoll() {
		return false
	}
	x.inferred("fd %d was in the epoll set before the log began", fd)
	return x.k.Watch(x.file(o, o.fd), f, fd, e) == 0
}

// helpPoll is helpWait for poll.
func helpPoll(x *exec, o *op) bool {
	if o.want.failed() {
		return false
	}
	changed := false
	for _, p := range o.polls {
		f := x.file(o, int(p.Fd))
		if f == nil {
			continue
		}
		mask := abi.Events(uint16(p.Events)) | abi.EPOLLERR | abi.EPOLLHUP
		var want abi.Events
		for _, w := range o.want.polls {
			if w.Fd == p.Fd {
				want = abi.Events(uint16(w.Revents))
			}
		}
		if bits := x.peek(f) & mask; bits != want {
			if e := externalOf(f); e != nil {
				changed = x.setExternal(f, e, want, mask) || changed
			} else if want != 0 {
				changed = x.makeReady(o, f, want, mask) || changed
			}
		}
	}
	return changed
}

func (x *exec) setExternal(f *vfs.File, e *external, want, mask abi.Events) bool {
	if !f.CanPoll() || want&abi.EPOLLNVAL != 0 {
		return false
	}
	e.become(normal(want), normal(mask))
	if want != 0 {
		x.inferred("%s became ready for %s", f.Name, want)
	}
	return true
}

// helpSelect is helpWait for select.
func helpSelect(x *exec, o *op) bool {
	changed := false
	give := [3]abi.Events{abi.EPOLLIN, abi.EPOLLOUT, abi.EPOLLPRI}
	for i, s := range o.sets {
		for _, fd := range s.Fds() {
			f := x.file(o, fd)
			hit := x.peek(f)&selectBits[i] != 0
			if f == nil || hit == o.want.sets[i].Has(fd) {
				continue
			}
			if e := externalOf(f); e != nil && hit {
				e.bits &^= selectBits[i]
				changed = true
			} else if !hit {
				changed = x.makeReady(o, f, give[i], selectBits[i]) || changed
			}
		}
	}
	return changed
}

// helpRead lets the world send what is read.
func helpRead(x *exec, o *op) bool {
	f := x.file(o, o.fd)
	if f == nil || o.want.failed() {
		return false
	}
	if tf := devices.TimerfdOf(f); tf != nil {
		return x.expire(tf.Timer())
	}
	return x.worldSends(o, f)
}

// ticks lets the clock go on until the read of a timer gives the number of the log.
func (x *exec) ticks(tf *devices.Timerfd, o *op) {
	if len(o.want.value) != 8 {
		return
	}
	if n := int64(binary.LittleEndian.Uint64(o.want.value)); n > 1 && tf.Interval() > 0 && n < 1<<32 {
		if due := tf.Timer().Expiry() + (n-1)*tf.Interval(); due > x.m.Now() {
			x.m.AdvanceTo(due)
		}
	}
}

// helpWrite has nothing to offer yet.
func helpWrite(x *exec, o *op) bool {
	f := x.file(o, o.fd)
	return f != nil && x.worldTakes(o, f)
}

// helpAccept lets the world connect.
func helpAccept(x *exec, o *op) bool {
	f := x.file(o, o.fd)
	if f == nil || o.want.failed() && o.want.errno != abi.EMFILE {
		return false
	}
	if o.want.errno == abi.EMFILE || x.peek(f)&abi.EPOLLIN != 0 {
		return helpAlloc(x, o)
	}
	return x.worldConnects(o, f)
}

func helpWait4(x *exec, o *op) bool {
	t := x.k.Thread(o.child())
	if t == nil || t.Process().Zombie() {
		return false
	}
	// The child is not in the log, or its last lines come later: it has ended by now.
	for _, th := range x.byTid {
		if th.k == t && th.claimed {
			return false
		}
	}
	t.SignalProcess(abi.SIGKILL, x.pilot.Getpid())
	x.grant(t.Task())
	return true
}

// hasChild reports whether pid is a child of o's process in the model.
func (x *exec) hasChild(o *op, pid int) bool {
	t := x.k.Thread(pid)
	return t != nil && t.Process().Parent() == x.thread(o).k.Process()
}

var _ = sim.Forever
