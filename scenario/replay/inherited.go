package replay

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/eventpoll"
	"github.com/epollsim/epollsim/vfs"
	"slices"
)

// Numbers from before the log: what was open, or in an epoll set, and how far a table reaches. Package strace/files follows the numbers
// too, and what it finds out of a file from all of the log is used here. But it believes the log, in the order of its lines, and takes a task
// whose making it has not seen for a process of its own; here the tables are the model's, in the order that is tried, and whether such a
// task is a thread is tried too. So which numbers have to be there is decided with the call that needs them.

// inherit puts in place what o works on and the log has not opened.
func (x *exec) inherit(th *thread, o *op) {
	if o.want.errno == abi.EBADF {
		if o.blamesFirst(th.k.Files()) {
			x.gone(th, o, o.fd)
		}
		return
	}
	for _, p := range o.want.polls {
		if p.Revents&abi.POLLNVAL != 0 {
			x.gone(th, o, int(p.Fd))
		}
	}
	t := x.table(th.k.Files())
	if !t.inherited {
		return
	}
	files := th.k.Files()
	missing := func(fd int, epoll bool) {
		if fd < 0 || fd >= 1<<20 || t.known[fd] && !x.log.blind || files.At(fd) != nil {
			return
		}
		t.known[fd] = true
		x.putInherited(th, fd, epoll)
		x.inferred("fd %d of process %d was open before the log began", fd, th.k.Process().Pid())
	}
	missing(o.fd, o.row.isEpollWait() || o.row.name == "epoll_ctl")
	if o.row.name == "epoll_ctl" || o.row.name == "splice" || o.row.name == "tee" || o.row.name == "sendfile" {
		missing(o.fd2, false)
	}
	for _, p := range o.polls {
		if !slices.ContainsFunc(o.want.polls, func(w abi.PollFd) bool { return w.Fd == p.Fd && w.Revents&abi.POLLNVAL != 0 }) {
			missing(int(p.Fd), false)
		}
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

// putInherited puts something in place that was there before the log: an epoll, if the log has it that it is one.
func (x *exec) putInherited(th *thread, fd int, epoll bool) {
	files := th.k.Files()
	t := x.table(files)
	if epoll = epoll || x.log.epolls[number{t.first, fd}]; !epoll {
		x.k.PutFile(files, fd, newExternal(x.k.System(), "inherited", abi.O_RDWR, true))
		return
	}
	f := x.k.NewEpoll()
	x.foreign(f)
	x.k.PutFile(files, fd, f)
	if x.script != nil {
		x.script.inherited(th, fd, f)
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
	other, cloexec := newExternal(x.k.System(), f.Name, f.Flags(), !refused), files.Cloexec(o.fd2)
	x.k.PutFile(files, o.fd2, other)
	files.SetCloexec(o.fd2, cloexec)
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
	t := &table{
		inherited: old.inherited, first: old.first, limited: old.limited, leaks: old.leaks, shared: old.shared, known: make(map[int]bool, len(old.known)),
	}
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
		if files.At(fd) == nil && !x.log.blind && (t.known[fd] || !x.log.attached && x.usedLater(o, fd)) {
			return false
		}
	}
	for fd := free; fd < want; fd++ {
		if files.At(fd) == nil {
			x.putInherited(x.thread(o), fd, false)
			t.known[fd] = true
		}
	}
	if pid := x.thread(o).k.Process().Pid(); free == want-1 {
		x.inferred("fd %d of process %d was open before the log began", free, pid)
	} else {
		x.inferred("fds %d to %d of process %d were open before the log began", free, want-1, pid)
	}
	return true
}

// vanished closes a number that has become free again by a call that the log does not have: one from before the log, or any
// where the log was made of calls on descriptors alone.
func (x *exec) vanished(files *vfs.FdTable, fd int, o *op) bool {
	f := files.At(fd)
	if f == nil || !(externalOf(f) != nil && f.Name == "inherited") && !x.untraced(files, fd) {
		return false
	}
	if maker, ok := x.table(files).makers[fd]; ok && maker != o.task && len(x.newcomers) > 0 {
		return false // rather they do not share their numbers
	}
	for _, n := range append([]int{fd}, x.above(files, fd, o)...) {
		if x.script != nil {
			x.script.closed(x.thread(o), n)
		}
		x.pilot.CloseIn(files, n)
		x.inferred("fd %d of process %d was closed by a call that the log does not have", n, x.thread(o).k.Process().Pid())
	}
	return true
}

// above gives the numbers above fd that a close_range has closed together with it: all of them, of a table that nobody shares, if the
// log makes no use of any.
func (x *exec) above(files *vfs.FdTable, fd int, o *op) []int {
	if files.Users > 1 || x.log.seen["close_range"] {
		return nil
	}
	var list []int
	for _, n := range files.Open() {
		given := slices.Contains(o.want.fds, n) || int64(n) == o.want.ret
		if n > fd && !given && (!x.untraced(files, n) || x.usedLater(o, n)) {
			return nil
		}
		if n > fd {
			list = append(list, n)
		}
	}
	return list
}

// gone closes a number that the log has no more, if a call that it leaves out can have closed it.
func (x *exec) gone(th *thread, o *op, fd int) {
	files := th.k.Files()
	f := files.At(fd)
	if f == nil || o.row.looks && !f.Readable() || changes(o) && o.row.waits && !f.Writable() {
		return // there it is, and the wrong way round
	}
	t := x.table(files)
	if x.untraced(files, fd) && x.lacked(files, o, fd, t.leaks) && x.vanished(files, fd, o) {
		t.leaks = true
	}
}

// blamesFirst reports whether EBADF tells of the first number of o: the second one, if it has two, is good.
func (o *op) blamesFirst(files *vfs.FdTable) bool {
	switch o.row.name {
	case "epoll_ctl", "splice", "tee", "sendfile":
		return files.At(o.fd2) != nil
	}
	return o.fd2 < 0 || files.At(o.fd2) != nil
}

// lacked reports whether more than the refusal of o tells that a call which took fd away is not in the log: another refusal of what is open
// here, or that the number is given out as the lowest free one, before it is used. A single one is rather wrong, unless told.
func (x *exec) lacked(files *vfs.FdTable, o *op, fd int, told bool) bool {
	used := x.log.next(x.at, func(other *op) lookahead {
		bad := other.want.errno == abi.EBADF && other.blamesFirst(files)
		switch {
		case other == o || !x.sharesFiles(o, other):
			return lookOn
		case other.fd == fd, other.row.name == "epoll_ctl" && other.fd2 == fd:
			told = told || bad
			return map[bool]lookahead{true: lookNo, false: lookYes}[bad]
		case numbers(other) && !other.want.failed() && other.row.name != "close" && (other.want.ret == int64(fd) || slices.Contains(other.want.fds, fd)):
			told = told || other.row.name != "dup2" && other.row.name != "dup3"
			return lookNo
		}
		told = told || bad && files.At(other.fd) != nil
		return lookOn
	})
	return told && !used
}

// untraced reports whether fd can have been closed by a call that the log leaves out: strace's class %desc has neither
// close_range (up to 6.1) nor execve.
func (x *exec) untraced(files *vfs.FdTable, fd int) bool {
	all := x.log.seen["brk"] || x.log.seen["futex"]
	return !all && (!x.log.seen["close_range"] || !x.log.seen["execve"] && files.Cloexec(fd))
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
	i := x.nextNumbers(o, o.want.fds)
	if i < 0 {
		return false
	}
	start := 0
	if i > 0 {
		start = o.want.fds[0] + 1
	}
	return x.fillBelow(o, x.thread(o).k.Files().NextFree(start), o.want.fds[i])
}

// addUnknown adds an item that an epoll from before the log must have had.
func (x *exec) addUnknown(o *op, ep *eventpoll.Eventpoll, e abi.EpollEvent) bool {
	fd := int(int32(uint32(e.Data)))
	if x.file(o, fd) == nil || watches(ep, x.file(o, fd), fd) {
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
	x.rewired++
	if x.k.Watch(x.file(o, o.fd), f, fd, e) != 0 {
		return false
	}
	x.added(ep, f, fd, e.Data)
	return true
}
