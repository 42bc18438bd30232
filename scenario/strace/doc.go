// Package strace is the text of strace -f -o FILE: what the machine does, told in the words of the tool that everybody
// reads, so that a log of the model stands beside a log of Linux and diff compares them.
//
// A [Writer] is a pure function over the events of the machine: it needs no kernel, only the records that the kernel
// emits (kernel.Call, kernel.SignalInfo, kernel.ThreadEnd). The text is that of strace 6.1 on x86-64.
//
//	w := strace.New(os.Stdout, strace.Options{})
//	m := sim.New(sim.Options{Trace: w.Event, …})
//	…
//	err := w.Close()
//
// Leaves out what strace shows of libraries and the start of a program (execve, mmap, rseq, set_robust_list …), -y and
// the other ways to decorate, msghdr (sendmsg and recvmsg print their pointers) and the contents of termios. Where a
// program would see more than the model keeps:
//
//   - An address means "some memory" and no more; the ones printed are invented (see forms.go). Only the child_tid of
//     clone3 and the futex of pthread_join agree, so that a reader finds which thread is waited for.
//   - The results of poll and select are complete; strace cuts them after about a thousand bytes.
//   - User ids are 0, times of children are 0, the hard limit of a record with the soft one alone is RLIM64_INFINITY.
//   - exit and exit_group show = ? at once, as strace does when no other line comes between.
//   - A thread that dies in a call shows the end of the call and its own in two lines that follow each other; strace may
//     print all ends of calls of a process first.
//   - SIGCHLD is always that of a child (CLD_EXITED …), unless it comes by tgkill.
//
// In the other direction a [Reader] gives the records of a log, one at a time: calls, signals, ends of tasks. A [Call] is a
// tree of values as they stand in the log; [Call.Typed] gives them the types of kernel.Call, by the rows of the same table. What the
// Writer writes, read and written again, is the same text.
//
//	r := strace.NewReader(file, name, strace.ReaderOptions{})
//	for {
//		rec, err := r.Next() // io.EOF at the end
//		…
//		call, err := rec.Call.Typed()
//	}
//	err = r.Stats().Verdict(name)
//
// # Who points at whom
//
//	sim.Event ──► Writer ── line: the last one, while its call is open; owner: whose it is
//	               │
//	               └ threads ──► thread ── open ──► scene ── call ──► kernel.Call
//	                                                 │
//	                                                 ├ params ──► param: form, group, atExit      table.go
//	                                                 └ result                                       │
//	                                                                                              row: one for each
//	   printers[form], resultPrinters[result]  ◄── how it looks   how it is read ──► readers[form]  system call
//	   forms.go, form_*.go, result.go                                               readers*.go
//
//	a log ──► lines ──► leader (pid, time) ──► scanner: tree of Values ──► Reader joins both parts of a call ──► Record
//	          lines.go  leader.go              scan*.go, unquote.go         reader.go, join.go, notes.go         record.go
//	                                                                                                              │
//	                                                            kernel.Call ◄── typer, row ◄── Call.Typed ◄── Call
//	                                                                            typed.go, alias.go
//
// An event enters, ends or interrupts a line:
//
//	enter(epoll_wait)       5     epoll_wait(3,
//	enter(write), other                         <unfinished ...>     lead: the line of another thread ends it
//	                        7     write(4, "x", 1
//	exit(write)                                  ) = 1
//	exit(epoll_wait)        5     <... epoll_wait resumed>[{…}], 8, -1) = 1
//
// Arguments that a system call fills in, and all behind them, are known only at exit; in the table they stand behind
// atExit. If the call fails, strace shows pointers for them.
//
// # Lock order
//
//	(none here)    a Writer belongs to one machine, which runs one task at a time
//
// # Names
//
//	strace                              here
//	struct sysent                       row
//	SYS_FUNC(…), entering, exiting      params before and behind atExit
//	RVAL_DECODED                        tail.decoded
//	printing_tcp, curcol                Writer.owner, len(Writer.line)
//	printleader, line_ended, tabto      Writer.lead, Writer.endLine, Writer.align
//	print_syscall_resume                Writer.resume
//	print_event_exit                    Writer.dies
//	string_quote, print_array           appendQuoted, Writer.list
//
// # What to read next
//
// table.go, then writer.go; for reading record.go, tree.go, then reader.go. examples_test.go shows each system call as C, as a
// record and as a line; a test runs the C under the real strace. Package scenario/replay uses what is read.
package strace

// Files:
//
//	table.go names.go words.go  the table of system calls, and their words
//	writer.go form*.go          calls as text; quote.go, result.go, spelling.go: strings, results, one call at a time
//	record.go tree.go           a log as data; typed.go, alias.go: as calls of the model; clone.go: what a new task shares
//	reader.go lines.go          from bytes to records; leader.go, join.go, held.go, merge.go, notes.go, signal.go: the parts of a line and of files
//	leader.go scan*.go          that belong together
//	readers*.go values.go       arguments as values; unquote.go: strings

// For the maintainer:
//
//   - A new system call is a row and an example. A new form is a constant, a printer and a reader.
//   - A record may have the arguments of C or only those of the method of kernel.Calls; row.own says where the latter
//     stand in C's order. What is left out prints as glibc would pass it (param.absent), or is taken from the result.
//   - in-arguments are printed when the call begins, for the kernel may change what they point to (select's sets).
//   - names.go has the constants that package abi does not list: SA_*, TIMER_ABSTIME.
