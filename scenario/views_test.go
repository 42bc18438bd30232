package scenario_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"iter"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/internal/form"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/scenario"
	"github.com/epollsim/epollsim/scenario/events"
	"github.com/epollsim/epollsim/scenario/picture"
	"github.com/epollsim/epollsim/scenario/steps"
	"github.com/epollsim/epollsim/sim"
)

// viewed is a run in every view.
type viewed struct{ steps, accesses, json, svg string }

// view runs f once and shows it in every way.
func (f *starFile) view(t *testing.T, strategy sim.Strategy, states bool) viewed {
	t.Helper()
	var text, accesses, lines bytes.Buffer
	w, a := steps.New(&text, steps.Options{}), steps.New(&accesses, steps.Options{Accesses: true})
	j, d := events.New(&lines, events.Options{Accesses: true}), picture.New()
	trace := func(e sim.Event) {
		w.Event(e)
		a.Event(e)
		j.Event(e)
		d.Event(e)
	}
	k := kernel.Boot(kernel.Options{
		Version: f.version, TraceState: states, Machine: sim.Options{Strategy: strategy, Trace: trace},
	})
	res := scenario.Run(k, f.prog, scenario.Options{})
	require.Empty(t, trouble(res))
	require.NoError(t, w.Close())
	require.NoError(t, a.Close())
	require.NoError(t, j.Close())
	return viewed{text.String(), accesses.String(), lines.String(), d.SVG()}
}

// tour is the scenario of docs/tour.md.
func tour(t *testing.T) *starFile { return starFiles(t, "../testdata", "# %s: ")[0] }

// golden compares a text with a file.
func golden(t *testing.T, file, text string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err, "go test ./scenario -run %s -update writes it", t.Name())
	assert.Equal(t, string(want), text, "%s; if the change is meant: go test ./scenario -run %s -update", file, t.Name())
}

// The steps of five cases, and of the tour.
func TestSteps(t *testing.T) {
	files := cases(t)
	for _, id := range []string{"et-more-data", "f46-oneshot-mutes-hup", "herd-one-epfd", "ovflist", "f49-nested-outer-wake"} {
		i := slices.IndexFunc(files, func(f *starFile) bool { return f.id == id })
		require.GreaterOrEqual(t, i, 0, "no case is called %s", id)
		golden(t, "../testdata/steps/"+id+".steps", files[i].view(t, nil, false).steps)
	}
	golden(t, "../testdata/tour.steps", tour(t).view(t, nil, false).steps)
}

// The pictures of the tour and of a case with several threads.
func TestPictures(t *testing.T) {
	golden(t, "../docs/tour.svg", tour(t).view(t, nil, false).svg)
	files := cases(t)
	i := slices.IndexFunc(files, func(f *starFile) bool { return f.id == "herd-one-epfd" })
	golden(t, "../testdata/steps/herd-one-epfd.svg", files[i].view(t, nil, false).svg)
}

// Every view shows every case the same way twice; in the long form all cases, also under a random schedule, with states.
func TestViews(t *testing.T) {
	schema := readSchema(t)
	seeds := uint64(form.Of(1, 2))
	for i, f := range append([]*starFile{tour(t)}, cases(t)...) {
		if !form.Sample(i, 5) {
			continue
		}
		t.Run(f.id, func(t *testing.T) {
			t.Parallel()
			for seed := range seeds {
				strategy := func() sim.Strategy {
					if seed == 0 {
						return nil
					}
					return sim.NewRandom(seed)
				}
				states := seed == 1 || f.id == "tour"
				v := f.view(t, strategy(), states)
				require.Equal(t, v, f.view(t, strategy(), states), "seed %d: a second run differs", seed)
				checkNesting(t, v.steps)
				checkNesting(t, v.accesses)
				checkXML(t, v.svg)
				for line := range strings.Lines(v.json) {
					require.Empty(t, schema.check(line), line)
				}
			}
		})
	}
}

// checkNesting: what a task opens it closes, the last first, and the text stands as deep as that.
func checkNesting(t *testing.T, text string) {
	t.Helper()
	depth := map[string]int{}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "#") || strings.HasPrefix(line, "        |") {
			continue
		}
		task, what := strings.TrimSpace(line[7:13]), line[13:]
		if strings.Contains(what, "+++ ") {
			depth[task] = 0
			continue
		}
		if inner := strings.TrimLeft(line[13:], " "); strings.HasPrefix(inner, "}") {
			depth[task]--
		}
		indent := len(line[13:]) - len(strings.TrimLeft(line[13:], " "))
		require.Equal(t, 2*depth[task], indent, line)
		if opens.MatchString(line) {
			depth[task]++
		}
	}
}

// opens finds the { behind a function, which an object may follow.
var opens = regexp.MustCompile(` \{(  +\S+)?$`)

func checkXML(t *testing.T, text string) {
	t.Helper()
	dec := xml.NewDecoder(strings.NewReader(text))
	for {
		_, err := dec.Token()
		if err == io.EOF {
			return
		}
		require.NoError(t, err)
	}
}

// schema is what docs/trace-json.md says.
type schema struct {
	order []string
	types map[string]string
	has   map[string][]string // by kind
	may   map[string][]string
}

var code = regexp.MustCompile("`([^`]+)`")

