package files

import (
	"fmt"
	"slices"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/scenario/strace"
)

// Tracker follows the tasks of a log.
type Tracker struct {
	members  map[*strace.Task]*member
	byTid    map[int]*member // the last one of each number
	waiting  map[int]*birth  // by tid: started, no record yet
	births   []*birth        // calls under way that start a task
	families []*family
	notices  []Notice
	// Surprises counts the descriptors that were not the lowest number free; the first is at Surprise.
	Surprises int
	Surprise  strace.Pos
	// Reopened counts the descriptors that were used after they had been closed, and that no call of the log has made again.
	Reopened int
	Unopened bool // a program was read that no call of the log has opened
	overlaps int  // calls under way
}

// member is what a task has.
type member struct {
	task    *strace.Task
	table   *Table
	process *process
	opens   *Table // where the call that it is in may make a descriptor
}

// process is the tasks that exec and end together.
type process struct {
	leader *strace.Task
	parent *process
}

// birth is a call that starts a task.
type birth struct {
	parent *member
	call   *strace.Call
	flags  int64
	tid    int    // 0: not known yet
	table  *Table // the copy that the child gets, made when the call ended before the child's first line
	child  *member
}

// Notice is something that a reader of the report should know of a log.
type Notice struct {
	Pos  strace.Pos
	Text string
}

// String is the place and the text.
func (n Notice) String() string { return n.Pos.String() + ": " + n.Text }

// New makes a Tracker that has seen nothing.
func New() *Tracker {
	return &Tracker{members: map[*strace.Task]*member{}, byTid: map[int]*member{}, waiting: map[int]*birth{}}
}

// Apply takes the next record of a log.
func (t *Tracker) Apply(rec *strace.Record) {
	if rec.Task == nil || rec.Kind == strace.RecordAttach {
		return
	}
	m := t.member(rec)
	switch rec.Kind {
	case strace.RecordEnter:
		t.overlaps++
		if rows[rec.Call.Name] != nil {
			m.opens = m.table
			m.opens.making++
		}
		if strace.Starts(rec.Call.Name) {
			t.births = append(t.births, &birth{parent: m, call: rec.Call, flags: rec.Call.CloneFlags()})
		}
	case strace.RecordExit:
		t.overlaps--
		if m.opens != nil {
			m.opens.making--
			m.opens = nil
		}
		t.call(m, rec.Call)
	case strace.RecordCall:
		t.call(m, rec.Call)
	case strace.RecordEnd:
		if rec.End.Execve == 0 {
			m.table.users--
		}
	}
}

// member finds what a task has; of one that is new, whose child it is.
func (t *Tracker) member(rec *strace.Record) *member {
	if m := t.members[rec.Task]; m != nil {
		return m
	}
	tid := rec.Task.Tid
	b := t.waiting[tid]
	if b == nil && len(t.families) > 0 { // its first line may come before its parent's call is at an end
		for _, open := range t.births {
			if open.child == nil && open.tid == 0 {
				b = open
				break
			}
		}
	}
	m := &member{task: rec.Task}
	if b == nil {
		m.table = newFamily(rec.Task)
		m.process = &process{leader: rec.Task}
		t.families = append(t.families, m.table.family)
	} else {
		b.child = m
		m.born(b)
	}
	delete(t.waiting, tid)
	t.members[rec.Task] = m
	t.byTid[tid] = m
	return m
}

// born gives a task what it has from its parent.
func (m *member) born(b *birth) {
	m.table, m.process = b.parent.table, b.parent.process
	if b.flags&abi.CLONE_THREAD == 0 {
		m.process = &process{leader: m.task, parent: b.parent.process}
	}
	switch {
	case b.flags&abi.CLONE_FILES != 0:
		m.table.users++
	case b.table != nil:
		m.table = b.table
	default:
		m.table = b.parent.table.copy()
	}
}

