package strace

import (
	"container/heap"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
)

// TidOfFile gives the number at the end of the name of a file that strace -ff has written, log.4711; 0 if there is none.
func TidOfFile(name string) int {
	i := strings.LastIndexByte(name, '.')
	tid, err := strconv.Atoi(name[i+1:])
	if err != nil || tid < 1 || tid > maxPid {
		return 0
	}
	return tid
}

// Merge makes one log of the files that strace -ff has written, one for each task: in the order of the times on their lines.
// A call lasts as long as -T says, or else until the next line of its task: so others come between its begin and its end as
// they do in a log that strace wrote into one file. Files of which none has times of day have no order: their records come file by file,
// and Stats.Untimed says so.
func Merge(readers ...*Reader) Source {
	if len(readers) == 1 {
		return readers[0]
	}
	m := &merged{tasks: map[*Task]bool{}}
	for i, r := range readers {
		m.files = append(m.files, &mergedFile{r: r, index: i})
	}
	return m
}

type merged struct {
	files   []*mergedFile
	queue   mergeQueue
	started bool
	seq     int
	last    int64
	tasks   map[*Task]bool
	untimed bool // no file has times: they come one behind the other
}

// mergedFile is one of the files: what comes next in it, and when.
type mergedFile struct {
	r     *Reader
	index int
	next  Record
	time  int64
	over  bool
	open  *Call // the call on the line read last: its end comes next
	ahead Record
	peek  bool // ahead has a record
}

func (f *mergedFile) read() error {
	if f.peek {
		f.next, f.peek = f.ahead, false
	} else {
		rec, err := f.r.Next()
		if errors.Is(err, io.EOF) {
			f.over = true
			return nil
		}
		if err != nil {
			return err
		}
		f.next = rec
	}
	f.time = max(f.time, f.next.Time)
	return nil
}

// until gives when the call on the line read last has ended.
func (f *mergedFile) until() (int64, error) {
	if spent := f.open.Result.Spent; spent >= 0 {
		return f.time + spent, nil
	}
	rec, err := f.r.Next()
	if errors.Is(err, io.EOF) {
		return math.MaxInt64, nil
	}
	f.ahead, f.peek = rec, err == nil
	return max(f.time, rec.Time), err
}

// mergeQueue has the files in the order of what comes next.
type mergeQueue []*mergedFile

func (q mergeQueue) Len() int      { return len(q) }
func (q mergeQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q mergeQueue) Less(i, j int) bool {
	if q[i].time != q[j].time {
		return q[i].time < q[j].time
	}
	return q[i].index < q[j].index
}
func (q *mergeQueue) Push(x any) { *q = append(*q, x.(*mergedFile)) }
func (q *mergeQueue) Pop() any {
	old := *q
	last := old[len(old)-1]
	*q = old[:len(old)-1]
	return last
}

func (m *merged) start() error {
	m.started = true
	var first TimeForm
	var without *mergedFile
	for _, f := range m.files {
		if err := f.read(); err != nil {
			return err
		}
		if f.over {
			continue
		}
		m.queue = append(m.queue, f)
		switch form := f.r.stats.Form.Times; {
		case form == TimeNone || form == TimeRelative:
			if without == nil {
				without = f
			}
		case first != TimeNone && form != first:
			return &Error{f.next.Pos, "the times on the lines of this file are of another form than those of the first one"}
		default:
			first = form
		}
	}
	if without != nil && first != TimeNone {
		return &Error{without.next.Pos, "several files are put in order by the times on their lines, and this one has none of the " +
			"day; record with strace -ff -ttt -o FILE, or into one file with strace -f"}
	}
	if m.untimed = without != nil; m.untimed {
		return nil
	}
	heap.Init(&m.queue)
	return nil
}

