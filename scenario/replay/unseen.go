package replay

import (
	"slices"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

// Ends and execs that the log tells of late, or not at all: of %desc it has neither exit nor execve, and a task that is killed
// makes no call. Between its last call and the next line of it, it has gone, or begun its program, at a time of its own.

// endsUnseen reports whether the log leaves out the calls that end tasks.
func (x *exec) endsUnseen() bool { return !x.log.seen["exit"] && !x.log.seen["exit_group"] }

// unseen lets a task that is between two lines of the log go, or begin a program, if the second line tells that it did and o
// is about something that it has. It reports whether one has.
func (x *exec) unseen(o *op) bool {
	if !o.row.looks && !o.row.waits {
		return false
	}
	files, own := x.about(o), x.thread(o)
	var about []sim.ID
	for _, f := range files {
		about = append(about, x.things(f)...)
	}
	for _, th := range x.alive {
		if x.lost(th) || th.k.Process() == own.k.Process() || !x.holds(th, about) && !(th.k.Process().Parent() == own.k.Process() && toldBy(files, th)) || th.ended || x.lost(th) || th.k.Process().Exiting() {
			continue
		}
		if o := th.cur; o != nil && !o.never {
			if o.row.name == "execve" && th.begun && x.markedUnseen(th, about) {
				return true
			}
			continue
		}
		e := x.log.following(x.at, th.task)
		switch {
		case e == nil:
		case e.kind == eventEnd && e.end.Execve == 0 && (e.end.Signal != 0 || x.endsUnseen()) && x.allGo(th):
			if x.unravel(th, own) {
				return true
			}
			x.leave(th, e)
			if !x.lost(th) {
				x.run(th)
			}
			x.bury()
			return x.lost(th)
		case e.op != nil && x.loads(e.op) && x.loaded[th.task] != e.op.index:
			x.drop(th)
			th.cur = &op{index: -1, row: rows["execve"], name: "execve", task: th.task, tid: th.tid, begin: e.mark, end: e.mark, fd: -1, fd2: -1}
			x.begin(th)
			x.drop(th)
			x.loaded[th.task] = e.op.index
			return true
		case e.op != nil && x.loads(e.op) && x.markedUnseen(th, about):
			return true
		}
	}
	return false
}

// allGo reports whether no thread of th's process makes another call.
func (x *exec) allGo(th *thread) bool {
	return !slices.ContainsFunc(x.alive, func(other *thread) bool {
		if x.lost(other) || other.k.Process() != th.k.Process() || other.ended {
			return false
		}
		e := x.log.following(x.at, other.task)
		return other.cur != nil && !other.cur.never || e != nil && e.kind != eventEnd
	})
}

// markedUnseen closes what th has of the things, if a program that it has begun leaves them alone: close_range has marked them to be
// closed, which strace's class %desc does not show. It reports whether there was one.
func (x *exec) markedUnseen(th *thread, things []sim.ID) bool {
	files, closed := th.k.Files(), false
	as := &op{index: -1, task: th.task, tid: th.tid}
	for _, fd := range files.Open() {
		f := files.At(fd) // nil: it went with one below
		if f != nil && fd > 2 && share(x.things(f), things) && x.untraced(files, fd) && !x.usedLater(as, fd) {
			closed = x.vanished(files, fd, as) || closed
		}
	}
	return closed
}

// toldBy reports whether one of the files tells of the end of th: a pidfd of it, or a signalfd.
func toldBy(files []*vfs.File, th *thread) bool {
	return slices.ContainsFunc(files, func(f *vfs.File) bool {
		if pid := devices.PidOf(f); pid != nil {
			return pid.Nr() == th.tid
		}
		return devices.SignalfdOf(f) != nil
	})
}

// about gives the files that the result of o is about: of a wait those that it reports, all it watches if the log left out which.
func (x *exec) about(o *op) []*vfs.File {
	files := x.brought(o)
	if ep := x.epoll(o); o.row.isEpollWait() && o.want.cut && ep != nil {
		ep.EachItem(func(f *vfs.File, _ int, _ abi.EpollEvent) bool {
			files = append(files, f)
			return true
		})
	}
	if !o.row.parseIsWait() {
		files = append(files, x.file(o, o.fd))
	}
	return slices.DeleteFunc(files, func(f *vfs.File) bool { return f == nil })
}

// holds reports whether th has one of the things open.
func (x *exec) holds(th *thread, things []sim.ID) bool {
	if x.lost(th) {
		return false
	}
	files := th.k.Files()
	return slices.ContainsFunc(files.Open(), func(fd int) bool { return share(x.things(files.At(fd)), things) })
}

// loads reports whether o belongs to the begin of a program whose execve the log does not have.
func (x *exec) loads(o *op) bool { return x.log.loads[o.index] && !x.log.seen["execve"] }

// load is the execve in front of o, if that has not been made.
func (x *exec) load(o *op) {
	if x.loads(o) && x.loaded[o.task] != o.index {
		x.execve(x.thread(o))
	}
}
