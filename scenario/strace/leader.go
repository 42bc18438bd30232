package strace

import (
	"strconv"
	"strings"
)

// TimeForm is how a log tells times.
type TimeForm uint8

// The forms of times.
const (
	TimeNone     TimeForm = iota
	TimeClock             // -t, -tt: 19:49:28.767924; nanoseconds since the midnight before the log begins
	TimeEpoch             // -ttt: 1795290539.152455; nanoseconds since 1970
	TimeRelative          // -r: 0.000123, since the line before; nanoseconds since the log begins
)

// String is the form in a word.
func (f TimeForm) String() string {
	return [...]string{"none", "clock", "epoch", "relative"}[f]
}

// maxPid is PID_MAX_LIMIT of 64-bit kernels: a larger number at the begin of a line is a time.
const maxPid = 1 << 22

// leader is what stands on a line before what happened.
type leader struct {
	tid      int // 0: none
	comm     string
	brackets bool // [pid 7]
	form     TimeForm
	time     int64
	length   int // of all this
}

// lead reads the leader of a line: PID or [pid PID], a time, and what -n and -i add.
func lead(line string) leader {
	var l leader
	rest := strings.TrimLeft(line, " ")
	if after, ok := strings.CutPrefix(rest, "[pid "); ok {
		if tid, comm, behind, ok := pid(strings.TrimLeft(after, " ")); ok && strings.HasPrefix(behind, "]") {
			l.tid, l.comm, l.brackets = tid, comm, true
			rest = strings.TrimLeft(behind[1:], " ")
		}
	} else if tid, comm, behind, ok := pid(rest); ok && strings.HasPrefix(behind, " ") {
		l.tid, l.comm = tid, comm
		rest = strings.TrimLeft(behind, " ")
	}
	rest = l.clock(rest)
	for i := 0; i < 2 && len(rest) > 1 && rest[0] == '['; i++ { // -n, -i
		inside, after, ok := strings.Cut(rest[1:], "] ")
		if !ok || strings.Trim(inside, " ?0123456789abcdef") != "" {
			break
		}
		rest = strings.TrimLeft(after, " ")
	}
	l.length = len(line) - len(rest)
	return l
}

// pid reads 7 or 7<name>.
func pid(s string) (tid int, comm, rest string, ok bool) {
	n := 0
	for n < len(s) && n < 8 && digit(s[n]) {
		n++
	}
	tid, err := strconv.Atoi(s[:n])
	if err != nil || tid == 0 || tid > maxPid {
		return 0, "", s, false
	}
	if rest = s[n:]; strings.HasPrefix(rest, "<") {
		if end := strings.IndexByte(rest, '>'); end > 0 {
			comm, rest = rest[1:end], rest[end+1:]
		}
	}
	return tid, comm, rest, true
}

// clock reads a time, if there is one, and gives what is behind it.
func (l *leader) clock(s string) string {
	n := 0
	for n < len(s) && (digit(s[n]) || s[n] == '.' || s[n] == ':') {
		n++
	}
	if n == 0 || n == len(s) || s[n] != ' ' {
		return s
	}
	word, rest := s[:n], strings.TrimLeft(s[n:], " ")
	if hours, after, ok := strings.Cut(word, ":"); ok {
		minutes, secs, _ := strings.Cut(after, ":")
		h, err := strconv.Atoi(hours)
		m, err2 := strconv.Atoi(minutes)
		ns, ok := seconds(secs)
		if err != nil || err2 != nil || !ok || h > 23 || m > 59 {
			return s
		}
		l.form, l.time = TimeClock, ns+int64(h*60+m)*60e9
	} else {
		ns, ok := seconds(word)
		if !ok {
			return s
		}
		l.form, l.time = TimeEpoch, ns
		if ns < 1e6*1e9 { // no program of today was traced in January 1970
			l.form = TimeRelative
		}
	}
	if strings.HasPrefix(rest, "(+") { // -t with -r
		if inside, after, ok := strings.Cut(rest[2:], ")"); ok && strings.Trim(inside, " .0123456789") == "" {
			rest = strings.TrimLeft(after, " ")
		}
	}
	return rest
}
