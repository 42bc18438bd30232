package strace

import (
	"strings"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
)

// Pointer is an argument of which a log has no more than the address: memory that strace could not read, or did not
// because the call had failed.
type Pointer uint64

// Unseen is an argument that a log does not show: one that is known at the end of a call, before that end or where it is
// missing, and the first ones of a call whose begin is missing.
type Unseen struct{}

// Typed is a call of a log in the types of the model.
//
// Args are all those of the C prototype, in the types of kernel.Call: int, []byte, *abi.EpollEvent, []abi.EpollEvent, []abi.PollFd (with the
// events reported), *abi.FdSet (as it was passed), *abi.SigSet, *abi.Timespec, *abi.Timeval, *abi.Itimerspec, kernel.SigAction, *[2]int, [2]uint64 (struct rlimit), abi.Sockaddr,
// *kernel.Message, *abi.Termios, string (a path); nil for NULL, [Pointer], [Unseen], and *Value where the model has no type for what the
// log shows.
//
// A system call that the model has under the name of a newer one stands under that: open is openat, eventfd is eventfd2, readv is read.
type Typed struct {
	kernel.Call
	Cut   uint64        // bit i: argument i is longer than the log shows; a buffer has as much as is shown
	Ready *[3]abi.FdSet // of select that has come back: what is ready for in, out, except
	Left  *abi.Timespec // of select and ppoll, the time that was left
	More  bool          // of poll that has come back: more was ready than is shown
	Peer  *abi.Sockaddr // of sendmsg and recvmsg: msg_name, if it is of a family that the model has
	args  []Value       // in the order of Args
	call  *Call
}

// Number gives argument i as a number; NULL is 0. It is false for all else, and for flags with a name that nobody knows.
func (t *Typed) Number(i int) (int64, bool) {
	if i >= len(t.Args) {
		return 0, false
	}
	switch arg := t.Args[i].(type) {
	case nil:
		return 0, true
	case int:
		return int64(arg), true
	case Pointer:
		return int64(arg), true
	case *Value:
		return arg.Number()
	}
	return 0, false
}

// Shown reports whether a log shows all of argument i.
func (t *Typed) Shown(i int) bool { return t.Cut>>i&1 == 0 }

// Where gives the place of argument i.
func (t *Typed) Where(i int) Pos {
	if i < len(t.args) && t.args[i].Kind != ValueNone {
		return t.call.Where(t.args[i].Col)
	}
	return t.call.Begin.Pos
}

// Modelled reports whether the model has a system call of this name, or one that does the same.
func Modelled(name string) bool {
	if other, ok := aliases[name]; ok {
		name = other.name
	}
	return rowByName[name] != nil
}

// Modern gives the name under which the model has a system call, if it has that under another one.
func Modern(name string) string {
	if other, ok := aliases[name]; ok {
		return other.name
	}
	return name
}

// Typed gives the call in the types of the model. The error is an *Error that names the first argument which the model has no
// type for: a name that nobody knows, an address of a family that is not modelled; or the call, if there is no such call in the model.
// What is returned beside it is the call as far as it has types.
func (c *Call) Typed() (*Typed, error) {
	name, values := c.Name, c.Args
	if other, ok := aliases[name]; ok {
		name = other.name
		if other.args != nil && !c.Headless {
			values = other.args(values)
		}
	}
	t := &Typed{call: c}
	t.Name, t.Done = name, c.State == CallDone
	if c.Task != nil {
		t.Tid = c.Task.Tid
	}
	t.Ret, t.Err = c.Result.Ret, c.Result.Err
	if c.Result.Unknown || c.Result.Failed {
		t.Ret = -1
	}
	row := rowByName[name]
	if row == nil {
		t.untyped(values)
		return t, &Error{c.Begin.Pos, "the model has no system call " + c.Name}
	}
	ty := typer{Typed: t, row: row}
	if c.Result.ErrName != "" && t.Err == 0 {
		ty.err = &Error{c.End.Pos, "nobody knows the error " + c.Result.ErrName}
	}
	values = row.unglue(values)
	if c.Headless {
		all := len(row.params) + row.longestRest()
		if tail := row.tailFor(nil); row.choose == nil || len(row.rest) == 0 {
			all = len(tail.params)
		}
		ty.first = max(0, all-len(values))
		values = append(make([]Value, ty.first), values...)
	}
	t.args = values
	ty.run()
	if ty.err != nil {
		return t, ty.err
	}
	return t, nil
}

// untyped is for a call that the model has not.
func (t *Typed) untyped(values []Value) {
	t.args, t.Args = values, make([]any, len(values))
	for i := range values {
		t.Args[i] = &values[i]
		if values[i].Cut {
			t.Cut |= 1 << i
		}
	}
}

// typer gives the arguments of one call their types.
type typer struct {
	*Typed
	row    *row
	params []param
	first  int    // arguments before this one are not in the log
	err    *Error // the first one
}

// reader gives a value its type. It is false if the value does not have the form.
type reader func(ty *typer, v *Value, i int) (any, bool)

