package strace

import (
	"regexp"
	"strings"

	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/sim/explore"
)

// Words returns what words the kernel's events for a table with a column per thread, as strace spells them: calls when they begin;
// when they end, the result and what was received; signals that are delivered, and threads that a signal kills.
func Words() func(sim.Event) explore.Words {
	speller := NewSpeller(Options{})
	return func(e sim.Event) explore.Words {
		switch arg := e.Arg.(type) {
		case *kernel.Call:
			if e.What == kernel.TraceEnter {
				return explore.Words{Text: plain(arg, speller.Enter(arg, e.Time).Text)}
			}
			return ended(arg, speller.Exit(arg, e.Time))
		case *kernel.SignalInfo:
			text, _, _ := strings.Cut(speller.Signal(arg, e.Time), " {")
			return explore.Words{Text: text + " ---"}
		case *kernel.ThreadEnd:
			if text := speller.End(arg, e.Time); arg.Signal != 0 {
				return explore.Words{Text: text}
			}
		}
		return explore.Words{}
	}
}

// ended words the end of a call: its result, with the first of what only the end can tell – the events, the bytes –, and the whole
// of it.
func ended(call *kernel.Call, sp *Spelling) explore.Words {
	result, _, _ := strings.Cut(sp.Result, " (")
	text := call.Name + " = " + result
	if call.Err == 0 && sp.early < len(sp.Args) && sp.Args[sp.early] != "NULL" {
		text += ": " + data.ReplaceAllString(sp.Args[sp.early], "data=$1")
	}
	return explore.Words{Text: text, Whole: plain(call, strings.TrimSuffix(sp.Text, sp.Result)+result)}
}

// plain leaves out how libc has a thread or process made: what is of interest is its number. The data of an event is a number.
func plain(call *kernel.Call, text string) string {
	if call.Name != "clone3" && call.Name != "clone" {
		return data.ReplaceAllString(text, "data=$1")
	}
	result := ""
	if i := strings.LastIndex(text, ") = "); i >= 0 {
		result = text[i+1:]
	}
	return call.Name + "(…)" + result
}

// data is what an event carries, which strace prints twice if it fits into 32 bits.
var data = regexp.MustCompile(`data=\{u32=\d+, u64=(\d+)\}`)
