package explore

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/epollsim/epollsim/sim"
)

// Table is an interleaving: what happened in order, a column for each task.
type Table struct {
	Columns []string // names of the tasks, in the order in which they began
	Rows    []Row
}

// Row is one line: what the task of a column did.
type Row struct {
	Column int    `json:"column"`
	Step   uint64 `json:"step"`
	Text   string `json:"text"`
}

// Interleaving runs program once more by the schedule of token and tells what happened: calls, as the floor above
// words them ("": not worth a line), what moved, slept and woke, and before which access a task was preempted.
func Interleaving(program Program, token string, call func(sim.Event) string) (*Table, error) {
	replay, err := sim.NewReplay(token)
	if err != nil {
		return nil, err
	}
	w := &tableWriter{call: call, columns: map[*sim.Task]int{}, table: &Table{}}
	pool := &sim.Pool{}
	defer pool.Close()
	program(sim.Options{Strategy: &preemptions{Replay: replay, table: w}, Pool: pool, Trace: w.event})
	return w.table, replay.Err()
}

type tableWriter struct {
	call    func(sim.Event) string
	columns map[*sim.Task]int
	table   *Table
}

func (w *tableWriter) add(t *sim.Task, step uint64, text string) {
	if t == nil || text == "" {
		return
	}
	c, ok := w.columns[t]
	if !ok {
		c = len(w.table.Columns)
		w.columns[t] = c
		w.table.Columns = append(w.table.Columns, t.Name)
	}
	w.table.Rows = append(w.table.Rows, Row{c, step, text})
}

func (w *tableWriter) event(e sim.Event) {
	text := ""
	switch e.Kind {
	case sim.EventCall:
		text = w.call(e)
	case sim.EventMove:
		text = fmt.Sprintf("  %s: %s → %s", e.What, e.From, e.To)
	case sim.EventSleep:
		text = "  sleeps: " + e.What
		if e.Other != nil {
			text = fmt.Sprintf("  waits for %s of %s", e.Access.ID, e.Other.Name)
		}
	case sim.EventWake:
		text = "  wakes " + e.Other.Name
	}
	if len(w.columns) < 2 && e.Kind != sim.EventCall {
		return // nobody is there to interleave with
	}
	w.add(e.Task, e.Step, text)
}

// preemptions replays, and tells where a task is left though it could go on.
type preemptions struct {
	*sim.Replay
	table *tableWriter
}

func (p *preemptions) Next(m *sim.Machine, runnable []*sim.Task, current int) int {
	i := p.Replay.Next(m, runnable, current)
	if current >= 0 && i != current {
		text := "⋯ preempted"
		if a := runnable[current].Next(); a.ID != 0 {
			text += " before: " + a.String()
		}
		p.table.add(runnable[current], m.Steps, text)
	}
	return i
}

// widest is how many characters of a line a column shows at most.
const widest = 48

// Write prints t.
func (t *Table) Write(w io.Writer) {
	widths := make([]int, len(t.Columns))
	for i, name := range t.Columns {
		widths[i] = min(utf8.RuneCountInString(name), widest)
	}
	for _, r := range t.Rows {
		widths[r.Column] = max(widths[r.Column], min(utf8.RuneCountInString(r.Text), widest))
	}
	line := func(cell func(i int) string) {
		var b strings.Builder
		b.WriteString("  ")
		for i, width := range widths {
			text := cut(cell(i), widest)
			b.WriteString("| ")
			b.WriteString(text)
			b.WriteString(strings.Repeat(" ", width-utf8.RuneCountInString(text)+1))
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
	line(func(i int) string { return t.Columns[i] })
	for _, r := range t.Rows {
		line(func(i int) string {
			if i == r.Column {
				return r.Text
			}
			return ""
		})
	}
}

// cut shortens text to n characters.
func cut(text string, n int) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	r := []rune(text)
	return string(r[:n-1]) + "…"
}
