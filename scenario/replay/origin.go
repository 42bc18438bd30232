package replay

import (
	"maps"
	"slices"
	"strings"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/scenario/strace"
	"github.com/epollsim/epollsim/vfs"
)

// Tasks of which the log does not show how they came to be: it began later, or has no clone and execve. Each is taken to be a
// thread of a process that is there, or one that was forked off, or a stranger, as far as the log does not tell (kin.go); where
// that ends in a divergence, the others are tried.

// origin is what such a task is taken to be.
type origin struct {
	kind   originKind
	of     int // Serial of the task it comes from
	before int // Mark.Seq of the call in front of which it was forked off, 0: it was when it is seen first
	tid    int // its own, if it was forked off in front of a call
}

type originKind uint8

const (
	originStranger originKind = iota // a process with files of its own
	originThread
	originFork // a process with a copy of the files
)

// clones reports whether the log has calls that make tasks.
func (log *Log) clones() bool {
	return log.seen["clone"] || log.seen["clone3"] || log.seen["fork"] || log.seen["vfork"]
}

// death is what a parent is told of the end of a child.
type death struct {
	at     int // the moment behind it
	parent int // the number of a thread of the parent
}

// bereave notes whose child it was that a SIGCHLD tells of.
func (log *Log) bereave(rec *strace.Record, at int) {
	pid, code := rec.Signal.Info.Field("si_pid"), rec.Signal.Info.Field("si_code")
	if rec.Signal.Sig != abi.SIGCHLD || pid == nil || code == nil || !strings.HasPrefix(code.Text, "CLD_") {
		return
	}
	if n, ok := pid.Number(); ok {
		log.deaths[int(n)] = append(log.deaths[int(n)], death{at, rec.Task.Tid})
	}
}

// parent gives a thread of the process whose child a task is, as far as the log tells when it ends.
func (log *Log) parent(tid, at int) (parent int, ok bool) {
	for _, d := range log.deaths[tid] {
		if d.at >= at {
			return d.parent, true
		}
	}
	return 0, false
}

// newcomer is a task whose origin was guessed.
type newcomer struct {
	task   int
	taken  origin
	others []origin
}

// adopt makes a thread or process that was there before the log, or whose making the log does not have.
func (x *exec) adopt(task, tid int) *thread {
	th := x.newThread(tid)
	from, told := x.plan.origins[task]
	if options := x.origins(task, tid); x.log.attached && len(options) > 1 {
		if !told {
			from = x.likely(options, task, tid)
		}
		options = slices.DeleteFunc(options, func(o origin) bool { return o == from })
		x.newcomers = append(x.newcomers, newcomer{task, from, options})
	}
	parent := x.threads[from.of]
	if from.kind != originStranger && (parent == nil || x.lost(parent)) {
		from.kind = originStranger
	}
	if from.kind == originThread {
		th.k = parent.k.AdoptThread(tid, th.name(), func(*kernel.Thread) { x.loop(th) })
		return th
	}
	if from.kind == originFork {
		return x.forked(parent, th)
	}
	x.process(th, x.pilot)
	files := th.k.Files()
	files.Limit = 1 << 20
	x.tables[files] = &table{inherited: true, first: task, known: map[int]bool{}}
	for range 3 {
		fd, _ := files.Reserve(0, false)
		files.Install(fd, newExternal(x.k.System(), "inherited", abi.O_RDWR, true))
		x.tables[files].known[fd] = true
	}
	x.fillHoles(th)
	return th
}

// process makes th one of its own, a child of parent's process.
func (x *exec) process(th *thread, parent *kernel.Thread) {
	th.k = x.k.Adopt(th.tid, th.name(), parent, func(*kernel.Thread) { x.loop(th) })
	harden(th.k.Process())
}

// forked makes th a process with a copy of parent's table.
func (x *exec) forked(parent, th *thread) *thread {
	x.process(th, parent.k)
	th.k.ShareFiles(parent.k)
	th.k.Unshare()
	x.copyTable(parent.k.Files(), th.k.Files())
	return th
}

// nearestProcesses is how many processes are tried as the one that a task comes from.
const nearestProcesses = 4

// origins are what a new task may be: the processes that did something last come first. One whose end its parent is told of is a
// child of that.
func (x *exec) origins(task, tid int) []origin {
	parent, child := x.log.parent(tid, x.at)
	known := x.log.kin[task]
	var options []origin
	if th := x.threads[known.creator]; th != nil && !x.lost(th) && !known.process && !child {
		options = append(options, origin{kind: originThread, of: th.task})
	}
	seen := map[*kernel.Process]bool{}
	add := func(th *thread) {
		if th == nil || x.lost(th) || seen[th.k.Process()] {
			return
		}
		seen[th.k.Process()] = true
		if !child && !known.process {
			options = append(options, origin{kind: originThread, of: th.task})
		}
		options = append(options, origin{kind: originFork, of: th.task})
	}
	if child {
		add(x.byTid[parent])
	}
	for i := x.at - 1; i >= x.log.first && len(seen) < nearestProcesses; i-- {
		add(x.threads[x.log.at(i).task])
	}
	return append(options, origin{})
}

