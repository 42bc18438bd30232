package verify

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/epollsim/epollsim/scenario"
)

// History is what each thread of a run has called, in order.
type History struct {
	Threads []string // paths in order of their first call
	calls   map[string][]scenario.Call
	Calls   int
}

// has reports whether a builtin was called.
func (h *History) has(name string) bool {
	for _, calls := range h.calls {
		if slices.ContainsFunc(calls, func(c scenario.Call) bool { return c.Name == name }) {
			return true
		}
	}
	return false
}

// add is the OnCall of a run.
func (h *History) add(c scenario.Call) {
	if h.calls == nil {
		h.calls = map[string][]scenario.Call{}
	}
	if _, known := h.calls[c.Thread]; !known {
		h.Threads = append(h.Threads, c.Thread)
	}
	h.calls[c.Thread] = append(h.calls[c.Thread], c)
	h.Calls++
}

// Difference is the first call of a thread that the two histories disagree on. A missing one is nil.
type Difference struct {
	Thread      string
	Index       int
	Model, Host *scenario.Call
	model, host []scenario.Call
}

// compare returns the first difference in the order of the model's threads, or nil.
func compare(model, host *History) *Difference {
	threads := append([]string(nil), model.Threads...)
	for _, t := range host.Threads {
		if _, known := model.calls[t]; !known {
			threads = append(threads, t)
		}
	}
	for _, t := range threads {
		m, h := model.calls[t], host.calls[t]
		for i := range max(len(m), len(h)) {
			d := &Difference{Thread: t, Index: i, model: m, host: h}
			if i < len(m) {
				d.Model = &m[i]
			}
			if i < len(h) {
				d.Host = &h[i]
			}
			if d.Model == nil || d.Host == nil || !agree(d.Model, d.Host) {
				return d
			}
		}
	}
	return nil
}

func agree(m, h *scenario.Call) bool {
	if m.Name != h.Name || m.Pos != h.Pos {
		return false
	}
	return m.Own || m.Result == h.Result
}

// before is how many calls of the thread a difference is shown with.
const before = 8

// Print shows the two sides around the difference, the calls of the thread beside each other.
func (d *Difference) Print(w io.Writer) {
	fmt.Fprintf(w, "thread %s differs at its call %d:\n", d.Thread, d.Index+1)
	const width = 60
	fmt.Fprintf(w, "  %-*s | %s\n", width, "model", "host")
	for i := max(d.Index-before, 0); i <= d.Index; i++ {
		left, right := line(d.model, i), line(d.host, i)
		mark := " "
		if i == d.Index {
			mark = ">"
		}
		if len([]rune(left)) > width {
			fmt.Fprintf(w, "%s %s\n  %-*s | %s\n", mark, left, width, "", right)
			continue
		}
		fmt.Fprintf(w, "%s %s%s | %s\n", mark, left, strings.Repeat(" ", width-len([]rune(left))), right)
	}
	for _, c := range []*scenario.Call{d.Model, d.Host} {
		if c != nil {
			fmt.Fprintf(w, "at %s\n", c.Pos)
			break
		}
	}
}

func line(calls []scenario.Call, i int) string {
	if i >= len(calls) {
		return "(no call)"
	}
	return calls[i].String()
}
