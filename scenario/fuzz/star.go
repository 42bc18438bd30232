package fuzz

import (
	"fmt"
	"slices"
	"strings"
)

// scenarioText writes a program as a scenario whose checks state the results o, the host's. Run on a model that
// says otherwise it fails.
func scenarioText(p *program, o *outcome, about string, d *Difference) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n", about)
	if d != nil {
		fmt.Fprintf(&b, "# %s\n", d)
	}
	b.WriteString("signal(SIGPIPE, SIG_IGN)\n")
	said := map[string]bool{"": true}
	for _, c := range slices.Concat(p.calls, p.second, p.main, p.after) {
		if !said[c.op.prelude] {
			said[c.op.prelude] = true
			b.WriteString(c.op.prelude)
		}
	}
	checks(&b, "", p.calls, o.calls, p.settles)
	if p.threads() > 1 {
		b.WriteString("def second():\n")
		checks(&b, "    ", p.second, o.second, never)
		b.WriteString("t = spawn(second)\n")
		checks(&b, "", p.main, o.main, never)
		b.WriteString("join(t)\n")
		checks(&b, "", p.after, o.after, never)
	}
	return b.String()
}

// A scenario with terminals leaves the host a moment after every call from slowFrom on.
func checks(b *strings.Builder, indent string, list []call, results []string, slow func(i int) bool) {
	for i := range list {
		text, result, rest := list[i].String(), at(results, i), ""
		if slow(i) {
			rest = "; sleep(5)"
		}
		switch {
		case list[i].op.hidden || result == notMade:
			fmt.Fprintf(b, "%s# %s: %s\n", indent, text, result)
		case result == blocked:
			fmt.Fprintf(b, "%s%s # blocks\n", indent, text)
		default:
			fmt.Fprintf(b, "%scheck(%s == %s)%s\n", indent, text, result, rest)
		}
	}
}

func never(int) bool { return false }
