package scenario

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"go.starlark.net/starlark"

	"github.com/epollsim/epollsim/abi"
)

// call is one call of a builtin. The function of the row takes the arguments in the order of the signature,
// each as the C type of that place; the first that does not fit is remembered in err, which the function
// looks at before it acts.
type call struct {
	*thread
	builtin *builtin
	values  []starlark.Value // by parameter
	store   [5]starlark.Value
	rest    starlark.Tuple   // for *args
	named   []starlark.Tuple // for **kwargs
	at      int              // next parameter
	own     bool             // the result is this run's own, though the builtin's is not always
	started *lineage         // what spawn or fork has started
	err     error
}

// next returns the next argument as it is.
func (c *call) next() starlark.Value {
	c.at++
	return c.values[c.at-1]
}

// wrong notes that the argument taken last does not fit.
func (c *call) wrong(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("%s: %s: %s", c.builtin.name, c.builtin.params[c.at-1].name, fmt.Sprintf(format, args...))
	}
}

// integer takes a whole number from low to high, of the C type that want names.
func (c *call) integer(low int64, high uint64, want string) uint64 {
	return c.number(c.next(), low, high, want)
}

func (c *call) number(v starlark.Value, low int64, high uint64, want string) uint64 {
	n, ok := v.(starlark.Int)
	if !ok {
		c.wrong("got %s, want %s", given(v), want)
		return 0
	}
	if i, ok := n.Int64(); ok && i >= low && (i < 0 || uint64(i) <= high) {
		return uint64(i)
	}
	if u, ok := n.Uint64(); ok && u <= high {
		return u
	}
	c.wrong("%s does not fit, want %s", clip(n.String()), want)
	return 0
}

// cint takes a C int.
func (c *call) cint() int {
	return int(int64(c.integer(math.MinInt32, math.MaxInt32, "an int of 32 bits")))
}

// flags takes a C int that is a set of bits: the highest may be given as a sign or as 1<<31.
func (c *call) flags() int { return int(int32(c.mask())) }

// mask takes an unsigned int that is a set of bits.
func (c *call) mask() uint32 {
	return uint32(c.integer(math.MinInt32, math.MaxUint32, "an int of 32 bits"))
}

// long takes a C long.
func (c *call) long() int {
	return int(int64(c.integer(math.MinInt64, math.MaxUint64, "an int of 64 bits")))
}

// unsigned takes a uint64_t.
func (c *call) unsigned() uint64 { return c.integer(0, math.MaxUint64, "an int from 0 to 2**64-1") }

// buffer takes a string of bytes into the thread's buffer; putBytes gives it back.
func (c *call) buffer() []byte {
	v := c.next()
	data, ok := v.(starlark.Bytes)
	if !ok {
		hint := ""
		if _, ok := v.(starlark.String); ok {
			hint = `: write b"…"`
		}
		c.wrong("got %s, want bytes%s", given(v), hint)
		return nil
	}
	buf := c.takeBytes(len(data))
	copy(buf, data)
	return buf
}

// text takes a string without NUL, as C has them.
func (c *call) text() string {
	v := c.next()
	s, ok := starlark.AsString(v)
	if !ok {
		c.wrong("got %s, want string", given(v))
		return ""
	}
	for i := range len(s) {
		if s[i] == 0 {
			c.wrong("%s contains a NUL", clip(strconv.Quote(s)))
			return ""
		}
	}
	return s
}

// function takes what can be called.
func (c *call) function() starlark.Callable {
	v := c.next()
	fn, ok := v.(starlark.Callable)
	if !ok {
		c.wrong("got %s, want a function", given(v))
	}
	return fn
}

// list takes a list, tuple or other sequence; none tells that None was given.
func (c *call) list(want string) (items []starlark.Value, none bool) {
	v := c.next()
	if v == starlark.None {
		return nil, true
	}
	return c.sequence(v, want), false
}

func (c *call) sequence(v starlark.Value, want string) []starlark.Value {
	seq, ok := v.(starlark.Iterable)
	if !ok {
		c.wrong("got %s, want %s", given(v), want)
		return nil
	}
	var items []starlark.Value
	for item := range starlark.Elements(seq) {
		items = append(items, item)
	}
	return items
}

// signals takes a list of signals; nil if None was given.
func (c *call) signals() *abi.SigSet {
	const want = "a list of signals such as [SIGUSR1]"
	items, none := c.list(want)
	if none {
		return nil
	}
	var set abi.SigSet
	for _, item := range items {
		n, ok := item.(starlark.Int)
		if !ok {
			c.wrong("got %s in the list, want %s", given(item), want)
			break
		}
		sig, ok := n.Int64()
		if !ok || sig < int64(abi.SIGHUP) || sig > int64(abi.SIGRTMAX) {
			c.wrong("%s is no signal, want %s", clip(n.String()), want)
			break
		}
		set.Add(abi.Signal(sig))
	}
	return &set
}

// result is what a call returns that ended with err: v, or the errno.
func (c *call) result(v starlark.Value, err error) (starlark.Value, error) {
	if err == nil {
		return v, nil
	}
	if c.run.failure != nil {
		return nil, errOver
	}
	var number abi.Errno
	if !errors.As(err, &number) {
		return nil, fmt.Errorf("%s: %w", c.builtin.name, err)
	}
	return c.run.unlooked.add(c.thread, c.builtin.name, number), nil
}

// int is the result n, or the errno.
func (c *call) int(n int, err error) (starlark.Value, error) {
	return c.result(starlark.MakeInt(n), err)
}

// zero is the result 0, or the errno.
func (c *call) zero(err error) (starlark.Value, error) { return c.int(0, err) }

// given describes an argument for a message: its type, and its value if that is short.
func given(v starlark.Value) string {
	switch v := v.(type) {
	case starlark.NoneType:
		return "None"
	case starlark.String, starlark.Bytes, starlark.Bool, starlark.Int, starlark.Float, *errno, *task, *process:
		return v.Type() + " " + clip(v.String())
	}
	return v.Type()
}

// longestText is how much of a value a message shows.
const longestText = 40

func clip(s string) string {
	if len(s) > longestText {
		return s[:longestText] + "…"
	}
	return s
}

// Buffers of a thread. Large ones are not kept.
const keep = 1 << 20

func (t *thread) takeBytes(n int) []byte {
	buf := t.bytes
	t.bytes = nil
	if cap(buf) < n || buf == nil {
		buf = make([]byte, n, max(n, 64))
	}
	return buf[:n]
}

func (t *thread) putBytes(buf []byte) {
	if cap(buf) <= keep {
		t.bytes = buf
	}
}

func (t *thread) takeEvents(n int) []abi.EpollEvent {
	buf := t.events
	t.events = nil
	if cap(buf) < n || buf == nil {
		buf = make([]abi.EpollEvent, n, max(n, 64))
	}
	return buf[:n]
}

func (t *thread) putEvents(buf []abi.EpollEvent) {
	if cap(buf) <= keep/16 {
		t.events = buf
	}
}
