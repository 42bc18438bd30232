// Package fuzz compares the model with the kernel of this machine by random programs of system calls.
//
//	rapid's numbers ──> generator ──> program ──────> judge: kernel/host, one list of calls at a time
//	  two for a row       │  makes each call on the          │ results as text
//	  of the table        │  model and sees its state        v
//	                      └──────> model's results ──> compare ──> differs: shrink, reduce, write a scenario
//
// A program is decoded against the state of the model while the model runs it, so that most fds and values mean
// something and some do not. All its calls are known then, and the host makes them in one go. Every result is
// compared as the text of its Starlark value.
//
// The table in op.go has a row for every call: how often it is made, how its arguments are chosen, how it is made
// and how a scenario writes it. A new call or device is a new row. Rows that expand to several calls reach what
// single ones would not: full pipes, limits of depth and paths, crowds.
//
// Sequential programs never block: a read or write that might is tried on a non-blocking description first. In
// programs of two threads both make their lists at once, after a set-up. The host agrees if one of the model's
// schedules – the default one, or one of a thousand random ones – gives the results of both threads. Virtual time
// stands still while anybody can run, the host's does not: runs in which the host's threads were late by more
// than the programs allow for (their times are whole milliseconds) prove nothing, and the program is run again.
//
// A difference is made small by rapid, which lowers and removes numbers, then by taking out single calls. The
// scenario states the host's results, so it fails on a model that is wrong.
//
// Of signals there are those that a process sends to itself, of processes children that end at once. A terminal's bytes are
// carried by a worker of the kernel, so the host gets a moment after every call of a program that has one, and what differs
// is run again with more patience.
//
// Left out: more than two threads, and signals where there are two, timeouts in sequential programs, what depends on the
// file system (lseek and O_DIRECT of files and directories), the quota of watches, writes to the terminal of 0, 1 and 2,
// sockets that travel through themselves (Linux collects them when it likes), writes to a file whose pages were spliced.
//
// Read op.go, generator.go, judge.go, compare.go, then fuzz.go.
package fuzz

// Files:
//
//	op.go values.go             the table of calls and what their arguments are chosen from
//	macros.go, socket_macros.go rows of several calls
//	events.go files.go tcp.go   rows by device
//	signals.go sockets.go
//	threads.go ttys.go udp.go splice.go
//	generator.go program.go     programs; form.go, star.go: as Starlark
//	runner.go model.go          who makes the calls, on which kernel
//	judge.go compare.go         the host's answers; what differs
//	strategy.go                 schedules of two threads
//	reduce.go tb.go             smaller programs, by rapid
//	fuzz.go trial.go            Options, Run and its report; what one job is at

// For the maintainer:
//
//   - rapid draws numbers of few bits more often than of many. Choices are taken from the low end, so the first
//     row of the table and the first value of a list must be the plainest.
//   - The host's process is used again for the next program unless this one spoilt it: a larger fd table, or 0, 1,
//     2 changed. A row whose effect is of that kind must say so.
//   - mutants_test.go shows what the comparison can see.
