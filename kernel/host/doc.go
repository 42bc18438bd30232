// Package host offers the system calls of kernel.Calls by the kernel this program runs on, so that the same
// scenario can be run on the model and on Linux and compared.
//
// A thread of a scenario is a task of its own that Go's runtime knows nothing of. It is made by clone(2) with
// shared memory, and runs nothing but a loop of thirty instructions (serve) that waits on a futex for system
// calls to make. A goroutine stands beside each task and tells it what to do.
//
//	goroutine of a thread ── Thread ──> task record (calls, state futex, signals) <── serve: the task
//	  runs the scenario        │          in memory outside of Go's heap               makes the calls
//	  holds Host.big           └ buffers: arena
//	  while it interprets
//
// Why not locked threads of Go's own, and re-executed children: the runtime keeps descriptors open in the low
// numbers, handles every signal itself, and cannot fork. A bare task has what a C program has: an fd table
// that begins at 3 and has the capacity of a fresh one, its own signal dispositions and masks, real parents
// and children, SIGCHLD and wait4, exit of a leader before its threads. Threads are made by the task that
// spawns them (CLONE_THREAD), processes by the task that forks (a copied fd table, CLONE_VM so that buffers
// are reachable).
//
// Signal handlers: the task notes the signal in its ring; the Go function runs in the thread's goroutine when
// the call under way is over, or before the next one. While it runs the signal counts as blocked.
//
// What a scenario could do to others is refused: signals go to its own processes only, files are in a private
// directory. A POSIX timer kills each process when the time of the run is over, whatever happens to us, and
// the death of the thread that started it kills the first.
//
// Linux on amd64 only; elsewhere New returns ErrUnsupported.
//
// Read task_linux_amd64.go and task_amd64.s, then thread_linux_amd64.go and the calls_*.go files.
package host

// Files:
//
//	host*.go                    a host, its runs and their time; unsupported.go, worker_unsupported.go: other platforms
//	task*, thread*              the bare task, and the goroutine beside it
//	calls_*.go                  the calls of a thread, a file for each family
//	batch*.go                   the same calls noted in a list, which the worker runs in one go
//	socket*, inet*              what calls of both kinds need for sockets: addresses, messages, options
//	terminal*                   what 0, 1 and 2 are
//	worker*                     a process that runs lists of calls
//	late*                       how late the machine was
