package scenario

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"go.starlark.net/syntax"
)

func lineOffsets(src []byte) []int {
	offsets := []int{0}
	for i, b := range src {
		if b == '\n' {
			offsets = append(offsets, i+1)
		}
	}
	return offsets
}

// dialectHint says what a scenario is to who has handed in something else.
const dialectHint = "a Starlark program that calls epoll_create1() and the like (epollsim help builtins)"

// isText refuses what is no text, at its first byte that is none. The parser would take a NUL for the end of the file.
func isText(filename string, src []byte) error {
	line, col := int32(1), int32(1)
	for i := 0; i < len(src); {
		r, size := utf8.DecodeRune(src[i:])
		if r == utf8.RuneError && size == 1 || r < ' ' && !strings.ContainsRune("\t\n\r\f", r) || r == 0x7f {
			return &Error{Pos: syntax.MakePosition(&filename, line, col),
				Msg: fmt.Sprintf("byte 0x%02x is no text in UTF-8: expected a scenario, %s", src[i], dialectHint)}
		}
		if col++; r == '\n' {
			line, col = line+1, 1
		}
		i += size
	}
	return nil
}

// start returns where the call begins whose "(" is at pos; a place that is no call is returned unchanged.
func (p *Program) start(pos syntax.Position) syntax.Position {
	if call := p.calls[point{pos.Line, pos.Col}]; call != nil {
		return syntax.Start(call)
	}
	return pos
}

// argumentText returns the source of the first argument of the call whose "(" is at pos, on one line.
func (p *Program) argumentText(pos syntax.Position) string {
	call := p.calls[point{pos.Line, pos.Col}]
	if call == nil || len(call.Args) == 0 {
		return ""
	}
	arg := call.Args[0]
	if named, ok := arg.(*syntax.BinaryExpr); ok && named.Op == syntax.EQ {
		arg = named.Y
	}
	from, to := arg.Span()
	return oneLine(p.text(from, to))
}

// text returns the source between two places.
func (p *Program) text(from, to syntax.Position) string {
	i, j := p.offset(from), p.offset(to)
	if i > j {
		return ""
	}
	return string(p.src[i:j])
}

// offset returns the byte at a place, whose column counts runes.
func (p *Program) offset(pos syntax.Position) int {
	line := min(max(int(pos.Line)-1, 0), len(p.lines)-1)
	at := p.lines[line]
	for range pos.Col - 1 {
		if at >= len(p.src) {
			break
		}
		_, size := utf8.DecodeRune(p.src[at:])
		at += size
	}
	return at
}

const maxText = 300

// oneLine joins the lines of s and cuts what is too long for a message.
func oneLine(s string) string {
	if strings.ContainsAny(s, "\r\n") {
		lines := strings.Split(s, "\n")
		for i, line := range lines {
			lines[i] = strings.TrimSpace(line)
		}
		s = strings.Join(lines, " ")
	}
	if len(s) > maxText {
		cut := maxText
		for !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	return s
}
