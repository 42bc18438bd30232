// Package steps is the text of --trace=steps: what happens inside each system call, in the kernel's terms, nested
// as ftrace's function_graph nests it.
//
//	w := steps.New(os.Stdout, steps.Options{})
//	k := kernel.Boot(kernel.Options{Machine: sim.Options{Trace: w.Event}})
//	…
//	err := w.Close()
//
// A [Writer] is a pure function over the events of the machine. System calls are in the words of scenario/strace,
// which owns them. docs/steps.md numbers the columns and names each above a real trace.
//
// Leaves out the accesses to fields, unless asked for: there is one for each step, and they are what an explorer
// reorders.
//
//	sim.Event ──► Writer ── text: what each kind of event says       text.go
//	               │
//	               ├ pending: the function that began last, until it is known whether anything is inside
//	               └ lanes ──► lane: the calls a thread is in
//
// Kernel names and ours:
//
//	function_graph             steps
//	trace_graph_entry/return   sim.EventEnter, sim.EventLeave
//	print_graph_entry_leaf     Writer.leaf
//	print_graph_entry_nested   Writer.open
//
// Read writer.go, then text.go. Package events is the same as JSON, package picture as a drawing.
package steps
