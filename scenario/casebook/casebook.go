package casebook

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/epollsim/epollsim"
)

// Case is one scenario of the casebook.
type Case struct {
	ID        string
	Claim     string        // what it shows, in a sentence
	Myth      string        // the widely repeated claim that it refutes, or ""
	ModelOnly string        // why it cannot be run on a host, or ""
	At        []Expectation // of a case that runs on several versions
	Expect    string        // the verdict of the explorer, for a litmus case: "Sometimes"
	Prose     string        // the rest of the comment: why, and the drawing
	File      string        // in testdata
	Source    string
	Trace     string // the golden trace, "" for a litmus case
}

// Expectation is what a case shows on one version: the outcomes it records, or for one of testdata/history how an
// exploration fails, None if it does not.
type Expectation struct{ Version, Want string }

// dirs of the cases in the embedded files, in the order of the list.
var dirs = []string{"testdata/cases", "testdata/litmus", history}

// None is what an exploration shows that finds no failure.
const None = "none"

// history is the folder of the bugs that older kernels had.
const history = "testdata/history"

// History reports whether c is a bug that older kernels had: what it shows at a version is how an exploration fails.
func (c *Case) History() bool { return path.Dir(c.File) == history }

// All returns every case, sorted by id within cases, litmus and history.
func All() []Case {
	var all []Case
	for _, dir := range dirs {
		entries, err := fs.ReadDir(epollsim.Testdata, dir)
		if err != nil {
			panic("casebook: the embedded folder " + dir + " is missing")
		}
		from := len(all)
		for _, e := range entries {
			if path.Ext(e.Name()) == ".star" {
				all = append(all, read(path.Join(dir, e.Name())))
			}
		}
		slices.SortFunc(all[from:], func(a, b Case) int { return strings.Compare(a.ID, b.ID) })
	}
	return all
}

// Find returns the case of an id.
func Find(id string) (Case, bool) {
	for _, c := range All() {
		if c.ID == id {
			return c, true
		}
	}
	return Case{}, false
}

// Nearest returns ids that contain what was asked for, for a message.
func Nearest(id string) []string {
	var near []string
	id = strings.ToLower(id)
	for _, c := range All() {
		if strings.Contains(c.ID, id) || strings.Contains(id, c.ID) {
			near = append(near, c.ID)
		}
	}
	return near
}

func read(file string) Case {
	src, err := epollsim.Testdata.ReadFile(file)
	if err != nil {
		panic("casebook: " + err.Error())
	}
	golden, _ := epollsim.Testdata.ReadFile(strings.TrimSuffix(file, ".star") + ".strace")
	c := Case{ID: strings.TrimSuffix(path.Base(file), ".star"), File: file, Source: string(src), Trace: string(golden)}
	c.parse()
	return c
}

// parse takes the comment at the top apart.
func (c *Case) parse() {
	var prose []string
	for line := range strings.Lines(c.Source) {
		text, ok := strings.CutPrefix(strings.TrimRight(line, "\n"), "#")
		if !ok {
			break
		}
		text = strings.TrimPrefix(text, " ")
		word, rest, _ := strings.Cut(text, ": ")
		if version, ok := strings.CutPrefix(word, "at "); ok && rest != "" && !strings.Contains(version, " ") {
			c.At = append(c.At, Expectation{version, rest})
			continue
		}
		switch word {
		case "myth":
			c.Myth = rest
		case "model only":
			c.ModelOnly = rest
		case "expect":
			c.Expect, rest, _ = strings.Cut(rest, " ")
			if c.Claim == "" {
				c.Claim = strings.Trim(rest, " ()")
			}
		case c.ID:
			if c.Claim == "" {
				c.Claim = rest
				break
			}
			prose = append(prose, rest)
		default:
			prose = append(prose, text)
		}
	}
	c.Prose = strings.Trim(strings.Join(prose, "\n"), "\n")
	if c.Claim == "" {
		c.Claim, c.Prose, _ = strings.Cut(c.Prose, "\n")
		c.Prose = strings.Trim(c.Prose, "\n")
	}
}

// Program returns the source without the comment at its top.
func (c *Case) Program() string {
	rest := c.Source
	for strings.HasPrefix(rest, "#") {
		_, rest, _ = strings.Cut(rest, "\n")
	}
	return rest
}
