package strace

import (
	"fmt"
	"strings"

	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/sim"
)

// Words returns what words system calls for a table with a column per thread: as strace spells them when they begin, and only the
// result when they end. Of other events it says nothing.
func Words() func(sim.Event) string {
	speller := NewSpeller(Options{})
	return func(e sim.Event) string {
		call, ok := e.Arg.(*kernel.Call)
		switch {
		case !ok:
			return ""
		case e.What == kernel.TraceEnter:
			sp := speller.Enter(call, e.Time)
			return sp.Name + "(" + strings.Join(sp.Args, ", ") + ")"
		case call.Err != 0:
			return call.Name + " = " + call.Err.Name()
		}
		return fmt.Sprintf("%s = %d", call.Name, call.Ret)
	}
}
