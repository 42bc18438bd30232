package strace

import (
	"fmt"
	"strconv"
	"time"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
)

// The model has no addresses. These stand for memory of the program, and mean no more than that there is some.
const (
	addrMemory   = 0x7ffd00001000
	addrHandler  = 0x555555555139
	addrRestorer = 0x7f0000040050
	addrStacks   = 0x7f0000000000 // of threads, in the order in which they are started
	stackSpacing = 0x801000
)

// printer appends one argument, s.args[i], to the line. It is false if that is of a type it does not know.
type printer func(w *Writer, s *scene, i int) bool

// printers has one for each form.
var printers = [forms]printer{
	formNumber: func(w *Writer, s *scene, i int) bool {
		v, ok := integer(s.args[i])
		w.line = strconv.AppendInt(w.line, v, 10)
		return ok
	},
	formUnsigned: func(w *Writer, s *scene, i int) bool {
		v, ok := integer(s.args[i])
		w.line = strconv.AppendUint(w.line, uint64(uint32(v)), 10)
		return ok
	},
	formSize: func(w *Writer, s *scene, i int) bool {
		v, ok := s.size(i)
		w.line = strconv.AppendUint(w.line, uint64(v), 10)
		return ok
	},
	formHex: func(w *Writer, s *scene, i int) bool {
		v, ok := integer(s.args[i])
		w.print("%s", hex(v))
		return ok
	},
	formMode: func(w *Writer, s *scene, i int) bool {
		v, ok := integer(s.args[i])
		w.print("%#03o", v)
		return ok
	},
	formNode: func(w *Writer, s *scene, i int) bool {
		v, ok := integer(s.args[i])
		w.print("S_IFIFO|%#03o", v&0o7777)
		return ok && v&^0o7777 == 0o010000
	},
	formFlags: func(w *Writer, s *scene, i int) bool {
		v, ok := integer(s.args[i])
		w.print("%s", flagsText(s.params[i].group, v))
		return ok
	},
	formEnum: func(w *Writer, s *scene, i int) bool {
		v, ok := integer(s.args[i])
		w.print("%s", enumText(s.params[i].group, v))
		return ok
	},
	formSockopt: func(w *Writer, s *scene, i int) bool {
		v, ok := integer(s.args[i])
		switch level, _ := integer(s.args[i-1]); level {
		case abi.SOL_SOCKET:
			w.print("%s", abi.Enum("SO", v))
		case abi.SOL_TCP:
			w.print("%s", abi.Enum("TCP", v))
		case abi.SOL_IP:
			w.print("%s", abi.Enum("IP", v))
		case abi.SOL_IPV6:
			w.print("%s", abi.Enum("IPV6", v))
		default:
			w.print("%d", v)
		}
		return ok
	},
	formDirfd: func(w *Writer, s *scene, i int) bool {
		v, ok := integer(s.args[i])
		if v == -100 {
			w.print("AT_FDCWD")
		} else {
			w.print("%d", v)
		}
		return ok
	},
	formThread:    printThread,
	formResuming:  printResuming,
	formSocklen:   printSocklen,
	formPointer:   func(w *Writer, s *scene, i int) bool { w.pointer(addrMemory); return true },
	formEvent:     printEvent,
	formEventsOut: printEventsOut,
	formBytes:     printBytes,
	formBytesOut:  printBytesOut,
	formPath: func(w *Writer, s *scene, i int) bool {
		p, ok := s.args[i].(string)
		w.line = appendQuoted(w.line, []byte(p))
		return ok
	},
	formPair: func(w *Writer, s *scene, i int) bool {
		p, ok := value[[2]int](s.args[i])
		w.print("[%d, %d]", p[0], p[1])
		return ok
	},
	formInt: func(w *Writer, s *scene, i int) bool {
		v, ok := integer(s.args[i])
		if s.params[i].atExit && s.call.Ret != 0 {
			v = s.call.Ret
		}
		w.print("[%d]", v)
		return ok
	},
	formPollFds: printPollFds,
	formFdSet:   printFdSet,
	formSigSet: func(w *Writer, s *scene, i int) bool {
		set, ok := value[abi.SigSet](s.args[i])
		w.print("%s", set)
		return ok
	},
	formSigmask: func(w *Writer, s *scene, i int) bool {
		if isNil(s.args[i]) {
			w.print("{sigmask=NULL, sigsetsize=8}")
			return true
		}
		set, ok := value[abi.SigSet](s.args[i])
		w.print("{sigmask=%s, sigsetsize=8}", set)
		return ok
	},
	formSigreturn: func(w *Writer, s *scene, i int) bool {
		set, ok := value[abi.SigSet](s.args[i])
		w.print("{mask=%s}", set)
		return ok
	},
	formSigAction: printSigAction,
	formTimespec: func(w *Writer, s *scene, i int) bool {
		arg := s.args[i]
		if (arg == absent{}) {
			arg = s.call.Ret // of clock_gettime
		}
		return w.timeout(arg, s.unit(), w.timespec)
	},
	formTimeval: func(w *Writer, s *scene, i int) bool {
		if tv, ok := value[abi.Timeval](s.args[i]); ok {
			w.print("{tv_sec=%d, tv_usec=%d}", tv.Sec, uint64(tv.Usec)) // as strace does, for it may be negative
			return true
		}
		return w.timeout(s.args[i], time.Millisecond, w.timeval)
	},
	formItimerspec: func(w *Writer, s *scene, i int) bool {
		it, ok := value[abi.Itimerspec](s.args[i])
		w.print("{it_interval=")
		w.timespec(it.Interval)
		w.print(", it_value=")
		w.timespec(it.Value)
		w.print("}")
		return ok
	},
	formRlimit:     printRlimit,
	formWaitStatus: printWaitStatus,
	formSiginfo:    printSiginfo,
	formSockaddr:   printSockaddr,
	formOptval:     printOptval,
	formIovec:      printIovec,
	formIovecOut:   printIovecOut,
	formMessage:    printMessage,
	formMessageOut: printMessageOut,
	formTermios:    printTermios,
	formOffset:     printOffset,
	formStack:      func(w *Writer, s *scene, i int) bool { w.print("child_stack=NULL"); return true },
	formCloneFlags: func(w *Writer, s *scene, i int) bool {
		w.print("flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD")
		return true
	},
	formChildTid: func(w *Writer, s *scene, i int) bool {
		w.print("child_tidptr=%#x", uint64(addrStacks+0xa10))
		return true
	},
	formCloneArgs: printCloneArgs,
	formCloneTids: printCloneTids,
}

