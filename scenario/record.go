package scenario

import (
	"fmt"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/epollsim/epollsim/abi"
)

// Call is a system call that a program has made, told as text.
type Call struct {
	Thread string // its path: "main", "main/1 waiter" for the first thread that main started
	Pos    syntax.Position
	Name   string // of the builtin
	Args   string
	Result string // whole, for comparing
	Own    bool   // the result is this run's own (a pid, a time) and means nothing in another

	Params []Param        // every parameter of the builtin with its value, given or not
	Value  starlark.Value // the result, if Errno is 0
	Errno  abi.Errno      // of a call that failed

	Handled   []abi.Signal // whose handlers have run in this call, in the order in which they began
	InHandler bool         // the call is one that a handler has made
	Started   string       // the path of the thread that spawn or fork has started
}

// Param is an argument by the name of its parameter.
type Param struct {
	Name  string
	Value starlark.Value
}

// String is the call as a line: epoll_wait(3, 64, 0) = [(EPOLLIN, 4)].
func (c Call) String() string {
	const most = 100
	result := c.Result
	if len(result) > most {
		result = fmt.Sprintf("%s… (%d characters)", result[:most], len(result))
	}
	return fmt.Sprintf("%s(%s) = %s", c.Name, c.Args, result)
}

// record tells the call c, which has returned v.
func (c *call) record(v starlark.Value) Call {
	if !c.builtin.lists && canChange(v) {
		panic("scenario: " + c.builtin.name + " returns what the program can change, and its row does not say so")
	}
	var args []string
	for i, arg := range c.values {
		if arg == c.builtin.params[i].def && i > 0 && c.builtin.params[i].name != "timeout" {
			continue
		}
		args = append(args, argument(c.builtin.params[i].name, arg))
	}
	told := Call{
		Thread: c.path.String(), Pos: c.run.prog.start(c.place()), Name: c.builtin.name, Args: strings.Join(args, ", "),
		Result: resultText(c.builtin.name, v), Own: c.builtin.own || c.own, Params: make([]Param, len(c.values)), Value: v,
	}
	for i, arg := range c.values {
		told.Params[i] = Param{c.builtin.params[i].name, arg}
	}
	if c.started != nil {
		told.Started = c.started.String()
	}
	if told.InHandler = c.handling > 0; !told.InHandler {
		told.Handled, c.handled = c.handled, nil
	}
	if e, ok := v.(*errno); ok {
		told.Errno, told.Value = e.number, nil
	}
	return told
}

func argument(name string, v starlark.Value) string {
	if n, ok := v.(starlark.Int); ok && name == "events" {
		if u, ok := n.Uint64(); ok {
			return abi.Events(u).String()
		}
	}
	if data, ok := v.(starlark.Bytes); ok && len(data) > longestText {
		v = data[:longestText] // a byte is at least a character
	}
	return clip(v.String())
}

// resultText spells event masks by name, everything else as Starlark prints it. Of a running timer the time that is left is
// the run's own, and so is a port that the kernel has chosen.
func resultText(name string, v starlark.Value) string {
	if t, ok := v.(starlark.Tuple); ok {
		switch name {
		case "getsockname", "getpeername":
			return addressText(t)
		case "recvfrom":
			if from, ok := t[1].(starlark.Tuple); ok {
				return "(" + t[0].String() + ", " + addressText(from) + ")"
			}
		}
	}
	if t, ok := v.(starlark.Tuple); ok && name == "timerfd_gettime" && bool(t[0].Truth()) {
		return "(running, " + t[1].String() + ")"
	}
	list, ok := v.(*starlark.List)
	if ok && name == "inotify_read" {
		return inotifyText(list)
	}
	mask := map[string]int{"epoll_wait": 0, "epoll_pwait": 0, "epoll_pwait2": 0, "poll": 1, "ppoll": 1}
	at, known := mask[name]
	if !ok || !known {
		return v.String()
	}
	var items []string
	for item := range starlark.Elements(list) {
		pair := item.(starlark.Tuple)
		n, _ := pair[at].(starlark.Int).Uint64()
		text := [2]string{pair[0].String(), pair[1].String()}
		text[at] = abi.Events(n).String()
		items = append(items, "("+text[0]+", "+text[1]+")")
	}
	return "[" + strings.Join(items, ", ") + "]"
}

// Ports that the kernel gives to who does not ask for one: net.ipv4.ip_local_port_range.
const firstGivenPort, lastGivenPort = 32768, 60999

// addressText is a pair of IP address and port; a port that the kernel may have chosen is not told.
func addressText(t starlark.Tuple) string {
	if port, err := starlark.AsInt32(t[1]); err == nil && port >= firstGivenPort && port <= lastGivenPort {
		return "(" + t[0].String() + ", port)"
	}
	return t.String()
}

// inotifyText spells the masks of inotify events by name.
func inotifyText(list *starlark.List) string {
	var items []string
	for item := range starlark.Elements(list) {
		e := item.(starlark.Tuple)
		mask, _ := e[1].(starlark.Int).Int64()
		items = append(items, "("+e[0].String()+", "+abi.Flags("IN", mask)+", "+e[2].String()+", "+e[3].String()+")")
	}
	return "[" + strings.Join(items, ", ") + "]"
}
