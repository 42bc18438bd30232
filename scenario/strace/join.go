package strace

import (
	"strconv"
	"strings"

	"github.com/epollsim/epollsim/abi"
)

const (
	unfinished = "<unfinished ...>"
	detached   = "<detached ...>" // where strace -p was told to end
)

// begun reads a line that begins with a call.
func (r *Reader) begun(rec Record, text string) {
	head, ok := strings.CutSuffix(text, unfinished)
	if !ok {
		head, ok = strings.CutSuffix(text, detached)
	}
	if ok {
		r.enter(rec, strings.TrimSuffix(head, " "))
		return
	}
	if head, ok := r.attached(text); ok {
		text = head
	}
	c, ok := r.sc.call(text)
	switch {
	case !ok:
		r.unknown(rec, rec.Col-1+r.sc.i, r.sc.bad)
	case !c.complete:
		r.held = held{record: rec, text: text, kind: RecordCall, used: true}
	default:
		r.whole(rec, c, text)
	}
}

// whole emits a call that stands on one line.
func (r *Reader) whole(rec Record, c callText, text string) {
	r.lost(rec)
	call := &Call{Task: rec.Task, Name: c.name, State: CallDone, Begin: rec.Mark, End: rec.Mark, Text: text}
	call.Args, call.Result = c.args, c.result
	if c.result.Unknown && c.result.ErrName == "" {
		call.State = CallNever
	}
	rec.Kind, rec.Call = RecordCall, call
	r.emit(rec)
}

// enter emits the begin of a call.
func (r *Reader) enter(rec Record, text string) {
	c, ok := r.sc.call(text)
	if !ok {
		r.unknown(rec, rec.Col-1+r.sc.i, r.sc.bad)
		return
	}
	r.lost(rec)
	call := &Call{Task: rec.Task, Name: c.name, Args: c.args, Begin: rec.Mark, Text: text}
	call.Result.Spent = -1
	rec.Task.Open, r.open = call, rec.Task
	if call.Name == "write" {
		if len(r.writes) == maxWrites {
			r.writes = append(r.writes[:0], r.writes[1:]...)
		}
		r.writes = append(r.writes, call)
	}
	rec.Kind, rec.Call = RecordEnter, call
	r.emit(rec)
}

// lost emits the end of a call that the log leaves open, although its task goes on.
func (r *Reader) lost(rec Record) {
	if rec.Task.Open == nil {
		return
	}
	call := rec.Task.Open
	rec.Task.Open = nil
	call.State, call.End = CallLost, rec.Mark
	rec.Kind, rec.Call, rec.Text = RecordExit, call, ""
	r.emit(rec)
}

// resumed reads <... NAME resumed>REST.
func (r *Reader) resumed(rec Record, text string) {
	name, rest, ok := strings.Cut(text[len("<... "):], " resumed>")
	if !ok {
		r.unknown(rec, rec.Col-1, "the name of a call and resumed> was expected behind <...")
		return
	}
	if head, ok := r.attached(rest); ok {
		rest = head
	}
	col := rec.Col + len("<... ") + len(name) + len(" resumed>")
	call := rec.Task.Open
	if call != nil && call.Name != name {
		r.lost(rec)
		call = nil
	}
	var c callText
	if call != nil {
		c, ok = r.sc.call(call.Text + rest)
	} else {
		c, ok = r.sc.tail(name, strings.TrimPrefix(strings.TrimLeft(rest, " "), ", "))
	}
	switch {
	case !ok:
		r.unknown(rec, max(0, col-1), r.sc.bad)
	case !c.complete:
		r.held = held{record: rec, text: rest, col: col, kind: RecordExit, used: true}
	default:
		r.exit(rec, c, rest, col)
	}
}

// staged reads the end of a call as strace -z shows it: below its begin, which is unfinished, and with nothing in front.
func (r *Reader) staged(rec Record) bool {
	if !strings.HasPrefix(rec.Text, ")") {
		return false
	}
	t := r.open
	if t == nil || t.Open == nil || t.Open.Begin.Seq != rec.Seq-1 {
		return false
	}
	c, ok := r.sc.call(t.Open.Text + rec.Text)
	if ok = ok && c.complete; ok {
		rec.Task = t
		r.exit(rec, c, rec.Text, 1)
	}
	return ok
}

// exit emits the end of a call.
func (r *Reader) exit(rec Record, c callText, rest string, col int) {
	call := rec.Task.Open
	rec.Task.Open = nil
	if call == nil {
		call = &Call{Task: rec.Task, Name: c.name, Headless: true, Begin: rec.Mark}
	}
	call.State = CallDone
	if c.result.Unknown && c.result.ErrName == "" {
		call.State = CallNever
	}
	call.Args, call.Result, call.End = c.args, c.result, rec.Mark
	call.join, call.endCol = len(call.Text), col
	call.Text += rest
	rec.Kind, rec.Call = RecordExit, call
	r.emit(rec)
}

// attached emits the note that another process was attached, where that came in the middle of a line, and gives what
// stood before it.
func (r *Reader) attached(text string) (string, bool) {
	i := strings.LastIndex(text, "strace: Process ")
	if i < 0 || !strings.HasSuffix(text, " attached") {
		return "", false
	}
	tid, err := strconv.Atoi(text[i+len("strace: Process ") : len(text)-len(" attached")])
	if err != nil {
		return "", false
	}
	r.attach(Record{Mark: Mark{Pos{r.name, r.lines.count, 1}, r.seq, r.last}, Text: text[i:]}, tid)
	return text[:i], true
}

// attach emits that strace has begun to trace a process.
func (r *Reader) attach(rec Record, tid int) {
	rec.Kind = RecordAttach
	if t := r.tasks[tid]; t == nil || t.Gone {
		r.tasks[tid] = r.add(tid, rec.Mark)
	}
	rec.Task = r.tasks[tid]
	r.emit(rec)
}

// ended reads +++ exited with 0 +++ and its like.
func (r *Reader) ended(rec Record, rest string) {
	body := strings.TrimSuffix(rest[len("+++ "):], " +++")
	rec.Kind = RecordEnd
	var ok bool
	if code, exited := strings.CutPrefix(body, "exited with "); exited {
		var err error
		rec.End.Code, err = strconv.Atoi(code)
		ok = err == nil
	} else if name, killed := strings.CutPrefix(body, "killed by "); killed {
		name, rec.End.Core = strings.CutSuffix(name, " (core dumped)")
		rec.End.Signal, ok = abi.SignalByName(name)
	} else if by, superseded := strings.CutPrefix(body, "superseded by execve in pid "); superseded {
		tid, _, _, isPid := pid(by)
		rec.End.Execve, ok = tid, isPid
	}
	if !ok {
		r.unknown(rec, rec.Col-1, "the end of a task was expected: exited with N, killed by SIG, superseded by execve in pid N")
		return
	}
	t := rec.Task
	if call := t.Open; call != nil {
		t.Open = nil
		call.State, call.End = CallNever, rec.Mark
		exit := rec
		exit.Kind, exit.Call, exit.Text, exit.End = RecordExit, call, "", End{}
		r.emit(exit)
	}
	t.Gone = true
	r.emit(rec)
	if by := r.tasks[rec.End.Execve]; by != nil && by != t { // it takes over the id of the leader
		delete(r.tasks, by.Tid)
		by.Tid = t.Tid
		r.tasks[t.Tid] = by
		return
	}
	if r.tasks[t.Tid] == t {
		delete(r.tasks, t.Tid)
	}
}