// offsetBefore shows the offset of a call that tells at its end what became of it.
func (w *Writer) offsetBefore(s *scene, i int) {
	if s.params[i].form == formOffset {
		o, _ := value[kernel.Offset](s.args[i])
		w.print("[%d]", o.Before)
	}
}

// printOffset shows an offset, or what offsetBefore leaves out.
func printOffset(w *Writer, s *scene, i int) bool {
	o, ok := value[kernel.Offset](s.args[i])
	switch {
	case !s.params[i].atExit:
		w.print("[%d]", o.Before)
	case s.call.Err == 0 && s.call.Ret != 0:
		w.print(" => [%d]", o.After)
	}
	return ok
}

// argument appends argument i of a call.
func (w *Writer) argument(s *scene, i int) {
	p, arg, start := s.params[i], s.args[i], len(w.line)
	if (arg == absent{}) && p.absent != "" {
		w.print("%s", p.absent)
		return
	}
	if p.form.memory() && isNil(arg) && (arg == nil || p.form != formSigmask) { // pselect(3) passes a pair of nothing and 8
		w.print("NULL")
		return
	}
	if p.form.memory() && p.atExit && s.call.Err != 0 && p.form != formMessageOut && p.form != formIovecOut && p.form != formOffset {
		w.pointer(addrMemory)
		return
	}
	if p.form == forms || !printers[p.form](w, s, i) {
		w.line = w.line[:start]
		w.generic(arg)
	}
}

// generic appends an argument of which the table does not know what it is.
func (w *Writer) generic(arg any) {
	switch a := arg.(type) {
	case string:
		w.line = appendQuoted(w.line, []byte(a))
	case []byte:
		w.appendString(a)
	case abi.SigSet:
		w.print("%s", a)
	case absent:
		w.print("NULL")
	case Pointer:
		w.pointer(int64(a))
	case fmt.Stringer:
		w.print("%s", a)
	default:
		switch v, ok := integer(arg); {
		case isNil(arg):
			w.print("NULL")
		case ok:
			w.print("%d", v)
		default:
			w.pointer(addrMemory)
		}
	}
}

func (w *Writer) print(format string, args ...any) { w.line = fmt.Appendf(w.line, format, args...) }

func (w *Writer) pointer(addr int64) { w.print("%#x", addr) }

func (w *Writer) timespec(ts abi.Timespec) {
	w.print("{tv_sec=%d, tv_nsec=%d}", ts.Sec, uint64(ts.Nsec)) // a negative part too, as strace does
}

func (w *Writer) timeval(ts abi.Timespec) { w.print("{tv_sec=%d, tv_usec=%d}", ts.Sec, ts.Nsec/1000) }

// timeout appends a time with show. A negative number of units is the model's way to say that there is none.
func (w *Writer) timeout(arg any, unit time.Duration, show func(abi.Timespec)) bool {
	ts, ok := duration(arg, unit)
	if !ok {
		n, isNumber := integer(arg)
		w.print("NULL")
		return isNumber && n < 0
	}
	show(ts)
	return true
}

// list appends n items between brackets, cut to the limit.
func (w *Writer) list(n int, item func(i int)) {
	w.line = append(w.line, '[')
	for i := range n {
		if i > 0 {
			w.line = append(w.line, ", "...)
		}
		if i == w.limit {
			w.line = append(w.line, "..."...)
			break
		}
		item(i)
	}
	w.line = append(w.line, ']')
}

func hex(v int64) string {
	if v == 0 {
		return "0"
	}
	return fmt.Sprintf("%#x", uint64(v))
}

// size is the argument that says how long the buffer before it is.
func (s *scene) size(i int) (int64, bool) {
	if v, ok := integer(s.args[i]); ok {
		return v, true
	}
	switch p := s.args[i-1].(type) {
	case []byte:
		return int64(len(p)), true
	case []abi.PollFd:
		return int64(len(p)), true
	}
	return 0, false
}

// unit is what a bare number means where C has a struct timespec: the model's waits count milliseconds, its sleeps
// nanoseconds.
func (s *scene) unit() time.Duration {
	if s.call.Name == "pselect6" || s.call.Name == "ppoll" {
		return time.Millisecond
	}
	return time.Nanosecond
}

// unreadable reports whether less of a buffer is there than strace wants to show of its n items.
func (w *Writer) unreadable(have int, n int64) bool {
	if w.limit >= 0 {
		n = min(n, int64(w.limit))
	}
	return int64(have) < n
}
