package strace

import (
	"bytes"
	"io"
	"math"
	"strings"

	"github.com/epollsim/epollsim/abi"
)

// ReaderOptions say how to read a log. The zero value serves for most.
type ReaderOptions struct {
	// Tid is whose the lines without a number are: of one file of strace -ff, the number at the end of its name.
	Tid int
	// LineLimit is how many bytes of a line are looked at; the rest is passed over. 0: 16 MiB.
	LineLimit int
}

const defaultLineLimit = 16 << 20

// Source gives the records of a log: a *Reader, or several merged.
type Source interface {
	// Next gives the next record, io.EOF behind the last one. Lines that cannot be read are records too; an error is one of the file.
	Next() (Record, error)
	// Stats tells what has been read so far.
	Stats() Stats
}

// Form is how a log looks, as far as it has been read.
type Form struct {
	Pids     bool // lines have the number of their task: -f
	Brackets bool // in the form [pid 7]: the log was on stderr
	Times    TimeForm
	Spent    bool // calls have their duration: -T
}

// Stats counts what a log has.
type Stats struct {
	Lines     int
	Bytes     int64
	Calls     int    // that began
	Signals   int    // delivered
	Tasks     int    // that appear
	Unknown   int    // lines that are not strace's
	First     *Error // the first of these, or nil
	Untimed   bool   // several files without times: see Merge
	Unended   int    // calls that began and have no end
	Headless  int    // calls that ended and have no begin
	Form      Form
	undecoded *Error // the first epoll_ctl of which only an address is shown
	binary    bool
	foreign   string // the tool whose log this seems to be
	truss     int    // calls whose result is told as truss does
	summary   bool   // the table of strace -c or -C has begun
}

// Reader reads one log. It holds no more of it than the calls under way.
type Reader struct {
	lines *lines
	sc    scanner
	name  string
	opts  ReaderOptions
	stats Stats

	tasks  map[int]*Task
	nobody *Task // whose lines have no number; its own may become known
	serial int

	queue  []Record
	head   int
	held   held
	open   *Task   // whose call began last and stands open, or did
	writes []*Call // the last that began and whose end came on another line
	seq    int
	last   int64 // time of the last line with one
	days   int64 // what -t does not count
	eof    bool
}

// NewReader makes a Reader of a log; name is the file's in messages.
func NewReader(r io.Reader, name string, opts ReaderOptions) *Reader {
	if opts.LineLimit <= 0 {
		opts.LineLimit = defaultLineLimit
	}
	rd := &Reader{lines: newLines(r, opts.LineLimit), name: name, opts: opts, tasks: map[int]*Task{}}
	return rd
}

// Stats tells what has been read so far.
func (r *Reader) Stats() Stats {
	s := r.stats
	s.Lines, s.Bytes = r.lines.count, r.lines.bytes
	return s
}

// After so many bytes or lines without a single call a Reader takes it that there will be none: a device, or what somebody else writes
// for ever.
const (
	hopeless      = 256 << 20
	hopelessLines = 1 << 20
)

// Next gives the next record, io.EOF behind the last one.
func (r *Reader) Next() (Record, error) {
	for r.head == len(r.queue) {
		r.queue, r.head = r.queue[:0], 0
		if r.eof {
			return Record{}, io.EOF
		}
		if r.lines.bound = math.MaxInt64; r.stats.Calls == 0 {
			r.lines.bound = hopeless
		}
		line, err := r.lines.next()
		if err == io.EOF || r.stats.Calls == 0 && (r.lines.bytes > hopeless || r.lines.count > hopelessLines) {
			r.eof = true
			r.end()
			continue
		}
		if err != nil {
			return Record{}, &Error{Pos{r.name, r.lines.count + 1, 1}, "cannot be read: " + err.Error()}
		}
		r.line(line)
	}
	rec := r.queue[r.head]
	r.queue[r.head] = Record{}
	r.head++
	return rec, nil
}

func (r *Reader) emit(rec Record) {
	switch rec.Kind {
	case RecordCall, RecordEnter:
		r.stats.Calls++
		if rec.Kind == RecordEnter {
			r.stats.Unended++
		}
	case RecordExit:
		switch {
		case rec.Call.Headless:
			r.stats.Headless++
		case rec.Call.State != CallLost:
			r.stats.Unended--
		}
	case RecordSignal:
		r.stats.Signals++
	case RecordUnknown:
		r.stats.Unknown++
		if r.stats.First == nil {
			r.stats.First = rec.Why
		}
	}
	if rec.Call != nil && rec.Call.undecoded() && r.stats.undecoded == nil {
		r.stats.undecoded = &Error{rec.Call.Where(rec.Call.Args[3].Col), "an address where the events are: this log was recorded with " +
			"-e verbose= or -e raw=; without them strace shows what a replay needs"}
	}
	if rec.Call != nil && rec.Call.Result.truss() {
		r.stats.truss++
	}
	if rec.Call != nil && rec.Call.Result.Spent > 0 {
		r.stats.Form.Spent = true
	}
	r.queue = append(r.queue, rec)
}

