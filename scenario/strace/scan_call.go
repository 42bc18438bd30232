package strace

import (
	"strings"

	"github.com/epollsim/epollsim/abi"
)

// callText is one call as its text tells it.
type callText struct {
	name     string
	args     []Value
	result   Result
	complete bool // up to the result
}

// call reads NAME(ARGS) = RESULT, or as much of it as there is. A text that can be no call gives false.
func (sc *scanner) call(text string) (c callText, ok bool) {
	sc.reset(text)
	n := callName(text)
	if n == 0 {
		return c, false
	}
	c.name = text[:n]
	sc.i = n + 1
	return sc.arguments(c)
}

// tail reads the end of a call whose begin the log does not have.
func (sc *scanner) tail(name, text string) (c callText, ok bool) {
	sc.reset(text)
	c.name = name
	return sc.arguments(c)
}

func (sc *scanner) arguments(c callText) (callText, bool) {
	var ended bool
	c.args, _, ended = sc.items(')')
	if sc.bad != "" {
		return c, false
	}
	c.result.Spent = -1
	if !ended {
		return c, true
	}
	sc.blanks()
	if sc.i == len(sc.s) {
		return c, true
	}
	if !sc.skip("=") {
		sc.fail("the = before the result of a call was expected")
		return c, false
	}
	c.complete = sc.result(&c.result)
	return c, sc.bad == ""
}

// callName is the length of the name in NAME(; 0 if there is none.
func callName(text string) int {
	for i := range len(text) {
		switch c := text[i]; {
		case c == '(':
			return i
		case !letter(c) && !digit(c) || c >= 'A' && c <= 'Z':
			return 0
		}
	}
	return 0
}

// result reads what stands behind the =. It is false if nothing does.
func (sc *scanner) result(r *Result) bool {
	sc.blanks()
	switch {
	case sc.i == len(sc.s):
		return false
	case sc.skip("?"):
		r.Unknown = true
	default:
		var v Value
		if v = sc.primary(); v.Kind != ValueInt {
			sc.fail("the result of a call was expected, a number or ?")
			return true
		}
		r.Ret, r.Fd = v.Int, v.Fd
	}
	sc.blanks()
	if c := sc.peek(); c == 'E' && (r.Unknown || r.Ret == -1) {
		start := sc.i
		for sc.i < len(sc.s) && (letter(sc.s[sc.i]) || digit(sc.s[sc.i])) {
			sc.i++
		}
		r.ErrName, r.Failed = sc.s[start:sc.i], !r.Unknown
		r.Err, _ = abi.ErrnoByName(r.ErrName)
		sc.blanks()
	}
	sc.behind(r)
	return true
}

// behind reads the notes and the time behind a result.
func (sc *scanner) behind(r *Result) {
	for sc.i < len(sc.s) && sc.bad == "" {
		switch sc.blanks(); {
		case sc.i == len(sc.s):
		case sc.skip("<unavailable>"):
		case sc.peek() == '<':
			r.Spent = sc.spent()
		case sc.skip("/*"):
			_, after, _ := strings.Cut(sc.s[sc.i:], "*/")
			sc.i = len(sc.s) - len(after)
		case sc.peek() != '(':
			sc.fail("nothing more was expected behind the result of a call")
		case strings.HasPrefix(sc.s[sc.i:], "(INJECTED"):
			sc.injected(r)
		case r.ErrName != "":
			sc.unknownNote()
		default:
			sc.i++
			sc.notes(r)
		}
	}
}

// injected reads what -e inject= and -e fault= leave. With "args" alone, the call was made with others than the log shows.
func (sc *scanner) injected(r *Result) {
	start := sc.i
	sc.unknownNote()
	r.Injected = strings.TrimSuffix(sc.s[start:sc.i], ")") != "(INJECTED: args"
}

// notes reads what stands between parentheses behind a number.
func (sc *scanner) notes(r *Result) {
	start := sc.i
	if sc.skip("Timeout)") {
		r.Timeout = true
		return
	}
	from := len(sc.stack)
	for sc.i < len(sc.s) && sc.bad == "" {
		sc.blanks()
		switch {
		case sc.skip(")"):
			notes := sc.keep(from)
			if r.Notes = append(r.Notes, notes...); len(r.Notes) == len(notes) {
				r.Notes = notes
			}
			return
		case sc.skip(","):
		default:
			at, word := sc.i, sc.noteWord()
			v := sc.value()
			if v.Name == "" {
				v.Name = word
			}
			if sc.i == at {
				sc.i = start
				sc.stack = sc.stack[:from]
				sc.unknownNote()
				return
			}
			sc.stack = append(sc.stack, v)
		}
	}
	sc.stack = sc.stack[:from]
}

// unknownNote goes behind a note of another form, such as the text of an error.
func (sc *scanner) unknownNote() {
	if n := strings.IndexByte(sc.s[sc.i:], ')'); n >= 0 {
		sc.i += n + 1
	} else {
		sc.i = len(sc.s)
	}
}

// noteWord takes the word before a value: left {…}, flags O_RDWR.
func (sc *scanner) noteWord() string {
	i := sc.i
	for i < len(sc.s) && sc.s[i] >= 'a' && sc.s[i] <= 'z' {
		i++
	}
	if i == sc.i || i+1 >= len(sc.s) || sc.s[i] != ' ' {
		return ""
	}
	word := sc.s[sc.i:i]
	sc.i = i + 1
	return word
}

// spent reads <0.000123>, in nanoseconds; -1 if it is something else.
func (sc *scanner) spent() int64 {
	text, after, ok := strings.Cut(sc.s[sc.i+1:], ">")
	sc.i = len(sc.s) - len(after)
	if ns, isTime := seconds(text); ok && isTime {
		return ns
	}
	return -1
}

// seconds reads 12.000345 as nanoseconds.
func seconds(text string) (int64, bool) {
	whole, fraction, _ := strings.Cut(text, ".")
	if whole == "" || len(whole) > 10 || len(fraction) > 9 {
		return 0, false
	}
	var ns int64
	for i := range len(whole) {
		if !digit(whole[i]) {
			return 0, false
		}
		ns = ns*10 + int64(whole[i]-'0')
	}
	for i := range 9 {
		ns *= 10
		if i < len(fraction) {
			if !digit(fraction[i]) {
				return 0, false
			}
			ns += int64(fraction[i] - '0')
		}
	}
	return ns, true
}
