package strace

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
)

// signalCodes are the values of si_code that the model has names for, and CLD_DUMPED, which is CLD_KILLED to it.
var signalCodes = map[string]kernel.SignalCode{
	"SI_USER": kernel.SignalUser, "SI_TKILL": kernel.SignalTkill, "SI_KERNEL": kernel.SignalKernel,
	"CLD_EXITED": kernel.ChildExited, "CLD_KILLED": kernel.ChildKilled, "CLD_DUMPED": kernel.ChildKilled,
	"CLD_STOPPED": kernel.ChildStopped, "CLD_CONTINUED": kernel.ChildContinued,
}

// SignalInfo gives a signal that was delivered (RecordSignal) in the types of the model. It is false if the model has no
// such signal, or no such reason for one.
func (r *Record) SignalInfo() (kernel.SignalInfo, bool) {
	info := kernel.SignalInfo{Sig: r.Signal.Sig}
	if r.Task != nil {
		info.Tid = r.Task.Tid
	}
	v := &r.Signal.Info
	code := v.Field("si_code")
	if code == nil || info.Sig == 0 {
		return info, false
	}
	var ok bool
	if info.Code, ok = signalCodes[code.Text]; !ok {
		return info, false
	}
	sender, _ := v.number("si_pid")
	info.Sender = int(sender)
	info.Thread = info.Code == kernel.SignalTkill
	if status := v.Field("si_status"); status != nil {
		n, _ := status.Number()
		info.Status = childStatusOf(info.Code, int(n))
	}
	return info, true
}

// childStatusOf gives si_status of a SIGCHLD, an exit code or a signal, as wait4 stores it.
func childStatusOf(code kernel.SignalCode, n int) int {
	switch code {
	case kernel.ChildExited:
		return n & 0xff << 8
	case kernel.ChildStopped:
		return n<<8 | 0x7f
	case kernel.ChildContinued:
		return 0xffff
	}
	return n & int(abi.Signal(0x7f))
}
