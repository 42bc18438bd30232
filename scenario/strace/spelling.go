package strace

import (
	"bytes"
	"strings"

	"github.com/epollsim/epollsim/kernel"
)

// Speller spells calls, signals and ends of threads one at a time, in the words of a Writer: for traces that show more
// than calls.
type Speller struct {
	w     *Writer
	out   bytes.Buffer
	begun map[int]*Spelling // by tid, the call under way
}

// Spelling is the text of one call.
type Spelling struct {
	Name   string
	Text   string   // write(5, "x", 1); of a call that has ended, its line
	Args   []string // those known so far
	Result string   // 1, or -1 EAGAIN (Resource temporarily unavailable); "" before the end
	head   []byte   // of the line, as far as it is known when the call begins
	early  int      // how many of Args that has
}

// NewSpeller returns a Speller. Of opts only StringLimit matters.
func NewSpeller(opts Options) *Speller {
	s := &Speller{begun: map[int]*Spelling{}}
	s.w = New(&s.out, Options{StringLimit: opts.StringLimit})
	return s
}

// Enter spells a call that begins. What only its end will tell is an ellipsis.
func (s *Speller) Enter(call *kernel.Call, now int64) *Spelling {
	w, t, sc := s.w, s.w.thread(call.Tid), newScene(call, now)
	t.pid, t.open = call.Pid, sc
	late := sc.late()
	sp := &Spelling{Name: call.Name}
	w.line = append(w.line[:0], call.Name+"("...)
	s.arguments(sp, sc, 0, late)
	sp.head, sp.early = bytes.Clone(w.line), len(sp.Args)
	w.line = w.line[:0]
	sp.Text = string(sp.head)
	if late < len(sc.params) {
		if late > 0 {
			sp.Text += ", "
		}
		sp.Text += "…"
	}
	sp.Text += ")"
	s.begun[call.Tid] = sp
	if sc.result == resultNever {
		t.open = nil
	}
	return sp
}

// Exit spells a call that ends: its whole line, without the blanks in front of the result.
func (s *Speller) Exit(call *kernel.Call, now int64) *Spelling {
	w, t := s.w, s.w.thread(call.Tid)
	sp, sc := s.begun[call.Tid], t.open
	if sp == nil || sc == nil || sp.Name != call.Name {
		sp = s.Enter(call, now)
		sc = t.open
	}
	t.open = nil
	delete(s.begun, call.Tid)
	sc.call, sc.end = call, now
	w.line = append(w.line[:0], sp.head...)
	s.arguments(sp, sc, sc.late(), len(sc.params))
	w.line = append(w.line, ") = "...)
	at := len(w.line)
	w.result(sc)
	sp.Text, sp.Result = string(w.line), string(w.line[at:])
	w.line = w.line[:0]
	return sp
}

// arguments appends those from begin up to end to the line and to sp; what is glued together is one there.
func (s *Speller) arguments(sp *Spelling, sc *scene, begin, end int) {
	w := s.w
	for i := begin; i < end; i++ {
		glue := sc.params[i].glue
		start := len(w.line)
		switch {
		case glue != "":
			w.print("%s", glue)
		case i > 0:
			w.print(", ")
			start = len(w.line)
		}
		w.argument(sc, i)
		text := string(w.line[start:])
		if glue != "" && len(sp.Args) > 0 {
			sp.Args[len(sp.Args)-1] += text
		} else {
			sp.Args = append(sp.Args, text)
		}
	}
}

// Signal spells the delivery of a signal.
func (s *Speller) Signal(info *kernel.SignalInfo, now int64) string {
	s.w.signal(info, now)
	return s.line()
}

// End spells the end of a thread.
func (s *Speller) End(end *kernel.ThreadEnd, now int64) string {
	delete(s.begun, end.Tid)
	s.w.thread(end.Tid).open = nil
	s.w.threadEnd(end, now)
	return s.line()
}

// line takes the line that the Writer has written, without its thread.
func (s *Speller) line() string {
	_ = s.w.Flush() // to memory
	text := strings.TrimSuffix(s.out.String(), "\n")
	s.out.Reset()
	_, text, _ = strings.Cut(text, " ")
	return strings.TrimLeft(text, " ")
}
