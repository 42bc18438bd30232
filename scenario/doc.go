// Package scenario runs programs written in Starlark whose builtins are the system calls, under their man-page
// names, on a kernel: the model, or the host's.
//
//	p, err := scenario.Compile("et.star", src)
//	r := scenario.Run(kernel.Boot(kernel.Options{}), p, scenario.Options{Stdout: os.Stdout})
//	os.Exit(r.ExitCode())
//
// Top-level statements run as thread main of process 1. A call returns what the C call returns, out-parameters
// become the result, and a failed call returns an errno: false, and equal to its own constant only. An errno the
// program never looks at fails the run, as does a false check, a deadlock, or a final condition that does not
// hold. [Reference] lists the builtins.
//
// Leaves out load, files and the network of the host, wall clock and randomness: a program depends on nothing but
// the schedule.
//
// # Who points at whom
//
//	Program (immutable, shared by all runs)          predeclared (shared by all runs, frozen)
//	   │ calls: where each "(" is, for messages         │ constants: int, errno
//	   │                                                │ builtins: table ── row: signature, help, function
//	   ▼                                                ▼
//	  run ── world ──> kernel                         call ── arguments by signature, next one to take
//	   │ live                                           │
//	   ├──> thread ── starlark.Thread <── local ────────┘
//	   │       └──── kernel.Calls: the thread of the kernel that it is
//	   ├──> ledger ── origin (call, place, number): how many errnos nobody looked at
//	   │                 ▲
//	   │               errno (value of the program)
//	   └──> condition, Result
//
// # Lock order
//
//	(none: one thread is in the program at a time, another runs only while this one is in a system call)
//
// # Names
//
//	starlark                   here
//	Thread                     thread, inside a thread of the kernel
//	Program, Program.Init      Program, Run: never frozen, because threads share the globals
//	Builtin                    builtin, made of a row
//	UnpackArgs                 call.bind and call.cint, mask, buffer, …
//	EvalError                  Error
//	SetMaxExecutionSteps       thread.stride, which counts for all threads and bounds recursion
//
// # What to read next
//
// builtin.go has the table and what happens in every call, call.go how arguments become C types; then a file
// builtins_*.go, for what one row takes. errno.go tells how an overlooked errno is found. The system calls behind
// the rows are kernel.Calls; scenario/strace turns a run into a log and back.
package scenario

// Files:
//
//	source.go compile.go        from text to program; its dialect and bounds
//	run.go thread.go task.go    a run; threads and processes of it
//	builtin.go builtins_*.go    the table of builtins, a file for each family; call.go: arguments, record.go: what was called
//	errno.go                    errnos as values, and those that nobody looked at
//	conditions.go result.go     exists, forall, never; what a run has shown
//	inspect.go                  structures as values
//	lineage.go                  threads by how they came to be
//	explored.go reach.go        a scenario for the explorer: what its values lead to, and in touch.go what its steps touch; mention.go: which names code mentions; plain.go: which of them lead to nothing
//	shrink.go outline.go        smaller programs that fail the same way; a program as statements that can be left out
//	reference.go                the page of builtins

// For the maintainer:
//
//   - A new builtin is a row in the table of its family, and its function. Nothing else: errors, reference,
//     suggestions of names come from the row.
//   - Nothing in predeclared may be changed by a run. errno constants have no origin, hence no look is noted.
//   - The interpreter reports the place of a call as that of its "("; Program.start turns it into where the call
//     begins. All places in messages pass through it.
//   - The number of threads that may be in the program at a time is one. A World with threads of its own has to
//     hand over a lock around each method of Calls.
//   - Starlark code may be unwound by a panic of the kernel (ExitGroup, the end of the run). The interpreter
//     copes; code here must not need to run after a system call, or defer it.
//   - Known and open: one operation on huge values (a product of long numbers, the text of lists nested 100 000
//     deep) is not interrupted by the step limit.