func (r *Reader) unknown(rec Record, col int, why string) {
	rec.Kind, rec.Task, rec.Call = RecordUnknown, nil, nil
	pos := rec.Pos
	pos.Col = col + 1
	rec.Why = &Error{pos, why}
	r.emit(rec)
}

// line reads one line.
func (r *Reader) line(raw []byte) {
	if r.lines.count == 1 {
		raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	}
	text := string(raw)
	r.seq++
	rec := Record{Mark: Mark{Pos{r.name, r.lines.count, 1}, r.seq, r.last}, Text: text}
	if r.held.used && r.continues(rec) {
		return
	}
	l := lead(text)
	if n := 0; !begins(text[l.length:]) && r.stats.Calls > 0 {
		if n = r.behindEcho(text); n > 0 {
			l = lead(text[n:])
			l.length += n
		}
	}
	rest := text[l.length:]
	switch {
	case r.lines.cut:
		r.release("")
		r.unknown(rec, r.opts.LineLimit, "longer than the limit of a line")
		return
	case r.note(&rec):
		return
	case !begins(rest):
		if r.staged(rec) {
			return
		}
		r.release("")
		r.foreign(rec, l)
		return
	}
	r.release("")
	r.timed(&rec, l)
	rec.Col = l.length + 1
	rec.Task = r.task(l, rec.Mark)
	r.event(rec, rest)
}

// begins reports whether a line without its leader can be one of strace's events.
func begins(rest string) bool {
	return strings.HasPrefix(rest, "<... ") || strings.HasPrefix(rest, "--- ") ||
		strings.HasPrefix(rest, "+++ ") || callName(rest) > 0
}

// event reads what happened to a task.
func (r *Reader) event(rec Record, rest string) {
	switch {
	case strings.HasPrefix(rest, "<... "):
		r.resumed(rec, rest)
	case strings.HasPrefix(rest, "--- "):
		r.signal(rec, rest)
	case strings.HasPrefix(rest, "+++ "):
		r.ended(rec, rest)
	default:
		r.begun(rec, rest)
	}
}

// timed sets the time of a record.
func (r *Reader) timed(rec *Record, l leader) {
	if l.form == TimeNone {
		return
	}
	r.stats.Form.Times = l.form
	switch now := l.time; l.form {
	case TimeRelative:
		r.last += now
	case TimeClock:
		const day = 24 * 3600e9
		if r.last-(r.days+now) > day/2 {
			r.days += day
		}
		r.last = max(r.last, r.days+now)
	default:
		r.last = now
	}
	rec.Time = r.last
}

// task finds whose line this is. Without a number it is the one that strace traces alone; the first number that no call
// has started is its name.
func (r *Reader) task(l leader, now Mark) *Task {
	if l.tid == 0 {
		l.tid = r.opts.Tid
	}
	if l.tid == 0 {
		if r.nobody == nil || r.nobody.Gone {
			r.nobody = r.survivor()
			if r.nobody == nil {
				r.nobody = r.add(0, now)
			}
		}
		return r.nobody
	}
	r.stats.Form.Pids = true
	r.stats.Form.Brackets = r.stats.Form.Brackets || l.brackets
	t := r.tasks[l.tid]
	if t == nil || t.Gone {
		if n := r.nobody; l.brackets && n != nil && n.Tid == 0 && !n.Gone && t == nil {
			n.Tid = l.tid
			t = n
		} else {
			t = r.add(l.tid, now)
		}
		r.tasks[l.tid] = t
	}
	if l.comm != "" {
		t.Comm = l.comm
	}
	return t
}

// survivor is the only task left, or nil.
func (r *Reader) survivor() *Task {
	var last *Task
	for _, t := range r.tasks {
		if t.Gone {
			continue
		}
		if last != nil {
			return nil
		}
		last = t
	}
	return last
}

func (r *Reader) add(tid int, now Mark) *Task {
	r.serial++
	r.stats.Tasks++
	return &Task{Tid: tid, Serial: r.serial, First: now}
}

// signal reads --- SIGUSR1 {…} --- and --- stopped by SIGSTOP ---.
func (r *Reader) signal(rec Record, rest string) {
	body, ok := strings.CutSuffix(rest[len("--- "):], " ---")
	if !ok {
		r.unknown(rec, len(rec.Text), "the --- behind a signal was expected")
		return
	}
	rec.Kind = RecordSignal
	if name, stopped := strings.CutPrefix(body, "stopped by "); stopped {
		rec.Kind, body = RecordStop, name
	}
	name, info, _ := strings.Cut(body, " ")
	rec.Signal = Signal{Name: name}
	rec.Signal.Sig, _ = abi.SignalByName(name)
	if info != "" {
		r.sc.reset(info)
		if v := r.sc.value(); r.sc.bad == "" {
			rec.Signal.Info = v
		}
	}
	r.emit(rec)
}
