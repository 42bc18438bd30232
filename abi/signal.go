package abi

import (
	"math/bits"
	"strconv"
	"strings"
)

// Signal is the number of a signal. See signal(7).
type Signal int

// Signals. SIGRTMIN is the kernel's and strace's; in C programs on glibc it is 34, the first that the library leaves
// free, which is SIGRT_2 here.
const (
	SIGHUP    Signal = 1
	SIGINT    Signal = 2
	SIGQUIT   Signal = 3
	SIGILL    Signal = 4
	SIGTRAP   Signal = 5
	SIGABRT   Signal = 6
	SIGIOT           = SIGABRT
	SIGBUS    Signal = 7
	SIGFPE    Signal = 8
	SIGKILL   Signal = 9
	SIGUSR1   Signal = 10
	SIGSEGV   Signal = 11
	SIGUSR2   Signal = 12
	SIGPIPE   Signal = 13
	SIGALRM   Signal = 14
	SIGTERM   Signal = 15
	SIGSTKFLT Signal = 16
	SIGCHLD   Signal = 17
	SIGCONT   Signal = 18
	SIGSTOP   Signal = 19
	SIGTSTP   Signal = 20
	SIGTTIN   Signal = 21
	SIGTTOU   Signal = 22
	SIGURG    Signal = 23
	SIGXCPU   Signal = 24
	SIGXFSZ   Signal = 25
	SIGVTALRM Signal = 26
	SIGPROF   Signal = 27
	SIGWINCH  Signal = 28
	SIGIO     Signal = 29
	SIGPOLL          = SIGIO
	SIGPWR    Signal = 30
	SIGSYS    Signal = 31
	SIGRTMIN  Signal = 32
	SIGRTMAX  Signal = 64
)

var signalRows = append([]row{
	{"SIGHUP", int64(SIGHUP), plain},
	{"SIGINT", int64(SIGINT), plain},
	{"SIGQUIT", int64(SIGQUIT), plain},
	{"SIGILL", int64(SIGILL), plain},
	{"SIGTRAP", int64(SIGTRAP), plain},
	{"SIGABRT", int64(SIGABRT), plain},
	{"SIGIOT", int64(SIGIOT), alias},
	{"SIGBUS", int64(SIGBUS), plain},
	{"SIGFPE", int64(SIGFPE), plain},
	{"SIGKILL", int64(SIGKILL), plain},
	{"SIGUSR1", int64(SIGUSR1), plain},
	{"SIGSEGV", int64(SIGSEGV), plain},
	{"SIGUSR2", int64(SIGUSR2), plain},
	{"SIGPIPE", int64(SIGPIPE), plain},
	{"SIGALRM", int64(SIGALRM), plain},
	{"SIGTERM", int64(SIGTERM), plain},
	{"SIGSTKFLT", int64(SIGSTKFLT), plain},
	{"SIGCHLD", int64(SIGCHLD), plain},
	{"SIGCONT", int64(SIGCONT), plain},
	{"SIGSTOP", int64(SIGSTOP), plain},
	{"SIGTSTP", int64(SIGTSTP), plain},
	{"SIGTTIN", int64(SIGTTIN), plain},
	{"SIGTTOU", int64(SIGTTOU), plain},
	{"SIGURG", int64(SIGURG), plain},
	{"SIGXCPU", int64(SIGXCPU), plain},
	{"SIGXFSZ", int64(SIGXFSZ), plain},
	{"SIGVTALRM", int64(SIGVTALRM), plain},
	{"SIGPROF", int64(SIGPROF), plain},
	{"SIGWINCH", int64(SIGWINCH), plain},
	{"SIGIO", int64(SIGIO), plain},
	{"SIGPOLL", int64(SIGPOLL), alias},
	{"SIGPWR", int64(SIGPWR), plain},
	{"SIGSYS", int64(SIGSYS), plain},
	{"SIGRTMIN", int64(SIGRTMIN), plain},
	{"SIGRTMAX", int64(SIGRTMAX), alias},
}, realtimeRows()...)

// realtimeRows names the real-time signals behind the first: SIGRT_1 to SIGRT_32.
func realtimeRows() []row {
	var rows []row
	for sig := SIGRTMIN + 1; sig <= SIGRTMAX; sig++ {
		rows = append(rows, row{"SIGRT_" + strconv.Itoa(int(sig-SIGRTMIN)), int64(sig), plain})
	}
	return rows
}

