package strace

import (
	"strconv"
	"strings"

	"github.com/epollsim/epollsim/abi"
)

// maxDepth bounds how deep the values of a line may stand in each other.
const maxDepth = 64

// maxAgain is how often, on the whole, a line may be read again because a value turned out to be none that is known.
const maxAgain = 8

// scanner reads the values of one call. It never looks back, but for what it then takes as it stands.
type scanner struct {
	s     string
	i     int
	stack []Value // the items of the lists that are open
	arena []Value // where lists are kept, a piece for many
	buf   []byte  // of a string with escapes
	depth int
	again int    // bytes that were read twice
	bad   string // what is wrong, at i
}

// reset begins another text.
func (sc *scanner) reset(text string) {
	sc.s, sc.i, sc.stack, sc.depth, sc.bad = text, 0, sc.stack[:0], 0, ""
	sc.again = 0
}

func (sc *scanner) fail(msg string) {
	if sc.bad == "" {
		sc.bad = msg
	}
}

func (sc *scanner) peek() byte {
	if sc.i < len(sc.s) {
		return sc.s[sc.i]
	}
	return 0
}

func (sc *scanner) blanks() {
	for sc.i < len(sc.s) && (sc.s[sc.i] == ' ' || sc.s[sc.i] == '\t') {
		sc.i++
	}
}

// skip takes a text if that comes next.
func (sc *scanner) skip(text string) bool {
	if strings.HasPrefix(sc.s[sc.i:], text) {
		sc.i += len(text)
		return true
	}
	return false
}

// keep moves the items above from from the stack to where they stay.
func (sc *scanner) keep(from int) []Value {
	items := sc.stack[from:]
	if len(items) == 0 {
		return nil
	}
	if cap(sc.arena)-len(sc.arena) < len(items) {
		sc.arena = make([]Value, 0, max(128, len(items)))
	}
	n := len(sc.arena)
	sc.arena = append(sc.arena, items...)
	sc.stack = sc.stack[:from]
	return sc.arena[n:len(sc.arena):len(sc.arena)]
}

// items reads values up to the byte that ends the list. It reports whether there was an ellipsis, and whether the end was.
func (sc *scanner) items(end byte) (list []Value, cut, ended bool) {
	from := len(sc.stack)
	for sc.bad == "" {
		sc.blanks()
		switch {
		case sc.i == len(sc.s):
			return sc.keep(from), cut, false
		case sc.s[sc.i] == end:
			sc.i++
			return sc.keep(from), cut, true
		case sc.s[sc.i] == ',':
			sc.i++
		case sc.skip("<unfinished ...>"):
		case sc.ellipsis(end):
			cut = true
		default:
			at := sc.i
			v := sc.value()
			if sc.i == at {
				sc.fail("a value was expected")
				break
			}
			sc.stack = append(sc.stack, v)
		}
	}
	sc.stack = sc.stack[:from]
	return nil, cut, false
}

// ellipsis takes ... where that is an item of its own.
func (sc *scanner) ellipsis(end byte) bool {
	rest := sc.s[sc.i:]
	if !strings.HasPrefix(rest, "...") || len(rest) > 3 && rest[3] != end && rest[3] != ',' && rest[3] != ' ' {
		return false
	}
	sc.i += 3
	return true
}

// value reads one value with its name in front and the comment and the => behind it.
func (sc *scanner) value() Value {
	start := sc.i
	if sc.depth++; sc.depth > maxDepth {
		sc.fail("values stand in each other more than " + strconv.Itoa(maxDepth) + " deep")
		return Value{}
	}
	defer func() { sc.depth-- }()
	name := sc.fieldName()
	v := sc.primary()
	v.Name = name
	for sc.bad == "" {
		at := sc.i
		sc.blanks()
		switch {
		case sc.skip("/*"):
			n := strings.Index(sc.s[sc.i:], "*/")
			if n < 0 {
				v.Comment, sc.i = strings.TrimSpace(sc.s[sc.i:]), len(sc.s)
				continue
			}
			v.Comment = strings.TrimSpace(sc.s[sc.i : sc.i+n])
			sc.i += n + 2
		case v.Comment != "" && sc.peek() == '|' && (v.Kind == ValueInt || v.Kind == ValueFlags): // -X verbose
			sc.i++
			more := sc.primary()
			n, known := more.Number()
			v = Value{Kind: ValueFlags, Known: known && (v.Kind == ValueInt || v.Known), Int: v.Int | n, Col: v.Col, Name: name}
			v.Text = sc.s[v.Col:sc.i]
		case sc.skip("=> "), sc.skip("=>"):
			sc.blanks()
			from := len(sc.stack)
			first := v
			first.Name = ""
			sc.stack = append(sc.stack, first)
			second := sc.value()
			sc.stack = append(sc.stack, second)
			v = Value{Kind: ValueChange, Col: first.Col, Name: name, Text: sc.s[start:sc.i], List: sc.keep(from)}
		case sc.ended(at):
			return v
		default:
			if sc.again += sc.i - start; sc.again > maxAgain*len(sc.s) {
				sc.fail("this line is too tangled")
				return v
			}
			sc.i = start
			sc.fieldName()
			v = sc.raw()
			v.Name = name
			return v
		}
	}
	return v
}

