// Package explore visits the distinguishable interleavings of whatever runs on a simulated machine. It knows no
// kernel: a [Program] is run again and again, each time from the beginning on a fresh machine, and says what each run
// has shown.
//
//	report := explore.Explore(func(opts sim.Options) explore.Result {
//		m := sim.New(opts) // or kernel.Boot(kernel.Options{Machine: opts})
//		defer m.Close()
//		x := 0
//		… m.Go(…) …
//		err := m.Run()
//		return explore.Result{Err: err, State: fmt.Sprint("x=", x)}
//	}, explore.Options{})
//
// The program adds to the options it is given what it needs besides (MaxSteps, Check, Describe, AfterStep) and leaves
// Strategy, Pool and Trace alone. It must do the same whenever its tasks are scheduled the same way, and what its tasks
// share must be touched at points of the machine, or named with Machine.Touch.
//
// Without a bound this is dynamic partial-order reduction with source sets and sleep sets (Abdulla, Aronis, Jonsson,
// Sagonas: Source Sets, JACM 2017), where tasks can be disabled as in Flanagan and Godefroid (POPL 2005). With a bound on
// preemptions it is that of Coons, Musuvathi and McKinley (Bounded Partial-Order Reduction, OOPSLA 2013), with the part
// of sleep sets that never costs a preemption. Left out: weak memory, and optimality: some schedules are begun and found
// to be covered elsewhere (Report.Redundant).
//
//	Explore ──> phase (one bound) ──> branch ──> search, the Strategy and Observer of each run
//	             └ crew: the cores     │          ├─ events: the steps of the current run, each with the choices left there
//	                                   │          ├─ locations: who touched what, in order
//	                                   │          └─ rules: which accesses do not commute
//	                                   └ tallies: Outcome, Witness
//
// On several cores the branches of a phase are visited at once and joined in the order of one core, so that counts and
// witnesses are the same.
//
// Words: an event is a step of a run. A race is two events of different tasks that do not commute and that nothing in
// between orders; for each the explorer makes sure that the other order is tried. A task sleeps where another branch has
// taken its next step already, until something that conflicts with that step was done.
package explore

// Files:
//
//	explore.go phase.go         an exploration and its bounds; limits.go: when it gives up
//	trace.go order.go race.go   a run: what happened, what comes before what, what must be tried otherwise
//	want.go sleep.go halted.go  quiet.go: steps that need not be looked at
//	search.go backtrack.go      how a run is steered, and which is next
//	branch.go crew.go           several cores; reuse.go: memory that explorations hand on
//	rules.go                    which steps depend on each other
//	checkpoint.go sample.go     stopping and going on; random schedules
//	report.go tally.go          what was found; table.go, json.go: as columns, as JSON; shorten.go: with fewer preemptions

// For the maintainer:
//
//   - Read trace.go, then what happens in a run: search.go (it is steered), order.go (what comes before what), race.go
//     (which other orders must be tried), want.go (so that they are), sleep.go (which need not), halted.go (it ends badly).
//     Then backtrack.go, which moves to the next run, branch.go and crew.go for more than one core, and explore.go, which
//     goes through the bounds.
//   - A new kind of shared state needs no code here: an access in the footprint, of a kind that sim.Access.Kind knows.
//   - A release of a lock and the acquisition that it makes possible are no race; the two acquisitions are. A task that
//     never gets its lock still races with those who had it (unfulfilled).
//   - What the last of many does is behind what all of them did, whoever it is (sim.Machine.CountDown): no race, for trying the
//     other order would find another one last, who does the same. Under a bound the orders cost differently, and are tried.
//   - Until a run sends a signal nobody looks for one: that touches nothing, and user code that is private is no step of its
//     own (sim.Optimist). After the first that does the phase begins again.
//   - What a task does that is alone, behind all that was, while nobody waits for a lock races with nothing (quiet.go).
//   - Behind a passage of time everything is ordered after all that was before, for nothing could run.
//   - A run that fails ends everybody: its last step does not commute with anything (failed).
//   - Under a bound a race adds a choice also where the other task got the CPU, for leaving it there costs nothing, and
//     before the release of a lock that the racing task will wait for, for waiting gives the CPU back.
//   - TestReductionShowsAllOutcomes compares with plain enumeration; run it with -rapid.checks=20000 after any change.
