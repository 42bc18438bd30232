// Package kernel is the system-call floor: it boots a model of Linux of a given version, runs processes and
// threads on it, and offers every modelled system call as a method of Thread under its man-page name.
//
//	k := kernel.Boot(kernel.Options{})
//	err := k.RunThread(func(t *kernel.Thread) {
//		ep, _ := t.EpollCreate1(0)
//		…
//	})
//
// Calls is the same set of system calls as an interface, so that a program can run on the model and on the
// host's kernel (kernel/host).
//
// Left out: paths beyond one private directory, users (everybody is root), sessions and job control, real
// memory: a nil or short buffer stands for memory that cannot be accessed.
//
//	Kernel ── procs ──> Process (fd table, handlers, pending) ── threads ──> Thread ──> sim.Task
//	   │                                                                      │ waiter, poller, signal mask
//	   ├── vfs.System (counters)                                              └ fputs: ends of descriptions
//	   └── eventpoll.Statics                                                     to run on the way out
//
// A call begins with enter (signals that came in user mode are taken, the entry is a point unless user code shares
// nothing), does its work,
// and ends with leave (delayed fputs in reverse order, then signals, then the point behind which user code
// runs). An interrupted call returns one of ERESTART* inside and is made again, or is EINTR outside.
//
// Lock order: tasklist, under which processes end and are reaped, is taken first. A Process's siglock is taken inside
// all other locks, and inside it the queue of its signalfds alone, with the epolls that hang on that. Two siglocks are
// never held at once. For the rest see vfs and eventpoll.
//
//	task_struct            Thread            files_struct           Process.files
//	signal_struct          Process           do_exit                Thread.exit
//	do_group_exit          Process.exitGroup send_signal_locked     Process.send
//	get_signal             Thread.takeSignals task_work_run         Thread.runFputs
//	sighand->siglock       Process.siglock   complete_signal        Process.complete
//	sighand->signalfd_wqh  Process.signalfdWqh signalfd_notify      Process.notifySignalfd
//	exit_notify            Process.ended     release_task           Process.reap
//	poll_select_finish     Thread.masked     tasklist_lock          Kernel.tasklist
//
// Read calls.go for the interface, thread.go for what every call has in common, then the sys_*.go file of a
// family.
package kernel

// Files:
//
//	kernel.go version.go        boot; versions
//	behaviour*.go rules.go      the table of what versions do otherwise, and the switches it sets
//	process.go thread.go        who runs
//	user_memory.go              what threads share between two calls, for explorers
//	signal*.go                  delivery; send, stop
//	calls.go sys_*.go           the interface, and a file for each family of calls
//	namespace.go                the private directory and the devices
//	snapshot*.go                all structures as plain data and as text
//	properties.go               lost wake-ups
//	steer.go                    what a replay needs: processes put in place and told when to go on
//	configure.go cover.go       what only the model has
//	trace.go                    system calls as events
