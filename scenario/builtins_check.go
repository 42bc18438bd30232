package scenario

import (
	"errors"
	"fmt"

	"go.starlark.net/starlark"
)

var checkRows = []row{
	{sig: `check(cond, msg="")`, result: "None", help: "record a failure if cond is false, and go on", fn: check, where: anywhere},
	{sig: "exists(fn)", result: "None", help: "when the run ends, report whether fn() is true", fn: exists, where: anywhere},
	{sig: "forall(fn)", result: "None", help: "when the run ends, fail it if fn() is false", fn: forall, where: anywhere},
	{sig: "never(fn)", result: "None", help: "when the run ends, fail it if fn() is true", fn: never, where: anywhere},
	{sig: "outcome(**values)", result: "None", help: "record names and values for the table of outcomes", fn: outcome, where: anywhere},
	{sig: `print(*args, sep=" ")`, result: "None", help: "print to standard output", fn: printLine, where: anywhere},
	{sig: "kernel(version)", result: "None", help: `the first statement of a program: run on this version, such as "5.10"`, fn: kernelVersion, where: inModel},
}

func check(c *call) (starlark.Value, error) {
	cond, msg := c.next(), c.next()
	if cond.Truth() {
		return starlark.None, nil
	}
	c.thread.record()
	f := Failure{Pos: c.run.prog.start(c.place()), Cond: c.run.prog.argumentText(c.place()), Msg: display(msg)}
	if res := c.run.result; len(res.Failed) < MaxFailures {
		res.Failed = append(res.Failed, f)
	} else {
		res.MoreFailed++
	}
	if c.run.opts.OnCheck != nil {
		c.run.opts.OnCheck(f)
	}
	return starlark.None, nil
}

// display is v as print shows it.
func display(v starlark.Value) string {
	switch v := v.(type) {
	case starlark.String:
		return string(v)
	case starlark.Bytes:
		return string(v)
	}
	return v.String()
}

func exists(c *call) (starlark.Value, error) { return c.condition() }
func forall(c *call) (starlark.Value, error) { return c.condition() }
func never(c *call) (starlark.Value, error)  { return c.condition() }

func outcome(c *call) (starlark.Value, error) {
	if len(c.named) == 0 {
		return nil, errors.New("outcome: nothing to record, want outcome(name=value, …)")
	}
	c.thread.record()
	for _, pair := range c.named {
		c.run.result.Outcomes = append(c.run.result.Outcomes, Outcome{display(pair[0]), pair[1].String()})
	}
	return starlark.None, nil
}

func printLine(c *call) (starlark.Value, error) {
	c.thread.record()
	sep, ok := starlark.AsString(c.next())
	if !ok {
		c.wrong("got %s, want string", given(c.values[0]))
		return nil, c.err
	}
	if c.run.opts.Stdout == nil {
		return starlark.None, nil
	}
	var line []byte
	for i, v := range c.rest {
		if i > 0 {
			line = append(line, sep...)
		}
		line = append(line, display(v)...)
	}
	if _, err := c.run.opts.Stdout.Write(append(line, '\n')); err != nil {
		return nil, fmt.Errorf("print: %w", err)
	}
	return starlark.None, nil
}

// kernelVersion does nothing: who runs the program has asked for the version before. Compile has seen to it
// that no other call of that name is in the text.
func kernelVersion(c *call) (starlark.Value, error) {
	place := c.place()
	first := c.run.prog.kernel
	if first == nil || place.Line != first.Lparen.Line || place.Col != first.Lparen.Col {
		return nil, errors.New(kernelUsage)
	}
	return starlark.None, nil
}
