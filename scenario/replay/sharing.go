package replay

import (
	"maps"
	"slices"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/scenario/strace"
)

// Who can share descriptors with whom, of tasks whose making the log does not show: two that get the same number while the other
// one has it, or that both close it, have tables of their own. A survey of the log finds such pairs.

// sharing is what the survey has found.
type sharing struct {
	holders  map[int]map[int]held // by number: the tasks whose calls show that it is open
	closings map[int][]closing    // by number: who closed it, while nobody has got it again
	closes   map[int]bool         // by Serial: the close that the task made last, or is in, is of a number that it was given itself
	past     map[int][]closing    // by number: the last ones before it was given out again
	parents  map[int]int          // thread ids of those who were told of the end of a child, by the id of that
	got      map[int]int          // by number: when it was given out last, as Mark.Seq
	apart    map[pair]bool        // tasks that do not share, by Serial
	families map[pair]bool        // thread ids, one of whom is that of a child of the other one's process
	leaders  map[int]bool         // thread ids that are known as those of processes
	copies   map[int]copied       // by thread id: of whose table it has a copy
	early    map[int]bool         // by Serial: tasks that were there before the log
	over     int                  // calls that have ended
	first    map[int]int          // by Serial: when a task was seen first, as Mark.Seq
	births   map[int][]birth      // by Serial: tasks that have what their parent closed before they were seen
	given    bool                 // what a task works on tells nothing, only what it was given: the log does not show all that makes numbers
}

// held is that a task has a number: since when, and whether it was given it itself.
type held struct {
	since int
	given bool
}

// copied is a clone that copied the table of a task, by Serial, when.
type copied struct{ of, at int }

// justBefore is how many lines before its first one a task is forked off at most.
const justBefore = 64

// birth is a fork that comes before a moment of the log, by which the parent closes what the child has, unless it is a thread
// of one of others.
type birth struct {
	before, parent, tid int
	by                  int  // the thread id of the parent
	again               bool // the number was given out again since: it may be another one's too
	others              []int
}

// pair is two tasks, the smaller one first.
type pair struct{ a, b int }

type closing struct{ task, tid, begin, end, again int }

// mostPast is how many closings of a number are remembered once it was given out again.
const mostPast = 16

// mostHolders and mostClosings bound what is remembered of a number that no call gives out: all of them are compared with all.
const (
	mostHolders  = 512
	mostClosings = 256
)

func newSharing() sharing {
	return sharing{
		holders: map[int]map[int]held{}, closings: map[int][]closing{}, closes: map[int]bool{}, got: map[int]int{},
		apart: map[pair]bool{}, families: map[pair]bool{}, leaders: map[int]bool{},
		first: map[int]int{}, past: map[int][]closing{}, parents: map[int]int{}, births: map[int][]birth{}, copies: map[int]copied{}, early: map[int]bool{},
	}
}

func (k *sharing) part(a, b int) {
	if a != b {
		k.apart[pair{min(a, b), max(a, b)}] = true
	}
}

// differ reports whether two tasks have tables of their own.
func (k *sharing) differ(a, b int) bool { return k.apart[pair{min(a, b), max(a, b)}] }

// begins takes a call that goes on to another line.
func (k *sharing) begins(task int, c *strace.Call) {
	o := &op{name: c.Name, fd: -1, fd2: -1}
	if row := rowOf(c.Name); row != nil {
		o.row = row
		typed, _ := c.Typed()
		row.parse(o, typed) // the arguments in front are there
		k.touches(task, o.name, o.fd, c.Begin.Seq)
	}
}

// appears takes whatever a task does first. Those that strace -p finds show what they are in before much else happens.
func (k *sharing) appears(task int, at int) {
	if k.first[task] == 0 {
		k.early[task] = k.over <= len(k.first)
		k.first[task] = at
	}
}

