package replay

import (
	"encoding/binary"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/vfs"
)

// Signals from outside of the log, as far as a signalfd tells of them, and those inside of it that end a wait with a set of its own.
// All others end calls (order.go), or nobody sees them.

// signalfdSize is the size of struct signalfd_siginfo.
const signalfdSize = 128

// sigmask is the set of signals that o waits with. Of one that the log does not show it is known that what ended the call is
// not in it, whatever that was.
func (x *exec) sigmask(o *op) *abi.SigSet {
	switch {
	case !o.masked || !o.want.interrupted():
		return o.sigs
	case o.caught == 0:
		return new(abi.SigSet)
	}
	set := x.thread(o).k.Blocked() &^ o.caught
	return &set
}

// taken lets a task take the signals that have been sent to it: the log says that it took one. Nobody else gets them from now on.
func (x *exec) taken(e *logEvent) {
	if th := x.threads[e.task]; th != nil && th.cur == nil && !x.lost(th) && x.runnable(th) {
		x.run(th)
	}
}

// peekSignals is peek of a signalfd, which is ready for those alone who have a signal of it.
func (x *exec) peekSignals(f *vfs.File, sf *devices.Signalfd) abi.Events {
	for _, th := range x.alive {
		if !x.lost(th) && th.k.HasPending(sf.Mask()) && x.hasOpen(th, f) {
			return abi.EPOLLIN
		}
	}
	return 0
}

func (x *exec) hasOpen(th *thread, f *vfs.File) bool {
	files := th.k.Files()
	for _, fd := range files.Open() {
		if files.At(fd) == f {
			return true
		}
	}
	return false
}

// sendsSignal sends the process that makes o what it reads from the signalfd f next. It reports whether something was sent.
func (x *exec) sendsSignal(o *op, f *vfs.File, sf *devices.Signalfd) bool {
	th, sent := x.thread(o), false
	for _, sig := range x.nextSignals(o, f, sf.Mask()) {
		if th.k.HasPending(1 << (sig - 1)) {
			continue
		}
		for _, other := range x.alive {
			if !x.log.seen["rt_sigprocmask"] && !x.lost(other) && other.k.Process() == th.k.Process() {
				other.k.SetBlocked(other.k.Blocked() | 1<<(sig-1)) // as who has a signalfd does
			}
		}
		th.k.SignalProcess(sig, x.pilot.Getpid())
		x.inferred("process %d was sent %s", th.k.Process().Pid(), sig)
		sent = true
	}
	return sent
}

// nextSignals gives the signals that are read next from f, at once; those that the log does not show may be any of mask.
func (x *exec) nextSignals(o *op, f *vfs.File, mask abi.SigSet) []abi.Signal {
	read := o
	if o.row.parseIsWait() {
		x.log.next(x.at, func(other *op) lookahead {
			if other == o || !other.row.looks || other.row.parseIsWait() || !x.worksOn(other, f, o) || other.want.failed() {
				return lookOn
			}
			read = other
			return lookYes
		})
	}
	var list []abi.Signal
	n := 1
	if read.row.looks && !read.row.parseIsWait() {
		n = max(int(read.want.ret)/signalfdSize, 1)
		for at := 0; at+4 <= len(read.want.value) && len(list) < n; at += signalfdSize {
			if sig := abi.Signal(binary.LittleEndian.Uint32(read.want.value[at:])); sig > 0 && sig <= abi.SIGRTMAX && mask&(1<<(sig-1)) != 0 {
				list, mask = append(list, sig), mask&^(1<<(sig-1))
			}
		}
	}
	for sig := abi.SIGHUP; sig <= abi.SIGRTMAX && len(list) < n; sig++ {
		if mask&(1<<(sig-1)) != 0 {
			list = append(list, sig)
		}
	}
	return list
}