// ended reports whether a value ends here: behind blanks, the word that follows is the next item of a set.
func (sc *scanner) ended(at int) bool {
	switch c := sc.peek(); {
	case c == 0 || c == ',' || c == ')' || c == ']' || c == '}':
		return true
	case sc.i > at:
		if strings.HasPrefix(sc.s[sc.i:], "<unfinished") || strings.HasPrefix(sc.s[sc.i:], "...") {
			return true
		}
		word := letter(c) || digit(c) || c == '-' && !strings.HasPrefix(sc.s[sc.i:], "->")
		return word && !strings.HasPrefix(sc.s[sc.i:], "or ")
	}
	return false
}

// fieldName takes NAME= if that comes next.
func (sc *scanner) fieldName() string {
	i := sc.i
	if i == len(sc.s) || !letter(sc.s[i]) {
		return ""
	}
	for i < len(sc.s) && (letter(sc.s[i]) || digit(sc.s[i]) || sc.s[i] == '.') {
		i++
	}
	if i == len(sc.s) || sc.s[i] != '=' || i+1 < len(sc.s) && (sc.s[i+1] == '=' || sc.s[i+1] == '>') {
		return ""
	}
	name := sc.s[sc.i:i]
	sc.i = i + 1
	return name
}

// primary reads a value without anything around it.
func (sc *scanner) primary() Value {
	start := sc.i
	v := Value{Col: int32(start)}
	switch c := sc.peek(); {
	case c == '"':
		v.Kind = ValueString
		v.Text, v.Cut = sc.quoted("")
		return v
	case c == '@' && strings.HasPrefix(sc.s[sc.i:], `@"`):
		sc.i++
		v.Kind = ValueString
		v.Text, v.Cut = sc.quoted("\x00")
		return v
	case c == '{':
		sc.i++
		v.Kind = ValueStruct
		v.List, v.Cut, _ = sc.items('}')
	case c == '[' || c == '~' && strings.HasPrefix(sc.s[sc.i:], "~["):
		v.Kind, v.Negated = ValueArray, sc.skip("~")
		sc.i++
		v.List, v.Cut, _ = sc.items(']')
	case digit(c) || c == '-' && sc.i+1 < len(sc.s) && digit(sc.s[sc.i+1]):
		sc.number(&v)
	case letter(c):
		sc.word(&v)
	default:
		return sc.raw()
	}
	v.Text = sc.s[start:sc.i]
	if v.Kind == ValueCall {
		v.Text, _, _ = strings.Cut(v.Text, "(")
	}
	return v
}

// raw takes all up to the end of the value as it stands.
func (sc *scanner) raw() Value {
	start, open := sc.i, 0
	v := Value{Kind: ValueRaw, Col: int32(start)}
	for sc.i < len(sc.s) {
		switch c := sc.s[sc.i]; c {
		case '"':
			sc.skipQuoted()
			continue
		case '(', '[', '{':
			open++
		case ')', ']', '}':
			open--
		}
		if open < 0 || open == 0 && sc.s[sc.i] == ',' {
			break
		}
		sc.i++
	}
	v.Text = strings.TrimRight(sc.s[start:sc.i], " ")
	return v
}

