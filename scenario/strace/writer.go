package strace

import (
	"bufio"
	"io"
	"strings"

	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/sim"
)

// Options say how a log looks. The zero value is what strace -f -o FILE writes.
type Options struct {
	Times     bool // strace -ttt, in virtual time: seconds and microseconds since the machine began
	Durations bool // strace -T: how long each call took
	// StringLimit is strace -s: how many bytes of a buffer and items of an array are shown. 0: strace's 32; negative: all.
	StringLimit int
}

const (
	defaultLimit = 32 // of strace -s
	resultColumn = 40 // of strace -a: the = of a result stands behind this many columns
)

// Writer turns the events of a machine into the log that strace would write.
type Writer struct {
	out   *bufio.Writer
	opts  Options
	limit int // of items; negative: none

	line  []byte // the last line, while it has no end
	owner int    // tid whose line it is

	threads map[int]*thread // by tid
	started int             // threads started by clone3
	stacks  map[int]int     // by tid, which of these it was
}

// thread is what a Writer knows of a thread.
type thread struct {
	pid        int
	open       *scene // the call it is in
	restarting string // the call that restart_syscall goes on with
}

// scene is one system call between its beginning and its end.
type scene struct {
	call *kernel.Call
	tail
	args    []any // in the order of params
	begin   int64 // when
	end     int64
	started int // the number of the thread that it starts
}

// New makes a Writer of a log. Nothing needs to be there before the first event: a call whose begin it has not seen
// appears as resumed, as after strace -p.
func New(w io.Writer, opts Options) *Writer {
	limit := opts.StringLimit
	if limit == 0 {
		limit = defaultLimit
	}
	return &Writer{
		out: bufio.NewWriter(w), opts: opts, limit: limit,
		threads: map[int]*thread{}, stacks: map[int]int{},
	}
}

// Event takes one event of the machine; those that are not of the kernel's calls, signals and ends of threads are
// passed over. It is a sim.Options.Trace.
func (w *Writer) Event(e sim.Event) {
	if e.Kind != sim.EventCall {
		return
	}
	switch arg := e.Arg.(type) {
	case *kernel.Call:
		switch e.What {
		case kernel.TraceEnter:
			w.enter(arg, e.Time)
		case kernel.TraceExit:
			w.exit(arg, e.Time)
		}
	case *kernel.SignalInfo:
		w.signal(arg, e.Time)
	case *kernel.ThreadEnd:
		w.threadEnd(arg, e.Time)
	}
}

// Flush writes out all lines that have an end.
func (w *Writer) Flush() error { return w.out.Flush() }

// Close ends the last line and writes out everything. It returns the first error there was in writing. The writer
// below stays open.
func (w *Writer) Close() error {
	w.interrupt()
	return w.out.Flush()
}

func (w *Writer) thread(tid int) *thread {
	t := w.threads[tid]
	if t == nil {
		t = &thread{pid: tid}
		w.threads[tid] = t
	}
	return t
}

// interrupt ends the last line where something else comes between the begin and the end of a call.
func (w *Writer) interrupt() {
	if len(w.line) > 0 {
		w.line = append(w.line, " <unfinished ...>"...)
		w.endLine()
	}
}

func (w *Writer) endLine() {
	w.line = append(w.line, '\n')
	w.out.Write(w.line) // the error stays in out until Close
	w.line, w.owner = w.line[:0], 0
}

// lead begins a line.
func (w *Writer) lead(tid int, now int64) {
	w.interrupt()
	w.owner = tid
	w.print("%-5d ", tid)
	if w.opts.Times {
		w.print("%d.%06d ", now/1e9, now%1e9/1000)
	}
}

// align fills the line with blanks up to the column of results.
func (w *Writer) align() {
	w.line = append(w.line, ' ')
	if n := resultColumn - len(w.line); n > 0 {
		w.line = append(w.line, strings.Repeat(" ", n)...)
	}
}

func newScene(call *kernel.Call, now int64) *scene {
	s := &scene{call: call, begin: now, end: now}
	if row := rowByName[call.Name]; row != nil {
		s.args = row.align(call.Args)
		s.tail = row.resolve(s.args)
		return s
	}
	for _, arg := range call.Args {
		s.args = append(s.args, arg)
		s.params = append(s.params, param{form: forms})
	}
	return s
}

// enter prints what is known when a call begins.
func (w *Writer) enter(call *kernel.Call, now int64) {
	t, s := w.thread(call.Tid), newScene(call, now)
	t.pid, t.open = call.Pid, s
	w.lead(call.Tid, now)
	w.print("%s(", call.Name)
	late := s.late()
	w.arguments(s, 0, late)
	if late > 0 && late < len(s.params) && s.params[late].glue == "" {
		w.print(", ")
		w.offsetBefore(s, late)
	}
	if s.result == resultNever {
		w.dies(t)
	}
}

// arguments appends those from begin up to end, with what stands between them.
func (w *Writer) arguments(s *scene, begin, end int) {
	for i := begin; i < end; i++ {
		switch p := s.params[i]; {
		case p.glue != "":
			w.print("%s", p.glue)
		case i > begin:
			w.print(", ")
		}
		w.argument(s, i)
	}
}

// exit prints what was known only when the call ended, and its result.
func (w *Writer) exit(call *kernel.Call, now int64) {
	t := w.thread(call.Tid)
	s := t.open
	t.open = nil
	if s == nil || s.call.Name != call.Name {
		s = newScene(call, now)
	}
	s.call, s.end = call, now
	w.resume(s, now)
	w.arguments(s, s.late(), len(s.params))
	w.print(")")
	w.align()
	w.print("= ")
	w.result(s)
	if w.opts.Durations {
		w.print(" <%d.%06d>", (s.end-s.begin)/1e9, (s.end-s.begin)%1e9/1000)
	}
	w.endLine()
}

// dies prints the end of a call that a thread does not return from.
func (w *Writer) dies(t *thread) {
	if !t.open.decoded() {
		w.print(" <unfinished ...>")
	}
	w.print(")")
	w.align()
	w.print("= ?")
	w.endLine()
	t.open = nil
}

// resume says which call ends, unless the last line shows its begin.
func (w *Writer) resume(s *scene, now int64) {
	if len(w.line) == 0 || w.owner != s.call.Tid {
		w.lead(s.call.Tid, now)
		w.print("<... %s resumed>", s.call.Name)
	}
}
