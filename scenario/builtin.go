package scenario

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.starlark.net/starlark"

	"github.com/epollsim/epollsim/abi"
)

// row is one builtin. The signature is all there is of its parameters: arguments are bound by it, errors and
// the reference quote it.
type row struct {
	sig    string // "epoll_wait(epfd, maxevents=64, timeout=-1)"
	result string // for the reference
	help   string // one line
	fn     func(*call) (starlark.Value, error)
	where  where
	own    bool // the result is this run's own: pids, times
	lists  bool // the result is, or has, what the program can change
}

// where says what a builtin needs to run.
type where uint8

const (
	inThread where = iota // a thread of the kernel: a system call
	anywhere              // final conditions may call it, too
	inModel               // a thread of the model
)

// table lists every builtin, in the order of the reference.
var table = slices.Concat(epollRows, fileRows, vectorRows, spliceRows, socketRows, fifoRows, dirRows, inotifyRows, ttyRows, timerfdRows, signalfdRows, pidfdRows, pollRows, pselectRows, taskRows,
	signalRows, clockRows, checkRows, modelRows)

// builtin is a row, its signature parsed.
type builtin struct {
	row
	name     string
	params   []param
	varargs  bool // *args
	keywords bool // **kwargs
	first    int  // parameters from here on are given by name only
}

type param struct {
	name string
	def  starlark.Value // nil: must be given
}

// predeclared are the names that a scenario finds. It is shared by all runs: nothing in it can change.
var predeclared = predeclare()

var predeclaredNames = slices.Sorted(maps.Keys(predeclared))

// modelOnly are the builtins that only the model can serve.
var modelOnly = func() map[string]bool {
	names := map[string]bool{}
	for _, r := range table {
		name, _, _ := strings.Cut(r.sig, "(")
		names[name] = r.where == inModel
	}
	return names
}()

func predeclare() starlark.StringDict {
	names := starlark.StringDict{}
	for _, c := range abi.Constants() {
		names[c.Name] = starlark.MakeInt64(c.Value)
	}
	for _, e := range abi.Errnos() {
		names[e.Name()] = &errno{number: e}
	}
	for _, second := range []string{"EWOULDBLOCK", "EDEADLOCK", "ENOTSUP"} {
		if e, ok := abi.ErrnoByName(second); ok {
			names[second] = names[e.Name()]
		}
	}
	for _, r := range table {
		b := parse(r, names)
		if names.Has(b.name) {
			panic("scenario: two meanings of " + b.name)
		}
		names[b.name] = starlark.NewBuiltin(b.name, b.call)
	}
	return names
}

// parse reads the signature of a row. It panics if that is wrong: signatures are part of our text.
func parse(r row, constants starlark.StringDict) *builtin {
	name, list, ok := strings.Cut(strings.TrimSuffix(r.sig, ")"), "(")
	if !ok {
		panic("scenario: signature " + r.sig)
	}
	b := &builtin{row: r, name: name, first: -1}
	for text := range strings.SplitSeq(list, ", ") {
		switch {
		case text == "":
		case strings.HasPrefix(text, "**"):
			b.keywords = true
		case strings.HasPrefix(text, "*"):
			b.varargs, b.first = true, len(b.params)
		default:
			name, def, optional := strings.Cut(text, "=")
			p := param{name: name}
			if optional {
				p.def = defaultValue(def, constants)
			}
			b.params = append(b.params, p)
		}
	}
	if b.first < 0 {
		b.first = len(b.params)
	}
	return b
}

func defaultValue(text string, constants starlark.StringDict) starlark.Value {
	if text == "None" {
		return starlark.None
	}
	if v, ok := constants[text]; ok {
		return v
	}
	if n, err := strconv.Atoi(text); err == nil {
		return starlark.MakeInt(n)
	}
	s, err := strconv.Unquote(text)
	if err != nil {
		panic("scenario: default value " + text)
	}
	return starlark.String(s)
}

// call binds the arguments and runs the function of the row.
func (b *builtin) call(star *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	t := threadOf(star)
	if t.run.failure != nil {
		return nil, errOver
	}
	if t.calls == nil && b.where != anywhere {
		return nil, fmt.Errorf("%s: a final condition is evaluated when the run is over and cannot make system calls", b.name)
	}
	c := t.spare
	t.spare = nil
	if c == nil {
		c = new(call)
	}
	*c = call{thread: t, builtin: b}
	if err := c.bind(args, kwargs); err != nil {
		return nil, err
	}
	returned := false
	defer func() {
		if !returned {
			t.unwound()
		}
	}()
	v, err := b.fn(c)
	returned = true
	if b.where == inThread {
		if on := t.run.opts.OnCall; on != nil && err == nil {
			on(c.record(v))
		}
		t.turn()
	}
	t.spare = c
	return v, err
}

// bind gives every parameter its argument or default.
func (c *call) bind(args starlark.Tuple, kwargs []starlark.Tuple) error {
	b := c.builtin
	c.values = c.store[:0]
	if n := len(b.params); n > len(c.store) {
		c.values = make([]starlark.Value, 0, n)
	}
	if len(args) > b.first {
		if !b.varargs {
			return fmt.Errorf("%s: got %d arguments, want at most %d: %s", b.name, len(args), b.first, b.sig)
		}
		c.rest, args = args[b.first:], args[:b.first]
	}
	c.values = append(c.values, args...)
	c.values = c.values[:len(b.params)]
	for _, pair := range kwargs {
		name := string(pair[0].(starlark.String))
		i := slices.IndexFunc(b.params, func(p param) bool { return p.name == name })
		switch {
		case i < 0 && b.keywords:
			c.named = append(c.named, pair)
		case i < 0:
			return c.unknown(name)
		case c.values[i] != nil:
			return fmt.Errorf("%s: %s is given twice: %s", b.name, name, b.sig)
		default:
			c.values[i] = pair[1]
		}
	}
	for i, p := range b.params {
		if c.values[i] == nil {
			if p.def == nil {
				return fmt.Errorf("%s: %s is missing: %s", b.name, p.name, b.sig)
			}
			c.values[i] = p.def
		}
	}
	return nil
}

func (c *call) unknown(name string) error {
	var names []string
	for _, p := range c.builtin.params {
		names = append(names, p.name)
	}
	hint := ""
	if n := Nearest(name, names); n != "" {
		hint = fmt.Sprintf(" (did you mean %s?)", n)
	}
	return fmt.Errorf("%s: no parameter is called %s%s: %s", c.builtin.name, name, hint, c.builtin.sig)
}