func (ty *typer) run() {
	ty.params = ty.row.params
	ty.take(0)
	if ty.row.choose != nil {
		chosen := make([]any, 0, 8)
		chosen = append(chosen, ty.Args...)
		for len(chosen) < 4 {
			var next any = absent{}
			if i := len(chosen); i < len(ty.args) && ty.args[i].Kind != ValueNull {
				next = Pointer(addrMemory)
			}
			chosen = append(chosen, next)
		}
		ty.params = ty.row.resolve(chosen).params
		ty.take(len(ty.row.params))
	}
	ty.notes()
}

// take gives the arguments from i on their types.
func (ty *typer) take(i int) {
	for ; i < len(ty.params); i++ {
		if i < ty.first || i >= len(ty.args) {
			ty.Args = append(ty.Args, Unseen{})
			continue
		}
		v := &ty.args[i]
		arg, ok := ty.read(v, i)
		if !ok {
			arg = v
			if ty.err == nil {
				ty.err = &Error{ty.Where(i), ty.call.Name + ": argument " + string(rune('1'+i)) + ", " + clip(v.text()) +
					", is none that the model has"}
			}
		}
		if v.Cut {
			ty.Cut |= 1 << i
		}
		ty.Args = append(ty.Args, arg)
	}
}

// read gives one argument its type.
func (ty *typer) read(v *Value, i int) (any, bool) {
	p := ty.params[i]
	if p.absent != "" && v.Kind == ValueFlags && !v.Known && v.Text == p.absent {
		return absent{}, true
	}
	if p.form.memory() {
		switch {
		case v.IsNull():
			return nil, true
		case v.Pointer():
			return Pointer(v.Int), true
		}
	}
	return readers[p.form](ty, v, i)
}

// notes reads what stands behind the result.
func (ty *typer) notes() {
	r := &ty.call.Result
	switch ty.Name {
	case "select", "pselect6":
		if ty.call.State != CallDone || r.Failed || r.Unknown {
			return
		}
		ty.Ready = &[3]abi.FdSet{}
		for i := range r.Notes {
			switch n := &r.Notes[i]; n.Name {
			case "in":
				ty.Ready[0], _ = fdSetOf(n)
			case "out":
				ty.Ready[1], _ = fdSetOf(n)
			case "except", "exc": // of old versions
				ty.Ready[2], _ = fdSetOf(n)
			}
		}
	case "poll", "ppoll":
		ty.ready()
	}
	for i := range r.Notes {
		if n := &r.Notes[i]; n.Name == "left" {
			if ts, ok := timeOf(n); ok {
				ty.Left = &ts
			}
		}
	}
}

// ready puts the events that poll has reported where the program finds them. Entries that strace shows only there, for the array
// was too long, stand behind those shown: what they were waiting for is not known.
func (ty *typer) ready() {
	fds, _ := ty.Args[0].([]abi.PollFd)
	notes := ty.call.Result.Notes
	if len(notes) == 0 || notes[0].Kind != ValueArray {
		return
	}
	ty.More = notes[0].Cut
	at := 0
	for i := range notes[0].List {
		item := &notes[0].List[i]
		fd, ok := item.number("fd")
		events, known := item.number("revents")
		if !ok || !known {
			continue
		}
		for at < len(fds) && int64(fds[at].Fd) != fd {
			at++
		}
		if at < len(fds) {
			fds[at].Revents = int16(events)
		} else if !ty.Shown(0) {
			fds = append(fds, abi.PollFd{Fd: int32(fd), Revents: int16(events)})
		}
		at++
	}
	if fds != nil {
		ty.Args[0] = fds
	}
}

// unglue takes apart what strace shows as one value before and after the call, where C has two arguments.
func (r *row) unglue(values []Value) []Value {
	for i, p := range r.params {
		if p.glue != " => " || i > len(values) {
			continue
		}
		after := Value{}
		if v := values[i-1]; v.Kind == ValueChange {
			after = v.List[1]
		}
		values = put(values, i, after)
	}
	return values
}

// tailFor gives the params of a call of which no argument is known that decides how the others look.
func (r *row) tailFor([]any) tail {
	if r.choose == nil {
		return tail{r.params, r.result}
	}
	return tail{append(r.params[:len(r.params):len(r.params)], r.other.params...), r.other.result}
}

// text is a value as a message shows it.
func (v *Value) text() string {
	if v.Kind == ValueString {
		return string(appendQuoted(nil, []byte(v.Text)))
	}
	return v.Text
}

func clip(s string) string {
	if len(s) > 40 {
		return strings.ToValidUTF8(s[:40], "?") + "…"
	}
	return s
}

// number gives a field as a number.
func (v *Value) number(field string) (int64, bool) {
	if f := v.Field(field); f != nil {
		return f.Number()
	}
	return 0, false
}

// at gives the field of a name, or where the fields have none, the i-th.
func (v *Value) at(field string, i int) *Value {
	if f := v.Field(field); f != nil {
		return f
	}
	if v.Kind == ValueStruct && i < len(v.List) && v.List[i].Name == "" {
		return &v.List[i]
	}
	return &Value{}
}
