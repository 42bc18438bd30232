package fuzz

import (
	"fmt"
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
	checks(&b, "", p.calls, o.calls)
	if p.threads() > 1 {
		b.WriteString("def second():\n")
		checks(&b, "    ", p.second, o.second)
		b.WriteString("t = spawn(second)\n")
		checks(&b, "", p.main, o.main)
		b.WriteString("join(t)\n")
		checks(&b, "", p.after, o.after)
	}
	return b.String()
}

func checks(b *strings.Builder, indent string, list []call, results []string) {
	for i := range list {
		text, result := list[i].String(), at(results, i)
		switch {
		case list[i].op.hidden || result == notMade:
			fmt.Fprintf(b, "%s# %s: %s\n", indent, text, result)
		case result == blocked:
			fmt.Fprintf(b, "%s%s # blocks\n", indent, text)
		default:
			fmt.Fprintf(b, "%scheck(%s == %s)\n", indent, text, result)
		}
	}
}