// touches notes that a task works on a number: a call that is under way, or one that has worked.
func (k *sharing) touches(task int, name string, fd, at int) {
	if fd <= 2 {
		return
	}
	if name == "close" {
		k.closes[task] = k.holders[fd][task].given
		k.frees(task, fd)
		return
	}
	if !k.given {
		k.holds(task, fd, held{since: at})
	}
}

// frees notes that a task has closed a number: those who have a table of their own still have theirs.
func (k *sharing) frees(task, fd int) {
	maps.DeleteFunc(k.holders[fd], func(other int, _ held) bool { return !k.differ(task, other) })
}

// elsewhere gives those with another table than task that have the number.
func (k *sharing) elsewhere(task, fd int) []int {
	var list []int
	for other := range k.holders[fd] {
		if k.differ(task, other) {
			list = append(list, other)
		}
	}
	return list
}

func (k *sharing) holds(task, fd int, h held) {
	if k.holders[fd] == nil {
		k.holders[fd] = map[int]held{}
	}
	list := k.holders[fd]
	if old, had := list[task]; had {
		h.since, h.given = old.since, h.given || old.given
	}
	list[task] = h
	if len(list) > mostHolders { // the one since when it is longest has most likely ended
		first := task
		for other, h := range list {
			if h.since < list[first].since {
				first = other
			}
		}
		delete(list, first)
	}
}

// sees takes a call that is over.
func (k *sharing) sees(o *op) {
	if o.row == nil || o.never || o.want.none {
		return
	}
	if o.want.failed() && (o.want.errno == abi.EBADF || !o.want.interrupted() && o.want.errno != abi.EAGAIN) {
		return
	}
	k.over++
	for _, c := range k.closings[o.fd] {
		if c.end < o.begin.Seq || o.name == "close" {
			k.part(o.task, c.task)
		}
		k.bornBefore(o, c)
	}
	if own := k.holders[o.fd][o.task].given || o.name == "close" && o.begin.Seq != o.end.Seq && k.closes[o.task]; !own {
		for _, c := range k.past[o.fd] {
			if k.first[o.task] < c.again {
				k.bornBefore(o, c)
			}
		}
	}
	k.touches(o.task, o.name, o.fd, o.begin.Seq)
	if o.name == "epoll_ctl" {
		k.touches(o.task, o.name, o.fd2, o.begin.Seq)
	}
	switch {
	case o.want.failed():
	case o.name == "close":
		if k.got[o.fd] < o.begin.Seq && o.fd > 2 && !k.given { // those are everybody's
			list := append(k.closings[o.fd], closing{task: o.task, tid: o.tid, begin: o.begin.Seq, end: o.end.Seq})
			k.closings[o.fd] = list[max(0, len(list)-mostClosings):]
		}
	case o.row.clones():
		if o.a[0]&abi.CLONE_FILES == 0 {
			k.copies[int(o.want.ret)] = copied{o.task, o.begin.Seq}
		}
	case o.name == "wait4", o.name == "waitid":
		k.child(o.tid, o.child())
	case o.name == "dup2", o.name == "dup3": // whatever was there is closed
		delete(k.holders, int(o.want.ret))
		k.gets(o, int(o.want.ret))
	case o.row.allocates, o.name == "fcntl" && duplicates(o):
		k.gets(o, int(o.want.ret))
	case o.unnamed():
		k.unnamed(o.task)
	}
	if numbers(o) && !o.want.failed() {
		for _, fd := range o.want.fds {
			k.gets(o, fd)
		}
	}
}

// bornBefore notes that the task of o, which has what another one has closed just before it was seen first, may have been forked off
// by that one in front of the close.
func (k *sharing) bornBefore(o *op, c closing) {
	first, known := k.first[o.task], k.births[o.task]
	if c.begin < first && c.begin > first-justBefore && !slices.ContainsFunc(known, func(b birth) bool { return b.before == c.begin }) {
		k.births[o.task] = append(known, birth{c.begin, c.task, o.tid, c.tid, c.again > 0, k.elsewhere(c.task, o.fd)})
	}
}