// Handlers of sigaction that are not functions. See sigaction(2).
const (
	SIG_DFL = 0
	SIG_IGN = 1
)

var handlerRows = []row{
	{"SIG_DFL", SIG_DFL, plain},
	{"SIG_IGN", SIG_IGN, plain},
}

// Flags of sigaction. See sigaction(2).
const (
	SA_RESTORER  = 0x4000000
	SA_NOCLDSTOP = 0x1
	SA_NOCLDWAIT = 0x2
	SA_SIGINFO   = 0x4
	SA_ONSTACK   = 0x8000000
	SA_RESTART   = 0x10000000
	SA_NODEFER   = 0x40000000
	SA_RESETHAND = 0x80000000
)

// strace prints SA_RESTORER first.
var sigactionFlagRows = []row{
	{"SA_RESTORER", SA_RESTORER, plain},
	{"SA_ONSTACK", SA_ONSTACK, plain},
	{"SA_RESTART", SA_RESTART, plain},
	{"SA_NODEFER", SA_NODEFER, plain},
	{"SA_RESETHAND", SA_RESETHAND, plain},
	{"SA_SIGINFO", SA_SIGINFO, plain},
	{"SA_NOCLDSTOP", SA_NOCLDSTOP, plain},
	{"SA_NOCLDWAIT", SA_NOCLDWAIT, plain},
}

// What sigprocmask does to the mask. See sigprocmask(2).
const (
	SIG_BLOCK   = 0
	SIG_UNBLOCK = 1
	SIG_SETMASK = 2
)

var maskHowRows = []row{
	{"SIG_BLOCK", SIG_BLOCK, plain},
	{"SIG_UNBLOCK", SIG_UNBLOCK, plain},
	{"SIG_SETMASK", SIG_SETMASK, plain},
}

// String spells sig as strace does: SIGUSR1, SIGRT_2, and the number of what is no signal.
func (sig Signal) String() string { return Enum("SIG", int64(sig)) }

// SignalByName finds the signal of a name such as SIGUSR1, SIGPOLL or SIGRT_2.
func SignalByName(name string) (Signal, bool) {
	for _, r := range signalRows {
		if r.name == name {
			return Signal(r.value), true
		}
	}
	return 0, false
}

// SigSet is a set of signals: signal n is bit n-1. Models sigset_t. See sigsetops(3).
type SigSet uint64

func sigbit(sig Signal) SigSet {
	if sig < SIGHUP || sig > SIGRTMAX {
		return 0
	}
	return 1 << (sig - 1)
}

// Add puts sig into the set; what is no signal changes nothing.
func (s *SigSet) Add(sig Signal) { *s |= sigbit(sig) }

// Del takes sig out of the set.
func (s *SigSet) Del(sig Signal) { *s &^= sigbit(sig) }

// Has reports whether sig is in the set.
func (s SigSet) Has(sig Signal) bool { return s&sigbit(sig) != 0 }

// String spells s as strace does: [USR1 CHLD], or ~[RTMIN RT_1], the signals that are missing, as soon as the set
// holds two thirds of all.
func (s SigSet) String() string {
	prefix := "["
	if bits.OnesCount64(uint64(s)) >= int(SIGRTMAX)*2/3 {
		prefix, s = "~[", ^s
	}
	var names []string
	for ; s != 0; s &= s - 1 {
		sig := Signal(bits.TrailingZeros64(uint64(s)) + 1)
		names = append(names, strings.TrimPrefix(sig.String(), "SIG"))
	}
	return prefix + strings.Join(names, " ") + "]"
}

// ParseSigSet reads what [SigSet.String] writes.
func ParseSigSet(s string) (SigSet, bool) {
	s, inverted := strings.CutPrefix(s, "~")
	if len(s) < 2 || s[0] != '[' || s[len(s)-1] != ']' {
		return 0, false
	}
	var set SigSet
	for name := range strings.FieldsSeq(s[1 : len(s)-1]) {
		sig, ok := SignalByName("SIG" + name)
		if !ok {
			return 0, false
		}
		set.Add(sig)
	}
	if inverted {
		set = ^set
	}
	return set, true
}
