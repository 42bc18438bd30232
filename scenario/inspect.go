package scenario

import (
	"fmt"
	"reflect"
	"strings"
	"unicode"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/epollsim/epollsim/eventpoll"
	"github.com/epollsim/epollsim/kernel"
)

var modelRows = []row{
	{sig: "inspect(epfd)", result: "struct", where: inModel,
		help: "the inside of an epoll instance: .rbr .rdllist .ovflist .wq .poll_wait, each a list", fn: inspect, lists: true},
	{sig: "fdinfo(fd)", result: "string", where: inModel, help: "what /proc/self/fdinfo has of fd", fn: fdinfo},
	{sig: "configure(name, value)", result: "None", where: inModel,
		help: "change what the machine is: fs.epoll.max_user_watches, fs.inotify.max_user_instances, .max_user_watches and .max_queued_events, or CONFIG_PM_SLEEP (0 or 1)", fn: configure},
	{sig: "mounts_changed()", result: "None", where: inModel,
		help: "the machine mounts or unmounts a file system: who polls /proc/self/mounts is told", fn: mountsChanged},
	{sig: "counters()", result: "dict", where: inModel, help: "the cost counters of the kernel, name to number", fn: counters, lists: true},
}

// machine is a World that can be told what a program finds.
type machine interface {
	Configure(name string, value int) error
	MountsChanged()
}

func configure(c *call) (starlark.Value, error) {
	name, value := c.text(), c.cint()
	if c.err != nil {
		return nil, c.err
	}
	world, ok := c.run.world.(machine)
	if !ok {
		return nil, errNoModel(c)
	}
	c.looksAtEverything()
	if err := world.Configure(name, value); err != nil {
		return nil, fmt.Errorf("%s: %w", c.builtin.name, err)
	}
	return starlark.None, nil
}

func mountsChanged(c *call) (starlark.Value, error) {
	world, ok := c.run.world.(machine)
	if !ok {
		return nil, errNoModel(c)
	}
	c.looksAtEverything()
	world.MountsChanged()
	return starlark.None, nil
}

// inspector is a World that can show the inside of an epoll instance.
type inspector interface {
	Inspect(c kernel.Calls, epfd int) (*eventpoll.State, error)
}

// counting is a World that counts what calls cost.
type counting interface{ Counters() []kernel.Counter }

func inspect(c *call) (starlark.Value, error) {
	epfd := c.cint()
	if c.err != nil {
		return nil, c.err
	}
	c.looksAtEverything()
	world, ok := c.run.world.(inspector)
	if !ok {
		return nil, errNoModel(c)
	}
	state, err := world.Inspect(c.calls, epfd)
	if err != nil {
		return c.result(nil, err)
	}
	return plain(reflect.ValueOf(state)), nil
}

// describer is a World's thread that knows what /proc says of its descriptors.
type describer interface {
	Fdinfo(fd int) (string, error)
}

func fdinfo(c *call) (starlark.Value, error) {
	fd := c.cint()
	if c.err != nil {
		return nil, c.err
	}
	t, ok := c.calls.(describer)
	if !ok {
		return nil, errNoModel(c)
	}
	text, err := t.Fdinfo(fd)
	return c.result(starlark.String(text), err)
}

func counters(c *call) (starlark.Value, error) {
	c.looksAtEverything()
	world, ok := c.run.world.(counting)
	if !ok {
		return nil, errNoModel(c)
	}
	dict := starlark.NewDict(8)
	for _, counter := range world.Counters() {
		if err := dict.SetKey(starlark.String(counter.Name), starlark.MakeUint64(counter.Value)); err != nil {
			return nil, err
		}
	}
	return dict, nil
}

func errNoModel(c *call) error {
	return fmt.Errorf("%s: only the model can answer this, and the program runs on another kernel", c.builtin.name)
}

// plain turns plain Go data into Starlark values: a struct into a struct, its fields renamed from PollWait to
// poll_wait; a slice into a list.
func plain(v reflect.Value) starlark.Value {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return starlark.None
		}
		return plain(v.Elem())
	case reflect.Struct:
		fields := starlark.StringDict{}
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				fields[snake(f.Name)] = plain(v.Field(i))
			}
		}
		return starlarkstruct.FromStringDict(starlarkstruct.Default, fields)
	case reflect.Slice, reflect.Array:
		list := make([]starlark.Value, v.Len())
		for i := range list {
			list[i] = plain(v.Index(i))
		}
		return starlark.NewList(list)
	case reflect.Bool:
		return starlark.Bool(v.Bool())
	case reflect.String:
		return starlark.String(v.String())
	case reflect.Float32, reflect.Float64:
		return starlark.Float(v.Float())
	}
	switch {
	case v.CanInt():
		return starlark.MakeInt64(v.Int())
	case v.CanUint():
		return starlark.MakeUint64(v.Uint())
	}
	panic("scenario: not plain data: " + v.Kind().String())
}

// snake turns a name of Go into one of Starlark: PollWait into poll_wait.
func snake(name string) string {
	var s strings.Builder
	for i, r := range name {
		if unicode.IsUpper(r) && i > 0 && !unicode.IsUpper(rune(name[i-1])) {
			s.WriteByte('_')
		}
		s.WriteRune(unicode.ToLower(r))
	}
	return s.String()
}