// likely is what a task is taken to be at first: one that begins to load a program was forked off, all others are threads unless
// they cannot be. Those that strace -p finds show what they are in before anything else happens; one that comes later was forked off.
func (x *exec) likely(options []origin, task, tid int) origin {
	if o := x.log.at(x.at).op; o == nil || o.text != loaderCache {
		threads := slices.DeleteFunc(slices.Clone(options), func(from origin) bool {
			return from.kind != originThread || x.distinct(task, tid, x.threads[from.of])
		})
		for _, from := range threads {
			if x.suits(x.threads[from.of], task, itself) {
				return from
			}
		}
		fork, fits := x.likelyFork(options, task)
		switch {
		case len(threads) > 0 && fits:
			return fork
		case len(threads) > 0:
			return threads[0]
		case x.log.sharing.early[task]:
			return origin{}
		}
	}
	fork, _ := x.likelyFork(options, task)
	return fork
}

// likelyFork gives the process that a new task was most likely forked off by, and whether the numbers that it gets fit.
func (x *exec) likelyFork(options []origin, task int) (from origin, fits bool) {
	forks := slices.DeleteFunc(slices.Clone(options), func(from origin) bool { return from.kind != originFork })
	idle := x.alive[max(0, len(x.alive)-guessesNear):] // those that have done nothing lately, too
	for _, as := range [2]tableKind{aCopy, loadedCopy} {
		for _, from := range forks {
			if x.suits(x.threads[from.of], task, as) {
				return from, true
			}
		}
		for _, th := range slices.Backward(idle) {
			if !x.lost(th) && x.suits(th, task, as) {
				return origin{kind: originFork, of: th.task}, true
			}
		}
	}
	return append(forks, origin{})[0], false
}

// tableKind is what table a new task is supposed to have.
type tableKind uint8

const (
	itself     tableKind = iota // that of the other one
	aCopy                       // a copy of it
	loadedCopy                  // a copy from which an exec that the log does not show has taken what was to be closed
)

// suits reports whether the first number that a task gets is the one that it would get with a copy of parent's table, or as a thread with
// that itself, from which others may have taken some by then, or closed them.
func (x *exec) suits(parent *thread, task int, as tableKind) bool {
	d := descent{x: x, files: parent.k.Files(), closed: map[int]bool{}, freed: map[int]bool{}, loaded: as == loadedCopy && !x.log.seen["execve"]}
	own := &op{task: parent.task}
	return !x.log.next(x.at-1, func(o *op) lookahead {
		switch {
		case as == itself && o.task != task && numbers(o) && x.sharesFiles(o, own):
			d.freed[o.fd], d.taken = true, true
			return lookOn
		case o.task != task || o.want.failed():
			return lookOn
		case o.row.name == "dup2", o.row.name == "dup3":
			return lookNo
		}
		d.loaded = d.loaded || as == aCopy && x.loads(o)
		switch {
		case o.row.name == "close":
			d.closed[o.fd] = true
		case numbers(o) && len(o.want.fds) > 0, o.row.allocates && o.want.ret >= 0:
			return d.another(o)
		}
		return lookOn
	})
}

// descent is a table that a task may have, and what happens to it up to the first number that is given out.
type descent struct {
	x      *exec
	files  *vfs.FdTable
	closed map[int]bool
	freed  map[int]bool // perhaps, by others
	taken  bool         // perhaps, by others
	loaded bool         // a program has begun, which closes some
}

func (d *descent) open(fd int) bool {
	return d.files.At(fd) != nil && !d.closed[fd] && !(d.files.Cloexec(fd) && d.loaded)
}

// another tells whether o was given other numbers than it would be.
func (d *descent) another(o *op) lookahead {
	t := d.x.table(d.files)
	given, start := o.want.fds, 0
	if len(given) == 0 {
		given, start = []int{int(o.want.ret)}, o.lowest()
	}
	for _, n := range given {
		if n >= maxLimit {
			return lookNo
		}
		for fd := start; fd < n; fd++ {
			if !d.open(fd) && !d.taken && (d.closed[fd] || !t.inherited || t.known[fd]) {
				return lookYes
			}
		}
		if d.open(n) && !d.freed[n] {
			return lookYes
		}
		start = n + 1
	}
	return lookNo
}

// made notes who got a number.
func (x *exec) made(o *op, fd int) {
	t := x.table(x.thread(o).k.Files())
	if t.makers == nil {
		t.makers = map[int]int{}
	}
	t.makers[fd] = o.task
}

// guess is another origin of a newcomer.
type guess struct {
	task int
	from origin
}

const (
	guessesNear   = 1024 // moments before a divergence
	guessesOthers = 8    // newcomers of other processes that are tried
	guessesMost   = 400  // pairs of guesses
)

