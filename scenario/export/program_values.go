package export

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// comment makes text safe inside a C comment.
func comment(text string) string {
	return strings.NewReplacer("*/", "* /", "/*", "/ *", "\n", " ").Replace(text)
}

// quote is text as a string of C. Bytes that are not ASCII are octal, so that no digit behind them is taken for more of
// them, and no trigraph is left.
func quote(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			b.WriteString(`\` + string(c))
		case c == '?' && i > 0 && text[i-1] == '?':
			b.WriteString(`\?`)
		case c < ' ' || c >= 0x7f:
			fmt.Fprintf(&b, `\%03o`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func integer(n int64) string {
	switch {
	case n == math.MinInt64:
		return "INT64_MIN"
	case n == math.MinInt32:
		return "INT32_MIN"
	case n > math.MaxInt32 || n < math.MinInt32:
		return fmt.Sprintf("INT64_C(%d)", n)
	}
	return strconv.FormatInt(n, 10)
}

// arguments are those of a call in C.
func (c *Call) arguments() []string {
	var list []string
	for i, f := range c.Args {
		var p param
		if c.row.args == nil {
			p = c.row.params[i]
		}
		list = append(list, argument(p, f)...)
	}
	return list
}

// argument is one argument in C, which may be several.
func argument(p param, f Field) []string {
	switch v := f.Value.(type) {
	case nil:
		return absent(p, f.Name)
	case int64:
		if p.form == asNS {
			return []string{fmt.Sprintf("ns(%s)", integer(v))}
		}
		if p.form == asPlace {
			return []string{fmt.Sprintf("place(%s)", integer(v))}
		}
		if f.Name == "value" {
			return []string{integer(v), "0", "0"}
		}
		return []string{integer(v)}
	case Names:
		return []string{names(v)}
	case Wide:
		return []string{wide(v)}
	case string:
		return []string{quote(v)}
	case Data:
		return []string{bytesOf(v), strconv.Itoa(v.Len())}
	case []Data:
		return buffers(v)
	case Address:
		return []string{addressText(v)}
	case []int64:
		if f.Name == "value" {
			return []string{integer(v[0]), integer(v[1]), "1"}
		}
		return array("int", v, integer)
	case []Names:
		return []string{"signals(" + strings.Join(array("int", v, names), ", ") + ")"}
	case []Object:
		return array("struct pollfd", v, func(o Object) string { return pollfd(o, "events") })
	case Object: // the event of epoll_ctl
		return []string{names(v.get("events").(Names)), wide(v.get("data").(Wide))}
	}
	panic(fmt.Sprintf("export: no C for %T", f.Value))
}

// buffers are bytes one behind the other, how many, and the sizes of the parts.
func buffers(list []Data) []string {
	var all []byte
	sizes := make([]int64, len(list))
	for i, d := range list {
		all = append(all, bytes.Repeat(d.Unit, d.Times)...)
		sizes[i] = int64(d.Len())
	}
	whole := dataOf(all)
	return append([]string{bytesOf(whole), strconv.Itoa(whole.Len())}, array("int", sizes, integer)...)
}

// absent is an argument that is NULL.
func absent(p param, name string) []string {
	switch {
	case p.form == asFds, name == "r", name == "w", name == "x":
		return []string{"NULL", "0"}
	case p.form == asAddress:
		return []string{"no_address()"}
	case name == "event":
		return nil
	}
	return []string{"NULL"}
}

// names is a number as C spells it. Sets of bits go up to 1<<31.
func names(n Names) string {
	if strings.Contains(string(n), "|") {
		return "(" + strings.ReplaceAll(string(n), "|", " | ") + ")"
	}
	return string(n)
}

func wide(n Wide) string { return fmt.Sprintf("UINT64_C(%#x)", uint64(n)) }

// array is a compound literal and its length. C has no empty arrays.
func array[T any](typ string, list []T, text func(T) string) []string {
	items := make([]string, len(list))
	for i, v := range list {
		items[i] = text(v)
	}
	if len(items) == 0 {
		items = []string{"0"}
		if typ != "int" {
			items[0] = "{0, 0, 0}"
		}
		if typ == "struct wanted" {
			items[0] = `{0, 0, 0, ""}`
		}
	}
	return []string{fmt.Sprintf("(const %s[]){%s}", typ, strings.Join(items, ", ")), strconv.Itoa(len(list))}
}

func pollfd(o Object, mask string) string {
	fd, bits := integer(o.get("fd").(int64)), names(o.get(mask).(Names))
	if mask == "events" {
		return fmt.Sprintf("{%s, (short)%s, 0}", fd, bits)
	}
	return fmt.Sprintf("{%s, 0, (short)%s}", fd, bits)
}

func bytesOf(d Data) string {
	if d.Times == 1 {
		return quote(string(d.Unit))
	}
	return fmt.Sprintf("repeated(%s, %d, %d)", quote(string(d.Unit)), len(d.Unit), d.Times)
}

func addressText(a Address) string {
	if a.IP == "" {
		return fmt.Sprintf("unix_address(%s)", quote(a.Name))
	}
	form := "inet_address(%s, %d)"
	if a.Given {
		form = "given_address(%s, %d)"
	}
	return fmt.Sprintf(form, quote(a.IP), a.Port)
}
