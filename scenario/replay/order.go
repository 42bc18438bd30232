package replay

import (
	"slices"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

// The order of calls that overlap. A call that only looks is made as soon as it would bring what the log says; one that
// waits goes to sleep when the log says that it began; one that changes something is made as late as possible: when its end
// comes, or when another call cannot come to its result without.

// settle lets all go on who would now come to what the log says.
func (x *exec) settle() {
	for again := true; again && x.diverged == nil; {
		again = false
		for i := 0; i < len(x.open); i++ {
			th := x.open[i]
			if th.cur == nil || th.finished || th.cur.row.ends || x.lost(th) {
				continue
			}
			if x.advance(th) {
				again = true
				break
			}
		}
	}
}

// advance lets the call of th go on if that does no harm, and tells whether anything changed.
func (x *exec) advance(th *thread) bool {
	o := th.cur
	switch {
	case x.held(o):
	case !th.begun && o.never:
		if o.row.waits && x.sleeps(o) || x.plan.atOnce(o) {
			x.begin(th)
			return true
		}
	case !th.begun:
		late := x.plan.atEnd(o)
		if o.row.looks && !late && x.ready(o) && !x.awaits(o) && !o.want.interrupted() && !x.rival(o) || o.row.waits && !late && x.fallsAsleep(o) || !late && o.copiesFiles() || x.plan.atOnce(o) {
			x.begin(th)
			return true
		}
	case th.stopped, x.awaits(o):
	case th.k.Task().Runnable():
		if o.never || x.ready(o) && !x.rival(o) || x.sleeps(o) {
			x.run(th)
			return true
		}
	}
	return false
}

// copiesFiles reports whether o makes a task with a table of its own. Of all that a clone does the copy comes first, and what it was copied
// from is not open any longer for what happens until the child shows.
func (o *op) copiesFiles() bool {
	return o.row.clones() && o.a[0]&(abi.CLONE_FILES|abi.CLONE_THREAD) == 0
}

// held reports whether the plan has other calls made before o goes on.
func (x *exec) held(o *op) bool {
	return slices.ContainsFunc(x.plan.before[o.index], func(first earlier) bool { return x.trail.steps[first.index].turn == 0 })
}

// ready reports whether the call of o would come to what the log says now, as far as can be foreseen.
func (x *exec) ready(o *op) bool {
	if e := externalOf(x.file(o, o.fd)); e != nil && !o.row.local() {
		if n := x.notifierOf(e); n != nil && o.row.looks && o.row.waits {
			return n.foretold(o)
		}
		return !o.row.allocates || readyAlloc(x, o)
	}
	switch {
	case o.fd >= 0 && o.fd2 < 0 && x.otherFile(o):
		return false
	case o.row.ready != nil:
		return o.row.ready(x, o)
	case o.row.allocates:
		return readyAlloc(x, o)
	}
	return true
}

// finish brings the call of th to its end: the log says that it is over.
func (x *exec) finish(th *thread) {
	o := th.cur
	if !th.begun {
		x.inherit(th, o)
	}
	x.fillIn(o)
	x.attempt(th)
	if th.finished || x.lost(th) {
		return
	}
	if x.othersFirst(th) {
		return
	}
	for x.unseen(o) {
		x.settle()
		if x.attempt(th); th.finished || x.lost(th) {
			return
		}
	}
	if !th.begun && o.row.waits && x.fallsAsleep(o) && !o.timesOut() && !x.plan.atEnd(o) {
		// It slept before anything happened outside: what that makes ready comes in the order in which it happens.
		x.begin(th)
	}
	for range 1000 {
		if !x.help(th) {
			break
		}
		x.settle()
		if x.attempt(th); th.finished || x.lost(th) {
			return
		}
	}
	x.insist(th)
}

// othersFirst lets those go on that began before: as it stands the call of th would not come to what the log says, and they may have
// done something by now. It reports whether th has come to its end.
func (x *exec) othersFirst(th *thread) bool {
	for _, other := range x.askedFirst(th.cur) {
		if other == th || other.begun && !x.runnable(other) || other.cur == nil || other.cur.row.looks || other.finished {
			continue
		}
		if x.plan.atEnd(other.cur) || !x.canForce(other) {
			continue
		}
		x.support(other, th)
		switch {
		case other.begun:
			other.stopped = false
			x.run(other)
		case other.cur.row.letsGo() && x.unravel(other, th):
			return true
		default:
			x.begin(other)
		}
		if other.cur != nil && other.cur.row.ends {
			x.bury()
		}
		x.settle()
		if x.attempt(th); th.finished || x.lost(th) {
			return true
		}
	}
	return false
}

// support lets those go first that other needs, which is to be forced so that th comes to its result.
func (x *exec) support(other, th *thread) {
	if other.begun || other.cur.row.ends || x.ready(other.cur) {
		return
	}
	things := x.thingsOf(other.cur)
	for _, first := range slices.Clone(x.open) {
		if first == th || first == other || first.begun || x.lost(first) || !changes(first.cur) || x.plan.atEnd(first.cur) {
			continue
		}
		if share(x.thingsOf(first.cur), things) && x.ready(first.cur) {
			if x.begin(first); x.ready(other.cur) {
				return
			}
		}
	}
}

// askedFirst gives the threads whose calls are under way, first those that work on what o is about: of a wait the files that it
// is to report, in the order in which it does.
func (x *exec) askedFirst(o *op) []*thread {
	list := append([]*thread{}, x.open...)
	if len(list) < 2 {
		return list
	}
	about := [][]sim.ID{x.thingsOf(o)}
	if files := x.reported(o, o.want.events); len(files) > 0 {
		about = about[:0]
		for _, f := range files {
			about = append(about, x.things(f))
		}
	}
	rank := map[*thread]int{}
	for _, th := range list {
		rank[th] = len(about)
		if th.cur == nil {
			continue
		}
		own := x.thingsOf(th.cur)
		if i := slices.IndexFunc(about, func(things []sim.ID) bool { return share(own, things) }); i >= 0 {
			rank[th] = i
		}
	}
	slices.SortStableFunc(list, func(a, b *thread) int { return rank[a] - rank[b] })
	return list
}

// reported gives the files of events of a wait.
func (x *exec) reported(o *op, lists ...[]abi.EpollEvent) []*vfs.File {
	if !o.row.isEpollWait() {
		return nil
	}
	ep := x.epoll(o)
	if ep == nil {
		return nil
	}
	var files []*vfs.File
	for _, list := range lists {
		for _, e := range list {
			if f, _ := x.itemOf(ep, e.Data); f != nil && !slices.Contains(files, f) {
				files = append(files, f)
			}
		}
	}
	return files
}

// brought gives the files that a wait of any kind reports in the log.
func (x *exec) brought(o *op) []*vfs.File {
	files := x.reported(o, o.want.events)
	for _, p := range o.want.polls {
		if f := x.file(o, int(p.Fd)); f != nil {
			files = append(files, f)
		}
	}
	for i := range o.want.sets {
		for _, fd := range o.want.sets[i].Fds() {
			if f := x.file(o, fd); f != nil {
				files = append(files, f)
			}
		}
	}
	return files
}

func (x *exec) runnable(th *thread) bool { return !x.lost(th) && th.k.Task().Runnable() }

// letsGo reports whether a call closes many files of its process: those that end it, and execve those with FD_CLOEXEC.
func (r *row) letsGo() bool { return r.ends || r.name == "execve" }

// unravel closes the files of a process that is about to end one at a time, last first, as it does by itself, or those that a new program
// does not get: one who waits may
// see the first of them gone and the others not. It reports whether that is what th has seen. Models exit_files and
// task_work_run.
func (x *exec) unravel(dying, th *thread) bool {
	files := dying.k.Files()
	if files.Users > 1 || !th.cur.row.looks {
		return false
	}
	open := files.Open()
	for i := len(open) - 1; i >= 0; i-- {
		if o := dying.cur; o != nil && o.row.name == "execve" && !files.Cloexec(open[i]) {
			continue
		}
		if x.script != nil {
			x.script.closed(dying, open[i])
		}
		x.pilot.CloseIn(files, open[i])
		x.settle()
		if x.attempt(th); th.finished || x.lost(th) {
			return true
		}
	}
	return false
}

// canForce reports whether the call of th may be made before its end has come.
func (x *exec) canForce(th *thread) bool {
	return !x.lost(th) && (th.begun || th.cur.row.ends || !th.cur.row.allocates || readyAlloc(x, th.cur))
}

// attempt makes the call of th if it would come to what the log says.
func (x *exec) attempt(th *thread) {
	o := th.cur
	if th.finished || x.lost(th) {
		return
	}
	if o.want.interrupted() {
		x.interrupt(th)
		return
	}
	if th.stopped {
		th.stopped = false
		if x.run(th); th.finished {
			return
		}
	}
	if th.begun && o.timesOut() && (o.row.isEpollWait() || !o.row.parseIsWait()) && !x.runnable(th) {
		x.timeout(th) // it does not look for what is there any more, and that has woken somebody else
		return
	}
	if !x.ready(o) {
		return
	}
	if !th.begun {
		x.begin(th)
	}
	if !th.finished && x.runnable(th) {
		x.run(th)
	}
	if !th.finished && !x.lost(th) && o.row.waits && x.ready(o) && !o.timesOut() {
		// It sleeps although what it waits for is there: somebody else was woken. It may have come later.
		x.tally.rechecked++
		th.k.WakeUp()
		x.run(th)
	}
	if !th.finished && o.timesOut() && x.ready(o) && !x.lost(th) {
		x.timeout(th)
	}
}

// timesOut reports whether the log has it that o waited in vain, or that a socket waited as long as SO_RCVTIMEO or SO_SNDTIMEO lets it.
func (o *op) timesOut() bool {
	switch {
	case !o.row.waits || o.want.none:
		return false
	case o.row.parseIsWait():
		return o.want.ret == 0 && !o.want.failed()
	}
	return o.want.errno == abi.EAGAIN || o.want.errno == abi.EINPROGRESS
}

// timeout lets the time pass that th waits for at most.
func (x *exec) timeout(th *thread) {
	if x.expire(th.k.Task().SleepTimer()) {
		x.tally.timeouts++
		if x.runnable(th) {
			x.run(th)
		}
	}
}

// interrupt ends the call of th by a signal.
func (x *exec) interrupt(th *thread) {
	o := th.cur
	if !th.begun {
		if ep := x.epoll(o); o.row.isEpollWait() && ep != nil {
			x.calm(ep, o)
		}
		x.calmPolled(o)
		th.pending = o.looksOnce()
		x.begin(th)
	}
	if !th.finished && !x.lost(th) {
		if ep := x.epoll(o); o.row.isEpollWait() && ep != nil {
			x.calm(ep, o)
		}
		th.k.Interrupt()
		x.run(th)
	}
}

// interruptFirst ends the calls by a signal that the log shows ended by one and that would find what o is about to bring.
func (x *exec) interruptFirst(o *op) {
	if !changes(o) {
		return
	}
	var own []sim.ID
	for _, th := range slices.Clone(x.open) {
		if th.cur == nil || th.cur == o || !th.begun || th.finished || !th.cur.want.interrupted() || x.lost(th) || x.plan.atEnd(th.cur) {
			continue
		}
		if own == nil {
			own = x.subject(o)
		}
		if th.aside.has(th.cur, x.rewired, o) {
			continue
		}
		if slices.ContainsFunc(x.awaited(th.cur), func(f *vfs.File) bool { return share(x.things(f), own) }) {
			x.interrupt(th)
			continue
		}
		th.aside.add(th.cur, x.rewired, o)
	}
}

// aside is what a call that sleeps does not wait for, by the numbers of those who have touched it: an epoll of thousands is not looked through
// for each write.
type aside struct {
	sleeper *op
	at      int // exec.rewired then
	fds     map[taskFd]bool
}

// has reports whether o is known to be about something else than sleeper waits for.
func (a *aside) has(sleeper *op, at int, o *op) bool {
	return a.sleeper == sleeper && a.at == at && o.fd2 < 0 && o.addr == nil && a.fds[taskFd{o.task, o.fd}]
}

func (a *aside) add(sleeper *op, at int, o *op) {
	if a.sleeper != sleeper || a.at != at {
		*a = aside{sleeper, at, map[taskFd]bool{}}
	}
	if o.fd2 < 0 && o.addr == nil {
		a.fds[taskFd{o.task, o.fd}] = true
	}
}

// rewires reports whether o may change what numbers stand for, what is watched, or who is connected to whom.
func (o *op) rewires() bool {
	return o.connects() || o.row.isAccept() || !o.row.looks && !o.row.waits
}

// awaited gives the files that a call that sleeps waits for.
func (x *exec) awaited(o *op) []*vfs.File {
	var files []*vfs.File
	if ep := x.epoll(o); ep != nil && o.row.isEpollWait() {
		ep.EachItem(func(f *vfs.File, _ int, _ abi.EpollEvent) bool {
			files = append(files, f)
			return true
		})
		return files
	}
	for _, p := range o.polls {
		if f := x.file(o, int(p.Fd)); f != nil {
			files = append(files, f)
		}
	}
	for _, s := range o.sets {
		for _, fd := range s.Fds() {
			if f := x.file(o, fd); f != nil {
				files = append(files, f)
			}
		}
	}
	if f := x.file(o, o.fd); f != nil {
		files = append(files, f)
	}
	return files
}

// looksOnce reports whether o is a poll or select that does not wait. A signal ends it all the same, if it is there before.
func (o *op) looksOnce() bool {
	return o.row.parseIsWait() && !o.row.isEpollWait() && o.a[0] == 0
}

// help lets the world do something for the call of th.
func (x *exec) help(th *thread) bool {
	o := th.cur
	switch {
	case o.row.help != nil:
		return o.row.help(x, o)
	case o.row.allocates:
		return helpAlloc(x, o)
	}
	return false
}

// insist makes the call although it will not come to what the log says.
func (x *exec) insist(th *thread) {
	if !th.begun {
		x.begin(th)
	}
	if !th.finished && x.runnable(th) {
		x.run(th)
	}
	if !th.finished && !x.lost(th) && th.cur.row.waits {
		th.k.WakeUp()
		x.run(th)
	}
}

// fallsAsleep reports whether o would go to sleep now, and what it takes before it does is what the log has: an accept takes its number.
func (x *exec) fallsAsleep(o *op) bool {
	return x.sleeps(o) && (!o.row.allocates || o.never || readyAlloc(x, o))
}

// sleeps reports whether o would go to sleep now.
func (x *exec) sleeps(o *op) bool {
	switch {
	case o.want.errno == abi.EBADF, o.want.errno == abi.EINVAL, o.filtered(), o.urgent():
		return false // it was refused at once
	case o.row.isEpollWait():
		ep := x.epoll(o)
		return ep != nil && o.a[1] != 0 && o.a[0] > 0 && len(x.foresee(ep, 1)) == 0
	case o.row.name == "poll" || o.row.name == "ppoll":
		return o.a[0] != 0 && len(x.foreseePoll(o)) == 0
	case o.row.name == "select" || o.row.name == "pselect6":
		return o.a[0] != 0 && !x.selectHits(o)
	case o.fd < 0 || !o.row.waits:
		return false
	}
	f := x.file(o, o.fd)
	if f == nil || externalOf(f) != nil || f.NonBlocking() || o.a[1]&abi.MSG_DONTWAIT != 0 && o.row.isSocketCall() {
		return false
	}
	bits := x.peek(f)
	if o.row.looks {
		return o.a[0] != 0 && bits&(abi.EPOLLIN|abi.EPOLLHUP|abi.EPOLLERR|abi.EPOLLRDHUP) == 0
	}
	return o.row.ready != nil && bits&(abi.EPOLLOUT|abi.EPOLLERR|abi.EPOLLHUP) == 0 && o.row.name != "splice" && o.row.name != "tee"
}
