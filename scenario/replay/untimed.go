package replay

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/scenario/strace/files"
	"github.com/epollsim/epollsim/sim"
)

// The files of strace -ff without times say in which order each task made its calls, and no more: a child begins behind its clone, and
// its parent's wait4 ends behind its end. The rest is found by making the calls: of what comes next in each file, one that the model
// would bring to what the log says.

// draws are how many ways to choose are tried, if all of the first ones end in a divergence; of long files fewer, but a few: placed is
// how many moments they may have together.
const (
	draws  = 200
	few    = 10
	placed = 1_000_000
)

// draw chooses what comes next.
type draw struct {
	rng   *rand.Rand   // nil: by the rules alone
	left  map[int]int  // moments of each task
	born  map[int]bool // numbers of tasks whose making the log has
	staid int          // the task that went on last
	after map[int]int  // calls, by index, that come behind another one
	done  map[int]bool // calls that are over
}

// interleave puts the moments of tasks, which stand one behind the other, side by side: what a look ahead finds soon is soon.
func (log *Log) interleave() {
	count, seen := map[int]int{}, map[int]int{}
	for i := range log.list {
		count[log.list[i].task]++
	}
	part := make([]float64, len(log.list))
	order := make([]int, len(log.list))
	for i := range log.list {
		task := log.list[i].task
		order[i], part[i] = i, float64(seen[task])/float64(count[task])
		seen[task]++
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case part[a] < part[b]:
			return -1
		case part[a] > part[b]:
			return 1
		}
		return 0
	})
	list := make([]logEvent, len(order))
	for i, from := range order {
		list[i] = log.list[from]
	}
	log.list = list
	first := log.list[0].mark.Pos
	log.Notices = append(log.Notices, files.Notice{Pos: first, Text: "the files have no times of day: the order of calls of different tasks was found by trying; " +
		"record with strace -ff -ttt"})
}

// putInOrder looks for an order of files without times that explains them. It leaves the best one, and gives the number of executions.
func (log *Log) putInOrder(opts *Options, limit int) (tries int, found bool) {
	begin, after := slices.Clone(log.list), map[int]int{}
	var rng *rand.Rand
	var best []logEvent
	far := -1
	for tries < min(draws, limit, max(placed/len(begin), few)) {
		log.list = slices.Clone(begin)
		d := &draw{rng: rng, left: map[int]int{}, born: map[int]bool{}, staid: begin[0].task, after: after, done: map[int]bool{}}
		for i := range begin {
			d.left[begin[i].task]++
			if o := begin[i].op; o != nil && o.row != nil && o.row.clones() {
				d.born[int(o.want.ret)] = true
			}
		}
		x := execute(log, opts, &plan{draw: d}, nil, nil)
		tries++
		if x.diverged == nil || x.at > far {
			far, best = x.at, log.list
		}
		if x.diverged == nil {
			found = true
			break
		}
		if o := x.tooSoon(after); o != nil {
			after[o.index] = x.failed.index
		} else {
			rng = rand.New(rand.NewPCG(uint64(tries), 1))
		}
	}
	log.list = best
	for i := range log.list {
		e := &log.list[i]
		e.mark.Seq = i + 1
		if e.op != nil && e.kind != eventExit {
			e.op.begin.Seq = i + 1
		}
		if e.op != nil && e.kind != eventEnter {
			e.op.end.Seq = i + 1
		}
	}
	return tries, found
}

// draws moves what comes next to the place that is followed now.
func (x *exec) draws() {
	d := x.plan.draw
	heads := x.heads()
	at := heads[x.choose(heads)]
	e := x.log.list[at]
	copy(x.log.list[x.at+1:at+1], x.log.list[x.at:at])
	x.log.list[x.at] = e
	d.staid = e.task
	d.left[e.task]--
	if e.op != nil && e.kind != eventEnter {
		d.done[e.op.index] = true
	}
}

// tooSoon gives the last call of another task, but for those in after, that was about what the failed one found and should not have: it
// has to come behind that.
func (x *exec) tooSoon(after map[int]int) *op {
	o := x.failed
	if o == nil || x.threads[o.task] == nil {
		return nil
	}
	var things []sim.ID
	if ep := x.epoll(o); o.row.isEpollWait() && ep != nil {
		for _, e := range x.threads[o.task].got.events {
			if f, _ := x.itemOf(ep, e.Data); f != nil && !slices.Contains(o.want.events, e) {
				things = append(things, x.things(f)...)
			}
		}
	} else if f := x.file(o, o.fd); f != nil {
		things = x.things(f)
	}
	freed := x.freeTooSoon(o)
	var end *op // of a process, which closes all it had
	for i := x.at - 1; i >= 0; i-- {
		other := x.log.list[i].op
		if other == nil || other.row == nil || other.task == o.task {
			continue
		}
		if _, told := after[other.index]; told {
			continue
		}
		switch {
		case freed >= 0 && other.name == "close" && other.fd == freed && x.sharesFiles(o, other):
			return other
		case freed < 0 && stirs(other) && share(x.touched(other), things):
			return other
		case end == nil && other.row.ends:
			end = other
		}
	}
	return end
}

