package fuzz

import (
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/epollsim/epollsim/abi"
)

// star writes a call as Starlark. Its form is the text with {n} for argument n, {n:kind} for one that is not
// spelled as a decimal number: the group of a constant, or u, bytes, set, name, sigmask. {*n:(fd, POLL)} is all
// pairs from n on. A form of "" is a call that a scenario cannot make.
func (c *call) star() string {
	if c.op.form == "" {
		return ""
	}
	var b strings.Builder
	form := c.op.form
	for {
		before, rest, ok := strings.Cut(form, "{")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		field, after, _ := strings.Cut(rest, "}")
		index, kind, _ := strings.Cut(field, ":")
		if n, pairs := strings.CutPrefix(index, "*"); pairs {
			i, _ := strconv.Atoi(n)
			b.WriteString(pairList(c.args[i:]))
		} else {
			i, _ := strconv.Atoi(index)
			b.WriteString(spell(kind, c.args[i]))
		}
		form = after
	}
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
	case "":
		return strconv.FormatInt(v, 10)
	case "u":
		return strconv.FormatUint(uint64(v), 10)
	case "bytes":
		return fmt.Sprintf("b%q", string(rune(v)))
	case "name":
		return strconv.Quote(fileNames[v])
	case "sigmask":
		return [...]string{"None", "[SIGUSR1]"}[v]
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
		if !names[token] && !strings.HasPrefix(token, "0x") {
			return strconv.FormatInt(v, 10)
		}
	}
	return text
}

var enums = map[string]bool{"EPOLL_CTL": true, "F": true, "IOCTL": true}

var constantNames = sync.OnceValue(func() map[string]bool {
	names := map[string]bool{}
	for _, c := range abi.Constants() {
		names[c.Name] = true
	}
	return names
})
