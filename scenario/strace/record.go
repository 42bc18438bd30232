package strace

import (
	"fmt"

	"github.com/epollsim/epollsim/abi"
)

// Pos is a place in a log. Lines and columns count from 1, columns in bytes.
type Pos struct {
	File string
	Line int // 0: no place, of something that the log does not show
	Col  int
}

// String is FILE:LINE:COLUMN.
func (p Pos) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col) }

// Error is something in a log that cannot be read, or that does not fit.
type Error struct {
	Pos
	Msg string
}

// Error is FILE:LINE:COLUMN and what is wrong there.
func (e *Error) Error() string { return e.Pos.String() + ": " + e.Msg }

// Mark is a moment of a log: a line and where that stands among all of them.
type Mark struct {
	Pos
	Seq  int   // position in the order of the whole log, from 1: that of several files too once they are merged
	Time int64 // in nanoseconds, see Reader.Form for what of; 0 in a log without times
}

// RecordKind is what a Record tells.
type RecordKind uint8

// The kinds of records.
const (
	RecordCall    RecordKind = iota // a system call on one line: begin and end at the same mark
	RecordEnter                     // a system call begins; its end comes as another record, or never. Of merged files Call is complete already
	RecordExit                      // the end of a call; Call is that of its RecordEnter, completed
	RecordSignal                    // --- SIGUSR1 {si_signo=SIGUSR1, …} ---
	RecordStop                      // --- stopped by SIGSTOP ---
	RecordEnd                       // +++ exited with 0 +++, +++ killed by SIGKILL +++: a task is gone
	RecordAttach                    // strace: Process 7 attached
	RecordNote                      // what else strace says of itself
	RecordUnknown                   // a line that is none of strace's; Why says what is wrong with it
)

// String is the kind in a word.
func (k RecordKind) String() string {
	return [...]string{"call", "enter", "exit", "signal", "stop", "end", "attach", "note", "unknown"}[k]
}

// Record is one event of a log, in the order in which strace saw them.
type Record struct {
	Kind   RecordKind
	Mark          // when it was
	Task   *Task  // whose it is; nil for RecordNote and RecordUnknown
	Call   *Call  // of RecordCall, RecordEnter and RecordExit
	Signal Signal // of RecordSignal and RecordStop
	End    End    // of RecordEnd
	Text   string // the line without its line end; of an exit the resumed line
	Why    *Error // of RecordUnknown
}

// Task is a thread or process that appears in a log. A number that is used again, after its owner's end, is another Task.
type Task struct {
	Tid    int    // as the log has it; 0 while that does not name it: strace names the only one it traces nowhere
	Serial int    // 1 for the first to appear, then 2 …
	Comm   string // with strace -Y, or "": the name of the program
	First  Mark   // its first record
	Open   *Call  // the call it is in, or nil, by what has been read of its file
	Gone   bool   // its end was seen
}

// String is the number of the task, or its serial while that is not known.
func (t *Task) String() string {
	if t.Tid == 0 {
		return fmt.Sprintf("task %d", t.Serial)
	}
	return fmt.Sprint(t.Tid)
}

// Signal is a signal that was delivered, or that stopped a task.
type Signal struct {
	Sig  abi.Signal // 0: one whose name abi does not know
	Name string     // SIGUSR1
	Info Value      // struct siginfo as strace shows it; zero for a stop
}

// End is how a task ended.
type End struct {
	Code   int        // of +++ exited with 3 +++
	Signal abi.Signal // of +++ killed by SIGKILL +++, or 0
	Core   bool       // … (core dumped)
	Execve int        // of +++ superseded by execve in pid 7 +++: the thread whose execve took over this one's id
}

// CallState says how much of a call is known.
type CallState uint8

// The states of a call.
const (
	CallOpen  CallState = iota // its end has not been read
	CallDone                   // it came back with a result
	CallNever                  // it did not come back: exit, or its task died in it
	CallLost                   // its task goes on, but the log does not have its end
)

// Call is one system call, put together from the one or two lines on which it stands.
type Call struct {
	Task  *Task
	Name  string
	State CallState
	// Headless is set where the log begins in the middle of the call (strace -p): Args has only what stands on the
	// resumed line, the last ones in C's order. Begin is then the place of the end.
	Headless bool
	// Args are as far as the lines have them. While State is CallOpen, and for ever if the call did not come back, out-parameters and
	// what stands behind them are missing.
	Args   []Value
	Result Result
	Begin  Mark // the line on which it begins
	End    Mark // the line on which it ends; like Begin if that is the same
	Text   string
	join   int // where the text of the second line begins in Text; 0: it is all on one line
	endCol int // of that in its line
}

// Where gives the place of a column of Text, as Value.Col has them.
func (c *Call) Where(col int32) Pos {
	if c.join > 0 && int(col) >= c.join {
		p := c.End.Pos
		p.Col = c.endCol + int(col) - c.join
		return p
	}
	p := c.Begin.Pos
	p.Col += int(col)
	return p
}

// Result is what stands behind the = of a call.
type Result struct {
	Unknown bool      // ?, with or without one of ERESTART*: the program has not seen a result
	Ret     int64     // the number; -1 with Err
	Err     abi.Errno // 0: none. Also ERESTARTSYS and its like
	Failed  bool      // it is -1 and an error, of which ErrName is the name even if abi does not know it
	ErrName string
	Fd      string  // the decoration of a result with -y: anon_inode:[eventpoll]
	Notes   []Value // what stands in parentheses behind a number: the flags of "(flags O_RDWR)", the array and the time of "([{…}], left {…})", "in", "out"; each with its word as Name
	Timeout bool    // (Timeout)
	// Injected: strace has made this result up (-e inject=, -e fault=) and the kernel has not made the call.
	Injected bool
	Spent    int64 // with -T, how long the call took, in nanoseconds; -1 without
}

// undecoded reports whether this is an epoll_ctl that worked, and strace was told not to show its event.
func (c *Call) undecoded() bool {
	if c.Name != "epoll_ctl" || len(c.Args) < 4 || c.State != CallDone || c.Result.Failed {
		return false
	}
	return c.Args[3].Pointer() && (c.Args[1].Is("EPOLL_CTL_ADD") || c.Args[1].Is("EPOLL_CTL_MOD"))
}
