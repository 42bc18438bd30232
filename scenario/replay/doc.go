// Package replay explains the log of a real program: it makes the calls of the log on the model and finds an order of those
// that overlap under which every result that the model determines is the one of the log.
//
//	log, err := replay.Open(open, name) // open gives a strace.Source, as often as it is asked
//	report := replay.Run(log, replay.Options{})
//	report.Text(os.Stderr)
//
// What only the log can tell is taken from it, and listed: process ids, ports that the kernel chose, times, what an untraced
// peer did, how much TCP moved at once, what stands in files, and all of files that the model does not have.
//
//	Log ── window ──> logEvent ── op ──> op ── row ──> row (calls_*.go): parse, run, ready, help
//	  └ long ────────────────────────────^ ├ args.go: strace.Typed, which the row takes its arguments from
//	                                       └ want: outcome
//	exec ── pilot: the thread that tells who runs; nobody else runs by itself (strategy.go)
//	  ├ threads ──> thread ── k ──> kernel.Thread, which makes the calls it is given
//	  │               └ cur ──> op
//	  ├ open: threads whose call is under way in the log (order.go)
//	  └ tables ──> what is known of numbers from before the log (inherited.go)
//
// A log is read twice or more often: a survey of all of it finds what only the log as a whole tells, and counts; each execution
// then follows the moments of a window that moves along the log. What a call comes to is known when it begins: the window reaches
// far ahead, and of calls that last longer the survey has kept the op. A log that fits into the window is kept.
//
// The order. Calls that do not overlap are made in the order of the log. Of those that overlap, one that only looks is made
// as soon as it would bring what the log has; one that waits goes to sleep when the log says that it began, if it would
// sleep; one that changes something is made as late as possible: at its end, or when another call would not come to its
// result without. Whether a call would bring what the log has is seen beforehand from the readiness of the files, without
// making it. A wait tells in which order things became ready: before a call makes something ready, those calls go that are
// about what the log reports earlier (things.go). Where this ends in a divergence, search.go turns calls round, each time in a new
// execution.
//
// Time is virtual and passes when a result asks for it: a timer that is due expires when the log shows that it has.
//
// The world outside: inherited.go has what was there before the log, readiness.go, world.go and peer.go what happened since.
//
// What to read next: order.go, then readiness.go. docs/replay.md is for who uses it.
package replay

// Files:
//
//	log.go intake.go window.go  a log and its moments; op.go payload.go: one call of it, row.go: what is known of each system call
//	calls.go calls_*.go         the table of calls, a file for each family; args.go: their arguments; addr.go, ports.go: addresses
//	exec.go task.go perform.go  one execution, its tasks, and the calls they make; strategy.go, plan.go: who runs, what is done otherwise
//	things.go items.go          what a call is about; the items of epolls by their data; coming.go: what the log does with a file later
//	order.go ready.go clock.go  when a call runs, and how time passes; arrival.go: when what comes from outside does
//	origin.go kin.go sharing.go where a task came from that the log does not show made; unseen.go: ends and execs that it does not show
//	holes.go                    numbers that were open before a program began, found in all of its log
//	reuseport.go network.go     which listener a connection is for; what TCP has under way inside of a log; amount.go: how much it takes and delivers
//	readiness.go world.go       what must have happened outside of the log, modes.go: in which mode, signals.go: signals; inherited.go, external.go: before it, and on files
//	peer*.go datagram.go        that the model does not have; defer.go: a listener that takes only who has spoken
//	untimed.go                  files of strace -ff that have no times
//	doings.go calls_path.go     what the log does with files outside of the model, by their names
//	notify.go notify_read.go    the inotify events that it makes, and what a read brings of them
//	reversals.go                what a search learns of races
//	search.go matters.go        other orders, where they could help, and points inside of calls; amid.go: in the middle of a scan
//	compare.go context.go       a divergence, and the way to it; hints.go: what a log that diverges may lack
//	trail.go sweep.go           what is remembered, and for how long
//	replay.go report*.go        Replay and its report; doctor*.go: notes
//	star.go star_tape.go        a scenario: of the calls that the model made, scene by scene; star_names.go: its variables,
//	star_calls.go               a table of the calls in words; star_sockets.go, star_waits.go: more of it, star_words.go: their arguments
//	star_text.go                all of it as text

// For the maintainer: a new system call is a row. Rows say whether the call only looks, may wait, and gives out a number;
// ready and help are for those that depend on others.
