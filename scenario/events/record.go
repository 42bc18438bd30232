package events

import (
	"encoding/json"
	"io"

	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/scenario/strace"
	"github.com/epollsim/epollsim/sim"
)

// Schema is the version of the format.
const Schema = 1

// Record is one line.
type Record struct {
	Schema int    `json:"schema"`
	Kind   string `json:"kind"`
	Step   uint64 `json:"step"`
	Time   int64  `json:"time"` // ns
	Task   int    `json:"task"` // thread id; 0: an interrupt, or no thread
	Thread string `json:"thread,omitempty"`
	Depth  int    `json:"depth"` // of functions entered

	Name   string   `json:"name,omitempty"`   // of a call, function, signal, or thing that moved
	Object string   `json:"object,omitempty"` // identity: "eventpoll#1"
	Of     string   `json:"of,omitempty"`     // to which the object belongs
	From   string   `json:"from,omitempty"`
	To     string   `json:"to,omitempty"`
	Detail string   `json:"detail,omitempty"`
	Other  int      `json:"other,omitempty"` // another thread: woken, or that holds the lock
	Field  string   `json:"field,omitempty"`
	Index  int32    `json:"index,omitempty"`
	Write  bool     `json:"write,omitempty"`
	Args   []string `json:"args,omitempty"`
	Ret    *int64   `json:"ret,omitempty"`
	Errno  string   `json:"errno,omitempty"`
	Text   string   `json:"text,omitempty"`

	State *kernel.Snapshot `json:"state,omitempty"`
}

// Options say what a trace has.
type Options struct {
	Accesses bool // every read and write of a field that others may touch
}

// Writer turns the events of a machine into lines of JSON.
type Writer struct {
	enc     *json.Encoder
	opts    Options
	speller *strace.Speller
	err     error
}

// New makes a Writer.
func New(w io.Writer, opts Options) *Writer {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return &Writer{enc: enc, opts: opts, speller: strace.NewSpeller(strace.Options{})}
}

// Event takes one event of the machine. It is a sim.Options.Trace.
func (w *Writer) Event(e sim.Event) {
	if e.Kind == sim.EventAccess && !w.opts.Accesses {
		return
	}
	r := Record{
		Schema: Schema, Kind: e.Kind.String(), Step: e.Step, Time: e.Time, Depth: e.Depth, Name: e.What,
		Object: name(e.Access.ID), Of: name(e.Of), From: e.From, To: e.To, Detail: e.Detail,
	}
	if e.Task != nil {
		r.Task, r.Thread = e.Task.ID, e.Task.Name
	}
	if e.Other != nil {
		r.Other = e.Other.ID
	}
	if e.Kind == sim.EventAccess {
		r.Index, r.Write = e.Access.Sub, e.Access.Write
		if e.Access.Field != 0 {
			r.Field = e.Access.Field.String()
		}
	}
	if e.Kind == sim.EventCall {
		w.kernelEvent(&r, e)
	}
	if err := w.enc.Encode(r); w.err == nil {
		w.err = err
	}
}

// kernelEvent fills in a system call, a signal, the end of a thread, or a state.
func (w *Writer) kernelEvent(r *Record, e sim.Event) {
	switch arg := e.Arg.(type) {
	case *kernel.Call:
		if e.What == kernel.TraceEnter {
			sp := w.speller.Enter(arg, e.Time)
			r.Kind, r.Name, r.Args, r.Text = "call", sp.Name, sp.Args, sp.Text
			return
		}
		sp := w.speller.Exit(arg, e.Time)
		r.Kind, r.Name, r.Args, r.Text, r.Ret = "return", sp.Name, sp.Args, sp.Text, &arg.Ret
		if arg.Err != 0 {
			minus := int64(-1)
			r.Ret, r.Errno = &minus, arg.Err.Name()
		}
	case *kernel.SignalInfo:
		r.Kind, r.Name, r.Text = "signal", arg.Sig.String(), w.speller.Signal(arg, e.Time)
	case *kernel.ThreadEnd:
		r.Kind, r.Name, r.Text = "end", "", w.speller.End(arg, e.Time)
	case *kernel.Snapshot:
		r.Kind, r.Name, r.State = "state", "", arg
	}
}

func name(id sim.ID) string {
	if id == 0 {
		return ""
	}
	return id.String()
}

// Flush does nothing: every line is written at once.
func (w *Writer) Flush() error { return w.err }

// Close returns the first error there was in writing.
func (w *Writer) Close() error { return w.err }