// Next gives the next record of all files.
func (m *merged) Next() (Record, error) {
	if !m.started {
		if err := m.start(); err != nil {
			return Record{}, err
		}
	}
	if len(m.queue) == 0 {
		return Record{}, io.EOF
	}
	if m.untimed {
		return m.behind()
	}
	f := m.queue[0]
	m.seq++
	rec := f.next
	rec.Seq = m.seq
	if f.time != math.MaxInt64 {
		m.last = f.time
	}
	m.meet(rec.Task)
	if f.open != nil {
		return m.ends(f, rec)
	}
	rec.Time = f.time
	switch rec.Kind {
	case RecordCall:
		return m.begins(f, rec)
	case RecordEnter:
		rec.Call.Begin.Seq = m.seq
	case RecordExit:
		rec.Call.End.Seq = m.seq
	}
	return rec, m.advance(f)
}

// meet gives a task its number among those of all files.
func (m *merged) meet(t *Task) {
	if t != nil && !m.tasks[t] {
		m.tasks[t] = true
		t.Serial = len(m.tasks)
	}
}

// behind gives the next record of files without times.
func (m *merged) behind() (Record, error) {
	f := m.queue[0]
	m.seq++
	rec := f.next
	rec.Seq, rec.Time = m.seq, 0
	m.meet(rec.Task)
	switch rec.Kind {
	case RecordCall:
		rec.Call.Begin, rec.Call.End = rec.Mark, rec.Mark
	case RecordEnter:
		rec.Call.Begin = rec.Mark
	case RecordExit:
		rec.Call.End = rec.Mark
	}
	if err := f.read(); err != nil {
		return rec, err
	}
	if f.over {
		m.queue = m.queue[1:]
	}
	return rec, nil
}

// begins gives the begin of a call, or all of it if nothing else comes before its end.
func (m *merged) begins(f *mergedFile, rec Record) (Record, error) {
	call := rec.Call
	f.open = call
	call.Begin = rec.Mark
	end, err := f.until()
	if err != nil {
		return Record{}, err
	}
	begin := f.time
	f.time = end
	heap.Fix(&m.queue, 0)
	if m.queue[0] == f || end == begin {
		f.open, f.time = nil, begin
		heap.Init(&m.queue)
		call.End = rec.Mark
		return rec, m.advance(f)
	}
	rec.Kind = RecordEnter
	return rec, nil
}

// ends gives the end of a call.
func (m *merged) ends(f *mergedFile, rec Record) (Record, error) {
	call := f.open
	f.open = nil
	rec.Kind, rec.Call = RecordExit, call
	if rec.Time = f.time; f.time == math.MaxInt64 {
		rec.Time = m.last
	}
	call.End = rec.Mark
	return rec, m.advance(f)
}

// advance goes to what comes next in a file.
func (m *merged) advance(f *mergedFile) error {
	at := 0
	for i := range m.queue {
		if m.queue[i] == f {
			at = i
		}
	}
	if f.time == math.MaxInt64 {
		f.over = true
	} else if err := f.read(); err != nil {
		return err
	}
	if f.over {
		heap.Remove(&m.queue, at)
	} else {
		heap.Fix(&m.queue, at)
	}
	return nil
}

// Stats adds up those of all files.
func (m *merged) Stats() Stats {
	sum := Stats{Untimed: m.untimed}
	for _, f := range m.files {
		s := f.r.Stats()
		sum.Lines += s.Lines
		sum.Bytes += s.Bytes
		sum.Calls += s.Calls
		sum.Signals += s.Signals
		sum.Tasks += s.Tasks
		sum.Unknown += s.Unknown
		sum.Unended += s.Unended
		sum.Headless += s.Headless
		sum.binary = sum.binary || s.binary
		sum.truss += s.truss
		sum.summary = sum.summary || s.summary
		if sum.undecoded == nil {
			sum.undecoded = s.undecoded
		}
		if sum.First == nil {
			sum.First = s.First
		}
		if sum.foreign == "" {
			sum.foreign = s.foreign
		}
		if f.index == 0 {
			sum.Form = s.Form
		}
	}
	return sum
}
