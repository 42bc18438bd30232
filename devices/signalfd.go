package devices

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
	"github.com/epollsim/epollsim/waitqueue"
)

var (
	classSignalfd = sim.NewClass("signalfd")
	fieldSigmask  = sim.NewField("sigmask")
)

// signalfdSize is the size of struct signalfd_siginfo.
const signalfdSize = 128

// Signaled is met by the owner of a task that has signals: what a signalfd asks of the task that polls or reads it.
type Signaled interface {
	// Siglock guards what is pending.
	Siglock() *sim.Spinlock
	// SignalfdQueue is where those wait who want to know of signals of this task's process: of sighand.
	SignalfdQueue() *waitqueue.Head
	// HasPending reports whether a signal of set waits for the task or its process. The lock is held.
	HasPending(set abi.SigSet) bool
	// DequeueSignal takes the next signal of set. The lock is held. Models dequeue_signal.
	DequeueSignal(set abi.SigSet) (Siginfo, bool)
}

// Siginfo is a signal as a reader of a signalfd sees it: the fields of struct signalfd_siginfo that the model fills in.
type Siginfo struct {
	Signo  abi.Signal
	Code   int
	Pid    int
	Status int // of a child: its exit code, or the signal that ended, stopped or continued it
}

// Signalfd is a set of signals, models struct signalfd_ctx. What it is ready for depends on who asks: a poll or read looks
// at the signals of its own task, and hooks to the queue of its own process. See signalfd(2).
type Signalfd struct {
	m        *sim.Machine
	id       sim.ID
	mask     abi.SigSet // changed under the siglock of who does it, which need not be that of who looks
	sleepers sleepers
}

// unblockable are the signals that nobody can block, and no signalfd shows.
const unblockable = abi.SigSet(1<<(abi.SIGKILL-1) | 1<<(abi.SIGSTOP-1))

// CheckSignalfdFlags is what signalfd4(2) asks of its flags, also where it only changes a mask.
func CheckSignalfdFlags(flags int) abi.Errno {
	if flags&^(abi.SFD_CLOEXEC|abi.SFD_NONBLOCK) != 0 {
		return abi.EINVAL
	}
	return 0
}

var signalfds = sim.NewCache(func(sf *Signalfd) { *sf = Signalfd{sleepers: sf.sleepers.again()} })

// NewSignalfd returns a new signalfd: signalfd4(2) up to the descriptor.
func NewSignalfd(s *vfs.System, mask abi.SigSet, flags int) *vfs.File {
	sf := signalfds.New(s.M)
	sf.m, sf.id, sf.mask = s.M, s.M.NewID(classSignalfd), mask&^unblockable
	s.Counters.Allocations++
	return s.NewFile(sf, abi.O_RDWR|flags&abi.SFD_NONBLOCK, "anon_inode:[signalfd]", anonIno)
}

// SignalfdOf returns the signalfd that f is a description of, or nil.
func SignalfdOf(f *vfs.File) *Signalfd {
	sf, _ := f.Ops.(*Signalfd)
	return sf
}

// SetMask replaces the set and wakes who waits for signals of the caller's process, whatever the new set is. Models the
// second half of do_signalfd4.
func (sf *Signalfd) SetMask(mask abi.SigSet) {
	who := sf.current()
	who.Siglock().Lock()
	sf.m.Write(sf.id, fieldSigmask)
	sf.mask = mask &^ unblockable
	who.Siglock().Unlock()
	who.SignalfdQueue().WakeUp(sim.Normal, 1, false, 0)
}

// Mask returns the signals that sf is about.
func (sf *Signalfd) Mask() abi.SigSet { return sf.mask }

// current is the running task as far as it has signals, or nil.
func (sf *Signalfd) current() Signaled {
	if t := sf.m.Current(); t != nil {
		if who, ok := t.Owner.(Signaled); ok {
			return who
		}
	}
	return nil
}

// Poll shows IN while a signal of the set waits for the calling task, no RDNORM. Models signalfd_poll.
func (sf *Signalfd) Poll(f *vfs.File, pt *vfs.PollTable) abi.Events {
	who := sf.current()
	if who == nil {
		return 0
	}
	pt.Wait(f, who.SignalfdQueue())
	who.Siglock().Lock()
	defer who.Siglock().Unlock()
	sf.m.Read(sf.id, fieldSigmask)
	if who.HasPending(sf.mask) {
		return abi.EPOLLIN
	}
	return 0
}

