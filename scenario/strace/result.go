package strace

import (
	"fmt"
	"time"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
)

// result appends what stands behind the = of a call that has ended.
func (w *Writer) result(s *scene) {
	switch err := s.call.Err; {
	case err == abi.ERESTART_RESTARTBLOCK:
		w.thread(s.call.Tid).restarting = s.call.Name
		fallthrough
	case err >= abi.ERESTARTSYS:
		w.print("? %s (%s)", err.Name(), err.Error())
	case err != 0:
		w.print("-1 %s (%s)", err.Name(), err.Error())
	default:
		resultPrinters[s.result](w, s)
	}
}

// resultPrinters has one for each result.
var resultPrinters = [results]func(w *Writer, s *scene){
	resultNumber: func(w *Writer, s *scene) { w.print("%d", s.call.Ret) },
	resultNever:  func(w *Writer, s *scene) { w.print("?") },
	resultZero:   func(w *Writer, s *scene) { w.print("0") },
	resultFlags:  func(w *Writer, s *scene) { w.print("%s (flags %s)", hex(s.call.Ret), abi.Flags("O", s.call.Ret)) },
	resultFdFlags: func(w *Writer, s *scene) {
		w.print("%s", hex(s.call.Ret))
		if s.call.Ret != 0 {
			w.print(" (flags %s)", abi.Flags("FD", s.call.Ret))
		}
	},
	resultSignal: func(w *Writer, s *scene) {
		w.print("%d", s.call.Ret)
		if s.call.Ret != 0 {
			w.print(" (%s)", abi.Signal(s.call.Ret))
		}
	},
	resultPoll:   printPollResult,
	resultSelect: printSelectResult,
}

// printPollResult appends the entries that are ready, and for ppoll the time that was left.
func printPollResult(w *Writer, s *scene) {
	w.print("%d", s.call.Ret)
	if s.call.Ret == 0 {
		w.print(" (Timeout)")
		return
	}
	fds, _ := s.args[0].([]abi.PollFd)
	sep := " (["
	for _, p := range fds {
		if p.Revents != 0 {
			w.print("%s{fd=%d, revents=%s}", sep, p.Fd, pollText(p.Revents))
			sep = ", "
		}
	}
	w.print("]")
	if ts, ok := duration(s.args[2], time.Millisecond); ok && s.call.Name == "ppoll" {
		w.print(", left ")
		w.timespec(less(ts, s.end-s.begin))
	}
	w.print(")")
}

// printSelectResult appends the sets that are not empty, and the time that was left.
func printSelectResult(w *Writer, s *scene) {
	w.print("%d", s.call.Ret)
	if s.call.Ret == 0 {
		w.print(" (Timeout)")
		return
	}
	n, _ := integer(s.args[0])
	sep := " ("
	for i, name := range []string{"in", "out", "except"} {
		if set, _ := value[abi.FdSet](s.args[1+i]); set != (abi.FdSet{}) {
			w.print("%s%s ", sep, name)
			w.fdSet(set, n)
			sep = ", "
		}
	}
	if ts, ok := duration(s.args[4], time.Millisecond); ok {
		w.print("%sleft ", sep)
		if (ts == abi.Timespec{}) { // not stored
			w.argument(s, 4)
		} else if left := less(ts, s.end-s.begin); s.call.Name == "select" {
			w.timeval(left)
		} else {
			w.timespec(left)
		}
		sep = ", "
	}
	if sep == ", " {
		w.print(")")
	}
}

// signal prints the delivery of a signal.
func (w *Writer) signal(info *kernel.SignalInfo, now int64) {
	w.lead(info.Tid, now)
	w.print("--- %s {si_signo=%s, si_code=%s} ---", info.Sig, info.Sig, signalCode(info))
	w.endLine()
}

// signalCode is the reason of a signal and what strace prints with it.
func signalCode(info *kernel.SignalInfo) string {
	switch info.Code {
	case kernel.SignalKernel:
		return info.Code.String()
	case kernel.SignalUser, kernel.SignalTkill:
		return fmt.Sprintf("%s, si_pid=%d, si_uid=0", info.Code, info.Sender)
	}
	return fmt.Sprintf("%s, si_pid=%d, si_uid=0, si_status=%s, si_utime=0, si_stime=0", info.Code, info.Sender, childStatus(info))
}

// childStatus is si_status of a SIGCHLD: an exit code, or a signal.
func childStatus(info *kernel.SignalInfo) string {
	switch {
	case info.Code == kernel.ChildExited:
		return fmt.Sprint(info.Status >> 8 & 0xff)
	case info.Code == kernel.ChildStopped:
		return abi.Signal(info.Status >> 8).String()
	case info.Code == kernel.ChildContinued:
		return abi.SIGCONT.String()
	}
	return abi.Signal(info.Status & 0x7f).String()
}

// threadEnd prints the end of a thread, and before it that of the call it was in.
func (w *Writer) threadEnd(end *kernel.ThreadEnd, now int64) {
	if t := w.thread(end.Tid); t.open != nil {
		w.resume(t.open, now)
		w.dies(t)
	}
	w.lead(end.Tid, now)
	if end.Signal != 0 {
		w.print("+++ killed by %s +++", end.Signal)
	} else {
		w.print("+++ exited with %d +++", end.Code)
	}
	w.endLine()
	delete(w.threads, end.Tid)
}
