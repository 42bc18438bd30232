package strace

import (
	"fmt"
	"maps"

	"github.com/epollsim/epollsim/abi"
)

// extra are the groups of constants that abi does not list, in its sense and in strace's order.
var extra = map[string]struct {
	kind  string
	names []name
}{
	"TIMER": {"TIMER_???", []name{{"TIMER_ABSTIME", 1}}},
	"SA": {"SA_???", []name{
		{"SA_RESTORER", saRestorer}, {"SA_ONSTACK", 0x8000000}, {"SA_RESTART", 0x10000000}, {"SA_NODEFER", 0x40000000},
		{"SA_RESETHAND", 0x80000000}, {"SA_SIGINFO", 4}, {"SA_NOCLDSTOP", 1}, {"SA_NOCLDWAIT", 2},
	}},
}

// readOnly are names that a log has and this package writes in another way.
var readOnly = map[string]int64{
	"SIG_DFL": 0, "SIG_IGN": 1, "SCM_RIGHTS": 1, "MFD_CLOEXEC": 1,
	"_IOC_NONE": 0, "_IOC_WRITE": 1, "_IOC_READ": 2,
	"S_IFIFO": 0o010000, "S_IFCHR": 0o020000, "S_IFDIR": 0o040000, "S_IFBLK": 0o060000, "S_IFREG": 0o100000,
	"S_IFSOCK": 0o140000, "S_ISUID": 0o4000, "S_ISGID": 0o2000, "S_ISVTX": 0o1000,
}

// name is one constant.
type name struct {
	text  string
	value int64
}

// saRestorer is SA_RESTORER, which glibc adds to the flags of every action.
const saRestorer = 0x4000000

// flagsText spells v as strace spells flags.
func flagsText(group string, v int64) string {
	g, ok := extra[group]
	if !ok {
		return abi.Flags(group, v)
	}
	text, rest := "", v
	for _, n := range g.names {
		if v&n.value == n.value {
			text += "|" + n.text
			rest &^= n.value
		}
	}
	switch {
	case text == "" && rest == 0:
		return "0"
	case text == "":
		return fmt.Sprintf("%#x /* %s */", rest, g.kind)
	case rest != 0:
		text += fmt.Sprintf("|%#x", rest)
	}
	return text[1:]
}

// enumText spells v as strace spells one value out of several.
func enumText(group string, v int64) string {
	g, ok := extra[group]
	if !ok {
		return abi.Enum(group, v)
	}
	for _, n := range g.names {
		if n.value == v {
			return n.text
		}
	}
	return fmt.Sprintf("%#x /* %s */", v, g.kind)
}

var extraByName = indexExtra()

func indexExtra() map[string]int64 {
	index := maps.Clone(readOnly)
	for _, g := range extra {
		for _, n := range g.names {
			index[n.text] = n.value
		}
	}
	return index
}
