package abi

import (
	"math"
	"strconv"
	"strings"
)

// Flags spells v, an argument made of flags, as strace does: the known names in strace's order, then the rest in hex.
// Where strace names the zero (O_RDONLY), so does Flags. An argument that is an int in C may be given sign-extended.
//
// group is the Group of a [Constant], or one of two that show names of another group: "PIPE2" (O_* without an access
// mode, also for dup3) and "ACCEPT4" (SOCK_* without a type).
func Flags(group string, v int64) string { return groupOf(group).flags(unsigned(v)) }

// Enum spells v, an argument that is one value out of several, as strace does: its name, or 0x9 /* EPOLL_CTL_??? */.
// For group see [Flags].
func Enum(group string, v int64) string { return groupOf(group).enum(unsigned(v)) }

// ParseFlags reads what [Flags] and [Enum] write, of any group: names and numbers (hex, octal, decimal) joined by |,
// and strace's comment behind an unknown value. It is false for all else, also for the _IOC(…) of an unknown ioctl.
func ParseFlags(s string) (int64, bool) {
	v, ok := parse(s, func(name string) (int64, bool) {
		v, ok := valueByName[name]
		return v, ok
	})
	return int64(v), ok
}

func groupOf(name string) *group {
	g := groupByName[name]
	if g == nil {
		panic("abi: no group of constants is called " + strconv.Quote(name))
	}
	return g
}

func (g *group) flags(v int64) string {
	var names []string
	if name := nameOf(g.base, v&g.mask); name != "" {
		if v &^= g.mask; v == 0 {
			return name
		}
		names = append(names, name)
	}
	known := len(names)
	names, rest := appendNames(names, g.rows, v, traceName)
	switch {
	case rest == 0 && len(names) > 0:
	case len(names) > known:
		names = append(names, hex(rest))
	default:
		names = append(names, g.unknown(rest))
	}
	return strings.Join(names, "|")
}

func (g *group) enum(v int64) string {
	if name := nameOf(g.base, v); name != "" {
		return name
	}
	if name := nameOf(g.rows, v); name != "" {
		return name
	}
	if g.other != nil {
		return g.other(v)
	}
	if v == 0 && g.kind != "" {
		return "0 /* " + g.kind + " */"
	}
	return g.unknown(v)
}

// unknown spells a value without a single name. Zero needs no comment among flags: it is the absence of them.
func (g *group) unknown(v int64) string {
	if v == 0 || g.kind == "" {
		return hex(v)
	}
	return hex(v) + " /* " + g.kind + " */"
}

func nameOf(rows []row, v int64) string {
	for _, r := range rows {
		if r.value == v && r.printed() {
			return r.name
		}
	}
	return ""
}

// appendNames appends the names of all rows whose bits are in v, and returns the bits left over. A row that spell gives
// no text is passed over.
func appendNames(names []string, rows []row, v int64, spell func(row) string) ([]string, int64) {
	for _, r := range rows {
		if r.value == 0 || v&r.value != r.value {
			continue
		}
		if name := spell(r); name != "" {
			names = append(names, name)
			v &^= r.value
		}
	}
	return names, v
}

// traceName spells a row for strace's eyes.
func traceName(r row) string {
	if r.printed() {
		return r.name
	}
	return ""
}

// parse reads names and numbers joined by |.
func parse(s string, lookup func(string) (int64, bool)) (uint64, bool) {
	s = strings.TrimSpace(s)
	if number, comment, ok := strings.Cut(s, "/*"); ok {
		if _, after, closed := strings.Cut(comment, "*/"); closed && after == "" {
			s = number
		}
	}
	var v uint64
	for token := range strings.SplitSeq(s, "|") {
		token = strings.TrimSpace(token)
		if named, ok := lookup(token); ok {
			v |= uint64(named)
			continue
		}
		number, ok := parseNumber(token)
		if !ok {
			return 0, false
		}
		v |= number
	}
	return v, true
}

// parseNumber reads a number as C does: 0x is hex, a leading 0 octal. A sign or a separator is not part of it.
func parseNumber(s string) (uint64, bool) {
	base := 10
	switch {
	case strings.HasPrefix(s, "0x"), strings.HasPrefix(s, "0X"):
		s, base = s[2:], 16
	case len(s) > 1 && s[0] == '0':
		base = 8
	}
	v, err := strconv.ParseUint(s, base, 64)
	return v, err == nil
}

// unsigned undoes the sign extension of a C int.
func unsigned(v int64) int64 {
	if v < 0 && v >= math.MinInt32 {
		return int64(uint32(v))
	}
	return v
}

// hex spells v as C's %#x does.
func hex(v int64) string {
	if v == 0 {
		return "0"
	}
	return "0x" + strconv.FormatUint(uint64(v), 16)
}

// decimal spells v as C's %d does.
func decimal(v int64) string { return strconv.Itoa(int(int32(v))) }
