package steps

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/scenario/strace"
	"github.com/epollsim/epollsim/sim"
)

// Options say what a trace shows.
type Options struct {
	Accesses bool // every read and write of a field that others may touch
}

// objectColumn is where the object of a line stands, unless the text before it is too long.
const objectColumn = 72

// Header names the columns.
const Header = "#step  task  what                                                    object\n"

// Writer turns the events of a machine into steps.
type Writer struct {
	out     *bufio.Writer
	opts    Options
	speller *strace.Speller

	lanes   map[*sim.Task]*lane // nil: the machine itself
	pending *line               // begins a function; not written yet
	clock   int64
}

// lane is what a Writer knows of one task.
type lane struct{ calls int }

// line is one line before it is laid out.
type line struct {
	step   uint64
	task   string
	lane   *lane
	depth  int
	text   string
	object string
}

// New makes a Writer and writes the header.
func New(w io.Writer, opts Options) *Writer {
	out := bufio.NewWriter(w)
	out.WriteString(Header) // the error stays in out until Close
	return &Writer{out: out, opts: opts, speller: strace.NewSpeller(strace.Options{}), lanes: map[*sim.Task]*lane{}}
}

// Event takes one event of the machine. It is a sim.Options.Trace.
func (w *Writer) Event(e sim.Event) {
	if e.Kind == sim.EventCall {
		w.kernelEvent(e)
		return
	}
	if e.Kind == sim.EventAccess && !w.opts.Accesses {
		return
	}
	l := w.line(e)
	switch e.Kind {
	case sim.EventEnter:
		l.text, l.object = functionText(e), name(e.Access.ID)
		w.begin(l)
	case sim.EventLeave:
		w.end(l, resultText(e))
		if e.Depth == 0 && e.Task != nil && e.Task.Interrupt() {
			delete(w.lanes, e.Task)
		}
	case sim.EventClock:
		l.text = clockText(w.clock, e.Time)
		w.clock = e.Time
		w.write(l)
	default:
		l.text, l.object = text(e)
		w.write(l)
	}
}

// kernelEvent takes a system call, a signal, the end of a thread, or a state.
func (w *Writer) kernelEvent(e sim.Event) {
	l := w.line(e)
	switch arg := e.Arg.(type) {
	case *kernel.Call:
		if e.What == kernel.TraceEnter {
			l.text = w.speller.Enter(arg, e.Time).Text
			w.begin(l)
			l.lane.calls++
			return
		}
		l.lane.calls = max(l.lane.calls-1, 0)
		l.depth = e.Depth + l.lane.calls
		w.endCall(l, w.speller.Exit(arg, e.Time))
	case *kernel.SignalInfo:
		l.text = w.speller.Signal(arg, e.Time)
		w.write(l)
	case *kernel.ThreadEnd:
		l.lane.calls, l.depth = 0, 0
		l.text = w.speller.End(arg, e.Time)
		w.write(l)
	case *kernel.Snapshot:
		w.flushPending()
		for text := range strings.Lines(arg.String()) {
			w.out.WriteString("        |  " + text)
		}
	}
}

// line is the beginning of a line for e.
func (w *Writer) line(e sim.Event) *line {
	l := &line{step: e.Step, task: "-", depth: e.Depth}
	switch {
	case e.Task == nil:
	case e.Task.Interrupt():
		l.task = fmt.Sprintf("irq%d", e.Task.Identity().Number())
	default:
		l.task = strconv.Itoa(e.Task.ID)
	}
	l.lane = w.lanes[e.Task]
	if l.lane == nil {
		l.lane = &lane{}
		w.lanes[e.Task] = l.lane
	}
	l.depth += l.lane.calls
	return l
}

// begin keeps a line until it is known whether anything happens inside.
func (w *Writer) begin(l *line) {
	w.flushPending()
	w.pending = l
}

// end ends a function: on the line that began it, if nothing has happened inside.
func (w *Writer) end(l *line, result string) {
	if p := w.pending; p != nil && p.lane == l.lane {
		w.pending = nil
		p.text += result
		w.write(p)
		return
	}
	l.text = "}" + result
	w.write(l)
}

// endCall ends a system call with its whole line.
func (w *Writer) endCall(l *line, sp *strace.Spelling) {
	if p := w.pending; p != nil && p.lane == l.lane {
		w.pending = nil
		p.text = sp.Text
		w.write(p)
		return
	}
	l.text = "} " + sp.Text
	w.write(l)
}

func (w *Writer) flushPending() {
	if l := w.pending; l != nil {
		w.pending = nil
		l.text += " {"
		w.write(l)
	}
}

// write lays a line out: the step, the task, the text by depth, the object.
func (w *Writer) write(l *line) {
	w.flushPending()
	text := fmt.Sprintf("%5d  %-5s %s%s", l.step, l.task, strings.Repeat("  ", l.depth), l.text)
	if l.object != "" {
		text += strings.Repeat(" ", max(objectColumn-utf8.RuneCountInString(text), 2)) + l.object
	}
	w.out.WriteString(text + "\n")
}

// Flush writes out all lines that are complete.
func (w *Writer) Flush() error { return w.out.Flush() }

// Close writes out everything and returns the first error there was in writing. The writer below stays open.
func (w *Writer) Close() error {
	w.flushPending()
	return w.out.Flush()
}
