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
	Columns []string // the tasks, in the order in which they began
	Rows    []Row
}

// Words is how the floor above words an event of its own: Text is worth a line, unless it is empty. Of an event that ends what an
// earlier one began, Whole says both, for where nothing came between them.
type Words struct{ Text, Whole string }

// Row is one line: what the task of a column did.
type Row struct {
	Column int    `json:"column"`
	Step   uint64 `json:"step"`
	Text   string `json:"text"`
}

// Interleaving runs program once more by the schedule of token and tells what happened: calls, in the words of the floor above,
// what moved, slept and woke, and before which access a task was preempted.
func Interleaving(program Program, token string, words func(sim.Event) Words) (*Table, error) {
	replay, err := sim.NewReplay(token)
	if err != nil {
		return nil, err
	}
	w := &tableWriter{words: words, columns: map[*sim.Task]int{}, table: &Table{}}
	pool := &sim.Pool{}
	defer pool.Close()
	program(sim.Options{Strategy: &preemptions{Replay: replay, table: w}, Pool: pool, Trace: w.event})
	w.headings()
	return w.table, replay.Err()
}

type tableWriter struct {
	words   func(sim.Event) Words
	columns map[*sim.Task]int
	table   *Table
	last    *sim.Task // whose event of the floor above the last row is, if it is one
}

func (w *tableWriter) add(t *sim.Task, step uint64, text string) {
	if t == nil || text == "" {
		return
	}
	c, ok := w.columns[t]
	if !ok {
		c = len(w.table.Columns)
		w.columns[t] = c
		w.table.Columns = append(w.table.Columns, "")
	}
	w.table.Rows = append(w.table.Rows, Row{c, step, text})
	w.last = nil
}

// headings names the columns: a task by its name, or if that is not its alone with its number; an interrupt by its timer.
func (w *tableWriter) headings() {
	names := map[string]int{}
	for t := range w.columns {
		names[t.Name]++
	}
	for t, c := range w.columns {
		name := t.String()
		if of := t.Expires(); t.Interrupt() && of != nil {
			name = of.String()
			if owner, ok := of.Owner.(fmt.Stringer); ok {
				name = "timer of " + owner.String()
			}
		} else if names[t.Name] == 1 {
			name = t.Name
		}
		w.table.Columns[c] = name
	}
}

func (w *tableWriter) event(e sim.Event) {
	text := ""
	switch e.Kind {
	case sim.EventCall:
		w.call(e)
		return
	case sim.EventMove:
		text = fmt.Sprintf("  %s: %s → %s", e.What, e.From, e.To)
	case sim.EventSleep:
		text = "  sleeps: " + e.What
		if e.Other != nil {
			text = fmt.Sprintf("  waits for %s of %s", e.Access.ID, e.Other)
		}
	case sim.EventWake:
		text = "  wakes " + e.Other.String()
	}
	if len(w.columns) < 2 {
		return // nobody is there to interleave with
	}
	w.add(e.Task, e.Step, text)
}

// call adds an event of the floor above. One that ends what the line above began takes its place.
func (w *tableWriter) call(e sim.Event) {
	words := w.words(e)
	if words.Whole != "" && w.last == e.Task && e.Task != nil {
		w.table.Rows[len(w.table.Rows)-1].Text = words.Whole
		w.last = nil
		return
	}
	w.add(e.Task, e.Step, words.Text)
	if words.Text != "" && words.Whole == "" {
		w.last = e.Task
	}
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

// A column is as wide as its longest text, up to widest characters; what is longer goes on below, for tallest lines.
const (
	widest  = 52
	tallest = 3
)

// Write prints t.
func (t *Table) Write(w io.Writer) {
	widths := make([]int, len(t.Columns))
	for i, name := range t.Columns {
		widths[i] = min(utf8.RuneCountInString(name), widest)
	}
	rows := make([][]string, len(t.Rows))
	for i, r := range t.Rows {
		rows[i] = wrap(r.Text)
		for _, line := range rows[i] {
			widths[r.Column] = max(widths[r.Column], utf8.RuneCountInString(line))
		}
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
	for n, r := range t.Rows {
		for _, text := range rows[n] {
			line(func(i int) string {
				if i == r.Column {
					return text
				}
				return ""
			})
		}
	}
}

// wrap cuts text into lines of at most widest characters, where it has a blank or a bar; those below the first are indented.
func wrap(text string) (lines []string) {
	const indent = "    "
	rest := []rune(text)
	for len(rest) > widest && len(lines) < tallest-1 {
		at := widest
		for i := widest - 1; i > widest/2; i-- {
			if rest[i] == ' ' || rest[i] == '|' {
				at = i + 1
				break
			}
		}
		lines = append(lines, strings.TrimRight(string(rest[:at]), " "))
		rest = append([]rune(indent), rest[at:]...)
	}
	return append(lines, cut(string(rest), widest))
}

// cut shortens text to n characters.
func cut(text string, n int) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	r := []rune(text)
	return string(r[:n-1]) + "…"
}