// guesses are the other origins of those whose own may have led to the divergence: that of the failed call first, then the newest
// in its process, then those of other processes that have worked on the same numbers: they may belong to this one; then others.
func (x *exec) guesses() []guess {
	if x.failed == nil || len(x.newcomers) == 0 || x.thread(x.failed) == nil {
		return nil
	}
	var first, list, others, rest []guess
	strangers, here := 0, 0
	near := x.onNumbers(x.failed)
	holder := x.table(x.thread(x.failed).k.Files()).makers[int(x.failed.want.ret)]
	for _, n := range slices.Backward(x.newcomers) {
		th := x.threads[n.task]
		switch {
		case n.task == x.failed.task, n.task == holder && numbers(x.failed):
			first = n.guesses(first)
		case th != nil && !x.lost(th) && x.sharesFiles(&op{task: n.task}, x.failed):
			if here++; here <= nearestProcesses {
				list = n.guesses(list)
			}
		case near[n.task] && th != nil && !x.lost(th) && len(others) < guessesOthers:
			for _, from := range n.others {
				if parent := x.threads[from.of]; from.kind == originThread && parent != nil && x.sharesFiles(&op{task: from.of}, x.failed) {
					others = append(others, guess{n.task, from})
				}
			}
		case strangers < nearestProcesses: // what another process closed may have been this one's
			strangers++
			rest = n.guesses(rest)
		}
	}
	return slices.Concat(first, list, others, rest, x.earlierForks())
}

// earlierForks are the guesses that the newest of those who seem to be forked off were so earlier, in front of a call by which their
// parent closed something.
func (x *exec) earlierForks() []guess {
	var list []guess
	tried := 0
	for _, n := range slices.Backward(slices.Concat(x.newcomers, x.born)) {
		parent := x.threads[n.taken.of]
		if n.taken.kind != originFork || parent == nil || x.threads[n.task] == nil {
			continue
		}
		if tried++; tried > nearestProcesses {
			break
		}
		end := x.log.sharing.first[n.task]
		if n.taken.before > 0 {
			end = n.taken.before
		}
		for i := x.at; i >= x.log.first; i-- {
			e := x.log.at(i)
			if e.mark.Seq <= x.log.sharing.first[n.task]-justBefore {
				break
			}
			if o := e.op; e.mark.Seq < end && o != nil && o.row != nil && e.kind != eventExit && closes(o) && x.sharesFiles(o, &op{task: parent.task}) {
				list = append(list, guess{n.task, origin{originFork, o.task, e.mark.Seq, x.threads[n.task].tid}})
			}
		}
	}
	return list
}

// closes reports whether a call takes a number away.
func closes(o *op) bool {
	return o.row.name == "close" || o.row.name == "dup2" || o.row.name == "dup3" || o.row.name == "close_range"
}

func (n newcomer) guesses(list []guess) []guess {
	for _, from := range n.others {
		list = append(list, guess{n.task, from})
	}
	return list
}

// onNumbers gives the tasks that have made calls on the numbers that a call is about, not long ago.
func (x *exec) onNumbers(o *op) map[int]bool {
	about := map[int]bool{o.fd: o.fd >= 0, o.fd2: o.fd2 >= 0}
	for _, p := range o.polls {
		about[int(p.Fd)] = true
	}
	for _, s := range o.sets {
		for _, fd := range s.Fds() {
			about[fd] = true
		}
	}
	if ep := x.epoll(o); ep != nil {
		ep.EachItem(func(_ *vfs.File, fd int, _ abi.EpollEvent) bool {
			about[fd] = true
			return true
		})
	}
	tasks := map[int]bool{}
	for i := x.at; i >= max(x.log.first, x.at-guessesNear); i-- {
		if o := x.log.at(i).op; o != nil && o.row != nil && (about[o.fd] || about[o.fd2]) {
			tasks[o.task] = true
		}
	}
	return tasks
}

// comes is the plan in which a task has another origin.
func (p *plan) comes(task int, from origin) *plan {
	n := p.copy()
	n.origins = maps.Clone(p.origins)
	if n.origins == nil {
		n.origins = map[int]origin{}
	}
	n.origins[task] = from
	if n.births = maps.Clone(n.births); from.before > 0 {
		if n.births == nil {
			n.births = map[int][]child{}
		}
		n.births[from.before] = append(slices.Clone(n.births[from.before]), child{task, from.tid})
	}
	return n
}

// otherOrigins looks for a plan that comes further because a task is something else, or two are.
func (f *found) otherOrigins(try func(*plan) (*exec, bool)) bool {
	type failed struct {
		p *plan
		g []guess
	}
	var elsewhere []failed
	best := f.x.failed
	for _, g := range f.x.guesses() {
		p := f.plan.comes(g.task, g.from)
		x, further := try(p)
		if x == nil || further {
			return further
		}
		if !x.failedAt(best) {
			elsewhere = append(elsewhere, failed{p, x.guesses()})
		}
	}
	tries := 0
	for _, e := range elsewhere {
		for _, g := range e.g {
			if tries++; tries > guessesMost {
				return false
			}
			if x, further := try(e.p.comes(g.task, g.from)); x == nil || further {
				return further
			}
		}
	}
	return false
}