// number reads -1, 0x7f, 0644, 8192*1024, 3<pipe:[5]>, and flags that begin with a number.
func (sc *scanner) number(v *Value) {
	start := sc.i
	n, ok := sc.integer()
	for ok && sc.peek() == '*' && sc.i+1 < len(sc.s) && digit(sc.s[sc.i+1]) {
		sc.i++
		var factor int64
		factor, ok = sc.integer()
		n *= factor
	}
	v.Kind, v.Int = ValueInt, n
	switch c := sc.peek(); {
	case !ok || letter(c):
		sc.i = start
		*v = sc.raw()
	case c == '|':
		sc.i = start
		sc.flags(v)
	case c == '<' && sc.decorated():
		v.Fd = sc.decoration()
	}
}

// integer reads an optional sign and digits.
func (sc *scanner) integer() (int64, bool) {
	minus := sc.skip("-")
	start, base := sc.i, uint64(10)
	switch {
	case sc.skip("0x"):
		base = 16
	case sc.peek() == '0':
		base = 8
	}
	first := sc.i
	var n uint64
	for ; sc.i < len(sc.s); sc.i++ {
		d := uint64(hexDigit(sc.s[sc.i]))
		if d >= base {
			break
		}
		n = n*base + d
	}
	if minus {
		n = -n
	}
	return int64(n), sc.i > first && sc.i-start <= 24
}

// word reads a name: flags, NULL, or the call of a function.
func (sc *scanner) word(v *Value) {
	i := sc.i
	for i < len(sc.s) && (letter(sc.s[i]) || digit(sc.s[i])) {
		i++
	}
	if i < len(sc.s) && sc.s[i] == '(' {
		v.Kind = ValueCall
		sc.i = i + 1
		v.List, v.Cut, _ = sc.items(')')
		if sc.peek() == '|' || sc.peek() == '+' {
			if sc.again += sc.i - int(v.Col); sc.again > maxAgain*len(sc.s) {
				sc.fail("this line is too tangled")
				return
			}
			sc.i = int(v.Col)
			*v = sc.raw()
		}
		return
	}
	if sc.s[sc.i:i] == "NULL" {
		v.Kind, sc.i = ValueNull, i
		return
	}
	sc.flags(v)
	if sc.peek() == '<' && sc.decorated() {
		v.Fd = sc.decoration()
	}
}

// flags reads names and numbers joined by |. Of the names of two requests with one number ("A or B") it takes the last.
func (sc *scanner) flags(v *Value) {
	start := sc.i
	v.Kind, v.Known, v.Int = ValueFlags, true, 0
	for {
		at := sc.i
		for sc.i < len(sc.s) && (letter(sc.s[sc.i]) || digit(sc.s[sc.i])) {
			sc.i++
		}
		n, ok := constant(sc.s[at:sc.i])
		v.Int |= n
		v.Known = v.Known && ok
		if sc.peek() == '|' {
			sc.i++
			continue
		}
		if !sc.skip(" or ") {
			break
		}
		v.Int, v.Known = 0, true
	}
	if sc.i == start {
		sc.i++ // the caller has seen a letter or digit here
	}
}

// constant gives the value of a name or number.
func constant(text string) (int64, bool) {
	if text == "" {
		return 0, true // a | with nothing behind: the modes of a terminal
	}
	if n, ok := abi.ParseFlags(text); ok {
		return n, true
	}
	n, ok := extraByName[text]
	return n, ok
}

// decorated reports whether what follows a number is a decoration.
func (sc *scanner) decorated() bool {
	return !strings.HasPrefix(sc.s[sc.i:], "<unfinished") && !strings.HasPrefix(sc.s[sc.i:], "<<")
}

// decoration reads what -y adds: <…>. A path has no > but the one that ends it, or the one of <char 136:0> at its end; what is
// no path may have -> and the like between brackets.
func (sc *scanner) decoration() string {
	sc.i++
	start, angles, brackets := sc.i, 1, 0
	path := sc.peek() == '/'
	for ; sc.i < len(sc.s); sc.i++ {
		switch c := sc.s[sc.i]; {
		case c == '<':
			angles++
		case c == '>' && brackets <= 0:
			angles--
		case path:
		case c == '[':
			brackets++
		case c == ']':
			brackets--
		case c == '"':
			sc.skipQuoted()
			sc.i--
		}
		if angles == 0 {
			text := sc.s[start:sc.i]
			sc.i++
			sc.skip("(deleted)")
			return text
		}
	}
	sc.i = len(sc.s)
	return sc.s[min(start, sc.i):]
}

func letter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '?'
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func hexDigit(c byte) int {
	switch {
	case digit(c):
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return 99
}