// Read takes as many signals of the calling task as there are and fit, 128 bytes each, and sleeps only for the first.
// Models signalfd_read_iter.
func (sf *Signalfd) Read(f *vfs.File, p []byte) (int, abi.Errno) {
	if len(p) < signalfdSize {
		return 0, abi.EINVAL
	}
	n := 0
	for wait := !f.NonBlocking(); len(p)-n >= signalfdSize; wait = false {
		info, errno := sf.dequeue(wait)
		if errno != 0 && n == 0 {
			return 0, errno
		}
		if errno != 0 {
			break
		}
		info.put(p[n : n+signalfdSize])
		n += signalfdSize
	}
	return n, 0
}

// dequeue takes the next signal, or waits for one; not exclusively, so that a signal wakes all who wait. Models
// signalfd_dequeue.
func (sf *Signalfd) dequeue(wait bool) (info Siginfo, errno abi.Errno) {
	who := sf.current()
	if who == nil {
		return info, abi.EAGAIN
	}
	t, lock, queue := sf.m.Current(), who.Siglock(), who.SignalfdQueue()
	lock.Lock()
	sf.m.Read(sf.id, fieldSigmask)
	info, ok := who.DequeueSignal(sf.mask)
	if ok || !wait {
		if !ok {
			errno = abi.EAGAIN
		}
		lock.Unlock()
		return info, errno
	}
	w := sf.sleepers.get(t, 0)
	w.Func = waitqueue.DefaultWake
	queue.Add(w)
	for {
		t.SetState(sim.Interruptible)
		sf.m.Read(sf.id, fieldSigmask)
		if info, ok = who.DequeueSignal(sf.mask); ok {
			break
		}
		if t.SignalPending() {
			errno = abi.ERESTARTSYS
			break
		}
		lock.Unlock()
		t.Schedule("signalfd_wqh", sf.id)
		lock.Lock()
	}
	lock.Unlock()
	queue.Remove(w)
	t.SetState(sim.Running)
	sf.sleepers.put(w)
	return info, errno
}

// put writes the record: the fields of signalfd_siginfo at their places.
func (i Siginfo) put(p []byte) {
	clear(p)
	for _, field := range [...]struct{ at, v int }{{0, int(i.Signo)}, {8, i.Code}, {12, i.Pid}, {40, i.Status}} {
		binary.LittleEndian.PutUint32(p[field.at:], uint32(field.v))
	}
}

// Write is EINVAL: a signalfd has none.
func (sf *Signalfd) Write(*vfs.File, []byte) (int, abi.Errno) { return 0, abi.EINVAL }

// Mute is of writes.
func (sf *Signalfd) Mute() (read, write bool) { return false, true }

// Release wakes nobody, and what is pending stays pending. Models signalfd_release.
func (sf *Signalfd) Release(*vfs.File) { sf.m.Free(sf.id) }

// Seek returns the position, which stays 0: noop_llseek.
func (sf *Signalfd) Seek(f *vfs.File, _ int64, _ int) (int64, abi.Errno) { return f.Pos, 0 }

// Fdinfo returns the line of /proc/PID/fdinfo/FD. Models signalfd_show_fdinfo.
func (sf *Signalfd) Fdinfo(*vfs.File) string {
	return fmt.Sprintf("sigmask:\t%016x\n", uint64(sf.mask))
}

// SignalfdState is a signalfd as plain data. Who waits for it stands in the queue of a process.
type SignalfdState struct {
	ID   string
	Mask abi.SigSet
}

// State returns what sf looks like now.
func (sf *Signalfd) State() *SignalfdState { return &SignalfdState{ID: sf.id.String(), Mask: sf.mask} }

// FileState is what a snapshot shows of sf. Who waits for it stands in the queue of its process.
func (sf *Signalfd) FileState() vfs.FileState {
	return vfs.FileState{Struct: "signalfd_ctx", ID: sf.id.String(), Fields: []vfs.FieldState{
		{Name: "sigmask", Value: sf.mask.String()},
	}, Queues: []waitqueue.State{}}
}

// Check reports every broken invariant of sf.
func (sf *Signalfd) Check() error {
	if sf.mask&unblockable != 0 {
		return errors.New(sf.id.String() + ": shows a signal that nobody can block")
	}
	return nil
}

// Traced is vfs.Traced.
func (sf *Signalfd) Traced() (string, sim.ID) { return "signalfd", sf.id }
