package strace

import "strings"

// held is a line that ends in the middle of a call: the rest may stand on the next one.
type held struct {
	record Record
	text   string // of the call
	col    int    // of text in the line
	kind   RecordKind
	lines  int // more that were taken for the rest
	used   bool
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