// call takes the end of a call.
func (t *Tracker) call(m *member, c *strace.Call) {
	if strace.Starts(c.Name) {
		t.started(m, c)
	}
	if c.Headless || c.State != strace.CallDone {
		return
	}
	e := event{t: t, m: m, table: m.table, c: c, at: c.Begin.Pos}
	e.uses()
	if c.Result.Failed || c.Result.Unknown {
		return
	}
	if row := rows[c.Name]; row != nil {
		row(&e)
	}
}

// started notes whom a call has started.
func (t *Tracker) started(m *member, c *strace.Call) {
	var b *birth
	for i, open := range t.births {
		if open.call == c {
			b = open
			t.births = slices.Delete(t.births, i, i+1)
			break
		}
	}
	if c.State != strace.CallDone || c.Result.Failed || c.Result.Ret <= 0 {
		return
	}
	if b == nil {
		b = &birth{parent: m, call: c, flags: c.CloneFlags()}
	}
	b.tid = int(c.Result.Ret)
	if b.child != nil && b.child.task.Tid == b.tid {
		return
	}
	if other := t.byTid[b.tid]; other != nil && !other.task.Gone && other.process != m.process { // taken for another one's child
		if other.process.parent != nil {
			other.born(b)
			b.child = other
		}
		return
	}
	if b.child == nil {
		if b.flags&abi.CLONE_FILES == 0 {
			b.table = m.table.copy()
		}
		t.waiting[b.tid] = b
	}
}

// Table gives the descriptors of a task, nil if it has not appeared.
func (t *Tracker) Table(task *strace.Task) *Table {
	if m := t.members[task]; m != nil {
		return m.table
	}
	return nil
}

// Leader gives the first task of the process of a task, Parent that of the process which started it, or nil.
func (t *Tracker) Leader(task *strace.Task) *strace.Task {
	if m := t.members[task]; m != nil {
		return m.process.leader
	}
	return nil
}

// Parent gives the first task of the process that started the process of task, or nil.
func (t *Tracker) Parent(task *strace.Task) *strace.Task {
	if m := t.members[task]; m != nil && m.process.parent != nil {
		return m.process.parent.leader
	}
	return nil
}

// Inherited is a descriptor that was open before the log begins.
type Inherited struct {
	Task *strace.Task // that had it: all forked from it share the file
	Fd   int
	File *File
	Seen strace.Pos // where it shows
}

// Inherited gives all descriptors that were open before the log begins, as far as it shows them: task by task, in the order of
// their numbers.
func (t *Tracker) Inherited() []Inherited {
	var list []Inherited
	for _, f := range t.families {
		from := len(list)
		for fd, in := range f.inherited {
			list = append(list, Inherited{f.first, fd, in.file, in.seen})
		}
		slices.SortFunc(list[from:], func(a, b Inherited) int { return a.Fd - b.Fd })
	}
	return list
}

// Notices tells what is missing in a log, once it has been read to its end.
func (t *Tracker) Notices() []Notice {
	list := slices.Clone(t.notices)
	var missing []*birth
	threads := 0
	for _, b := range t.waiting {
		missing = append(missing, b)
		if b.flags&abi.CLONE_THREAD != 0 {
			threads++
		}
	}
	if len(missing) > 0 {
		slices.SortFunc(missing, func(a, b *birth) int { return a.call.Begin.Seq - b.call.Begin.Seq })
		first := missing[0]
		list = append(list, Notice{first.call.Begin.Pos, fmt.Sprintf(
			"%s started that the log does not have, the first here with number %d: what they did can only be guessed; "+
				"record with strace -f", counts(threads, len(missing)-threads), first.tid)})
	}
	return list
}

func counts(threads, processes int) string {
	switch {
	case processes == 0:
		return count(threads, "thread")
	case threads == 0:
		return count(processes, "process")
	}
	return count(threads, "thread") + " and " + count(processes, "process")
}

func count(n int, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case what == "process":
		return fmt.Sprint(n, " processes")
	}
	return fmt.Sprint(n, " ", what, "s")
}