// freeTooSoon gives the number that the failed call got in the model, if the log has that it was taken: the close that let it go came too soon. -1: none.
func (x *exec) freeTooSoon(o *op) int {
	got := x.threads[o.task].got
	if !numbers(o) || got.failed() || o.want.failed() {
		return -1
	}
	for i, fd := range got.fds {
		if i < len(o.want.fds) && fd < o.want.fds[i] {
			return fd
		}
	}
	if len(got.fds) == 0 && got.ret < o.want.ret {
		return int(got.ret)
	}
	return -1
}

// stirs reports whether a call can make something ready for another task.
func stirs(o *op) bool {
	switch o.row.name {
	case "write", "sendto", "sendmsg", "splice", "tee", "vmsplice", "sendfile", "shutdown", "close", "connect", "timerfd_settime", "kill", "tgkill":
		return !o.want.failed() || o.want.errno == abi.EINPROGRESS
	}
	return false
}

// heads are the places of what comes next in each file, of tasks that are there; that of the one that went on last is the first.
func (x *exec) heads() []int {
	d := x.plan.draw
	var heads, unborn []int
	alive := 0
	for _, n := range d.left {
		if n > 0 {
			alive++
		}
	}
	seen := map[int]bool{}
	for i := x.at; i < len(x.log.list) && len(seen) < alive; i++ {
		e := &x.log.list[i]
		if seen[e.task] {
			continue
		}
		seen[e.task] = true
		switch th := x.byTid[e.tid]; {
		case x.threads[e.task] == nil && d.born[e.tid] && (th == nil || th.claimed):
			unborn = append(unborn, i)
		case d.waits(e):
			unborn = slices.Insert(unborn, 0, i)
		case e.task == d.staid:
			heads = slices.Insert(heads, 0, i)
		default:
			heads = append(heads, i)
		}
	}
	if len(heads) == 0 {
		return unborn
	}
	return heads
}

// waits reports whether a call has to come behind another one.
func (d *draw) waits(e *logEvent) bool {
	if e.op == nil {
		return false
	}
	first, told := d.after[e.op.index]
	return told && !d.done[first]
}

// choose takes one of the heads: first who finds something that is there, then the one that went on last, then who changes something,
// then who finds nothing; if nobody can go on, the first.
func (x *exec) choose(heads []int) int {
	d := x.plan.draw
	best, rank := 0, 100
	for i, at := range heads {
		r := x.rankOf(&x.log.list[at], i == 0 && x.log.list[at].task == d.staid)
		if d.rng != nil && r < 7 && d.rng.IntN(6) == 0 {
			r = d.rng.IntN(4)
		}
		if r < rank {
			best, rank = i, r
		}
	}
	return best
}

func (x *exec) rankOf(e *logEvent, same bool) int {
	o := e.op
	th := x.claim(e.task, e.tid)
	switch {
	case x.lost(th):
		return 2
	case e.kind == eventEnd && (th.cur == nil || !th.cur.row.ends): // somebody else ends it
		return 8
	case o != nil && o.row != nil && o.row.name == "exit_group": // what its threads do comes before
		return 7
	case e.kind == eventSignal && !x.runnable(th): // it has not been sent
		return 9
	case o == nil || o.row == nil || e.kind == eventExit || e.kind == eventEnd:
		return map[bool]int{true: 1, false: 2}[same]
	}
	x.inherit(th, o)
	switch can := o.row.ends || o.never || x.ready(o); {
	case !can:
		return 9
	case o.row.looks && !o.want.failed() && o.want.ret > 0:
		return 0
	case same:
		return 1
	case !o.row.looks:
		return 3
	}
	return 4
}

// noOrder says in the report of files for which none was found what would help.
func noOrder(d *Divergence) {
	d.Model = fmt.Sprintf("%s (the files have no times, and in none of the orders that were tried all is explained: record with strace -ff -ttt)", d.Model)
}