func readSchema(t *testing.T) *schema {
	t.Helper()
	page, err := os.ReadFile("../docs/trace-json.md")
	require.NoError(t, err)
	s := &schema{types: map[string]string{}, has: map[string][]string{}, may: map[string][]string{}}
	section := ""
	for line := range strings.Lines(string(page)) {
		if title, ok := strings.CutPrefix(line, "## "); ok {
			section = strings.TrimSpace(title)
		}
		cells := strings.Split(line, "|")
		if len(cells) < 4 || !strings.HasPrefix(cells[1], " `") {
			continue
		}
		name := code.FindStringSubmatch(cells[1])[1]
		switch section {
		case "Fields":
			s.order = append(s.order, name)
			s.types[name] = strings.TrimSpace(cells[2])
		case "Kinds":
			s.has[name] = append([]string{"schema", "kind", "step", "time", "task", "depth"}, names(cells[3])...)
			s.may[name] = append([]string{"thread"}, names(cells[4])...)
		}
	}
	require.Len(t, s.order, 22)
	require.Len(t, s.has, 15)
	return s
}

func names(cell string) []string {
	var all []string
	for _, m := range code.FindAllStringSubmatch(cell, -1) {
		all = append(all, m[1])
	}
	return all
}

// check says what is wrong with a line, nothing if it is as the page says.
func (s *schema) check(line string) string {
	if !json.Valid([]byte(line)) || !strings.HasPrefix(line, "{") {
		return "no object"
	}
	fields, last := map[string]string{}, -1
	for name, value := range outermost(line) {
		at := slices.Index(s.order, name)
		if at <= last {
			return name + " is out of order"
		}
		if got := typeOf(value); got != s.types[name] {
			return fmt.Sprintf("%s is of type %s", name, got)
		}
		fields[name], last = value, at
	}
	kind := strings.Trim(fields["kind"], `"`)
	if s.has[kind] == nil {
		return "the page has no kind " + kind
	}
	if fields["schema"] != strconv.Itoa(events.Schema) {
		return "schema"
	}
	for _, name := range s.has[kind] {
		if _, ok := fields[name]; !ok {
			return "lacks " + name
		}
	}
	for name := range fields {
		if !slices.Contains(s.has[kind], name) && !slices.Contains(s.may[kind], name) {
			return "has " + name
		}
	}
	return ""
}

// outermost yields the names of an object that is valid, with the text of their values.
func outermost(object string) iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		name, from, depth, text := "", 1, 0, false
		for i := 0; i < len(object); i++ {
			switch c := object[i]; {
			case c == '\\':
				i++
			case c == '"':
				text = !text
			case text:
			case c == ':' && depth == 1:
				name, from = strings.Trim(object[from:i], `"`), i+1
			case c == '{' || c == '[':
				depth++
			case c == ',' && depth == 1 || c == '}' && depth == 1:
				if from < i && !yield(name, object[from:i]) {
					return
				}
				from = i + 1
				if c == '}' {
					return
				}
			case c == '}' || c == ']':
				depth--
			}
		}
	}
}

func typeOf(value string) string {
	switch value[0] {
	case '"':
		return "string"
	case '[':
		return "array of string"
	case '{':
		return "object"
	case 't', 'f':
		return "boolean"
	case 'n':
		return "null"
	}
	return "number"
}

// excerpt is a block of a page that quotes the trace of the tour, from the first line with one text to the next with
// another; or the state behind a step.
var excerpt = regexp.MustCompile("(?s)(<!-- (?:tour: from \"([^\"]*)\" to \"([^\"]*)\"|state (\\d+)) -->\n```text\n)(.*?)```\n")

// What the pages quote is what the tour shows now.
func TestTour(t *testing.T) {
	f := tour(t)
	trace := f.view(t, nil, false).steps
	for _, page := range []string{"../docs/tour.md", "../docs/steps.md"} {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		quoted := 0
		now := excerpt.ReplaceAllStringFunc(string(text), func(block string) string {
			quoted++
			m := excerpt.FindStringSubmatch(block)
			if m[4] != "" {
				return m[1] + f.stateAfter(t, m[4]) + "```\n"
			}
			return m[1] + cutOut(t, trace, m[2], m[3]) + "```\n"
		})
		require.Positive(t, quoted, page)
		golden(t, page, now)
	}
}

// cutOut returns the lines from the first that contains from up to the next that contains to.
func cutOut(t *testing.T, trace, from, to string) string {
	t.Helper()
	var out strings.Builder
	for line := range strings.Lines(trace) {
		begins := out.Len() == 0
		if begins && !strings.Contains(line, from) {
			continue
		}
		out.WriteString(line)
		if strings.Contains(line, to) && (!begins || from == to) {
			return out.String()
		}
	}
	t.Errorf("the trace of the tour has no lines from %q to %q", from, to)
	return ""
}

// stateAfter runs f up to a step.
func (f *starFile) stateAfter(t *testing.T, step string) string {
	t.Helper()
	n, err := strconv.ParseUint(step, 10, 64)
	require.NoError(t, err)
	var k *kernel.Kernel
	state := ""
	k = kernel.Boot(kernel.Options{Version: f.version, Machine: sim.Options{Trace: func(sim.Event) {}, AfterStep: func() {
		if k.Machine().Steps > n && state == "" {
			s := k.Snapshot()
			s.Step = n
			state = s.String()
			k.Stop(nil)
		}
	}}})
	scenario.Run(k, f.prog, scenario.Options{})
	return state
}

// link finds a function that the tour points to, and its file.
var link = regexp.MustCompile("\\[`(func [^`]*)`\\]\\(\\.\\./([^)]*)\\)")

// Each stop of the tour links to a function that is there.
func TestTourLinks(t *testing.T) {
	page, err := os.ReadFile("../docs/tour.md")
	require.NoError(t, err)
	links := link.FindAllStringSubmatch(string(page), -1)
	require.Len(t, links, 6, "stops")
	for _, m := range links {
		src, err := os.ReadFile("../" + m[2])
		require.NoError(t, err)
		assert.Contains(t, string(src), "\n"+m[1]+"(", "%s", m[2])
	}
}
