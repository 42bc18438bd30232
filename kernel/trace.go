package kernel

import (
	"strconv"

	"github.com/epollsim/epollsim/abi"
)

// The kernel's own events reach the tracer of the machine as sim.EventCall; What is one of these.
const (
	TraceEnter  = "enter"  // a system call begins; Arg is its *Call
	TraceExit   = "exit"   // it ends, the same *Call completed
	TraceSignal = "signal" // a signal is delivered; Arg is a *SignalInfo
	TraceEnd    = "end"    // a thread has ended; Arg is a *ThreadEnd
	TraceState  = "state"  // behind TraceExit, with Options.TraceState; Arg is a *Snapshot
)

// Call is one system call as a tracer sees it. Args are in the order of the C prototype, raw: int, int64,
// uint32, uint64, string (a path), []byte (a buffer), *abi.EpollEvent, []abi.EpollEvent, []abi.PollFd, *[2]int (the fds
// of pipe2), *abi.FdSet, *abi.SigSet, *abi.Timespec, SigAction, or nil (NULL). Buffers are the caller's: what the kernel fills in is
// there at TraceExit, cut it to Ret.
type Call struct {
	Tid  int
	Pid  int
	Name string // as strace prints it: "epoll_wait"
	Args []any
	Ret  int64
	Err  abi.Errno // 0: none. ERESTART* never reach a program but a tracer sees them
	Done bool      // has Ret
}

// SignalInfo is a signal at its delivery.
type SignalInfo struct {
	Tid    int
	Sig    abi.Signal
	Code   SignalCode
	Sender int  // pid that sent it, 0: the kernel
	Thread bool // for this thread only
	Status int  // of the child as wait4 stores it, for the codes of a child
}

// SignalCode is why a signal was sent: si_code of sigaction(2).
type SignalCode int

// The codes the model knows. Those of a child come with SIGCHLD only.
const (
	SignalUser     SignalCode = 0 // kill(2), and SIGPIPE
	ChildExited    SignalCode = 1
	ChildKilled    SignalCode = 2
	ChildStopped   SignalCode = 5
	ChildContinued SignalCode = 6
	SignalTkill    SignalCode = -6 // tgkill(2)
	SignalKernel   SignalCode = 0x80
)

// String is the name of si_code: SI_USER.
func (c SignalCode) String() string {
	switch c {
	case SignalUser:
		return "SI_USER"
	case ChildExited:
		return "CLD_EXITED"
	case ChildKilled:
		return "CLD_KILLED"
	case ChildStopped:
		return "CLD_STOPPED"
	case ChildContinued:
		return "CLD_CONTINUED"
	case SignalTkill:
		return "SI_TKILL"
	case SignalKernel:
		return "SI_KERNEL"
	}
	return strconv.Itoa(int(c))
}

// ThreadEnd is the end of a thread.
type ThreadEnd struct {
	Tid, Pid int
	Code     int
	Signal   abi.Signal // that killed it, or 0
}

// SigAction is what a signal does: sigaction(2). Func is called in the thread that takes the signal, when it
// returns to user mode.
type SigAction struct {
	Handler Handler
	Func    func(abi.Signal) // for HandlerFunc
	Flags   uint32           // SA_*
	Mask    abi.SigSet       // blocked while Func runs, besides the signal itself
}

// Handler is the kind of a SigAction.
type Handler uint8

// The kinds of handlers.
const (
	HandlerDefault Handler = iota // SIG_DFL
	HandlerIgnore                 // SIG_IGN
	HandlerFunc
)
