package strace

import "strings"

// quoted reads a string with its quotes and puts prefix before it. It reports whether an ellipsis follows.
func (sc *scanner) quoted(prefix string) (text string, cut bool) {
	start := sc.i + 1
	end := start
	for end < len(sc.s) && sc.s[end] != '"' && sc.s[end] != '\\' {
		end++
	}
	if end < len(sc.s) && sc.s[end] == '"' {
		sc.i = end + 1
		text = sc.s[start:end]
		if prefix != "" {
			text = prefix + text
		}
		return text, sc.skip("...")
	}
	sc.buf = append(append(sc.buf[:0], prefix...), sc.s[start:end]...)
	for sc.i = end; sc.i < len(sc.s); {
		switch c := sc.s[sc.i]; c {
		case '"':
			sc.i++
			return string(sc.buf), sc.skip("...")
		case '\\':
			sc.i++
			sc.buf = append(sc.buf, sc.escape())
		default:
			sc.i++
			sc.buf = append(sc.buf, c)
		}
	}
	return string(sc.buf), true // the line ends in it
}

// escape reads what follows a backslash.
func (sc *scanner) escape() byte {
	c := sc.peek()
	switch {
	case sc.i == len(sc.s):
		return '\\'
	case c >= '0' && c <= '7':
		n := 0
		for range 3 {
			if d := sc.peek(); d < '0' || d > '7' {
				break
			}
			n = n<<3 | int(sc.s[sc.i]-'0')
			sc.i++
		}
		return byte(n)
	case c == 'x' && sc.i+1 < len(sc.s) && hexDigit(sc.s[sc.i+1]) < 16:
		sc.i++
		n := hexDigit(sc.s[sc.i])
		sc.i++
		if d := hexDigit(sc.peek()); d < 16 {
			n = n<<4 | d
			sc.i++
		}
		return byte(n)
	}
	sc.i++
	if j := strings.IndexByte("nrtvfabe", c); j >= 0 {
		return "\n\r\t\v\f\a\b\x1b"[j]
	}
	return c
}

// skipQuoted goes behind a string.
func (sc *scanner) skipQuoted() {
	for sc.i++; sc.i < len(sc.s); sc.i++ {
		switch sc.s[sc.i] {
		case '\\':
			sc.i++
		case '"':
			sc.i++
			return
		}
	}
	sc.i = len(sc.s)
}
