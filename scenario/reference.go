package scenario

import (
	"fmt"
	"strings"
)

// Reference lists all builtins as Markdown, one line each, from the table that defines them.
func Reference() string {
	var s strings.Builder
	s.WriteString("| call | result | what it does |\n|---|---|---|\n")
	for _, r := range table {
		fmt.Fprintf(&s, "| `%s` | %s | %s |\n", r.sig, r.result, strings.ReplaceAll(r.help, "|", `\|`))
	}
	return s.String()
}

// Builtins returns the names of all builtins, in the order of the reference.
func Builtins() []string {
	var names []string
	for _, r := range table {
		name, _, _ := strings.Cut(r.sig, "(")
		names = append(names, name)
	}
	return names
}

// Help returns what the reference says about one builtin: its signature, result and help.
func Help(name string) (string, bool) {
	for _, r := range table {
		if n, _, _ := strings.Cut(r.sig, "("); n == name {
			return fmt.Sprintf("%s -> %s: %s", r.sig, r.result, r.help), true
		}
	}
	return "", false
}
