package replay

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

// A scenario of several threads and processes: each makes its own calls, one after the other in the order of the replay. Who
// is done writes to the pipe at which the next one reads; a call that slept is begun behind that.

// StarOfThreads turns a log into a scenario in which threads and processes play those of the log, and the first thread what is
// outside of it. It is an error if the log has a divergence.
func StarOfThreads(log *Log, opts Options) (string, error) {
	f, err := explained(log, &opts)
	if err != nil {
		return "", err
	}
	s := &star{names: map[int]bool{}, played: map[sim.ID]bool{}, cast: &cast{tables: map[*vfs.FdTable]*castTable{}, parts: map[*thread]*part{}, open: map[int]*castStep{}}}
	x := execute(log, &opts, f.plan, nil, nil, s)
	switch {
	case x.diverged != nil:
		return "", fmt.Errorf("%s: %s", x.diverged.Pos, x.diverged.Model)
	case s.cast.err != nil:
		return "", s.cast.err
	case s.lines == 0:
		return "", fmt.Errorf("%s:1:1: no call in this log that a scenario could make", log.Name)
	}
	return fmt.Sprintf("# The calls of %s, in the order in which a replay makes them; who is done lets the next one go on.\n"+
		"signal(SIGPIPE, SIG_IGN)\n%s%s", log.Name, s.limit(), withReadAll(s.cast.text())), nil
}

// cast are the threads of a scenario.
type cast struct {
	tables map[*vfs.FdTable]*castTable
	parts  map[*thread]*part
	order  []*part
	steps  []*castStep
	open   map[int]*castStep // calls that sleep
	sink   *castStep         // what statements are added to, nil: what the first thread does
	err    error
}

// part is what one thread plays; nil is the first one, who plays the world.
type part struct {
	name  string
	table *castTable
}

// castTable has the numbers of one fd table.
type castTable struct {
	dict  string
	names map[int]bool
}

// castStep is what one thread does before it is another one's turn.
type castStep struct {
	part  *part
	lines []string
	slept bool // the call sleeps: the next one is let go before it
}

func (c *cast) step(p *part) *castStep {
	step := &castStep{part: p}
	c.steps = append(c.steps, step)
	return step
}

// add notes a statement of the call that is looked at, or of the world.
func (c *cast) add(line string) {
	if c.sink == nil {
		if n := len(c.steps); n == 0 || c.steps[n-1].part != nil {
			c.step(nil)
		}
		last := c.steps[len(c.steps)-1]
		last.lines = append(last.lines, line)
		return
	}
	c.sink.lines = append(c.sink.lines, line)
}

func (c *cast) newPart(th *thread, table *castTable) *part {
	p := &part{fmt.Sprintf("t%d", th.tid), table}
	if slices.ContainsFunc(c.order, func(other *part) bool { return other.name == p.name }) {
		p.name += fmt.Sprintf("_%d", len(c.order))
	}
	c.parts[th], c.order = p, append(c.order, p)
	return p
}

func (c *cast) newTable(files *vfs.FdTable, from *castTable) *castTable {
	t := &castTable{fmt.Sprintf("p%d", len(c.tables)+1), map[int]bool{}}
	if from != nil {
		maps.Copy(t.names, from.names)
	}
	c.tables[files] = t
	return t
}

// begun notes that a call was made, or that it sleeps.
func (s *star) begun(x *exec, th *thread) {
	c := s.cast
	if c == nil || x.lost(th) {
		return
	}
	p := c.parts[th]
	if p == nil {
		if c.tables[th.k.Files()] != nil && c.err == nil {
			c.err = fmt.Errorf("%s: the log does not show how this thread came to be", th.cur.begin.Pos)
		}
		p = c.newPart(th, c.newTable(th.k.Files(), nil))
		c.add(fmt.Sprintf("fork(%s)", p.name))
	}
	step := c.step(p)
	if step.slept = !th.finished; step.slept {
		c.open[th.cur.index] = step
		return
	}
	s.tell(x, th, step)
}

// ended notes that a call that slept is over.
func (s *star) ended(x *exec, th *thread) {
	if s.cast == nil || !th.finished || th.cur == nil {
		return
	}
	if step := s.cast.open[th.cur.index]; step != nil {
		delete(s.cast.open, th.cur.index)
		s.tell(x, th, step)
		s.cast.step(step.part)
	}
}

