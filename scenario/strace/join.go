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

// maxWrites bounds the calls whose text is looked for where it may stand in the middle of a line.
const maxWrites = 16

// maxHeld bounds the lines that are taken for the rest of one.
const maxHeld = 64

// continues reads a line as the rest of the one held.
func (r *Reader) continues(rec Record) bool {
	if l := lead(rec.Text); begins(rec.Text[l.length:]) {
		return false
	}
	h, rest := &r.held, rec.Text
	if head, ok := r.attached(rest); ok {
		rest = head
	}
	if h.lines++; h.lines > maxHeld || len(h.text)+len(rest) > r.opts.LineLimit {
		return false
	}
	text := h.text
	if strings.HasPrefix(rest, ")") || strings.HasPrefix(rest, " <unfinished") {
		text = r.withoutEcho(h, text)
	}
	if strings.TrimSpace(rest) == unfinished && h.kind == RecordCall {
		h.used = false
		r.enter(h.record, text)
		return true
	}
	c, ok := r.heldCall(h, text+rest)
	switch {
	case !ok:
		return false
	case !c.complete:
		h.text += rest
		return true
	}
	h.used = false
	if h.kind == RecordCall {
		r.whole(h.record, c, text+rest)
	} else {
		r.exit(h.record, c, text+rest, h.col)
	}
	return true
}

// heldCall reads what is held, with text in the place of its own.
func (r *Reader) heldCall(h *held, text string) (callText, bool) {
	if h.kind == RecordCall {
		return r.sc.call(text)
	}
	if open := h.record.Task.Open; open != nil {
		return r.sc.call(open.Text + text)
	}
	name, _, _ := strings.Cut(h.record.Text[h.record.Col-1+len("<... "):], " ")
	return r.sc.tail(name, text)
}

// withoutEcho takes out what a traced program itself has written to the terminal where the log goes too: strace shows
//
//	write(2, "x\n", 2x
//	) = 2
//
// and so it does in the middle of another task's call.
func (r *Reader) withoutEcho(h *held, text string) string {
	best := 0
	if c, ok := r.heldCall(h, text); ok {
		best = echo(text, c.name, c.args)
		if n := len(c.args); best == 0 && n > 0 && c.args[n-1].Kind == ValueRaw && h.kind == RecordCall {
			digits := c.args[n-1].Text // a number, and behind it what is more than strace shows of a string
			text = text[:len(text)-len(strings.TrimLeft(digits, "-0123456789"))]
		}
	}
	for _, c := range r.writes {
		if c.State == CallOpen {
			best = max(best, echo(text, c.Name, c.Args))
		}
	}
	return text[:len(text)-best]
}

// echo gives how much at the end of text is what a call writes.
func echo(text, name string, args []Value) int {
	if name != "write" || len(args) < 2 || args[1].Kind != ValueString {
		return 0
	}
	written := strings.NewReplacer("\n", "", "\r", "").Replace(args[1].Text)
	if !strings.HasSuffix(text, written) {
		return 0
	}
	return len(written)
}

// behindEcho finds the begin of one of strace's lines behind what a traced program has written without ending its line.
func (r *Reader) behindEcho(text string) int {
	if i := strings.Index(text, "[pid "); i > 0 && begins(text[i+lead(text[i:]).length:]) {
		return i
	}
	for _, c := range r.writes {
		if c.State != CallOpen || len(c.Args) < 2 {
			continue
		}
		written := c.Args[1].Text
		written = written[strings.LastIndexByte(written, '\n')+1:]
		if n := len(written); n > 0 && strings.HasPrefix(text, written) && begins(text[n+lead(text[n:]).length:]) {
			return n
		}
	}
	return 0
}

// release gives up hope for the line held.
func (r *Reader) release(why string) {
	if !r.held.used {
		return
	}
	r.held.used = false
	rec := r.held.record
	if why == "" {
		why = "the line ends in the middle of a call"
	}
	r.unknown(rec, len(rec.Text), why)
}

// end is the end of the log.
func (r *Reader) end() {
	r.release("the log ends in the middle of a call")
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
