package picture

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/epollsim/epollsim/scenario/strace"
)

// What a box has room for: the rest is in its title.
const (
	mostArgs   = 24
	mostResult = 18
)

var (
	eventText = regexp.MustCompile(`\{events=([^,}]*), data=\{u32=(\d+), u64=\d+\}\}`)
	prefixes  = strings.NewReplacer("EPOLL_CTL_", "", "EPOLL", "", "CLOCK_MONOTONIC, 0, ", "", "tv_sec=", "", "tv_nsec=", "")
)

// shortArgs are the arguments of a call as its box shows them: {IN|ET 4} is an event with its data.
func shortArgs(sp *strace.Spelling) string {
	if sp.Name == "clone3" || sp.Name == "clone" || sp.Name == "futex" {
		return ""
	}
	text := eventText.ReplaceAllString(strings.Join(sp.Args, ", "), "{$1 $2}")
	return cut(prefixes.Replace(text), mostArgs)
}

// shortResult is the result without what explains it.
func shortResult(sp *strace.Spelling) string {
	text, _, _ := strings.Cut(sp.Result, " (")
	text = strings.TrimPrefix(text, "-1 ")
	return cut(text, mostResult)
}

func cut(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}