// tell writes down the call of th.
func (s *star) tell(x *exec, th *thread, step *castStep) {
	s.cast.sink = step
	t := step.part.table
	s.names, s.dict = t.names, t.dict
	switch o := th.cur; o.row.name {
	case "clone", "clone3", "fork", "vfork":
		s.clone(x, th)
	case "execve", "execveat", "unshare":
		s.exec(th, step.part)
	default:
		s.made(x, th)
	}
	s.cast.sink = nil
}

// clone starts the thread that plays the new task.
func (s *star) clone(x *exec, th *thread) {
	child := x.byTid[int(th.cur.want.ret)]
	if th.cur.want.failed() || child == nil || child.k == nil {
		return
	}
	c, mine := s.cast, s.cast.parts[th].table
	if child.k.Files() == th.k.Files() {
		s.add("spawn(%s)", c.newPart(child, mine).name)
		return
	}
	t := c.newTable(child.k.Files(), mine)
	s.add("%s.update(%s)", t.dict, mine.dict)
	s.add("fork(%s)", c.newPart(child, t).name)
}

// exec closes what an execve has closed, in a table of its own.
func (s *star) exec(th *thread, p *part) {
	files := th.k.Files()
	if t := s.cast.tables[files]; t != p.table {
		t = s.cast.newTable(files, p.table)
		s.add("%s.update(%s)", t.dict, p.table.dict)
		p.table, s.names, s.dict = t, t.names, t.dict
	}
	for _, fd := range slices.Sorted(maps.Keys(s.names)) {
		if files.At(fd) == nil {
			s.add("close(%s)", s.fd(fd))
			delete(s.names, fd)
		}
	}
}

// over closes what a task that ends leaves open if it was the last one with its files.
func (s *star) over(th *thread, files *vfs.FdTable) {
	if s.cast == nil || files == nil || files.Users > 0 {
		return
	}
	t, p := s.cast.tables[files], s.cast.parts[th]
	if t == nil || p == nil || len(t.names) == 0 {
		return
	}
	step := s.cast.step(p)
	for _, fd := range slices.Sorted(maps.Keys(t.names)) {
		step.lines = append(step.lines, fmt.Sprintf("close(%s[%d])", t.dict, fd))
	}
	clear(t.names)
}

// text writes one function for each thread.
func (c *cast) text() string {
	bodies := map[*part]*strings.Builder{nil: {}}
	for _, p := range c.order {
		bodies[p] = &strings.Builder{}
	}
	var main strings.Builder
	kept := c.steps[:0]
	for _, step := range c.steps {
		if len(step.lines) > 0 || step.slept || len(kept) > 0 && kept[len(kept)-1].part != step.part {
			kept = append(kept, step)
		}
	}
	write := func(p *part, line string) {
		if p != nil {
			line = "    " + line
		}
		bodies[p].WriteString(line + "\n")
	}
	gate := func(p *part) int { return slices.Index(c.order, p) + 1 }
	for i, step := range kept {
		p := step.part
		if i > 0 && kept[i-1].part != p {
			write(p, fmt.Sprintf("wait_for_turn(%d)", gate(p)))
		}
		pass := ""
		if i+1 < len(kept) && kept[i+1].part != p {
			pass = fmt.Sprintf("next_is(%d)", gate(kept[i+1].part))
		}
		if pass != "" && step.slept {
			write(p, pass)
		}
		for _, line := range step.lines {
			write(p, line)
		}
		if pass != "" && !step.slept {
			write(p, pass)
		}
	}
	fmt.Fprintf(&main, "turns = [pipe2(0) for _ in range(%d)]\n", len(c.order)+1)
	main.WriteString("def next_is(n):\n    write(turns[n][1], b\"n\")\ndef wait_for_turn(n):\n    read(turns[n][0], 1)\n")
	for i := range len(c.tables) {
		fmt.Fprintf(&main, "p%d = {}\n", i+1)
	}
	for _, p := range c.order {
		fmt.Fprintf(&main, "def %s():\n", p.name)
		if body := bodies[p].String(); body != "" {
			main.WriteString(body)
		} else {
			main.WriteString("    pass\n")
		}
	}
	main.WriteString(bodies[nil].String())
	return main.String()
}
