// Package export turns scenarios into tests of other implementations of epoll: a stand-alone C program, or a vector in
// JSON, of the calls that a scenario made on the model and of what each returned.
//
// Record runs a scenario on the model and refuses, with a *Refusal that names the call, what the other side could not
// repeat: processes, what handlers of signals call, builtins of the model, and threads that are told other things if
// another one comes first (threads.go).
//
//	scenario ── run on the model ──> scenario.Call … ── rows (table.go) ──> Vector ──> JSON (vector.go)
//	                                                                           └────> C (program.go, c/*.c)
//
// A row of the table says of one builtin how its arguments are spelled, and what its result is (outcome.go). The C
// function call_NAME of a row stands in a file of c/, of which a program gets those that it needs.
//
// Not compared, and absent from vectors: process ids, times, ports that the kernel chose (they are remembered, and stand
// for the model's), pty numbers.
//
// Read record.go, table.go, outcome.go, then vector.go or program.go. docs/export.md describes the schema,
// docs/conformance-pack.md how to run a pack. The other way, from a log to a scenario, is package replay.
package export

// Files:
//
//	record.go                   a run becomes a vector, or is refused
//	table.go                    a row for each call; arguments.go, outcome.go: its two sides
//	threads.go                  numbers of threads; whether results depend on the schedule
//	vector.go text.go           the vector, as JSON and for people
//	program*.go                 the C program: its calls, its values, its comparisons; c/*.c are its fixed parts
//	pack.go                     a folder of both; pack/ is what goes with it
