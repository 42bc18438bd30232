// Package kerneltest tests Go code that makes system calls, an event loop say, under every interleaving of the model.
//
//	func TestHandOver(t *testing.T) {
//		kerneltest.Explore(t, func(r *kerneltest.Run) {
//			ep, err := r.EpollCreate1(0)
//			require.NoError(r, err)
//			r.Go("worker", func(c kernel.Calls) { loop(c, ep) })
//			…
//		})
//	}
//
// The program is run again and again, each time from the beginning in a process of its own on a kernel of its own, until all
// interleavings that can be told apart were seen, or all up to a number of preemptions. It must do the same whenever its threads are
// scheduled the same way: no wall clock, no goroutines, no order of a map, nothing kept from one run to the next; Explore runs its
// first schedule several times and tells where they differ. A Run is a require.TestingT; a *testing.T must not be used inside the
// program, whose threads are coroutines, and which must not wait for a channel or a sync.Mutex: after a minute that ends the tests.
//
// What fails a test: a failed assertion, a deadlock, a panic, the death of a process, an invariant of the kernel's structures, and
// an exploration that was not conclusive. The failure shows the interleaving with the fewest preemptions, a column per thread, and
// the command that runs that one alone.
//
// In a rapid.Check the program may be a generated one: Explore takes a *rapid.T too, and rapid shrinks what the threads do while the
// explorer finds the shortest schedule of each candidate.
//
// Between two calls a thread may do what it likes with what it shares with others; the explorer takes it that it does. With
// Independent it visits far fewer interleavings.
//
//	Explore ──> sim/explore ── each schedule ──> Run: a kernel and process of its own, main thread and Go's threads
//	   └ report: the witness as columns, the schedule
//
// Leaves out the host's kernel, and threads of the Go runtime.
//
// Read explore.go, then run.go. Package sim/explore tells which interleavings are told apart.
package kerneltest

// Files:
//
//	explore.go                  Explore and its options, the report of a failure
//	run.go                      Run: what a program is given
//	misuse.go                   programs that end or fail their test, or never come back
//	steady.go                   whether a program does the same again
