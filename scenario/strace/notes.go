package strace

import (
	"fmt"
	"strings"
)

// note reads what strace says of itself. It is false if the line is something else.
func (r *Reader) note(rec *Record) bool {
	text := strings.TrimSpace(rec.Text)
	r.stats.summary = r.stats.summary || strings.HasPrefix(text, "% time ") && strings.HasSuffix(text, " syscall")
	body, own := strings.CutPrefix(text, "strace: ")
	switch {
	case strings.HasPrefix(body, "Process ") && strings.Contains(body, " attached"):
		tid, _, behind, ok := pid(strings.TrimPrefix(body, "Process "))
		if !ok || !strings.HasPrefix(behind, " attached") {
			return false
		}
		r.release("")
		r.attach(*rec, tid)
		return true
	case r.stats.summary && !begins(text), own, text == "", strings.HasPrefix(text, "[ Process PID="), strings.HasPrefix(text, "> ") && rec.Text[0] == ' ',
		dumped(rec.Text),
		strings.HasPrefix(body, "Process ") && strings.HasSuffix(body, " detached"):
		r.release("")
		rec.Kind = RecordNote
		r.emit(*rec)
		return true
	}
	return false
}

// dumped reports whether a line is of what -e read= and -e write= show below a call: bytes, and how many in which buffer.
func dumped(line string) bool {
	switch {
	case strings.HasPrefix(line, " | "):
		return len(line) > 3 && hexDigit(line[3]) < 16
	case strings.HasPrefix(line, " * "), strings.HasPrefix(line, " = "):
		return strings.Contains(line, " bytes in buffer ") || strings.Contains(line, " buffers in vector ")
	}
	return false
}

// foreign emits a line that is not strace's.
func (r *Reader) foreign(rec Record, l leader) {
	if strings.IndexByte(rec.Text, 0) >= 0 {
		r.stats.binary = true
		r.unknown(rec, strings.IndexByte(rec.Text, 0), "a NUL byte: this is no text")
		return
	}
	if r.stats.foreign == "" {
		r.stats.foreign = tool(rec.Text)
	}
	r.unknown(rec, l.length, "a system call, a signal or the end of a task was expected")
}

// tool guesses whose log a line is from, or "".
func tool(line string) string {
	switch {
	case strings.Contains(line, " ms): ") && strings.Contains(line, "("):
		return "perf trace"
	case strings.Contains(line, "SYSCALL(args)"):
		return "dtruss"
	case strings.Contains(line, "->") && strings.Contains(line, "(") && strings.Contains(line, "=") || strings.Contains(line, "@SYS("):
		return "ltrace"
	case strings.HasPrefix(line, "Attaching ") && strings.Contains(line, " probe"), strings.HasPrefix(line, "Attached "):
		return "bpftrace"
	case strings.Contains(line, "sys_enter_") || strings.Contains(line, "sys_exit_"):
		return "perf or ftrace"
	case strings.HasPrefix(line, "(gdb) "), strings.HasPrefix(line, "Catchpoint "):
		return "gdb"
	case strings.Contains(line, " CALL  ") || strings.Contains(line, " RET   "):
		return "ktrace"
	case strings.HasPrefix(line, "TIME(") || strings.Contains(line, "PCOMM"):
		return "a BPF tool"
	}
	return ""
}

// truss reports whether a result is told twice, = 3 (0x3): what truss does and strace does not.
func (r *Result) truss() bool {
	return len(r.Notes) == 1 && r.Notes[0].Kind == ValueInt && r.Notes[0].Pointer() && r.Notes[0].Int == r.Ret && !r.Failed
}

// Verdict says whether this was a log of strace at all, and what to do if it was not. It is nil when there are calls and
// most lines are known.
func (s Stats) Verdict(name string) error {
	at := Pos{name, 1, 1}
	if s.First != nil {
		at = s.First.Pos
	}
	const advice = "; a log is made by: strace -f -ttt -o FILE PROGRAM"
	switch {
	case s.Bytes == 0:
		return &Error{at, "the log is empty" + advice}
	case s.binary && s.Calls == 0:
		return &Error{at, "this is not a text" + advice}
	case s.foreign != "" && s.Unknown > s.Calls:
		return &Error{at, "this looks like the log of " + s.foreign + ", not of strace" + advice}
	case s.truss > 0 && 2*s.truss > s.Calls-s.Unended:
		return &Error{at, "this looks like the log of truss, not of strace" + advice}
	case s.Calls == 0 && s.summary:
		return &Error{at, "this is only the summary of strace -c" + advice}
	case s.Calls == 0 && s.Headless == 0 && s.First != nil:
		return &Error{at, "there is no system call in " + s.far() + "; its first line: " + s.First.Msg + advice}
	case s.Calls == 0 && s.Headless == 0:
		return &Error{at, "there is no system call in " + s.far() + advice}
	case s.undecoded != nil:
		return s.undecoded
	case s.Unknown > s.Calls:
		return &Error{at, "most lines are not those of strace" + advice}
	}
	return nil
}

// far is how much has been looked at.
func (s Stats) far() string {
	if s.Bytes > hopeless || s.Lines > hopelessLines {
		return fmt.Sprintf("the first %d lines of this log (%d MiB)", s.Lines, s.Bytes>>20)
	}
	return "this log"
}
