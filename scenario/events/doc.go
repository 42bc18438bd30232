// Package events is --trace=json: what happens on the machine as NDJSON, an object on each line, for programs.
//
//	w := events.New(os.Stdout, events.Options{})
//	k := kernel.Boot(kernel.Options{Machine: sim.Options{Trace: w.Event}})
//	…
//	err := w.Close()
//
// A [Writer] is a pure function over the events of the machine. docs/trace-json.md describes every field of every
// kind; a test holds the lines against that page. Fields come in a fixed order, those that mean nothing are absent,
// and the same run is the same bytes. [Schema] changes when a field changes its meaning or goes; new fields and
// kinds may come without.
//
//	sim.Event ──► Writer ──► Record ──► one line
//	               └ strace.Speller: names and arguments of system calls, as strace spells them
//
// Read record.go. Package steps is the same for people.
package events