// child notes that a process, one of whose threads is tid, has a child.
func (k *sharing) child(tid, child int) {
	if child > 0 {
		k.leaders[child] = true
		k.parents[child] = tid
		k.families[pair{min(tid, child), max(tid, child)}] = true
	}
}

// gets notes that a number was given out.
func (k *sharing) gets(o *op, fd int) {
	if fd <= 2 {
		return
	}
	from, copies := k.copies[o.tid]
	for other, h := range k.holders[fd] {
		k.part(o.task, other)
		if copies && h.since < from.at { // its parent had it not
			k.part(from.of, other)
		}
	}
	k.got[fd] = o.end.Seq
	for _, c := range k.closings[fd] {
		c.again = o.end.Seq
		k.past[fd] = append(k.past[fd], c)
	}
	k.past[fd] = k.past[fd][max(0, len(k.past[fd])-mostPast):]
	delete(k.closings, fd)
	k.holds(o.task, fd, held{o.end.Seq, true})
}

// unnamed reports whether o gave out numbers of which the log does not tell: strace -s 0 leaves out those of a pair.
func (o *op) unnamed() bool {
	return len(o.want.fds) == 0 && !o.want.failed() && (o.name == "pipe2" || o.name == "pipe" || o.name == "socketpair")
}

// unnamed notes that a task was given numbers of which the log does not tell: they may be those that it has closed.
func (k *sharing) unnamed(task int) {
	for fd, list := range k.closings {
		k.closings[fd] = slices.DeleteFunc(list, func(c closing) bool { return c.task == task })
	}
}

// signal takes the end of a child.
func (k *sharing) signal(tid int, s *strace.Signal) {
	pid := s.Info.Field("si_pid")
	if s.Sig != abi.SIGCHLD || pid == nil {
		return
	}
	if n, ok := pid.Number(); ok {
		k.child(tid, int(n))
	}
}

// child is a task that was forked off.
type child struct{ task, tid int }

// forks gives the tasks that were forked off by the call that they must have preceded.
func (k *sharing) forks() map[int][]child {
	list := map[int][]child{}
	for task, births := range k.births {
		births = slices.DeleteFunc(births, func(b birth) bool {
			parent, told := k.parents[b.tid]
			if told && parent == b.by {
				return false // it is no thread of any other
			}
			return told && k.leaders[b.by] || b.again || slices.ContainsFunc(b.others, func(other int) bool { return other != task && !k.differ(task, other) })
		})
		if len(births) == 0 {
			continue
		}
		b := slices.MinFunc(births, func(a, b birth) int { return a.before - b.before })
		list[b.before] = append(list[b.before], child{task, b.tid})
	}
	for _, children := range list {
		slices.SortFunc(children, func(a, b child) int { return a.task - b.task })
	}
	return list
}

// bear lets those be forked off that have what the call of e closes: as the survey has found, or as is tried.
func (x *exec) bear(e *logEvent) {
	seq := e.mark.Seq
	for _, c := range slices.Concat(x.log.births[seq], x.plan.births[seq]) {
		if from, told := x.plan.origins[c.task]; told && from.before != seq {
			continue
		}
		if parent := x.threads[e.task]; parent != nil && !x.lost(parent) && x.threads[c.task] == nil && x.byTid[c.tid] == nil {
			x.forked(parent, x.newThread(c.tid))
			x.born = append(x.born, newcomer{task: c.task, taken: origin{originFork, e.task, seq, c.tid}})
		}
	}
}

// distinct reports whether a new task cannot be a thread of th's process.
func (x *exec) distinct(task, tid int, th *thread) bool {
	k := &x.log.sharing
	for _, other := range x.alive {
		if x.lost(other) || other.k.Process() != th.k.Process() {
			continue
		}
		if k.differ(task, other.task) || k.families[pair{min(tid, other.tid), max(tid, other.tid)}] || k.leaders[tid] && (other.tid < tid || k.leaders[other.tid]) {
			return true
		}
	}
	return false
}
