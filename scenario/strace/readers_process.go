package strace

import (
	"math"
	"strings"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
)

// readCloneArgs reads the flags of struct clone_args; the signal that the end of the child sends is among them, as in clone.
func readCloneArgs(_ *typer, v *Value, _ int) (any, bool) {
	if v.Kind == ValueChange {
		v = &v.List[0]
	}
	flags, ok := v.number("flags")
	if sig := v.Field("exit_signal"); sig != nil {
		n, _ := sig.Number()
		flags |= n
	}
	return int(flags), ok
}

// readResuming reads <... resuming interrupted poll ...>.
func readResuming(_ *typer, v *Value, _ int) (any, bool) {
	name, ok := strings.CutPrefix(v.Text, "<... resuming interrupted ")
	name, _ = strings.CutSuffix(name, " ...>")
	return name, ok
}

func readRlimit(_ *typer, v *Value, _ int) (any, bool) {
	soft, ok := limitOf(v.at("rlim_cur", 0))
	hard, ok2 := limitOf(v.at("rlim_max", 1))
	return [2]uint64{soft, hard}, ok && ok2
}

func limitOf(v *Value) (uint64, bool) {
	if v.Text == "RLIM64_INFINITY" || v.Text == "RLIM_INFINITY" {
		return math.MaxUint64, true
	}
	n, ok := v.Number()
	return uint64(n), ok
}

// readWaitStatus reads [{WIFEXITED(s) && WEXITSTATUS(s) == 3}] as wait4 stores it.
func readWaitStatus(_ *typer, v *Value, _ int) (any, bool) {
	if v.Kind != ValueArray || len(v.List) != 1 {
		return nil, false
	}
	text := strings.Trim(v.List[0].Text, "{}")
	_, what, _ := strings.Cut(text, "== ")
	what, core := strings.CutSuffix(what, " && WCOREDUMP(s)")
	what, _, _ = strings.Cut(what, " ")
	switch {
	case strings.HasPrefix(text, "WIFCONTINUED"):
		return 0xffff, true
	case strings.HasPrefix(text, "WIFEXITED"):
		n, ok := constant(what)
		return int(n&0xff) << 8, ok
	}
	sig, ok := abi.SignalByName(what)
	switch {
	case strings.HasPrefix(text, "WIFSTOPPED"):
		return int(sig)<<8 | 0x7f, ok
	case core:
		return int(sig) | 0x80, ok
	}
	return int(sig), ok && strings.HasPrefix(text, "WIFSIGNALED")
}

// readSiginfo reads what waitid tells of a child: {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=1001, …}, {} of none.
func readSiginfo(_ *typer, v *Value, _ int) (any, bool) {
	if v.Kind != ValueStruct {
		return nil, false
	}
	code := v.Field("si_code")
	if code == nil {
		return &kernel.ChildStatus{}, len(v.List) == 0
	}
	child := &kernel.ChildStatus{Code: signalCodes[code.Text]}
	pid, ok := v.number("si_pid")
	status, ok2 := v.number("si_status")
	child.Pid, child.Status = int(pid), int(status)
	return child, ok && ok2 && child.Code != 0
}

// readTermios reads {c_iflag=ICRNL|IXON, …} and, of older versions, {B38400 opost isig icanon echo ...}. The control
// characters, where they are not shown, are the usual ones.
func readTermios(_ *typer, v *Value, _ int) (any, bool) {
	t := abi.StdTermios()
	if v.Kind != ValueStruct {
		return nil, false
	}
	for i := range v.List {
		f := &v.List[i]
		switch f.Name {
		case "c_iflag":
			t.Iflag = modesOf(f)
		case "c_oflag":
			t.Oflag = modesOf(f)
		case "c_cflag":
			t.Cflag = modesOf(f)
		case "c_lflag":
			t.Lflag = modesOf(f)
		case "":
			mode, off := strings.CutPrefix(f.Text, "-")
			setMode(&t, mode, !off)
		}
	}
	return &t, true
}

// modesOf reads one word of modes, among them the values of fields.
func modesOf(v *Value) uint32 {
	var word uint32
	for name := range strings.SplitSeq(v.Text, "|") {
		if n, ok := constant(name); ok {
			word |= uint32(n)
			continue
		}
		for _, w := range termiosWords {
			for _, f := range w.fields {
				for i, value := range f.names {
					if value == name {
						word |= uint32(i) * (f.mask & -f.mask)
					}
				}
			}
		}
	}
	return word
}

func setMode(t *abi.Termios, mode string, on bool) {
	var word *uint32
	var bit uint32
	switch mode {
	case "opost":
		word, bit = &t.Oflag, abi.OPOST
	case "isig":
		word, bit = &t.Lflag, abi.ISIG
	case "icanon":
		word, bit = &t.Lflag, abi.ICANON
	case "echo":
		word, bit = &t.Lflag, abi.ECHO
	default:
		return
	}
	if *word |= bit; !on {
		*word &^= bit
	}
}
