package fuzz

import (
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/epollsim/epollsim/abi"
)

// String writes a call as Starlark. Its form is the text with {n} for argument n, {n:kind} for one that is more than a
// decimal number: fd, the group of a constant, or u, data, offset, bytes, set, name, address,
// signals, sigmask, typed. {*n:(fd, POLL)} is all
// pairs from n on, {*n:fds} all fds.
func (c *call) String() string {
	var b strings.Builder
	form := c.op.form
	for {
		before, field, after := nextField(form)
		b.WriteString(before)
		if field == nil {
			return b.String()
		}
		switch {
		case field.rest && field.kind == "fds":
			b.WriteString(fdList(c.args[field.index:]))
		case field.rest:
			b.WriteString(pairList(c.args[field.index:]))
		default:
			b.WriteString(spell(field.kind, c.args[field.index]))
		}
		form = after
	}
}

// field is a place in a form.
type field struct {
	index int
	kind  string
	rest  bool // all arguments from index on
}

// nextField cuts a form at its first field; nil if there is none.
func nextField(form string) (before string, f *field, after string) {
	before, rest, ok := strings.Cut(form, "{")
	if !ok {
		return form, nil, ""
	}
	text, after, _ := strings.Cut(rest, "}")
	index, kind, _ := strings.Cut(text, ":")
	number, all := strings.CutPrefix(index, "*")
	n, _ := strconv.Atoi(number)
	return before, &field{n, kind, all}, after
}

// rename replaces the fds among the arguments.
func (c *call) rename(to func(fd int64) int64) []int64 {
	args := append([]int64(nil), c.args...)
	for form := c.op.form; ; {
		_, f, after := nextField(form)
		switch {
		case f == nil:
			return args
		case f.rest:
			step := 2
			if f.kind == "fds" {
				step = 1
			}
			for i := f.index; i < len(args); i += step {
				args[i] = to(args[i])
			}
		case f.kind == "set":
			args[f.index] = renameSet(args[f.index], to)
		case f.kind == "fd", f.kind == "data":
			args[f.index] = to(args[f.index])
		}
		form = after
	}
}

func renameSet(v int64, to func(int64) int64) int64 {
	fds, some := setMembers(v)
	if !some {
		return 0
	}
	v = setMark
	for i, fd := range fds {
		v |= (to(int64(fd)) + 1) << (10 * i)
	}
	return v
}

func signalList(signals []abi.Signal) string {
	var names []string
	for _, sig := range signals {
		names = append(names, symbols("SIG", int64(sig)))
	}
	return "[" + strings.Join(names, ", ") + "]"
}

// bytesText spells any bytes.
func bytesText(s string) string {
	text := []byte(`b"`)
	for i := range len(s) {
		if c := s[i]; c >= ' ' && c < 0x7f && c != '"' && c != '\\' {
			text = append(text, c)
		} else {
			text = fmt.Appendf(text, `\x%02x`, c)
		}
	}
	return string(append(text, '"'))
}

func fdList(args []int64) string {
	var items []string
	for _, fd := range args {
		items = append(items, strconv.FormatInt(fd, 10))
	}
	return strings.Join(items, ", ")
}

func pairList(args []int64) string {
	var items []string
	for i := 0; i < len(args); i += 2 {
		items = append(items, fmt.Sprintf("(%d, %s)", args[i], symbols("POLL", args[i+1])))
	}
	return strings.Join(items, ", ")
}

func spell(kind string, v int64) string {
	switch kind {
	case "", "fd":
		return strconv.FormatInt(v, 10)
	case "offset":
		if v == noOffset {
			return "None"
		}
		return strconv.FormatInt(v, 10)
	case "u", "data":
		return strconv.FormatUint(uint64(v), 10)
	case "bytes":
		return fmt.Sprintf("b%q", string(rune(v)))
	case "name":
		return strconv.Quote(fileNames[v])
	case "tcpaddr":
		a := tcpAddrs[v].Inet
		return fmt.Sprintf("(%q, %d)", a.Addr(), a.Port())
	case "addr":
		return spellAddr(v)
	case "path":
		return strconv.Quote(paths[v])
	case "address":
		return strconv.Quote(socketNames[v])
	case "typed":
		return bytesText(typed[v])
	case "signals":
		return signalList(signalSets[v])
	case "sigmask":
		if v == 0 {
			return "None"
		}
		return signalList(signalSets[v-1])
	case "set":
		fds, some := setMembers(v)
		if !some {
			return "None"
		}
		return strings.ReplaceAll(fmt.Sprint(fds), " ", ", ")
	}
	return symbols(kind, v)
}

// symbols spells v with the names of a group of constants, or as a number.
func symbols(group string, v int64) string {
	if v == 0 && !enums[group] {
		return "0"
	}
	names := constantNames()
	text, _, _ := strings.Cut(abi.Flags(group, v), " /*")
	if enums[group] {
		text, _, _ = strings.Cut(abi.Enum(group, v), " /*")
	}
	for token := range strings.SplitSeq(text, "|") {
		if !names[token] && (enums[group] || !strings.HasPrefix(token, "0x")) {
			return strconv.FormatInt(v, 10)
		}
	}
	return text
}

var enums = map[string]bool{"EPOLL_CTL": true, "F": true, "IOCTL": true, "AF": true, "SHUT": true, "SO": true, "SOL": true,
	"SIG": true, "SIGPROCMASK": true, "TCFLSH": true, "TCXONC": true}

var constantNames = sync.OnceValue(func() map[string]bool {
	names := map[string]bool{}
	for _, c := range abi.Constants() {
		names[c.Name] = true
	}
	return names
})
