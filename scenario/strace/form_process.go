package strace

import (
	"bytes"
	"fmt"
	"math"
	"strconv"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
)

// printThread appends the word that pthread_join waits for.
func printThread(w *Writer, s *scene, i int) bool {
	tid, _ := integer(s.args[i+2])
	w.pointer(stack(w.stacks[int(tid)]) + 0x800990)
	return true
}

// stack is where the stack of the n-th thread would begin.
func stack(n int) int64 { return addrStacks + int64(n)*stackSpacing }

func printCloneArgs(w *Writer, s *scene, i int) bool {
	w.started++
	s.started = w.started
	base := stack(s.started)
	w.print("{flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD|CLONE_SYSVSEM|CLONE_SETTLS|"+
		"CLONE_PARENT_SETTID|CLONE_CHILD_CLEARTID, child_tid=%#x, parent_tid=%#x, exit_signal=0, stack=%#x, "+
		"stack_size=0x7fff80, tls=%#x}", base+0x800990, base+0x800990, base, base+0x8006c0)
	return true
}

// printCloneTids appends what is there only if a thread was started.
func printCloneTids(w *Writer, s *scene, i int) bool {
	if s.call.Err != 0 {
		w.line = bytes.TrimSuffix(w.line, []byte(s.params[i].glue))
		return true
	}
	w.stacks[int(s.call.Ret)] = s.started
	w.print("{parent_tid=[%d]}", s.call.Ret)
	return true
}

func printResuming(w *Writer, s *scene, i int) bool {
	name := w.thread(s.call.Tid).restarting
	if name == "" {
		name = "system call"
	}
	w.print("<... resuming interrupted %s ...>", name)
	return true
}

func printSigAction(w *Writer, s *scene, i int) bool {
	act, ok := value[kernel.SigAction](s.args[i])
	handler := "SIG_DFL"
	switch act.Handler {
	case kernel.HandlerIgnore:
		handler = "SIG_IGN"
	case kernel.HandlerFunc:
		handler = hex(addrHandler)
	}
	if s.params[i].atExit {
		w.print("{sa_handler=%s, sa_mask=%s, sa_flags=%s}", handler, act.Mask, flagsText("SA", int64(act.Flags)))
		return ok
	}
	w.print("{sa_handler=%s, sa_mask=%s, sa_flags=%s, sa_restorer=%#x}",
		handler, act.Mask, flagsText("SA", int64(act.Flags)|saRestorer), uint64(addrRestorer))
	return ok
}

// printRlimit has the model's soft limit alone, or the pair.
func printRlimit(w *Writer, s *scene, i int) bool {
	pair, ok := value[[2]uint64](s.args[i])
	if !ok {
		var soft int64
		soft, ok = integer(s.args[i])
		pair = [2]uint64{uint64(soft), math.MaxUint64}
	}
	w.print("{rlim_cur=%s, rlim_max=%s}", limitText(pair[0]), limitText(pair[1]))
	return ok
}

func limitText(v uint64) string {
	switch {
	case v == math.MaxUint64:
		return "RLIM64_INFINITY"
	case v > 1024 && v%1024 == 0:
		return fmt.Sprintf("%d*1024", v/1024)
	}
	return strconv.FormatUint(v, 10)
}

func printWaitStatus(w *Writer, s *scene, i int) bool {
	status, ok := integer(s.args[i])
	if s.call.Ret == 0 {
		w.pointer(addrMemory)
		return ok
	}
	switch sig := abi.Signal(status & 0x7f); {
	case status == 0xffff:
		w.print("[{WIFCONTINUED(s)}]")
	case sig == 0x7f:
		w.print("[{WIFSTOPPED(s) && WSTOPSIG(s) == %s}]", abi.Signal(status>>8))
	case sig != 0 && status&0x80 != 0:
		w.print("[{WIFSIGNALED(s) && WTERMSIG(s) == %s && WCOREDUMP(s)}]", sig)
	case sig != 0:
		w.print("[{WIFSIGNALED(s) && WTERMSIG(s) == %s}]", sig)
	default:
		w.print("[{WIFEXITED(s) && WEXITSTATUS(s) == %d}]", status>>8)
	}
	return ok
}

func printSiginfo(w *Writer, s *scene, i int) bool {
	child, ok := value[kernel.ChildStatus](s.args[i])
	if child.Pid == 0 {
		w.print("{}")
		return ok
	}
	status := strconv.Itoa(child.Status)
	if child.Code != kernel.ChildExited {
		status = abi.Signal(child.Status).String()
	}
	w.print("{si_signo=SIGCHLD, si_code=%s, si_pid=%d, si_uid=0, si_status=%s, si_utime=0, si_stime=0}", child.Code, child.Pid, status)
	return ok
}
